"""Derivatives, expected counts and draws, on random networks of every CPD kind with every kind of evidence.

Oracle: P(findings) is linear in each entry of the network's arrays, so its derivative is exactly P with the entry at 1 minus P with the entry at 0,
both from the whole joint.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from spinelink.diagnosis import Model
from spinelink.inference.arrays import CompiledNetwork, NoisyFactor, TableFactor
from spinelink.inference.draws import draw_marginals
from spinelink.inference.gradient.by_entry import _merge_targets, derivatives, expected_counts
from spinelink.inference.interpreted.marginals import marginals
from tests.enumeration import enumerate_marginals
from tests.inference.test_exact import RELAXED
from tests.inference.test_rare import two_layers
from tests.strategies import evidence_for, networks, with_limits


@st.composite
def questions(draw):
    network = draw(networks(max_nodes=6, max_parents=4))
    case = Model(network).observe(draw(evidence_for(network)))
    compiled = case.model.compiled
    observed = case.observed
    hidden = [i for i in range(len(compiled.names)) if not isinstance(observed.get(i), int)]
    chosen = draw(st.lists(st.sampled_from(hidden), unique=True, max_size=2)) if hidden else []
    return compiled, observed, [(i, draw(st.integers(0, compiled.cards[i] - 1))) for i in chosen]


def arrays(factor):
    return [factor.table] if isinstance(factor, TableFactor) else [factor.leak, *factor.links]


def with_entry(compiled, i, k, position, value):
    changed = [a.copy() for a in arrays(compiled.factors[i])]
    changed[k][position] = value
    old = compiled.factors[i]
    new = (
        TableFactor(old.parents, changed[0])
        if isinstance(old, TableFactor)
        else NoisyFactor(old.parents, changed[0], tuple(changed[1:]))
    )
    return CompiledNetwork(
        compiled.names, compiled.states, (*compiled.factors[:i], new, *compiled.factors[i + 1 :])
    )


def slope(compiled, observed, i, k, position):
    """d P(findings) / d entry, by enumeration."""
    high, low = (
        enumerate_marginals(with_entry(compiled, i, k, position, v), observed)[0][0]
        for v in (1.0, 0.0)
    )
    return high - low


def check(question, data):
    compiled, observed, targets = question
    total, by_node = enumerate_marginals(compiled, observed)
    # The oracle takes differences of cumulative probabilities, which are right to 1e-16; rarer findings stand in test_rare.
    assume(total[0] > 1e-6)
    found = derivatives(compiled, observed, targets=targets)
    assert found.log_evidence == pytest.approx(np.log(total[0]), abs=1e-9)
    for k, (node, state) in enumerate(targets):
        assert found.posteriors[k] == pytest.approx(by_node[node][state, 0], abs=1e-9)
    relevant = sorted(compiled.ancestors([*observed, *(node for node, _ in targets)]))
    assume(relevant)
    for _ in range(8):
        i = data.draw(st.sampled_from(relevant))
        own, slopes = arrays(compiled.factors[i]), arrays(found.factors[i])
        k = data.draw(st.integers(0, len(own) - 1))
        position = tuple(data.draw(st.integers(0, n - 1)) for n in own[k].shape[:-1])
        plain = slope(compiled, observed, i, k, position)
        assert slopes[k][(*position, 0)] == pytest.approx(plain / total[0], rel=1e-7, abs=1e-7), (
            i,
            k,
            position,
        )
        for column, (node, state) in enumerate(targets, start=1):
            both = {**observed, node: state}
            if (
                node in observed
            ):  # a virtual finding on the target: its likelihood of the state goes with it
                likelihood = observed[node][state, 0]
                joint = likelihood * slope(compiled, both, i, k, position)
            else:
                joint = slope(compiled, both, i, k, position)
            expected = (joint - by_node[node][state, 0] * plain) / total[0]
            assert slopes[k][(*position, column)] == pytest.approx(expected, rel=1e-7, abs=1e-7), (
                i,
                k,
                position,
                column,
            )


def limited(question, **changes):
    """The question, to an engine with other limits."""
    compiled, observed, targets = question
    return with_limits(compiled, **changes), observed, targets


@pytest.mark.slow
@RELAXED
@given(questions(), st.data())
def test_derivatives_equal_enumeration(question, data):
    check(question, data)


@pytest.mark.slow
@RELAXED
@given(questions(), st.data())
def test_factored_form_has_the_same_derivatives(question, data):
    check(limited(question, expanded_family=0, leaf_family=0), data)


@pytest.mark.slow
@RELAXED
@given(questions(), st.data())
def test_difference_form_has_the_same_derivatives(question, data):
    """However small; where digits are lost the subtraction-free form answers."""
    check(limited(question, plain_gradient_entries=0.0), data)


def test_targets_in_parts_have_the_same_derivatives():
    model = Model(two_layers(5, 4, prior=0.1, leak=0.05, link=0.5))
    compiled, index = model.compiled, model.compiled.index
    observed = {index[f"f{j}"]: 1 for j in range(3)}
    targets = [(index[f"c{i}"], 1) for i in range(5)]
    whole, parts = (
        derivatives(compiled, observed, targets=targets),
        [
            derivatives(compiled, observed, targets=targets[:2]),
            derivatives(compiled, observed, targets=targets[2:]),
        ],
    )
    joined = _merge_targets(*parts)
    np.testing.assert_allclose(joined.posteriors, whole.posteriors)
    for f, g in zip(joined.factors, whole.factors, strict=True):
        for a, b in zip(arrays(f), arrays(g), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-14)


@pytest.mark.slow
@RELAXED
@given(questions(), st.data())
def test_logarithmic_form_has_the_same_derivatives(question, data):
    check(limited(question, underflow=np.inf), data)


@pytest.mark.slow
@RELAXED
@given(questions())
def test_expected_counts_are_the_posteriors_of_families(question):
    compiled, observed, _ = question
    total, by_node = enumerate_marginals(compiled, observed)
    # The oracle takes differences of cumulative probabilities, which are right to 1e-16; rarer findings stand in test_rare.
    assume(total[0] > 1e-6)
    counts = expected_counts(compiled, observed).factors
    for i in compiled.ancestors(observed):
        factor = compiled.factors[i]
        if isinstance(factor, TableFactor):
            table = counts[i].table[..., 0]
            np.testing.assert_allclose(
                table.sum(axis=tuple(range(table.ndim - 1))), by_node[i][:, 0], atol=1e-9
            )
            for axis, p in enumerate(factor.parents):
                np.testing.assert_allclose(
                    table.sum(axis=tuple(a for a in range(table.ndim) if a != axis)),
                    by_node[p][:, 0],
                    atol=1e-9,
                )
        else:  # every parent, in each of its states, contributes one level
            np.testing.assert_allclose(counts[i].leak.sum(), 1.0, atol=1e-9)
            for p, link in zip(factor.parents, counts[i].links, strict=True):
                np.testing.assert_allclose(link[..., 0].sum(axis=1), by_node[p][:, 0], atol=1e-9)


@st.composite
def drawn_networks(draw):
    compiled, observed, _ = draw(questions())
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    draws = 7

    def jitter(array):
        spread = np.repeat(array, draws, axis=-1) * generator.uniform(
            0.5, 1.0, (*array.shape[:-1], draws)
        )
        return spread / spread.sum(axis=-2, keepdims=True)

    return compiled.map_arrays(jitter), observed


@pytest.mark.slow
@pytest.mark.xdist_group("numba")
@pytest.mark.parametrize("engine", ["numpy", "fast"])
@RELAXED
@given(question=drawn_networks())
def test_draws_equal_one_at_a_time(engine, question):
    if engine == "fast":
        pytest.importorskip("numba")
    drawn, observed = question
    nodes = list(range(len(drawn.names)))
    small = with_limits(drawn, draws_at_once=4, least_draws_at_once=4).with_engine(engine)
    found = draw_marginals(small, observed, nodes=nodes)
    for k in range(7):
        alone = marginals(drawn.map_arrays(lambda a, k=k: a[..., k : k + 1]), observed, nodes)
        np.testing.assert_allclose(
            found.log_evidence[k], alone.log_evidence[0], rtol=1e-12, atol=1e-12
        )
        if np.isfinite(alone.log_evidence[0]):
            for n in nodes:
                np.testing.assert_allclose(
                    found.posterior[n][:, k], alone.posterior[n][:, 0], rtol=1e-10, atol=1e-12
                )


def test_a_target_that_is_seen_and_impossible_findings_are_refused():
    from tests.inference.test_rare import two_layers

    compiled = Model(two_layers(2, 1, prior=0.1, leak=0.1, link=0.5)).compiled
    with pytest.raises(ValueError, match="observed"):
        derivatives(compiled, {0: 1}, targets=[(0, 1)])
    impossible = Model(two_layers(2, 1, prior=0.0, leak=0.0, link=0.5)).compiled
    with pytest.raises(ValueError, match="cannot occur"):
        derivatives(impossible, {2: 1})
