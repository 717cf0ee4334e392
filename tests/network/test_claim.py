"""The interval of a published figure, and its standard error on the scale of comparison."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pydantic import ValidationError

from spinelink.evaluate.cases import PublishedCase
from spinelink.network.claim import Claim

ABOUT = {"source": "x", "fit": "near"}


@pytest.mark.parametrize(
    ("given", "kind", "low", "high"),
    [
        ({"value": 0.3, "interval": (0.2, 0.45)}, "published", 0.2, 0.45),
        (
            {"value": 0.5, "n": 20},
            "from n",
            0.2993,
            0.7007,
        ),  # Wilson's interval of 10 in 20, as in textbooks
        ({"value": 0.0, "n": 20}, "from n", 0.0, 0.1611),
        (
            {"value": 0.5},
            "assumed",
            0.2672,
            0.7328,
        ),  # 15 people: 1.96^2 = 3.8415; half = 1.96 sqrt(.25/15 + 3.8415/900) / (1 + 3.8415/15)
        (
            {"interval": (0.1, 0.2), "interval_kind": "range over studies"},
            "range over studies",
            0.1,
            0.2,
        ),
    ],
)
def test_intervals(given, kind, low, high):
    if given == {"value": 0.5}:
        half = 1.959964 * np.sqrt(0.25 / 15 + 3.841459 / 900) / (1 + 3.841459 / 15)
        low, high = 0.5 - half, 0.5 + half
    claim = Claim(kind="prevalence", condition={"scoliosis": "present"}, **given, **ABOUT)
    assert claim.bounds_kind == kind
    assert claim.bounds == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize(
    "wrong",
    [{"value": "4_7"}, {"value": "0.5"}, {"interval": ("0.1", 0.2)}, {"value": 0.1, "n": "2_0"}],
)
def test_f6_text_is_no_number(wrong):
    with pytest.raises(ValidationError, match="valid number"):
        Claim(kind="prevalence", condition={"scoliosis": "present"}, **wrong, **ABOUT)


@pytest.mark.parametrize(
    "wrong", [{"age": "4_7"}, {"within": "3"}, {"findings": {"numbness": {"present": "0_8"}}}]
)
def test_f6_text_is_no_number_of_a_published_case(wrong):
    with pytest.raises(ValidationError, match=r"valid (number|integer)"):
        PublishedCase.model_validate({"id": "a", "diagnosis": "x"} | wrong)
    assert PublishedCase.model_validate({"id": "a", "diagnosis": "x", "age": 47}).age == 47.0


def test_a_ratio_without_an_interval_may_be_half_or_twice():
    claim = Claim(
        kind="lr_positive",
        condition={"scoliosis": "present"},
        finding={"back_pain": "present"},
        value=3.0,
        n=50,
        **ABOUT,
    )
    assert (claim.bounds, claim.bounds_kind) == ((1.5, 6.0), "assumed")
    middle, error = claim.centre_and_error
    assert middle == pytest.approx(np.log(3.0))
    assert error == pytest.approx(np.log(4.0) / 3.919928)


def test_a_bound_of_nought_has_a_finite_error():
    middle, error = Claim(
        kind="prevalence", condition={"a": "b"}, interval=(0.0, 0.02), **ABOUT
    ).centre_and_error
    assert np.isfinite(middle) and np.isfinite(error)
    assert error == pytest.approx((np.log(0.02 / 0.98) - np.log(0.0004 / 0.9996)) / 3.919928)


@pytest.mark.parametrize("n", range(3, 300))
def test_none_and_all_of_n_lie_near_what_counts_say(n):
    """Wilson's interval ends at 0 and 1 exactly, for any n; rounding once moved the figure to log odds of 19."""
    for k in (0, n):
        said = {"condition": {"a": "present"}, "source": "s", "fit": "near", "kind": "prevalence"}
        claims = Claim(**said, counts=(k, n)), Claim(**said, value=k / n, n=float(n))
        expected = math.log((k + 0.5) / (n - k + 0.5))
        for claim in claims:
            assert claim.bounds[k > 0] == (1.0 if k else 0.0)
            assert claim.centre_and_error[0] == pytest.approx(expected, abs=0.7)


@pytest.mark.parametrize("kind", ["prevalence", "odds_ratio"])
def test_unscaled_is_the_inverse_of_scaled(kind):
    finding = None if kind == "prevalence" else {"y": "present"}
    claim = Claim(
        kind=kind, condition={"x": "present"}, finding=finding, value=0.3, source="s", fit="near"
    )
    for figure in (1e-12, 0.3, 0.999):
        assert claim.unscaled(claim.scaled(figure)) == pytest.approx(figure, rel=1e-12)
    assert claim.unscaled(-800.0) == 0.0
    assert claim.unscaled(800.0) == (math.inf if claim.is_ratio else 1.0)
    assert math.isnan(claim.unscaled(math.nan))
