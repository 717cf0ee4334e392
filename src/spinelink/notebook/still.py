"""The picture that stands in place of the explorer, for readers without a kernel."""

from __future__ import annotations

from collections.abc import Callable

from spinelink.case import Case
from spinelink.errors import reason
from spinelink.query.alerts import alerts
from spinelink.query.overview import case_html
from spinelink.query.ranking import differential
from spinelink.view.html import Html, notebook_frame, paragraph

SHOWN = 6
"""Causes of the picture."""
CLASS = "spinelink-still"
"""By which the script finds the picture, and hides it."""


def red_flags(case: Case) -> Html:
    """What needs no probability: the red flags."""
    return notebook_frame(alerts(case)._repr_html_(), class_=CLASS)


def picture(case: Case) -> Html:
    """The case with its graph and causes; a part that fails says why."""
    parts = [_attempt(lambda: case_html(case))]
    if case.model.network.ranked:
        parts.append(_attempt(lambda: differential(case, limit=SHOWN)._repr_html_()))
    return notebook_frame(*parts, class_=CLASS)


def _attempt(part: Callable[[], Html]) -> Html:
    """A part of the picture, or why it is missing."""
    try:
        return part()
    except Exception as error:
        return paragraph(reason(error))
