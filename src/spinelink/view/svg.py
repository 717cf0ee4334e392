"""A network as SVG: columns from contexts to findings, bars of probability in the boxes, thick lines where the influence is strong.

Roles differ by outline as well as by colour, text takes the page's own colour, so it reads in grey, on light and on dark pages. Crossings are few, as
fast-sugiyama orders the boxes of each column (Sugiyama, Tagawa, Toda 1981).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from spinelink.view.html import Html, element
from spinelink.view.plot.style import BLUE, GREEN, GREY, PURPLE, RED, YELLOW

WIDTH, HEIGHT, PITCH, GAP, MARGIN = 160.0, 26.0, 33.0, 40.0, 8.0
ARC = 34.0  # room for arrows within the last column
FONT = 11.0
COLOURS: Mapping[str, str] = {
    "context": GREY,
    "cause": RED,
    "mechanism": YELLOW,
    "finding": BLUE,
    "other": PURPLE,
}
OUTLINES: Mapping[str, tuple[float, str]] = {  # corner radius, dashes
    "context": (13.0, ""),
    "cause": (2.0, ""),
    "mechanism": (7.0, "5 2"),
    "finding": (2.0, "1 2"),
    "other": (4.0, ""),
}
NARROW, WIDE = "fijlrt.,:;()[]|' I1-", "mwMWQO%@"
FULL = "\u2e80"  # from here on letters as wide as they are high
NUMBER = 32.0  # room for a percentage
OBSERVED = GREEN
PAGE = "var(--jp-layout-color0,var(--vscode-editor-background,Canvas))"  # what lies under a box, so that no arrow runs through its words
FONTS = "font-family:Arial,Liberation Sans,Helvetica,DejaVu Sans Condensed,sans-serif"  # about as wide as `text_width` says
WIDER = 1.25  # how much wider another font may be: text that could then leave its room is set to the width it has here
TIGHTER = 1.1  # how much closer letters may stand before a text is cut
INLINE = "color:inherit"
ALONE = "color:#1b1f24;background:#fff"
TRUSTED = ".spinelink-trusted~.spinelink-image{display:none}.spinelink-trusted~.spinelink-svg{display:block!important}"
MANY = 60  # arrows above which they are drawn fainter


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


def draw(picture: Picture, *, page: str = INLINE, tooltips: bool = True) -> str:
    """The SVG element. Wider pictures shrink to the width they are given. page: INLINE takes the colours of the page around it, ALONE brings its own."""
    if not picture.nodes:
        return f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 200 30' width='200' style='{page}'><text x='8' y='20' font-size='11' fill='currentColor'>nothing to show</text></svg>"
    at = places(picture.nodes, picture.arrows)
    columns = max(n.column for n in picture.nodes) + 1
    width = 2 * MARGIN + columns * WIDTH + (columns - 1) * GAP
    height = max(y for _, y in at.values()) + HEIGHT + MARGIN
    column = {n.name: n.column for n in picture.nodes}
    if any(column[a.parent] == column[a.child] == columns - 1 for a in picture.arrows):
        width += ARC
    faint = min(1.0, MANY / max(len(picture.arrows), 1)) ** 0.5
    arrows = [
        _arrow(a, at, faint, tooltips=tooltips)
        for a in sorted(picture.arrows, key=lambda a: a.strength)
    ]
    parts = ["<g fill='currentColor' stroke='currentColor'>", *arrows, "</g>"]
    parts += [_box(n, *at[n.name], tooltips=tooltips) for n in picture.nodes]
    legend, deep = _legend(picture, height + 12, width)
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' role='img' viewBox='0 0 {width:.0f} {deep:.0f}' width='{width:.0f}' "
        f"style='max-width:100%;height:auto;{FONTS};{page}'><title>{escape(describe(picture))}</title>{''.join(parts)}{legend}</svg>"
    )


def describe(picture: Picture) -> str:
    """The picture in words: its boxes, column by column, with what is known of each."""
    columns: dict[int, list[str]] = {}
    for n in picture.nodes:
        said = (
            f" {n.finding}"
            if n.finding
            else ""
            if n.probability is None
            else f" {_percent(n.probability)}"
        )
        columns.setdefault(n.column, []).append(f"{n.label}{said}")
    head = f"Network {picture.name}, {len(picture.nodes)} boxes in {len(columns)} columns, from contexts and causes to findings"
    return f"{head}: {'; '.join(', '.join(columns[c]) for c in sorted(columns))}."


def shown(picture: Picture) -> Html:
    """For a notebook: the SVG itself, and in its place an image of it in a notebook that is not trusted yet.

    There Jupyter takes out <style> with what is in it, and <svg> without the words in it. So the words are hidden unless the style is there.
    """
    image = b64encode(draw(picture, page=ALONE, tooltips=False).encode()).decode()
    source = f"data:image/svg+xml;base64,{image}"
    look = {"style": "max-width:100%", "alt": describe(picture), "src": source}
    svg = element(
        "div", Html(draw(picture)), class_="spinelink-svg", hidden="", style="display:none"
    )
    style = element("style", Html(TRUSTED), class_="spinelink-trusted")
    return element("div", style, element("img", class_="spinelink-image", **look), svg)


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
        pitch = (
            min(PITCH * 2.0, PITCH * (tallest - 1) / (len(names) - 1)) if len(names) > 1 else PITCH
        )
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
    edges += [
        (chain[column[k] - 1], k) for k in range(len(nodes)) if column[k] > 0 and k not in linked
    ]
    if last == 0 or not edges:
        return {n.name: float(k) for n, k in zip(nodes, range(len(nodes)), strict=True)}
    # Boxes of later columns whose parents are all far to the left are pinned by the chain as well; first-column boxes need nothing.
    edges += [(chain[column[k] - 1], k) for k in linked if column[k] > 0]
    layout = from_edges(
        list(dict.fromkeys(edges)),
        minimum_length=1,
        crossing_minimization="barycenter",
        check_layout=False,
    )
    x = {name: xy[0] for name, xy in layout.to_dict().items()}  # type: ignore[no-untyped-call]
    return {n.name: float(x.get(index[n.name], len(nodes) + index[n.name])) for n in nodes}


def _arrow(a: Arrow, at: Mapping[str, tuple[float, float]], faint: float, *, tooltips: bool) -> str:
    (x1, y1), (x2, y2) = at[a.parent], at[a.child]
    y1, y2 = y1 + HEIGHT / 2, y2 + HEIGHT / 2
    if x2 > x1:
        x1, x2 = x1 + WIDTH, x2 - 4.0
        bend = min(max((x2 - x1) / 2, 18.0), 60.0)
        path, tip = (
            f"M{x1:.0f} {y1:.0f}C{x1 + bend:.0f} {y1:.0f} {x2 - bend:.0f} {y2:.0f} {x2:.0f} {y2:.0f}",
            f"M{x2:.0f} {y2 - 3:.0f}l5 3-5 3z",
        )
    else:  # within a column, or back
        x1, x2 = x1 + WIDTH, x2 + WIDTH + 4.0
        out = max(x1, x2) + 26.0
        path, tip = (
            f"M{x1:.0f} {y1:.1f}C{out:.0f} {y1:.1f} {out:.0f} {y2:.1f} {x2:.0f} {y2:.1f}",
            f"M{x2:.0f} {y2 - 3:.1f}l-5 3 5 3z",
        )
    thick, dark = 0.6 + 2.6 * a.strength * faint, (0.2 + 0.5 * a.strength) * faint
    words = (
        f"<title>{escape(f'{a.parent} -> {a.child}, strength {a.strength:.2f}')}</title>"
        if tooltips
        else ""
    )
    return f"<g opacity='{dark:.2f}'>{words}<path d='{path}' fill='none' stroke-width='{thick:.1f}'/><path d='{tip}' stroke='none'/></g>"


def _box(n: Drawn, x: float, y: float, *, tooltips: bool) -> str:
    colour = OBSERVED if n.finding else COLOURS[n.role]
    radius, dashes = OUTLINES[n.role]
    number = "" if n.probability is None or n.finding else _percent(n.probability)
    outline = f"stroke='{colour}' stroke-width='{2.6 if n.finding else 1.3}'" + (
        f" stroke-dasharray='{dashes}'" if dashes and not n.finding else ""
    )
    where = (
        f"<rect x='{x:.0f}' y='{y:.1f}' width='{WIDTH:.0f}' height='{HEIGHT:.0f}' rx='{radius:.0f}'"
    )
    tip = f"<title>{escape(n.tooltip)}</title>" if tooltips else ""
    frame = f"<g class='node' data-node='{escape(n.name)}'>{tip}{where} style='fill:{PAGE}'/>{where} fill='{colour}' fill-opacity='0.16' {outline}/>"
    line = y + HEIGHT / 2 + (1 if number else 4)
    label = f"{n.label}: {n.finding}" if n.finding else n.label
    words = _text(
        label, x + 6, line, room=WIDTH - 12 - (NUMBER if number else 0), bold=bool(n.finding)
    )
    share = (
        _text(number, x + WIDTH - 5, line, room=NUMBER - 4, size=FONT - 1, end=True)
        if number
        else ""
    )
    return f"{frame}{_bar(n, x, y, colour) if number else ''}{words}{share}</g>"


def _bar(n: Drawn, x: float, y: float, colour: str) -> str:
    """How probable, and a tick for how probable before the findings."""
    inside, p = WIDTH - 8, n.probability or 0.0
    bar = f"<rect x='{x + 4:.0f}' y='{y + HEIGHT - 6:.1f}' width='{inside * p:.1f}' height='3.5' fill='{colour}'/>"
    if n.before is None:
        return bar
    return f"{bar}<path d='M{x + 4 + inside * n.before:.1f} {y + HEIGHT - 8:.1f}v7' stroke='currentColor' stroke-width='1.2'/>"


def _percent(p: float) -> str:
    if p <= 0.0 or p >= 1.0:
        return f"{p:.0%}"
    return "<1%" if p < 0.005 else ">99%" if p > 0.995 else f"{p:.0%}"


def _text(
    text: str,
    x: float,
    y: float,
    *,
    room: float,
    size: float = FONT,
    bold: bool = False,
    end: bool = False,
) -> str:
    """A text that stays in its room whatever the font: cut where it does not fit, and set to its width where a wider font would overflow."""
    cut = fit(text, room * TIGHTER * FONT / size, bold=bold)
    width = text_width(cut, bold=bold) * size / FONT
    held = (
        f" textLength='{min(width, room):.1f}' lengthAdjust='spacingAndGlyphs'"
        if width * WIDER > room
        else ""
    )
    weight, anchor = " font-weight='bold'" if bold else "", " text-anchor='end'" if end else ""
    return f"<text x='{x:.0f}' y='{y:.1f}' font-size='{size:.0f}' fill='currentColor'{weight}{anchor}{held}>{escape(cut)}</text>"


def text_width(text: str, *, bold: bool = False) -> float:
    """About how wide a text is, in pixels of the boxes' font."""
    units = sum(
        0.3
        if c in NARROW
        else 0.86
        if c in WIDE
        else 0.68
        if c.isupper()
        else 0.54
        if c < FULL
        else 1.0
        for c in text
    )
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


