"""The network as a networkx graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spinelink.network.network import Network

if TYPE_CHECKING:
    import networkx as nx


def to_networkx(network: Network) -> nx.DiGraph[str]:
    """A directed graph; node attributes role, origin, label, states, edge attribute cpd (the kind of the child's CPD)."""
    import networkx as nx

    graph: nx.DiGraph[str] = nx.DiGraph(name=network.name, version=network.version)
    for name, node in network.nodes.items():
        graph.add_node(
            name, role=node.role, origin=node.origin, label=node.label, states=node.states
        )
    for name, parents in network.parents.items():
        graph.add_edges_from(((p, name) for p in parents), cpd=network.nodes[name].cpd.kind)
    return graph
