"""Each refusal once: a good file with one thing changed. The mark « in the new text is where the problem must be reported."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from spinelink.errors import NetworkFileError, Problem
from spinelink.io.network_file import check_file, parse_network, read_network
from spinelink.io.source_text import SIZE_LIMIT

GOOD = (Path(__file__).parents[1] / "data" / "good.yaml").read_text(encoding="utf-8")
LEAK = "leak: {estimate: 0.02, equivalent_sample_size: 20, grade: judged, note: rare}"
PREVALENCE = "prevalence: {estimate: 0.04, interval: [0.03, 0.05], grade: derived, source: li2013}"
BOTH = "both_sides: {estimate: 0.8, interval: [0.7, 0.9], grade: measured, source: li2013}"
COUNTED = "source: li2013\n  numbness:"
BINS = "edges: [18, 35, 65, 120]"
ROW = "- given: {smoking: present, herniation: present}"

CASES: dict[str, tuple[str, str, str, str]] = {
    # name: (text in the good file, what stands there instead, message, hint)
    # YAML
    "anchor": ("label: Age", "label: «&a Age", "anchor &a", "write each value out"),
    "alias": ("label: Age", "label: «*a", "alias *a", "write the value out"),
    "tag": ("label: Age", "label: «!!str Age", "tag tag:yaml.org,2002:str", "delete it"),
    "duplicate key": ("label: Age", "label: Age\n    «label: B", "key 'label' appears twice in age_group; first at line 23, column 5", ""),
    "duplicate node": ("  pattern:\n", "  «gait:\n", "key 'gait' appears twice in nodes; first at line", ""),
    "infinite": (LEAK, LEAK.replace("0.02", "«.inf"), ".inf is not a finite number", ""),
    "not a number": (LEAK, LEAK.replace("0.02", "«.nan"), ".nan is not a finite number", ""),
    "overflow": (LEAK, LEAK.replace("0.02", "«1e999"), "1e999 is too large for a number", ""),
    "huge integer": (LEAK, LEAK.replace("0.02", "«" + "9" * 5000), "is too large for a number", ""),
    "second document": ("alerts:\n", "«---\nalerts:\n", "a second document", "delete"),
    "too deep": ("label: Age", "label: " + "[" * 27 + "«" + "[" * 5000, "nested more than 30 levels deep", ""),
    "open quote": ('date: "2026-11-23"', 'date: "2026-11-23', "not YAML: found unexpected end of stream", "a quote is never closed"),
    "open brace": ("{unit: years, " + BINS + "}", "{unit: years, " + BINS + "\n    «cpd:", "not YAML", "a comma is missing"),
    "tab": ("    label: Age", "«\tlabel: Age", "not YAML", "tabs"),
    "colon": ("label: Age", "label: Age«: years", "not YAML: mapping values are not allowed", "needs quotes"),
    "key is a list": ("    label: Age", "    «[a]: Age", "a key must be plain text", "quotes"),
    "control character": ("label: Age", "label: A«\x07ge", "the character U+0007", "escape"),
    # Shape
    "unknown key": ("label: Age", "«lable: Age", "age_group has no key 'lable'", "did you mean 'label'?"),
    "missing key": ("  age_group:\n    role: context\n", "  «age_group:\n", "role of age_group is missing", "context, cause"),
    "bad role": ("role: mechanism", "role: «mechanisms", "role of compression is 'mechanisms'; it must be one of", "did you mean 'mechanism'?"),
    "bad kind": ("kind: noisy_or", "kind: noisy_ro", "has the kind 'noisy_ro'; the kinds are", "did you mean 'noisy_or'"),
    "no kind": ("      kind: noisy_or\n", "", "kind is missing", "noisy_or"),
    "percentage": (LEAK, LEAK.replace("0.02", "«85"), "estimate of leak of numbness is 85; it must be at most 1", "a percentage? write 0.85"),
    "negative": (LEAK, LEAK.replace("0.02", "«-0.1"), "is -0.1; it must be at least 0", ""),
    "bare number": (LEAK, "leak: «0.02", "leak of numbness is a bare number, 0.02", "{estimate: 0.02, interval: [low, high], grade: measured"),
    "bare number of a state": (BOTH, "both_sides: «0.8", "both_sides of compression of numbness is a bare number", "grade"),
    "bare odds ratio": ("smoking: {estimate: 1.3, interval: [1.1, 1.5], grade: measured, source: [li2013, rao2001]}", "smoking: «1.3", "bare", "1.3"),
    "quoted number": (LEAK, LEAK.replace("0.02", "«'0.02'"), "must be a number, not '0.02'", "write 0.02"),
    "percent sign": (LEAK, LEAK.replace("0.02", "«2%"), "must be a number, not '2%'", "write 0.02"),
    "number as text": ("label: Age", "label: «80", "label of age_group must be text, not 80", "write it in quotes"),
    "no is text": ("role: mechanism\n", "role: mechanism\n    diagnosis: «no\n", "diagnosis of compression must be true or false, not 'no'", ""),
    "no grade": (LEAK, "«" + LEAK.replace("grade: judged, ", ""), "grade of leak of numbness is missing", "measured, derived or judged"),
    "one-sided interval": (PREVALENCE, PREVALENCE.replace("[0.03, 0.05]", "«[0.03]"), "interval of prevalence of herniation needs two numbers", "[low"),
    "no estimate": (LEAK, LEAK.replace("leak: {estimate: 0.02, ", "leak: «{"), "an estimate is missing", ""),
    "k above n": ("{counts: [30, 50]", "«{counts: [60, 50]", "counts 60 of 50", ""),
    "zero odds ratio": ("{estimate: 1.3,", "{estimate: «0,", "is 0; it must be above 0", ""),
    "bad name": ("  pattern:\n", "  «pat tern:\n", "a bad name: 'pat tern'", "letters, digits and underscores"),
    "bad state": ("states: [local, radicular]", "states: [«a b, radicular]", "is wrong: 'a b'", "a state has"),
    "one state": ("states: [local, radicular]", "states: «[local]", "states of pattern needs at least 2 items", ""),
    "prior with parents": ("      kind: prior\n", "      kind: prior\n      «parents: [smoking]\n", "age_group has parents, but its kind", "use kind: table"),
    "snomed key": ("icd10: M51.2", "«snomed: 76107001", "codes of herniation has no key 'snomed'", "SNOMED CT codes may not be passed on"),
    "snomed as code": ("icd10: M51.2", "icd10: «'76107001'", "icd10 of codes of herniation is wrong", ""),
    "bad hpo": ('hpo: "HP:0008441"', 'hpo: «"HP:8441"', "hpo of codes of herniation is wrong: 'HP:8441'", "written like HP:0008441"),
    "wrong version": ("spinelink: 1", "spinelink: «2", "spinelink is 2; it must be 1", ""),
    "list for mapping": ("    cost: {minutes: 0.5}", "    cost: «[0.5]", "cost of numbness must be a mapping", ""),
    "empty links": ("links:\n        compression:", "links: «{}\n      x:\n        compression:", "links of numbness is empty", ""),
    # Meaning: names
    "unknown parent": ("        smoking: {estimate: 1e-3", "        «smokin: {estimate: 1e-3", "numbness has the parent 'smokin'", "did you mean 'smoking'?"),
    "own parent": ("        smoking: {estimate: 1e-3", "        «numbness: {estimate: 1e-3", "numbness is its own parent", ""),
    "table parent itself": ("parents: [smoking, herniation]", "parents: [smoking, gait]", "gait is its own parent", ""),
    "parent twice": ("parents: [numbness, compression]", "parents: [numbness, compression, «numbness]", "names the parent numbness twice", ""),
    "unknown state in row": (ROW, ROW.replace("herniation: present", "herniation: «presant"), "herniation has no state 'presant'; its states are", "'present'"),
    "unknown state of case": ("          state: radicular", "          state: «radiculr", "pattern has no state 'radiculr'", "'radicular'"),
    "unknown otherwise": ("otherwise: local", "otherwise: «locl", "pattern has no state 'locl'", "'local'"),
    "case with other parent": ("- given: {numbness: present, ", "- given: {«gait: present, ", "'gait' is not among the parents of pattern", ""),
    "case with unknown state": ("[one_side, both_sides]}", "«[one_side, both]}", "compression has no state 'both'", "both_sides"),
    "duplicate state": ("states: [local, radicular]", "states: [local, radicular, «local]", "pattern has the state 'local' twice", ""),
    "unknown source": (PREVALENCE, PREVALENCE.replace("li2013", "«li2014"), "cites 'li2014', which is not in sources", "did you mean 'li2013'?"),
    "unknown care source": ("source: rao2001}]", "source: «rao2002}]", "care of herniation cites 'rao2002'", "'rao2001'"),
    "unknown alert source": ("source: rao2001\nchanges", "source: «rao2002\nchanges", "alert cauda cites 'rao2002'", "'rao2001'"),
    "default setting": ("default_setting: primary_care", "default_setting: «primary", "default_setting 'primary' is not in settings", "'primary_care'"),
    # Meaning: numbers
    "row sum": ("{none: 0.999, one_side: 0.001,", "«{none: 0.999, one_side: 0.041,", "leak of compression sums to 1.04 (0.999 + 0.041 + 0), 0.04 too much", "sum to 1"),
    "outside interval": (PREVALENCE, PREVALENCE.replace("0.04,", "«0.06,"), "0.06, is outside its own interval 0.03 to 0.05", ""),
    "interval reversed": (PREVALENCE, PREVALENCE.replace("[0.03, 0.05]", "«[0.05, 0.03]"), "low 0.05 is above high 0.03", "write [0.03, 0.05]"),
    "no uncertainty": (LEAK, LEAK.replace("leak: {", "leak: «{").replace("equivalent_sample_size: 20, ", ""), "does not say how sure it is", "interval, counts"),
    "two uncertainties": (LEAK, LEAK.replace("size: 20,", "size: 20, «beta: [1, 49],"), "in 2 ways: equivalent_sample_size, beta", "keep one"),
    "ratio without interval": ("{estimate: 2.0, interval: [1.5, 2.6],", "«{estimate: 2.0,", "does not say how sure it is", "add interval"),
    "against counts": ("{estimate: 0.4, counts: [20, 50]", "{estimate: «0.41, counts: [20, 50]", "contradicts its counts: 20 of 50 is 0.4", "leave"),
    "against beta": ("{beta: [20, 80]", "{estimate: «0.25, beta: [20, 80]", "contradicts its beta: [20, 80] has mean 0.2", "leave"),
    "counts of states": ("one_side: 65, both_sides: 5}", "one_side: 45, both_sides: 5}", "contradicts its counts: none is 0.3, but 30 of 80 is 0.375; one_side is 0.65, but 45 of 80 is", ""),
    "counts name others": ("counts: {none: 30, one_side: 65, both_sides: 5}", "counts: «{none: 30, one_side: 70}", "counts of link from herniation", ""),
    "no source": ("      leak: {estimate: 0.02, equivalent_sample_size: 20, grade: judged", "      leak: «{estimate: 0.02, equivalent_sample_size: 20, grade: derived", "is derived but names no source", "add source"),
    "no note": (LEAK, LEAK.replace("leak: ", "leak: «").replace(", note: rare", ""), "leak of numbness is judged without a note", "judged from"),
    # Meaning: fit of numbers to nodes
    "row missing": (ROW, ROW.replace("smoking: present", "smoking: absent"), "row (smoking=absent, herniation=present) of gait appears twice", ""),
    "row without parent": (ROW, "- given: «{smoking: present}", "a row of gait does not give herniation", "every parent"),
    "row with other parent": (ROW, ROW.replace("herniation: present}", "herniation: present, «numbness: present}"), "'numbness' is not among the parents", ""),
    "many states": ("  numbness:\n    role: symptom\n", "  numbness:\n    role: symptom\n    states: [a, b, c]\n", "a noisy_or node has two states; numbness has 3", "noisy_max"),
    "link state missing": ("          " + BOTH + "\n", "", "link from compression to numbness has no number for both_sides", "first"),
    "link state unknown": (BOTH, "«both: {estimate: 0.8, interval: [0.7, 0.9], grade: measured, source: li2013}", "compression has no state 'both'", "both_sides"),
    "link of first state": (BOTH, BOTH + "\n          «none: {estimate: 0.1, beta: [1, 9], grade: judged, note: x}", "has a number for none, the first state", "delete"),
    "one link for many states": ("        smoking: {estimate: 1e-3", "        herniation: {estimate: 0.1, beta: [1, 9], grade: judged, note: x}\n        age_group: «{estimate: 1e-3", "link from age_group to numbness is one number", "35-64: {...}"),
    "distribution for two states": ("{beta: [20, 80],", "{estimate: «{absent: 0.8, present: 0.2}, equivalent_sample_size: 9,", "is one number, the probability of present", "write estimate: 0.2"),
    "probability for three states": ("prior: {estimate: {18-34: 0.3, 35-64: 0.5, 65+: 0.2},", "prior: «{estimate: 0.3,", "needs one probability for each of 3 states", "18-34: ..."),
    "distribution with other state": ("65+: 0.2}", "«65-79: 0.2}", "prior of age_group has no state '65-79'; its states are 18-34, 35-64, 65+", ""),
    "both intercepts": ("      odds_ratios:", "      «baseline: {beta: [1, 9], grade: judged, note: x}\n      odds_ratios:", "herniation has both prevalence and baseline", "keep one"),
    "no intercept": ("    «cpd:\n      kind: log_odds\n".replace("«", "") + "      " + PREVALENCE + "\n", "    «cpd:\n      kind: log_odds\n", "herniation has neither prevalence nor baseline", "one"),
    "accuracy of many": ("of: compression\n", "of: «compresion\n", "raise_test has the parent 'compresion', which is not a node", "'compression'"),
    "edges fall": (BINS, "edges: [18, 35, «30, 120]", "edges of age_group must increase: 30 follows 35, so 35-64 is unreachable", ""),
    "edge missing": (BINS, "edges: «[18, 35, 65]", "age_group has 3 states and 3 edges, so 65+ is unreachable", "write 4 edges"),
    "edge too many": (BINS, "edges: «[18, 35, 65, 80, 120]", "no state for numbers from 80", "write 4 edges"),
    # Meaning: settings, roles, alerts
    "override of nothing": ("      herniation.prior:", "      «herniation.prio:", "overrides 'herniation.prio', which is no parameter", "'herniation.prior'"),
    "override of other kind": ("herniation.prior: {estimate: 0.08, ", "herniation.prior: {estimate: «{absent: 0.9, present: 0.1}, ", "one number", "0.1"),
    "override of other states": ("      herniation.prior: {estimate: 0.08,", "      age_group.prior: {estimate: «{18-34: 0.3, 35-64: 0.7},", "age_group.prior in emergency does not name 65+", "0 where"),
    "override sums": ("      herniation.prior: {estimate: 0.08,", "      age_group.prior: {estimate: «{18-34: 0.3, 35-64: 0.7, 65+: 1},", "age_group.prior in emergency sums to 2", "sum"),
    "cause without origin": ("  herniation:\n    role: cause\n    origin: back\n", "  «herniation:\n    role: cause\n", "herniation is a cause without an origin", "add origin"),
    "cost of a mechanism": ("label: Root compression\n", "label: Root compression\n    «cost: {minutes: 1}\n", "cannot be observed, so it has no cost", "finding"),
    "procedure of a cause": ("label: Disc herniation\n", "label: Disc herniation\n    «procedure: mri\n", "cannot be observed, so it has no procedure", "finding"),
    "alert on nothing": ("- {numbness: present}", "- {«numbnes: present}", "alert cauda waits for 'numbnes', which is not a node", "'numbness'"),
    "alert on a cause": ("- {numbness: present}", "- {«herniation: present}", "alert cauda waits for herniation, a cause", "findings"),
    "alert on unknown state": ("- {numbness: present}", "- {numbness: «presnt}", "numbness has no state 'presnt'", "'present'"),
    "alert that always fires": ("- {numbness: present}", "- «{}", "is empty, so it would always fire", ""),
    "snomed in text": ("label: Pattern", "label: Pattern\n    note: «SNOMED CT 76107001", "holds a SNOMED CT code", "hpo"),
}  # fmt: skip


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
    fitting = [problem for problem in problems if message in problem.message and hint in problem.hint]
    assert fitting, [str(problem) for problem in problems]
    if place is not None:
        assert place in {(problem.line, problem.column) for problem in fitting}, [str(problem) for problem in fitting]
    assert str(fitting[0]).startswith(f"bad.yaml:{fitting[0].line}:{fitting[0].column}: ")


SEVERAL = {"table parent itself", "alias", "key is a list", "duplicate node", "one state", "bad name", "row missing", "many states", "case with other parent", "no intercept",
    "empty links", "one link for many states", "parent twice", "row with other parent", "override of nothing", "override of other states", "too deep",
    "second document", "open brace", "unknown key", "bad kind"}  # fmt: skip
"""Mistakes that have consequences elsewhere, or are made of two."""


@pytest.mark.parametrize("name", sorted(set(CASES) - SEVERAL))
def test_one_mistake_gives_one_problem(name: str) -> None:
    old, new, message, _ = CASES[name]
    problems = problems_of(change(old, new)[0])
    assert [message in problem.message for problem in problems] == [True], [str(problem) for problem in problems]


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
        GOOD.replace("label: Age", "label: &a Age").replace("kind: noisy_max", "kind: noisy_mx").replace("0.04, interval", "0.06, interval")
    )
    text = text.replace("- {numbness: present}", "- {numbnes: present}")
    messages = [problem.message for problem in problems_of(text)]
    for part in ("anchor &a", "'noisy_mx'", "outside its own interval", "'numbnes'"):
        assert any(part in message for message in messages), messages
    assert not any("'compression'" in message for message in messages), "a node that could not be read is no unknown name"
    assert messages == [problem.message for problem in sorted(problems_of(text), key=lambda each: (each.line, each.column))]


def test_cycle_is_printed() -> None:
    text = GOOD.replace("cpd: {kind: prior, prior: {beta: [20, 80], grade: judged, note: \"survey\"}}",
        "cpd: {kind: noisy_or, leak: {beta: [1, 9], grade: judged, note: x}, links: {numbness: {beta: [1, 9], grade: judged, note: x}}}")  # fmt: skip
    cycles = [problem for problem in problems_of(text) if "a cycle" in problem.message]
    members = cycles[0].message.removeprefix("a cycle: ").split(" -> ")
    assert members[0] == members[-1]
    assert {"numbness -> smoking", "smoking -> herniation", "herniation -> compression"} <= {
        " -> ".join(pair) for pair in itertools.pairwise(members)
    }
    assert cycles[0].text == members[-2], "reported where the node names the parent that closes the cycle"


def test_table_says_which_rows_are_missing() -> None:
    text = GOOD.replace("        - given: {smoking: absent, herniation: absent}\n"
        "          probability: {estimate: 0.1, equivalent_sample_size: 10, grade: judged, note: few}\n", "", 1)  # fmt: skip
    assert [problem.message for problem in problems_of(text)] == ["table of gait lacks 1 row: (smoking=absent, herniation=absent)"]


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
