"""A network as SVG: boxes in columns from contexts to findings, with bars of probability.

Thick lines stand for strong influence. Roles differ by outline as well as by colour, and text takes
the colour of the page, so that the picture reads in grey, on light and on dark pages. fast-sugiyama
orders the boxes of each column, so that few arrows cross (Sugiyama, Tagawa and Toda 1981).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from html import escape

from spinelink.view.html import Html, element
from spinelink.view.layout import GAP, HEIGHT, MARGIN, WIDTH, Arrow, Drawn, Picture, places
from spinelink.view.plot.style import BLUE, GREEN, GREY, PURPLE, RED, YELLOW

ARC = 34.0
"""Room for arrows within the last column."""
FONT = 11.0
COLOURS: Mapping[str, str] = {
    "context": GREY,
    "cause": RED,
    "mechanism": YELLOW,
    "finding": BLUE,
    "other": PURPLE,
    "selection": GREY,
}
OUTLINES: Mapping[str, tuple[float, str]] = {
    "context": (13.0, ""),
    "cause": (2.0, ""),
    "mechanism": (7.0, "5 2"),
    "finding": (2.0, "1 2"),
    "other": (4.0, ""),
    "selection": (13.0, "6 3"),
}
"""Corner radius and dashes by role."""
OBSERVED_OUTLINE = (2.0, "")
NARROW, WIDE = "fijlrt.,:;()[]|' I1-", "mwMWQO%@"
FULL = "\u2e80"
"""From this letter on, letters are as wide as they are high."""
NUMBER = 32.0
"""Room for a percentage."""
OBSERVED = GREEN
PAGE = "var(--jp-layout-color0,var(--vscode-editor-background,Canvas))"
"""The colour under a box, so that no arrow runs through its words."""
FONTS = "font-family:Arial,Liberation Sans,Helvetica,DejaVu Sans Condensed,sans-serif"
"""Fonts about as wide as `text_width` says."""
WIDER = 1.25
"""How much wider another font may be. Text that could then leave its room is set to its width."""
TIGHTER = 1.1
"""How much closer letters may stand before a text is cut."""
STRONG = 0.3
"""The legend explains thick lines where an arrow is at least so strong."""
INLINE = "color:inherit"
ALONE = "color:#1b1f24;background:#fff"
TRUSTED = (
    ".spinelink-trusted~.spinelink-image{display:none}"
    ".spinelink-trusted~.spinelink-svg{display:block!important}"
)
MANY = 60
"""More arrows are drawn fainter."""


def draw(picture: Picture, *, page: str = INLINE, tooltips: bool = True) -> str:
    """The SVG element. A picture that is too wide shrinks to the width that it is given.

    Args:
        picture: boxes and arrows.
        page: INLINE takes the colours of the page around it, ALONE brings its own.
        tooltips: whether boxes and arrows explain themselves under the pointer.

    Returns:
        SVG, with a description in words.
    """
    if not picture.nodes:
        return (
            "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 200 30' width='200' "
            f"style='{page}'><text x='8' y='20' font-size='11' fill='currentColor'>"
            "nothing to show</text></svg>"
        )
    at = places(picture.nodes, picture.arrows)
    columns = max(n.column for n in picture.nodes) + 1
    width = 2 * MARGIN + columns * WIDTH + (columns - 1) * GAP
    height = max(y for _, y in at.values()) + HEIGHT + MARGIN
    column = {n.name: n.column for n in picture.nodes}
    if any(column[a.parent] == column[a.child] == columns - 1 for a in picture.arrows):
        width += ARC
    faint = min(1.0, MANY / max(len(picture.arrows), 1)) ** 0.5
    arrows = [
        _arrow(a, at, faint=faint, tooltips=tooltips)
        for a in sorted(picture.arrows, key=lambda a: a.strength)
    ]
    parts = ["<g fill='currentColor' stroke='currentColor'>", *arrows, "</g>"]
    parts += [_box(n, *at[n.name], tooltips=tooltips) for n in picture.nodes]
    legend, deep = _legend(picture, height + 12, width=width)
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' role='img' "
        f"viewBox='0 0 {width:.0f} {deep:.0f}' width='{width:.0f}' "
        f"style='max-width:100%;height:auto;{FONTS};{page}'>"
        f"<title>{escape(describe(picture))}</title>{''.join(parts)}{legend}</svg>"
    )


def describe(picture: Picture) -> str:
    """The picture in words: its boxes, column by column, with what is known of each."""
    columns: dict[int, list[str]] = {}
    for n in picture.nodes:
        known = n.finding or ("" if n.probability is None else _percent(n.probability))
        columns.setdefault(n.column, []).append(f"{n.label} {known}".rstrip())
    head = (
        f"Network {picture.name}, {len(picture.nodes)} boxes in {len(columns)} columns, "
        "from contexts and causes to findings"
    )
    return f"{head}: {'; '.join(', '.join(columns[c]) for c in sorted(columns))}."


def shown(picture: Picture) -> Html:
    """For a notebook: the SVG, or an image of it in a notebook that is not trusted yet.

    There Jupyter removes <style> with its content, and <svg> without the words in it. So the words
    are hidden unless the style is there.
    """
    image = b64encode(draw(picture, page=ALONE, tooltips=False).encode()).decode()
    source = f"data:image/svg+xml;base64,{image}"
    look = {"style": "max-width:100%", "alt": describe(picture), "src": source}
    svg = element(
        "div", Html(draw(picture)), class_="spinelink-svg", hidden="", style="display:none"
    )
    style = element("style", Html(TRUSTED), class_="spinelink-trusted")
    return element("div", style, element("img", class_="spinelink-image", **look), svg)


def _arrow(a: Arrow, at: Mapping[str, tuple[float, float]], *, faint: float, tooltips: bool) -> str:
    """An arrow. faint: how strongly it is drawn, at most 1."""
    (x1, y1), (x2, y2) = at[a.parent], at[a.child]
    y1, y2 = y1 + HEIGHT / 2, y2 + HEIGHT / 2
    if x2 > x1:
        x1, x2 = x1 + WIDTH, x2 - 4.0
        bend = min(max((x2 - x1) / 2, 18.0), 60.0)
        path = (
            f"M{x1:.0f} {y1:.0f}C{x1 + bend:.0f} {y1:.0f} "
            f"{x2 - bend:.0f} {y2:.0f} {x2:.0f} {y2:.0f}"
        )
        tip = f"M{x2:.0f} {y2 - 3:.0f}l5 3-5 3z"
    else:  # within a column, or back
        x1, x2 = x1 + WIDTH, x2 + WIDTH + 4.0
        out = max(x1, x2) + 26.0
        path = f"M{x1:.0f} {y1:.1f}C{out:.0f} {y1:.1f} {out:.0f} {y2:.1f} {x2:.0f} {y2:.1f}"
        tip = f"M{x2:.0f} {y2 - 3:.1f}l-5 3 5 3z"
    thick, dark = 0.6 + 2.6 * a.strength * faint, (0.2 + 0.5 * a.strength) * faint
    words = _title(f"{a.parent} -> {a.child}, strength {a.strength:.2f}") if tooltips else ""
    return (
        f"<g opacity='{dark:.2f}'>{words}<path d='{path}' fill='none' stroke-width='{thick:.1f}'/>"
        f"<path d='{tip}' stroke='none'/></g>"
    )


def _title(text: str) -> str:
    """What an element says under the pointer."""
    return f"<title>{escape(text)}</title>"


def _box(n: Drawn, x: float, y: float, *, tooltips: bool) -> str:
    colour = OBSERVED if n.finding else COLOURS[n.role]
    radius, dashes = OUTLINES[n.role]
    number = "" if n.probability is None or n.finding else _percent(n.probability)
    outline = f"stroke='{colour}' stroke-width='{2.6 if n.finding else 1.3}'"
    if dashes and not n.finding:
        outline += f" stroke-dasharray='{dashes}'"
    box = (
        f"<rect x='{x:.0f}' y='{y:.1f}' width='{WIDTH:.0f}' height='{HEIGHT:.0f}' rx='{radius:.0f}'"
    )
    line = y + HEIGHT / 2 + (1 if number else 4)
    label = f"{n.label}: {n.finding}" if n.finding else n.label
    room = WIDTH - 12 - (NUMBER if number else 0)
    parts = [
        f"<g class='node' data-node='{escape(n.name)}'>",
        _title(n.tooltip) if tooltips else "",
        f"{box} style='fill:{PAGE}'/>",
        f"{box} fill='{colour}' fill-opacity='0.16' {outline}/>",
        _bar(n, x, y=y, colour=colour) if number else "",
        _text(label, x + 6, line, room=room, bold=bool(n.finding)),
    ]
    if number:
        right = x + WIDTH - 5
        parts.append(_text(number, right, line, room=NUMBER - 4, size=FONT - 1, end=True))
    return f"{''.join(parts)}</g>"


def _bar(n: Drawn, x: float, *, y: float, colour: str) -> str:
    """How probable, and a tick for how probable before the findings."""
    inside, p, left = WIDTH - 8, n.probability or 0.0, x + 4
    bar = (
        f"<rect x='{left:.0f}' y='{y + HEIGHT - 6:.1f}' width='{inside * p:.1f}' height='3.5' "
        f"fill='{colour}'/>"
    )
    if n.before is None:
        return bar
    tick = f"M{left + inside * n.before:.1f} {y + HEIGHT - 8:.1f}v7"
    return f"{bar}<path d='{tick}' stroke='currentColor' stroke-width='1.2'/>"


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
    """A text that stays in its room, whatever the font.

    It is cut where it does not fit, and set to its width where a wider font would overflow.
    """
    cut = fit(text, room * TIGHTER * FONT / size, bold=bold)
    width = text_width(cut, bold=bold) * size / FONT
    fixed = ""
    if width * WIDER > room:
        fixed = f" textLength='{min(width, room):.1f}' lengthAdjust='spacingAndGlyphs'"
    weight, anchor = " font-weight='bold'" if bold else "", " text-anchor='end'" if end else ""
    return (
        f"<text x='{x:.0f}' y='{y:.1f}' font-size='{size:.0f}' fill='currentColor'"
        f"{weight}{anchor}{fixed}>{escape(cut)}</text>"
    )


def text_width(text: str, *, bold: bool = False) -> float:
    """About how wide a text is, in pixels of the boxes' font."""
    return sum(map(_letter_width, text)) * FONT * (1.06 if bold else 1.0)


