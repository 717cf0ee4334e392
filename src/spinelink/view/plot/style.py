"""What all plots share: colours that hold in grey and for colour-blind readers (Paul Tol's bright scheme), axes, labels that fit."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from spinelink.errors import SpinelinkError

if TYPE_CHECKING:
    from matplotlib.artist import Artist
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
WIDTH = 7.5  # inches: a notebook cell
NARROW = 4.5  # inches: Axes that share a figure with others


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


def is_narrow(ax: Axes) -> bool:
    """Whether the Axes are one of several beside each other."""
    return bool(ax.bbox.width / ax.figure.dpi < NARROW)


def name_rows(ax: Axes, names: Sequence[str]) -> None:
    """Names beside the rows 0, 1, ..., as long as the Axes leave room for."""
    narrow = is_narrow(ax)
    ax.set_yticks(
        range(len(names)), labels(names, width=24 if narrow else 46), fontsize=7 if narrow else 8
    )


def legend_above(ax: Axes, handles: Sequence[Artist] | None = None) -> None:
    """A legend over the Axes: in one line, or one under the other where the Axes are narrow. handles: what it lists, all that has a label where None."""
    size, columns = (7, 1) if is_narrow(ax) else (8, 4)
    shown = ax.get_legend_handles_labels()[0] if handles is None else handles
    ax.legend(
        handles=shown,
        fontsize=size,
        frameon=False,
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=columns,
    )


def legend_beside(ax: Axes, **options: Any) -> None:
    """A legend on the right of the Axes, or below where they are narrow."""
    size, place = (7, (0.0, -0.25)) if is_narrow(ax) else (8, (1.0, 1.0))
    ax.legend(
        fontsize=size,
        title_fontsize=size,
        frameon=False,
        loc="upper left",
        bbox_to_anchor=place,
        alignment="left",
        **options,
    )


def check_limit(limit: int) -> int:
    """How many are drawn. Raises SpinelinkError for what is not a number of them."""
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise SpinelinkError(f"limit is how many to draw, at least 1, not {limit!r}.")
    return limit


def labels(names: Sequence[str], *, width: int = 46) -> list[str]:
    """Names short enough to stand beside an axis, and still different from each other."""
    for room in range(width, max(map(len, names), default=0) + 6, 6):
        middle = [
            n if len(n) <= room else f"{n[: room // 2 - 2]}...{n[-(room // 2 - 1) :]}"
            for n in names
        ]
        short = [
            shorten(n, room, placeholder="...") if " " in n else m
            for n, m in zip(names, middle, strict=True)
        ]
        found = [s if short.count(s) == 1 else m for s, m in zip(short, middle, strict=True)]
        if len(set(found)) == len(set(names)):
            return found
    return list(names)
