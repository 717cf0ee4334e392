"""The checks are pure: a Network in, issues with paths out. (Each refusal with its place in a file: tests/io/test_bad_files.py.)"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from spinelink.errors import ParameterError, UnknownNameError
from spinelink.io.network_file import parse_network
from spinelink.io.source_text import decode_source
from spinelink.io.yaml_events import read_document
from spinelink.network.check.network import check_network
from spinelink.network.network import Network, Setting
from spinelink.network.parameter import Distribution, Probability
from spinelink.network.parameter_ids import parameter_paths, parameters, replace_parameters

GOOD = (Path(__file__).parents[1] / "data" / "good.yaml").read_text(encoding="utf-8")
NETWORK = parse_network(GOOD)


def test_a_good_network_has_no_issues() -> None:
    assert check_network(NETWORK) == []


def test_ids_are_those_of_the_documentation() -> None:
    assert list(parameters(NETWORK)) == [
        "age_group.prior",
        "smoking.prior",
        "herniation.prior",
        "herniation.odds_ratio.smoking",
        "herniation.odds_ratio.age_group.35-64",
        "herniation.odds_ratio.age_group.65+",
        "compression.leak",
        "compression.link.herniation",
        "numbness.leak",
        "numbness.link.compression.one_side",
        "numbness.link.compression.both_sides",
        "numbness.link.smoking",
        "raise_test.sensitivity.one_side",
        "raise_test.sensitivity.both_sides",
        "raise_test.specificity",
        "gait.row.smoking=absent,herniation=absent",
        "gait.row.smoking=absent,herniation=present",
        "gait.row.smoking=present,herniation=absent",
        "gait.row.smoking=present,herniation=present",
    ]


def test_paths_lead_to_the_numbers_of_the_file() -> None:
    data: Any = read_document(decode_source(GOOD, file="f")).value
    for key, path in parameter_paths(NETWORK).items():
        value = data
        for part in path:
            value = value[part]
        assert type(parameters(NETWORK)[key]).model_validate(value) == parameters(NETWORK)[key]


def test_row_ids_follow_the_order_of_parents() -> None:
    text = GOOD.replace(
        "given: {smoking: absent, herniation: present}",
        "given: {herniation: present, smoking: absent}",
    )
    assert list(parameters(parse_network(text))) == list(parameters(NETWORK))


def test_replacing_changes_one_number_and_not_the_original() -> None:
    new = Probability(estimate=0.3, equivalent_sample_size=5.0, grade="judged", note="x")
    for key, old in parameters(NETWORK).items():
        if isinstance(old, Probability):
            changed = replace_parameters(NETWORK, {key: new})
            assert {
                name
                for name, value in parameters(changed).items()
                if value != parameters(NETWORK)[name]
            } == {key}
    assert parse_network(GOOD) == NETWORK


def test_replacing_keeps_the_kind() -> None:
    number = Probability(estimate=0.3, equivalent_sample_size=5.0, grade="judged", note="x")
    other = Distribution(
        estimate={"a": 0.5, "b": 0.5}, equivalent_sample_size=5.0, grade="judged", note="x"
    )
    with pytest.raises(ParameterError, match="is a Ratio, not a Probability"):
        replace_parameters(NETWORK, {"herniation.odds_ratio.smoking": number})
    with pytest.raises(ParameterError, match="over 18-34, 35-64, 65\\+, not over a, b"):
        replace_parameters(NETWORK, {"age_group.prior": other})
    with pytest.raises(UnknownNameError, match=r"Did you mean 'numbness\.leak'"):
        replace_parameters(NETWORK, {"numbness.leek": number})


def test_a_name_that_could_not_be_read_is_no_unknown_name() -> None:
    nodes = {
        name: node for name, node in NETWORK.nodes.items() if name not in {"herniation", "numbness"}
    }
    partial = NETWORK.model_copy(update={"nodes": nodes, "sources": {}})
    assert check_network(partial), "on its own it lacks names"
    assert (
        check_network(
            partial,
            unreadable={
                "nodes": frozenset({"herniation", "numbness"}),
                "sources": frozenset({"li2013", "rao2001"}),
            },
        )
        == []
    )


def test_a_million_missing_rows_are_counted_not_listed() -> None:
    parents = {f"p{index}": {"role": "other", "label": "P", "cpd": _prior()} for index in range(40)}
    row = {"given": dict.fromkeys(parents, "absent"), "probability": _prior()["prior"]}
    child = {
        "role": "other",
        "label": "C",
        "cpd": {"kind": "table", "parents": list(parents), "rows": [row]},
    }
    network = Network.model_validate(
        {
            "spinelink": 1,
            "name": "x",
            "title": "x",
            "version": "1",
            "nodes": {**parents, "child": child},
        }
    )
    (issue,) = check_network(network)
    assert issue.message.startswith(f"table of child lacks {2**40 - 1} rows: (p0=absent, ")


def test_every_cycle_of_two_is_found() -> None:
    links = {"a": "b", "b": "a", "c": "d", "d": "c"}
    number = _prior()["prior"]
    nodes = {
        name: {
            "role": "other",
            "label": name,
            "cpd": {"kind": "noisy_or", "leak": number, "links": {parent: number}},
        }
        for name, parent in links.items()
    }
    network = Network.model_validate(
        {"spinelink": 1, "name": "x", "title": "x", "version": "1", "nodes": nodes}
    )
    assert sorted(issue.message for issue in check_network(network)) == [
        "a cycle: a -> b -> a",
        "a cycle: c -> d -> c",
    ]


def _prior() -> dict[str, Any]:
    return {
        "kind": "prior",
        "prior": {"estimate": 0.5, "beta": [1, 1], "grade": "judged", "note": "x"},
    }


def test_one_setting_at_most_is_unselected() -> None:
    settings = {
        name: Setting(label=name, population="People.", unselected=True) for name in ("one", "two")
    }
    [issue] = check_network(
        NETWORK.model_copy(update={"settings": settings, "default_setting": "one"})
    )
    assert issue.path == ("settings", "two", "unselected") and "unselected" in issue.message
    assert NETWORK.model_copy(update={"settings": settings}).unselected == "one"


def test_a_network_shows_itself() -> None:
    assert repr(NETWORK).startswith(f"Network({NETWORK.name} ") and len(repr(NETWORK)) < 200
    evil = NETWORK.model_copy(update={"title": "<script>x</script>"})
    assert "<script" not in evil._repr_html_()
    assert all(node.label in NETWORK._repr_html_() for node in NETWORK.nodes.values())
