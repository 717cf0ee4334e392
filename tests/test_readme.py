"""The README's examples run, in the order in which they stand."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from spinelink.cli import main
from spinelink.library import load

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


COMMANDS = [
    line.removeprefix("$ spinelink ")
    for block in blocks("console")
    for line in block.splitlines()
    if line.startswith("$ spinelink ")
]


def test_python_blocks_run_in_order(capsys):
    found = blocks("python")
    assert len(found) >= 3
    names: dict[str, object] = {}
    for block in found:
        before = README[: README.index(block)].count("\n")
        exec(compile("\n" * before + block, "README.md", "exec"), names)
    printed = capsys.readouterr().out
    assert "Did you mean 'below_knee'?" in printed
    assert "EMERGENCY" in printed


def test_the_python_of_the_documentation_runs(capsys):
    found = [
        b
        for page in sorted((ROOT / "docs").rglob("*.md"))
        for b in re.findall(
            r"^```python\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL
        )
    ]
    assert found
    for block in found:
        exec(compile(block, "docs", "exec"), {})
    assert "lumbar_disc_herniation" in capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_run(command, capsys, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda prompt: "q")  # where a command asks
    assert main(shlex.split(command)) == 0
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize(
    "target",
    sorted(
        set(re.findall(r"\]\(([^):#]+)\)", README))
        | set(re.findall(r"^\| `([^`]+)`", README, re.MULTILINE))
    ),
)
def test_places_exist(target):
    assert (ROOT / target).exists()


def test_every_make_target_named_is_there():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(
        re.findall(
            r"make ([a-z]+)", README + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
        )
    )
    assert {"demo", "test", "lint"} <= named
    assert all(
        re.search(rf"^{name}:", makefile, re.MULTILINE)
        for name in named - {"in", "it", "an", "the"}
    )


def test_the_score_it_states_is_the_score(published_score):
    """Counts and percentages of the table under "How good is it", in the order of `spinelink score`."""
    stated = re.findall(
        r"^\| [^|]+ \| (\d+) of (\d+) \| (\d+) % \| (\d+) to (\d+) % \|$",
        README,
        flags=re.MULTILINE,
    )
    found = [
        (f"{k}", f"{n}", f"{100 * k / n:.0f}", f"{100 * low:.0f}", f"{100 * high:.0f}")
        for _, k, n, low, high in published_score.summary()
    ]
    assert stated == found


def test_the_audit_it_states_is_the_audit():
    found = load("back-leg-pain").audit()
    by, total = found.summary("fit", "setting"), found.summary("fit")
    columns = ("general_population", "primary_care", "emergency", "secondary_care")
    for fit, row in re.findall(
        r"^\| (same population|near|far)[^|]* \|((?: \d+ of \d+ \|){5})$",
        README,
        flags=re.MULTILINE,
    ):
        cells = [by.loc[(fit, setting)] for setting in columns] + [total.loc[fit]]
        assert row.split(" |")[:-1] == [f" {c['inside']:.0f} of {c['claims']:.0f}" for c in cells]
    assert f"{len(found.rows)} published figures" in README
    assert (
        len(
            re.findall(
                r"^\| (?:same population|near|far)[^|]* \|(?: \d+ of \d+ \|){5}$",
                README,
                flags=re.MULTILINE,
            )
        )
        == 3
    )