def _letter_width(letter: str) -> float:
    """About how wide a letter is, over its height."""
    if letter in NARROW:
        return 0.3
    if letter in WIDE:
        return 0.86
    if letter.isupper():
        return 0.68
    return 0.54 if letter < FULL else 1.0


def fit(text: str, room: float, *, bold: bool = False) -> str:
    """The text, cut where it does not fit; the state of a finding at its end stays.

    Args:
        text: a label, or a label and a state after ": ".
        room: in pixels of the boxes' font.
        bold: whether it is set in bold.

    Returns:
        A text that is as wide as the room at most.
    """
    if text_width(text, bold=bold) <= room:
        return text
    head, colon, tail = text.rpartition(": ")
    tail = f"{colon}{tail}" if colon else ""
    head = head if colon else text
    while len(head) > 4 and text_width(f"{head}...{tail}", bold=bold) > room:
        head = head[:-1]
    cut = f"{head.rstrip()}...{tail}"
    while len(cut) > 6 and text_width(cut, bold=bold) > room:
        cut = cut[:-4] + "..."
    return cut


def _legend(picture: Picture, y: float, *, width: float) -> tuple[str, float]:
    """What outlines, bars and lines mean, from y on; and where the picture ends."""
    parts, x = [], MARGIN
    for key, text in _entries(picture):
        indent = 27.0 if key else 0.0
        # The words are set to this width, so that none is cut and none runs into the next.
        room = text_width(text) * (FONT - 1) / FONT
        if x > MARGIN and x + indent + room > width - MARGIN:
            x, y = MARGIN, y + 18
        words = _text(text, indent, 10, room=max(room, 1.0), size=FONT - 1)
        parts.append(f"<g transform='translate({x:.0f} {y:.0f})'>{key}{words}</g>")
        x += indent + room + 14
    return "".join(parts), y + 20


