"""The waterfall of an explanation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spinelink.plot.style import BLUE, GREY, RED, axes, labels, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from spinelink.query.reasons import Reasons


def plot_waterfall(result: Reasons, *, ax: Axes | None = None) -> Axes:
    """From the log odds before the findings, by each finding's share, to those after; the largest share on top."""
    ax = axes(ax, height=1.6 + 0.34 * len(result.rows))
    at = result.before
    names = ["before the findings", *labels([r.finding for r in result.rows]), "after"]
    ax.plot([at], [0], "o", color="black")
    for y, row in enumerate(result.rows, start=1):
        ax.barh(y, row.share, left=at, color=BLUE if row.share >= 0 else RED, height=0.7)
        ax.plot([at + row.share] * 2, [y - 0.35, y + 1.35], color=GREY, linewidth=1)
        at += row.share
    ax.plot([result.after], [len(names) - 1], "o", color="black")
    ax.set_yticks(range(len(names)), names, fontsize=8)
    ax.invert_yaxis()
    against = f" against {result.against}" if result.against else ""
    ax.set_xlabel(f"log odds of {result.target}{against}")
    for colour, words in ((BLUE, "for it"), (RED, "against it")):
        ax.barh(1, 0, color=colour, label=words)
    ax.legend(fontsize=8, frameon=False, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2)
    return plain(ax)
