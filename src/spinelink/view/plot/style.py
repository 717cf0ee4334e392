"""Colours that differ in grey and for colour-blind readers (Paul Tol's bright scheme), and Axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spinelink.errors import SpinelinkError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, RED, GREEN, YELLOW, CYAN, PURPLE, GREY = (
    "#4477AA",
    "#EE6677",
    "#228833",
    "#CCBB44",
    "#66CCEE",
    "#AA3377",
    "#BBBBBB",
)
CYCLE = (BLUE, RED, GREEN, PURPLE, YELLOW, CYAN, GREY)
STYLES = ("-", "--", "-.", ":", (0, (8, 2)), (0, (3, 1, 1, 1, 1, 1)))
MARKERS = ("o", "s", "D", "^", "v", "P")
WIDTH = 7.5
"""Inches: the width of a notebook cell."""
NARROW = 4.5
"""Inches: narrower Axes share a figure with others."""


def axes(ax: Axes | None, *, height: float = 4.5) -> Axes:
    """The Axes given, or new ones as wide as a notebook cell.

    Args:
        ax: where to draw; new Axes where None.
        height: of new Axes, in inches.

    Returns:
        The Axes.

    Raises:
        SpinelinkError: matplotlib is not installed.
    """
    if ax is not None:
        return ax
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise SpinelinkError("plots need matplotlib: pip install 'spinelink[plot]'") from None
    return plt.subplots(figsize=(WIDTH, height), layout="constrained")[1]


def plain(ax: Axes) -> Axes:
    """The Axes without a frame above and to the right, with a faint grid."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(alpha=0.25, linewidth=0.6)
    ax.set_axisbelow(True)
    return ax


def is_narrow(ax: Axes) -> bool:
    """True if the Axes share a figure with others, so that labels must be short."""
    return bool(ax.bbox.width / ax.figure.dpi < NARROW)
