"""A plot as SVG for a page that stands alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import StringIO
from typing import TYPE_CHECKING

from spinelink.errors import SpinelinkError
from spinelink.markup import Html, element

if TYPE_CHECKING:
    from matplotlib.axes import Axes


IDS = re.compile(r'\bid="|url\(#|href="#')
"""Where an SVG names an id."""


def svg_picture(
    draw: Callable[[Axes], object], name: str, *, about: str, width: float, height: float
) -> Html:
    """What a function draws into Axes, as an SVG element that loads nothing.

    Args:
        draw: draws into the Axes given.
        name: of the picture, so that pictures of one page share no ids.
        about: the picture in words, for those who do not see it.
        width: in inches.
        height: in inches.

    Returns:
        The picture.

    Raises:
        SpinelinkError: matplotlib is not installed.
    """
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError:
        raise SpinelinkError("plots need matplotlib: pip install 'spinelink[plot]'") from None
    figure = Figure(figsize=(width, height), layout="constrained")
    draw(figure.add_subplot())
    written = StringIO()
    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        figure.savefig(written, format="svg", metadata={"Date": None})
    text = written.getvalue()
    svg = Html(IDS.sub(rf"\g<0>{name}-", text[text.index("<svg") :]))
    return element("figure", svg, role="img", aria_label=about, style="margin:0;overflow-x:auto")
