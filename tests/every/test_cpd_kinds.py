"""Every kind of CPD is read, compiled, asked, sampled, exchanged and written."""

from __future__ import annotations

import math
from typing import get_args

import numpy as np
import pytest

import spinelink as sl
from spinelink.network import cpd as kinds
from tests.enumeration import enumerate_marginals

NODES = """
spinelink: 1
name: one-kind
title: One node of each kind
version: 0.0.1
sources: {}
nodes:
  a: {role: cause, label: a, cpd: {kind: prior, prior: {estimate: 0.3, equivalent_sample_size: 10, grade: judged, note: test}}}
  b: {role: cause, label: b, cpd: {kind: prior, prior: {estimate: 0.1, equivalent_sample_size: 10, grade: judged, note: test}}}
  x: {role: ROLE, label: x, STATES cpd: CPD}
"""


def p(value):
    return f"{{estimate: {value}, equivalent_sample_size: 10, grade: judged, note: test}}"


def three(none, mild, severe):
    return p(f"{{none: {none}, mild: {mild}, severe: {severe}}}")


def row(state, value):
    return f"{{given: {{a: {state}}}, probability: {p(value)}}}"


BOTH = "{given: {a: present, b: present}, state: present}"
RATIO = "{estimate: 2.5, interval: [1.5, 4.0], grade: judged, note: test}"
FILES = {
    "prior": ("", f"{{kind: prior, prior: {p(0.2)}}}"),
    "table": (
        "",
        f"{{kind: table, parents: [a], rows: [{row('absent', 0.2)}, {row('present', 0.7)}]}}",
    ),
    "noisy_or": ("", f"{{kind: noisy_or, leak: {p(0.05)}, links: {{a: {p(0.6)}, b: {p(0.4)}}}}}"),
    "noisy_max": (
        "states: [none, mild, severe],",
        f"{{kind: noisy_max, leak: {three(0.9, 0.07, 0.03)}, links: {{a: {three(0.2, 0.5, 0.3)}}}}}",
    ),
    "log_odds": (
        "",
        f"{{kind: log_odds, prevalence: {p(0.1)}, odds_ratios: {{a: {RATIO}}}}}",
    ),
    "accuracy": (
        "",
        f"{{kind: accuracy, of: a, sensitivity: {p(0.8)}, specificity: {p(0.9)}}}",
    ),
    "additive_rates": ("", f"{{kind: additive_rates, rates: {{a: {RATIO}}}}}"),
    "deterministic": (
        "",
        f"{{kind: deterministic, parents: [a, b], otherwise: absent, cases: [{BOTH}]}}",
    ),
}
KINDS = [get_args(k.model_fields["kind"].annotation)[0] for k in get_args(get_args(kinds.Cpd)[0])]


@pytest.fixture(params=sorted(KINDS))
def model(request, tmp_path):
    states, cpd = FILES[request.param]
    path = tmp_path / "one_kind.yaml"
    role = "selection" if request.param == "additive_rates" else "symptom"
    text = NODES.replace("STATES", states).replace("CPD", cpd).replace("ROLE", role)
    path.write_text(text, encoding="utf-8")
    return sl.load(path)


def test_both_engines_equal_enumeration(model):
    for engine in ("numpy", "fast"):
        case = sl.load(model.origin, engine=engine).observe(
            {(last := model.network.variables[-1]): model.nodes[last].states[-1]}
        )
        compiled = case.model.compiled
        p_evidence, by_node = enumerate_marginals(compiled, case.observed)
        assert math.exp(case.log_evidence) == pytest.approx(float(p_evidence[0]), abs=1e-12)
        for name in ("a", "b"):
            expected = by_node[compiled.index[name]][:, 0]
            np.testing.assert_allclose(case.posterior(name).to_numpy(), expected, atol=1e-12)


def test_it_is_sampled_written_and_exchanged(model, tmp_path):
    for name, column in model.sample(200, seed=1).items():
        assert set(column) <= set(model.nodes[name].states)
    assert sl.load(model.save(tmp_path / "copy.yaml")) == model
    again = sl.from_pgmpy(model.to_pgmpy(), name="again")
    for name in model.network.variables:
        ours, theirs = (m.observe().posterior(name) for m in (model, again))
        np.testing.assert_allclose(ours.to_numpy(), theirs[ours.index].to_numpy(), atol=1e-12)


def test_its_parameters_can_be_swept(model):
    names = [i for i in model.in_force if i.startswith("x.")]
    table = model.parameters().to_frame()
    for name in names:
        identity = table[table["id"].str.startswith(name)]["id"].iloc[0]
        value = float(table.set_index("id").loc[identity, "estimate"])
        assert len(model.sweep(identity, [value, value * 0.9])) == 2
