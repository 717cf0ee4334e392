"""F11: wide deterministic and log-odds families are kept factored, or refused when the file is loaded."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import spinelink as sl
from spinelink.errors import NetworkFileError
from spinelink.inference.arrays import NoisyFactor
from spinelink.inference.compile import compile_network, point_values
from spinelink.io.network_file import parse_network
from spinelink.network import wide

HEAD = """spinelink: 1
name: wide
version: 0.1.0
title: Wide
"""


def file_with(parents: int, cpd: str) -> str:
    causes = "".join(
        f"""  c{k}:
    role: cause
    label: C{k}
    origin: back
    states: [absent, present]
    cpd: {{kind: prior, prior: {{estimate: 0.0{k % 9 + 1}, equivalent_sample_size: 10, grade: judged, note: a guess}}}}
"""
        for k in range(parents)
    )
    return f"{HEAD}nodes:\n{causes}  any:\n    role: other\n    label: Any\n    states: [absent, present]\n    cpd:\n{cpd}"


def disjunction(parents: int) -> str:
    names = ", ".join(f"c{k}" for k in range(parents))
    cases = "".join(
        f"        - {{given: {{c{k}: present}}, state: present}}\n" for k in range(parents)
    )
    return f"      kind: deterministic\n      parents: [{names}]\n      cases:\n{cases}      otherwise: absent\n"


def conjunction(parents: int) -> str:
    names = ", ".join(f"c{k}" for k in range(parents))
    given = ", ".join(f"c{k}: present" for k in range(parents))
    return f"      kind: deterministic\n      parents: [{names}]\n      cases:\n        - {{given: {{{given}}}, state: present}}\n      otherwise: absent\n"


def log_odds(parents: int) -> str:
    ratios = "".join(
        f"        c{k}: {{estimate: 2.0, interval: [1.5, 3.0], grade: judged, note: a guess}}\n"
        for k in range(parents)
    )
    return f"      kind: log_odds\n      baseline: {{estimate: 0.1, equivalent_sample_size: 10, grade: judged, note: a guess}}\n      odds_ratios:\n{ratios}"


@pytest.mark.parametrize("parents", [22, 30])
def test_f11_a_wide_disjunction_is_factored(tmp_path, parents):
    path = tmp_path / "wide.yaml"
    path.write_text(file_with(parents, disjunction(parents)))
    model = sl.load(path)
    none = np.prod([1.0 - (k % 9 + 1) / 100 for k in range(parents)])
    assert model.observe()["any"] == pytest.approx(1.0 - none, abs=1e-12)
    assert model.observe({"any": True, "c0": False})["c1"] > 0.02
    assert isinstance(model.compiled.factors[-1], NoisyFactor)


@pytest.mark.parametrize(("cpd", "parents"), [(conjunction, 22), (conjunction, 30), (log_odds, 24)])
def test_f11_what_is_too_wide_is_refused_with_its_size(cpd, parents):
    with pytest.raises(NetworkFileError, match="at most 262,144") as caught:
        parse_network(file_with(parents, cpd(parents)), file="wide.yaml")
    assert len(caught.value.problems) == 1
    assert f"{parents} parents" in str(caught.value)
    assert f"{2 ** (parents + 1):,}" in str(caught.value)
    assert "noisy_or" in str(caught.value)


def test_f11_factored_and_table_agree(monkeypatch):
    """Every function of three parents whose cases look at one parent each."""
    from spinelink.inference.answer import joint

    targets = ("present", "absent")
    for order in itertools.permutations(range(3)):
        for states in itertools.product(targets, repeat=3):
            cases = "".join(
                f"        - {{given: {{c{k}: present}}, state: {s}}}\n"
                for k, s in zip(order, states, strict=True)
            )
            text = file_with(
                3,
                f"      kind: deterministic\n      parents: [c0, c1, c2]\n      cases:\n{cases}      otherwise: absent\n",
            )
            network = parse_network(text, file="wide.yaml")
            values = point_values(network, network.parameters)
            tables = []
            for entries in (wide.FACTORED_ENTRIES, 0):
                monkeypatch.setattr("spinelink.inference.compile.FACTORED_ENTRIES", entries)
                compiled = compile_network(network, values)
                tables.append(joint(compiled, {}, range(4)).table)
            assert np.abs(tables[0] - tables[1]).max() < 1e-15


def test_f11_from_pgmpy_refuses_a_wide_table():
    pytest.importorskip("pgmpy")
    from pgmpy.factors.discrete import TabularCPD
    from pgmpy.models import DiscreteBayesianNetwork

    parents = [f"c{k}" for k in range(18)]
    network = DiscreteBayesianNetwork([(p, "any") for p in parents])
    network.add_cpds(*(TabularCPD(p, 2, [[0.9], [0.1]]) for p in parents))
    table = np.full((2, 2**18), 0.5)
    network.add_cpds(TabularCPD("any", 2, table, evidence=parents, evidence_card=[2] * 18))
    with pytest.raises(NetworkFileError, match="the CPD of any is a table of 524,288 numbers"):
        sl.from_pgmpy(network)
