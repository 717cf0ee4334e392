"""The boxes and arrows of a picture: which nodes matter, what is folded, and in which column."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from spinelink.network.cpd import AdditiveRates
from spinelink.network.evidence import Evidence
from spinelink.network.network import Network
from spinelink.network.node import Node
from spinelink.network.parameter_ids import locate_in_cpd
from spinelink.view.layout import Arrow, Drawn
from spinelink.view.text import show_number

STRONG = 0.05
"""An arrow that moves its child by less is no part of the relevant picture."""
DEEPEST, DEEPEST_MECHANISMS = 5, 1
"""Columns beyond the first, of a network without roles and of mechanisms: more would be too wide."""
COLUMNS = {
    "context": 0,
    "cause": 1,
    "mechanism": 2,
    "other": 2,
    "symptom": 3,
    "sign": 3,
    "test": 3,
    "selection": 4,
}
KINDS = {"symptom": "finding", "sign": "finding", "test": "finding"}

Groups = Mapping[str, tuple[str, tuple[str, ...]]]
"""What is drawn: name -> label and members."""


def neighbourhood(network: Network, around: Iterable[str], *, distance: int) -> set[str]:
    """Nodes at most so many arrows away."""
    found = set(around)
    edge = set(found)
    for _ in range(distance):
        edge = {m for n in edge for m in (*network.parents[n], *network.children[n])} - found
        found |= edge
    return found


def relevant(
    network: Network,
    evidence: Evidence,
    leading: Sequence[str],
    *,
    strengths: Mapping[tuple[str, str], float],
    keep: Collection[str] = (),
) -> set[str]:
    """The findings, the leading causes, and mechanisms on ways of strong arrows between them."""
    ends = {*evidence, *leading, *keep}
    strong: dict[str, list[str]] = {n: [] for n in network.nodes}
    for (p, c), s in strengths.items():
        if s >= STRONG and p in strong and c in strong:  # a selection is made of further nodes
            strong[p].append(c)

    def reach(start: Iterable[str], ways: Mapping[str, Sequence[str]]) -> set[str]:
        found, stack = set(start), list(start)
        while stack:
            for other in ways[stack.pop()]:
                if other not in found:
                    found.add(other)
                    stack.append(other)
        return found

    back: dict[str, list[str]] = {n: [] for n in network.nodes}
    for p, children in strong.items():
        for c in children:
            back[c].append(p)
    between = reach(leading, strong) & reach(evidence, back)
    return ends | {n for n in between if network.nodes[n].role in ("mechanism", "cause")}


def folded(network: Network) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Groups of a large network: name -> label and members. Mechanisms stay by themselves."""
    groups: dict[str, list[str]] = {}
    for n, node in network.nodes.items():
        groups.setdefault(_group(n, node), []).append(n)
    found = {}
    for name, members in groups.items():
        label = network.nodes[members[0]].label if len(members) == 1 else f"{name} ({len(members)})"
        found[members[0] if len(members) == 1 else name] = (label, tuple(members))
    return found


def _group(name: str, node: Node) -> str:
    match node.role:
        case "context":
            return "Contexts"
        case "cause":
            return f"Causes: {node.origin}"
        case "symptom" | "sign":
            return f"{node.role.capitalize()}s: {(node.region or 'general').replace('_', ' ')}"
        case "test":
            return f"Tests: {(node.procedure or 'others').split('_')[0]}"
        case _:
            return name


@dataclass(frozen=True)
class Boxes:
    """What is drawn, and what is known of it.

    posterior, prior: P(present) of nodes that are drawn by themselves, as far as they are known.
    """

    network: Network
    groups: Groups
    evidence: Evidence
    posterior: Mapping[str, float]
    prior: Mapping[str, float]

    def drawn(
        self, strengths: Mapping[tuple[str, str], float]
    ) -> tuple[tuple[Drawn, ...], tuple[Arrow, ...]]:
        """The boxes in their columns, and the arrows between them."""
        box_of = {m: name for name, (_, members) in self.groups.items() for m in members}
        arrows: dict[tuple[str, str], float] = {}
        for (p, c), s in strengths.items():
            if p in box_of and c in box_of and box_of[p] != box_of[c]:
                key = (box_of[p], box_of[c])
                arrows[key] = max(arrows.get(key, 0.0), s)
        arrows |= {
            (box_of[p], box_of[name]): share
            for name, share_of in rate_shares(self.network).items()
            for p, share in share_of.items()
            if name in box_of and p in box_of and box_of[p] != box_of[name]
        }
        columns = _columns(self.network, self.groups, list(arrows))
        nodes = tuple(self._box(name, columns[name]) for name in self.groups)
        return nodes, tuple(Arrow(p, c, s) for (p, c), s in arrows.items())

    def _box(self, name: str, column: int) -> Drawn:
        label, members = self.groups[name]
        node = self.network.nodes[members[0]]
        kind = KINDS.get(node.role, node.role)
        box = Drawn(name, label, kind, column, members, _tooltip(self.network, members))
        if len(members) > 1:
            known = [m for m in members if m in self.evidence]
            return replace(box, finding=f"{len(known)} known" if known else "")
        finding = self.evidence.get(members[0])
        words = "" if finding is None else finding if isinstance(finding, str) else "uncertain"
        box = replace(
            box,
            probability=self.posterior.get(members[0]),
            before=self.prior.get(members[0]),
            finding=words,
        )
        return replace(box, tooltip=_with_numbers(box, node))


