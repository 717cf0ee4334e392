"""The waterfall of an explanation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spinelink.view.plot.style import BLUE, GREY, RED, axes, legend_above, name_rows, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from spinelink.query.reasons import Reasons


def plot_waterfall(result: Reasons, *, ax: Axes | None = None) -> Axes:
    """From the log odds before the findings, by each finding's share, to those after; the largest share on top."""
    from matplotlib.patches import Patch

    ax = axes(ax, height=1.6 + 0.34 * len(result.rows))
    at = result.before
    names = ["before the findings", *(r.finding for r in result.rows), "after"]
    ax.plot([at], [0], "o", color="black", clip_on=False)
    for y, row in enumerate(result.rows, start=1):
        ax.barh(y, row.shapley, left=at, color=BLUE if row.shapley >= 0 else RED, height=0.7)
        ax.plot([at + row.shapley] * 2, [y - 0.35, y + 1.35], color=GREY, linewidth=1)
        at += row.shapley
    ax.plot([result.after], [len(names) - 1], "o", color="black", clip_on=False)
    name_rows(ax, names)
    ax.invert_yaxis()
    ax.use_sticky_edges = False
    ax.margins(x=0.06)
    against = f" against {result.against}" if result.against else ""
    ax.set_xlabel(f"log odds of {result.target}{against}".replace("_", " "))
    legend_above(ax, [Patch(color=BLUE, label="for it"), Patch(color=RED, label="against it")])
    return plain(ax)
