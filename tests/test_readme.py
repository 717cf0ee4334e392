"""The README's examples run in the order in which they stand, and print what it shows.

`python -m tests.test_readme` writes the printed output anew into the README and the documentation.
"""

from __future__ import annotations

import io
import re
import shlex
import tomllib
from collections.abc import Iterator
from contextlib import redirect_stdout
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.readme import table
from spinelink.cli import main
from spinelink.evaluate.audit import grades
from spinelink.evaluate.predicted import scores
from spinelink.library import load
from spinelink.network.scale import WORD_WIDTH, WORDS
from spinelink.network.setting import parameters_in

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
SCORES = (DOCS / "scores.md").read_text(encoding="utf-8")
PERFORMANCE = (DOCS / "performance.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
PYTHON = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
"""A block of Python and, where it stands right below, the output that is shown."""


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def run(page: Path) -> Iterator[tuple[re.Match[str], str]]:
    """Each block of Python of a page, run in order with the names of those before, and what it printed."""
    text = page.read_text(encoding="utf-8")
    names: dict[str, object] = {}
    for block in PYTHON.finditer(text):
        lines = text[: block.start(1)].count("\n")
        with redirect_stdout(io.StringIO()) as printed:
            exec(compile("\n" * lines + block[1], name_of(page), "exec"), names)
        yield block, printed.getvalue()


def words(text: str) -> list[str]:
    """The text without regard to its white space."""
    return text.split()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_python_runs_in_order_and_prints_what_is_shown(page):
    for block, printed in run(page):
        if block[2] is not None:
            assert words(printed) == words(block[2])


def test_the_readme_shows_what_its_python_prints():
    blocks = PYTHON.findall(README)
    assert len(blocks) >= 3
    assert all(shown.strip() for _, shown in blocks)
    shown = " ".join(shown for _, shown in blocks)
    assert "Did you mean 'below_knee'?" in shown
    assert "emergency" in shown
    assert len(README.splitlines()) <= 150


def commands() -> list[str]:
    """The commands of the README and the page of the command line."""
    text = README + (DOCS / "command-line.md").read_text(encoding="utf-8")
    return list(dict.fromkeys(re.findall(r"^\$ spinelink (.*)$", text, re.MULTILINE)))


@pytest.mark.parametrize("command", commands())
def test_commands_run(command, capsys, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda prompt: "q")  # where a command asks
    assert main(shlex.split(command)) == 0
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=name_of)
def test_places_exist(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^):#]+)(?:#[^)]*)?\)", text):
        assert (page.parent / target).exists(), target


def test_modules_named_in_the_glossary_exist():
    named = re.findall(
        r"`((?:[a-z_]+/)*(?:[a-z_]+/|[a-z_]+\.py))`", (DOCS / "glossary.md").read_text()
    )
    assert len(named) > 30
    assert [m for m in named if not (ROOT / "src" / "spinelink" / m).exists()] == []


def test_the_words_it_states_are_those_of_the_scales():
    """docs/network-file.md: the table of words, their places, and the widths of the scales."""
    text = (DOCS / "network-file.md").read_text(encoding="utf-8")
    [head, body] = re.findall(r"-->\n(\| how often.*)\n.*\n((?:\|.*\n)+)", text)[0]
    assert re.findall(r"width ([\d.]+)", head) == [f"{w:g}" for w in WORD_WIDTH.values()]
    assert {w: float(p) for w, p in re.findall(r"`(\w+)` \| ([\d.]+)", body)} == dict(WORDS)


def test_every_make_target_named_is_there():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"make ([a-z]+)", README + CONTRIBUTING))
    assert {"demo", "test", "lint"} <= named
    assert all(
        re.search(rf"^{name}:", makefile, re.MULTILINE)
        for name in named - {"in", "it", "an", "the"}
    )


