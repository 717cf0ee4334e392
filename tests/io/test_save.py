"""Saving changes what changed and nothing else; what is written reads as the network asked for, or nothing is written."""

from __future__ import annotations

import difflib
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spinelink.errors import NetworkFileError
from spinelink.io import save
from spinelink.io.dump import dump_network, flow, key_text, scalar
from spinelink.io.network_file import parse_network, read_network
from spinelink.io.save import network_text, save_network
from spinelink.io.source_text import decode_source
from spinelink.io.yaml_events import read_document
from spinelink.network.network import Network
from spinelink.network.parameter import Distribution, Parameter, Probability, Ratio
from spinelink.network.parameter_ids import parameters, replace_parameters

GOOD = (Path(__file__).parents[1] / "data" / "good.yaml").read_text(encoding="utf-8")
NETWORK = parse_network(GOOD)
NETWORKS = [
    path
    for path in sorted((Path(__file__).parents[2] / "networks").glob("*.yaml"))
    if "." not in path.stem
]


def patched(network: Network, text: str = GOOD) -> str:
    new = network_text(decode_source(text, file="good.yaml"), network)
    assert parse_network(new) == network
    return new


def changed_lines(new: str, old: str = GOOD) -> list[str]:
    diff = list(difflib.unified_diff(old.splitlines(), new.splitlines(), n=0, lineterm=""))[2:]
    return [line for line in diff if not line.startswith("@@")]


def with_overrides(
    setting: str, overrides: dict[str, Parameter], network: Network = NETWORK
) -> Network:
    changed = network.settings[setting].model_copy(update={"overrides": overrides})
    return network.model_copy(update={"settings": {**network.settings, setting: changed}})


def edited(key: str, **fields: Any) -> Network:
    old = parameters(NETWORK)[key]
    return replace_parameters(NETWORK, {key: old.model_copy(update=fields)})


def judged(**fields: Any) -> Probability:
    return Probability(grade="judged", note="tuned", **fields)


def test_nothing_changed() -> None:
    assert patched(NETWORK) == GOOD


def test_one_number_changes_one_number() -> None:
    assert changed_lines(patched(edited("numbness.leak", estimate=0.03))) == [
        "-      leak: {estimate: 0.02, equivalent_sample_size: 20, grade: judged, note: rare}   # the leak",
        "+      leak: {estimate: 0.03, equivalent_sample_size: 20, grade: judged, note: rare}   # the leak",
    ]


def test_of_a_distribution_only_the_probabilities_that_differ() -> None:
    network = edited("age_group.prior", estimate={"18-34": 0.3, "35-64": 0.4, "65+": 0.3})
    assert [line.strip("+- ").split(", equi")[0] for line in changed_lines(patched(network))] == [
        "prior: {estimate: {18-34: 0.3, 35-64: 0.5, 65+: 0.2}",
        "prior: {estimate: {18-34: 0.3, 35-64: 0.4, 65+: 0.3}",
    ]


def test_another_kind_of_uncertainty_takes_the_place_of_the_old() -> None:
    network = replace_parameters(
        NETWORK, {"herniation.prior": judged(estimate=0.06, equivalent_sample_size=50.0)}
    )
    assert (
        changed_lines(patched(network))[1]
        == "+      prevalence: {estimate: 0.06, equivalent_sample_size: 50, grade: judged, note: tuned}"
    )


def test_fields_of_a_block_come_and_go_and_comments_stay() -> None:
    key = "compression.link.herniation"
    network = edited(key, counts=None, equivalent_sample_size=100.0, note='say: "so"')
    assert changed_lines(patched(network)) == [
        "-          counts: {none: 30, one_side: 65, both_sides: 5}",
        "+          equivalent_sample_size: 100",
        '+          note: "say: \\"so\\""',
    ]
    text = GOOD.replace(
        "          grade: measured           # a series of 100\n",
        "          # why\n          note: because # of\n          grade: measured\n",
    )
    network = replace_parameters(
        parse_network(text),
        {key: parameters(parse_network(text))[key].model_copy(update={"note": ""})},
    )
    assert changed_lines(patched(network, text), text) == ["-          note: because # of"]


def test_flow_over_several_lines_keeps_its_comments() -> None:
    leak = "leak: {\n  estimate: 0.02, # first\n  equivalent_sample_size: 20, # second\n  grade: judged, note: rare,\n      }".replace(
        "\n  ", "\n        "
    )
    text = GOOD.replace(
        "leak: {estimate: 0.02, equivalent_sample_size: 20, grade: judged, note: rare}", leak
    )
    network = replace_parameters(
        parse_network(text),
        {"numbness.leak": Probability(beta=(1.0, 9.0), grade="judged", note="rare")},
    )
    new = patched(network, text)
    assert "# first" in new
    assert "# second" in new
    assert len(changed_lines(new, text)) == 4


