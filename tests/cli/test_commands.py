"""The command line: the same answers as in Python, one clean message for what is wrong, quiet ends."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import spinelink as sl
from spinelink.cli import main
from spinelink.networks_folder import bundled

FLAGGED = ["bladder_dysfunction", "back_pain"]


@pytest.fixture
def run(capsys):
    def run(*words: str) -> tuple[int, str, str]:
        status = main(words)
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def bad_file(tmp_path):
    text = bundled()["minimal"].read_text(encoding="utf-8")
    path = tmp_path / "bad.yaml"
    path.write_text(
        text.replace("of: lumbar_disc_herniation", "of: lumbar_disc_hernia"), encoding="utf-8"
    )
    return path


def test_networks_lists_every_bundled_network(run):
    status, out, _ = run("networks")
    assert status == 0
    assert all(name in out for name in bundled())
    assert {
        row["name"] for row in json.loads(run("networks", "--json")[1])["result"]["networks"]
    } == set(bundled())


def test_query_prints_flags_before_causes(run):
    status, out, err = run("query", "minimal", "numbness", *FLAGGED)
    assert (status, err) == (0, "")
    assert out.index("EMERGENCY") < out.index("Causes")
    assert "Lumbar disc herniation" in out
    assert "Not a medical device" in out


def test_findings_of_a_file(run, tmp_path):
    file = tmp_path / "case.json"
    file.write_text(
        json.dumps(
            {
                "numbness": "present",
                "leg_pain": {"none": 0.001, "above_knee": 0.2, "below_knee": 1.0},
            }
        )
    )
    expected = run(
        "query", "minimal", "numbness", "leg_pain=none:0.001,above_knee:0.2,below_knee:1"
    )
    assert run("query", "minimal", f"@{file}") == expected
    more = [
        json.loads(run("query", "minimal", *words, "--json")[1])["result"]["causes"]
        for words in ((f"@{file}", "back_pain=no"), ("back_pain=no", f"@{file}"))
    ]
    assert more[0] == more[1]
    assert "numbness is given twice" in run("query", "minimal", "numbness", f"@{file}")[2]
    for text, words in (
        ("[1]", "a JSON object"),
        ("{", "cannot be read"),
        ('{"leg_pain": [1]}', "leg_pain"),
        ('{"moon": true}', "moon"),
        ('{"numbness": true, "numbness": false}', "'numbness' is given twice"),  # F6
        ('{"leg_pain": {"none": 1, "none": 0}}', "'none' is given twice"),
        ('{"numbness": {"present": 1e-400}}', "1e-400 is too small or too large"),
        ('{"numbness": {"present": 1e400}}', "1e400 is too small or too large"),
        ('{"leg_pain": {"below_knee": 0.8}}', "no likelihood of 'none', 'above_knee'"),  # F2
        ("[" * 100_000, "nested too deeply"),  # F19
    ):
        file.write_text(text)
        status, _, err = run("query", "minimal", f"@{file}")
        assert status == 2 and words in err
    status, _, err = run("query", f"@{tmp_path / 'none.json'}")
    assert status == 2 and "none.json cannot be read: there is no such file" in err
    status, _, err = run("query", f"@{tmp_path}")
    assert status == 1 and "cannot be read" in err  # F20
    file.write_text('\ufeff{"numbness": null, "leg_pain": "None"}')
    assert (
        json.loads(run("query", "minimal", f"@{file}", "--json")[1])["question"]["evidence"] == {}
    )


def test_query_never_reassures(run):
    _, out, _ = run("query", "minimal", "numbness=no")
    assert "does not exclude" in out


def test_json_is_the_answer_of_python(run):
    status, out, _ = run(
        "query",
        "minimal",
        "numbness",
        "leg_pain=below_knee",
        "back_pain=no",
        "--limit",
        "2",
        "--json",
    )
    case = sl.load("minimal").observe(numbness=True, leg_pain="below_knee", back_pain=False)
    document = json.loads(out)
    assert status == 0
    question = document["question"]
    assert question["network"] == "minimal"
    assert question["fingerprint"] == case.model.fingerprint
    assert question["setting"] == "primary_care"
    assert question["evidence"] == case.evidence
    assert "log_evidence" not in question  # known only once the answer is there
    assert document["result"]["question"]["log_evidence"] == pytest.approx(case.log_evidence)
    assert [c["cause"] for c in document["result"]["causes"]] == [
        c.cause for c in case.differential(limit=2).causes
    ]
    assert document["result"]["causes"][0]["posterior"] == pytest.approx(
        case.differential()[0].posterior
    )
    assert document["alerts"] == []


def test_json_names_the_findings_of_an_alert(run):
    (alert,) = json.loads(run("query", "minimal", *FLAGGED, "--json")[1])["alerts"]
    assert alert["urgency"] == "emergency"
    assert set(alert["findings"]) == {f"{name}=present" for name in FLAGGED}


@pytest.mark.parametrize(
    "word",
    ["numbness", "numbness=yes", "numbness=true", "numbness=present", " numbness = present "],
)
def test_words_for_present(run, word):
    assert json.loads(run("query", "minimal", word, "--json")[1])["question"]["evidence"] == {
        "numbness": "present"
    }


@pytest.mark.parametrize("word", ["numbness=no", "numbness=false", "numbness=absent"])
def test_words_for_absent(run, word):
    assert json.loads(run("query", "minimal", word, "--json")[1])["question"]["evidence"] == {
        "numbness": "absent"
    }


def test_virtual_evidence_is_that_of_python(run):
    out = run("query", "minimal", "leg_pain=none:0.1,above_knee:0.2,below_knee:0.8", "--json")[1]
    case = sl.load("minimal").observe(
        {"leg_pain": {"none": 0.1, "above_knee": 0.2, "below_knee": 0.8}}
    )
    assert json.loads(out)["question"]["evidence"] == case.evidence
    assert json.loads(out)["result"]["question"]["log_evidence"] == pytest.approx(case.log_evidence)


def test_f2_the_other_of_two_states_gets_the_rest(run):
    one, both = (
        json.loads(run("query", "minimal", f"numbness={word}", "--json")[1])
        for word in ("present:0.8", "absent:0.2,present:0.8")
    )
    found = one["question"]["evidence"]["numbness"]
    assert found == pytest.approx({"absent": 0.25, "present": 1.0}, abs=1e-12)
    assert both["question"]["evidence"]["numbness"] == pytest.approx(found, abs=1e-12)


def test_f20_a_network_file_that_cannot_be_read_is_named_once(run, tmp_path):
    for path, said in ((tmp_path, "a folder"), (tmp_path / "none.yaml", "no file")):
        status, _, err = run("query", str(path), "numbness")
        assert status in (1, 2) and said in err, err
        assert err.count(str(path)) == 1 and "problem" not in err, err


def test_network_by_option_path_or_first_word_is_the_same(run):
    path = str(bundled()["minimal"])
    answers = [
        run("query", *words, "--json")
        for words in (["minimal", "numbness"], ["numbness", "-n", "minimal"], [path, "numbness"])
    ]
    assert answers[0] == answers[1] == answers[2]


def test_numbers_and_settings(run):
    out = run("query", "age_group=47", "--setting", "emergency", "--json")[1]
    assert (
        json.loads(out)["question"]["evidence"]
        == sl.load("back-leg-pain").observe(age_group=47).evidence
    )
    assert json.loads(out)["question"]["setting"] == "emergency"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["minimal", "numness"], "Did you mean numbness (Numbness in the leg)?"),
        (["minimal", "leg_pain=below_nee"], "Did you mean 'below_knee'?"),
        (["minimal", "leg_pain"], "none, above_knee, below_knee"),
        (["minimal", "numbness=47"], "numbness"),
        (["minimal", "leg_pain=above_knee:x"], "must be a number"),
        (["minimal", "leg_pain=above_knee:0.2,below_knee"], "STATE:LIKELIHOOD"),
        (["minimal", "leg_pain=above_knee:0.2"], "leg_pain=none:0.1,above_knee:0.2,below_knee:0.1"),
        (["minimal", "leg_pain=none:0,above_knee:0,below_knee:0"], "all likelihoods are 0"),
        (["minimal", "leg_pain=none:0,above_knee:-1,below_knee:1"], "not negative"),
        (["minimal", "numbness=present:0_8"], "must be a number"),
        (["minimal", "numbness=present:3"], "absent"),
        (["minimal", "numbness=-"], "leave out what was not assessed"),
        (["minimal", "leg_pain=None"], "leave out what was not assessed"),
        (["minimal", "numbness=none"], "may mean absent or not assessed"),
        (["age_group=4_7"], "age_group has no state '4_7'"),
        (["minimal", "numbness="], "leave out what was not assessed"),
        (["minimal", "=yes"], "is no finding"),
        (["minimal", "numbness", "numbness=no"], "given twice"),
        (["minimal", "numbness", "--network", "minimal"], "given twice"),
        (["back-leg-pian", "numbness"], "Did you mean 'back-leg-pain'?"),
        (["no/such/file.yaml", "numbness"], "no file"),
        (["minimal", "numbness", "--setting", "emergancy"], "no setting"),
        (["minimal", "numbness", "--limit", "0"], "--limit"),
        (["minimal", "numbness", "--nonsense"], "--nonsense"),
    ],
)
def test_errors_are_one_message_with_status_2(run, words, said):
    status, out, err = run("query", *words)
    assert status == 2
    assert said in err
    assert out == ""
    assert "Traceback" not in err


def test_link_prints_flags_before_the_answer_and_with_a_refusal(run):
    status, out, err = run("link", "-n", "minimal", "leg_pain=below_knee", *FLAGGED)
    assert (status, err) == (0, "")
    assert out.index("EMERGENCY") < out.index("Linked with probability")
    refused = ["link", "-n", "minimal", "leg_pain=none", "back_pain=no", "bladder_dysfunction"]
    status, out, err = run(*refused)
    assert status == 2 and "does not exclude" in out and "found absent" in err
    status, out, _ = run(*refused, "--json")
    document = json.loads(out)
    assert (
        status == 2
        and document["result"] is None
        and document["alerts"] == []
        and "found absent" in document["error"]["message"]
    )
    (alert,) = json.loads(run("link", "-n", "minimal", *FLAGGED, "--json")[1])["alerts"]
    assert alert["urgency"] == "emergency"


def test_link_prints_low_and_high_wherever_there_are_any(run, tmp_path):
    """Not identified: leg pain is a table of a cause in the back."""
    number = "{estimate: %s, equivalent_sample_size: 10, grade: judged, note: test}"
    text = f"""spinelink: 1
