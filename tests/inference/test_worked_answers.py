"""Answers worked out and published by others, each reproduced to its own tolerance."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest
import yaml

from spinelink.diagnosis import Model
from spinelink.network.cpd import NoisyOr, Prior, Row, Table
from spinelink.network.network import Network
from spinelink.network.node import Node
from spinelink.network.parameter import Distribution, Probability

ENTRIES = {
    e["id"]: e
    for e in yaml.safe_load(
        (Path(__file__).parents[1] / "data" / "worked_answers.yaml").read_text()
    )
}


def distribution(states, row):
    return Distribution(
        estimate=dict(zip(states, map(float, row), strict=True)),
        equivalent_sample_size=1.0,
        grade="judged",
        note="published",
    )


def model_of(entry):
    source = (
        entry["network"]
        if isinstance(entry["network"], dict)
        else ENTRIES[entry["network"]]["network"]
    )
    nodes = {}
    for name, spec in source.items():
        states = tuple(spec["states"])
        if not spec["parents"]:
            cpd = Prior(kind="prior", prior=distribution(states, spec["cpt"]))
        else:
            combinations = product(*(source[p]["states"] for p in spec["parents"]))
            rows = [
                Row(
                    given=dict(zip(spec["parents"], c, strict=True)),
                    probability=distribution(states, spec["cpt"][",".join(c)]),
                )
                for c in combinations
            ]
            cpd = Table(kind="table", parents=tuple(spec["parents"]), rows=tuple(rows))
        nodes[name] = Node(role="other", label=name, states=states, cpd=cpd)
    return Model(Network(spinelink=1, name="worked", title="worked", version="0", nodes=nodes))


def probability(model, query, evidence):
    """P(a=x) or P(a=x,b=y|c=z), with the entry's evidence added."""
    wanted, given = re.fullmatch(r"P\(([^|]*)\|?(.*)\)", query).groups()
    pairs = dict(part.split("=") for part in wanted.split(","))
    more = dict(part.split("=") for part in given.split(",")) if "=" in given else {}
    case = model.observe({**evidence, **more})
    answer = case.joint(list(pairs))
    return float(answer[tuple(pairs.values()) if len(pairs) > 1 else next(iter(pairs.values()))])


@pytest.mark.parametrize("name", ["asia-prior", "fire-report", "sprinkler-explaining-away"])
def test_published_posteriors(name):
    entry = ENTRIES[name]
    model = model_of(entry)
    for query, expected in entry["expected"].items():
        assert probability(model, query, entry["evidence"]) == pytest.approx(
            expected, abs=float(entry["tolerance"])
        ), query


@pytest.mark.parametrize("name", ["asia-prior", "fire-report"])
def test_exact_values_worked_out_beside_them(name):
    entry = ENTRIES[name]
    model = model_of(entry)
    for query, expected in entry["verified"].items():
        assert probability(model, query, entry["evidence"]) == pytest.approx(expected, abs=1e-12), (
            query
        )


def test_burglary():
    entry = ENTRIES["burglary"]
    model = model_of(entry)
    for item, key in zip(entry["queries"], ("J", "M", "JM"), strict=True):
        assert probability(model, item["query"], {}) == pytest.approx(
            item["expected"], abs=float(entry["tolerance"][key])
        )


def test_explaining_away():
    entry = ENTRIES["sprinkler-explaining-away"]
    model = model_of(entry)
    verified = entry["verified"]
    assert probability(model, "P(S=t|W=t,R=t)", {}) == pytest.approx(
        verified["P(S|W,R)"], abs=1e-12
    )
    assert probability(model, "P(S=t|W=t)", {}) == pytest.approx(verified["P(S|W)"], abs=1e-12)
    assert probability(model, "P(R=t|W=t)", {}) == pytest.approx(verified["P(R|W)"], abs=1e-12)


def test_fire_alarm_before_tuning():
    entry = ENTRIES["fire-samiam-sensitivity"]
    model = model_of(entry)
    exact = entry["verified"]["P(tampering=t|e)"]
    assert probability(model, "P(tampering=t)", entry["evidence"]) == pytest.approx(
        exact, abs=1e-12
    )


def number(p):
    return Probability(estimate=p, equivalent_sample_size=1.0, grade="judged", note="published")


def noisy_or(links, leak):
    half = Prior(kind="prior", prior=number(0.5))
    nodes = {p: Node(role="cause", origin="systemic", label=p, cpd=half) for p in links}
    nodes["effect"] = Node(
        role="symptom",
        label="e",
        cpd=NoisyOr(
            kind="noisy_or", leak=number(leak), links={p: number(v) for p, v in links.items()}
        ),
    )
    return Model(Network(spinelink=1, name="noisy", title="noisy", version="0", nodes=nodes))


def test_noisy_or_fever():
    model = noisy_or({"cold": 0.4, "flu": 0.8, "malaria": 0.9}, 0.0)
    for pattern, expected in ENTRIES["noisyor-fever"]["expected"].items():
        states = dict(zip(("cold", "flu", "malaria"), (c == "1" for c in pattern), strict=True))
        assert model.observe(states).posterior("effect")["present"] == pytest.approx(
            expected, abs=1e-12
        )


def test_noisy_or_with_leak():
    """The convention of the file: a leak is one more independent cause that is always there."""
    model = noisy_or({"N1": 0.8, "N2": 0.6}, 0.1)
    active = {"none": (), "N1": ("N1",), "N2": ("N2",), "both": ("N1", "N2")}
    for key, expected in ENTRIES["noisyor-leak-bayesia"]["expected"].items():
        states = {n: n in active[key] for n in ("N1", "N2")}
        assert model.observe(states).posterior("effect")["present"] == pytest.approx(
            expected, abs=1e-12
        )
