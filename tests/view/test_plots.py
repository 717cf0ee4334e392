"""What is drawn: the artists hold the numbers of the results."""

from __future__ import annotations

from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")

import matplotlib.pyplot as plt

import spinelink as sl
from spinelink.errors import SpinelinkError
from spinelink.view.plot.marks import labels


@pytest.fixture(scope="module")
def case():
    return sl.load("minimal").observe(numbness=True, leg_pain="below_knee", back_pain=True)


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def test_a_tornado(case):
    found = case.sensitivity("lumbar_disc_herniation")
    ax = found.plot(limit=5)
    bars = [p for p in ax.patches if p.get_width()]
    ends = sorted({round(b.get_x() + b.get_width(), 9) for b in bars})
    expected = sorted(
        {round(v, 9) for r in found.rows[:5] for v in (r.posterior_low, r.posterior_high)}
        - {round(found.posterior, 9)}
    )
    assert ends == pytest.approx(expected, abs=1e-6)
    assert [t.get_text() for t in ax.get_yticklabels()][::-1][0].startswith("lumbar_disc")
    given = plt.subplots()[1]
    assert found.plot(given) is given


def test_a_curve(case):
    found = case.sensitivity("lumbar_disc_herniation").function("numbness.leak")
    ax = found.plot()
    x, y = ax.lines[0].get_data()
    assert y == pytest.approx(found(x))
    assert ax.get_xlabel() == "numbness.leak"


def test_two_numbers_and_a_sweep(case):
    found = case.two_way("lumbar_disc_herniation", "numbness.leak", "scoliosis.prior", points=5)
    assert found.plot().get_ylabel() == "numbness.leak"
    swept = case.sweep("scoliosis.prior", [0.1, 0.2, 0.3])
    ax = swept.plot(limit=2)
    lines = {line.get_label(): line.get_ydata() for line in ax.lines}
    assert lines["scoliosis"] == pytest.approx(swept.to_frame()["scoliosis"].to_numpy())
    assert len(ax.lines) == 3


def test_calibration_decisions_and_learning(case):
    model = case.model
    frame = model.sample(1500, seed=1, missing=0.1)
    found = model.evaluate(frame, ["scoliosis", "lumbar_disc_herniation"], bootstrap=0)
    curve = found.calibration("scoliosis")
    ax = found.plot("scoliosis")
    points = ax.containers[0].lines[0]
    assert points.get_xdata() == pytest.approx(curve["predicted"].to_numpy())
    assert points.get_ydata() == pytest.approx(curve["observed"].to_numpy())
    assert (
        found.plot("lumbar_disc_herniation").get_xscale() == "log"
    )  # rare: most patients would lie in a corner
    decisions = found.plot_decision_curve("lumbar_disc_herniation")
    expected = found.decision_curve("lumbar_disc_herniation")["network"].to_numpy()
    assert decisions.lines[0].get_ydata() == pytest.approx(expected)
    learning = model.learn(frame, restarts=0, limit=3)
    assert learning.plot().lines[0].get_ydata() == pytest.approx(np.array(learning.objective))


def test_labels_stay_different():
    names = ["a" * 40 + f"{k}" + "b" * 40 for k in range(3)]
    assert len(set(labels(names))) == 3
    assert labels(["short"]) == ["short"]


def test_a_ranking_with_intervals(case):
    found = case.differential(limit=3, interval=0.9)
    ax = found.plot()
    bars = [b.get_width() for b in ax.patches if b.get_width()]
    assert bars == pytest.approx([c.posterior for c in found.causes][::-1])
    priors = next(line for line in ax.lines if line.get_label() == "before the findings")
    assert list(priors.get_xdata()) == pytest.approx([c.prior for c in found.causes][::-1])
    ends = [
        tuple(line.get_xdata())
        for line in ax.lines
        if len(line.get_xdata()) == 2 and line.get_linewidth() == 1.6
    ]
    assert np.array(ends) == pytest.approx(np.array([(c.low, c.high) for c in found.causes][::-1]))
    assert [t.get_text() for t in ax.get_yticklabels()][-1] == found[0].label
    plain = case.differential(limit=3).plot()
    assert "credible interval" not in [t.get_text() for t in plain.get_legend().get_texts()]


def test_what_to_ask_next(case):
    found = case.next_best(limit=None, cost=None)
    ax = found.plot(limit=4)
    points = sorted(
        (x, y) for line in ax.lines for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
    )
    expected = sorted((max(c.minutes, 0.1), c.value) for c in found.candidates[:4])
    assert np.array(points) == pytest.approx(np.array(expected))
    listed = [t.get_text() for t in ax.get_legend().get_texts()]
    assert [t for t in listed if t.startswith("1 ")] == [f"1  {found[0].label}"]
    numbered = [int(n) for t in ax.texts for n in t.get_text().split(", ")]
    assert sorted(numbered) == list(range(1, len(expected) + 1)) and ax.get_ylabel() == "bits"
    for text in ax.texts:  # a number stands at its mark
        minutes, value = text.xy
        assert min(abs(y - value) for x, y in points if x == minutes) < 0.1 * max(
            y for _, y in points
        )
    assert ax.get_ylim()[0] > -0.05 * max(y for _, y in points)