name: rows
title: rows
version: "0"
nodes:
  disc: {{role: cause, label: Disc, origin: back, cpd: {{kind: prior, prior: {number % 0.4}}}}}
  hip: {{role: cause, label: Hip, origin: hip, cpd: {{kind: prior, prior: {number % 0.4}}}}}
  leg_pain:
    role: symptom
    label: Leg pain
    region: leg
    cpd:
      kind: table
      parents: [disc]
      rows:
        - {{given: {{disc: absent}}, probability: {number % 0.3}}}
        - {{given: {{disc: present}}, probability: {number % 0.6}}}
  back_pain:
    role: symptom
    label: Back pain
    region: back
    cpd: {{kind: noisy_or, leak: {number % 0.1}, links: {{disc: {number % 0.5}, hip: {number % 0.1}}}}}
"""
    path = tmp_path / "rows.yaml"
    path.write_text(text, encoding="utf-8")
    status, out, err = run("link", "-n", str(path), "leg_pain", "back_pain")
    assert (status, err) == (0, "")
    header = next(line for line in out.splitlines() if "carried by" in line)
    assert header.index("share") < header.index("low") < header.index("high")
    assert "bounds, because the model does not determine this exactly" in out
    document = json.loads(run("link", "-n", str(path), "leg_pain", "back_pain", "--json")[1])
    document = document["result"]
    assert document["identified"] is False
    assert any(
        document["low"][k] < v or document["high"][k] > v for k, v in document["shares"].items()
    )
    plain = run("link", "-n", "minimal", "leg_pain=below_knee", "back_pain")[1]
    assert "low" not in next(line for line in plain.splitlines() if "carried by" in line)


def test_contradicting_findings_keep_their_alerts(run, tmp_path):
    path = tmp_path / "contradiction.yaml"
    path.write_text(
        """spinelink: 1
