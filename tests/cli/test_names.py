"""Names on the command line: `findings`, `describe`, and what the shell completes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from spinelink.cli import commands, main

SOURCE = Path(__file__).parents[2] / "src"


def run(capsys, *arguments):
    status = main(list(arguments))
    return status, capsys.readouterr()


def complete(*words):
    *before, incomplete = words
    shell = ShellComplete(commands, {}, "spinelink", "_SPINELINK_COMPLETE")
    return [item.value for item in shell.get_completions(list(before), incomplete)]


def test_findings_prints_a_table_and_json(capsys):
    status, out = run(capsys, "findings", "drop", "foot")
    assert status == 0 and "foot_drop" in out.out and "Does the front of the foot drag" in out.out
    status, out = run(capsys, "findings", "SLR", "--json", "--limit", "2")
    document = json.loads(out.out)["result"]
    assert document["format"] == 1 and document["question"]["network"] == "back-leg-pain"
    assert document["rows"][0]["name"] == "straight_leg_raise" and len(document["rows"]) == 2
    status, out = run(capsys, "findings", "-n", "minimal")
    assert status == 0 and "crossed_straight_leg_raise" in out.out
    status, out = run(capsys, "findings", "xyzzy")
    assert status == 0 and "Nothing in" in out.out
    status, out = run(capsys, "findings", "--role", "nonsense")
    assert status == 2 and "no role 'nonsense'" in out.err


def test_describe_prints_what_a_node_is(capsys):
    status, out = run(capsys, "describe", "foot_drop")
    assert status == 0 and "HP:0009027" in out.out and "Peroneal" in out.out
    status, out = run(capsys, "describe", "numbness", "-n", "minimal", "--json")
    assert json.loads(out.out)["result"]["states"] == ["absent", "present"]
    status, out = run(capsys, "describe", "sciatica")
    assert status == 2 and "Did you mean leg_pain (Leg pain)" in out.err


def test_a_finding_may_be_named_by_code(capsys):
    status, out = run(capsys, "query", "HP:0001945=no", "--json")
    assert status == 0 and json.loads(out.out)["question"]["evidence"] == {"fever": "absent"}


def test_completion_of_findings_states_settings_networks_and_nodes():
    assert complete("query", "foot_") == ["foot_drop", "foot_pain", "foot_posture"]
    assert complete("query", "leg_pain=b") == ["leg_pain=below_knee"]
    assert complete("query", "mini") == ["minimal"]
    assert "numbness" in complete("query", "minimal", "numb")
    assert "tingling" not in complete("query", "minimal", "ting")
    assert complete("next", "-n", "minimal", "heavy") == ["heavy_lifting"]
    assert complete("query", "--setting", "em") == ["emergency"]
    assert complete("query", "-n", "minimal", "-s", "") == ["primary_care"]
    assert complete("query", "-n", "back") == ["back-leg-pain"]
    assert complete("explain", "--target", "spinal_m") == ["spinal_malignancy"]
    assert complete("describe", "nerve_root_t") == ["nerve_root_tension"]
    assert complete("query", "-n", "no-such-network", "leg") == []
    assert complete("find") == ["findings"]


def in_bash(*words, at):
    """What the generated bash function gets back."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(SOURCE),
        "_SPINELINK_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": str(at),
    }
    code = "import sys; sys.argv[0] = 'spinelink'; from spinelink.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    return [line.partition(",")[2] for line in done.stdout.split()]


@pytest.mark.slow
def test_bash_cuts_words_at_the_equals_sign():
    assert in_bash("spinelink", "query", "leg_pain", "=", "bel", at=4) == ["below_knee"]
    states = ["none", "above_knee", "below_knee"]
    assert in_bash("spinelink", "query", "leg_pain", "=", at=3) == states
    assert in_bash("spinelink", "query", "foot_d", at=2) == ["foot_drop"]
