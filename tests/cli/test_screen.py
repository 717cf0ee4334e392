"""Text for people (F22): wrapped by words, without colour where none is wanted, plain in a pipe."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from spinelink.cli import commands, main
from spinelink.cli.screen import wrapped

WIDTH = 60
ESCAPE = "\x1b"
PEOPLE = [
    ["query", "minimal", "numbness", "bladder_dysfunction", "back_pain"],
    ["next", "-n", "minimal", "back_pain", "leg_pain=below_knee"],
    ["link", "-n", "minimal", "back_pain", "leg_pain=below_knee"],
    ["explain", "-n", "minimal", "numbness", "leg_pain=below_knee"],
    ["networks"],
    ["query", "minimal", "nonsense"],
]
BAD = Path(__file__).parents[1] / "data" / "bad"
HELP = [["--help"], *([name, "--help"] for name in commands.commands)]


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        """Whether it is one."""
        return True


@pytest.fixture
def terminal(monkeypatch) -> Callable[..., str]:
    """Runs a command in a terminal, and gives what it shows."""

    def run(*words: str, **environment: str) -> str:
        for name in ("NO_COLOR", "FORCE_COLOR"):
            monkeypatch.delenv(name, raising=False)
        shown = Terminal()
        settings = {"COLUMNS": str(WIDTH), "TERM": "xterm-256color", **environment}
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", shown)
            patch.setattr(sys, "stderr", shown)
            main(words)
        return shown.getvalue()

    return run


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@pytest.mark.parametrize("words", [*PEOPLE, *HELP], ids=" ".join)
def test_f22_lines_are_no_wider_than_the_terminal_and_words_stay_whole(words, terminal):
    narrow, wide = plain(terminal(*words)), plain(terminal(*words, COLUMNS="1000"))
    bars = r"^.*(it/s|s/it|\?it).*$"  # progress on standard error
    lines = [line for line in narrow.splitlines() if not re.match(bars, line)]
    assert max(map(len, lines)) <= WIDTH
    known = set(re.findall(r"[A-Za-z_]{2,}", re.sub(bars, "", wide, flags=re.M)))
    assert set(re.findall(r"[A-Za-z_]{2,}", "\n".join(lines))) <= known


def test_f22_problems_of_a_file_are_wrapped_and_their_marks_stay_in_place(terminal, monkeypatch):
    monkeypatch.chdir(BAD)
    narrow, wide = (plain(terminal("check", "lumbar.yaml", COLUMNS=w)) for w in ("60", "1000"))
    assert max(map(len, wide.splitlines())) > WIDTH
    assert max(map(len, narrow.splitlines())) <= WIDTH
    places = marked(wide)
    assert len(places) == wide.count("error: ") and {"4", "compresion", "li2013"} <= set(places)
    for short, whole in zip(marked(narrow), places, strict=True):
        assert short and whole.startswith(short)


def marked(text):
    """What the marks below lines of a file stand under."""
    lines = text.splitlines()
    return [
        above[mark.index("^") : mark.rindex("^") + 1]
        for above, mark in pairwise(lines)
        if set(mark.strip()) == {"|", "^", " "}
    ]


def test_f22_batch_says_where_and_how_far_in_lines_of_the_terminal(terminal, monkeypatch, tmp_path):
    from spinelink.table import files

    monkeypatch.chdir(tmp_path)
    Path("p.csv").write_text("numbness\npresent\n")
    words = ("batch", "p.csv", "-n", "minimal", "--out", "o.csv")
    done = said(terminal(*words, COLUMNS="20"))
    assert done == ["Written: o.csv (1", "rows)"]

    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "score_file", stop)
    stopped = said(terminal(*words, "--overwrite"))
    assert len(stopped) == 2 and max(map(len, stopped)) <= WIDTH
    assert " ".join(stopped).startswith("spinelink: stopped; finished chunks are kept, and the")


def said(text):
    """The lines of a command without its bar."""
    lines = [line.strip() for line in re.split(r"[\r\n]", plain(text))]
    return [line for line in lines if line and "row/s" not in line]


def test_f22_colours_are_off_where_they_are_not_wanted(terminal):
    words = PEOPLE[0]
    assert ESCAPE in terminal(*words)
    assert ESCAPE not in terminal(*words, NO_COLOR="1")
    assert ESCAPE not in terminal(*words, TERM="dumb")
    assert max(map(len, terminal(*words, TERM="dumb").splitlines())) <= WIDTH


@pytest.mark.parametrize("words", PEOPLE, ids=" ".join)
def test_f22_a_pipe_gets_plain_text_that_is_not_wrapped(words, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setenv("FORCE_COLOR", "")
    main(words)
    narrow = "".join(capsys.readouterr())
    monkeypatch.setenv("COLUMNS", "200")
    main(words)
    assert ESCAPE not in narrow
    assert narrow == "".join(capsys.readouterr())


def test_people_read_labels_and_percent(capsys):
    for words in PEOPLE[:4]:
        main(words)
        out = capsys.readouterr().out
        assert not re.search(r"\b[a-z]+_[a-z_]+\b", out.split("\n", 1)[1]), words
    main(PEOPLE[0])
    assert re.search(r"Lumbar disc herniation +\d+ % +2\.0 %", capsys.readouterr().out)


def test_a_long_word_is_not_broken():
    assert wrapped("see https://example.org/" + "x" * 80, 40) == [
        "see",
        "https://example.org/" + "x" * 80,
    ]
    assert wrapped("  a list item that is long", 15) == ["  a list item", "    that is", "    long"]
    assert wrapped("short", 40, indent=2) == ["  short"]


def test_unknown_letters_do_not_stop_a_terminal(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    from spinelink.cli.screen import print_table, say

    say("Díez and Galán → 2003")
    print_table(["über"], [["Naïve"]])
    sys.stdout.flush()
    assert b"D?ez" in raw.getvalue() and os.linesep.encode() in raw.getvalue()
