"""The audit: every claim's row, what is said of it, and that a changed figure changes its own row and no other."""

from __future__ import annotations

import json
import math
import re

import pytest

import spinelink as sl
from spinelink.errors import SpinelinkError
from spinelink.evaluate.contradiction import contradictions
from spinelink.evaluate.influence import cases, influences
from spinelink.network.claim import Claim
from spinelink.report.audit_page import audit_page

CLAIMS = """
network: minimal
claims:
  low: {kind: prevalence, condition: {scoliosis: present}, setting: primary_care, value: 0.01, interval: [0.005, 0.02], source: perennou1994, fit: same population}
  right: {kind: prevalence, condition: {scoliosis: present}, setting: primary_care, value: 0.075, n: 671, source: perennou1994, fit: same population}
  specific: {kind: specificity, condition: {lumbar_disc_herniation: present}, finding: {crossed_straight_leg_raise: present}, setting: primary_care, value: 0.88, interval: [0.86, 0.9], source: deville2000, fit: near, note: "<b>bold</b> & plain"}
  rare: {kind: odds_ratio, condition: {heavy_lifting: present}, finding: {lumbar_disc_herniation: present}, value: 2.84, interval: [2.18, 3.69], source: kuijer2018, fit: far}
"""


@pytest.fixture(scope="module")
def model():
    return sl.load("minimal")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "minimal.claims.yaml"
    path.write_text(CLAIMS)
    return path


def test_rows_say_what_was_published_and_what_the_network_implies(model, file):
    frame = model.audit(file).to_frame().set_index("claim")
    assert frame.index[0] == "low"  # the only one outside comes first
    assert frame.loc["low", "implied"] == pytest.approx(50 / 671)
    assert not frame.loc["low", "inside"]
    # by hand: log odds of 50/671 and of 0.01, over the length of the interval in standard errors
    error = (math.log(0.02 / 0.98) - math.log(0.005 / 0.995)) / 3.919928
    distance = (math.log(50 / 621) - math.log(0.01 / 0.99)) / error
    assert frame.loc["low", "errors"] == pytest.approx(distance, rel=1e-6)
    assert frame.loc["right", "inside"]
    assert frame.loc["right", "interval"] == "from n"
    assert frame.loc["specific", "implied"] == pytest.approx(0.88)
    assert frame.loc["rare", "implied"] == pytest.approx(
        2.84, rel=1e-9
    )  # of a log-odds node the odds ratio is the crude one


def test_a_changed_figure_changes_its_row_only(model, file):
    before = model.audit(file).to_frame().set_index("claim")
    file.write_text(
        CLAIMS.replace("value: 0.88, interval: [0.86, 0.9]", "value: 0.5, interval: [0.4, 0.6]")
    )
    after = model.audit(file).to_frame().set_index("claim")
    columns = ["published", "low", "high", "implied", "inside", "errors"]
    same = [n for n in before.index if n != "specific"]
    assert before.loc[same, columns].equals(after.loc[same, columns])
    assert after.loc["specific", "implied"] == before.loc["specific", "implied"]
    assert not after.loc["specific", "inside"]


def test_summaries_count_every_claim_once(model, file):
    found = model.audit(file)
    by_fit = found.summary("fit")
    assert by_fit["claims"].to_dict() == {"far": 1, "near": 1, "same population": 2}
    assert by_fit["inside"].to_dict() == {"far": 1, "near": 1, "same population": 1}
    assert found.summary("condition")["claims"].sum() == 4
    assert "3 of 4" in str(found)


def test_claims_that_cannot_both_hold_are_named(model, file):
    [pair] = model.audit(file).contradictions
    assert {pair.first, pair.second} == {"low", "right"}


def test_a_specificity_contradicts_a_rate_of_false_positives(model):
    about = {
        "condition": {"scoliosis": "present"},
        "finding": {"back_pain": "present"},
        "source": "x",
        "fit": "near",
    }
    claims = {
        "a": Claim(kind="specificity", value=0.9, interval=(0.85, 0.95), **about),
        "b": Claim(kind="p_finding_given_no_condition", value=0.08, interval=(0.06, 0.2), **about),
        "c": Claim(kind="p_finding_given_no_condition", value=0.3, interval=(0.25, 0.4), **about),
    }
    assert {frozenset((c.first, c.second)) for c in contradictions(model.network, claims)} == {
        frozenset("ac"),
        frozenset("bc"),
    }


def test_the_page_stands_alone_and_escapes(model, file):
    page = audit_page(model.audit(file))
    assert "&lt;b&gt;bold&lt;/b&gt; &amp; plain" in page
    assert not re.search(r"(src|href)=", page)


def test_json_is_strict_and_whole(model, file):
    document = json.loads(json.dumps(model.audit(file).to_dict(), allow_nan=False))
    assert {c["claim"] for c in document["claims"]} == {"low", "right", "specific", "rare"}
    assert document["question"]["fingerprint"] == model.fingerprint


def test_without_claims_the_audit_says_so(model, tmp_path):
    model.save(tmp_path / "lonely.yaml")
    with pytest.raises(SpinelinkError, match="no file of claims beside"):
        sl.load(tmp_path / "lonely.yaml").audit()


def test_influence_as_by_moving_the_number_one_standard_deviation(model):
    """To first order: for a number with a small deviation, the sum over cases and causes of |change| as recomputed."""
    ranked = dict(influences(model, grade="measured"))
    [(name, value)] = ranked.items()
    assert name == "back_pain.link.scoliosis"
    deviation = math.sqrt((14 / 51) * (37 / 51) / 52)
    step = 1e-4
    moved = [model.with_parameters({name: 14 / 51 + s * step}) for s in (-1, 1)]
    total = 0.0
    for node, state in cases(model.network):
        low, high = (
            {
                c.cause: c.posterior
                for c in m.observe({node: m.nodes[node].states[state]})
                .differential(limit=None)
                .causes
            }
            for m in moved
        )
        total += sum(abs(high[c] - low[c]) for c in low) / (2 * step) * deviation
    # nerve root compression and the like are ranked by any state but the first; all ranked nodes of this network have two states
    assert value == pytest.approx(total / len(cases(model.network)), rel=1e-3)
