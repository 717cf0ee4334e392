"""The expected cases beside each bundled network, and the library's own score on published cases."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

import spinelink as sl
from spinelink.evaluate.case_score import share_of
from spinelink.evaluate.cases import read_case, read_cases, read_vocabulary
from spinelink.evaluate.metrics import wilson
from spinelink.evaluate.score import outcome_of, score
from spinelink.networks_folder import bundled

FOLDER = bundled()["minimal"].parent
DATA = Path(__file__).parents[1] / "data"


def test_minimal_reproduces_what_its_cases_expect():
    outcomes = score(sl.load("minimal")).outcomes
    assert outcomes
    for o in outcomes:
        case = o.reading.case
        assert o.rank > 0, f"{case.id}: {case.diagnosis} is never ranked"
        if case.within is not None:
            assert o.rank <= case.within, case.id
        if case.expected_alerts is not None:
            assert {rule for _, rule in o.alerts} == set(case.expected_alerts), case.id


def test_the_scores_on_file_are_of_this_network(published_cases):
    """All cases take a quarter of an hour, so the table is committed; some are asked again here."""
    model = sl.load("back-leg-pain")
    assert set(published_cases["fingerprint"]) == {model.fingerprint}
    cases = read_cases(FOLDER / "back-leg-pain.cases.yaml")
    assert list(published_cases["case"]) == [c.id for c in cases]
    some = [c for c in cases if len(c.words) <= 6][:12]
    assert len(some) == 12
    vocabulary = read_vocabulary(FOLDER / "back-leg-pain.vocabulary.yaml", model.network)
    stated = published_cases.set_index("case")
    for case in some:
        found, row = outcome_of(model, case, vocabulary=vocabulary), stated.loc[case.id]
        assert (found.rank, found.raised_rank) == (row["rank"], row["raised_rank"])
        assert found.posterior == pytest.approx(row["posterior"], rel=5e-3)
        assert ", ".join(f"{u}: {r}" for u, r in found.alerts) == row["alerts"]


def test_published_cases_are_those_of_the_stock():
    """The committed cases say what the stock of vignettes says, word for word."""
    stock = {
        c["id"]: c
        for name in ("vignettes.yaml", "vignettes-2.yaml")
        for c in yaml.safe_load((DATA / name).read_text())
    }
    cases = {c.id: c for c in read_cases(FOLDER / "back-leg-pain.cases.yaml")}
    assert set(stock) <= set(cases)
    for name, c in stock.items():
        assert cases[name].words == c["findings"]
        assert (cases[name].diagnosis, cases[name].urgent, cases[name].link) == (
            c["diagnosis_class"],
            c["urgent"],
            c["link"],
        )
        assert (cases[name].age, cases[name].setting) == (c["age"], c["setting"])


def test_no_word_is_dropped_silently():
    model = sl.load("back-leg-pain")
    vocabulary = read_vocabulary(FOLDER / "back-leg-pain.vocabulary.yaml", model.network)
    assert not set(vocabulary.words) & set(vocabulary.unexpressed)
    for case in read_cases(FOLDER / "back-leg-pain.cases.yaml"):
        left = read_case(case, model.network, vocabulary=vocabulary).unexpressed
        assert all(
            word in vocabulary.words or word in vocabulary.unexpressed for word in case.words
        ), case.id
        named = {text.split("=")[0] for text in left}
        for word, answer in case.words.items():
            meaning = vocabulary.words.get(word)
            expressed = meaning is not None and (
                meaning.present if answer == "present" else meaning.absent
            )
            assert expressed or word in named, f"{case.id}: {word}"


def test_links_of_the_published_cases(published_cases):
    """Of cases coded as linked one way, that way has the larger share, and how often it exceeds one half."""
    coded = published_cases[published_cases["link"].isin(["back_to_leg", "leg_to_back"])]
    other = {"back_to_leg": "leg_to_back", "leg_to_back": "back_to_leg"}
    mine = np.array([row[row["link"]] for row in coded.to_dict("records")])
    against = np.array([row[other[row["link"]]] for row in coded.to_dict("records")])
    assert share_of(published_cases, "way") == ((mine > against).sum(), len(coded))
    assert share_of(published_cases, "link") == ((mine > 0.5).sum(), len(coded))


def test_wilson_interval():
    """Newcombe (1998), Stat Med 17:857, table I: 81 of 263 gives 0.2553 to 0.3662; 0 of 20 gives 0 to 0.1611."""
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
