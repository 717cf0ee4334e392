"""Every law of the engine on each of its paths: both engines, under limits that force a path.

The oracle is the joint by enumeration, written from the definitions (`tests/enumeration.py`).
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from spinelink.inference.answer import (
    batch_marginals,
    draw_marginals,
    joint,
    log_evidence,
    log_evidence_or_nothing,
    marginals,
)
from spinelink.inference.contradiction import smallest_contradiction
from spinelink.inference.findings import EvidenceBatch, observed_from
from spinelink.inference.gradient.by_entry import derivatives
from spinelink.inference.gradient.counts import TrainingRows, count
from spinelink.inference.interpreted.most_probable import most_probable_explanations
from spinelink.inference.interpreted.sampling import sample
from spinelink.inference.variants.likelihood_events import with_events
from spinelink.inference.variants.one_case import with_more_findings, with_some_findings
from spinelink.inference.variants.subsets import with_all_subsets
from spinelink.network.evidence import Evidence, read_finding
from tests.enumeration import enumerate_marginals, joint_table
from tests.inference.forced import FEW, LIMITS, Forced, close
from tests.strategies import evidence_for, networks

NUMPY = Forced("default", "numpy", LIMITS["default"], 2.0e9)


@st.composite
def cases(draw, *, max_nodes=6, max_parents=4):
    """A compiled network with the findings of one case."""
    network = draw(networks(max_nodes=max_nodes, max_parents=max_parents))
    compiled = NUMPY.compile(network)
    findings = {n: read_finding(network, n, v) for n, v in draw(evidence_for(network)).items()}
    return compiled, observed_from(compiled, Evidence(findings))


def possible(compiled, observed):
    """P(evidence) and posteriors by enumeration, of evidence that is not much rarer than its digits."""
    total, posterior = enumerate_marginals(compiled, observed)
    assume(total[0] > 1e-6)
    return float(total[0]), posterior


@FEW
@given(question=cases())
def test_marginals_equal_enumeration(forced_limits, question):
    plain, observed = question
    compiled = forced_limits.on(plain)
    total, posterior = enumerate_marginals(plain, observed)
    nodes = list(range(len(compiled.names)))
    with forced_limits.maybe_too_large():
        answer = marginals(compiled, observed, nodes)
        if total[0] == 0.0:
            assert np.isneginf(answer.log_evidence[0])
            return
        assume(total[0] > 1e-6)
        close(answer.log_evidence, np.log(total))
        for n in nodes:
            close(answer.posterior[n], posterior[n])
            close(answer.present(n), posterior[n][1:].sum(axis=0))
        again = marginals(compiled, observed, nodes)  # with the plans known
        for n in nodes:
            close(again.posterior[n], posterior[n])
        close(log_evidence(compiled, observed), np.log(total))
        close(log_evidence(compiled, observed, heavy=True), np.log(total))
        if forced_limits.name != "logarithms":
            close(log_evidence_or_nothing(compiled, observed), np.log(total))


@FEW
@given(question=cases(), data=st.data())
def test_the_joint_equals_enumeration(forced_limits, question, data):
    plain, observed = question
    possible(plain, observed)
    every = list(range(len(plain.names)))
    nodes = data.draw(st.permutations(every))[: data.draw(st.integers(1, 3))]
    whole = joint_table(plain)[..., 0]
    for n, value in observed.items():
        weight = np.eye(plain.cards[n])[value] if isinstance(value, int) else value[:, 0]
        whole = whole * weight.reshape([-1 if k == n else 1 for k in every])
    kept = whole.sum(axis=tuple(k for k in every if k not in nodes))
    expected = np.transpose(kept, np.argsort(np.argsort(nodes))) / whole.sum()
    with forced_limits.maybe_too_large():
        close(joint(forced_limits.on(plain), observed, nodes).table[..., 0], expected)


@FEW
@given(question=cases(), data=st.data())
def test_rows_equal_cases(forced_limits, question, data):
    """Rows of different patterns, possible or not, in any order and by several threads."""
    plain, observed = question
    rows = [observed, {}]
    for _ in range(data.draw(st.integers(0, 6))):
        chosen = data.draw(st.lists(st.sampled_from(range(len(plain.names))), unique=True))
        rows.append({n: data.draw(st.integers(0, plain.cards[n] - 1)) for n in chosen})
    nodes = list(range(len(plain.names)))
    with forced_limits.maybe_too_large():
        answer = batch_marginals(
            forced_limits.on(plain), EvidenceBatch.of(plain, rows), nodes=nodes, threads=2
        )
        for k, row in enumerate(rows):
            alone = marginals(plain, row, nodes)
            close(answer.log_evidence[k], alone.log_evidence[0])
            for n in nodes:
                if np.isneginf(alone.log_evidence[0]):
                    assert np.isnan(answer.posterior[n][:, k]).all()
                else:
                    close(answer.posterior[n][:, k], alone.posterior[n][:, 0])


@FEW
@given(question=cases(), seed=st.integers(0, 1000))
def test_draws_equal_one_at_a_time(forced_limits, question, seed):
    plain, observed = question
    generator, draws = np.random.default_rng(seed), 7

    def jitter(array):
        shape = (*array.shape[:-1], draws)
        spread = np.repeat(array, draws, axis=-1) * generator.uniform(0.5, 1.0, shape)
        return spread / spread.sum(axis=-2, keepdims=True)

    drawn = plain.map_arrays(jitter)
    nodes = list(range(len(plain.names)))
    with forced_limits.maybe_too_large():
        answer = draw_marginals(forced_limits.on(drawn), observed, nodes=nodes, threads=2)
        close(log_evidence(forced_limits.on(drawn), observed), answer.log_evidence)
        for k in range(draws):
            alone = marginals(NUMPY.on(drawn.of_draws(slice(k, k + 1))), observed, nodes)
            close(answer.log_evidence[k], alone.log_evidence[0])
            for n in nodes:
                if np.isfinite(alone.log_evidence[0]):
                    close(answer.posterior[n][:, k], alone.posterior[n][:, 0])


@FEW
@given(question=cases(), data=st.data())
def test_events_equal_enumeration(forced_limits, question, data):
    plain, observed = question
    possible(plain, observed)
    hidden = [n for n in range(len(plain.names)) if not isinstance(observed.get(n), int)]
    assume(hidden)
    names = st.lists(st.sampled_from(hidden), min_size=1, max_size=3, unique=True)
    events = [
        {n: data.draw(st.integers(0, plain.cards[n] - 1)) for n in data.draw(names)}
        for _ in range(data.draw(st.integers(1, 5)))
    ]
    nodes = data.draw(st.lists(st.sampled_from(hidden), max_size=2, unique=True))
    with forced_limits.maybe_too_large():
        answer = with_events(forced_limits.on(plain), observed, events, nodes=nodes, threads=2)
        for k, event in enumerate(events):
            both = dict(observed)
            for n, level in event.items():
                at_most = (np.arange(plain.cards[n]) <= level).astype(float)[:, np.newaxis]
                both[n] = at_most * observed.get(n, 1.0)
            total, posterior = enumerate_marginals(plain, both)
            if total[0] < 1e-8:
                continue
            close(answer.log_evidence[k], np.log(total[0]), rtol=1e-8)
            for n in nodes:
                close(answer.posterior[n][:, k], posterior[n][:, 0], atol=1e-8)


@FEW
@given(question=cases(), data=st.data())
def test_subsets_equal_enumeration(forced_limits, question, data):
    plain, observed = question
    hidden = [n for n in range(len(plain.names)) if not isinstance(observed.get(n), int)]
    assume(observed and hidden)
    varied = data.draw(
        st.lists(st.sampled_from(sorted(observed)), unique=True, min_size=1, max_size=3)
    )
    nodes = [data.draw(st.sampled_from(hidden))]
    with forced_limits.maybe_too_large():
        compiled = forced_limits.on(plain)
        answer = with_all_subsets(compiled, observed, findings=varied, nodes=nodes)
        subsets = []
        for place in np.ndindex(*(2,) * len(varied)):
            left = {n for n, taken in zip(varied, place, strict=True) if not taken}
            subsets.append([n for n in observed if n not in left])
        some = with_some_findings(compiled, observed, subsets=subsets, nodes=nodes)
        for k, place in enumerate(np.ndindex(*(2,) * len(varied))):
            total, posterior = enumerate_marginals(plain, {n: observed[n] for n in subsets[k]})
            if total[0] < 1e-6:
                continue
            close(some.log_evidence[k], np.log(total[0]))
            close(some.posterior[nodes[0]][:, k], posterior[nodes[0]][:, 0])
            if np.isnan(answer.log_evidence[place]):  # unsure: then something is rare
                assert min(total[0], posterior[nodes[0]].min()) < 1e-4
                continue
            close(answer.log_evidence[place], np.log(total[0]), atol=1e-8)
            column = answer.posterior[nodes[0]][(slice(None), *place)]
            close(column, posterior[nodes[0]][:, 0], atol=1e-8)


@FEW
@given(question=cases(), data=st.data())
def test_further_findings_equal_enumeration(forced_limits, question, data):
    plain, observed = question
    hidden = [n for n in range(len(plain.names)) if not isinstance(observed.get(n), int)]
    assume(hidden)
    more = [{n: k} for n in hidden for k in range(plain.cards[n])]
    with forced_limits.maybe_too_large():
        answer = with_more_findings(forced_limits.on(plain), observed, more=more, nodes=hidden)
        for k, further in enumerate(more):
            ((node, state),) = further.items()
            one = np.eye(plain.cards[node])[state][:, np.newaxis]
            both = {**observed, node: one * observed.get(node, 1.0)}
            total, posterior = enumerate_marginals(plain, both)
            if total[0] < 1e-6:
                continue
            close(answer.log_evidence[k], np.log(total[0]))
            for n in hidden:
                close(answer.posterior[n][:, k], posterior[n][:, 0])


@FEW
@given(question=cases(max_nodes=5), seed=st.integers(0, 1000))
def test_sampled_patients_have_the_posterior_frequencies(forced_limits, question, seed):
    if forced_limits.engine == "fast":
        pytest.skip("the kernel draws no patients")
    plain, observed = question
    _, posterior = possible(plain, observed)
    size = 2000
    with forced_limits.maybe_too_large():
        states = sample(
            forced_limits.on(plain), observed, size=size, rng=np.random.default_rng(seed)
        )
        whole = joint_table(plain)[..., 0]
        for n, value in observed.items():
            if isinstance(value, int):
                assert (states[:, n] == value).all()
        assert (whole[tuple(states.T)] > 0.0).all()  # nothing that cannot be
        for n, p in enumerate(posterior):
            counts = np.bincount(states[:, n], minlength=plain.cards[n])
            share = p[:, 0].clip(0.0, 1.0)
            spread = np.sqrt(size * share * (1.0 - share))
            # Five standard deviations and more: hardly ever a false alarm.
            assert (np.abs(counts - size * share) < 5.5 * spread + 6.0).all()


@pytest.mark.slow
@FEW
@given(question=cases(max_nodes=5, max_parents=3), data=st.data())
def test_derivatives_equal_differences_of_enumeration(forced_limits, question, data):
    """P(findings) is linear in each entry: an entry times its derivative, summed over a family, is 1."""
    plain, observed = question
    total, posterior = possible(plain, observed)
    hidden = [n for n in range(len(plain.names)) if not isinstance(observed.get(n), int)]
    targets = [(n, 0) for n in hidden[:2]]
    with forced_limits.maybe_too_large():
        found = derivatives(forced_limits.on(plain), observed, targets=targets)
        close(found.log_evidence, np.log(total))
        for k, (node, state) in enumerate(targets):
            close(found.posteriors[k], posterior[node][state, 0])
        reference = derivatives(NUMPY.on(plain), observed, targets=targets)
        for f, g in zip(found.factors, reference.factors, strict=True):
            arrays = zip(_arrays(f), _arrays(g), strict=True)
            for a, b in arrays:
                # Targets in parts leave a constant free in each distribution: no change that keeps
                # its sum 1 feels it.
                differences = np.broadcast_to(a, b.shape) - b
                close(differences - differences[..., :1, :], 0.0, rtol=1e-7, atol=1e-7)


def _arrays(factor):
    return [factor.table] if hasattr(factor, "table") else [factor.leak, *factor.links]


@FEW
@given(question=cases(max_nodes=5, max_parents=3), seed=st.integers(0, 1000))
def test_expected_counts_add_up(forced_limits, question, seed):
    """Over a table, every node's counts are the sum of its posteriors."""
    plain, _ = question
    rng, size = np.random.default_rng(seed), 20
    states = np.stack([rng.integers(-1, c, size) for c in plain.cards], axis=1)
    batch = EvidenceBatch(states)
    with forced_limits.maybe_too_large():
        compiled = forced_limits.on(plain)
        found = count(compiled, TrainingRows(batch, np.ones(size)), information=True, threads=2)
        nodes = list(range(len(plain.names)))
        expected = batch_marginals(NUMPY.on(plain), batch, nodes=nodes)
        close(found.log_evidence, expected.log_evidence)
        for n, factor in enumerate(plain.factors):
            if hasattr(factor, "table"):
                table = found.expected[n].table[..., 0]
                counted = table.sum(axis=tuple(range(table.ndim - 1)))
                observed_rows = [
                    (np.eye(plain.cards[n])[states[k, n]] if states[k, n] >= 0 else p)
                    for k, p in enumerate(expected.posterior[n].T)
                    if np.isfinite(expected.log_evidence[k]) and _counts(plain, states[k], n)
                ]
                close(counted, np.sum(observed_rows, axis=0) if observed_rows else 0.0, atol=1e-8)


def _counts(compiled, states, node):
    """Whether a row counts at a node: it is observed, or something below it is."""
    return node in compiled.ancestors(np.flatnonzero(states >= 0).tolist())


@FEW
@given(question=cases())
def test_the_most_probable_explanation_equals_enumeration(forced_limits, question):
    if forced_limits.engine == "fast":
        pytest.skip("the kernel searches no explanation")
    plain, observed = question
    possible(plain, observed)
    whole = joint_table(plain)[..., 0]
    for n, value in observed.items():
        weight = np.eye(plain.cards[n])[value] if isinstance(value, int) else value[:, 0]
        whole = whole * weight.reshape([-1 if k == n else 1 for k in range(whole.ndim)])
    best = most_probable_explanations(forced_limits.on(plain), observed)[0]
    close(best.log_joint, np.log(whole.max()))


@FEW
@given(question=cases(max_nodes=5))
def test_contradictions_are_impossible(forced_limits, question):
    plain, observed = question
    assume(observed and enumerate_marginals(plain, observed)[0][0] == 0.0)
    with forced_limits.maybe_too_large():
        nodes = smallest_contradiction(forced_limits.on(plain), observed)
        assert enumerate_marginals(plain, {n: observed[n] for n in nodes})[0][0] == 0.0
