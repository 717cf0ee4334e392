"""Expected counts of whole tables: the compiled kernel against one case after another by NumPy, which is tested against enumeration."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import spinelink as sl
from spinelink.inference.compile import compile_network, point_values
from spinelink.inference.findings import EvidenceBatch
from spinelink.inference.gradient.counts import TrainingRows, arrays_of, count
from spinelink.inference.kernel.engine import is_available
from spinelink.network.setting import parameters_in
from tests.inference.test_exact import RELAXED
from tests.strategies import networks

pytestmark = pytest.mark.skipif(not is_available(), reason="numba is not installed")


def compiled_of(network):
    return compile_network(network, point_values(network, parameters_in(network, None)))


def random_rows(compiled, size, seed, *, soft=True):
    rng = np.random.default_rng(seed)
    n = len(compiled.names)
    codes = np.array(
        [
            [rng.integers(compiled.cards[i]) if rng.random() < 0.5 else -1 for i in range(n)]
            for _ in range(size)
        ],
        dtype=np.int64,
    )
    likelihoods = {}
    if soft:
        i = int(rng.integers(n))
        codes[:, i] = -1
        likelihoods[i] = rng.random((compiled.cards[i], size)) + 0.01
        likelihoods[i][:, rng.random(size) < 0.4] = np.nan
    weights = rng.integers(1, 4, size).astype(float)
    return TrainingRows(EvidenceBatch(codes, likelihoods), weights)


def by_numpy(compiled, rows):
    return count(compiled.with_engine("numpy"), rows, information=True)


def same(a, b):
    return all(
        np.allclose(x, y, rtol=1e-9, atol=1e-10)
        for x, y in zip(arrays_of(a), arrays_of(b), strict=True)
    )


@pytest.mark.slow
@given(network=networks(max_nodes=7, max_parents=4), seed=st.integers(0, 10_000))
@RELAXED
def test_kernel_and_numpy_agree(network, seed):
    compiled = compiled_of(network)
    rows = random_rows(compiled, 40, seed)
    slow = by_numpy(compiled, rows)
    plain, squared = count(compiled, rows), count(compiled, rows, information=True)
    for found in (plain, squared):
        assert np.allclose(found.log_evidence, slow.log_evidence, rtol=1e-10, atol=1e-10)
        assert same(found.expected, slow.expected)
    for kind in ("squares", "products", "wholes"):
        assert same(getattr(squared, kind), getattr(slow, kind)), kind


@pytest.mark.slow
@given(network=networks(max_nodes=7, max_parents=4), seed=st.integers(0, 10_000))
@RELAXED
def test_the_difference_form_counts_the_same(network, seed):
    """Forced on every row. What loses digits is counted without differences."""
    compiled = compiled_of(network)
    forced = compiled.with_limits(replace(compiled.limits, kernel_direct=1))
    rows = random_rows(compiled, 20, seed)
    slow, found = by_numpy(compiled, rows), count(forced, rows)
    assert np.allclose(found.log_evidence, slow.log_evidence, rtol=1e-9, atol=1e-9)
    for x, y in zip(arrays_of(found.expected), arrays_of(slow.expected), strict=True):
        assert np.allclose(x, y, rtol=1e-6, atol=1e-7)


def test_the_difference_form_of_a_heavy_row_counts_the_same():
    """Six findings of back-leg-pain in their last state, once all in one form and once in the other."""
    compiled = sl.load("back-leg-pain").compiled
    present = ("leg_pain", "numbness", "tingling", "leg_weakness", "night_pain", "calf_pain")
    codes = np.full((1, len(compiled.names)), -1, dtype=np.int64)
    for name in present:
        codes[0, compiled.index[name]] = len(compiled.states[compiled.index[name]]) - 1
    rows = TrainingRows(EvidenceBatch(codes), np.ones(1))
    direct = compiled.with_limits(replace(compiled.limits, kernel_direct=10**9))
    forced = compiled.with_limits(replace(compiled.limits, kernel_direct=1))
    one, other = count(direct, rows), count(forced, rows)
    assert one.log_evidence == pytest.approx(other.log_evidence, rel=1e-11)
    for x, y in zip(arrays_of(one.expected), arrays_of(other.expected), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-7, atol=1e-9)


def test_a_real_network():
    compiled = sl.load("minimal").compiled
    rows = random_rows(compiled, 300, 5)
    slow, found = by_numpy(compiled, rows), count(compiled, rows, information=True)
    assert same(found.expected, slow.expected) and same(found.squares, slow.squares)
    one, four = (count(compiled, rows, threads=t) for t in (1, 4))
    assert all(
        np.array_equal(x, y)
        for x, y in zip(arrays_of(one.expected), arrays_of(four.expected), strict=True)
    )


def test_counts_of_complete_rows_are_counts():
    """With every node seen, a table's counts are whole numbers: how often each combination of its family occurs."""
    network = sl.load("minimal").network
    compiled = compiled_of(network)
    rng = np.random.default_rng(0)
    codes = np.array([[rng.integers(c) for c in compiled.cards] for _ in range(60)], dtype=np.int64)
    found = count(compiled, TrainingRows(EvidenceBatch(codes), np.ones(60)))
    possible = np.isfinite(found.log_evidence)
    assert possible.sum() > 10
    scoliosis = compiled.index["scoliosis"]
    table = found.expected[scoliosis].table[..., 0]
    assert table.sum() == pytest.approx(possible.sum())
    assert np.allclose(
        table.reshape(-1, 2).sum(axis=0), np.bincount(codes[possible, scoliosis], minlength=2)
    )
