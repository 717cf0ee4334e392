"""Scalars by YAML 1.2, and the place of every key and value."""

from __future__ import annotations

import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from spinelink.io import yaml_events
from spinelink.io.source_text import decode_source
from spinelink.io.yaml_events import Document, read_document

LOADERS = [yaml.SafeLoader, *([yaml.CSafeLoader] if hasattr(yaml, "CSafeLoader") else [])]


def read(text: str) -> Document:
    return read_document(decode_source(text, file="f"))


@pytest.fixture(params=LOADERS, ids=lambda loader: loader.__name__, autouse=True)
def _loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_events, "_LOADER", request.param)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3), ("1E+2", 100.0), (".5", 0.5), ("5.", 5.0), ("-0.1", -0.1), ("+3", 3), ("010", 10), ("0x1F", 31), ("0o17", 15),
        ("no", "no"), ("yes", "yes"), ("on", "on"), ("off", "off"), ("y", "y"), ("NO", "NO"),
        ("true", True), ("False", False), ("null", None), ("~", None), ("", None),
        ("18-34", "18-34"), ("80+", "80+"), ("1_000", "1_000"), ("1:30", "1:30"), ("2026-11-23", "2026-11-23"),
        ("0b1", "0b1"), ("1.2.3", "1.2.3"),
        ("'1'", "1"), ('"null"', "null"), ("'true'", "true"), ("|-\n  1", "1"), (">-\n  no\n  more", "no more"), ('"\\x41"', "A"),
    ],
)  # fmt: skip
def test_scalars(text: str, value: object) -> None:
    document = read(f"a: {text}\n")
    assert document.problems == []
    assert document.value == {"a": value}
    assert type(document.value["a"]) is type(value)  # type: ignore[index]


def test_keys_are_always_text() -> None:
    assert read("80: a\nno: b\n~: c\n1e3: d\ntrue: e\n'': f\n").value == {
        "80": "a",
        "no": "b",
        "~": "c",
        "1e3": "d",
        "true": "e",
        "": "f",
    }


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_keep_every_digit(number: float) -> None:
    assert read(f"a: {number!r}").value == {"a": number}


@given(st.integers(min_value=-(10**300), max_value=10**300))
def test_whole_numbers(number: int) -> None:
    assert read(f"a: {number}").value == {"a": number}


def test_places() -> None:
    text = "a: 1\nb:   {c: [x, 'y z'], d: }\ne:\n  - f: |\n      text\n      more\n\n# comment\ng: end\n"
    document = read(text)
    places = {path: text[span.start : span.end] for path, span in document.values.items()}
    assert places[("b",)] == "{c: [x, 'y z'], d: }"
    assert places[("b", "c", 1)] == "'y z'"
    assert places[("b", "d")] == ""
    assert places[("e", 0, "f")] == "|\n      text\n      more"
    assert places[("e",)] == "- f: |\n      text\n      more"
    assert {path: text[span.start : span.end] for path, span in document.keys.items()} == {
        path: path[-1] for path in document.keys
    }


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_lines_and_columns(newline: str) -> None:
    source = decode_source(newline.join(["\ufeffa: é𝄞x", "b: [1,", "  2]"]), file="f")
    document = read_document(source)
    assert source.place(document.values[("b", 1)].start) == (3, 3)
    assert source.place(document.values[("a",)].end) == (1, 7)


def test_next_line_character_is_no_line_of_an_editor() -> None:
    source = decode_source("a: x\x85\nb: 1\n", file="f")
    assert source.place(source.text.index("b"))[0] == 2


def test_duplicates_of_duplicates_are_named_with_their_first_place() -> None:
    document = read("a: {x: 1, x: 2}\na: {x: 1}\na: {x: 1}\n")
    assert [(each.line, each.column, each.message) for each in document.problems] == [
        (1, 11, "key 'x' appears twice in a; first at line 1, column 5"),
        (2, 1, "key 'a' appears twice; first at line 1, column 1"),
        (3, 1, "key 'a' appears twice; first at line 1, column 1"),
    ]
    assert document.value == {"a": {"x": 1}}


def test_thirty_levels_are_enough_and_thirty_one_too_many() -> None:
    assert read("[" * 30 + "]" * 30).problems == []
    assert "nested more than 30" in read("[" * 31 + "]" * 31).problems[0].message


def test_an_alias_bomb_stays_small() -> None:
    lines = [
        "a0: &a0 [x, x]",
        *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 100)),
    ]
    document = read("\n".join(lines))
    assert len(document.problems) == 1000 or len(document.problems) == 100 + 99 * 9


def test_a_million_problems_are_cut() -> None:
    assert len(read("[" + ".nan, " * 100_000 + "]").problems) == yaml_events.PROBLEM_LIMIT


@given(st.text(alphabet="ab:-[]{},'\"|>&*!#%@`? \n\t0.1~", max_size=60))
def test_never_raises(text: str) -> None:
    document = read(text)
    assert document.problems or document.value is None or math.isfinite(len(document.values))
