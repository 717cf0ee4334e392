"""What all plots share: colours that hold in grey and for colour-blind readers (Paul Tol's bright scheme), axes, labels that fit."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import shorten
from typing import TYPE_CHECKING

from spinelink.errors import SpinelinkError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, RED, GREEN, YELLOW, CYAN, PURPLE, GREY = "#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#AA3377", "#BBBBBB"
CYCLE = (BLUE, RED, GREEN, PURPLE, YELLOW, CYAN, GREY)
STYLES = ("-", "--", "-.", ":")
WIDTH = 7.5  # inches: a notebook cell


def axes(ax: Axes | None, *, height: float = 4.5) -> Axes:
    """The Axes given, or new ones of a notebook's width. Raises SpinelinkError where matplotlib is not installed."""
    if ax is not None:
        return ax
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise SpinelinkError("plots need matplotlib: pip install 'spinelink[plot]'") from None
    return plt.subplots(figsize=(WIDTH, height), layout="constrained")[1]


def plain(ax: Axes) -> Axes:
    """Without a frame above and to the right, with a faint grid."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(alpha=0.25, linewidth=0.6)
    ax.set_axisbelow(True)
    return ax


def labels(names: Sequence[str], *, width: int = 46) -> list[str]:
    """Names short enough to stand beside an axis, and still different from each other."""
    short = [
        shorten(n, width, placeholder="...") if " " in n else n if len(n) <= width else f"{n[: width // 2 - 2]}...{n[-(width // 2 - 1) :]}"
        for n in names
    ]
    return [s if short.count(s) == 1 else n for s, n in zip(short, names, strict=True)]