name: contradiction
title: A finding that cannot be there without its cause
version: 0.1.0
nodes:
  cause:
    role: cause
    origin: back
    label: Cause
    cpd: {kind: prior, prior: {estimate: 0.1, equivalent_sample_size: 10, grade: judged, note: test}}
  finding:
    role: symptom
    label: Finding
    cpd: {kind: deterministic, parents: [cause], cases: [{given: {cause: present}, state: present}], otherwise: absent}
alerts:
  flag: {label: A flag, urgency: urgent, when: [{finding: present}], advice: Act., certainty: Test.}
""",
        encoding="utf-8",
    )
    status, out, err = run("query", str(path), "finding", "cause=no", "--json")
    document = json.loads(out)
    assert status == 2
    assert "cannot occur together" in err
    assert [a["rule"] for a in document["alerts"]] == ["flag"]
    assert document["result"] is None
    assert len(document["error"]["findings"]) == 2
    status, out, err = run("query", str(path), "finding", "cause=no")
    assert status == 2
    assert "URGENT: A flag" in out
    assert "cannot occur together" in err


@pytest.mark.parametrize("command", ["query", "next", "explain"])
def test_alerts_are_printed_before_anything_that_may_fail(run, command):
    words = [
        command,
        "saddle",
        "scan=no",
        "-n",
        str(Path(__file__).parents[1] / "data" / "flagged.yaml"),
    ]
    status, out, err = run(*words)
    assert status == 2 and "EMERGENCY: Numb where one sits" in out and "Source: shaw2020" in out
    assert "cannot occur together" in err and "No alert rule fired" not in out
    status, out, err = run(*words, "--json")
    document = json.loads(out)
    assert status == 2 and [a["source"] for a in document["alerts"]] == [["shaw2020"]]
    assert document["error"]["findings"] == ["saddle=present", "scan=absent"]


@pytest.mark.slow
def test_what_pends_is_printed_with_the_alerts(run):
    out = run("query", "back_pain", "--json")[1]
    assert json.loads(out)["alerts"] == []
    out = run("query", "back_pain")[1]
    pending = sl.load("back-leg-pain").observe(back_pain=True).alerts().pending
    (line,) = [each for each in out.splitlines() if "an emergency if found" in each]
    assert all(
        (sl.load("back-leg-pain").nodes[p.node].label in line)
        == (
            p.urgency == "emergency"
            or p.node in {q.node for q in pending if q.urgency == "emergency"}
        )
        for p in pending
    )


def test_check_of_good_files(run):
    status, out, err = run("check", *map(str, bundled().values()))
    assert (status, err) == (0, "")
    assert out.count(".yaml: ") >= len(bundled())


def test_check_marks_the_place(run, bad_file):
    status, out, _ = run("check", str(bad_file), "minimal")
    lines = out.splitlines()
    number = next(
        i
        for i, line in enumerate(bad_file.read_text(encoding="utf-8").splitlines(), 1)
        if "of: lumbar_disc_hernia" in line
    )
    head = next(i for i, line in enumerate(lines) if line.startswith(f"{bad_file}:{number}:"))
    column = int(lines[head].split(":")[2])
    assert status == 1
    assert "lumbar_disc_hernia" in lines[head]
    assert lines[head + 1].endswith("of: lumbar_disc_hernia")
    assert "^" * len("lumbar_disc_hernia") in lines[head + 2]
    assert lines[head + 2].index("^") - lines[head + 2].index("| ") - 2 == column - 1
    assert any(line.startswith(f"{bad_file}: ") and "error" in line for line in lines)
    assert lines[-1].endswith("minimal.yaml: no problems")


def test_check_json(run, bad_file):
    status, out, _ = run("check", str(bad_file), "--json")
    (found,) = json.loads(out)["result"]["files"]
    assert status == 1
    assert found["errors"] == len([p for p in found["problems"] if p["severity"] == "error"]) >= 1
    assert {"line", "column", "message", "hint"} <= set(found["problems"][0])


def test_warnings_alone_do_not_fail(run, monkeypatch):
    import spinelink.io.network_file as network_file
    from spinelink.errors import Problem

    monkeypatch.setattr(
        network_file,
        "check_file",
        lambda path: [Problem(str(path), 1, 1, "odd", severity="warning")],
    )
    status, out, _ = run("check", "minimal")
    assert status == 0
    assert out.rstrip().endswith("1 warning")


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe\x00", b"nodes: [", b"- a list"])
def test_check_of_what_is_no_network(run, tmp_path, content):
    path = tmp_path / "odd.yaml"
    if content is not None:
        path.write_bytes(content)
    status, out, err = run("check", str(path))
    assert status == 1
    assert out.startswith(f"{path}:1:")
    assert "Traceback" not in out + err


def test_query_of_a_bad_file_lists_its_problems(run, bad_file):
    status, out, err = run("query", str(bad_file), "numbness")
    assert (status, out) == (1, "")
    assert f"{bad_file}:" in err


def test_demo_prints_and_writes(run, tmp_path):
    status, out, err = run("demo", "--to", str(tmp_path / "demo"))
    assert (status, err) == (0, "")
    for part in (
        "Findings",
        "Red flags",
        "EMERGENCY",
        "Causes",
        "What it turned out to be",
        "Not a medical device",
    ):
        assert part in out
    page, table = (
        tmp_path / "demo" / "ces-edwards-33m.html",
        tmp_path / "demo" / "ces-edwards-33m.csv",
    )
    assert f"Written: {page}" in out
    assert f"Written: {table}" in out
    assert "EMERGENCY" in page.read_text(encoding="utf-8")
    assert table.read_text(encoding="utf-8").startswith("cause,label,prior,posterior")


@pytest.mark.slow
def test_demo_of_every_published_case(run, tmp_path):
    from spinelink.evaluate.cases import read_cases

    cases = read_cases(bundled()["back-leg-pain"].with_suffix(".cases.yaml"))
    assert len(cases) > 20
    for case in cases:
        assert run("demo", case.id, "--to", str(tmp_path))[0] == 0


def test_demo_of_an_unknown_case(run):
    status, _, err = run("demo", "ces-edwards-33")
    assert status == 2
    assert "Did you mean 'ces-edwards-33m'" in err


def test_a_folder_that_cannot_be_written(run, tmp_path):
    (tmp_path / "file").touch()
    status, _, err = run("demo", "--to", str(tmp_path / "file" / "demo"))
    assert status in (1, 2)
    assert "Traceback" not in err
    assert "file" in err


@pytest.mark.slow
def test_score(run):
    status, out, _ = run("score")
    assert status == 0
    assert "right cause in the top three" in out
    document = json.loads(run("score", "--json")[1])["result"]
    measures = {row["measure"]: row for row in document["summary"]}
    assert all(
        row["low"] <= row["successes"] / row["total"] <= row["high"] for row in measures.values()
    )
    assert len(document["cases"]) == measures["right cause first"]["total"]


def test_json_writes_null_for_what_is_no_number(capsys):
    from spinelink.cli.documents import print_document

    print_document({"a": math.nan, "b": [math.inf, 1.5], "c": {"d": -math.inf}})
    assert json.loads(capsys.readouterr().out)["result"] == {
        "a": None,
        "b": [None, 1.5],
        "c": {"d": None},
    }


@pytest.mark.parametrize("words", [[], ["--help"], ["query", "--help"], ["--version"]])
def test_help(run, words):
    status, out, err = run(*words)
    assert status == (0 if words else 2)
    assert "spinelink" in out + err


def spawn(*words: str, **options) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "spinelink", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_module_runs_as_the_command():
    process = spawn("query", "minimal", "numbness", "--json")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert json.loads(out)["question"]["network"] == "minimal"


def test_a_closed_pipe_is_quiet():
    process = spawn("check", "minimal", "--json")
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, err = process.communicate(timeout=60)
    assert err == ""
    assert process.returncode == 141


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_interrupt_ends_quietly_with_130(tmp_path):
    # A command that waits: its network file is a pipe that nobody writes; the library refuses such files, so the wait is put in by hand.
    code = (
        "import sys, time, spinelink.library as library\n"
        "def wait(*_, **__):\n    print('waiting', flush=True)\n    time.sleep(60)\n"
        "library.load = wait\n"
        "from spinelink.cli import main\nsys.exit(main(['query', 'numbness']))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err.strip() == ""


def test_output_in_a_terminal_that_knows_only_ascii():
    done = subprocess.run(
        [sys.executable, "-m", "spinelink", "query", "minimal", "numbness"],
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        capture_output=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.fixture
def claims_file(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text(
        "network: minimal\nclaims:\n  low: {kind: prevalence, condition: {scoliosis: present}, value: 0.01, interval: [0.005, 0.02], "
        "source: perennou1994, fit: near}\n"
    )
    return path


def test_audit_as_text_json_and_page(run, claims_file, tmp_path):
    page = tmp_path / "a.html"
    status, out, _ = run(
        "audit", "-n", "minimal", "--claims", str(claims_file), "--html", str(page)
    )
    assert status == 0
    assert "0 of 1 published figures" in out
    assert page.read_text().startswith("<!doctype html>")
    document = json.loads(
        run("audit", "-n", "minimal", "--claims", str(claims_file), "--json", "--influence")[1]
    )["result"]
    assert document["claims"][0]["implied"] == pytest.approx(50 / 671)
    assert document["judged"][0]["influence"] >= document["judged"][-1]["influence"] >= 0.0


def test_audit_of_the_alerts_in_each_setting(run):
    clinic = sl.load("minimal").simulate_clinic(asked=0)
    status, out, _ = run("audit", "-n", "minimal", "--alerts")
    assert status == 0
    assert clinic.title() in out and str(clinic.rules[0].fired) in out
    assert str(clinic.causes[0].alerted) in out and clinic.caution in out
    document = json.loads(run("audit", "-n", "minimal", "--alerts", "--json")[1])["result"]
    assert document == {"primary_care": json.loads(json.dumps(clinic.to_dict()))}


@pytest.mark.slow
def test_audit_of_the_alerts_of_one_setting_or_all(run):
    words = ("audit", "--alerts", "--json")
    assert list(json.loads(run(*words, "-s", "emergency")[1])["result"]) == ["emergency"]
    assert set(json.loads(run(*words)[1])["result"]) == set(sl.load("back-leg-pain").settings)


@pytest.mark.parametrize("words", [["--alerts", "--influence"], ["--setting", "emergency"]])
def test_options_of_two_audits_are_not_mixed(run, words):
    status, out, err = run("audit", *words)
    assert (status, out) == (2, "") and "--alerts" in err


def test_a_bad_claim_is_told_with_its_place(run, claims_file):
    claims_file.write_text(claims_file.read_text().replace("scoliosis", "scoliosys"))
    status, out, err = run("audit", "-n", "minimal", "--claims", str(claims_file))
    assert (status, out) == (1, "")
    assert "c.yaml:3:" in err
    assert "Did you mean scoliosis" in err


def test_cite_all_or_behind_an_answer(run):
    everything = run("cite", "-n", "minimal")[1]
    assert everything.count("@") == len(sl.load("minimal").network.sources)
    status, out, err = run("cite", "-n", "minimal", "numbness", "--cause", "lumbar_disc_herniation")
    assert status == 0
    assert 0 < out.count("@") < everything.count("@")
    assert "Sources of P(lumbar_disc_herniation)" in err


def test_card_is_written_beside_the_file_and_checked(run, tmp_path, claims_file):
    path = tmp_path / "minimal.yaml"
    path.write_bytes(bundled()["minimal"].read_bytes())
    claims_file.rename(tmp_path / "minimal.claims.yaml")
    assert run("card", str(path))[0] == 0
    text = (tmp_path / "minimal.md").read_text()
    assert "0 %" in text and "Not a medical device" in text
    assert run("card", str(path), "--check")[0] == 0
    path.write_text(
        path.read_text().replace(
            "estimate: 0.2, equivalent_sample_size: 10", "estimate: 0.3, equivalent_sample_size: 10"
        )
    )
    status, _, err = run("card", str(path), "--check")
    assert status == 1
    assert "is not up to date" in err


def test_check_of_claims(run, tmp_path, claims_file):
    (tmp_path / "minimal.yaml").write_bytes(bundled()["minimal"].read_bytes())
    path = claims_file.rename(tmp_path / "minimal.claims.yaml")
    assert run("check", str(path))[:2] == (0, f"{path}: no problems\n")
    path.write_text(path.read_text().replace("present}", "presnt}"))
    status, out, _ = run("check", str(path))
    assert status == 1
    assert "Did you mean 'present'" in out
    assert "^" in out