def test_settings_side_by_side():
    found = sl.load("back-leg-pain").observe(leg_pain="below_knee").across_settings()
    ax = found.plot(limit=3)
    frame = found.to_frame().head(3)[::-1]
    by_label = {line.get_label(): line.get_xdata() for line in ax.lines}
    for s in found.settings:
        assert list(by_label[s.replace("_", " ")]) == pytest.approx(frame[s, "posterior"].tolist())


def test_a_posterior_over_draws(case):
    found = case.intervals(["scoliosis", "lumbar_disc_herniation"], draws=64)
    ax = found.plot()
    curve = next(line for line in ax.lines if line.get_label() == "Scoliosis")
    assert list(curve.get_xdata()) == pytest.approx(sorted(found.drawn["scoliosis"]))
    assert (found["scoliosis"].low, found["scoliosis"].high) == pytest.approx(
        tuple(np.quantile(found.drawn["scoliosis"], [0.025, 0.975]))
    )
    with pytest.raises(sl.SpinelinkError, match="no draws to plot"):
        case.intervals(method="delta").plot()


def test_link_shares(case):
    found = case.link(interval=0.8, draws=16)
    ax = found.plot()
    assert [b.get_width() for b in ax.patches] == pytest.approx(list(found.shares.values())[::-1])
    ends = {(line.get_xdata()[0], line.get_xdata()[1]) for line in ax.lines}
    assert (found.low["separate"], found.high["separate"]) in ends
    assert "leg pain because of the back" in [t.get_text() for t in ax.get_yticklabels()]


def test_a_waterfall_goes_from_before_to_after(case):
    found = case.explain("lumbar_disc_herniation")
    ax = found.plot()
    bars = [(b.get_x(), b.get_width()) for b in ax.patches]
    at = found.before
    for (left, width), row in zip(bars, found.rows, strict=True):
        assert (left, width) == pytest.approx((at, row.shapley))
        at += row.shapley
    assert at == pytest.approx(found.after)
    dots = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"]
    assert dots == pytest.approx([found.before, found.after])
    low, high = ax.get_xlim()
    assert low < min(found.before, found.after) and high > max(found.before, found.after)
    assert ax.get_xlabel() == "log odds of lumbar disc herniation"
    ends = [end for left, width in bars for end in (left, left + width)]
    assert high - low < 1.3 * (max(ends) - min(ends))  # nothing but what is drawn widens it


def test_the_tornado_of_a_likely_cause_fills_its_axes(case):
    likely = case.model.with_parameters({"lumbar_disc_herniation.prior": 0.5}).observe(
        case.findings
    )
    found = likely.sensitivity("lumbar_disc_herniation")
    low, high = found.plot().get_xlim()
    assert found.posterior > 0.9
    assert max(r.swing for r in found.rows) > 0.5 * (high - low)


def test_lines_and_bars_differ_in_grey_too(case):
    lines = [
        line.get_linestyle()
        for line in case.intervals(draws=32).plot(limit=4).lines
        if line.get_linewidth() == 1.8
    ]
    assert len(set(map(str, lines))) == len(lines) == 4
    from matplotlib.colors import to_rgb

    from spinelink.view.plot.ranking import URGENT

    grey = sorted(
        sum(w * v for w, v in zip((0.299, 0.587, 0.114), to_rgb(look["facecolor"]), strict=True))
        for look in URGENT.values()
    )
    assert all(b - a > 0.1 for a, b in pairwise(grey))
    assert "hatch" in URGENT["emergency"] and "hatch" not in URGENT["urgent"]


@pytest.mark.parametrize("limit", [0, -1, True, 2.5])
def test_a_limit_that_is_none_is_refused(case, limit):
    for found in (
        case.differential(),
        case.sensitivity("scoliosis"),
        case.next_best(),
        case.intervals(draws=8),
        case.sweep("scoliosis.prior", [0.1]),
    ):
        with pytest.raises(SpinelinkError, match="1 or more"):
            found.plot(limit=limit)


def test_two_by_two_nothing_leaves_the_figure(case):
    figure, axes = plt.subplots(2, 2, figsize=(9.0, 7.0), layout="constrained")
    found = (
        case.differential(interval=0.9),
        case.link(),
        case.sensitivity("lumbar_disc_herniation"),
        case.next_best(limit=None),
    )
    for ax, result in zip(axes.flat, found, strict=True):
        result.plot(ax=ax)
    figure.canvas.draw()
    box = figure.get_tightbbox(figure.canvas.get_renderer())
    assert box.x0 >= -0.02 and box.y0 >= -0.02 and box.x1 <= 9.02 and box.y1 <= 7.02
    assert min(ax.get_position().width for ax in axes.flat) > 0.15
