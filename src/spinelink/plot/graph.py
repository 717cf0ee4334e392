"""A network as SVG: columns from contexts to findings, bars of probability in the boxes, thick lines where the influence is strong.

Roles differ by outline as well as by colour, text takes the page's own colour, so it reads in grey, on light and on dark pages. Crossings are few, as
fast-sugiyama orders the boxes of each column (Sugiyama, Tagawa, Toda 1981).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from spinelink.plot.style import BLUE, GREEN, GREY, PURPLE, RED, YELLOW

if TYPE_CHECKING:
    from spinelink.query.graph import Arrow, Drawn, Graph

WIDTH, HEIGHT, PITCH, GAP, MARGIN = 160.0, 26.0, 33.0, 40.0, 8.0
ARC = 34.0  # room for arrows within the last column
FONT = 11.0
COLOURS: Mapping[str, str] = {"context": GREY, "cause": RED, "mechanism": YELLOW, "finding": BLUE, "other": PURPLE}
OUTLINES: Mapping[str, tuple[float, str]] = {  # corner radius, dashes
    "context": (13.0, ""),
    "cause": (2.0, ""),
    "mechanism": (7.0, "5 2"),
    "finding": (2.0, "1 2"),
    "other": (4.0, ""),
}
NARROW, WIDE = "fijlrt.,:;()[]|' I1-", "mwMWQO%@"
OBSERVED = GREEN
PAGE = "var(--jp-layout-color0,var(--vscode-editor-background,Canvas))"  # what lies under a box, so that no arrow runs through its words
MANY = 60  # arrows above which they are drawn fainter


def draw(graph: Graph) -> str:
    """The SVG element. Wider pictures shrink to the width they are given."""
    if not graph.nodes:
        return "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 200 30' width='200'><text x='8' y='20' font-size='11' fill='currentColor'>nothing to show</text></svg>"
    at = places(graph.nodes, graph.arrows)
    columns = max(n.column for n in graph.nodes) + 1
    width = 2 * MARGIN + columns * WIDTH + (columns - 1) * GAP
    height = max(y for _, y in at.values()) + HEIGHT + MARGIN
    column = {n.name: n.column for n in graph.nodes}
    if any(column[a.parent] == column[a.child] == columns - 1 for a in graph.arrows):
        width += ARC
    faint = min(1.0, MANY / max(len(graph.arrows), 1)) ** 0.5
    parts = [_arrow(a, at, faint) for a in sorted(graph.arrows, key=lambda a: a.strength)]
    parts += [_box(n, *at[n.name]) for n in graph.nodes]
    legend, deep = _legend(graph, height + 12, width)
    title = escape(
        f"Network {graph.name}: {len(graph.nodes)} boxes in {columns} columns, from contexts and causes on the left to findings on the right"
    )
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' role='img' viewBox='0 0 {width:.0f} {deep:.0f}' width='{width:.0f}' "
        f"style='max-width:100%;height:auto;font-family:sans-serif'><title>{title}</title>{''.join(parts)}{legend}</svg>"
    )


def places(nodes: Sequence[Drawn], arrows: Sequence[Arrow]) -> dict[str, tuple[float, float]]:
    """Left upper corner of each box."""
    columns: dict[int, list[str]] = {}
    rank = crossing_order(nodes, arrows)
    for n in sorted(nodes, key=lambda n: rank[n.name]):
        columns.setdefault(n.column, []).append(n.name)
    tallest = max(map(len, columns.values()))
    found = {}
    for column, names in columns.items():
        # A column of few boxes is spread over part of the height, so that its arrows run flat.
        pitch = min(PITCH * 2.0, PITCH * (tallest - 1) / (len(names) - 1)) if len(names) > 1 else PITCH
        top = MARGIN + (PITCH * (tallest - 1) - pitch * (len(names) - 1)) / 2.0
        for k, name in enumerate(names):
            found[name] = (MARGIN + column * (WIDTH + GAP), top + k * pitch)
    return found


def crossing_order(nodes: Sequence[Drawn], arrows: Sequence[Arrow]) -> dict[str, float]:
    """Where in its column each box stands. Long arrows are cut into steps of one column, and each box hangs on a chain from the first, so that the layers
    that fast-sugiyama finds are the columns."""
    from fast_sugiyama import from_edges

    index = {n.name: k for k, n in enumerate(nodes)}
    column = [n.column for n in nodes]
    last = max(column)
    chain = list(range(len(nodes), len(nodes) + last + 1))
    edges = [(chain[k], chain[k + 1]) for k in range(last)]
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
    edges += [(chain[column[k] - 1], k) for k in range(len(nodes)) if column[k] > 0 and k not in linked]
    if last == 0 or not edges:
        return {n.name: float(k) for n, k in zip(nodes, range(len(nodes)), strict=True)}
    # Boxes of later columns whose parents are all far to the left are pinned by the chain as well; first-column boxes need nothing.
    edges += [(chain[column[k] - 1], k) for k in linked if column[k] > 0]
    layout = from_edges(list(dict.fromkeys(edges)), minimum_length=1, crossing_minimization="barycenter", check_layout=False)
    x = {name: xy[0] for name, xy in layout.to_dict().items()}  # type: ignore[no-untyped-call]
    return {n.name: float(x.get(index[n.name], len(nodes) + index[n.name])) for n in nodes}


def _arrow(a: Arrow, at: Mapping[str, tuple[float, float]], faint: float) -> str:
    (x1, y1), (x2, y2) = at[a.parent], at[a.child]
    y1, y2 = y1 + HEIGHT / 2, y2 + HEIGHT / 2
    if x2 > x1:
        x1, x2 = x1 + WIDTH, x2 - 4.0
        bend = min(max((x2 - x1) / 2, 18.0), 60.0)
        path, tip = (
            f"M{x1:.0f} {y1:.1f}C{x1 + bend:.0f} {y1:.1f} {x2 - bend:.0f} {y2:.1f} {x2:.0f} {y2:.1f}",
            f"M{x2:.0f} {y2 - 3:.1f}l5 3-5 3z",
        )
    else:  # within a column, or back
        x1, x2 = x1 + WIDTH, x2 + WIDTH + 4.0
        out = max(x1, x2) + 26.0
        path, tip = f"M{x1:.0f} {y1:.1f}C{out:.0f} {y1:.1f} {out:.0f} {y2:.1f} {x2:.0f} {y2:.1f}", f"M{x2:.0f} {y2 - 3:.1f}l-5 3 5 3z"
    thick, dark = 0.6 + 2.6 * a.strength * faint, (0.2 + 0.5 * a.strength) * faint
    words = escape(f"{a.parent} -> {a.child}, strength {a.strength:.2f}")
    return (
        f"<g stroke-opacity='{dark:.2f}' fill-opacity='{dark:.2f}'><title>{words}</title>"
        f"<path d='{path}' fill='none' stroke='currentColor' stroke-width='{thick:.1f}'/><path d='{tip}' fill='currentColor'/></g>"
    )


def _box(n: Drawn, x: float, y: float) -> str:
    colour = OBSERVED if n.finding else COLOURS[n.role]
    radius, dashes = OUTLINES[n.role]
    number = "" if n.probability is None or n.finding else _percent(n.probability)
    room = WIDTH - 10 - (30 if number else 0)
    label = f"{n.label}: {n.finding}" if n.finding else n.label
    outline = f"stroke='{colour}' stroke-width='{2.6 if n.finding else 1.3}'" + (
        f" stroke-dasharray='{dashes}'" if dashes and not n.finding else ""
    )
    parts = [f"<g class='node' data-node='{escape(n.name)}'><title>{escape(n.tooltip)}</title>"]
    where = f"<rect x='{x:.0f}' y='{y:.1f}' width='{WIDTH:.0f}' height='{HEIGHT:.0f}' rx='{radius:.0f}'"
    parts.append(f"{where} style='fill:{PAGE}'/>{where} fill='{colour}' fill-opacity='0.16' {outline}/>")
    if n.probability is not None and not n.finding:
        inside = WIDTH - 8
        parts.append(f"<rect x='{x + 4:.0f}' y='{y + HEIGHT - 6:.1f}' width='{inside * n.probability:.1f}' height='3.5' fill='{colour}'/>")
        if n.before is not None:
            tick = x + 4 + inside * n.before
            parts.append(f"<path d='M{tick:.1f} {y + HEIGHT - 8:.1f}v7' stroke='currentColor' stroke-width='1.2'/>")
    up = 3 if n.probability is not None and not n.finding else 0
    bold = " font-weight='bold'" if n.finding else ""
    parts.append(
        f"<text x='{x + 6:.0f}' y='{y + HEIGHT / 2 + 4 - up:.1f}' font-size='{FONT:.0f}' fill='currentColor'{bold}>{escape(fit(label, room, bold=bool(bold)))}</text>"
    )
    if number:
        parts.append(
            f"<text x='{x + WIDTH - 5:.0f}' y='{y + HEIGHT / 2 + 4 - up:.1f}' font-size='{FONT - 1:.0f}' text-anchor='end' fill='currentColor'>{number}</text>"
        )
    return "".join([*parts, "</g>"])


def _percent(p: float) -> str:
    if p <= 0.0 or p >= 1.0:
        return f"{p:.0%}"
    return "<1%".replace("<", "&lt;") if p < 0.005 else "&gt;99%" if p > 0.995 else f"{p:.0%}"


def text_width(text: str, *, bold: bool = False) -> float:
    """About how wide a text is, in pixels of the boxes' font."""
    units = sum(0.3 if c in NARROW else 0.86 if c in WIDE else 0.68 if c.isupper() else 0.54 for c in text)
    return units * FONT * (1.06 if bold else 1.0)


