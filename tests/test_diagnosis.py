"""Model and Case as a caller sees them, on the teaching network."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import spinelink as sl
from spinelink.errors import EvidenceError, ParameterError


@pytest.fixture(scope="module")
def model():
    return sl.load("minimal")


def test_models_and_cases_never_change(model):
    case = model.observe(numbness=True)
    more = case.observe(leg_pain="below_knee")
    assert case.evidence == {"numbness": "present"}
    assert more.evidence == {"numbness": "present", "leg_pain": "below_knee"}
    assert more.retract("leg_pain") == case
    with pytest.raises(AttributeError):
        case.findings = {}
    with pytest.raises(TypeError):
        case.findings["numbness"] = "absent"


def test_not_assessed_is_not_absent(model):
    assert model.observe(numbness=None) == model.observe()
    assert model.observe(numbness=True).observe(numbness=None) == model.observe()
    absent = model.observe(numbness=False).posterior("lumbar_disc_herniation")["present"]
    assert absent < model.observe().posterior("lumbar_disc_herniation")["present"]


def test_virtual_evidence_has_no_scale(model):
    one = model.observe({"leg_pain": {"none": 0, "above_knee": 0.2, "below_knee": 0.8}})
    other = model.observe({"leg_pain": {"none": 0, "above_knee": 2e-9, "below_knee": 8e-9}})
    assert one.posterior("lumbar_disc_herniation")["present"] == pytest.approx(
        other.posterior("lumbar_disc_herniation")["present"], rel=1e-12
    )


def test_virtual_evidence_of_equal_likelihoods_says_nothing(model):
    same = model.observe({"leg_pain": {"none": 3, "above_knee": 3, "below_knee": 3}})
    assert same.posteriors()["posterior"].equals(same.posteriors()["posterior"])
    difference = same.posteriors()["posterior"] - model.observe().posteriors()["posterior"]
    assert difference.abs().max() < 1e-12


def test_changing_a_prior_moves_the_answer(model):
    changed = model.with_parameters({"lumbar_disc_herniation.prior": 0.08})
    assert changed.observe().posterior("lumbar_disc_herniation")["present"] == pytest.approx(
        0.08, abs=1e-12
    )
    assert model.observe().posterior("lumbar_disc_herniation")["present"] == pytest.approx(
        0.02, abs=1e-12
    )
    assert changed.fingerprint != model.fingerprint
    beta = model.with_parameters({"lumbar_disc_herniation.prior": sl.Beta(8, 92)})
    assert beta.observe().posterior("lumbar_disc_herniation")["present"] == pytest.approx(
        0.08, abs=1e-12
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lumbar_disc_herniation.prior": 8}, "A percentage? Write 0.08."),
        ({"lumbar_disc_herniation.prior": "much"}, "give a number or a Beta"),
        ({"lumbar_disc_herniation.odds_ratio.heavy_lifting": 0}, "not above 0"),
        ({"lumbar_disc_herniaton.prior": 0.1}, "Did you mean 'lumbar_disc_herniation.prior'?"),
        ({"leg_pain.leak": {"none": 1.0}}, "states none, above_knee, below_knee"),
    ],
)
def test_bad_parameters_are_refused(model, changes, words):
    with pytest.raises(sl.SpinelinkError) as caught:
        model.with_parameters(changes)
    assert words in str(caught.value)


def test_differential(model):
    ranking = model.observe(leg_pain="below_knee", numbness=True).differential(limit=2)
    frame = ranking.to_frame()
    assert list(frame.columns) == ["cause", "label", "prior", "posterior", "ratio", "urgency"]
    assert len(frame) == 2 and frame["cause"][0] == "lumbar_disc_herniation"
    assert frame["ratio"][0] == pytest.approx(frame["posterior"][0] / frame["prior"][0])
    assert ranking.question.evidence == {"leg_pain": "below_knee", "numbness": "present"}
    assert (
        ranking.question.fingerprint == model.fingerprint
        and ranking.question.setting == "primary_care"
    )
    assert (
        "lumbar_disc_herniation" in str(ranking)
        and "Lumbar disc herniation" in ranking._repr_html_()
    )


def test_posteriors_sum_to_one(model):
    frame = model.observe(numbness=True).posteriors()
    assert frame.groupby(level="node")["posterior"].sum().sub(1.0).abs().max() < 1e-12
    assert set(model.observe().posteriors(role="cause").index.get_level_values("node")) == {
        "lumbar_disc_herniation",
        "scoliosis",
        "foot_deformity",
    }


def test_alerts_do_not_depend_on_priors(model):
    findings = {"bladder_dysfunction": True, "back_pain": True}
    unlikely = model.with_parameters(
        {"lumbar_disc_herniation.prior": 1e-9, "cauda_equina_compression.leak": 1e-12}
    )
    for each in (model, unlikely):
        alerts = each.observe(findings).alerts()
        assert [a.rule for a in alerts] == ["bladder"] and alerts.urgency == "emergency"
    assert not model.observe(bladder_dysfunction=True).alerts()
    assert "does not exclude an emergency" in str(model.observe().alerts())


def test_soft_findings_fire_alerts_where_they_are_likelier_than_not(model):
    """Likelihoods against the odds before: just above even they fire the rule, just below not."""
    base = model.observe(back_pain=True)
    before = base.posterior("bladder_dysfunction")
    even = before["absent"] / before["present"]
    for ratio, fires in ((1.01 * even, True), (0.99 * even, False)):
        found = base.observe(bladder_dysfunction={"absent": 1.0, "present": ratio}).alerts()
        assert bool(found.alerts) == fires


def test_unknown_names_suggest(model):
    with pytest.raises(sl.UnknownNameError, match="Did you mean numbness"):
        model.observe(numbnes=True)
    with pytest.raises(sl.UnknownNameError, match="finding"):
        model.observe(numbness=True).retract("back_pain")
    with pytest.raises(sl.UnknownNameError, match="setting"):
        model.in_setting("emergncy")
    with pytest.raises(sl.UnknownNameError, match="minimal"):
        sl.load("minimall")
    with pytest.raises(sl.UnknownNameError):
        model.observe().posterior("numbnes")


def test_models_travel_between_processes(model):
    case = model.observe(numbness=True)
    again = pickle.loads(pickle.dumps(case))
    assert again == case
    assert again.posterior("lumbar_disc_herniation").equals(
        case.posterior("lumbar_disc_herniation")
    )


def test_graph(model):
    graph = model.to_networkx()
    assert graph.has_edge("lumbar_disc_herniation", "nerve_root_compression")
    assert graph.nodes["numbness"]["role"] == "symptom"


def test_parameter_table(model):
    frame = model.parameters().to_frame()
    row = frame.set_index("id").loc["lumbar_disc_herniation.prior"]
    assert (row["estimate"], row["low"], row["high"], row["grade"], row["source"]) == (
        0.02,
        0.01,
        0.03,
        "derived",
        "neurosurgerywiki",
    )


def test_saving_keeps_comments_and_changes_one_number(model, tmp_path):
    target = tmp_path / "mine.yaml"
    model.with_parameters({"lumbar_disc_herniation.prior": 0.05}).save(target)
    before, after = model.origin.read_text().splitlines(), target.read_text().splitlines()
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 1
    assert sl.load(target).observe().posterior("lumbar_disc_herniation")[
        "present"
    ] == pytest.approx(0.05, abs=1e-12)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (None, "mapping"),
        ({"numbness.leak": np.array([0.1, 0.2])}, "give a number"),
        (
            {"leg_pain.leak": {"none": "a", "above_knee": 0.3, "below_knee": 0.2}},
            "state none: give a number",
        ),
        ({"numbness.leak": 10**400}, "outside 0 to 1"),
    ],
)
def test_changes_that_are_no_numbers(changes, message):
    with pytest.raises(ParameterError, match=message):
        sl.load("minimal").with_parameters(changes)


def test_extreme_odds_ratios_are_taken():
    model = sl.load("minimal")
    for ratio in (1.7e308, 5e-324):
        changed = model.with_parameters({"lumbar_disc_herniation.odds_ratio.heavy_lifting": ratio})
        assert 0.0 <= changed.observe().posterior("lumbar_disc_herniation").iloc[1] <= 1.0


def test_numbers_beyond_doubles_are_refused():
    with pytest.raises(EvidenceError, match="outside 18 to"):
        sl.load("back-leg-pain").observe(age_group=10**400)
    with pytest.raises(EvidenceError, match="finite"):
        sl.load("minimal").observe(numbness={"present": 10**400})


def test_no_posterior_is_above_one():
    case = (
        sl.load("minimal")
        .with_parameters({"lumbar_disc_herniation.prior": 0})
        .observe(numbness=True, heavy_lifting=True)
    )
    assert case.posteriors()["posterior"].max() <= 1.0


@pytest.mark.parametrize("limit", [0, -1, "3", 2.5, True])
def test_a_limit_that_is_none(limit):
    with pytest.raises(sl.SpinelinkError, match="limit is how many"):
        sl.load("minimal").observe().differential(limit=limit)


def test_names_that_are_no_text_are_refused_with_words():
    with pytest.raises(sl.SpinelinkError, match="not None"):
        sl.load(None)
    with pytest.raises(sl.SpinelinkError, match="no setting"):
        sl.load("back-leg-pain").in_setting(["primary_care"])
