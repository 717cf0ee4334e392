"""Each refusal once: a good file with one thing changed. The mark « in the new text is where the problem must be reported."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from spinelink.errors import NetworkFileError, Problem
from spinelink.io.network_file import check_file, parse_network, read_network
from spinelink.io.source_text import SIZE_LIMIT

DATA = Path(__file__).parents[1] / "data"
GOOD = (DATA / "good.yaml").read_text(encoding="utf-8")


class Case(NamedTuple):
    """A change to the good file, and parts of the message and hint that it gives."""

    old: str
    new: str
    message: str
    hint: str


def read_cases(text: str) -> dict[str, Case]:
    """The cases of changes.txt, by name."""
    cases = {}
    for block in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        name, *lines = block.splitlines()
        parts = [
            "\n".join(line[2:] for line in lines if line.startswith(sign))
            for sign in ("- ", "+ ", "! ", "? ")
        ]
        cases[name] = Case(*parts)
    return cases


CASES = {
    **read_cases((DATA / "bad" / "changes.txt").read_text(encoding="utf-8")),
    "tab": Case("    label: Age", "«\tlabel: Age", "not YAML", "tabs"),
    "control character": Case("label: Age", "label: A«\x07ge", "the character U+0007", "escape"),
    "huge integer": Case(
        "leak: {estimate: 0.02", "leak: {estimate: «" + "9" * 5000, "is too large for a number", ""
    ),
    "tiny number": Case(  # F6
        "leak: {estimate: 0.02",
        "leak: {estimate: «1e-400",
        "1e-400 is too small to be told from 0",
        "",
    ),
    "too deep": Case(
        "label: Age", "label: " + "[" * 27 + "«" + "[" * 5000, "nested more than 30 levels deep", ""
    ),
}


def change(old: str, new: str) -> tuple[str, tuple[int, int] | None]:
    """The good file with one thing changed, and the line and column of the mark."""
    assert GOOD.count(old) >= 1, old
    text = GOOD.replace(old, new, 1)
    if "«" not in text:
        return text, None
    before = text[: text.index("«")]
    return text.replace("«", ""), (before.count("\n") + 1, len(before) - before.rfind("\n"))


def problems_of(text: str | bytes) -> tuple[Problem, ...]:
    with pytest.raises(NetworkFileError) as caught:
        parse_network(text, file="bad.yaml")
    return caught.value.problems


def test_the_good_file_is_good(tmp_path: Path) -> None:
    path = tmp_path / "good.yaml"
    path.write_text(GOOD, encoding="utf-8")
    assert check_file(path) == []
    assert read_network(path).nodes["age_group"].states == ("18-34", "35-64", "65+")


@pytest.mark.parametrize("name", CASES)
def test_refused(name: str) -> None:
    old, new, message, hint = CASES[name]
    text, place = change(old, new)
    problems = problems_of(text)
    fitting = [
        problem for problem in problems if message in problem.message and hint in problem.hint
    ]
    assert fitting, [str(problem) for problem in problems]
    if place is not None:
        assert place in {(problem.line, problem.column) for problem in fitting}, [
            str(problem) for problem in fitting
        ]
    assert str(fitting[0]).startswith(f"bad.yaml:{fitting[0].line}:{fitting[0].column}: ")


SEVERAL = {
    "alias",
    "bad kind",
    "bad name",
    "case with other parent",
    "duplicate node",
    "empty links",
    "key is a list",
    "many states",
    "no intercept",
    "one link for many states",
    "one state",
    "open brace",
    "override of nothing",
    "override of other states",
    "parent twice",
    "row missing",
    "row with other parent",
    "second document",
    "table parent itself",
    "too deep",
    "unknown key",
}
"""Mistakes that have consequences elsewhere, or are made of two."""


@pytest.mark.parametrize("name", sorted(set(CASES) - SEVERAL))
def test_one_mistake_gives_one_problem(name: str) -> None:
    old, new, message, _ = CASES[name]
    problems = problems_of(change(old, new)[0])
    assert [message in problem.message for problem in problems] == [True], [
        str(problem) for problem in problems
    ]


@pytest.mark.parametrize(
    ("data", "line", "column", "message"),
    [
        (b"", 1, 1, "the file is empty"),
        (b"# only a comment\n", 1, 1, "the file is empty"),
        (b"- a\n- b\n", 1, 1, "a network file is a mapping, not a list"),
        (b"hello", 1, 1, "a network file is a mapping, not 'hello'"),
        (b"name: x\ntitle: caf\xe9\n", 2, 11, "not UTF-8 text: byte 19 of the file is 0xE9"),
        ("name: x".encode("utf-16"), 1, 1, "not UTF-8 text: byte 1 of the file is 0xFF"),
        (b"\x00\x01", 1, 1, "the character U+0000"),
        (b"[" * 200_000, 1, 31, "nested more than 30 levels deep"),
        (b"{a: " * 200_000, 1, 121, "nested more than 30 levels deep"),
        (b"- " * 200_000, 1, 61, "nested more than 30 levels deep"),
        (b"a" * (SIZE_LIMIT + 1), 1, 1, "a network file may have at most 5,000,000"),
    ],
)
def test_not_even_a_mapping(data: bytes, line: int, column: int, message: str) -> None:
    first = problems_of(data)[0]
    assert (first.line, first.column) == (line, column)
    assert message in first.message


def test_all_problems_at_once_across_layers() -> None:
    text = (
        GOOD.replace("label: Age", "label: &a Age")
        .replace("kind: noisy_max", "kind: noisy_mx")
        .replace("0.04, interval", "0.06, interval")
    )
    text = text.replace("- {numbness: present}", "- {numbnes: present}")
    messages = [problem.message for problem in problems_of(text)]
    for part in ("anchor &a", "'noisy_mx'", "outside its own interval", "'numbnes'"):
        assert any(part in message for message in messages), messages
    assert not any("'compression'" in message for message in messages), (
        "a node that could not be read is no unknown name"
    )
    assert messages == [
        problem.message
        for problem in sorted(problems_of(text), key=lambda each: (each.line, each.column))
    ]


def test_cycle_is_printed() -> None:
    number = "{beta: [1, 9], grade: judged, note: x}"
    root = 'cpd: {kind: prior, prior: {beta: [20, 80], grade: judged, note: "survey"}}'
    text = GOOD.replace(
        root, f"cpd: {{kind: noisy_or, leak: {number}, links: {{numbness: {number}}}}}"
    )
    cycles = [problem for problem in problems_of(text) if "a cycle" in problem.message]
    members = cycles[0].message.removeprefix("a cycle: ").split(" -> ")
    assert members[0] == members[-1]
    assert {"numbness -> smoking", "smoking -> herniation", "herniation -> compression"} <= {
        " -> ".join(pair) for pair in itertools.pairwise(members)
    }
    assert cycles[0].text == members[-2], (
        "reported where the node names the parent that closes the cycle"
    )


def test_table_says_which_rows_are_missing() -> None:
    text = GOOD.replace("        - given: {smoking: absent, herniation: absent}\n"
        "          probability: {estimate: 0.1, equivalent_sample_size: 10, grade: judged, note: few}\n", "", 1)  # fmt: skip
    assert [problem.message for problem in problems_of(text)] == [
        "table of gait lacks 1 row: (smoking=absent, herniation=absent)"
    ]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "lumbar.yaml").write_text(GOOD)
    with pytest.raises(NetworkFileError, match=r"lumber\.yaml:1:1: no such file .*'lumbar\.yaml'"):
        read_network(tmp_path / "lumber.yaml")
    with pytest.raises(NetworkFileError, match="a folder, not a network file"):
        read_network(tmp_path)
    with pytest.raises(NetworkFileError, match="not a regular file"):
        read_network("/dev/zero")
    with pytest.raises(NetworkFileError, match="cannot be read"):
        read_network("a\0b")


def test_warnings_do_not_refuse(tmp_path: Path) -> None:
    path = tmp_path / "warn.yaml"
    path.write_text(
        GOOD.replace("sources:\n", "sources:\n  nobody2000: {title: x}\n").replace(
            "label: Numbness\n", "label: Numbness\n    urgency: soon\n"
        )
    )
    read_network(path)
    line = path.read_text().split("urgency: soon")[0].count("\n") + 1
    found = [(problem.severity, problem.line, problem.message) for problem in check_file(path)]
    assert found == [
        ("warning", 18, "source nobody2000 has neither doi, pmid nor a full citation"),
        ("warning", 18, "source nobody2000 is never cited"),
        ("warning", line, "urgency of numbness is never shown: it is a symptom, not a cause"),
    ]
