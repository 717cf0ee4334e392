"""A simulated clinic: against counting by hand, and against exact probabilities."""

from __future__ import annotations

import json
import pickle
from itertools import pairwise
from math import isnan, sqrt

import numpy as np
import pytest

import spinelink as sl
from spinelink.errors import SpinelinkError, UnknownNameError
from spinelink.evaluate.clinic import ENOUGH, RARE
from spinelink.evaluate.metrics import wilson
from spinelink.evaluate.patients import STAGES
from spinelink.query.alerts import fired_rules

CAUDA = "cauda_equina_compression"
SIZE = 1500
CROWD = {"lumbar_disc_herniation.prior": 0.3, f"{CAUDA}.leak": 0.2}
"""A crowded clinic, so that every count is well above 0."""


@pytest.fixture(scope="module")
def crowded():
    return sl.load("minimal").with_parameters(CROWD)


@pytest.fixture(scope="module")
def clinic(crowded):
    return crowded.simulate_clinic(SIZE, asked=60, seed=5, progress=False)


def known(model, row, stage="history"):
    """The findings of one simulated patient that are entered."""
    return {n: s for n, s in row.items() if model.nodes[n].role in STAGES[stage]}


def test_rates_are_those_counted_by_hand(crowded, clinic):
    fired = emergencies = having = both = 0
    for row in crowded.sample(SIZE, seed=5).to_dict("records"):
        alert = bool(crowded.observe(known(crowded, row)).alerts().alerts)
        ill = row[CAUDA] == "present"
        fired, having = fired + alert, having + ill
        both += alert and ill
        emergencies += alert and not ill
    (rule,), (cause,) = clinic.rules, clinic.causes
    assert min(fired - both, both, having - both) > 5 and having >= RARE
    assert (rule.fired.count, rule.fired.patients) == (fired, SIZE)
    assert (rule.hits.count, rule.hits.patients) == (both, fired)
    assert (rule.fired.low, rule.fired.high) == wilson(fired, SIZE)
    assert (cause.had.count, cause.further) == (having, 0)
    assert (cause.alerted.count, cause.alerted.patients) == (both, having)
    false = clinic.totals.false_emergency
    assert (false.count, false.patients) == (emergencies, SIZE - having)
    assert clinic.totals.emergency == clinic.totals.urgent == rule.fired


def test_ranks_are_those_of_the_differential(crowded, clinic):
    patients = crowded.sample(SIZE, seed=5)
    first = single = 0
    for row in patients.head(60).to_dict("records"):
        present = [n for n in crowded.network.ranked if row[n] != crowded.nodes[n].states[0]]
        leads = crowded.observe(known(crowded, row)).differential(limit=1).causes[0].cause
        single += len(present) == 1
        first += present == [leads]
    ill = patients[patients[CAUDA] == "present"].head(60)
    found = 0
    for row in ill.to_dict("records"):
        ranking = crowded.observe(known(crowded, row)).differential(limit=3)
        found += CAUDA in [c.cause for c in ranking.causes]
    right = clinic.totals.right_first
    assert 0 < first < single
    assert (right.count, right.patients) == (first, single)
    assert (clinic.causes[0].top_three.count, clinic.causes[0].top_three.patients) == (found, 60)


def fires(case):
    """P(the rule of the teaching network fires), from the joint."""
    table = case.joint(["bladder_dysfunction", "back_pain", "leg_pain"]).to_frame()
    table = table.reset_index() if "bladder_dysfunction" not in table.columns else table
    pain = (table["back_pain"] == "present") | (table["leg_pain"] != "none")
    p = table[(table["bladder_dysfunction"] == "present") & pain]
    return float(p.iloc[:, -1].sum())


def near(rate, exact):
    """Within four standard errors."""
    return abs(rate.share - exact) < 4.0 * sqrt(exact * (1.0 - exact) / rate.patients)


