"""JSON for programs: alerts come before inference, whatever happens (F10), and one head for all."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

import spinelink as sl
from spinelink.cli import main
from spinelink.errors import TooLargeError
from spinelink.result import FORMAT
from spinelink.version import __version__

FLAGGED = ["numbness", "back_pain", "bladder_dysfunction", "-n", "minimal", "--json"]
ASKED = {
    "query": "differential",
    "next": "next_best",
    "explain": "explain",
    "link": "link",
}
"""Commands about a case, and what they ask of it."""


def head_of(out: str) -> dict[str, object]:
    """The first line, as a program reads it while the rest is still being computed."""
    return json.loads(out.partition("\n")[0] + "}")


@pytest.mark.parametrize("command", ASKED)
@pytest.mark.parametrize(
    ("error", "status"),
    [(TooLargeError("it needs 8 GB."), 2), (KeyboardInterrupt(), 130), (ZeroDivisionError(), 70)],
)
def test_f10_alerts_are_out_before_inference_and_whatever_happens(
    command, error, status, capsys, monkeypatch
):
    early = []

    def fail(*_, **__):
        early.append(capsys.readouterr().out)
        raise error

    case = sl.load("minimal").observe()
    monkeypatch.setattr(type(case), ASKED[command], fail)
    assert main([command, *FLAGGED]) == status
    (first,) = early
    assert first.count("\n") == 1
    (alert,) = head_of(first)["alerts"]
    assert alert["urgency"] == "emergency"
    document = json.loads(first + capsys.readouterr().out)
    assert {k: document[k] for k in head_of(first)} == head_of(first)
    assert document["result"] is None
    assert document["error"]["kind"] == type(error).__name__ and document["error"]["message"]


@pytest.mark.parametrize("command", ASKED)
def test_the_result_is_that_of_python(command, capsys):
    assert main([command, *FLAGGED]) == 0
    out = capsys.readouterr().out
    document = json.loads(out)
    case = sl.load("minimal").observe(numbness=True, back_pain=True, bladder_dysfunction=True)
    found = case.alerts().to_dict()
    assert list(head_of(out)) == [
        *("format", "spinelink", "command", "question", "alerts", "pending", "none")
    ]
    assert (document["format"], document["spinelink"]) == (FORMAT, __version__)
    assert document["command"] == command and document["error"] is None
    assert (document["alerts"], document["pending"]) == (found["alerts"], found["pending"])
    assert document["question"]["evidence"] == case.evidence
    assert document["question"]["version"] == case.model.network.version
    assert document["question"]["setting"] == "primary_care"
    result = document["result"]
    assert result["format"] == FORMAT and result["question"]["network"] == "minimal"
    if command == "explain":
        assert result == json.loads(json.dumps(case.explain().to_dict()))


def test_query_gives_all_causes_unless_told_how_many(capsys):
    counts = []
    for words in ([], ["--limit", "2"]):
        assert main(["query", "numbness", "--json", *words]) == 0
        counts.append(len(json.loads(capsys.readouterr().out)["result"]["causes"]))
    assert counts == [len(sl.load("back-leg-pain").network.ranked), 2]


@pytest.mark.parametrize(
    "words",
    [
        ["networks"],
        ["check", "minimal"],
        ["audit", "-n", "minimal"],
        ["diff", "minimal", "minimal", "--no-effects"],
    ],
)
def test_every_document_has_the_same_head(words, capsys):
    assert main([*words, "--json"]) == 0
    out = capsys.readouterr().out
    assert head_of(out) == {"format": FORMAT, "spinelink": __version__, "command": words[0]}
    document = json.loads(out)
    assert document["error"] is None and document["result"] and document["notice"]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_f10_alerts_are_there_when_the_process_is_killed():
    code = (
        "import signal, spinelink as sl\nfrom spinelink.cli import main\n"
        "wait = lambda *_, **__: signal.pause()\n"
        "setattr(type(sl.load('minimal').observe()), 'differential', wait)\n"
        f"main(['query', *{FLAGGED}])\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    assert head_of(line)["alerts"]


@pytest.mark.parametrize("form", [["--json"], []])
def test_a_fault_of_the_library_is_a_sentence_and_its_traceback_on_demand(
    form, capsys, monkeypatch
):
    def fail(*_, **__):
        return 1 // 0

    monkeypatch.setattr(type(sl.load("minimal").observe()), "differential", fail)
    words = ["query", "minimal", "numbness", *form]
    assert main(words) == 70
    short = capsys.readouterr()
    assert "Traceback" not in short.err
    (line,) = short.err.splitlines()
    assert "a fault of the library (ZeroDivisionError)" in line and "SPINELINK_TRACEBACK=1" in line
    monkeypatch.setenv("SPINELINK_TRACEBACK", "1")
    assert main(words) == 70
    long = capsys.readouterr()
    assert "return 1 // 0" in long.err and long.out == short.out
    if form:
        assert json.loads(short.out)["error"]["kind"] == "ZeroDivisionError"
