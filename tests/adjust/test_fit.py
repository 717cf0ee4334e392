"""Fitting to claims: the optimum against its own conditions, and what must not happen."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

import spinelink as sl
from spinelink.adjust.claim_objective import FREEDOM, SPREAD, WEIGHT, claim_objective
from spinelink.adjust.fit import fit_to_claims
from spinelink.errors import SpinelinkError, UnknownNameError
from spinelink.evaluate.crossvalidation import cross_validate, folds_by_source
from spinelink.network.claim import Claim


@pytest.fixture(scope="module")
def model():
    return sl.load("minimal")


def prevalence(node, value, low, high, *, fit="same population", source="perennou1994"):
    return Claim(
        kind="prevalence",
        condition={node: "present"},
        value=value,
        interval=(low, high),
        source=source,
        fit=fit,
    )


LIFTING = prevalence("heavy_lifting", 0.4, 0.35, 0.45)
CLAIMS = {
    "lifting": LIFTING,
    "pain": Claim(
        kind="lr_positive", condition={"nerve_root_compression": ["one_side", "both_sides"]}, finding={"leg_pain": "below_knee"},
        population={"back_pain": "present"}, value=4.0, interval=(3.0, 5.0), source="hasvik2022", fit="near",
    ),
    "numb": Claim(
        kind="sensitivity", condition={"lumbar_disc_herniation": "present"}, finding={"numbness": "present"}, value=0.8, interval=(0.7, 0.9),
        source="korse2017", fit="near",
    ),
    "bladder": prevalence("bladder_dysfunction", 0.1, 0.05, 0.2, fit="far", source="kaiser2020"),
}  # fmt: skip


def test_one_number_and_one_claim_meet_where_their_densities_say(model):
    """heavy_lifting.prior: Beta of 10 people at 0.2; the claim: 0.4 with error e. At the optimum 10 (p - 0.2) + dt'(z) / e = 0."""
    fit = fit_to_claims(model, {"lifting": LIFTING}, vary=["heavy_lifting.prior"])
    assert fit.complete
    [moved] = fit.moved
    p = moved.after
    logit = math.log(p / (1 - p))
    middle, published = LIFTING.centre_and_error
    error = math.hypot(published, SPREAD["same population"])
    z = (logit - middle) / error
    pull = WEIGHT["same population"] * (FREEDOM + 1) * z / (FREEDOM + z * z) / error
    assert 10 * (p - 0.2) + pull == pytest.approx(0.0, abs=1e-2)
    assert 0.35 < p < 0.4
    assert fit.network.nodes["heavy_lifting"].cpd.prior.value == pytest.approx(p, abs=1e-4)


def test_the_gradient_is_that_of_what_is_minimised(model):
    problem = claim_objective(model, CLAIMS, fits=("same population", "near", "far"))
    rng = np.random.default_rng(1)
    theta = problem.start + 0.3 * rng.standard_normal(len(problem.start))
    gradient, _ = problem.slopes(theta, problem.evaluate(theta))
    for k in range(len(theta)):
        step = np.zeros(len(theta))
        step[k] = 1e-5
        expected = (
            problem.evaluate(theta + step).value - problem.evaluate(theta - step).value
        ) / 2e-5
        assert gradient[k] == pytest.approx(expected, abs=2e-6 * max(1.0, abs(expected)) + 1e-6), (
            problem.coordinates.blocks[min(k, len(problem.coordinates.blocks) - 1)]
        )


def test_all_numbers_together_end_where_nothing_pulls(model):
    fit = fit_to_claims(model, CLAIMS, limit=60)
    assert fit.complete
    assert all(a >= b for a, b in zip(fit.objective, fit.objective[1:], strict=False))
    by_name = {c.name: c for c in fit.claims}
    for name in ("lifting", "pain", "numb"):
        assert abs(by_name[name].error_after) < abs(by_name[name].error_before)
    assert sl.diagnosis.Model(fit.network).observe(leg_pain="below_knee").log_evidence < 0.0


def test_a_claim_that_fits_badly_or_is_left_out_does_not_pull(model):
    far = fit_to_claims(model, {"bladder": CLAIMS["bladder"]})
    assert far.moved == ()
    left = fit_to_claims(model, CLAIMS, leave_out=["lifting"])
    assert (
        not any(m.id == "heavy_lifting.prior" for m in left.moved)
        or abs(next(m for m in left.moved if m.id == "heavy_lifting.prior").after - 0.2) < 0.02
    )
    assert {c.name for c in left.claims} == set(CLAIMS)


