"""What an answer hangs on: waterfall, tornado, curve of one parameter, map of two, sweep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spinelink.view.plot.marks import (
    how_many,
    labels,
    legend_above,
    legend_beside,
    line_look,
    name_rows,
)
from spinelink.view.plot.style import BLUE, GREY, RED, axes, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Values = NDArray[np.float64]


@dataclass(frozen=True)
class CurveMarks:
    """What is marked on the curve of one parameter.

    interval: of the parameter; posterior: at the estimate; crossings: values at which the target
    is as probable as another, with the other's name.
    """

    estimate: float
    posterior: float
    interval: tuple[float, float]
    crossings: Sequence[tuple[float, str]] = ()


def plot_waterfall(
    findings: Sequence[str],
    contributions: Sequence[float],
    *,
    before: float,
    of: str,
    ax: Axes | None = None,
) -> Axes:
    """From the log odds before the findings, by each finding's contribution, to those after.

    Args:
        findings: the one that contributes most first.
        contributions: of each finding, in log odds.
        before: log odds before the findings.
        of: what the log odds are of.
        ax: where to draw; new Axes where None.

    Returns:
        The Axes.
    """
    from matplotlib.patches import Patch

    ax = axes(ax, height=1.6 + 0.34 * len(findings))
    at = before
    ax.plot([at], [0], "o", color="black", clip_on=False)
    for y, width in enumerate(contributions, start=1):
        ax.barh(y, width, left=at, color=BLUE if width >= 0 else RED, height=0.7)
        ax.plot([at + width] * 2, [y - 0.35, y + 1.35], color=GREY, linewidth=1)
        at += width
    names = ["before the findings", *findings, "after"]
    ax.plot([at], [len(names) - 1], "o", color="black", clip_on=False)
    name_rows(ax, names)
    ax.invert_yaxis()
    ax.use_sticky_edges = False
    ax.margins(x=0.06)
    ax.set_xlabel(f"log odds of {of}".replace("_", " "))
    legend_above(ax, [Patch(color=BLUE, label="for it"), Patch(color=RED, label="against it")])
    return plain(ax)


def plot_tornado(
    parameters: Sequence[str],
    ends: Sequence[tuple[float, float]],
    *,
    posterior: float,
    target: str,
    level: float,
    ax: Axes | None = None,
    limit: int = 12,
) -> Axes:
    """The posterior at both ends of each parameter's interval, the widest swing on top.

    Args:
        parameters: ids, the widest swing first.
        ends: posterior at the lower and at the upper end of each parameter's interval.
        posterior: at the estimates.
        target: the node whose posterior it is.
        level: of the intervals.
        ax: where to draw; new Axes where None.
        limit: how many parameters.

    Returns:
        The Axes.
    """
    from matplotlib.patches import Patch

    names, rows = parameters[: how_many(limit)][::-1], ends[:limit][::-1]
    ax = axes(ax, height=1.2 + 0.34 * len(rows))
    for y, row in enumerate(rows):
        for end, colour in zip(row, (BLUE, RED), strict=True):
            ax.barh(y, end - posterior, left=posterior, color=colour, height=0.7)
    ax.axvline(posterior, color="black", linewidth=1)
    name_rows(ax, names)
    ax.set_xlabel(f"P({target} | findings)")
    reached = [*(end for row in rows for end in row), posterior]
    room = max(0.06 * (max(reached) - min(reached)), 1e-6)  # the axis shows the swing, not 0
    ax.set_xlim(min(reached) - room, max(reached) + room)
    words = ("number at the lower", f"at the upper end of its {level:.0%} interval")
    legend_above(ax, [Patch(color=c, label=w) for c, w in zip((BLUE, RED), words, strict=True)])
    return plain(ax)


def plot_curve(
    values: Values,
    posterior: Values,
    *,
    parameter: str,
    target: str,
    marks: CurveMarks,
    ax: Axes | None = None,
) -> Axes:
    """The posterior as a function of one parameter.

    Args:
        values: of the parameter, rising.
        posterior: at each value.
        parameter: its id.
        target: the node whose posterior it is.
        marks: what is marked: interval, estimate, crossings.
        ax: where to draw; new Axes where None.

    Returns:
        The Axes.
    """
    ax = axes(ax)
    ax.plot(values, posterior, color=BLUE, linewidth=2)
    ax.axvspan(*marks.interval, color=GREY, alpha=0.3, linewidth=0, label="its interval")
    estimate = f"estimate {marks.estimate:.3g}"
    ax.plot([marks.estimate], [marks.posterior], "o", color="black", label=estimate)
    for value, rival in marks.crossings:
        words = f"level with {rival} at {value:.3g}"
        ax.axvline(value, color=RED, linestyle="--", linewidth=1, label=words)
    ax.set(xlabel=parameter, ylabel=f"P({target} | findings)", xlim=(0.0, float(values[-1])))
    ax.set_ylim(bottom=0.0)
    ax.legend(fontsize=8, frameon=False)
    return plain(ax)


def plot_two_way(
    posteriors: Values,
    *,
    first: tuple[str, Values],
    second: tuple[str, Values],
    target: str,
    ax: Axes | None = None,
) -> Axes:
    """The posterior over two parameters, as filled contours with their values written on.

    Args:
        posteriors: shape (values of first, values of second).
        first: id and values of the parameter that runs upwards.
        second: id and values of the parameter that runs to the right.
        target: the node whose posterior it is.
        ax: where to draw; new Axes where None.

    Returns:
        The Axes.
    """
    ax = axes(ax)
    x, y = np.meshgrid(second[1], first[1])
    filled = ax.contourf(x, y, posteriors, levels=12, cmap="cividis")
    levels = list(filled.levels)[::2]
    lines = ax.contour(x, y, posteriors, levels=levels, colors="white", linewidths=0.6)
    ax.clabel(lines, fontsize=8)
    ax.set(xlabel=second[0], ylabel=first[0])
    ax.figure.colorbar(filled, ax=ax, label=f"P({target} | findings)")
    return ax


def plot_sweep(
    values: Sequence[float],
    posteriors: Values,
    *,
    nodes: Sequence[str],
    parameter: str,
    estimate: float,
    ax: Axes | None = None,
    limit: int = 6,
) -> Axes:
    """Posteriors over a grid of values of one parameter, for the nodes that reach the highest.

    Args:
        values: of the parameter.
        posteriors: shape (values, nodes).
        nodes: their names.
        parameter: its id.
        estimate: its present value, which is marked.
        ax: where to draw; new Axes where None.
        limit: how many nodes.

    Returns:
        The Axes.
    """
    ax = axes(ax)
    highest = np.nanmax(posteriors, axis=0)
    for position, column in enumerate(np.argsort(-highest, kind="stable")[: how_many(limit)]):
        name = labels([nodes[column]])[0]
        look = line_look(position)
        ax.plot(values, posteriors[:, column], linewidth=2, label=name, **look)
    now = f"now {estimate:.3g}"
    ax.axvline(estimate, color="black", linewidth=1, linestyle=":", label=now)
    ax.set(xlabel=parameter, ylabel="P(node | findings)")
    ax.set_ylim(bottom=0.0)
    legend_beside(ax)
    return plain(ax)
