"""Which parameters may change: the option `vary` of whatever changes parameters."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from spinelink.errors import UnknownNameError
from spinelink.network.network import Network

Vary = str | Collection[str] | None
"""An id or the name of a node, several of them, or None for all parameters."""


def node_of(parameter: str) -> str:
    """The node that a parameter belongs to, from its id."""
    return parameter.split(".")[0]


def parameters_to_vary(
    network: Network, parameters: Iterable[str], *, vary: Vary
) -> frozenset[str]:
    """Ids of the parameters that may change.

    Args:
        network: the network.
        parameters: ids of all its parameters.
        vary: ids, or nodes whose parameters are all meant; None for all.

    Raises:
        UnknownNameError: the network has no such parameter or node.
    """
    ids = frozenset(parameters)
    if vary is None:
        return ids
    names = {vary} if isinstance(vary, str) else {str(name) for name in vary}
    known = {*ids, *network.nodes}
    for name in sorted(names - known):
        where = f"network {network.name!r}"
        raise UnknownNameError(name, kind="parameter or node", allowed=known, where=where)
    return frozenset(n for n in ids if n in names or node_of(n) in names)