def test_a_claim_that_contradicts_the_rest_pulls_with_bounded_force(model):
    once = fit_to_claims(model, {"a": prevalence("heavy_lifting", 0.2, 0.18, 0.22)})
    wild = prevalence("heavy_lifting", 0.9, 0.88, 0.92)
    twice = fit_to_claims(
        model,
        {
            "a": prevalence("heavy_lifting", 0.2, 0.18, 0.22),
            "b": prevalence("heavy_lifting", 0.21, 0.19, 0.23),
            "wild": wild,
        },
    )
    p = (
        sl.diagnosis.Model(twice.network)
        .parameters()
        .to_frame()
        .set_index("id")
        .loc["heavy_lifting.prior", "estimate"]
    )
    assert once.moved == ()
    assert 0.19 < p < 0.24


def test_only_what_may_vary_varies(model):
    fit = fit_to_claims(model, CLAIMS, vary=["numbness", "heavy_lifting.prior"])
    assert {m.id.split(".")[0] for m in fit.moved} == {"numbness", "heavy_lifting"}
    with pytest.raises(UnknownNameError, match="numbness"):
        fit_to_claims(model, CLAIMS, vary=["numbnes"])
    with pytest.raises(SpinelinkError, match="no claim"):
        fit_to_claims(model, {})
    with pytest.raises(SpinelinkError, match="1 or more, not 'x'"):
        fit_to_claims(model, CLAIMS, limit="x")
    assert {m.id.split(".")[0] for m in fit_to_claims(model, CLAIMS, vary="numbness").moved} == {
        "numbness"
    }


def test_interrupted_it_keeps_the_best_so_far(model):
    def stop(step, value):
        raise KeyboardInterrupt

    fit = fit_to_claims(model, CLAIMS, on_progress=stop)
    assert not fit.complete
    assert fit.steps == 1
    assert fit.objective[-1] < fit.objective[0]
    assert "not finished" in str(fit)


def test_the_same_again(model):
    first, second = fit_to_claims(model, CLAIMS), fit_to_claims(model, CLAIMS)
    assert first.to_frame().equals(second.to_frame())


def test_fitted_numbers_are_saved_with_what_they_were_and_the_file_keeps_its_comments(tmp_path):
    model = sl.load("minimal")
    claims = tmp_path / "claims.yaml"
    claims.write_text(
        "network: minimal\nclaims:\n  lifting: {kind: prevalence, condition: {heavy_lifting: present}, value: 0.4, interval: [0.35, 0.45], "
        "source: perennou1994, fit: same population}\n"
    )
    fit = model.fit_claims(claims, progress=False)
    path = model.fitted(fit).save(tmp_path / "minimal.yaml")
    text = path.read_text()
    assert "# Mechanisms: what causes do" in text
    assert re.search(
        r"prior: {estimate: 0\.3\d+, before_fit: 0\.2, equivalent_sample_size: 10", text
    )
    again = sl.load(path)
    assert (
        again.network.nodes["heavy_lifting"].cpd.prior.value
        == fit.network.nodes["heavy_lifting"].cpd.prior.value
    )
    twice = again.fit_claims(
        claims, progress=False
    )  # the claims are not counted twice: a fit begins from the numbers before any fit
    assert (
        twice.network.nodes["heavy_lifting"].cpd.prior
        == fit.network.nodes["heavy_lifting"].cpd.prior
    )


def test_folds_keep_a_source_together():
    claims = {
        f"{s}{k}": prevalence("scoliosis", 0.1, 0.05, 0.2, source=s)
        for s in "abcdefg"
        for k in range(3)
    }
    claims["both"] = prevalence("scoliosis", 0.1, 0.05, 0.2, source=("a", "b"))
    folds = folds_by_source(claims, 3, seed=4)
    assert folds == folds_by_source(claims, 3, seed=4)
    for s in "abcdefg":
        assert len({folds[f"{s}{k}"] for k in range(3)}) == 1
    assert folds["a0"] == folds["b0"] == folds["both"]
    assert max(list(folds.values()).count(f) for f in range(3)) <= 9
    with pytest.raises(SpinelinkError, match="independent sources"):
        folds_by_source(claims, 50)


def test_a_claim_is_predicted_without_itself(model):
    """Two sources that agree about one number predict each other; each is left out in its own fold."""
    claims = {
        "one": prevalence("heavy_lifting", 0.4, 0.36, 0.44, source="a"),
        "two": prevalence("heavy_lifting", 0.42, 0.38, 0.46, source="b"),
        "lonely": prevalence("scoliosis", 0.5, 0.45, 0.55, source="c"),
    }
    found = cross_validate(model, claims, folds=3).to_frame().set_index("claim")
    assert abs(found.loc["one", "predicted"] - 0.42) < 0.03
    assert abs(found.loc["two", "predicted"] - 0.40) < 0.03
    assert found.loc["lonely", "predicted"] == pytest.approx(
        50 / 671, abs=1e-3
    )  # nothing else tells of it
    assert not found.loc["lonely", "inside"]
    assert (found["error_before"] >= 0).all()
