"""What a picture of a network holds, and where each box stands.

fast-sugiyama orders the boxes of each column, so that few arrows cross (Sugiyama, Tagawa and Toda
1981).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

WIDTH, HEIGHT, PITCH, GAP, MARGIN = 160.0, 26.0, 33.0, 40.0, 8.0


@dataclass(frozen=True)
class Drawn:
    """A box of the picture: a node, or several folded into one.

    probability: P(present); before: the same without findings; finding: what was observed.
    """

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
    """From one box to another. strength: how far the parent moves the child, 0 to 1."""

    parent: str
    child: str
    strength: float


@dataclass(frozen=True)
class Picture:
    """What is drawn: the name of the network, its boxes, and the arrows between them."""

    name: str
    nodes: tuple[Drawn, ...]
    arrows: tuple[Arrow, ...]


def places(nodes: Sequence[Drawn], arrows: Sequence[Arrow]) -> dict[str, tuple[float, float]]:
    """The left upper corner (x, y) of each box, in pixels."""
    columns: dict[int, list[str]] = {}
    rank = crossing_order(nodes, arrows)
    for n in sorted(nodes, key=lambda n: rank[n.name]):
        columns.setdefault(n.column, []).append(n.name)
    tallest = max(map(len, columns.values()))
    corners = {}
    for column, names in columns.items():
        # A column of few boxes is spread over part of the height, so that its arrows run flat.
        pitch = PITCH
        if len(names) > 1:
            pitch = min(PITCH * 2.0, PITCH * (tallest - 1) / (len(names) - 1))
        top = MARGIN + (PITCH * (tallest - 1) - pitch * (len(names) - 1)) / 2.0
        for k, name in enumerate(names):
            corners[name] = (MARGIN + column * (WIDTH + GAP), top + k * pitch)
    return corners


def crossing_order(nodes: Sequence[Drawn], arrows: Sequence[Arrow]) -> dict[str, float]:
    """The order in which the boxes of a column stand, so that few arrows cross.

    Args:
        nodes: the boxes.
        arrows: between them; those within a column play no part.

    Returns:
        Name -> a number that rises from the top of its column to the bottom.

    Source:
        Sugiyama, Tagawa and Toda 1981 (fast-sugiyama).
    """
    if max(n.column for n in nodes) == 0:
        return {n.name: float(k) for k, n in enumerate(nodes)}
    from fast_sugiyama import from_edges

    layout = from_edges(
        _layered_edges(nodes, arrows),
        minimum_length=1,
        crossing_minimization="barycenter",
        check_layout=False,
    )
    x = {name: xy[0] for name, xy in layout.to_dict().items()}  # type: ignore[no-untyped-call]
    return {n.name: float(x.get(k, len(nodes) + k)) for k, n in enumerate(nodes)}


def _layered_edges(nodes: Sequence[Drawn], arrows: Sequence[Arrow]) -> list[tuple[int, int]]:
    """Edges between numbered boxes whose layers are the columns.

    A chain of extra boxes has one in each column. Every box hangs on the chain, and a long arrow is
    cut into steps of one column.
    """
    index = {n.name: k for k, n in enumerate(nodes)}
    column = [n.column for n in nodes]
    chain = list(range(len(nodes), len(nodes) + max(column) + 1))
    edges = list(pairwise(chain))
    new = chain[-1] + 1
    linked = set()
    for a in arrows:
        one, two = sorted((index[a.parent], index[a.child]), key=lambda k: column[k])
        if column[one] == column[two]:
            continue
        before = one
        for _ in range(column[one] + 1, column[two]):
            edges.append((before, new))
            before, new = new, new + 1
        edges.append((before, two))
        linked.add(two)
    later = [k for k in range(len(nodes)) if column[k] > 0]
    edges += [(chain[column[k] - 1], k) for k in later if k not in linked]
    # Boxes whose parents are all far to the left are pinned by the chain as well.
    edges += [(chain[column[k] - 1], k) for k in linked if column[k] > 0]
    return list(dict.fromkeys(edges))
