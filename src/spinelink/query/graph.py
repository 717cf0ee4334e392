"""The network as a picture: which nodes are shown, in which column, what is known of them, and how strong each arrow is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from spinelink.network.evidence import Evidence
from spinelink.network.network import Network
from spinelink.network.node import Node
from spinelink.network.parameter_ids import locate_in_cpd
from spinelink.network.question import Question
from spinelink.result import NOTICE, Result, show_number
from spinelink.typing import PathLike

if TYPE_CHECKING:
    import pandas as pd

LARGEST = 60  # nodes that are shown one by one unless told; a larger network is folded
RELEVANT = 8  # leading causes in the picture of a case
STRONG = 0.05  # an arrow that moves its child by less is no part of the relevant picture
DEEPEST, DEEPEST_MECHANISMS = (
    5,
    1,
)  # columns beyond the first, of a network without roles and of mechanisms: more would be too wide to read
COLUMNS = {"context": 0, "cause": 1, "mechanism": 2, "symptom": 3, "sign": 3, "test": 3, "other": 2}
KINDS = {"symptom": "finding", "sign": "finding", "test": "finding"}


@dataclass(frozen=True)
class Drawn:
    """A node, or several folded into one. probability: that it is not in its first state; before: the same without findings; finding: what was observed."""

    name: str
    label: str
    role: str
    column: int
    members: tuple[str, ...]
    tooltip: str
    probability: float | None = None
    before: float | None = None
    finding: str = ""


@dataclass(frozen=True)
class Arrow:
    """From one drawn node to another. strength: how far the parent moves the child, 0 to 1."""

    parent: str
    child: str
    strength: float


@dataclass(frozen=True, repr=False)
class Graph(Result):
    """A picture of the network, or of the part that matters: `.svg`, `.save(path)`; a notebook shows it. left_out: how many nodes are not in it."""

    name: str
    nodes: tuple[Drawn, ...]
    arrows: tuple[Arrow, ...]
    left_out: int

    def __len__(self) -> int:
        return len(self.nodes)

    def to_frame(self) -> pd.DataFrame:
        """Columns: node, label, role, column, members, probability, before, finding."""
        import pandas as pd

        rows = [
            (n.name, n.label, n.role, n.column, len(n.members), n.probability, n.before, n.finding)
            for n in self.nodes
        ]
        return pd.DataFrame(
            rows,
            columns=[
                "node",
                "label",
                "role",
                "column",
                "members",
                "probability",
                "before",
                "finding",
            ],
        )

    def title(self) -> str:
        left = f"; {self.left_out} further nodes are not shown" if self.left_out else ""
        return f"{self.question}\n{len(self.nodes)} boxes, {len(self.arrows)} arrows{left}"

    @property
    def svg(self) -> str:
        """The picture, as one SVG element, in the colours of the page that it is put into."""
        from spinelink.view.svg import draw

        return draw(self)

    def save(self, path: PathLike) -> Path:
        """Writes the SVG to a file, dark on white, which appears whole or not at all. Returns its path."""
        from spinelink.files import write_text
        from spinelink.view.svg import ALONE, draw

        write_text(Path(path), draw(self, page=ALONE))
        return Path(path)

    def picture(self) -> str:
        """The SVG as HTML for a notebook, where it shows whether or not the notebook is trusted."""
        from spinelink.view.svg import shown

        return shown(self)

    def _repr_html_(self) -> str:
        left = f"{self.left_out} further nodes are not shown. " if self.left_out else ""
        return f"<div class='spinelink'>{self.picture()}<p><small>{left}{NOTICE}</small></p></div>"


def neighbourhood(network: Network, around: Iterable[str], distance: int) -> set[str]:
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
    strengths: Mapping[tuple[str, str], float],
    *,
    keep: Collection[str] = (),
) -> set[str]:
    """The findings, the leading causes, and mechanisms on ways of strong arrows between them."""
    ends = {*evidence, *leading, *keep}
    strong: dict[str, list[str]] = {n: [] for n in network.nodes}
    for (p, c), s in strengths.items():
        if s >= STRONG:
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


def graph(
    network: Network,
    question: Question,
    strengths: Mapping[tuple[str, str], float],
    groups: Mapping[str, tuple[str, tuple[str, ...]]],
    *,
    evidence: Evidence,
    posterior: Mapping[str, float],
    prior: Mapping[str, float],
) -> Graph:
    """groups: what is drawn: name -> label and members. posterior, prior: of nodes that are drawn by themselves, as far as they are known."""
    of = {m: name for name, (_, members) in groups.items() for m in members}
    arrows: dict[tuple[str, str], float] = {}
    for (p, c), s in strengths.items():
        if p in of and c in of and of[p] != of[c]:
            key = (of[p], of[c])
            arrows[key] = max(arrows.get(key, 0.0), s)
    columns = _columns(network, groups, list(arrows))
    nodes = []
    for name, (label, members) in groups.items():
        node = network.nodes[members[0]]
        drawn = Drawn(
            name,
            label,
            KINDS.get(node.role, node.role),
            columns[name],
            members,
            _tooltip(network, members),
        )
        if len(members) == 1:
            finding = evidence.get(members[0])
            said = "" if finding is None else finding if isinstance(finding, str) else "uncertain"
            drawn = replace(
                drawn,
                probability=posterior.get(members[0]),
                before=prior.get(members[0]),
                finding=said,
            )
            drawn = replace(drawn, tooltip=_with_numbers(drawn, node))
        else:
            known = [m for m in members if m in evidence]
            drawn = replace(drawn, finding=f"{len(known)} known" if known else "")
        nodes.append(drawn)
    found = tuple(Arrow(p, c, s) for (p, c), s in arrows.items())
    return Graph(question, network.name, tuple(nodes), found, len(network.nodes) - len(of))


def _columns(
    network: Network,
    groups: Mapping[str, tuple[str, tuple[str, ...]]],
    arrows: Sequence[tuple[str, str]],
) -> dict[str, int]:
    """Context, causes, mechanisms, findings from left to right; mechanisms in two columns where they hang on each other. Without roles: by depth."""
    roles = {name: network.nodes[members[0]].role for name, (_, members) in groups.items()}
    if all(r == "other" for r in roles.values()):
        return _balanced(_depths(list(groups), arrows))
    base = {name: COLUMNS[r] for name, r in roles.items()}
    depth = _depths(list(groups), [(p, c) for p, c in arrows if base[p] == base[c] == 2])
    keys = {name: (base[name], min(depth[name], DEEPEST_MECHANISMS)) for name in groups}
    place = {key: k for k, key in enumerate(sorted(set(keys.values())))}
    return {name: place[key] for name, key in keys.items()}


def _depths(names: Sequence[str], arrows: Sequence[tuple[str, str]]) -> dict[str, int]:
    """How many arrows the longest way to each box has. Groups may hang on each other in a circle: an arrow that closes one does not count."""
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
    """Depths in at most six columns, neighbours together, so that the fullest column has as few boxes as can be."""
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