def _legend(picture: Picture, y: float, width: float) -> tuple[str, float]:
    """What outlines, bars and lines mean; and where the picture ends."""
    shown = [r for r in COLOURS if any(n.role == r and not n.finding for n in picture.nodes)]
    words = [(COLOURS[r], OUTLINES[r], r, 1.3) for r in shown]
    if any(n.finding for n in picture.nodes):
        words.append((OBSERVED, (2.0, ""), "observed", 2.6))
    entries = [(_key(*each), each[2], 27.0) for each in words]
    if any(n.probability is not None and not n.finding for n in picture.nodes):
        tick = (
            ", tick: before the findings"
            if any(n.before is not None for n in picture.nodes)
            else ""
        )
        entries.append(("", f"bar: probability of not being in the first state{tick}", 0.0))
    if any(a.strength >= 0.3 for a in picture.arrows):
        entries.append(("", "thick line: strong influence", 0.0))
    parts, x = [], MARGIN
    for key, text, indent in entries:
        room = (
            text_width(text) * (FONT - 1) / FONT
        )  # held to it, so that none is cut and none runs into the next
        if x > MARGIN and x + indent + room > width - MARGIN:
            x, y = MARGIN, y + 18
        where = f"<g transform='translate({x:.0f} {y:.0f})'>{key}"
        parts.append(f"{where}{_text(text, indent, 10, room=max(room, 1.0), size=FONT - 1)}</g>")
        x += indent + room + 14
    return "".join(parts), y + 20


def _key(colour: str, outline: tuple[float, str], _: str, thick: float) -> str:
    radius, dashes = outline
    dash = f" stroke-dasharray='{dashes}'" if dashes else ""
    return (
        f"<rect x='1' width='22' height='12' rx='{min(radius, 6):.0f}' fill='{colour}' fill-opacity='0.16' "
        f"stroke='{colour}' stroke-width='{thick}'{dash}/>"
    )
