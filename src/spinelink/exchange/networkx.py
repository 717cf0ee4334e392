"""The network as a networkx graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spinelink.case import Model

if TYPE_CHECKING:
    import networkx as nx


def to_networkx(model: Model) -> nx.DiGraph[str]:
    """The network as a directed graph of networkx.

    Args:
        model: the network.

    Returns:
        An edge from each parent to each child. Node attributes role, origin, label and states; edge
        attribute cpd, the kind of the child's CPD.

    Example:
        >>> import spinelink as sl
        >>> graph = sl.load("minimal").to_networkx()
        >>> graph.nodes["numbness"]["role"]
        'symptom'
    """
    import networkx as nx

    network = model.network
    graph: nx.DiGraph[str] = nx.DiGraph(name=network.name, version=network.version)
    for name, node in network.nodes.items():
        graph.add_node(
            name, role=node.role, origin=node.origin, label=node.label, states=node.states
        )
    for name, parents in network.parents.items():
        graph.add_edges_from(((p, name) for p in parents), cpd=network.nodes[name].cpd.kind)
    return graph
