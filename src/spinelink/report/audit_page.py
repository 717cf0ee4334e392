"""An audit as one page that stands alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spinelink.evaluate.audit import Audit
from spinelink.report.frame_table import STYLE, titled_table
from spinelink.view.html import document, element, paragraph, section
from spinelink.view.text import short_number

if TYPE_CHECKING:
    import pandas as pd


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
        titled_table("By fit and setting", audit.summary().reset_index()),
        titled_table("Claims, worst first", _claims(audit)),
    ]
    if audit.contradictions:
        rows = [(c.first, *c.intervals[0], c.second, *c.intervals[1]) for c in audit.contradictions]
        columns = ["claim", "low", "high", "other claim", "low ", "high "]
        frame = pd.DataFrame(rows, columns=columns)
        parts.append(titled_table("Claims that contradict each other", frame))
    if audit.judged:
        frame = pd.DataFrame(audit.judged, columns=["judged number", "influence on the causes"])
        parts.append(titled_table("Where a study would help most", frame))
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