def test_new_override_in_a_block() -> None:
    old = NETWORK.settings["emergency"].overrides
    network = with_overrides(
        "emergency",
        {
            **old,
            "numbness.leak": judged(beta=(1.0, 9.0)),
            "gait.row.smoking=absent,herniation=absent": judged(beta=(1.0, 3.0)),
        },
    )
    assert changed_lines(patched(network)) == [
        "+      numbness.leak: {beta: [1, 9], grade: judged, note: tuned}",
        '+      "gait.row.smoking=absent,herniation=absent": {beta: [1, 3], grade: judged, note: tuned}',
    ]


def test_first_override_of_a_setting() -> None:
    network = with_overrides("primary_care", {"numbness.leak": judged(beta=(1.0, 9.0))})
    added = ["+    overrides:", "+      numbness.leak: {beta: [1, 9], grade: judged, note: tuned}"]
    assert changed_lines(patched(network)) == added


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "    population: Adults who consult.\n",
            "    population: Adults who consult.\n    overrides: {}\n",
        ),
        (
            "\n    label: Primary care\n    population: Adults who consult.\n",
            " {label: Primary care, population: Adults}\n",
        ),
        (
            "\n    label: Primary care\n    population: Adults who consult.\n",
            " {label: Primary care, population: Adults, }\n",
        ),
    ],
)
def test_first_override_within_braces(old: str, new: str) -> None:
    text = GOOD.replace(old, new)
    network = with_overrides(
        "primary_care", {"numbness.leak": judged(beta=(1.0, 9.0))}, parse_network(text)
    )
    assert (
        "overrides: {numbness.leak: {beta: [1, 9], grade: judged, note: tuned}}"
        in changed_lines(patched(network, text), text)[1]
    )


def test_changed_and_removed_overrides() -> None:
    old = dict(NETWORK.settings["emergency"].overrides)
    ratio = old.pop("herniation.odds_ratio.smoking")
    removed = changed_lines(patched(with_overrides("emergency", old)))
    assert [line.split(":")[0] for line in removed] == ["-      herniation.odds_ratio.smoking"]
    none = changed_lines(patched(with_overrides("emergency", {})))
    assert [line.split(":")[0] for line in none] == [
        "-    overrides",
        "-      herniation.prior",
        "-      herniation.odds_ratio.smoking",
    ]
    assert isinstance(ratio, Ratio)
    wider = with_overrides(
        "emergency",
        {**old, "herniation.odds_ratio.smoking": ratio.model_copy(update={"interval": (0.7, 1.1)})},
    )
    assert changed_lines(patched(wider))[1].endswith(
        "interval: [0.7, 1.1], grade: measured, source: li2013}  # below 1 is a ratio too"
    )


def test_windows_line_ends_and_byte_order_mark_do_not_matter() -> None:
    text = GOOD.replace("\n", "\r\n")
    network = with_overrides("primary_care", {"numbness.leak": judged(beta=(1.0, 9.0))})
    assert patched(network, text).replace("\r\n", "").count("\n") == 0
    assert patched(network, "\ufeff" + text) == patched(network, text)


def test_another_structure_is_written_whole() -> None:
    network = NETWORK.model_copy(update={"title": "Another"})
    assert patched(network) == dump_network(network)


NUMBERS = st.floats(0.0, 1.0, allow_nan=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30).filter(
    lambda text: text.strip() == text
)


@st.composite
def replacements(draw: st.DrawFn) -> dict[str, Parameter]:
    found = parameters(NETWORK)
    keys = draw(st.lists(st.sampled_from(sorted(found)), unique=True, max_size=6))
    return {key: draw(_like(found[key])) for key in keys}


