"""Tornado, curve of one number, map of two, and a sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spinelink.view.plot.style import (
    BLUE,
    CYCLE,
    GREY,
    RED,
    STYLES,
    axes,
    check_limit,
    labels,
    legend_above,
    legend_beside,
    name_rows,
    plain,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from spinelink.query.sensitivity import Sensitivity, SensitivityFunction
    from spinelink.query.sweep import Sweep
    from spinelink.query.two_way import TwoWaySensitivity


def plot_tornado(result: Sensitivity, *, ax: Axes | None = None, limit: int = 12) -> Axes:
    """The posterior at both ends of each number's interval, the widest swing on top; a bar's two colours are the number's lower and upper end."""
    from matplotlib.patches import Patch

    rows = result.rows[: check_limit(limit)][::-1]
    ax = axes(ax, height=1.2 + 0.34 * len(rows))
    for y, row in enumerate(rows):
        for end, colour in ((row.posterior_low, BLUE), (row.posterior_high, RED)):
            ax.barh(y, end - result.posterior, left=result.posterior, color=colour, height=0.7)
    ax.axvline(result.posterior, color="black", linewidth=1)
    name_rows(ax, [str(r.number) for r in rows])
    ax.set_xlabel(f"P({result.target} | findings)")
    ends = [v for row in rows for v in (row.posterior_low, row.posterior_high)] + [result.posterior]
    room = max(0.06 * (max(ends) - min(ends)), 1e-6)  # the axis shows the swing, not where 0 is
    ax.set_xlim(min(ends) - room, max(ends) + room)
    words = ("number at the lower", f"at the upper end of its {result.level:.0%} interval")
    legend_above(ax, [Patch(color=c, label=w) for c, w in zip((BLUE, RED), words, strict=True)])
    return plain(ax)


def plot_curve(function: SensitivityFunction, *, ax: Axes | None = None, points: int = 101) -> Axes:
    """The posterior as a function of one number; its interval shaded, its estimate and the values at which the ranking changes marked."""
    ax = axes(ax)
    row = function.influence
    high = 1.0 if np.isfinite(function._limits[1]) else max(3.0 * row.high, 2.0)
    t = np.linspace(1e-9 if high > 1.0 else 0.0, high, points)
    ax.plot(t, function(t), color=BLUE, linewidth=2)
    ax.axvspan(row.low, row.high, color=GREY, alpha=0.3, linewidth=0, label="its interval")
    ax.plot(
        [row.estimate],
        [function.posterior],
        "o",
        color="black",
        label=f"estimate {row.estimate:.3g}",
    )
    for value, rival in (
        (row.admissible_low, row.swaps_below),
        (row.admissible_high, row.swaps_above),
    ):
        if rival:
            ax.axvline(
                value,
                color=RED,
                linestyle="--",
                linewidth=1,
                label=f"level with {rival} at {value:.3g}",
            )
    ax.set(xlabel=str(row.number), ylabel=f"P({function.target} | findings)", xlim=(0.0, high))
    ax.set_ylim(bottom=0.0)
    ax.legend(fontsize=8, frameon=False)
    return plain(ax)


def plot_two_way(result: TwoWaySensitivity, *, ax: Axes | None = None) -> Axes:
    """The posterior over two numbers, as filled contours with their values written on."""
    ax = axes(ax)
    x, y = np.meshgrid(result.second_values, result.first_values)
    filled = ax.contourf(x, y, result.posteriors, levels=12, cmap="cividis")
    lines = ax.contour(
        x, y, result.posteriors, levels=list(filled.levels)[::2], colors="white", linewidths=0.6
    )
    ax.clabel(lines, fontsize=8)
    ax.set(xlabel=str(result.second), ylabel=str(result.first))
    ax.figure.colorbar(filled, ax=ax, label=f"P({result.target} | findings)")
    return ax


def plot_sweep(result: Sweep, *, ax: Axes | None = None, limit: int = 6) -> Axes:
    """The posteriors of the nodes that are, somewhere on the grid, the likeliest; the present value of the number marked."""
    ax = axes(ax)
    peak = np.nanmax(result.posteriors, axis=0)
    for k, column in enumerate(np.argsort(-peak, kind="stable")[: check_limit(limit)]):
        ax.plot(
            result.values, result.posteriors[:, column], color=CYCLE[k % len(CYCLE)], linestyle=STYLES[k % len(STYLES)], linewidth=2,
            label=labels([result.nodes[column]])[0],
        )  # fmt: skip
    ax.axvline(
        result.estimate,
        color="black",
        linewidth=1,
        linestyle=":",
        label=f"now {result.estimate:.3g}",
    )
    ax.set(xlabel=result.parameter, ylabel="P(node | findings)")
    ax.set_ylim(bottom=0.0)
    legend_beside(ax)
    return plain(ax)
