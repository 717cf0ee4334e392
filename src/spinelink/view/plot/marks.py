"""What several pictures draw: names of rows, legends, lines of intervals."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from spinelink.options import whole
from spinelink.view.plot.style import CYCLE, MARKERS, STYLES, is_narrow

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes


def how_many(limit: int) -> int:
    """How many rows are drawn. Raises SpinelinkError unless it is a whole number from 1 on."""
    return whole(limit, "limit", least=1, meaning="how many to draw")


def name_rows(ax: Axes, names: Sequence[str]) -> None:
    """Writes names beside the rows 0, 1, ..., as long as the Axes leave room for."""
    width, size = (24, 7) if is_narrow(ax) else (46, 8)
    ax.set_yticks(range(len(names)), labels(names, width=width), fontsize=size)


def interval_line(ax: Axes, y: float, *, low: float, high: float) -> None:
    """Draws an interval as a black line along a row."""
    ax.plot([low, high], [y, y], color="black", linewidth=1.6, solid_capstyle="butt")


def line_look(position: int) -> dict[str, Any]:
    """Colour and dashes of the line at a position, which differ in grey too."""
    colour, style = CYCLE[position % len(CYCLE)], STYLES[position % len(STYLES)]
    return {"color": colour, "linestyle": style}


def mark_look(position: int) -> dict[str, Any]:
    """Colour and shape of the marks at a position, without a line between them."""
    colour, marker = CYCLE[position % len(CYCLE)], MARKERS[position % len(MARKERS)]
    return {"color": colour, "marker": marker, "linestyle": "none"}


def legend_above(ax: Axes, handles: Sequence[Artist] | None = None) -> None:
    """A legend over the Axes: in one line, or in one column where the Axes are narrow.

    handles: what it lists; everything that has a label where None.
    """
    size, columns = (7, 1) if is_narrow(ax) else (8, 4)
    ax.legend(
        handles=ax.get_legend_handles_labels()[0] if handles is None else handles,
        fontsize=size,
        frameon=False,
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=columns,
    )


def legend_beside(ax: Axes, **options: Any) -> None:
    """A legend on the right of the Axes, or below where they are narrow.

    options: further ones of `Axes.legend`.
    """
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


def labels(names: Sequence[str], *, width: int = 46) -> list[str]:
    """Names short enough to stand beside an axis, and still different from each other.

    Args:
        names: the names in full.
        width: characters that there is room for; names that would then be equal get more.

    Returns:
        One label a name. Words are cut at the end, names without spaces in the middle.
    """
    for room in range(width, max(map(len, names), default=0) + 6, 6):
        middle = [_cut_middle(name, room) for name in names]
        short = [
            shorten(name, room, placeholder="...") if " " in name else cut
            for name, cut in zip(names, middle, strict=True)
        ]
        unique = [s if short.count(s) == 1 else m for s, m in zip(short, middle, strict=True)]
        if len(set(unique)) == len(set(names)):
            return unique
    return list(names)


def _cut_middle(name: str, room: int) -> str:
    half = room // 2
    return name if len(name) <= room else f"{name[: half - 2]}...{name[-(half - 1) :]}"