def test_the_picture_of_the_house_is_the_import_order_that_is_checked():
    """CONTRIBUTING.md: the text of the order, and the arrows between rooms, say what `pyproject.toml` enforces."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    [layers] = [
        c["layers"] for c in config["tool"]["importlinter"]["contracts"] if c["id"] == "layers"
    ]
    levels = [{room.strip() for room in layer.split("|")} for layer in reversed(layers)]
    [order] = re.findall(
        r"^    deferred \| errors .*?(?=\n\n)", CONTRIBUTING, re.MULTILINE | re.DOTALL
    )
    assert [{room.strip() for room in level.split("|")} for level in order.split("<")] == levels
    arrows = set(re.findall(r"^  (\w+) --> (\w+)$", CONTRIBUTING, re.MULTILINE))
    above_base = levels[2:]
    expected = {
        (upper, lower)
        for below, above in pairwise(above_base)
        for upper in above
        for lower in below
    }
    assert arrows == expected | {(room, "base") for room in above_base[0]}


SCORE_ROW = re.compile(
    r"^\| [^|]+ \| (\d+) of (\d+) \| (\d+) % \| (\d+) to (\d+) % \|$", re.MULTILINE
)


@pytest.mark.slow
def test_the_score_it_states_is_the_score(published_score):
    """Counts and percentages of the table of published cases, in the order of `spinelink score`."""
    measured = [
        (f"{k}", f"{n}", f"{100 * k / n:.0f}", f"{100 * low:.0f}", f"{100 * high:.0f}")
        for _, k, n, low, high in published_score.summary()
    ]
    assert SCORE_ROW.findall(README) == measured


@pytest.mark.slow
def test_the_links_of_the_scores_are_those_of_the_score(published_score):
    """docs/scores.md: cases found and the ranges of their probabilities, by the way they were coded."""
    ways: dict[str, list[tuple[float, float]]] = {"back_to_leg": [], "leg_to_back": []}
    for outcome in published_score.outcomes:
        if outcome.ways is not None:
            ways[outcome.reading.case.link].append(outcome.coded_way)
    for link, coded in ways.items():
        first = [coded_way for coded_way, _ in coded]
        other = [against for _, against in coded]
        correct = sum(a > b for a, b in coded)
        row = (
            f"| {link.replace('_', ' ')} | {correct} of {len(coded)} | {min(first):.2f} to {max(first):.2f} "
            f"| {min(other):.2f} to {max(other):.2f} |"
        )
        assert row in SCORES


AUDIT_ROW = re.compile(
    r"^\| (same population|near|far)[^|]* \|((?: \d+ of \d+ \|){5})$", re.MULTILINE
)


def test_the_audit_it_states_is_the_audit():
    audited = load("back-leg-pain").audit()
    by, total = audited.summary("fit", "setting"), audited.summary("fit")
    columns = ("general_population", "primary_care", "emergency", "secondary_care")
    stated = AUDIT_ROW.findall(SCORES)
    assert len(stated) == 3
    for fit, row in stated:
        cells = [by.loc[(fit, setting)] for setting in columns] + [total.loc[fit]]
        assert row.split(" |")[:-1] == [f" {c['inside']:.0f} of {c['claims']:.0f}" for c in cells]
    assert f"{len(audited.rows)} published figures" in README


def test_the_crossvalidation_it_states_is_the_one_on_file():
    path = ROOT / "networks" / "back-leg-pain.crossvalidation.csv"
    frame = pd.read_csv(path, keep_default_na=False)
    assert set(frame["fold"]) == set(range(10))  # "in ten folds"
    stated = re.findall(
        r"^\| (same population|near|far|all)[^|]* \| (\d+) \| (\d+) % \| (\d+) % \| ([\d.]+) \| ([\d.]+) "
        r"\| (\d+) % \|$",
        README,
        re.MULTILINE,
    )
    found = pd.concat([scores(frame, ["fit"]), scores(frame.assign(fit="all"), ["fit"])])
    measured = [
        (
            fit,
            f"{row['figures']:.0f}",
            f"{100 * row['covered_50']:.0f}",
            f"{100 * row['covered_90']:.0f}",
            f"{row['error']:.2f}",
            f"{row['stock_error']:.2f}",
            f"{100 * row['nearer']:.0f}",
        )
        for fit, row in found.loc[["same population", "near", "far", "all"]].iterrows()
    ]
    assert stated == measured


def test_the_judged_parameters_it_states_are_those_of_the_network():
    model = load("back-leg-pain", setting="primary_care")
    parameters = parameters_in(model.network, model.setting)
    judged = [p for p in parameters.values() if p.grade == "judged"]
    assert grades(parameters)["judged"] == len(judged)
    share = f"{len(judged)} of {len(parameters)} parameters ({100 * len(judged) / len(parameters):.0f} %) are judged"
    assert share in README
    assert f"{sum(not p.source for p in judged)} name no source" in README


def test_the_speeds_it_states_are_those_on_file():
    """`python benchmarks/readme.py` writes the table from the CSV files."""
    assert f"-->\n{table()}\n<!-- /speed -->" in PERFORMANCE


def write_outputs(page: Path) -> None:
    """The page with what its blocks print now, where an output is shown."""
    text = page.read_text(encoding="utf-8")
    shown = [(block, printed) for block, printed in run(page) if block[2] is not None]
    for block, printed in reversed(shown):
        lines = "\n".join(line.rstrip() for line in printed.rstrip().splitlines())
        text = f"{text[: block.start(2)]}{lines}\n{text[block.end(2) :]}"
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    for path in PAGES:
        write_outputs(path)
