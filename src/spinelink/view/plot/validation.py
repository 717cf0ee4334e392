"""Calibration and decision curves, and how learning went."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spinelink.view.plot.style import BLUE, GREY, RED, axes, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from spinelink.adjust.learning import Learning
    from spinelink.evaluate.validation import Validation


def plot_calibration(
    result: Validation,
    target: str | None = None,
    group: str | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Observed shares with their intervals against mean predictions, bin by bin; below, how the predictions are spread."""
    row = result.of(target, group or "all patients")
    curve = result.calibration(row.target, row.group)
    ax = axes(ax, height=5.0)
    top = min(1.0, 1.15 * float(max(curve["high"].max(), curve["predicted"].max())))
    rare = (
        float(curve["predicted"].median()) < top / 20.0
    )  # most patients would be crammed into a corner: both axes on a log scale
    bottom = max(0.5 * float(curve["predicted"].min()), 1e-6) if rare else 0.0
    shown = curve["observed"].clip(lower=bottom)
    ax.plot([bottom, top], [bottom, top], color=GREY, linewidth=1.5, label="calibrated")
    below, above = (
        (shown - curve["low"].clip(lower=bottom)).clip(lower=0.0),
        (curve["high"] - shown).clip(lower=0.0),
    )
    ax.errorbar(
        curve["predicted"],
        shown,
        yerr=[below, above],
        fmt="o",
        color=BLUE,
        capsize=3,
        label="patients in bins, 95 % interval",
    )
    if rare:
        ax.set(xscale="log", yscale="log", xlim=(bottom, top), ylim=(bottom, top))
    else:
        ax.set(xlim=(-0.02 * top, top), ylim=(-0.02 * top, top))
    edges = np.geomspace(bottom, top, 61) if rare else np.linspace(0.0, top, 61)
    spread = ax.inset_axes((0.0, 0.0, 1.0, 0.1))
    spread.hist(
        np.clip(row.predictions, edges[0], edges[-1]), bins=edges.tolist(), color=GREY, alpha=0.7
    )
    spread.set(xscale=ax.get_xscale(), xlim=ax.get_xlim())
    spread.axis("off")
    slope = f", slope {row.slope.value:.2f}" if np.isfinite(row.slope.value) else ""
    ax.set(xlabel=f"predicted P({row.target})", ylabel="observed share")
    ax.set_title(
        f"{row.group}: {row.patients} patients, {row.cases} with it; AUC {row.auc.value:.2f}{slope}",
        fontsize=10,
        loc="left",
    )
    ax.legend(fontsize=8, frameon=False, loc="upper left")
    return plain(ax)


def plot_decision_curve(
    result: Validation,
    target: str | None = None,
    group: str | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Net benefit of acting on the predictions, on everybody, and on nobody, over the threshold from which one acts."""
    row = result.of(target, group or "all patients")
    curve = result.decision_curve(row.target, row.group)
    ax = axes(ax)
    for name, colour, style, words in (
        ("network", BLUE, "-", "by the network"), ("all", RED, "--", "everybody"), ("none", "black", ":", "nobody"),
    ):  # fmt: skip
        ax.plot(curve.index, curve[name], color=colour, linestyle=style, linewidth=2, label=words)
    top = max(float(curve["network"].max()), 0.01)
    useful = curve.index[(curve["network"] > 1e-6)]
    ax.set(
        xlabel=f"threshold of P({row.target}) from which one acts",
        ylabel="net benefit",
        ylim=(-0.3 * top, 1.1 * top),
    )
    ax.set_xlim(0.0, min(1.0, 1.15 * float(useful.max()) if len(useful) else 1.0))
    ax.legend(fontsize=8, frameon=False)
    return plain(ax)


def plot_learning(result: Learning, *, ax: Axes | None = None) -> Axes:
    """How much the log likelihood, and with it the prior, still had to gain at each step."""
    ax = axes(ax, height=3.5)
    for values, colour, style, words in (
        (result.objective, BLUE, "-", "log likelihood and prior"), (result.log_likelihood, RED, "--", "log likelihood"),
    ):  # fmt: skip
        ax.plot(
            range(len(values)),
            values,
            color=colour,
            linestyle=style,
            marker="o",
            markersize=3,
            label=words,
        )
    ax.set(xlabel="step", ylabel="nats")
    ax.legend(fontsize=8, frameon=False)
    return plain(ax)
