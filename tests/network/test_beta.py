"""Betas from what people know: intervals, counts, a mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import spinelink as sl
from spinelink.errors import SpinelinkError


@given(st.floats(-9.0, 9.0), st.floats(0.02, 6.0), st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99]))
def test_an_interval_comes_back(low, width, level):
    from scipy.special import expit

    a, b = float(expit(low)), float(expit(low + width))
    if b - a < 1e-5 or b > 1 - 1e-9:
        return
    found = sl.Beta.from_interval(a, b, level)
    tail = (1 - level) / 2
    assert stats.beta(found.alpha, found.beta).cdf([a, b]) == pytest.approx(
        [tail, 1 - tail], abs=1e-5
    )
    assert found.interval(level) == pytest.approx((a, b), rel=1e-4)


def test_counts_and_means():
    assert sl.Beta.from_counts(8, 100) == sl.Beta(8.0, 92.0)
    assert sl.Beta.from_counts(0, 50) == sl.Beta(0.5, 50.5)
    assert sl.Beta.from_counts(50, 50) == sl.Beta(50.5, 0.5)
    found = sl.Beta.from_mean(0.3, 20)
    assert (found.mean, found.equivalent_sample_size) == pytest.approx((0.3, 20))


def test_it_says_what_it_implies():
    text = str(sl.Beta.from_interval(0.02, 0.10))
    assert "mean 0.05" in text and "0.02 to 0.1" in text and "people" in text


def test_it_is_taken_by_a_model():
    model = sl.load("minimal").with_parameters(
        {"scoliosis.prior": sl.Beta.from_interval(0.02, 0.1)}
    )
    assert model.observe().posterior("scoliosis")["present"] == pytest.approx(
        sl.Beta.from_interval(0.02, 0.1).mean
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sl.Beta.from_interval(0.1, 0.02), "is empty"),
        (lambda: sl.Beta.from_interval(2, 10), "Write 0.02"),
        (lambda: sl.Beta.from_interval(0.0, 0.1), "lower end"),
        (lambda: sl.Beta.from_interval(0.1, 0.2, level=95), "level"),
        (lambda: sl.Beta.from_interval("a", 0.2), "is a number"),
        (lambda: sl.Beta.from_counts(8, 0), "above 0"),
        (lambda: sl.Beta.from_counts(9, 8), "at most the second"),
        (lambda: sl.Beta.from_counts(True, 8), "is a number"),
        (lambda: sl.Beta.from_mean(1.0, 20), "both excluded"),
        (lambda: sl.Beta.from_mean(0.5, 0), "above 0"),
        (lambda: sl.Beta(1, 1).interval(2), "level"),
    ],
)
def test_bad_ones_are_refused(make, message):
    with pytest.raises(SpinelinkError, match=message):
        make()
