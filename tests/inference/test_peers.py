"""The engine against pgmpy's VariableElimination and pyAgrum's LazyPropagation, both built in memory from the same numbers."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import spinelink as sl
from spinelink.diagnosis import Model
from spinelink.inference.interpreted.marginals import marginals
from tests.enumeration import family_table
from tests.oracle import posterior
from tests.strategies import evidence_for, networks

SMALL = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
TOLERANCE = 1e-9


def agrum_of(compiled):
    """The same network in pyAgrum, in double precision; noisy families written out."""
    import pyagrum as gum

    bn = gum.BayesNet()
    for name, states in zip(compiled.names, compiled.states, strict=True):
        bn.add(gum.LabelizedVariable(name, name, list(states)))
    for i, name in enumerate(compiled.names):
        for p in compiled.parents[i]:
            bn.addArc(compiled.names[p], name)
    for i, name in enumerate(compiled.names):
        table = family_table(compiled, i)[..., 0]
        cpt = bn.cpt(name)
        family = [*(compiled.names[p] for p in compiled.parents[i]), name]
        order = list(reversed(cpt.names))
        cpt[:] = np.ascontiguousarray(np.transpose(table, [family.index(v) for v in order]))
    return bn


def agrum_posteriors(compiled, evidence, names):
    import pyagrum as gum

    engine = gum.LazyPropagation(agrum_of(compiled))
    engine.setEvidence(
        {n: v if isinstance(v, str) else list(v.values()) for n, v in evidence.items()}
    )
    engine.makeInference()
    return {n: engine.posterior(n).toarray() for n in names}


@st.composite
def possible_questions(draw):
    network = draw(networks())
    evidence = draw(evidence_for(network).filter(lambda e: posterior(network, e)[0] > 1e-12))
    return network, evidence


@SMALL
@given(possible_questions())
def test_random_networks_equal_pyagrum(question):
    pytest.importorskip("pyagrum")
    network, evidence = question
    model = Model(network)
    frame = model.observe(evidence).posteriors()["posterior"]
    for n, expected in agrum_posteriors(model.compiled, evidence, network.nodes).items():
        assert np.abs(frame[n].to_numpy() - expected).max() < TOLERANCE


@SMALL
@given(possible_questions())
def test_random_networks_equal_pgmpy(question):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pgmpy.factors.discrete import TabularCPD
        from pgmpy.inference import VariableElimination
    network, evidence = question
    model = Model(network)
    frame = model.observe(evidence).posteriors()["posterior"]
    hard = {n: v for n, v in evidence.items() if isinstance(v, str)}
    soft = [
        TabularCPD(n, len(v), [[x / sum(v.values())] for x in v.values()], state_names={n: list(v)})
        for n, v in evidence.items()
        if not isinstance(v, str)
    ]
    engine = VariableElimination(model.to_pgmpy())
    for n in network.nodes:
        if n not in evidence:
            answer = engine.query(
                [n], evidence=hard, virtual_evidence=soft or None, show_progress=False
            )
            assert np.abs(frame[n].to_numpy() - answer.values).max() < TOLERANCE


@SMALL
@given(networks())
def test_pgmpy_round_trip_keeps_every_probability(network):
    import spinelink as sl

    model = Model(network)
    back = sl.from_pgmpy(model.to_pgmpy())
    before, after = (
        model.observe().posteriors()["posterior"],
        back.observe().posteriors()["posterior"],
    )
    assert (before - after[before.index]).abs().max() < 1e-12


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "asia",
        "alarm",
        "insurance",
        "hailfinder",
        "hepar2",
        "win95pts",
        "andes",
        "pathfinder",
        "pigs",
    ],
)
def test_public_networks_equal_pyagrum(name):
    """All marginals of networks in the pgmpy wheel after a dozen findings; all 24 of them are in benchmarks/pgmpy_networks.csv."""
    gum = pytest.importorskip("pyagrum")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pgmpy.utils import get_example_model

        compiled = sl.from_pgmpy(get_example_model(name)).compiled
    rng = np.random.default_rng(1)
    state = {}
    for i in compiled.order:
        chances = compiled.factors[i].table[
            (*(state[p] for p in compiled.parents[i]), slice(None), 0)
        ]
        state[i] = int(rng.choice(len(chances), p=chances / chances.sum()))
    observed = {
        int(i): state[int(i)]
        for i in rng.choice(len(compiled.names), min(12, len(compiled.names) // 2), replace=False)
    }
    found = marginals(compiled, observed, range(len(compiled.names)))
    engine = gum.LazyPropagation(agrum_of(compiled))
    engine.setEvidence({compiled.names[i]: s for i, s in observed.items()})
    for i, n in enumerate(compiled.names):
        np.testing.assert_allclose(
            found.posterior[i][:, 0], engine.posterior(n).toarray(), atol=1e-9
        )