def rate_shares(network: Network) -> dict[str, dict[str, float]]:
    """Of each selection node the parents, with their share of all its rates."""
    found: dict[str, dict[str, float]] = {}
    for name, node in network.nodes.items():
        if isinstance(node.cpd, AdditiveRates):
            rates = {
                p: sum(r.value for r in rate.values()) if isinstance(rate, Mapping) else rate.value
                for p, rate in node.cpd.rates.items()
            }
            total = sum(rates.values())
            found[name] = {p: rate / total for p, rate in rates.items()}
    return found


def _columns(
    network: Network,
    groups: Groups,
    arrows: Sequence[tuple[str, str]],
) -> dict[str, int]:
    """Contexts, causes, mechanisms and findings from left to right.

    Mechanisms take two columns where they depend on each other. Without roles: by depth.
    """
    roles = {name: network.nodes[members[0]].role for name, (_, members) in groups.items()}
    if all(r == "other" for r in roles.values()):
        return _balanced(_depths(list(groups), arrows))
    base = {name: COLUMNS[r] for name, r in roles.items()}
    depth = _depths(list(groups), [(p, c) for p, c in arrows if base[p] == base[c] == 2])
    keys = {name: (base[name], min(depth[name], DEEPEST_MECHANISMS)) for name in groups}
    place = {key: k for k, key in enumerate(sorted(set(keys.values())))}
    return {name: place[key] for name, key in keys.items()}


def _depths(names: Sequence[str], arrows: Sequence[tuple[str, str]]) -> dict[str, int]:
    """How many arrows the longest way to each box has.

    Groups may depend on each other in a circle: an arrow that closes one does not count.
    """
    parents: dict[str, list[str]] = {name: [] for name in names}
    for p, c in arrows:
        parents[c].append(p)
    depth: dict[str, int] = {}

    def deep(name: str, observed: frozenset[str]) -> int:
        if name not in depth:
            depth[name] = max(
                (deep(p, observed | {name}) + 1 for p in parents[name] if p not in observed),
                default=0,
            )
        return depth[name]

    for name in names:
        deep(name, frozenset())
    return depth


def _balanced(depth: Mapping[str, int]) -> dict[str, int]:
    """Depths in at most six columns, neighbours together.

    The fullest column has as few boxes as possible.
    """
    levels = [
        sum(d == k for d in depth.values()) for k in range(max(depth.values(), default=0) + 1)
    ]
    most = max(max(levels), -(-len(depth) // (DEEPEST + 1)))
    while len(starts := _starts(levels, most)) > DEEPEST + 1:
        most += 1
    return {name: sum(d >= start for start in starts) - 1 for name, d in depth.items()}


def _starts(levels: Sequence[int], most: int) -> list[int]:
    """Where columns of at most so many boxes begin."""
    found, size = [0], 0
    for k, count in enumerate(levels):
        if size + count > most and k > found[-1]:
            found.append(k)
            size = 0
        size += count
    return found


def _tooltip(network: Network, members: Sequence[str]) -> str:
    if len(members) > 1:
        return "\n".join(network.nodes[m].label for m in members)
    node = network.nodes[members[0]]
    keys = sorted(
        {key for number in locate_in_cpd(members[0], node.cpd) for key in number.parameter.source}
    )
    lines = [
        f"{node.label} ({members[0]})",
        node.description or node.question,
        f"States: {', '.join(node.states)}",
    ]
    return "\n".join(
        [
            *(line for line in lines if line),
            *([f"Sources: {', '.join(keys)}"] if keys else ["No source: judged"]),
        ]
    )


def _with_numbers(drawn: Drawn, node: Node) -> str:
    lines = [drawn.tooltip]
    if drawn.finding:
        lines.append(f"Found: {drawn.finding}")
    elif drawn.probability is not None:
        what = f"P({node.states[1]})" if len(node.states) == 2 else f"P(not {node.states[0]})"
        before = (
            f", before the findings {show_number(drawn.before)}" if drawn.before is not None else ""
        )
        lines.append(f"{what} = {show_number(drawn.probability)}{before}")
    return "\n".join(lines)
