"""Pictures of one case's answers: ranking, what to ask next, populations side by side, a posterior over draws, link shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spinelink.plot.style import BLUE, CYCLE, GREEN, GREY, RED, axes, labels, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from spinelink.query.attribution import Link
    from spinelink.query.intervals import Intervals
    from spinelink.query.next_best import NextBest
    from spinelink.query.ranking import Ranking
    from spinelink.query.settings import AcrossSettings

URGENT = {"emergency": RED, "urgent": RED, "soon": "#CCBB44", "routine": BLUE}
MARKERS = ("o", "s", "D", "^", "v", "P")


def plot_ranking(result: Ranking, *, ax: Axes | None = None, limit: int = 12) -> Axes:
    """Posterior of each cause, the likeliest on top, with its prior as a hollow mark, and its interval where one was asked for."""
    rows = result.causes[:limit][::-1]
    ax = axes(ax, height=1.3 + 0.32 * len(rows))
    for y, c in enumerate(rows):
        ax.barh(y, c.posterior, color=URGENT[c.urgency], height=0.62)
        if c.low == c.low:
            ax.plot([c.low, c.high], [y, y], color="black", linewidth=1.6, solid_capstyle="butt")
    ax.plot(
        [c.prior for c in rows],
        range(len(rows)),
        "D",
        markerfacecolor="white",
        markeredgecolor="black",
        markersize=5,
        linestyle="none",
        label="before the findings",
    )
    ax.set_yticks(range(len(rows)), labels([c.label for c in rows]), fontsize=8)
    for urgency in dict.fromkeys(r.urgency for r in reversed(rows)):
        ax.barh(0, 0, color=URGENT[urgency], label=urgency)
    if result.has_intervals:
        ax.plot([], [], color="black", linewidth=1.6, label="credible interval")
    ax.set(xlabel="P(cause | findings)", xlim=(0.0, 1.0))
    ax.legend(fontsize=8, frameon=False, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=4)
    return plain(ax)


def plot_next_best(result: NextBest, *, ax: Axes | None = None, limit: int = 12) -> Axes:
    """What each question, sign, test or procedure tells against the minutes it takes; invasiveness by mark, the best named."""
    found = result.candidates[:limit]
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
    lowest: dict[float, float] = {}
    for number, c in enumerate(order, 1):
        minutes = max(c.minutes, 0.1)
        lowest[minutes] = min(c.value, lowest.get(minutes, float("inf")) - 0.05 * top)
        ax.annotate(str(number), (minutes, c.value), (minutes * 1.1, lowest[minutes]), fontsize=8, va="center")
        ax.plot([], [], linestyle="none", label=f"{number}  {labels([c.label], width=34)[0]}")
    ax.set(xscale="log", xlabel="minutes", ylabel=result.unit)
    ax.margins(x=0.12)
    ax.set_ylim(bottom=min(0.0, *(v - 0.05 * top for v in lowest.values())) if lowest else 0.0)
    if found:
        ax.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0), handlelength=1.0)
    return plain(ax)


def plot_settings(result: AcrossSettings, *, ax: Axes | None = None, limit: int = 10) -> Axes:
    """Posteriors in each setting, one mark a setting, the cause with the highest posterior anywhere on top."""
    peak = [max(result.posterior[s][k] for s in result.settings) for k in range(len(result.causes))]
    order = sorted(range(len(peak)), key=lambda k: (-peak[k], result.causes[k]))[:limit][::-1]
    ax = axes(ax, height=1.4 + 0.34 * len(order))
    for y, k in enumerate(order):
        values = [result.posterior[s][k] for s in result.settings]
        ax.plot([min(values), max(values)], [y, y], color=GREY, linewidth=2, zorder=1)
    for j, s in enumerate(result.settings):
        ax.plot(
            [result.posterior[s][k] for k in order], range(len(order)), MARKERS[j % len(MARKERS)], color=CYCLE[j % len(CYCLE)], linestyle="none", label=s.replace("_", " "),
        )  # fmt: skip
    ax.set_yticks(range(len(order)), labels([result.labels[k] for k in order]), fontsize=8)
    ax.set(xlabel="P(cause | findings)", xlim=(0.0, 1.0))
    ax.legend(fontsize=8, frameon=False, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=4)
    return plain(ax)


def plot_draws(result: Intervals, *, ax: Axes | None = None, limit: int = 6) -> Axes:
    """How the posterior of each node spreads over draws of the network's numbers; the interval and the value under the estimates marked."""
    rows = [r for r in result.rows if r.node in result.drawn][:limit]
    ax = axes(ax)
    for k, row in enumerate(rows):
        values = np.sort(result.drawn[row.node][np.isfinite(result.drawn[row.node])])
        share = (np.arange(len(values)) + 0.5) / max(len(values), 1)
        colour = CYCLE[k % len(CYCLE)]
        ax.plot(values, share, color=colour, linewidth=1.8, label=labels([row.label], width=34)[0])
        ax.plot([row.posterior], [float(np.interp(row.posterior, values, share))], "o", color=colour, markeredgecolor="black")
    tail = (1.0 - result.level) / 2.0
    for edge in (tail, 1.0 - tail):
        ax.axhline(edge, color=GREY, linewidth=1, linestyle="--")
    ax.set(xlabel="posterior under one draw of the numbers", ylabel="share of draws below", ylim=(0.0, 1.0))
    ax.set_xlim(left=0.0)
    title = f"dot: under the estimates\ndashed: {result.level:.0%} interval"
    ax.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0), title=title, title_fontsize=8, alignment="left")
    return plain(ax)


def plot_link(result: Link, *, ax: Axes | None = None) -> Axes:
    """The five shares, with their bounds or intervals."""
    words = result.words()
    parts = list(result.shares)[::-1]
    ax = axes(ax, height=2.9)
    colours = {"first_from_second": BLUE, "second_from_first": GREEN, "both_ways": "#66CCEE", "shared": "#AA3377", "separate": GREY}
    for y, part in enumerate(parts):
        ax.barh(y, result.shares[part], color=colours[part], height=0.62)
        if result.high[part] - result.low[part] > 1e-9:
            ax.plot([result.low[part], result.high[part]], [y, y], color="black", linewidth=1.6, solid_capstyle="butt")
        ax.text(max(result.shares[part], result.high[part]) + 0.012, y, f"{result.shares[part]:.2f}", va="center", fontsize=8)
    ax.set_yticks(range(len(parts)), labels([words[p] for p in parts], width=60), fontsize=8)
    line = f"{result.level:.0%} credible interval" if result.level else "" if result.identified else "line: how far it may be otherwise"
    ax.set(xlabel="share" + (f" ({line})" if line else ""), xlim=(0.0, 1.08))
    ax.set_xticks([0.0, 0.25, 0.5, 0.75, 1.0])
    return plain(ax)
