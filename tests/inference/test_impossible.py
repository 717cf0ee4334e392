"""Findings that cannot occur together are named, a smallest set of them."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from spinelink.diagnosis import Model
from spinelink.errors import ImpossibleEvidenceError
from spinelink.network.cpd import Case, Deterministic, Prior
from spinelink.network.network import Network
from spinelink.network.node import Node
from spinelink.network.parameter import Probability
from tests.oracle import posterior
from tests.strategies import evidence_for, networks


def test_a_smallest_set_is_named_and_the_rest_is_not():
    half = Prior(
        kind="prior",
        prior=Probability(estimate=0.5, equivalent_sample_size=2.0, grade="judged", note="test"),
    )
    both = Deterministic(
        kind="deterministic",
        parents=("a", "b"),
        cases=(Case(given={"a": "present", "b": "present"}, state="present"),),
        otherwise="absent",
    )
    nodes = {n: Node(role="symptom", label=n, cpd=half) for n in ("a", "b", "other")}
    nodes["both"] = Node(role="symptom", label="both", cpd=both)
    model = Model(Network(spinelink=1, name="logic", title="logic", version="0", nodes=nodes))
    with pytest.raises(ImpossibleEvidenceError) as caught:
        _ = model.observe(other=True, b=True, both=True, a=False).log_evidence
    assert set(caught.value.findings) == {"a=absent", "both=present"}
    assert "a=absent" in str(caught.value) and "other" not in str(caught.value)


@pytest.mark.slow
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_the_set_is_smallest(data):
    network = data.draw(networks(max_nodes=6))
    evidence = data.draw(evidence_for(network))
    assume(posterior(network, evidence)[0] == 0.0)
    with pytest.raises(ImpossibleEvidenceError) as caught:
        _ = Model(network).observe(evidence).log_evidence
    named = [f.split("=")[0].split("~")[0] for f in caught.value.findings]
    assert posterior(network, {n: evidence[n] for n in named})[0] == 0.0
    for smaller in combinations(evidence, len(named) - 1):
        assert posterior(network, {n: evidence[n] for n in smaller})[0] > 0.0