def test_rates_are_near_the_exact_probabilities(crowded):
    clinic = crowded.simulate_clinic(20_000, asked=0, seed=2)
    (rule,), (cause,) = clinic.rules, clinic.causes
    nobody, ill = crowded.observe(), crowded.observe({CAUDA: True})
    p, q, prior = fires(nobody), fires(ill), nobody.present(CAUDA)[CAUDA]
    assert 0.01 < p < 0.9 and 0.01 < q < 0.99
    assert near(rule.fired, p)
    assert near(cause.alerted, q)
    assert near(rule.hits, q * prior / p)
    assert near(clinic.totals.false_emergency, fires(crowded.observe({CAUDA: False})))


def test_further_patients_of_a_rare_cause_are_drawn_given_it():
    model = sl.load("minimal")
    clinic = model.simulate_clinic(2000, asked=0)
    (cause,) = clinic.causes
    assert cause.had.count < RARE
    assert cause.alerted.patients == cause.had.count + cause.further == ENOUGH
    assert near(cause.alerted, fires(model.observe({CAUDA: True})))
    assert clinic.totals.emergency.patients == 2000  # the further ones are not of the clinic


def test_a_cause_that_nobody_can_have_has_no_rates():
    changes = {f"{CAUDA}.leak": 0.0, f"{CAUDA}.link.lumbar_disc_herniation": 0.0}
    model = sl.load("minimal").with_parameters(changes)
    (cause,) = model.simulate_clinic(50, asked=4, progress=False).causes
    assert (cause.had.count, cause.further, cause.alerted.patients) == (0, 0, 0)
    assert isnan(cause.alerted.share) and isnan(cause.top_three.share)


def test_rules_fire_on_many_patients_as_on_each():
    model = sl.load("back-leg-pain")
    columns = [n for n, node in model.nodes.items() if node.role in STAGES["all"]]
    findings = {"fever": True, "back_pain": True}
    frame = model.sample(40, findings=findings, columns=columns, missing=0.2, seed=3)
    states = {n: frame[n].cat.codes.to_numpy() for n in columns[::2]}
    fired = fired_rules(model.network, states, patients=40)
    assert set(fired) == set(model.network.alerts)
    some = 0
    for k, row in enumerate(frame[columns[::2]].to_dict("records")):
        one = {a.rule for a in model.observe(row).alerts()}
        assert {name for name, flags in fired.items() if flags[k]} == one
        some += len(one)
    assert some > 10


@pytest.mark.slow
def test_the_more_is_known_the_more_rules_fire():
    model = sl.load("back-leg-pain", setting="emergency")
    clinics = [model.simulate_clinic(300, known=stage, asked=0) for stage in STAGES]
    counts = [{r.rule: r.fired.count for r in c.rules} for c in clinics]
    for before, after in pairwise(counts):
        assert all(before[rule] <= n for rule, n in after.items())
        assert before != after
    history, examination, everything = (c.causes_frame().set_index("cause") for c in clinics)
    assert (history["alerted"] <= examination["alerted"]).all()
    assert (examination["alerted"] <= everything["alerted"]).all()
    assert (history["alerted"] < everything["alerted"]).any()


def test_rules_that_are_less_urgent_count_less():
    """An emergency cause is not shown by an urgent alert, and it counts for the yield of a soon one."""
    model = sl.load("back-leg-pain", setting="emergency")
    clinic = model.simulate_clinic(400, asked=0, seed=4)
    urgencies = [r.urgency for r in clinic.rules]
    assert urgencies == sorted(urgencies, key=("emergency", "urgent", "soon").index)
    patients = model.sample(400, seed=4)
    roles, rules = STAGES["history"], model.network.alerts
    states = {n: patients[n].cat.codes.to_numpy() for n in patients if model.nodes[n].role in roles}
    fired = fired_rules(model.network, states, patients=400)
    ill = {
        level: np.any(
            [patients[n] == "present" for n, v in model.nodes.items() if v.urgency in worse], axis=0
        )
        for level, worse in {
            "emergency": ["emergency"],
            "urgent": ["emergency", "urgent"],
            "soon": ["emergency", "urgent", "soon"],
        }.items()
    }
    for rate in clinic.rules:
        hits = fired[rate.rule] & ill[rate.urgency]
        assert rate.hits.count == hits.sum() and rate.hits.patients == fired[rate.rule].sum()
    red = np.any([f for n, f in fired.items() if rules[n].urgency == "emergency"], axis=0)
    orange = np.any([f for n, f in fired.items() if rules[n].urgency != "soon"], axis=0)
    assert clinic.totals.emergency.count == red.sum() < orange.sum() == clinic.totals.urgent.count
    assert clinic.totals.false_emergency.count == (red & ~ill["emergency"]).sum()


