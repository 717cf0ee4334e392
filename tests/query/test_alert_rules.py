"""Every alert rule of the bundled networks, walked: all combinations of its findings, every setting, changed priors, soft findings around the threshold."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

import spinelink as sl
from spinelink.diagnosis import Case, Model
from spinelink.errors import TooLargeError
from spinelink.inference.limits import DEFAULT
from spinelink.network.evidence import Evidence
from spinelink.networks_folder import bundled
from spinelink.query.alerts import alerts

MODELS = {name: sl.load(name) for name in bundled()}
RULES = [(name, rule) for name, model in MODELS.items() for rule in model.network.alerts]


def _unlike(states, node, ways):
    """One state for each set of the rule's combinations that it belongs to."""
    groups = {}
    for state in states:
        groups.setdefault(tuple(state in way.get(node, ()) for way in ways), []).append(state)
    return [members[len(ways) % len(members)] for members in groups.values()]


@pytest.mark.parametrize(("name", "rule"), RULES)
def test_every_state_of_a_rule_counts(name, rule):
    """Every state that a combination names fires it, and no other state of that node does."""
    model = MODELS[name]
    alone = Model(model.network.model_copy(update={"alerts": {rule: model.network.alerts[rule]}}))
    for way in alone.network.alerts[rule].when:
        complete = {node: states[0] for node, states in way.items()}
        for node, states in way.items():
            for state in model.nodes[node].states:
                fired = alerts(Case(alone, Evidence({**complete, node: state})))
                if state in states:
                    assert len(fired) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("name", "rule"), RULES)
def test_a_rule_fires_on_its_findings_and_on_nothing_less(name, rule):
    """Combinations of answers, or none, of all nodes that the rule names, read a second time here.

    States of a node that the rule treats alike in every combination stand for each other: one of
    them is walked.
    """
    model = MODELS[name]
    alone = model.network.model_copy(update={"alerts": {rule: model.network.alerts[rule]}})
    ways = [{node: set(states) for node, states in way.items()} for way in alone.alerts[rule].when]
    nodes = sorted({node for way in ways for node in way})
    only = Model(alone)
    fired = 0
    for answers in product(
        *([None, *_unlike(model.nodes[node].states, node, ways)] for node in nodes)
    ):
        evidence = {
            node: answer for node, answer in zip(nodes, answers, strict=True) if answer is not None
        }
        found = alerts(Case(only, Evidence(evidence)))
        complete = [
            way for way in ways if all(evidence.get(node) in states for node, states in way.items())
        ]
        assert len(found) == bool(complete), evidence
        if complete:
            fired += 1
            assert set(found[0].findings) == {
                f"{node}={evidence[node]}" for way in complete for node in way
            }
    assert fired


@pytest.mark.parametrize("name", MODELS)
def test_no_setting_and_no_prior_silences_a_rule(name):
    model = MODELS[name]
    estimates = model.parameters().to_frame().set_index("id")["estimate"]
    changed = {
        i: 0.5 * v for i, v in estimates.items() if i.endswith((".prior", ".leak")) and "[" not in i
    }
    for setting in model.settings or (None,):
        here = model.in_setting(setting) if setting else model
        for other in (here, here.with_parameters(changed)):
            for rule, each in model.network.alerts.items():
                for way in each.when:
                    fired = {
                        a.rule
                        for a in other.observe(
                            {node: states[0] for node, states in way.items()}
                        ).alerts()
                    }
                    assert rule in fired


@pytest.mark.parametrize(("name", "rule"), RULES[::8])
def test_a_soft_finding_counts_where_it_made_the_state_likely(name, rule):
    """The engine's own posterior with the finding, and without it, says what is likely."""
    model = MODELS[name]
    ways = model.network.alerts[rule].when
    way = ways[0]
    for node, states in way.items():
        rest = {n: s[0] for n, s in way.items() if n != node}
        known = model.observe(rest)
        before = known.posterior(node)
        for ratio in (1.0, 30.0, 1e12):
            soft = {s: ratio if s in states else 1.0 for s in before.index}
            after = known.observe({node: soft}).posterior(node)

            def counts(n, wanted, node=node, before=before, after=after, rest=rest):
                if n != node:
                    return rest.get(n) in wanted
                wanted = list(wanted)
                return 0.5 < after[wanted].sum() > before[wanted].sum() + 1e-9

            expected = any(all(counts(n, wanted) for n, wanted in each.items()) for each in ways)
            fired = {a.rule for a in known.observe({node: soft}).alerts()}
            assert (rule in fired) == expected, (node, ratio)


def test_a_soft_finding_that_says_nothing_or_the_opposite_fires_nothing():
    """F7 of the faults: an emergency from an uninformative answer, and from one that speaks against it."""
    model = MODELS["back-leg-pain"]
    nothing = {"none": 1, "retention": 1, "incontinence": 1}
    assert not model.observe(back_pain=True, bladder_dysfunction=nothing).alerts().alerts
    against = model.observe(saddle_numbness={"absent": 1, "present": 0.34}).alerts()
    assert not against.alerts
    assert "saddle_numbness" in {p.rule for p in against.pending}


def test_an_alert_does_not_wait_for_an_answer_that_is_too_large():
    """Then the finding speaks for itself: more than half of its likelihood. Likewise where it takes long."""
    little = sl.load("back-leg-pain", memory=1e3)
    with pytest.raises(TooLargeError):
        little.observe(back_pain=True).posterior("saddle_numbness")
    slow = replace(sl.load("back-leg-pain"), limits=replace(DEFAULT, quick_entries=1.0))
    for model in (little, slow):
        for present, fires in ((1.5, True), (0.34, False)):
            found = model.observe(saddle_numbness={"absent": 1, "present": present}).alerts()
            assert bool(found.alerts) == fires


def test_nothing_reassures():
    """No answer of the alerts, and no advice, says that something is harmless."""
    words = (
        "harmless",
        "nothing to worry",
        "no need to",
        "rules out",
        "ruled out",
        "safe",
        "reassur",
    )
    for model in MODELS.values():
        text = str(model.observe().alerts()) + " ".join(
            a.advice + a.certainty + a.label for a in model.network.alerts.values()
        )
        assert not [w for w in words if w in text.lower()]
    assert "does not exclude" in str(MODELS["minimal"].observe().alerts())
    assert alerts(MODELS["minimal"].observe()).urgency is None
