"""Tables of pages that stand alone, and how such pages look."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spinelink.view.html import Html, element, fragment, scrolling, section
from spinelink.view.text import short_number

if TYPE_CHECKING:
    import pandas as pd

STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:1400px;padding:0 1rem;"
    "color:#1b1f24;background:#fff}"
    "table{border-collapse:collapse;font-size:13px;margin-bottom:2rem}"
    "th{text-align:left;vertical-align:bottom;border-bottom:2px solid #57606a;"
    "padding:.25rem .6rem}"
    "td{border-bottom:1px solid #d0d7de;padding:.2rem .6rem;vertical-align:top;"
    "overflow-wrap:break-word}td.number{text-align:right;white-space:nowrap}"
    "@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}"
    "td{border-color:#30363d}}"
)


def titled_table(title: str, frame: pd.DataFrame) -> Html:
    """A heading and the table below it.

    Args:
        title: of the section.
        frame: the table, without its index.

    Returns:
        The section as HTML.
    """
    return section(title, frame_table(frame))


def frame_table(frame: pd.DataFrame) -> Html:
    """A table in its own box, which scrolls where it is wide; its index is left out."""
    head = (element("th", str(name).replace("_", " ")) for name in frame.columns)
    rows = (element("tr", *map(_cell, row)) for row in frame.itertuples(index=False))
    head_and_rows = (element("thead", element("tr", *head)), element("tbody", *rows))
    return scrolling(element("table", *head_and_rows))


def _cell(value: object) -> Html:
    """A cell; a long name breaks at its underscores."""
    if isinstance(value, bool | np.bool_):
        return element("td", "yes" if value else "no")
    if isinstance(value, float | np.floating):
        return element("td", short_number(float(value)), class_="number")
    if isinstance(value, int | np.integer):
        return element("td", str(value), class_="number")
    if str(value).endswith(" %"):
        return element("td", str(value), class_="number")
    words = fragment(str(value)).replace("_", "_" + element("wbr"))
    return element("td", Html(words))
