"""The expected cases beside each bundled network, and the library's own score on published cases."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import spinelink as sl
from spinelink.evaluate.cases import read_case, read_cases, read_vocabulary, wilson
from spinelink.networks_folder import bundled
from spinelink.score import score

FOLDER = bundled()["minimal"].parent
DATA = Path(__file__).parents[1] / "data"


@pytest.mark.parametrize("name", list(bundled()))
def test_every_network_has_cases_and_reproduces_what_they_expect(name):
    outcomes = score(sl.load(name)).outcomes
    assert outcomes
    for o in outcomes:
        case = o.reading.case
        assert o.rank > 0, f"{case.id}: {case.diagnosis} is never ranked"
        if case.within is not None:
            assert o.rank <= case.within, case.id
        if case.expected_alerts is not None:
            assert {rule for _, rule in o.alerts} == set(case.expected_alerts), case.id


def test_published_cases_are_those_of_the_stock():
    """The committed cases say what the stock of vignettes says, word for word."""
    stock = {c["id"]: c for c in yaml.safe_load((DATA / "vignettes.yaml").read_text())}
    cases = {c.id: c for c in read_cases(FOLDER / "back-leg-pain.cases.yaml")}
    assert set(stock) <= set(cases)
    for name, c in stock.items():
        assert cases[name].words == c["findings"]
        assert (cases[name].diagnosis, cases[name].urgent, cases[name].link) == (c["diagnosis_class"], c["urgent"], c["link"])
        assert (cases[name].age, cases[name].setting) == (c["age"], c["setting"])


def test_no_word_is_dropped_silently():
    model = sl.load("back-leg-pain")
    vocabulary = read_vocabulary(FOLDER / "back-leg-pain.vocabulary.yaml", model.network)
    assert not set(vocabulary.words) & set(vocabulary.unexpressed)
    for case in read_cases(FOLDER / "back-leg-pain.cases.yaml"):
        left = read_case(case, model.network, vocabulary).unexpressed
        assert all(word in vocabulary.words or word in vocabulary.unexpressed for word in case.words), case.id
        named = {text.split("=")[0] for text in left}
        for word, answer in case.words.items():
            meaning = vocabulary.words.get(word)
            expressed = meaning is not None and (meaning.present if answer == "present" else meaning.absent)
            assert expressed or word in named, f"{case.id}: {word}"


def test_score_of_the_published_cases():
    """No published case that was ranked in the top three falls out of it, and every urgent case is flagged.

    The aim is 85 % (20 of 23); 18 are reached, and the README says which five are missed and why. They are not reached by evidence alone:
    the findings published for them do not point at the disease (an aneurysm with one-sided back pain and nothing else, shingles without
    a rash, an infection whose first blood tests were normal, ...). The floor holds what is reached; it was not chosen.
    """
    found = score(sl.load("back-leg-pain"))
    k, n = found.share("top_three")
    assert n >= 23
    assert k >= 18
    flagged, urgent = found.share("urgent_flagged")
    assert urgent >= 8
    assert flagged == urgent


def test_wilson_interval():
    """Newcombe (1998), Stat Med 17:857, table I: 81 of 263 gives 0.2553 to 0.3662; 0 of 20 gives 0 to 0.1611."""
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
