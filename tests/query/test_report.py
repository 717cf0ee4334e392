"""One case on one page."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

import spinelink as sl
from spinelink.cli import main


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    case = sl.load("back-leg-pain").observe(age_group=47, leg_pain="below_knee", back_pain=True, saddle_numbness=True, fever=False)
    path = case.report(tmp_path_factory.mktemp("report") / "case.html", limit=6)
    return case, path.read_text()


def test_it_stands_alone(page):
    _, text = page
    assert not re.search(r"<(script|link|img|iframe)\b", text) and "url(" not in text and "@import" not in text
    HTMLParser().feed(text)
    assert text.startswith("<!doctype html>") and "@media print" in text


def test_it_says_what_was_found_asked_and_not_asked(page):
    case, text = page
    assert "Not a medical device" in text and case.model.fingerprint in text
    assert "EMERGENCY: " in text
    for ranked in case.differential(limit=6).causes:
        assert ranked.label in text
    for title in ("Red flags", "Findings", "Is it linked", "Why", "What to ask or test next", "Not asked", "Sources behind"):
        assert f"<h2>{title}" in text
    assert "information, not an order" in text
    assert "Weight loss" in text or "weight loss" in text  # not asked


def test_a_small_network_and_a_case_without_findings(tmp_path):
    text = sl.load("minimal").observe().report(tmp_path / "empty.html").read_text()
    assert "None entered" in text and "does not exclude an emergency" in text
    text = sl.load("minimal").observe(leg_pain="none", back_pain=False).report(tmp_path / "calm.html").read_text()
    assert "Is it linked" not in text


def test_on_the_command_line(tmp_path, capsys):
    out = tmp_path / "case.html"
    assert main(["report", "numbness", "leg_pain=below_knee", "-n", "minimal", "-o", str(out)]) == 0
    assert "written" in capsys.readouterr().out and out.exists()
    assert main(["report", "numbness=maybe", "-n", "minimal", "-o", str(tmp_path / "bad.html")]) == 2
    assert not (tmp_path / "bad.html").exists()
