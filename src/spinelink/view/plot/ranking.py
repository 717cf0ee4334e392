"""Pictures of one case's answers: ranking, what to ask next, populations side by side, a posterior over draws, link shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from spinelink.view.plot.style import (
    BLUE,
    CYCLE,
    GREEN,
    GREY,
    MARKERS,
    RED,
    STYLES,
    YELLOW,
    axes,
    check_limit,
    is_narrow,
    labels,
    legend_above,
    legend_beside,
    name_rows,
    plain,
)

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from spinelink.query.across_settings import AcrossSettings
    from spinelink.query.intervals import Intervals
    from spinelink.query.link import Link
    from spinelink.query.next_best import Candidate, NextBest
    from spinelink.query.ranking import Ranking

URGENT: Mapping[
    str, Mapping[str, Any]
] = {  # light and dark as well as colour, and stripes for an emergency
    "emergency": {"facecolor": "#882255", "hatch": "///", "edgecolor": "white", "linewidth": 0.0},
    "urgent": {"facecolor": RED},
    "soon": {"facecolor": YELLOW},
    "routine": {"facecolor": BLUE},
}
MINUTES = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 240, 480, 1440)
CLOSE = 0.045  # of the height: marks that are nearer share one label


def plot_ranking(result: Ranking, *, ax: Axes | None = None, limit: int = 12) -> Axes:
    """Posterior of each cause, the likeliest on top, with its prior as a hollow mark, and its interval where one was asked for."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    rows = result.causes[: check_limit(limit)][::-1]
    ax = axes(ax, height=1.3 + 0.32 * len(rows))
    for y, c in enumerate(rows):
        ax.barh(y, c.posterior, height=0.62, **URGENT[c.urgency])
        if c.low == c.low:
            ax.plot([c.low, c.high], [y, y], color="black", linewidth=1.6, solid_capstyle="butt")
    before: dict[str, Any] = {
        "markerfacecolor": "white",
        "markeredgecolor": "black",
        "markersize": 5,
        "linestyle": "none",
        "label": "before the findings",
    }
    ax.plot([c.prior for c in rows], range(len(rows)), "D", clip_on=False, zorder=3, **before)
    name_rows(ax, [c.label for c in rows])
    handles: list[Artist] = [Line2D([], [], marker="D", **before)]
    handles += [
        Patch(label=urgency, **URGENT[urgency])
        for urgency in dict.fromkeys(r.urgency for r in reversed(rows))
    ]
    if result.has_intervals:
        handles.append(Line2D([], [], color="black", linewidth=1.6, label="credible interval"))
    ax.set(xlabel="P(cause | findings)", xlim=(0.0, 1.0))
    legend_above(ax, handles)
    return plain(ax)


def plot_next_best(result: NextBest, *, ax: Axes | None = None, limit: int = 12) -> Axes:
    """What each question, sign, test or procedure tells against the minutes it takes; invasiveness by mark, the best named."""
    found = result.candidates[: check_limit(limit)]
    ax = axes(ax)
    for k, level in enumerate(("none", "low", "medium", "high")):
        some = [c for c in found if c.invasiveness == level]
        if some:
            ax.plot(
                [max(c.minutes, 0.1) for c in some], [c.value for c in some], MARKERS[k], color=CYCLE[k], linestyle="none", markersize=7, label=f"invasiveness: {level}",
            )  # fmt: skip
    # Marks are numbered by value, and the numbers explained beside the axes: questions that take equally long stand too close together for names.
    order = sorted(found, key=lambda c: (-c.value, c.name))
    top = max((c.value for c in found), default=1.0) or 1.0
    for numbers, minutes, value in _together(order, CLOSE * top):
        words = ", ".join(map(str, numbers))
        ax.annotate(
            words, (minutes, value), (7, 0), textcoords="offset points", fontsize=8, va="center"
        )
    for number, c in enumerate(order, 1):
        ax.plot([], [], linestyle="none", label=f"{number}  {labels([c.label], width=34)[0]}")
    ax.set(xscale="log", xlabel="minutes", ylabel=result.unit)
    ax.margins(x=0.18)
    ax.set_ylim(-0.03 * top, 1.06 * top)
    low, high = ax.get_xlim()
    ticks = [m for m in MINUTES if low <= m <= high]
    ax.set_xticks(ticks, [f"{m:g}" for m in ticks])
    ax.minorticks_off()
    if found:
        legend_beside(ax, handlelength=1.0)
    return plain(ax)