def fit(text: str, room: float, *, bold: bool = False) -> str:
    """The text, cut where it does not fit; a finding's state at its end stays."""
    if text_width(text, bold=bold) <= room:
        return text
    head, colon, tail = text.rpartition(": ")
    tail = f"{colon}{tail}" if colon else ""
    head = head if colon else text
    while len(head) > 4 and text_width(f"{head}...{tail}", bold=bold) > room:
        head = head[:-1]
    whole = f"{head.rstrip()}...{tail}"
    while len(whole) > 6 and text_width(whole, bold=bold) > room:
        whole = whole[:-4] + "..."
    return whole


def _legend(graph: Graph, y: float, width: float) -> tuple[str, float]:
    """What outlines, bars and lines mean; and where the picture ends."""
    shown = [r for r in COLOURS if any(n.role == r and not n.finding for n in graph.nodes)]
    items = [(COLOURS[r], OUTLINES[r], r) for r in shown]
    parts, x = [], MARGIN
    words = [(c, o, w, 1.3) for c, o, w in items]
    if any(n.finding for n in graph.nodes):
        words.append((OBSERVED, (2.0, ""), "observed", 2.6))
    for colour, (radius, dashes), word, thick in words:
        dash = f" stroke-dasharray='{dashes}'" if dashes else ""
        parts.append(
            f"<rect x='{x:.0f}' y='{y:.0f}' width='22' height='12' rx='{min(radius, 6):.0f}' fill='{colour}' fill-opacity='0.16' stroke='{colour}' stroke-width='{thick}'{dash}/>"
        )
        parts.append(f"<text x='{x + 27:.0f}' y='{y + 10:.0f}' font-size='{FONT - 1:.0f}' fill='currentColor'>{word}</text>")
        x += 40 + 0.9 * text_width(word)
    notes = []
    if any(n.probability is not None and not n.finding for n in graph.nodes):
        notes.append(
            "bar: probability of not being in the first state"
            + (", tick: before the findings" if any(n.before is not None for n in graph.nodes) else "")
        )
    if any(a.strength >= 0.3 for a in graph.arrows):
        notes.append("thick line: strong influence")
    for note in notes:
        if x + text_width(note) > width - MARGIN:
            x, y = MARGIN, y + 18
        parts.append(f"<text x='{x:.0f}' y='{y + 10:.0f}' font-size='{FONT - 1:.0f}' fill='currentColor'>{escape(note)}</text>")
        x += 14 + 0.88 * text_width(note)
    return "".join(parts), y + 20
