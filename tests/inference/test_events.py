"""Events side by side against enumeration, by the kernel and by NumPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from spinelink.diagnosis import Model
from spinelink.inference.variants.likelihood_events import with_events
from tests import oracle
from tests.inference.test_exact import RELAXED, scaled
from tests.strategies import evidence_for, networks, with_limits


@st.composite
def questions(draw):
    network = draw(networks(max_nodes=6, max_parents=3))
    evidence = draw(evidence_for(network))
    hidden = [n for n in network.nodes if not isinstance(evidence.get(n), str)]
    assume(hidden)
    levels = {n: st.integers(0, len(network.nodes[n].states) - 1) for n in hidden}
    events = [
        {
            n: draw(levels[n])
            for n in draw(st.lists(st.sampled_from(hidden), min_size=1, max_size=3, unique=True))
        }
        for _ in range(draw(st.integers(1, 5)))
    ]
    return (
        network,
        evidence,
        events,
        draw(st.lists(st.sampled_from(hidden), max_size=3, unique=True)),
    )


@pytest.mark.slow
@pytest.mark.xdist_group("numba")
@pytest.mark.parametrize("terms", [16, 1])
@pytest.mark.parametrize("fast", [True, False])
@given(questions())
@RELAXED
def test_events_equal_enumeration(fast, terms, question):
    if fast:
        pytest.importorskip("numba")
    network, evidence, events, nodes = question
    weights = scaled(evidence)
    case = Model(network, engine="fast" if fast else "numpy").observe(evidence)
    compiled = with_limits(case.model.compiled, terms_per_event=terms)
    index = compiled.index
    found = with_events(
        compiled,
        case.observed,
        [{index[n]: k for n, k in e.items()} for e in events],
        nodes=[index[n] for n in nodes],
        threads=2,
    )
    for k, event in enumerate(events):
        total, sums = 0.0, {n: np.zeros(len(network.nodes[n].states)) for n in nodes}
        for assignment, p in oracle.joint(network):
            for n, value in weights.items():
                p *= (
                    float(assignment[n] == value)
                    if isinstance(value, str)
                    else value[assignment[n]]
                )
            if all(
                network.nodes[n].states.index(assignment[n]) <= level for n, level in event.items()
            ):
                total += p
                for n in nodes:
                    sums[n][network.nodes[n].states.index(assignment[n])] += p
        if total < 1e-250:
            continue
        assert found.log_evidence[k] == pytest.approx(math.log(total), abs=1e-9)
        for n in nodes:
            assert found.posterior[index[n]][:, k] == pytest.approx(sums[n] / total, abs=1e-9)
