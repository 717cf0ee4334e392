"""Pictures of one case's answers: causes, what to ask next, populations, sampled parameters, link.

Every function takes columns in the order in which they are drawn, the first row on top.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spinelink.view.plot.marks import (
    how_many,
    interval_line,
    labels,
    legend_above,
    legend_beside,
    line_look,
    mark_look,
    name_rows,
)
from spinelink.view.plot.style import (
    BLUE,
    CYAN,
    GREEN,
    GREY,
    MARKERS,
    PURPLE,
    RED,
    YELLOW,
    axes,
    is_narrow,
    plain,
)

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

# Urgencies differ in lightness as well as in colour, and an emergency has stripes.
URGENT: Mapping[str, Mapping[str, Any]] = {
    "emergency": {"facecolor": "#882255", "hatch": "///", "edgecolor": "white", "linewidth": 0.0},
    "urgent": {"facecolor": RED},
    "soon": {"facecolor": YELLOW},
    "routine": {"facecolor": BLUE},
}
INVASIVENESS = ("none", "low", "medium", "high")
LINK_COLOURS = (BLUE, GREEN, CYAN, PURPLE, GREY)
MINUTES = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 240, 480, 1440)
CLOSE = 0.045
"""Share of the height: marks that are nearer to each other share one label."""
BEFORE: Mapping[str, Any] = {
    "markerfacecolor": "white",
    "markeredgecolor": "black",
    "markersize": 5,
    "linestyle": "none",
    "label": "before the findings",
}


@dataclass(frozen=True)
class Causes:
    """Columns of a ranking. low, high: ends of the credible intervals, NaN where there are none."""

    labels: Sequence[str]
    posterior: Sequence[float]
    prior: Sequence[float]
    urgency: Sequence[str]
    low: Sequence[float]
    high: Sequence[float]


@dataclass(frozen=True)
class Questions:
    """Columns of what can be asked next. names: of equal value are ordered by these."""

    names: Sequence[str]
    labels: Sequence[str]
    minutes: Sequence[float]
    value: Sequence[float]
    invasiveness: Sequence[str]


def plot_ranking(causes: Causes, *, ax: Axes | None = None, limit: int = 12) -> Axes:
    """The posterior of each cause as a bar, its prior as a hollow mark, its interval as a line.

    Args:
        causes: the likeliest first.
        ax: where to draw; new Axes where None.
        limit: how many causes.

    Returns:
        The Axes.
    """
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    rows = range(len(causes.labels))[: how_many(limit)][::-1]
    ax = axes(ax, height=1.3 + 0.32 * len(rows))
    for y, k in enumerate(rows):
        ax.barh(y, causes.posterior[k], height=0.62, **URGENT[causes.urgency[k]])
        if causes.low[k] == causes.low[k]:
            interval_line(ax, y, low=causes.low[k], high=causes.high[k])
    priors = [causes.prior[k] for k in rows]
    ax.plot(priors, range(len(rows)), "D", clip_on=False, zorder=3, **BEFORE)
    name_rows(ax, [causes.labels[k] for k in rows])
    handles: list[Artist] = [Line2D([], [], marker="D", **BEFORE)]
    urgencies = dict.fromkeys(causes.urgency[k] for k in reversed(rows))
    handles += [Patch(label=urgency, **URGENT[urgency]) for urgency in urgencies]
    if any(low == low for low in causes.low):
        handles.append(Line2D([], [], color="black", linewidth=1.6, label="credible interval"))
    ax.set(xlabel="P(cause | findings)", xlim=(0.0, 1.0))
    legend_above(ax, handles)
    return plain(ax)


def plot_next_best(
    questions: Questions, *, unit: str, ax: Axes | None = None, limit: int = 12
) -> Axes:
    """What each question, sign, test or procedure tells, against the minutes that it takes.

    Marks are numbered by value, and the numbers explained beside the Axes: names would overlap, as
    many questions take equally long. The shape of a mark says how invasive the procedure is.

    Args:
        questions: the best first.
        unit: of the values.
        ax: where to draw; new Axes where None.
        limit: how many questions.

    Returns:
        The Axes.
    """
    drawn = range(len(questions.names))[: how_many(limit)]
    minutes = [max(m, 0.1) for m in questions.minutes]
    ax = axes(ax)
    for position, level in enumerate(INVASIVENESS):
        same = [k for k in drawn if questions.invasiveness[k] == level]
        if same:
            ax.plot(
                [minutes[k] for k in same],
                [questions.value[k] for k in same],
                markersize=7,
                label=f"invasiveness: {level}",
                **mark_look(position),
            )
    order = sorted(drawn, key=lambda k: (-questions.value[k], questions.names[k]))
    top = max((questions.value[k] for k in drawn), default=1.0) or 1.0
    points = [(minutes[k], questions.value[k]) for k in order]
    for numbers, x, y in _shared_labels(points, close=CLOSE * top):
        words = ", ".join(map(str, numbers))
        ax.annotate(words, (x, y), (7, 0), textcoords="offset points", fontsize=8, va="center")
    for number, k in enumerate(order, 1):
        name = labels([questions.labels[k]], width=34)[0]
        ax.plot([], [], linestyle="none", label=f"{number}  {name}")
    ax.set(xscale="log", xlabel="minutes", ylabel=unit)
    ax.margins(x=0.18)
    ax.set_ylim(-0.03 * top, 1.06 * top)
    low, high = ax.get_xlim()
    ticks = [m for m in MINUTES if low <= m <= high]
    ax.set_xticks(ticks, [f"{m:g}" for m in ticks])
    ax.minorticks_off()
    if drawn:
        legend_beside(ax, handlelength=1.0)
    return plain(ax)


def _shared_labels(
    points: Sequence[tuple[float, float]], *, close: float
) -> list[tuple[list[int], float, float]]:
    """Labels of marks, one where several would overlap: their numbers, minutes and mean value.

    points: (minutes, value), the highest value first; they are numbered from 1.
    """
    groups: dict[float, list[list[tuple[int, float]]]] = {}
    for number, (minutes, value) in enumerate(points, 1):
        column = groups.setdefault(minutes, [])
        if column and column[-1][-1][1] - value < close:
            column[-1].append((number, value))
        else:
            column.append([(number, value)])
    return [
        ([number for number, _ in group], minutes, sum(v for _, v in group) / len(group))
        for minutes, column in groups.items()
        for group in column
    ]


def plot_settings(
    names: Sequence[str],
    posterior: Mapping[str, Sequence[float]],
    *,
    labels: Sequence[str],
    ax: Axes | None = None,
    limit: int = 10,
) -> Axes:
    """Posteriors in each setting, one mark a setting, the highest posterior anywhere on top.

    Args:
        names: of the causes; equal ones are ordered by these.
        posterior: setting -> posterior of each cause.
        labels: of the causes.
        ax: where to draw; new Axes where None.
        limit: how many causes.

    Returns:
        The Axes.
    """
    table = np.array(list(posterior.values()))
    highest = table.max(axis=0)
    order = sorted(range(len(names)), key=lambda k: (-highest[k], names[k]))
    rows = order[: how_many(limit)][::-1]
    ax = axes(ax, height=1.4 + 0.34 * len(rows))
    for y, k in enumerate(rows):
        ends = [table[:, k].min(), table[:, k].max()]
        ax.plot(ends, [y, y], color=GREY, linewidth=2, zorder=1)
    for position, (setting, values) in enumerate(posterior.items()):
        ax.plot(
            [values[k] for k in rows],
            range(len(rows)),
            label=setting.replace("_", " "),
            **mark_look(position),
        )
    name_rows(ax, [labels[k] for k in rows])
    ax.set(xlabel="P(cause | findings)", xlim=(0.0, 1.0))
    legend_above(ax)
    return plain(ax)


def plot_sampled(
    names: Sequence[str],
    sampled: Sequence[NDArray[np.float64]],
    *,
    posterior: Sequence[float],
    level: float,
    ax: Axes | None = None,
    limit: int = 6,
) -> Axes:
    """How the posterior of each node spreads over sampled parameters of the network.

    Args:
        names: labels of the nodes.
        sampled: posterior of each node under each sample; NaN where the findings cannot occur.
        posterior: of each node under the estimates, which is marked on its curve.
        level: of the interval, whose ends are marked.
        ax: where to draw; new Axes where None.
        limit: how many nodes.

    Returns:
        The Axes.
    """
    drawn = range(len(names))[: how_many(limit)]
    ax = axes(ax)
    for k in drawn:
        values = np.sort(sampled[k][np.isfinite(sampled[k])])
        share = (np.arange(len(values)) + 0.5) / max(len(values), 1)
        look = line_look(k)
        ax.plot(values, share, linewidth=1.8, label=labels([names[k]], width=34)[0], **look)
        height = float(np.interp(posterior[k], values, share))
        ax.plot(
            [posterior[k]],
            [height],
            MARKERS[k % len(MARKERS)],
            color=look["color"],
            markeredgecolor="black",
        )
    tail = (1.0 - level) / 2.0
    for edge in (tail, 1.0 - tail):
        ax.axhline(edge, color=GREY, linewidth=1)
    ax.set(
        xlabel="posterior under one draw of the numbers",
        ylabel="share of draws below",
        ylim=(0.0, 1.0),
    )
    ax.set_xlim(left=0.0)
    title = f"mark: under the estimates\nbetween the grey lines: {level:.0%} interval"
    legend_beside(ax, title=title, handlelength=3.5)
    return plain(ax)


def plot_link(
    names: Sequence[str],
    probability: Sequence[float],
    *,
    low: Sequence[float],
    high: Sequence[float],
    line: str = "",
    ax: Axes | None = None,
) -> Axes:
    """The probabilities of the five link patterns, with their bounds or intervals.

    Args:
        names: what each pattern means.
        probability: of each pattern.
        low: lower end of each; no line is drawn where the ends are equal.
        high: upper end of each.
        line: what the line from `low` to `high` is.
        ax: where to draw; new Axes where None.

    Returns:
        The Axes.
    """
    rows = range(len(names))[::-1]
    ax = axes(ax, height=2.9)
    for y, k in enumerate(rows):
        ax.barh(y, probability[k], color=LINK_COLOURS[k], height=0.62)
        if high[k] - low[k] > 1e-9:
            interval_line(ax, y, low=low[k], high=high[k])
        right = max(probability[k], high[k]) + 0.012
        ax.text(right, y, f"{probability[k]:.2f}", va="center", fontsize=8)
    narrow = is_narrow(ax)
    width, size = (24, 7) if narrow else (60, 8)
    ax.set_yticks(range(len(rows)), [fill(names[k], width) for k in rows], fontsize=size)
    ax.set(xlabel=f"share ({line})" if line else "share", xlim=(0.0, 1.08))
    ax.set_xticks([0.0, 0.5, 1.0] if narrow else [0.0, 0.25, 0.5, 0.75, 1.0])
    return plain(ax)