def _entries(picture: Picture) -> list[tuple[str, str]]:
    """The entries of the legend: a key, empty where there is none, and words."""
    hidden = [n for n in picture.nodes if not n.finding]
    entries = [
        (_key(COLOURS[role], OUTLINES[role], thick=1.3), role)
        for role in COLOURS
        if any(n.role == role for n in hidden)
    ]
    if len(hidden) < len(picture.nodes):
        entries.append((_key(OBSERVED, OBSERVED_OUTLINE, thick=2.6), "observed"))
    if any(n.probability is not None for n in hidden):
        tick = any(n.before is not None for n in picture.nodes)
        before = ", tick: before the findings" if tick else ""
        entries.append(("", f"bar: probability of being present{before}"))
    if any(a.strength >= STRONG for a in picture.arrows):
        entries.append(("", "thick line: strong influence"))
    return entries


def _key(colour: str, outline: tuple[float, str], *, thick: float) -> str:
    """A small box, as the legend shows it."""
    radius, dashes = outline
    dash = f" stroke-dasharray='{dashes}'" if dashes else ""
    return (
        f"<rect x='1' width='22' height='12' rx='{min(radius, 6):.0f}' fill='{colour}' "
        f"fill-opacity='0.16' stroke='{colour}' stroke-width='{thick}'{dash}/>"
    )
