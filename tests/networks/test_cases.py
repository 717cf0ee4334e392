"""The expected cases beside each bundled network, and the library's own score on published cases."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import spinelink as sl
from spinelink.evaluate.cases import read_case, read_cases, read_vocabulary
from spinelink.evaluate.metrics import wilson
from spinelink.evaluate.score import score
from spinelink.networks_folder import bundled

FOLDER = bundled()["minimal"].parent
DATA = Path(__file__).parents[1] / "data"


@pytest.mark.slow
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


@pytest.mark.slow
def test_score_of_the_published_cases(published_score):
    """What is reached of published cases, and every urgent case is flagged.

    The aim is 85 % (20 of 23); 17 are reached, and docs/scores.md says which six are missed and why. Network 0.2.4 reached 18, with weights of
    figures that were set by hand; these are gone. Five are not reached by evidence alone:
    the findings published for them do not point at the disease (an aneurysm with one-sided back pain and nothing else, shingles without
    a rash, an infection whose first blood tests were normal, ...). The floor holds what is reached; it was not chosen.
    """
    found = published_score
    k, n = found.share("top_three")
    assert n >= 23
    assert k >= 17
    flagged, urgent = found.share("urgent_flagged")
    assert urgent >= 8
    assert flagged == urgent


@pytest.mark.slow
def test_links_of_the_published_cases(published_score):
    """Every case that ran from the back to the leg is seen to; of the four from the leg to the back, two. docs/scores.md states the probabilities."""
    ways = {
        o.reading.case.id: (o.reading.case.link, o.coded_way)
        for o in published_score.outcomes
        if o.ways is not None
    }
    coded = {o.reading.case.id: o.reading.case.link for o in published_score.outcomes}
    assert set(ways) == {
        name for name, link in coded.items() if link in ("back_to_leg", "leg_to_back")
    }
    assert all(mine > other for link, (mine, other) in ways.values() if link == "back_to_leg")
    assert published_score.share("way") == (
        sum(mine > other for _, (mine, other) in ways.values()),
        len(ways),
    )
    assert published_score.share("link") == (
        sum(mine > 0.5 for _, (mine, other) in ways.values()),
        len(ways),
    )
    frame = published_score.to_frame().set_index("case")
    assert (frame.loc["heel-45f", "leg_to_back"], frame.loc["heel-45f", "back_to_leg"]) == ways[
        "heel-45f"
    ][1]


def test_wilson_interval():
    """Newcombe (1998), Stat Med 17:857, table I: 81 of 263 gives 0.2553 to 0.3662; 0 of 20 gives 0 to 0.1611."""
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
