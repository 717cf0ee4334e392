"""How good predictions are, and how learning went: calibration, decision curve, log likelihood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spinelink.view.plot.style import BLUE, GREY, RED, axes, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Values = NDArray[np.float64]
STRATEGIES: Mapping[str, tuple[str, str, str]] = {
    "network": (BLUE, "-", "by the network"),
    "all": (RED, "--", "everybody"),
    "none": ("black", ":", "nobody"),
}
"""Whom one treats: colour, dashes and words of its curve."""


@dataclass(frozen=True)
class Bins:
    """Bins of patients with like predictions: mean prediction, observed share and its interval."""

    predicted: Values
    observed: Values
    low: Values
    high: Values


def plot_calibration(
    bins: Bins, predictions: Values, *, target: str, title: str, ax: Axes | None = None
) -> Axes:
    """Observed shares against mean predictions; below, how the predictions are spread.

    Both axes are on a log scale where the target is rare: else most patients lie in a corner.

    Args:
        bins: one mark each.
        predictions: one a patient.
        target: what is predicted.
        title: over the Axes.
        ax: where to draw; new Axes where None.

    Returns:
        The Axes.
    """
    ax = axes(ax, height=5.0)
    top = min(1.0, 1.15 * float(max(bins.high.max(), bins.predicted.max())))
    rare = float(np.median(bins.predicted)) < top / 20.0
    bottom = max(0.5 * float(bins.predicted.min()), 1e-6) if rare else 0.0
    shown = np.maximum(bins.observed, bottom)
    below = np.maximum(shown - np.maximum(bins.low, bottom), 0.0)
    above = np.maximum(bins.high - shown, 0.0)
    ax.plot([bottom, top], [bottom, top], color=GREY, linewidth=1.5, label="calibrated")
    ax.errorbar(
        bins.predicted,
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
    _spread(ax, np.clip(predictions, edges[0], edges[-1]), edges=edges)
    ax.set(xlabel=f"predicted P({target})", ylabel="observed share")
    ax.set_title(title, fontsize=10, loc="left")
    ax.legend(fontsize=8, frameon=False, loc="upper left")
    return plain(ax)


def _spread(ax: Axes, predictions: Values, *, edges: Values) -> None:
    """A histogram of the predictions along the lower edge, on the scale of the Axes."""
    spread = ax.inset_axes((0.0, 0.0, 1.0, 0.1))
    spread.hist(predictions, bins=edges.tolist(), color=GREY, alpha=0.7)
    spread.set(xscale=ax.get_xscale(), xlim=ax.get_xlim())
    spread.axis("off")


def plot_decision_curve(
    thresholds: Values, benefit: Mapping[str, Values], *, target: str, ax: Axes | None = None
) -> Axes:
    """Net benefit of acting by the network, on everybody and on nobody, over the threshold.

    Args:
        thresholds: probabilities from which one acts.
        benefit: net benefit at each threshold, by strategy ("network", "all", "none").
        target: what is predicted.
        ax: where to draw; new Axes where None.

    Returns:
        The Axes.

    Source:
        Vickers and Elkin 2006.
    """
    ax = axes(ax)
    for strategy, (colour, style, words) in STRATEGIES.items():
        ax.plot(
            thresholds, benefit[strategy], color=colour, linestyle=style, linewidth=2, label=words
        )
    top = max(float(benefit["network"].max()), 0.01)
    useful = thresholds[benefit["network"] > 1e-6]
    ax.set(
        xlabel=f"threshold of P({target}) from which one acts",
        ylabel="net benefit",
        ylim=(-0.3 * top, 1.1 * top),
    )
    ax.set_xlim(0.0, min(1.0, 1.15 * float(useful.max()) if len(useful) else 1.0))
    ax.legend(fontsize=8, frameon=False)
    return plain(ax)


def plot_learning(
    objective: Sequence[float], log_likelihood: Sequence[float], *, ax: Axes | None = None
) -> Axes:
    """The log likelihood of the data, with and without the prior, at each step of learning.

    Args:
        objective: log likelihood and log prior at each step, in nats.
        log_likelihood: at each step, in nats.
        ax: where to draw; new Axes where None.

    Returns:
        The Axes.
    """
    ax = axes(ax, height=3.5)
    for values, colour, style, words in (
        (objective, BLUE, "-", "log likelihood and prior"),
        (log_likelihood, RED, "--", "log likelihood"),
    ):
        steps = range(len(values))
        ax.plot(steps, values, color=colour, linestyle=style, marker="o", markersize=3, label=words)
    ax.set(xlabel="step", ylabel="nats")
    ax.legend(fontsize=8, frameon=False)
    return plain(ax)
