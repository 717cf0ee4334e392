"""The nodes of a network by name: a mapping that fits on a screen and completes its names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from spinelink.markup import element
from spinelink.network.node import Node

SHOWN = 20
"""Nodes that are shown of a network that has more."""


class Nodes(Mapping[str, Node]):
    """The nodes by name, in file order; never changed."""

    __slots__ = ("_nodes",)

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        self._nodes = nodes

    def __getitem__(self, name: str) -> Node:
        return self._nodes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._nodes)

    def __len__(self) -> int:
        return len(self._nodes)

    def __contains__(self, name: object) -> bool:
        return name in self._nodes

    def _ipython_key_completions_(self) -> list[str]:
        """What `model.nodes["` completes to."""
        return list(self._nodes)

    def __repr__(self) -> str:
        rows = self._rows()
        width = max((len(name) for name, *_ in rows), default=0)
        lines = [
            f"  {name:<{width}}  {label} ({role}: {states})" for name, label, role, states in rows
        ]
        return "\n".join([self._head(), *lines, *self._rest()])

    def _repr_html_(self) -> str:
        """The first nodes as a table."""
        head = (element("th", word) for word in ("name", "label", "role", "states"))
        body = (element("tr", *(element("td", cell) for cell in row)) for row in self._rows())
        return element(
            "div",
            element("p", self._head()),
            element("div", element("table", element("tr", *head), *body), style="overflow-x:auto"),
            *(element("p", element("small", line)) for line in self._rest()),
            class_="spinelink",
        )

    def _head(self) -> str:
        """How many nodes there are, in all and of each role."""
        roles = [node.role for node in self._nodes.values()]
        counts = ", ".join(f"{roles.count(role)} {role}" for role in dict.fromkeys(roles))
        return f"{len(self)} nodes: {counts}"

    def _rows(self) -> list[tuple[str, str, str, str]]:
        return [
            (name, node.label, node.role, ", ".join(node.states))
            for name, node in list(self._nodes.items())[:SHOWN]
        ]

    def _rest(self) -> list[str]:
        """What is not shown, and how it is found."""
        if len(self) <= SHOWN:
            return []
        return [f"... and {len(self) - SHOWN} more; model.findings('drop foot') searches them."]