def test_a_rule_that_never_fires_has_a_share_of_nought():
    """Not `< 0.1 %`, which a difference of doubles once said."""
    for total in range(1, 2000):
        assert wilson(0, total)[0] == 0.0 and wilson(total, total)[1] == 1.0
        assert 0.0 < wilson(0, total)[1] == pytest.approx(1.0 - wilson(total, total)[0])


def test_the_seed_says_who_comes(crowded):
    one, same, other = (
        crowded.simulate_clinic(200, asked=6, seed=s, progress=False) for s in (1, 1, 2)
    )
    assert one.to_dict() == same.to_dict()
    assert one.rules != other.rules


def test_what_is_not_entered_is_not_known(crowded):
    """Without symptoms and signs no rule fires, and the more common cause leads in everybody."""
    roles = {"scoliosis": "cause", "foot_deformity": "cause"}
    model = sl.from_pgmpy(crowded.to_pgmpy(), roles=roles)
    clinic = model.simulate_clinic(40, asked=40, progress=False)
    assert clinic.rules == clinic.causes == ()
    assert clinic.totals.emergency.count == 0
    patients = model.sample(40, seed=1)
    ill = {n: patients[n] == patients[n].cat.categories[1] for n in roles}
    single = ill["scoliosis"] ^ ill["foot_deformity"]
    right = clinic.totals.right_first
    assert (right.count, right.patients) == ((ill["foot_deformity"] & single).sum(), single.sum())
    assert right.count < right.patients


def test_a_network_without_causes_has_a_clinic_all_the_same(crowded):
    clinic = sl.from_pgmpy(crowded.to_pgmpy()).simulate_clinic(10, asked=5, known="all")
    assert len(clinic.to_frame()) == len(clinic.causes_frame()) == 0
    assert "10 simulated patients" in str(clinic) and "spinelink" in clinic._repr_html_()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"size": 0}, "size is how many patients, from 1"),
        ({"size": 10**9}, "size is how many patients, from 1"),
        ({"asked": -1}, "asked is how many patients, from 0"),
        ({"seed": "x"}, "seed is a whole number"),
        ({"progress": "x"}, "progress is True, False or None"),
    ],
)
def test_wrong_options_are_refused_in_words(crowded, options, words):
    with pytest.raises(SpinelinkError, match=words):
        crowded.simulate_clinic(**options)


def test_an_unknown_stage_is_refused(crowded):
    with pytest.raises(UnknownNameError, match=r"known.*Did you mean 'history'"):
        crowded.simulate_clinic(10, known="histroy")


def test_it_shows_itself_and_travels(clinic):
    again = pickle.loads(pickle.dumps(clinic))
    assert str(again) == str(clinic) and again.to_dict() == clinic.to_dict()
    document = json.loads(json.dumps(clinic.to_dict(), allow_nan=False))
    assert document["rules"][0]["fired"]["share"] == clinic.rules[0].fired.share
    assert document["totals"]["emergency"]["patients"] == SIZE
    assert dict(clinic.question.options)["known"] == "history"
    frame, causes = clinic.to_frame(), clinic.causes_frame()
    assert frame.loc[0, "fired"] == clinic.rules[0].fired.share
    assert frame.loc[0, "yield_low"] == clinic.rules[0].hits.low
    assert causes.loc[0, "alerted_high"] == clinic.causes[0].alerted.high
    assert causes.loc[0, "asked"] == 60
    assert clinic.totals_frame().loc[0, "count"] == clinic.totals.emergency.count
    for text in (str(clinic), clinic._repr_html_()):
        assert "bladder" in text and CAUDA in text and "no reassurance" in text
