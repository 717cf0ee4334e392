"""What differs between two networks, and what that does."""

from __future__ import annotations

import json
import math

import pytest

import spinelink as sl
from spinelink.claims.file import claims_for
from spinelink.cli import main
from spinelink.errors import NetworkFileError, SpinelinkError
from spinelink.evaluate.compare import compare_parameters, compare_structure


@pytest.fixture(scope="module")
def model():
    return sl.load("minimal")


@pytest.fixture(scope="module")
def other(model):
    return model.with_parameters(
        {
            "scoliosis.prior": 0.3,
            "leg_pain.leak": {"none": 0.5, "above_knee": 0.3, "below_knee": 0.2},
        }
    )


def test_a_network_does_not_differ_from_itself(model):
    found = model.diff(model)
    assert found.same
    assert (
        not found.parameters
        and not found.structure.lines()
        and not found.marginals
        and not found.cases
    )
    assert "Nothing differs" in str(found)


def test_numbers_states_and_how_far(model, other):
    frame = (
        model.diff(other, effects=False)
        .to_frame()
        .fillna({"state": ""})
        .set_index(["parameter", "state"])
    )
    assert set(frame.index) == {
        ("scoliosis.prior", ""),
        *(("leg_pain.leak", s) for s in ("none", "above_knee", "below_knee")),
    }
    row = frame.xs("scoliosis.prior").iloc[0]
    assert (row["before"], row["after"]) == (50 / 671, 0.3)
    expected = math.log(0.3 / 0.7) - math.log((50 / 671) / (621 / 671))
    assert row["moved"] == pytest.approx(expected)
    assert row["standard_deviations"] == pytest.approx(
        expected * math.sqrt(672 * (50 / 671) * (621 / 671))
    )
    assert "grade" in row["about"]


def test_the_other_way_round(model, other):
    there, back = model.diff(other, effects=False), other.diff(model, effects=False)
    assert {(n.id, n.state): (n.before, n.after) for n in there.parameters} == {
        (n.id, n.state): (n.after, n.before) for n in back.parameters
    }


def test_effects_are_those_of_the_models(model, other):
    findings = {"numbness": True, "leg_pain": "below_knee"}
    found = model.diff(other, cases={"one": findings})
    for change in found.marginals:
        assert change.before == pytest.approx(
            model.observe().posterior(change.node)[change.state], abs=1e-9
        )
        assert change.after == pytest.approx(
            other.observe().posterior(change.node)[change.state], abs=1e-9
        )
    assert {m.node for m in found.marginals} >= {"scoliosis", "leg_pain"}
    case = found.cases[0]
    for ranking, side in ((case.before, model), (case.after, other)):
        expected = side.observe(findings).differential(limit=None).causes
        assert [n for n, _ in ranking] == [c.cause for c in expected]
        assert [p for _, p in ranking] == pytest.approx([c.posterior for c in expected])
    name, by = case.largest
    assert by == pytest.approx(dict(case.after)[name] - dict(case.before)[name])
    before, after = model.audit(), other.audit()
    assert sum(c.inside_before for c in found.claims) == sum(r.inside for r in before.rows)
    assert sum(c.inside_after for c in found.claims) == sum(r.inside for r in after.rows)


def test_cases_come_from_the_file_beside_the_network_or_in_a_row(model, other):
    assert len(model.diff(other).cases) > 3
    in_a_row = model.diff(
        other,
        cases=[{"numbness": True}, model.observe(fever=True) if "fever" in model.nodes else {}],
    )
    assert [c.case for c in in_a_row.cases] == ["case 1", "case 2"]


def test_what_the_other_network_cannot_express_is_named(model):
    network = model.network
    nodes = {n: node for n, node in network.nodes.items() if n != "numbness"}
    smaller = sl.Model(network.model_copy(update={"nodes": nodes, "alerts": {}}), model.setting)
    found = model.diff(smaller, cases={"one": {"numbness": True}})
    assert "node numbness removed" in found.structure.lines()
    assert any("numbness" in line for line in found.left_out)
    assert any(line.startswith("claim ") for line in found.left_out) == any(
        "numbness" in str(c) for c in claims_for(model).claims.values()
    )


def test_structure(model):
    network = model.network
    nodes = dict(network.nodes)
    nodes["scoliosis"] = nodes["scoliosis"].model_copy(
        update={"urgency": "emergency", "label": "another"}
    )
    sources = dict(list(network.sources.items())[1:])
    changed = network.model_copy(
        update={"nodes": nodes, "sources": sources, "default_setting": None}
    )
    found = compare_structure(network, changed)
    assert "node scoliosis: label, urgency changed" in found.nodes
    assert f"source {next(iter(network.sources))} removed" in found.sources
    assert any("default setting" in line for line in found.settings)
    assert not compare_parameters(network, changed)


def test_overrides_of_a_setting_are_numbers_too():
    model = sl.load("back-leg-pain")
    setting = next(s for s in model.settings if s != model.network.default_setting)
    changed = model.in_setting(setting).with_parameters({"scoliosis.prior": 0.4})
    [number] = model.diff(changed, effects=False).parameters
    assert (number.setting, number.id, number.after) == (setting, "scoliosis.prior", 0.4)


def test_on_the_command_line(model, other, tmp_path, capsys):
    path = other.save(tmp_path / "other.yaml")
    assert main(["diff", "minimal", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["result"]
    assert {n["parameter"] for n in found["parameters"]} == {"scoliosis.prior", "leg_pain.leak"}
    assert found["marginals"] and found["cases"] and found["claims"]
    assert main(["diff", "minimal", str(path), "--no-effects"]) == 0
    assert "0.07452 -> 0.3" in capsys.readouterr().out
    bad = tmp_path / "bad.yaml"
    bad.write_text("spinelink: 1\n")
    assert main(["diff", "minimal", str(bad)]) == 1
    assert "bad.yaml" in capsys.readouterr().err


def test_bad_questions_are_refused(model, tmp_path):
    with pytest.raises(SpinelinkError, match="another Model"):
        model.diff("minimal")
    bad = tmp_path / "cases.yaml"
    bad.write_text("cases: 3\n")
    with pytest.raises(NetworkFileError):
        model.diff(model.with_parameters({"scoliosis.prior": 0.2}), cases=bad)
