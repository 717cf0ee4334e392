"""Which parameters may change: the option `vary` of whatever changes parameters."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from spinelink.errors import UnknownNameError
from spinelink.network.network import Network
from spinelink.network.parameter_ids import owner
from spinelink.options import text_list

Vary = str | Collection[str] | None
"""An id or the name of a node, several of them, or None for all parameters."""


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
    what = "a parameter, a node, or a list of them"
    names = set(text_list(vary, "vary", what=what))
    known = {*ids, *network.nodes}
    for name in sorted(names - known):
        where = f"network {network.name!r}"
        raise UnknownNameError(name, kind="parameter or node", allowed=known, where=where)
    return frozenset(n for n in ids if n in names or owner(n) in names)
