"""Rules that one more finding would fire, and urgent causes beside the rules."""

from __future__ import annotations

import pytest

import spinelink as sl
from spinelink.errors import SpinelinkError


@pytest.fixture(scope="module")
def model():
    return sl.load("back-leg-pain")


@pytest.mark.parametrize(
    "findings",
    [
        {},
        {"back_pain": True},
        {"back_pain": True, "fever": False},
        {"leg_pain": "below_knee", "numbness": True, "age_group": 70},
    ],
)
def test_each_pending_finding_fires_its_rule_and_nothing_else_pends(model, findings):
    case = model.observe(findings)
    found = case.alerts()
    fired = {a.rule for a in found}
    pending = {(p.rule, p.node) for p in found.pending}
    for p in found.pending:
        assert p.rule not in fired and p.node not in case.findings
        for state in p.states:
            assert p.rule in {a.rule for a in case.observe({p.node: state}).alerts()}
    for node in model.nodes:
        if node not in case.findings:
            for state in model.nodes[node].states:
                for a in case.observe({node: state}).alerts():
                    assert a.rule in fired or (a.rule, node) in pending


def test_what_was_found_absent_does_not_pend(model):
    asked = model.observe(back_pain=True, saddle_numbness=False).alerts()
    assert not any(p.node == "saddle_numbness" for p in asked.pending)
    assert any(p.node == "saddle_numbness" for p in model.observe(back_pain=True).alerts().pending)
    frame = model.observe(back_pain=True).alerts().pending_frame()
    assert frame["urgency"].iloc[0] == "emergency" and frame["question"].str.len().gt(0).any()


def test_urgent_causes_stand_beside_the_rules(model):
    case = model.observe(back_pain=True, fever=True, spinal_tenderness=True, crp="high")
    found = case.urgent_causes(0.02)
    assert all(c.urgency != "routine" and c.posterior >= 0.02 for c in found.causes)
    everything = {c.cause: c for c in case.differential(limit=None).causes}
    expected = {n for n, c in everything.items() if c.urgency != "routine" and c.posterior >= 0.02}
    assert {c.cause for c in found.causes} == expected
    with pytest.raises(SpinelinkError, match="between 0 and 1"):
        case.urgent_causes(5)


def test_an_uncertain_finding_that_does_not_count_stays_pending(model):
    """As long as one of the rule's states is possible, a certain answer could fire it."""
    asked = model.observe(back_pain=True)
    for likelihoods in ({"absent": 0.7, "present": 0.3}, {"absent": 1.0, "present": 1e-6}):
        found = asked.observe(saddle_numbness=likelihoods).alerts()
        assert "saddle_numbness" not in {a.rule for a in found}
        assert ("saddle_numbness", "saddle_numbness") in {(p.rule, p.node) for p in found.pending}
    half = asked.observe(
        post_void_residual={"normal": 0.5, "raised": 0.5, "high": 0.0}
    ).alerts()  # "high" is excluded, so it cannot fire
    assert not any(p.node == "post_void_residual" for p in half.pending)
    sure = asked.observe(saddle_numbness={"absent": 1e-6, "present": 1.0}).alerts()
    assert "saddle_numbness" in {a.rule for a in sure} and not any(
        p.rule == "saddle_numbness" for p in sure.pending
    )


def test_every_alert_shows_its_source_and_what_pends(model):
    found = model.observe(back_pain=True, reduced_anal_tone=True, foot_drop=True).alerts()
    assert len(found) > 1 and found.pending
    for text in (str(found), found._repr_html_()):
        for a in found:
            assert (f"Source: {', '.join(a.source)}" if a.source else "Source: none given") in text
        for p in found.asked_first:
            assert p.urgency.upper() in text and p.question in text
    nothing = model.observe().alerts()
    assert "does not exclude an emergency" in str(nothing) and "EMERGENCY if yes: " in str(nothing)


@pytest.mark.parametrize(
    "findings",
    [
        {},
        {"back_pain": True},
        {"fever": True, "leg_pain": "below_knee", "bladder_dysfunction": "none"},
    ],
)
def test_at_most_five_questions_are_asked_first_and_no_test(model, findings):
    found = model.observe(findings).alerts()
    first = found.asked_first
    assert 0 < len(first) <= 5 and len({p.node for p in first}) == len(first)
    assert all(model.nodes[p.node].role in ("context", "symptom", "sign") for p in first)
    assert {(p.rule, p.node) for p in first} <= {(p.rule, p.node) for p in found.pending}
    urgencies = ["emergency", "urgent", "soon"]
    ranks = [urgencies.index(p.urgency) for p in first]
    assert ranks == sorted(ranks)
    left = [p for p in found.pending if p.node not in {q.node for q in first}]
    settled = [p for p in left if model.nodes[p.node].role in ("context", "symptom", "sign")]
    assert len(first) == 5 or not settled
    for p in first:
        node = model.nodes[p.node]
        assert p.question == (node.question or f"{node.label}?")


def test_the_cauda_equina_is_asked_about_first(model):
    """By the order of the rules in the file, and history before examination."""
    asked = [p.node for p in model.observe(back_pain=True).alerts().asked_first]
    assert asked[:3] == ["saddle_numbness", "bladder_dysfunction", "bowel_dysfunction"]
    assert "reduced_anal_tone" not in asked
