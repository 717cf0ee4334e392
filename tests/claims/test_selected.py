"""Claims about people who were selected: what is implied equals the posteriors of those people."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import spinelink as sl
from spinelink.adjust.evidence.fit import search_for
from spinelink.claims.implied import implied, implied_slopes
from spinelink.evaluate.audit import audit_claims
from spinelink.evaluate.contradiction import contradictions
from spinelink.inference.arrays import factor_arrays
from spinelink.inference.compile import compile_setting
from spinelink.inference.kernel.engine import is_available
from spinelink.network.claim import Claim
from tests.inference.test_selection import CLINIC, RATES, with_selection

CONDITION, FINDING = {"lumbar_disc_herniation": "present"}, {"numbness": "present"}
KINDS = (
    *("prevalence", "sensitivity", "specificity", "p_finding_given_no_condition"),
    *("lr_positive", "lr_negative", "odds_ratio", "post_test_probability"),
)
POPULATIONS = (None, {"back_pain": "present"})


@pytest.fixture(scope="module")
def network():
    return with_selection(sl.load("minimal").network, RATES)


def claim(kind, population, **more):
    finding = None if kind == "prevalence" else FINDING
    figure = {"value": 2.0, "interval": (1.0, 4.0)} if kind in RATIOS else {"value": 0.2, "n": 90.0}
    return Claim(
        kind=kind,
        condition=CONDITION,
        finding=finding,
        population=population,
        source="s",
        fit="near",
        **figure,
        **more,
    )


RATIOS = ("lr_positive", "lr_negative", "odds_ratio")


def expected(network, kind, population):
    """From posteriors of the selected."""
    case = sl.Model(network, CLINIC).observe(population or {})
    p = case.posterior("lumbar_disc_herniation")["present"]
    with_it, without = (
        case.observe(lumbar_disc_herniation=there).posterior("numbness")["present"]
        for there in (True, False)
    )
    return {
        "prevalence": p,
        "sensitivity": with_it,
        "specificity": 1.0 - without,
        "p_finding_given_no_condition": without,
        "lr_positive": with_it / without,
        "lr_negative": (1.0 - with_it) / (1.0 - without),
        "odds_ratio": with_it / (1.0 - with_it) / (without / (1.0 - without)),
        "post_test_probability": p * with_it / (p * with_it + (1.0 - p) * without),
    }[kind]


@pytest.mark.parametrize("population", POPULATIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_figures_of_a_setting_are_those_of_the_selected(network, kind, population):
    asked = claim(kind, population, setting=CLINIC)
    [value] = implied(network, compile_setting(network, CLINIC), [asked]).values
    assert value == pytest.approx(expected(network, kind, population), rel=1e-9)


def test_given_a_selection_is_the_same_as_its_setting(network):
    asked = claim("prevalence", None, given="seen")
    compiled = compile_setting(network, None, given=asked.given)
    [value] = implied(network, compiled, [asked]).values
    assert value == pytest.approx(expected(network, "prevalence", None), rel=1e-9)


def test_derivatives_equal_differences(network):
    claims = {
        f"{kind}{k}": claim(kind, population, setting=CLINIC)
        for kind in KINDS
        for k, population in enumerate(POPULATIONS)
    }
    search = search_for(sl.Model(network, CLINIC), claims)
    figures, at = search.figures, search.priors.mean
    slopes = figures.slopes_at(at)
    moved = np.abs(slopes).max(axis=0)
    for k in np.argsort(-moved)[:25]:
        step = 1e-5 * np.eye(len(at))[k]
        difference = (figures.implied_by(at + step) - figures.implied_by(at - step)) / 2e-5
        assert slopes[:, k] == pytest.approx(difference, abs=1e-6)


def test_the_audit_asks_the_selected(network):
    published = {
        "of all": claim("prevalence", None),
        "given": claim("prevalence", None, given="seen"),
    }
    model = sl.Model(network.model_copy(update={"default_setting": None}))
    rows = {row.name: row.implied for row in audit_claims(model, published).rows}
    assert rows["given"] == pytest.approx(expected(network, "prevalence", None), rel=1e-9)
    assert rows["of all"] == pytest.approx(0.02, rel=1e-6)
    far = {"given": claim("prevalence", None, given="seen"), "of all": rarer()}
    assert not contradictions(model.network, far)
    assert contradictions(model.network, {"one": claim("prevalence", None), "two": rarer()})


def rarer():
    return claim("prevalence", None).model_copy(update={"value": 0.001, "n": 5000.0})


@pytest.mark.skipif(not is_available(), reason="numba is not installed")
@pytest.mark.parametrize("given", [(), (CLINIC,)])
@pytest.mark.parametrize("direct", [1 << 14, 1], ids=["direct", "differences"])
def test_the_kernel_has_the_same_derivatives(network, given, direct):
    """For every kind and population: by each entry, times the entry; rates of reasons among them."""
    claims = [claim(kind, population) for kind in KINDS for population in POPULATIONS]
    setting = CLINIC if given else None
    found = []
    for engine in ("numpy", "fast"):
        compiled = compile_setting(network, setting).with_engine(engine)
        compiled = compiled.with_limits(replace(compiled.limits, kernel_direct=direct))
        scaled, slopes = implied_slopes(network, compiled, claims=claims)
        relative = [
            entry * slope
            for f, s in zip(compiled.factors, slopes, strict=True)
            for entry, slope in zip(factor_arrays(f), factor_arrays(s), strict=True)
        ]
        found.append((scaled, relative))
    (one, slow), (other, fast) = found
    np.testing.assert_allclose(one, other, rtol=1e-9)
    assert max(float(np.abs(a).max(initial=0.0)) for a in slow) > 0.1
    for a, b in zip(slow, fast, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-8)
