"""HTML of answers: tables, lists, and the frames of notebooks and pages.

Plain text is escaped wherever it enters. What is HTML already is an `Html` and enters as it is; see
`spinelink.markup`, which writes the elements.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from spinelink.markup import Html as Html
from spinelink.markup import element as element
from spinelink.markup import fragment as fragment
from spinelink.view.text import NOTICE, show_number

if TYPE_CHECKING:
    import pandas as pd

ROWS = 20
"""Rows of a table that a notebook shows."""
CELL = 160
"""Characters of a cell that a notebook shows."""
LONG = 24
"""A name with more characters may break after a dot."""
BAR = 120
"""Pixels of a bar that stands for probability 1."""
MONOSPACED = (
    "font-family:monospace;font-size:12px;line-height:1.35;white-space:pre;overflow-x:auto;margin:0"
)


def lines(text: str) -> Html:
    """A text whose lines stay apart."""
    return Html(escape(text).replace("\n", element("br")))


def paragraph(*content: str, **attributes: str) -> Html:
    """A paragraph; attributes as in `element`."""
    return element("p", *content, **attributes)


def small_print(*content: str) -> Html:
    """A paragraph in small letters."""
    return paragraph(element("small", *content))


def section(title: str, *content: str) -> Html:
    """A heading of the second level, and what stands below it."""
    return fragment(element("h2", title), *content)


def bullets(items: Iterable[str]) -> Html:
    """A list without numbers."""
    return element("ul", *(element("li", item) for item in items))


def bar(probability: float) -> Html:
    """A bar that is as long as the probability is high, within a grey one for probability 1."""
    inside = f"width:{BAR * probability:.0f}px;height:0.8em;background:#4477aa"
    outside = f"width:{BAR}px;background:rgba(128,128,128,0.2)"
    return element("div", element("div", style=inside), style=outside)


def rows_table(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Collection[int] = ()
) -> Html:
    """A table from rows of cells.

    Args:
        head: names of the columns.
        rows: cells, which may be HTML.
        numbers: positions of the columns that hold numbers; their cells get the class n.

    Returns:
        The table as HTML.
    """

    def row(cells: Sequence[str], tag: str) -> Html:
        return element(
            "tr",
            *(
                element(tag, cell, class_="n") if k in numbers else element(tag, cell)
                for k, cell in enumerate(cells)
            ),
        )

    body = element("tbody", *(row(cells, "td") for cells in rows))
    return element("table", element("thead", row(head, "th")), body)


def scrolling(table: Html) -> Html:
    """A table in its own box, which scrolls where the table is wide."""
    return element("div", table, style="overflow-x:auto")


def table(frame: pd.DataFrame, *, rows: int = ROWS) -> Html:
    """A table for a notebook: it scrolls where it is wide, and says so where it is cut.

    Args:
        frame: the table.
        rows: how many of its rows are shown.

    Returns:
        The table as HTML; whole numbers without decimals, NaN as an empty cell.
    """
    if not len(frame):
        return paragraph("(nothing)")
    columns = [_column(frame.iloc[:rows, k]) for k in range(frame.shape[1])]
    head = (
        element("th", lines(_heading(name)), style=f"text-align:{side}")
        for (side, _), name in zip(columns, frame.columns, strict=True)
    )
    body = (element("tr", *cells) for cells in zip(*(cells for _, cells in columns), strict=True))
    whole = element("table", element("thead", element("tr", *head)), element("tbody", *body))
    if len(frame) <= rows:
        return scrolling(whole)
    left = f"{len(frame) - rows} more rows: .to_frame() has them all."
    return fragment(scrolling(whole), small_print(left))


def in_notebook(title: str, body: str) -> Html:
    """An answer in a notebook: its title, line by line, the body, and the notice below.

    body: HTML, or plain text.
    """
    return notebook_frame(paragraph(lines(title)), body, small_print(NOTICE))


def text_in_notebook(text: str) -> Html:
    """A text whose columns stay below each other in a notebook, and scroll in their cell."""
    return notebook_frame(element("pre", text, style=MONOSPACED), small_print(NOTICE))


def notebook_frame(*content: str, class_: str = "spinelink") -> Html:
    """The box that everything in a notebook stands in."""
    return element("div", *content, class_=class_)


def document(title: str, *content: str, style: str) -> Html:
    """A page that stands alone and loads nothing.

    Args:
        title: of the page.
        *content: what it shows; plain text is escaped.
        style: CSS.

    Returns:
        The page as HTML.
    """
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width"),
        element("title", title),
        element("style", Html(style)),
    )
    whole = element("html", head, element("body", *content), lang="en")
    return fragment(Html("<!doctype html>"), whole)


def _heading(name: object) -> str:
    if isinstance(name, tuple):
        words = ": ".join(str(part) for part in name if part)
    else:
        words = show_number(name) if isinstance(name, float) else str(name)
    return words if "." in words else words.replace("_", " ")


def _column(values: pd.Series[Any]) -> tuple[str, list[Html]]:
    """The side on which a column stands, and its cells."""
    cells = [None if v is None or v != v else v for v in values.tolist()]
    numbers = [v for v in cells if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numbers) < sum(v is not None for v in cells):
        style = "text-align:left;max-width:26em;overflow-wrap:break-word"
        return "left", [element("td", _cell(v), style=style) for v in cells]
    integral = all(float(v).is_integer() for v in numbers)
    words = ["" if v is None else f"{v:.0f}" if integral else show_number(float(v)) for v in cells]
    style = "text-align:right;white-space:nowrap"
    return "right", [element("td", word, style=style) for word in words]


def _cell(value: object) -> Html:
    """A cell that holds no number; a long name may break after a dot."""
    if value is None or isinstance(value, bool):
        return Html("" if value is None else "yes" if value else "no")
    text = str(value)
    shown = lines(text if len(text) <= CELL else f"{text[: CELL - 3].rstrip()}...")
    if len(text) > LONG and " " not in text:
        return Html(shown.replace(".", "." + element("wbr")))
    return shown
