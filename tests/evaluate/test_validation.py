"""Measures of predictions: against scikit-learn, against definitions by loops, and on cohorts whose truth is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

import spinelink as sl
from spinelink.errors import EvidenceError, SpinelinkError, UnknownNameError
from spinelink.evaluate import metrics
from tests.inference.test_exact import RELAXED


@st.composite
def predictions(draw):
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    n = draw(st.integers(8, 60))
    p = np.round(rng.beta(1, 2, n), draw(st.integers(1, 6))).clip(0.001, 0.999)  # ties among them
    y = (rng.random(n) < p).astype(float)
    y[:2] = [0.0, 1.0]
    return p, y, rng.integers(1, 4, n).astype(float)


@given(predictions())
@RELAXED
def test_scores_are_those_of_scikit_learn(data):
    p, y, w = data
    assert metrics.brier(p, y, w=w) == pytest.approx(brier_score_loss(y, p, sample_weight=w))
    assert metrics.log_score(p, y, w=w) == pytest.approx(log_loss(y, p, sample_weight=w))
    assert metrics.auc(p, y, w=w) == pytest.approx(roc_auc_score(y, p, sample_weight=w))


@given(predictions())
@RELAXED
def test_the_recalibration_is_a_logistic_regression(data):
    p, y, w = data
    a, b = metrics.recalibration(p, y, w=w)
    if np.isnan(a) or abs(b) > 20:
        return
    x = (np.log(p) - np.log1p(-p))[:, np.newaxis]
    fitted = LogisticRegression(C=1e10, tol=1e-10, max_iter=2000).fit(x, y, sample_weight=w)
    assert b == pytest.approx(fitted.coef_[0, 0], rel=2e-3, abs=2e-3)
    assert a == pytest.approx(fitted.intercept_[0], rel=2e-3, abs=2e-3)
    shifted = 1.0 / (1.0 + np.exp(-x[:, 0] - metrics.in_the_large(p, y, w=w)))
    assert (w * shifted).sum() == pytest.approx((w * y).sum())


@given(predictions(), st.integers(2, 8))
@RELAXED
def test_the_parts_of_the_brier_score(data, bins):
    p, y, _ = data
    parts = metrics.decomposed(p, y, bin_of=metrics.bins_of(p, bins))
    assert parts.reliability - parts.resolution + parts.uncertainty + parts.within == pytest.approx(
        metrics.brier(p, y, w=np.ones_like(p))
    )
    assert parts.reliability >= 0.0 and parts.resolution >= 0.0
    each = metrics.decomposed(
        p, y, bin_of=np.unique(p, return_inverse=True)[1]
    )  # a bin for each prediction hides nothing
    assert each.within == pytest.approx(0.0, abs=1e-12)


@given(predictions(), st.floats(0.0, 1.0))
@RELAXED
def test_sensitivity_at_a_specificity(data, specificity):
    p, y, w = data
    best = 0.0
    for threshold in [*np.unique(p), np.inf]:
        called = p >= threshold
        if (w * (1 - y) * ~called).sum() / (w * (1 - y)).sum() >= specificity - 1e-12:
            best = max(best, (w * y * called).sum() / (w * y).sum())
    found, threshold = metrics.sensitivity_at(p, y, w=w, specificity=specificity)
    assert found == pytest.approx(best)
    assert (w * y * (p >= threshold)).sum() / (w * y).sum() == pytest.approx(found)


def test_net_benefit_by_its_definition():
    rng = np.random.default_rng(0)
    p = rng.random(200)
    y = (rng.random(200) < p).astype(float)
    for t, found in zip(
        (0.1, 0.5, 0.8),
        metrics.net_benefit(p, y, thresholds=np.array([0.1, 0.5, 0.8])),
        strict=True,
    ):
        hits = sum(1 for q, o in zip(p, y, strict=True) if q >= t and o)
        alarms = sum(1 for q, o in zip(p, y, strict=True) if q >= t and not o)
        assert found == pytest.approx(hits / 200 - alarms / 200 * t / (1 - t))


@pytest.fixture(scope="module")
def model():
    return sl.load("minimal")


@pytest.fixture(scope="module")
def cohort(model):
    return model.with_parameters(
        {"lumbar_disc_herniation.prior": 0.15, "cauda_equina_compression.leak": 0.01}
    ).sample(6000, seed=2, missing=0.15)


def test_predictions_do_not_see_the_targets(model, cohort):
    found = model.evaluate(cohort, ["lumbar_disc_herniation", "scoliosis"], bootstrap=0)
    alone = model.posteriors(
        cohort.drop(columns=["lumbar_disc_herniation", "scoliosis"]), of=["lumbar_disc_herniation"]
    )
    known = cohort["lumbar_disc_herniation"].notna().to_numpy()
    row = found.of("lumbar_disc_herniation")
    assert np.sort(row.predictions) == pytest.approx(
        np.sort(alone["lumbar_disc_herniation"].to_numpy()[known])
    )
    assert row.cases == (cohort["lumbar_disc_herniation"] == "present").sum()
    assert row.auc.value == pytest.approx(roc_auc_score(row.outcomes, row.predictions))
    assert found.untold["scoliosis"] == cohort["scoliosis"].isna().sum()


def test_patients_of_the_network_itself_are_calibrated_and_others_are_not(model, cohort):
    own = model.sample(8000, seed=7, missing=0.1)
    right = model.evaluate(own, "lumbar_disc_herniation", bootstrap=300).of()
    assert (
        right.slope.low < 1.0 < right.slope.high
        and right.in_the_large.low < 0.0 < right.in_the_large.high
    )
    wrong = model.evaluate(cohort, "lumbar_disc_herniation", bootstrap=300).of()
    assert (
        wrong.in_the_large.low > 0.5
    )  # predictions too low: the network thinks of 2 %, the patients are 15 %
    assert wrong.decomposition.reliability > right.decomposition.reliability
    # Tuned to these patients it is right again.
    tuned = model.update(cohort, vary="lumbar_disc_herniation", restarts=0)
    again = tuned.evaluate(cohort, "lumbar_disc_herniation", bootstrap=300).of()
    assert abs(again.in_the_large.value) < 0.2 and again.brier.value < wrong.brier.value


def test_subgroups_settings_and_events(cohort):
    big = sl.load("back-leg-pain")
    frame = pd.concat(
        [
            big.in_setting(s).sample(150, seed=1, columns="observable")
            for s in ("primary_care", "secondary_care")
        ]
    )
    rng = np.random.default_rng(0)
    frame = frame[["age_group", "sex", "back_pain", "leg_pain", "numbness"]].assign(
        where=["primary_care"] * 150 + ["secondary_care"] * 150,
        lumbar_disc_herniation=rng.random(300) < 0.3,
    )
    found = big.evaluate(frame, by="sex", setting="where", bootstrap=20)
    assert {r.group for r in found.rows} == {
        "all patients",
        "where=primary_care",
        "where=secondary_care",
        "sex=female",
        "sex=male",
    }
    there = big.in_setting("secondary_care").posteriors(
        frame.iloc[150:].drop(columns=["where", "lumbar_disc_herniation"]),
        of="lumbar_disc_herniation",
    )
    own = found.of("lumbar_disc_herniation", "where=secondary_care")
    assert np.sort(own.predictions) == pytest.approx(
        np.sort(there["lumbar_disc_herniation"].to_numpy())
    )
    assert sum(found.of(group=f"sex={s}").patients for s in ("female", "male")) == 300
    state = sl.load("minimal").evaluate(cohort, "leg_pain=below_knee", bootstrap=0).of()
    assert state.cases == (cohort["leg_pain"] == "below_knee").sum()


def test_tables_of_results(model, cohort):
    found = model.evaluate(cohort, bootstrap=50, threshold=0.2)
    assert {r.target for r in found.rows} == set(model.network.ranked)
    frame = found.to_frame()
    assert (frame["auc_low"] <= frame["auc"]).all() and (frame["auc"] <= frame["auc_high"]).all()
    curve = found.calibration("scoliosis")
    assert curve["patients"].sum() == found.of("scoliosis").patients
    assert (curve["low"] <= curve["observed"]).all() and curve["predicted"].is_monotonic_increasing
    decisions = found.decision_curve("lumbar_disc_herniation", thresholds=[0.05, 0.3])
    row = found.of("lumbar_disc_herniation")
    assert decisions["network"].tolist() == pytest.approx(
        metrics.net_benefit(
            row.predictions, row.outcomes, thresholds=np.array([0.05, 0.3])
        ).tolist()
    )
    table = found.confusion("lumbar_disc_herniation").set_index("measure")
    called = row.predictions >= 0.2
    assert table.loc["sensitivity", "value"] == pytest.approx(
        (called & (row.outcomes == 1)).sum() / row.cases
    )
    assert table.loc["specificity", "value"] == pytest.approx(
        (~called & (row.outcomes == 0)).sum() / (row.patients - row.cases)
    )
    assert "AUC" in str(found) and "Not a medical device" in found._repr_html_()
    assert found.of("lumbar_disc_herniation").sensitivity.value >= 0.0


def test_the_seed_decides_and_kinds_of_frames_do_not(model, cohort):
    one, two = (
        model.evaluate(f, "scoliosis", bootstrap=40, seed=3)
        for f in (cohort, pl.from_pandas(cohort))
    )
    assert one.to_frame().equals(two.to_frame())
    assert not one.to_frame().equals(
        model.evaluate(cohort, "scoliosis", bootstrap=40, seed=4).to_frame()
    )


def test_few_cases_have_no_interval_and_impossible_patients_are_counted(model):
    frame = pd.DataFrame({"numbness": [True] * 10, "scoliosis": [True, True] + [False] * 8})
    row = model.evaluate(frame, "scoliosis").of()
    assert row.auc.value == 0.5 and np.isnan(row.auc.low)
    sure = model.with_parameters({"foot_deformity.prior": 0.0})
    frame["foot_deformity"] = [True] + [False] * 9
    found = sure.evaluate(frame, "scoliosis", bootstrap=0)
    assert found.impossible == 1 and found.of().patients == 9
    assert "1 left out" in str(found)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"target": "scoliosys"}, UnknownNameError, "scoliosis"),
        ({"target": "gait_abnormality"}, UnknownNameError, "must be among its columns"),
        ({"target": "scoliosis=maybe"}, UnknownNameError, "present"),
        ({"target": []}, SpinelinkError, "target is empty"),
        ({"by": "gender"}, UnknownNameError, "column"),
        ({"setting": "where"}, EvidenceError, "row 0, column 'where': 'mars'"),
        ({"threshold": 50}, SpinelinkError, "between 0 and 1"),
        ({"specificity": -0.1}, SpinelinkError, "between 0 and 1"),
        ({"bins": 1}, SpinelinkError, "bins"),
        ({"bootstrap": -1}, SpinelinkError, "bootstrap"),
        ({"level": 95}, SpinelinkError, "between 0 and 1"),
    ],
)
def test_bad_questions_are_refused(model, options, error, message):
    frame = pd.DataFrame({"numbness": [True], "scoliosis": [True], "where": ["mars"]})
    options = {"keep": [] if "setting" in options else ["where"], **options}
    with pytest.raises(error, match=message):
        model.evaluate(frame, **options)


def test_tables_that_are_none(model):
    with pytest.raises(SpinelinkError, match="one row a patient"):
        model.evaluate([1, 2], "scoliosis")
    with pytest.raises(SpinelinkError, match="no row"):
        model.evaluate(pd.DataFrame({"scoliosis": []}), "scoliosis")
    with pytest.raises(SpinelinkError, match="no column of the table is a cause"):
        model.evaluate(pd.DataFrame({"numbness": [True]}))
    with pytest.raises(SpinelinkError, match="no patient has both"):
        model.evaluate(pd.DataFrame({"numbness": [True], "scoliosis": [None]}), "scoliosis")


def test_recalibration_of_predictions_that_are_far_off():
    """Predictions that are far too sure: undamped Newton steps run away; the answer is that of scikit-learn without penalty."""

    rng = np.random.default_rng(4)
    y = (rng.random(1000) < 0.32).astype(float)
    x = np.where(y > 0.0, rng.normal(-3.0, 4.0, 1000), rng.normal(-9.0, 5.0, 1000))
    p = 1.0 / (1.0 + np.exp(-x))
    a, b = metrics.recalibration(p, y, w=np.ones(1000))
    q = np.clip(p, metrics.EDGE, 1.0 - metrics.EDGE)
    found = LogisticRegression(C=np.inf, max_iter=10_000, tol=1e-10).fit(
        (np.log(q) - np.log1p(-q))[:, np.newaxis], y
    )
    assert (a, b) == pytest.approx((found.intercept_[0], found.coef_[0, 0]), abs=1e-4)
    assert metrics.recalibration(
        np.array([0.1, 0.2, 0.8, 0.9]), np.array([0.0, 0.0, 1.0, 1.0]), w=np.ones(4)
    ) == pytest.approx((np.nan, np.nan), nan_ok=True)
