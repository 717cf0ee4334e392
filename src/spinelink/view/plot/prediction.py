"""Figures predicted without their studies: predicted against published, and how often intervals hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spinelink.view.plot.marks import legend_above, mark_look
from spinelink.view.plot.style import BLUE, GREY, axes, is_narrow, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Values = NDArray[np.float64]

PROBABILITIES = (1e-5, 1e-4, 0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999)
RATIOS = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
OUTERMOST = 11.5
"""In log odds or log ratio: what lies farther stands at the edge."""
ROOM = 0.6
"""Room beyond the outermost marks."""
MANY = 100
"""Figures from which on intervals are drawn faintly."""


def plot_predicted(
    published: Values,
    predicted: Values,
    *,
    intervals: Values,
    kinds: Sequence[str],
    has_ratios: bool,
    ax: Axes | None = None,
) -> Axes:
    """Predicted figures over published ones, each with its predictive interval.

    Args:
        published: in log odds (probabilities) or logarithms (ratios).
        predicted: on the same scale.
        intervals: low and high, (figures, 2).
        kinds: of the figures; each has a colour and a shape.
        has_ratios: whether the scale of ratios is written too.
        ax: where to draw; new Axes where None.

    Returns:
        The Axes; ticks name the probability, and on the other sides the ratio. What is less than
        0.001 %, or more than 99.999 %, stands at the edge.
    """
    ax = axes(ax, height=6.8)
    x, y = (np.clip(v, -OUTERMOST, OUTERMOST) for v in (published, predicted))
    low = max(min(float(x.min()), float(intervals.min())), -OUTERMOST) - ROOM
    high = min(max(float(x.max()), float(intervals.max())), OUTERMOST) + ROOM
    ax.plot([low, high], [low, high], color=GREY, linewidth=1.5, zorder=1)
    faint = 0.35 if len(x) > MANY else 0.8
    for position, (kind, count) in enumerate(Counter(kinds).most_common()):
        rows = np.array([each == kind for each in kinds])
        look, label = mark_look(position), f"{kind.replace('_', ' ')} ({count})"
        ax.vlines(x[rows], *intervals[rows].T, color=look["color"], linewidth=0.6, alpha=faint)
        ax.plot(x[rows], y[rows], markersize=4, markeredgewidth=0, label=label, **look)
    words = "probability" if has_ratios else "figure"
    ax.set(xlim=(low, high), ylim=(low, high))
    ax.set_box_aspect(1.0)
    ax.set(xlabel=f"published {words}", ylabel=f"predicted {words}")
    named = PROBABILITIES[1::2] if is_narrow(ax) else PROBABILITIES
    shown = [p for p in named if low <= np.log(p / (1.0 - p)) <= high]
    places = [float(np.log(p / (1.0 - p))) for p in shown]
    ax.set_xticks(places, [f"{100.0 * p:.6g} %" for p in shown], fontsize=8, rotation=45)
    ax.set_yticks(places, [f"{100.0 * p:.6g} %" for p in shown], fontsize=8)
    plain(ax)
    if has_ratios:
        _ratio_scale(ax, low, high)
    _legend(ax)
    return ax


def _legend(ax: Axes) -> None:
    """Kinds of figures, where predictions would lie far too low; below where Axes are narrow."""
    narrow = is_narrow(ax)
    ax.legend(
        title="mark: middle, line: 90 % interval",
        alignment="left",
        bbox_to_anchor=(0.0, -0.4) if narrow else (1.0, 0.0),
        fontsize=7,
        framealpha=0.8,
        frameon=not narrow,
        labelspacing=0.3,
        loc="upper left" if narrow else "lower right",
        markerscale=1.3,
        title_fontsize=7,
    )


def _ratio_scale(ax: Axes, low: float, high: float) -> None:
    """Ratios above and to the right: their logarithm stands where the log odds of a probability do."""
    named = RATIOS[1::2] if is_narrow(ax) else RATIOS
    shown = [r for r in named if low <= np.log(r) <= high]
    places, words = np.log(shown).tolist(), [f"{r:g}" for r in shown]
    above, right = ax.secondary_xaxis("top"), ax.secondary_yaxis("right")
    above.set_xticks(places, words, fontsize=8)
    right.set_yticks(places, words, fontsize=8)
    above.set_xlabel("published ratio")
    right.set_ylabel("predicted ratio")


def plot_coverage(
    nominal: Values, observed: Values, *, figures: int, ax: Axes | None = None
) -> Axes:
    """The fraction of figures inside predictive intervals, over the level of the intervals.

    Args:
        nominal: levels of the intervals.
        observed: fractions inside.
        figures: how many were predicted.
        ax: where to draw; new Axes where None.

    Returns:
        The Axes. A grey band holds what chance gives to as many independent figures (90 %).
    """
    from scipy.stats import binom

    ax = axes(ax, height=4.5)
    low, high = (binom.ppf(q, figures, nominal) / figures for q in (0.05, 0.95))
    ax.fill_between(
        nominal, low, high, color=GREY, alpha=0.35, linewidth=0, label="chance, 90 % of the time"
    )
    ax.plot([0.0, 1.0], [0.0, 1.0], color="black", linewidth=1, linestyle=":", label="as stated")
    ax.plot(
        nominal, observed, color=BLUE, linewidth=2, marker="o", markersize=4, label="these figures"
    )
    ticks = [0.0, 0.25, 0.5, 0.75, 1.0]
    words = [f"{100 * t:.0f} %" for t in ticks]
    ax.set(xlim=(0.0, 1.0), ylim=(0.0, 1.0))
    ax.set_box_aspect(1.0)
    ax.set_xticks(ticks, words)
    ax.set_yticks(ticks, words)
    ax.set(xlabel="level of the predictive interval", ylabel="figures inside")
    if is_narrow(ax):
        legend_above(ax)
    else:
        ax.legend(fontsize=8, frameon=False, loc="lower right")
    return plain(ax)
