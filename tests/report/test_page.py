"""One case on one page."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

import spinelink as sl
from spinelink.cli import main
from spinelink.errors import SpinelinkError, TooLargeError
from spinelink.report import case_report
from spinelink.report.page import Page, PageError, cited
from spinelink.report.page import page as as_page
from spinelink.view.text import show_percent, show_percents
from tests.query.test_interview import FLAGGED, without_causes


@pytest.fixture(scope="module")
def flagged():
    return sl.load(FLAGGED)


def headings(text):
    return [re.sub("<.*?>", "", each) for each in re.findall("<h2>.*?</h2>", text)]


def words(text):
    return re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", text))


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    case = sl.load("back-leg-pain").observe(
        age_group=47, leg_pain="below_knee", back_pain=True, saddle_numbness=True, fever=False
    )
    path = case.report(tmp_path_factory.mktemp("report") / "case.html", limit=6)
    return case, path.read_text()


def test_it_stands_alone(page):
    _, text = page
    assert (
        not re.search(r"<(script|link|img|iframe)\b", text)
        and "url(" not in text
        and "@import" not in text
    )
    HTMLParser().feed(text)
    assert text.startswith("<!doctype html>") and "@media print" in text


def test_it_says_what_was_found_asked_and_not_asked(page):
    case, text = page
    assert "Not a medical device" in text and case.model.fingerprint in text
    assert "EMERGENCY: " in text
    for ranked in case.differential(limit=6).causes:
        assert ranked.label in text
    for title in (
        "Red flags",
        "Findings",
        "Are back pain and leg pain linked?",
        "Why",
        "What to ask or test next",
        "Not asked",
        "Sources behind",
    ):
        assert f"<h2>{title}" in text
    assert "information, not an instruction" in text
    assert "Weight loss" in text or "weight loss" in text  # not asked


def test_a_small_network_and_a_case_without_findings(tmp_path):
    text = sl.load("minimal").observe().report(tmp_path / "empty.html").read_text()
    assert "None entered" in text and "does not exclude an emergency" in text
    text = (
        sl.load("minimal")
        .observe(leg_pain="none", back_pain=False)
        .report(tmp_path / "calm.html")
        .read_text()
    )
    assert "Are back pain and leg pain linked?" not in text


def test_every_part_of_the_answer_is_on_the_page(page):
    """Urgent causes, the verdict on the link and the sources of alerts, each as the case itself answers."""
    case, text = page
    said = words(text)
    assert case.urgent_causes().causes
    for c in case.urgent_causes().causes:
        assert f"{c.urgency} {c.label} {show_percent(c.posterior)}" in re.sub(
            r"\s+", " ", re.sub("<[^>]*>", " ", text.partition("Causes that are not routine")[2])
        )
    assert f"Linked with probability {show_percent(case.link().probability)}" in said
    for alert in case.alerts():
        for key in alert.source:
            assert (
                f"[{key}]" in said and str(case.model.network.sources[key].year or "n. d.") in said
            )
    assert "setting primary_care" in said


def test_bounds_of_the_link_and_the_word_to_stop(flagged, tmp_path):
    """What is not identified is shown from one bound to the other; the probability that they are linked is what is left of separate."""
    case = sl.load("minimal").observe(leg_pain="below_knee", back_pain=True)
    link = case.link()
    share = link.shares["separate"]
    wide = replace(
        link,
        identified=False,
        low={**link.low, "separate": share / 2},
        high={**link.high, "separate": (1 + share) / 2},
    )
    empty = Page(case.model.network, link.question, (), case.alerts(), (), "")
    assert f"from {show_percents(1 - (1 + share) / 2, 1 - share / 2)} ({wide.ends})" in words(
        as_page(replace(empty, link=wide))
    )
    text = flagged.observe(benign=True, sex="male").report(tmp_path / "stop.html").read_text()
    stop = flagged.observe(benign=True, sex="male").next_best().stop
    assert (f"No further question is worth its cost: {stop}" in text) == bool(stop)
    stopped = replace(flagged.observe().next_best(), stop="nothing is left to ask.")
    said = "No further question is worth its cost: nothing is left to ask."
    empty = Page(flagged.network, stopped.question, (), flagged.observe().alerts(), (), "")
    assert said in as_page(replace(empty, next_best=stopped))


def test_findings_that_contradict_are_written_with_their_alerts_and_nothing_probable(
    flagged, tmp_path
):
    text = flagged.observe(scan=False, saddle=True).report(tmp_path / "case.html").read_text()
    assert headings(text) == [
        "Red flags",
        "Findings",
        "The findings cannot all be true",
        "What to ask or test next",
        "Not asked",
    ]
    assert text.index("EMERGENCY: Numb where one sits") < text.index(
        "cannot occur together: scan=absent, saddle=present"
    )
    assert " %" not in text and "log P(findings)" not in text and "setting None" not in text
    impossible = (
        flagged.with_parameters({"emergency.prior": 0.0})
        .observe(saddle=True)
        .report(tmp_path / "one.html")
        .read_text()
    )
    assert (
        "EMERGENCY: Numb" in impossible
        and "cannot occur in this network: its probability is 0" in impossible
    )


def test_a_leading_cause_that_is_known_or_uncertain_loses_no_section(tmp_path):
    case = sl.load("minimal").observe(leg_pain="below_knee", back_pain=True)
    expected = headings(case.report(tmp_path / "a.html").read_text())
    assert {"Why", "Are back pain and leg pain linked?", "What to ask or test next"} <= set(
        expected
    )
    leading = case.differential()[0].cause
    for value in (True, {"absent": 1.0, "present": 30.0}):
        known = case.observe({leading: value})
        assert known.differential()[0].cause == leading
        text = known.report(tmp_path / "b.html").read_text()
        assert [h.partition(" (")[0] for h in headings(text)] == [
            h.partition(" (")[0] for h in expected
        ]
        about = known.explain().target
        assert (about == leading) == (value is not True)
        assert f"Sources behind the leading cause ({known.model.nodes[about].label})" in text
        low = next(r.low for r in known.intervals([about], method="delta").rows)
        assert f"{show_percent(low)} to " in text


def test_without_causes_and_with_all_of_them_known(flagged, tmp_path):
    (tmp_path / "plain.yaml").write_text(without_causes(FLAGGED.read_text()))
    plain = sl.load(tmp_path / "plain.yaml").observe(saddle=True)
    assert len(plain.urgent_causes()) == 0
    text = plain.report(tmp_path / "plain.html").read_text()
    assert "EMERGENCY: Numb" in text and "names no causes" in text and "setting None" not in text
    known = (
        flagged.observe(dict.fromkeys(flagged.network.ranked, "present"))
        .report(tmp_path / "known.html")
        .read_text()
    )
    assert (
        "Every cause was observed" in known
        and "Emergency" in known
        and "Why" not in headings(known)
    )


def test_a_link_that_cannot_be_asked_for_is_said(tmp_path):
    """Causes without a place: the rest of the page is written, and why there is no link."""
    model = sl.load("minimal")
    nodes = {n: v.model_copy(update={"origin": None}) for n, v in model.network.nodes.items()}
    case = replace(model, network=model.network.model_copy(update={"nodes": nodes})).observe(
        leg_pain="below_knee", back_pain=True
    )
    with pytest.raises(SpinelinkError) as error:
        case.link()
    text = case.report(tmp_path / "case.html").read_text()
    assert "Are back pain and leg pain linked?" in headings(text) and words(
        str(error.value)
    ) in words(text).replace("&#x27;", "'")


@pytest.mark.parametrize(
    "path",
    [None, 3, "", b"case.html", "no/such/folder/case.html", ".", "a\0b.html", "x" * 300 + ".html"],
)
def test_a_place_that_cannot_be_written_is_named(flagged, path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PageError) as error:
        flagged.observe().report(path)
    assert isinstance(error.value, SpinelinkError)
    assert str(path if isinstance(path, str) and path else repr(path)) in str(
        error.value
    ) and ".tmp" not in str(error.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["x.pdf", "x.PDF", "x.docx", "x.json"])
def test_f6_a_page_is_not_named_as_another_format(flagged, name, tmp_path):
    with pytest.raises(PageError, match=r"what is written is HTML, not .*name it .*x\.html"):
        flagged.observe().report(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_publications_on_one_line():
    source = sl.load("back-leg-pain").network.sources["shaw2020"]
    assert cited(source).startswith(f"{source.authors} ({source.year}). ") and ".." not in cited(
        source
    )


def test_contradictions_on_the_command_line(tmp_path, capsys):
    out = tmp_path / "case.html"
    assert main(["report", "saddle", "scan=no", "-n", str(FLAGGED), "-o", str(out)]) == 2
    said = capsys.readouterr()
    assert (
        said.out.index("EMERGENCY: Numb where one sits") < said.out.index("written: ")
        and "cannot occur together" in said.err
    )
    assert "cannot occur together" in out.read_text()
    assert (
        main(["report", "saddle", "-n", str(FLAGGED), "-o", str(tmp_path / "no" / "case.html")])
        == 1
    )
    said = capsys.readouterr()
    assert "EMERGENCY" in said.out and f"there is no folder {tmp_path / 'no'}" in said.err


def test_on_the_command_line(tmp_path, capsys):
    out = tmp_path / "case.html"
    assert main(["report", "numbness", "leg_pain=below_knee", "-n", "minimal", "-o", str(out)]) == 0
    assert "written" in capsys.readouterr().out and out.exists()
    assert (
        main(["report", "numbness=maybe", "-n", "minimal", "-o", str(tmp_path / "bad.html")]) == 2
    )
    assert not (tmp_path / "bad.html").exists()


PARTS = {
    "differential": "Causes, by",
    "urgent_causes": "Causes that are not routine",
    "intervals": "Causes, by",
    "next_best": "What to ask or test next",
    "sources": "Sources behind the leading cause",
    "explain": "Why",
    "find_link": "Are back pain and leg pain linked?",
}
"""What computes a part of the page, and the heading below which it stands."""


def below(text, heading):
    """The words between a heading and the next one; empty if there is none."""
    parts = {words(part.partition("</h2>")[0]).strip(): part for part in text.split("<h2>")[1:]}
    return " ".join(words(part) for title, part in parts.items() if title.startswith(heading))


@pytest.fixture
def minimal_case():
    return sl.load("minimal").observe(
        leg_pain="below_knee", back_pain=True, bladder_dysfunction=True
    )


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    "error", [TooLargeError("it needs 8 GB."), ZeroDivisionError("by nothing"), MemoryError()]
)
def test_f10_a_part_that_fails_is_said_in_its_place_and_loses_no_other(
    minimal_case, part, error, tmp_path, monkeypatch
):
    whole = minimal_case.report(tmp_path / "whole.html").read_text()

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(case_report, part, fail)
    text = minimal_case.report(tmp_path / "part.html").read_text()
    missing = below(text, PARTS[part])
    assert "This part is missing." in missing
    assert (str(error) if isinstance(error, SpinelinkError) else type(error).__name__) in missing
    assert "EMERGENCY" in text and "not there yet" not in text
    for title in set(PARTS.values()) - {PARTS[part]}:
        if part != "differential":
            assert below(text, title) == below(whole, title) != ""
    assert text.count("This part is missing.") == 1


def test_f10_alerts_and_findings_are_on_the_page_before_anything_is_computed(
    minimal_case, tmp_path, monkeypatch
):
    seen = []
    page = tmp_path / "case.html"

    def look(*_, **__):
        seen.append(page.read_text())
        raise TooLargeError("it needs 8 GB.")

    for part in PARTS:
        monkeypatch.setattr(case_report, part, look)
    monkeypatch.setattr(type(minimal_case), "question", look)
    minimal_case.report(page)
    for text in seen:
        assert "EMERGENCY" in text and "New loss of bladder control" in text
        assert text.count("not there yet") == len(PARTS)
    assert page.read_text().count("it needs 8 GB.") == len(PARTS) - 1  # no intervals of no causes


def test_f10_what_ctrl_c_stops_keeps_what_was_there(minimal_case, tmp_path, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(case_report, "explain", stop)
    with pytest.raises(KeyboardInterrupt):
        minimal_case.report(tmp_path / "case.html")
    text = (tmp_path / "case.html").read_text()
    assert "EMERGENCY" in text and "Lumbar disc herniation" in below(text, "Causes")
    assert "not there yet" in below(text, "Why")
    assert not list(tmp_path.glob(".*"))


def test_people_read_labels_and_percent(page):
    case, text = page
    said = words(text)
    names = [n for n in case.model.nodes if "_" in n]
    assert not [n for n in names if re.search(rf"\b{n}\b", said)]
    assert f"{show_percent(case.differential()[0].posterior)}" in below(text, "Causes")


def test_the_command_says_what_the_page_lacks(tmp_path, capsys, monkeypatch):
    def fail(*_, **__):
        raise TooLargeError("it needs 8 GB.")

    monkeypatch.setattr(case_report, "explain", fail)
    out = tmp_path / "case.html"
    assert main(["report", "numbness", "-n", "minimal", "-o", str(out)]) == 0
    assert "The page lacks why, and says why." in capsys.readouterr().out
