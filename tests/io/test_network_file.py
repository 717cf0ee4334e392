"""Reading: any bytes give a network or one NetworkFileError, quickly; problems are shown at their place."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from spinelink.errors import NetworkFileError, Problem
from spinelink.io.network_file import check_file, inspect, parse_network, render
from spinelink.io.source_text import decode_source
from spinelink.network.network import Network
from spinelink.network.parameter import Probability, Ratio

DATA = Path(__file__).parents[1] / "data"
GOOD = (DATA / "good.yaml").read_text(encoding="utf-8")
PIECES = sorted(set(re.findall(r"[A-Za-z_0-9.+-]+|[{}\[\]:,]|\n *", GOOD)))


def network_or_problems(data: str | bytes) -> Network | tuple[Problem, ...]:
    found: Network | tuple[Problem, ...]
    try:
        found = parse_network(data, file="fuzz.yaml")
    except NetworkFileError as error:
        found = error.problems
    if isinstance(found, Network):
        return found
    assert found
    lines = data.splitlines() if isinstance(data, str) else []
    for problem in found:
        assert problem.line >= 1
        assert problem.column >= 1
        assert problem.severity == "error"
        render(problem, lines)
    return found


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_any_bytes(data: bytes) -> None:
    network_or_problems(data)


@given(st.binary(max_size=40), st.integers(0, len(GOOD)), st.integers(0, 40))
@settings(max_examples=300, deadline=None)
def test_bytes_in_a_good_file(data: bytes, at: int, drop: int) -> None:
    good = GOOD.encode()
    network_or_problems(good[:at] + data + good[at + drop :])


@given(st.lists(st.tuples(st.integers(0, 10_000), st.sampled_from(PIECES)), min_size=1, max_size=6))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_words_exchanged_in_a_good_file(changes: list[tuple[int, str]]) -> None:
    """Every word, bracket and indentation of the file may stand in the place of any other."""
    parts = re.split(r"([A-Za-z_0-9.+-]+|[{}\[\]:,]|\n *)", GOOD)
    for index, piece in changes:
        parts[index % len(parts)] = piece
    network_or_problems("".join(parts))


VALUES = st.recursive(
    st.sampled_from(
        [
            "0.5",
            "-1",
            "85",
            "x",
            "null",
            "true",
            "'a b'",
            "1e400",
            "herniation",
            "present",
            "",
            "'\\0'",
            "2026",
        ]
    ),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: "[" + ", ".join(items) + "]")
        | st.dictionaries(
            st.sampled_from(
                ["estimate", "grade", "none", "a b", "counts", "given", "|one|", "[key]", "kind"]
            ),
            inner,
            max_size=3,
        ).map(
            lambda items: "{" + ", ".join(f"'{key}': {value}" for key, value in items.items()) + "}"
        )
    ),
    max_leaves=6,
)
DOCUMENT = inspect(decode_source(GOOD, file="g"))[2]
PLACES = {path: (span.start, span.end) for path, span in DOCUMENT.values.items()}
SPANS = sorted(set(PLACES.values()))


@pytest.mark.slow
@given(st.lists(st.tuples(st.sampled_from(SPANS), VALUES), min_size=1, max_size=3))
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example([(SPANS[0], "{'|one|': {}}")])
@example([(PLACES[("settings", "emergency", "overrides")], "[1e400]")])
def test_any_value_in_any_place(changes: list[tuple[tuple[int, int], str]]) -> None:
    text, last = GOOD, len(GOOD)
    for (start, end), value in sorted(changes, reverse=True):
        if end <= last:
            text, last = text[:start] + value + text[end:], start
    network_or_problems(text)


def test_a_large_file_is_read_in_seconds() -> None:
    head, nodes = GOOD.split("nodes:\n")
    number = "{{estimate: 0.5, beta: [1, 1], grade: judged, note: x}}"
    node = f"  n{{}}:\n    role: symptom\n    label: N\n    cpd: {{{{kind: prior, prior: {number}}}}}\n"
    text = head + "nodes:\n" + "".join(node.format(index) for index in range(5000)) + nodes
    network = network_or_problems(text)
    assert isinstance(network, Network)
    assert len(network.nodes) == 5008


def test_a_long_chain_and_a_long_cycle() -> None:
    """No recursion over the graph either."""
    link = "{{estimate: 0.5, beta: [1, 1], grade: judged, note: x}}"
    node = f"  n{{}}: {{{{role: symptom, label: N, cpd: {{{{kind: noisy_or, leak: {link}, links: {{{{n{{}}: {link}}}}}}}}}}}}}\n"
    body = "".join(node.format(index, (index + 1) % 3000) for index in range(3000))
    problems = network_or_problems(f"spinelink: 1\nname: x\ntitle: x\nversion: '1'\nnodes:\n{body}")
    assert isinstance(problems, tuple)
    assert [problem.message[:8] for problem in problems] == ["a cycle:"]


def test_values_arrive_as_written() -> None:
    network = parse_network(GOOD)
    overrides = network.settings["emergency"].overrides
    assert isinstance(overrides["herniation.odds_ratio.smoking"], Ratio)
    assert isinstance(overrides["herniation.prior"], Probability)
    assert network.nodes["raise_test"].cpd.kind == "accuracy"


def test_mark_stands_under_the_offending_text() -> None:
    text = GOOD.replace("leak: {estimate: 0.02", "leak: {estimate: 85")
    _, problems, document = inspect(decode_source(text, file="lumbar.yaml"))
    head, line, mark, hint = render(problems[0], document.source.lines).splitlines()
    assert head.startswith(f"lumbar.yaml:{problems[0].line}:")
    assert "error: estimate of leak of numbness is 85; it must be at most 1" in head
    assert line[mark.index("^") : mark.rindex("^") + 1] == "85"
    assert hint.strip() == "hint: a percentage? write 0.85"


def test_mark_in_a_long_line_with_tabs() -> None:
    problem = Problem("f", 1, 301, "m", text="wrong")
    _, line, mark = render(problem, ["\t" * 100 + "x" * 200 + "wrong" + "y" * 500]).splitlines()
    assert line[mark.index("^") : mark.rindex("^") + 1] == "wrong"
    assert len(line) < 140


def test_errors_can_be_pickled() -> None:
    with pytest.raises(NetworkFileError) as caught:
        parse_network("a: 1")
    assert pickle.loads(pickle.dumps(caught.value)).problems == caught.value.problems


@pytest.mark.parametrize("path", sorted((DATA / "bad").glob("*.yaml")), ids=lambda path: path.stem)
def test_bad_files_read_as_expected(path: Path) -> None:
    """Each bad file says in its own comments what is wrong with it: `# line:column: message (hint)`."""
    expected = re.findall(r"^# (\d+:\d+: .*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert [str(problem).removeprefix(f"{path}:") for problem in check_file(path)] == expected


@pytest.mark.parametrize(
    "path",
    sorted((Path(__file__).parents[2] / "networks").glob("*.yaml")),
    ids=lambda path: path.stem,
)
def test_bundled_networks_have_no_problems(path: Path) -> None:
    if path.stem.count("."):
        pytest.skip("cases or vocabulary, not a network")
    assert [str(problem) for problem in check_file(path) if problem.severity == "error"] == []