def _together(order: Sequence[Candidate], close: float) -> list[tuple[list[int], float, float]]:
    """Numbers, minutes and middle value of marks that would be labelled at the same place."""
    groups: dict[float, list[list[tuple[int, float]]]] = {}
    for number, c in enumerate(order, 1):
        own = groups.setdefault(max(c.minutes, 0.1), [])
        if own and own[-1][-1][1] - c.value < close:
            own[-1].append((number, c.value))
        else:
            own.append([(number, c.value)])
    return [
        ([n for n, _ in group], minutes, sum(v for _, v in group) / len(group))
        for minutes, own in groups.items()
        for group in own
    ]


def plot_settings(result: AcrossSettings, *, ax: Axes | None = None, limit: int = 10) -> Axes:
    """Posteriors in each setting, one mark a setting, the cause with the highest posterior anywhere on top."""
    peak = [max(result.posterior[s][k] for s in result.settings) for k in range(len(result.causes))]
    order = sorted(range(len(peak)), key=lambda k: (-peak[k], result.causes[k]))[
        : check_limit(limit)
    ][::-1]
    ax = axes(ax, height=1.4 + 0.34 * len(order))
    for y, k in enumerate(order):
        values = [result.posterior[s][k] for s in result.settings]
        ax.plot([min(values), max(values)], [y, y], color=GREY, linewidth=2, zorder=1)
    for j, s in enumerate(result.settings):
        ax.plot(
            [result.posterior[s][k] for k in order], range(len(order)), MARKERS[j % len(MARKERS)], color=CYCLE[j % len(CYCLE)], linestyle="none", label=s.replace("_", " "),
        )  # fmt: skip
    name_rows(ax, [result.labels[k] for k in order])
    ax.set(xlabel="P(cause | findings)", xlim=(0.0, 1.0))
    legend_above(ax)
    return plain(ax)


def plot_draws(result: Intervals, *, ax: Axes | None = None, limit: int = 6) -> Axes:
    """How the posterior of each node spreads over draws of the network's numbers; the interval and the value under the estimates marked."""
    rows = [r for r in result.rows if r.node in result.drawn][: check_limit(limit)]
    ax = axes(ax)
    for k, row in enumerate(rows):
        values = np.sort(result.drawn[row.node][np.isfinite(result.drawn[row.node])])
        share = (np.arange(len(values)) + 0.5) / max(len(values), 1)
        colour = CYCLE[k % len(CYCLE)]
        style = STYLES[k % len(STYLES)]
        ax.plot(
            values,
            share,
            color=colour,
            linestyle=style,
            linewidth=1.8,
            label=labels([row.label], width=34)[0],
        )
        ax.plot(
            [row.posterior],
            [float(np.interp(row.posterior, values, share))],
            MARKERS[k % len(MARKERS)],
            color=colour,
            markeredgecolor="black",
        )
    tail = (1.0 - result.level) / 2.0
    for edge in (tail, 1.0 - tail):
        ax.axhline(edge, color=GREY, linewidth=1)
    ax.set(
        xlabel="posterior under one draw of the numbers",
        ylabel="share of draws below",
        ylim=(0.0, 1.0),
    )
    ax.set_xlim(left=0.0)
    legend_beside(
        ax,
        title=f"mark: under the estimates\nbetween the grey lines: {result.level:.0%} interval",
        handlelength=3.5,
    )
    return plain(ax)


def plot_link(result: Link, *, ax: Axes | None = None) -> Axes:
    """The five shares, with their bounds or intervals."""
    words = result.words()
    parts = list(result.shares)[::-1]
    ax = axes(ax, height=2.9)
    colours = {
        "first_from_second": BLUE,
        "second_from_first": GREEN,
        "both_ways": "#66CCEE",
        "shared": "#AA3377",
        "separate": GREY,
    }
    for y, part in enumerate(parts):
        ax.barh(y, result.shares[part], color=colours[part], height=0.62)
        if result.high[part] - result.low[part] > 1e-9:
            ax.plot(
                [result.low[part], result.high[part]],
                [y, y],
                color="black",
                linewidth=1.6,
                solid_capstyle="butt",
            )
        ax.text(
            max(result.shares[part], result.high[part]) + 0.012,
            y,
            f"{result.shares[part]:.2f}",
            va="center",
            fontsize=8,
        )
    narrow = is_narrow(ax)
    ax.set_yticks(
        range(len(parts)),
        [fill(words[p], 24 if narrow else 60) for p in parts],
        fontsize=7 if narrow else 8,
    )
    line = (
        f"{result.level:.0%} credible interval"
        if result.level
        else ""
        if result.identified
        else "line: how far it may be otherwise"
    )
    ax.set(xlabel="share" + (f" ({line})" if line else ""), xlim=(0.0, 1.08))
    ax.set_xticks([0.0, 0.5, 1.0] if narrow else [0.0, 0.25, 0.5, 0.75, 1.0])
    return plain(ax)