def _like(old: Parameter) -> st.SearchStrategy[Parameter]:
    common: dict[str, Any] = {
        "grade": st.just("judged"),
        "note": TEXTS,
        "source": st.sampled_from([(), ("li2013",), ("li2013", "rao2001")]),
    }
    if isinstance(old, Ratio):
        return st.builds(Ratio, estimate=st.just(1.5), interval=st.just((1.25, 2e6)), **common)
    if isinstance(old, Distribution):
        first, *rest = old.estimate
        shares = NUMBERS.map(lambda p: {first: p, **dict.fromkeys(rest[1:], 0.0), rest[0]: 1.0 - p})
        return st.builds(
            Distribution, estimate=shares, equivalent_sample_size=st.floats(0.1, 1e6), **common
        )
    return st.one_of(
        st.builds(
            Probability, estimate=NUMBERS, equivalent_sample_size=st.floats(0.1, 1e6), **common
        ),
        st.builds(
            Probability,
            estimate=NUMBERS,
            interval=st.just((0.0, 1.0)),
            level=st.sampled_from([0.9, 0.95]),
            **common,
        ),
        st.builds(Probability, counts=st.just((3.0, 10.0)), **common),
        st.builds(
            Probability, beta=st.tuples(st.floats(0.1, 1e9), st.floats(1e-9, 10.0)), **common
        ),
    )


@pytest.mark.slow
@given(replacements(), replacements(), st.sampled_from(["primary_care", "emergency"]))
@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
def test_any_numbers_can_be_saved_and_comments_survive(
    values: dict[str, Parameter], overrides: dict[str, Parameter], setting: str
) -> None:
    network = with_overrides(
        setting,
        {**NETWORK.settings[setting].overrides, **overrides},
        replace_parameters(NETWORK, values),
    )
    new = patched(network)
    for comment in (
        "# A network that uses every kind",
        "# what differs here",
        "# below 1 is a ratio too",
        "# a series of 100",
        "# the leak",
    ):
        assert comment in new
    assert parse_network(dump_network(network)) == network


@given(TEXTS)
def test_any_text_can_be_written(text: str) -> None:
    for line in (f"a: {scalar(text)}", f"a: {flow([text])}", f"a: {flow({'b': text})}"):
        document = read_document(decode_source(line, file="f"))
        assert document.problems == []
        assert document.value in ({"a": text}, {"a": [text]}, {"a": {"b": text}})
    assert read_document(decode_source(f"{key_text(text)}: 1", file="f")).value == {text: 1}
    assert read_document(decode_source(f"a: {{{key_text(text)}: 1}}", file="f")).value == {
        "a": {text: 1}
    }


@given(NUMBERS | st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_keep_every_digit(number: float) -> None:
    assert read_document(decode_source(f"a: {scalar(number)}", file="f")).value == {"a": number}


@pytest.mark.parametrize("path", NETWORKS, ids=lambda path: path.stem)
def test_bundled_networks_survive_both_ways(path: Path) -> None:
    network = read_network(path)
    assert parse_network(dump_network(network)) == network
    values = {key: _nudged(value) for key, value in parameters(network).items()}
    changed = replace_parameters(
        network, {key: value for key, value in values.items() if value is not None}
    )
    new = network_text(path, changed)
    assert parse_network(new) == changed
    assert new != dump_network(changed), "patched, not written anew"
    assert new.count("#") >= path.read_text(encoding="utf-8").count("#")


def _nudged(old: Parameter) -> Parameter | None:
    if isinstance(old, Probability):
        return Probability(
            estimate=round(old.value * 0.9, 6),
            equivalent_sample_size=9.0,
            grade="judged",
            note="nudged",
            source=old.source,
        )
    return None


def test_the_file_appears_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mine.yaml"
    assert save_network(None, NETWORK, destination=path) == path
    before = path.read_bytes()

    def fail(*_: object) -> None:
        raise OSError("disk full")

    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(save.os, name, fail)
            with pytest.raises(OSError, match="disk full"):
                save_network(path, edited("numbness.leak", estimate=0.5), destination=path)
        assert path.read_bytes() == before
        assert [each.name for each in tmp_path.iterdir()] == ["mine.yaml"]


def test_a_network_that_would_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD)
    with pytest.raises(NetworkFileError, match="outside its own interval"):
        save_network(path, edited("herniation.prior", estimate=0.5), destination=path)
    assert path.read_text() == GOOD
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(os.name == "nt", reason="permissions and links of POSIX")
def test_permissions_and_links_are_kept(tmp_path: Path) -> None:
    path, link = tmp_path / "mine.yaml", tmp_path / "link.yaml"
    path.write_text(GOOD)
    path.chmod(0o640)
    link.symlink_to(path)
    save_network(link, edited("numbness.leak", estimate=0.5), destination=link)
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert read_network(path) == edited("numbness.leak", estimate=0.5)


def test_a_lost_original_does_not_matter(tmp_path: Path) -> None:
    save_network(tmp_path / "gone.yaml", NETWORK, destination=tmp_path / "mine.yaml")
    assert read_network(tmp_path / "mine.yaml") == NETWORK
