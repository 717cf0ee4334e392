"""An audit as one page that stands alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spinelink.evaluate.audit import Audit
from spinelink.view.html import Html, document, element, fragment, paragraph, section
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


def audit_page(audit: Audit) -> str:
    """The page of an audit, as HTML that loads nothing.

    Args:
        audit: a network against its claims, as `model.audit()` gives.

    Returns:
        Claims by fit and setting, every claim, contradictions, parameters to study, and parameters
        that rest on second-hand figures.

    Example:
        >>> import spinelink as sl
        >>> audit_page(sl.load("minimal").audit())[:15]
        '<!doctype html>'
    """
    import pandas as pd

    parts = [
        element("h1", f"Audit of {audit.question.network} {audit.question.version}"),
        paragraph(audit.title()),
        _table("By fit and setting", audit.summary().reset_index()),
        _table("Claims, worst first", _claims(audit)),
    ]
    if audit.contradictions:
        rows = [(c.first, *c.intervals[0], c.second, *c.intervals[1]) for c in audit.contradictions]
        columns = ["claim", "low", "high", "other claim", "low ", "high "]
        frame = pd.DataFrame(rows, columns=columns)
        parts.append(_table("Claims that contradict each other", frame))
    if audit.judged:
        frame = pd.DataFrame(audit.judged, columns=["judged number", "influence on the causes"])
        parts.append(_table("Where a study would help most", frame))
    if audit.secondhand:
        names = paragraph(", ".join(audit.secondhand))
        parts.append(section("Numbers that rest on second-hand figures only", names))
    return document(f"Audit of {audit.question.network}", *parts, style=STYLE)


def _claims(audit: Audit) -> pd.DataFrame:
    """The claims, with their interval and remarks in one column each."""
    frame = audit.to_frame()
    intervals = [
        f"{short_number(low)} to {short_number(high)} ({kind})"
        for low, high, kind in zip(frame["low"], frame["high"], frame["interval"], strict=True)
    ]
    remarks = [
        "; ".join(text for text in texts if text)
        for texts in zip(frame["missed"], frame["note"], strict=True)
    ]
    shown = frame[["claim", "kind", "setting", "fit", "published"]].assign(interval=intervals)
    shown[["network", "inside", "standard errors"]] = frame[["implied", "inside", "errors"]]
    return shown.assign(source=frame["source"], remark=remarks)


def _table(title: str, frame: pd.DataFrame) -> Html:
    head = (element("th", str(name).replace("_", " ")) for name in frame.columns)
    rows = (element("tr", *map(_cell, row)) for row in frame.itertuples(index=False))
    head_and_rows = (element("thead", element("tr", *head)), element("tbody", *rows))
    return section(title, element("table", *head_and_rows))


def _cell(value: object) -> Html:
    """A cell; a long name breaks at its underscores."""
    if isinstance(value, bool | np.bool_):
        return element("td", "yes" if value else "no")
    if isinstance(value, float | np.floating):
        return element("td", short_number(float(value)), class_="number")
    if isinstance(value, int | np.integer):
        return element("td", str(value), class_="number")
    words = fragment(str(value)).replace("_", "_" + element("wbr"))
    return element("td", Html(words))
