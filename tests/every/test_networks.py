"""Every bundled network answers, travels and comes back the same."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import jsonschema
import networkx as nx
import pytest
import yaml

import spinelink as sl
from spinelink.io.network_file import check_file
from spinelink.io.schema import network_schema
from spinelink.networks_folder import bundled

NETWORKS = sorted(bundled())


@pytest.fixture(scope="module", params=NETWORKS)
def model(request):
    return sl.load(request.param)


def test_its_file_is_without_problems_and_fits_the_schema(model):
    assert not [p for p in check_file(model.origin) if p.severity == "error"]
    text = Path(model.origin).read_text(encoding="utf-8")
    jsonschema.validate(json.loads(json.dumps(yaml.safe_load(text), default=str)), network_schema())


def test_every_setting_answers(model):
    for setting in model.settings:
        case = model.in_setting(setting).observe()
        assert sum(case.present(model.network.ranked).values()) > 0.0
        assert case.alerts().urgency is None


def test_it_travels(model, tmp_path):
    assert pickle.loads(pickle.dumps(model)) == model
    assert sl.load(model.save(tmp_path / "copy.yaml"), setting=model.setting) == model


def test_every_exchange_keeps_nodes_and_arrows(model):
    graph = model.to_networkx()
    assert set(graph) == set(model.nodes) and nx.is_directed_acyclic_graph(graph)
    assert {(p, c) for c, ps in model.network.parents.items() for p in ps} == set(graph.edges)
    assert model.to_bibtex().count("@") >= len(model.network.sources)


def test_every_finding_has_a_label_and_a_question_or_a_procedure(model):
    for name, node in model.nodes.items():
        assert node.label, name
        if node.role == "test":
            assert node.question or node.procedure or node.description or node.label, name
