"""Derivatives by the numbers of the file, on random networks of every CPD kind, against differences of the recompiled network.

Differences only test here: the step is 1e-5 of the number's size, so they agree to some 1e-6 of the largest derivative and not better.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import spinelink as sl
from spinelink.inference.answer import log_evidence
from spinelink.inference.compile import compile_network, point_values
from spinelink.inference.gradient.by_entry import log_slopes
from spinelink.inference.gradient.by_parameter import moved_by_deviation, parameter_slopes
from spinelink.network.parameter import Distribution, Probability, Ratio
from spinelink.network.setting import parameters_in
from tests.inference.test_exact import RELAXED
from tests.strategies import networks


def differences(network, values, key, state, weights):
    """d log P(weights) / d number, (columns,); of a distribution, along the way to the state, on which the probabilities still sum to 1."""
    direction = np.ones(1)
    if values[key].ndim == 2:
        direction = -values[key].copy()
        direction[state] += 1.0
    step = 1e-5 * (1.0 if values[key].ndim == 2 else max(values[key][0], 1e-2))

    def at(shift):
        changed = {**values, key: values[key] + shift * direction}
        return log_evidence(compile_network(network, changed), weights)

    return (at(step) - at(-step)) / (2 * step)


@st.composite
def questions(draw):
    network = draw(networks(max_nodes=6, max_parents=3))
    # Inside the range, as differences step to both sides.
    values = {
        k: 0.9 * v + 0.1 / len(v) if v.ndim == 2 else np.clip(v, 0.02, 0.98) if v[0] <= 1.0 else v
        for k, v in point_values(network, parameters_in(network, None)).items()
    }
    compiled = compile_network(network, values)
    nodes = draw(
        st.lists(st.integers(0, len(compiled.names) - 1), min_size=1, max_size=2, unique=True)
    )
    seed = np.random.default_rng(draw(st.integers(0, 1000)))
    return network, values, compiled, {n: 0.05 + seed.random((compiled.cards[n], 2)) for n in nodes}


@pytest.mark.slow
@given(questions())
@RELAXED
def test_every_number_as_by_differences(question):
    network, values, compiled, weights = question
    entries = log_slopes(compiled, {}, weights=weights)[1]
    found = parameter_slopes(network, compiled, values=values, entries=entries)
    assert set(found) == set(values)
    for key, slope in found.items():
        if slope.ndim == 1:
            expected = differences(network, values, key, 0, weights)
        else:
            expected = np.array(
                [differences(network, values, key, state, weights) for state in range(len(slope))]
            )
            slope = slope - (values[key] * slope).sum(axis=0)
        assert np.allclose(
            slope, expected, atol=2e-6 * max(1.0, np.abs(expected).max()), rtol=1e-4
        ), key


def test_numbers_above_a_stated_prevalence_move_its_intercept():
    """The prevalence of a cause is stated, so more heavy lifting does not make it more frequent: the derivative is 0, not what the table alone says."""
    model = sl.load("minimal")
    compiled, network = model.compiled, model.network
    values = point_values(network, parameters_in(network, model.setting))
    cause = compiled.index["lumbar_disc_herniation"]
    weights = {cause: np.array([[0.0], [1.0]])}
    entries = log_slopes(compiled, {}, weights=weights)[1]
    found = parameter_slopes(network, compiled, values=values, entries=entries)
    assert abs(found["heavy_lifting.prior"][0]) < 1e-12
    assert found["lumbar_disc_herniation.prior"][0] == pytest.approx(
        1.0 / 0.02, rel=1e-9
    )  # d log p / d p


@pytest.mark.parametrize(
    ("number", "value", "slope", "moved"),
    [
        (
            Probability(estimate=0.2, equivalent_sample_size=15.0, grade="judged", note="x" * 10),
            [0.2],
            [3.0],
            3.0 * np.sqrt(0.16 / 16),
        ),
        (
            Ratio(estimate=2.0, interval=(1.0, 4.0), grade="judged", note="x" * 10),
            [2.0],
            [-0.5],
            0.5 * 2.0 * np.log(4.0) / 3.92,
        ),
        (
            Distribution(
                estimate={"a": 0.5, "b": 0.5},
                equivalent_sample_size=24.0,
                grade="judged",
                note="x" * 10,
            ),
            [[0.5], [0.5]],
            [[1.0], [0.0]],
            np.sqrt(0.25 / 25),
        ),
    ],
)
def test_one_standard_deviation_of_a_number(number, value, slope, moved):
    assert moved_by_deviation(number, value=np.array(value), slope=np.array(slope))[
        0
    ] == pytest.approx(moved)
