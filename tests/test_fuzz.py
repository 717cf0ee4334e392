"""Random mistakes in network files and in findings: no error but ours, with words (issue 17).

Bounded by examples and without randomness from run to run.
"""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import spinelink as sl
from spinelink.errors import NetworkFileError, SpinelinkError
from spinelink.io.network_file import parse_network

FILE = Path(sl.__file__).parents[2] / "networks" / "minimal.yaml"
FIXED = settings(
    derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
LEAST_WORDS = 3

NAMES = [
    "numbness",
    "leg_pain",
    "back_pain",
    "scoliosis",
    "absent",
    "present",
    "below_knee",
    "none",
]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=10**300),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from([*NAMES, "", " ", "NaN", "1e999", "-", "\x00", "\ud800", "é", "x" * 3000]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.one_of(st.sampled_from(NAMES), SCALARS), inner, max_size=3)
    ),
    max_leaves=6,
)


@cache
def text() -> str:
    return FILE.read_text(encoding="utf-8")


@cache
def document() -> dict:
    return yaml.safe_load(text())


@cache
def places() -> list[tuple]:
    """Every place of the file, as the keys that lead there."""

    def below(value, path):
        found = [path] if path else []
        items = (
            value.items()
            if isinstance(value, dict)
            else enumerate(value)
            if isinstance(value, list)
            else ()
        )
        return found + [p for k, v in items for p in below(v, (*path, k))]

    return below(document(), ())


@cache
def model() -> sl.Model:
    return sl.load("minimal")


def is_refused_in_words(data: str | bytes) -> None:
    """The text is a network, or a NetworkFileError says where and why not."""
    try:
        parse_network(data, file="fuzz.yaml")
    except NetworkFileError as error:
        assert error.problems
        for problem in error.problems:
            assert problem.line >= 0 and len(str(problem).split()) >= LEAST_WORDS, str(problem)


@settings(FIXED, max_examples=60)
@given(st.data())
def test_values_of_a_file_changed(data):
    """Delete, replace, swap or double what stands somewhere in the file."""
    changed = copy.deepcopy(document())
    for _ in range(data.draw(st.integers(1, 3))):
        *way, last = data.draw(st.sampled_from(places()))
        holder = changed
        try:
            for key in way:
                holder = holder[key]
            value = holder[last]
        except (KeyError, IndexError, TypeError):
            continue
        match data.draw(st.sampled_from(["delete", "replace", "swap", "rename", "nest"])):
            case "delete":
                del holder[last]
            case "replace":
                holder[last] = data.draw(VALUES)
            case "swap" if isinstance(holder, dict):
                other = data.draw(st.sampled_from(list(holder)))
                holder[last], holder[other] = holder[other], value
            case "rename" if isinstance(holder, dict):
                holder[data.draw(st.text(max_size=8))] = holder.pop(last)
            case _:
                holder[last] = [value]
    is_refused_in_words(yaml.safe_dump(changed, allow_unicode=True))


@settings(FIXED, max_examples=120)
@given(st.data())
def test_characters_of_a_file_changed(data):
    """Cut out, double or overwrite a piece of the text."""
    whole = text()
    start = data.draw(st.integers(0, len(whole) - 1))
    end = min(len(whole), start + data.draw(st.integers(0, 60)))
    piece = data.draw(
        st.one_of(
            st.just(""),
            st.just(whole[start:end] * 2),
            st.text(max_size=10),
            st.sampled_from(
                [
                    "\t",
                    "{",
                    "]",
                    ":",
                    "- ",
                    "&a ",
                    "*a",
                    "!!str ",
                    '"',
                    "'",
                    "#",
                    "%",
                    "1e999",
                    "\n",
                    "\x00",
                    "\ufeff",
                    "---\n",
                    "|",
                    "? ",
                ]
            ),
        )
    )
    is_refused_in_words((whole[:start] + piece + whole[end:]).encode("utf-8", "replace"))


@settings(FIXED, max_examples=60)
@given(st.binary(max_size=80))
def test_any_bytes_as_a_file(data):
    is_refused_in_words(data)


NODES = st.one_of(st.sampled_from([*model().nodes]), st.text(max_size=10), SCALARS)


@settings(FIXED, max_examples=400)
@given(st.dictionaries(NODES, VALUES, max_size=4) | VALUES)
def test_any_findings(findings):
    """A case whose evidence is in the network's words, or an error of ours with words."""
    try:
        case = model().observe(findings)
    except SpinelinkError as error:
        assert len(str(error).split()) >= LEAST_WORDS
        return
    for name, found in case.evidence.items():
        states = model().nodes[name].states
        assert found in states if isinstance(found, str) else set(found) == set(states)
    assert model().observe(case.evidence) == case


@settings(FIXED, max_examples=60)
@given(st.dictionaries(st.sampled_from([*model().in_force]) | SCALARS, VALUES, max_size=2) | VALUES)
def test_any_parameters(changes):
    try:
        model().with_parameters(changes)
    except SpinelinkError as error:
        assert len(str(error).split()) >= LEAST_WORDS


@settings(FIXED, max_examples=60)
@given(
    st.text(max_size=40)
    | st.builds(
        "P({}) {} {}".format, st.text(max_size=10), st.sampled_from(["==", ">=", "<", "~"]), SCALARS
    )
)
def test_any_constraint(words):
    try:
        sl.constraint(words)
    except SpinelinkError as error:
        assert len(str(error).split()) >= LEAST_WORDS


@settings(FIXED, max_examples=60)
@given(VALUES)
def test_any_findings_file(tmp_path_factory, content):
    from spinelink.cli import main

    file = tmp_path_factory.mktemp("fuzz") / "case.json"
    try:
        file.write_text(json.dumps(content), encoding="utf-8")
    except TypeError:  # a key that JSON does not have
        return
    assert main(["query", "minimal", f"@{file}", "--limit", "1"]) in (0, 2)
