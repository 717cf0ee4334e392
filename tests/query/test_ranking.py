"""The two lists of a differential: the most probable causes, and what the findings point to."""

from __future__ import annotations

import math

import pytest
from scipy.stats import entropy

import spinelink as sl


@pytest.fixture
def case():
    return sl.load("minimal").observe(leg_pain="below_knee", numbness=True)


def test_raised_is_the_part_of_the_information_that_presence_has(case):
    """Kullback-Leibler: presence and absence together are what the findings tell about a cause."""
    for cause in case.differential(limit=None).causes:
        p, q = cause.posterior, cause.prior
        told = entropy([p, 1 - p], [q, 1 - q])
        assert cause.raised == pytest.approx(
            told - (1 - p) * math.log((1 - p) / (1 - q)), abs=1e-12
        )


def test_a_rare_cause_that_was_raised_stands_before_a_common_one_that_was_not(case):
    by_posterior = [c.cause for c in case.differential(limit=None).causes]
    raised = case.differential(limit=None, order="raised")
    names = [c.cause for c in raised.causes]
    rare, common = "cauda_equina_compression", "foot_deformity"
    assert by_posterior.index(common) < by_posterior.index(rare)
    assert names.index(rare) < names.index(common)
    assert sorted(names) == sorted(by_posterior)
    assert [c.raised for c in raised.causes] == sorted(
        (c.raised for c in raised.causes), reverse=True
    )


def test_the_second_list_stands_under_the_first_whatever_its_length(case):
    short, whole = case.differential(limit=1), case.differential(limit=None, order="raised")
    assert short.pointed_to == whole.pointed_to and len(short.causes) == 1
    assert [c.cause for c in short.pointed_to] == [
        c.cause for c in whole.causes[: len(short.pointed_to)]
    ]
    line = short.pointed_to_in_words
    assert line.startswith("The findings point to: ") and "times as likely as before" in line
    assert line in str(short) and short.pointed_to[0].label in short._repr_html_()
    assert short.to_dict()["pointed_to"][0]["cause"] == short.pointed_to[0].cause


def test_without_findings_nothing_is_pointed_to():
    ranking = sl.load("minimal").observe().differential()
    assert ranking.pointed_to == () and "point to" not in str(ranking)


def test_urgent_causes_are_a_list_of_their_own():
    case = sl.load("minimal").observe(bladder_dysfunction=True, numbness=True)
    urgent = case.urgent_causes()
    assert urgent.causes and urgent.pointed_to == () and "point to" not in str(urgent)


def test_an_order_that_does_not_exist(case):
    with pytest.raises(sl.UnknownNameError, match="posterior, raised"):
        case.differential(order="prior")
