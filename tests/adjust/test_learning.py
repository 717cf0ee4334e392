"""Learning from tables: closed forms on complete data, EM against a published example and against the definition, recovery, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import spinelink as sl
from spinelink.adjust.em import SearchOptions
from spinelink.adjust.learn import learn_from_rows
from spinelink.diagnosis import Model
from spinelink.errors import (
    EvidenceError,
    ImpossibleEvidenceError,
    SpinelinkError,
    UnknownNameError,
)
from spinelink.inference.sampled_parameters import draw_values
from spinelink.network.cpd import Prior, Row, Table
from spinelink.network.network import Network
from spinelink.network.node import Node
from spinelink.network.parameter import Distribution, Probability, Ratio
from spinelink.network.parameter_ids import parameters, replace_parameters
from spinelink.network.setting import parameters_in
from spinelink.network.uncertainty import log_deviation, spread_weight
from tests import oracle
from tests.inference.test_exact import RELAXED
from tests.inference.test_worked_answers import ENTRIES
from tests.strategies import networks


@pytest.fixture(scope="module")
def model():
    return sl.load("minimal")


# -- complete data


def number(p, size=10.0):
    return Probability(estimate=p, equivalent_sample_size=size, grade="judged", note="test")


def pair(prior=0.3, rows=(0.2, 0.7), size=10.0):
    nodes = {
        "a": Node(
            role="cause",
            origin="back",
            label="a",
            cpd=Prior(kind="prior", prior=number(prior, size)),
        ),
        "b": Node(
            role="symptom",
            label="b",
            cpd=Table(
                kind="table",
                parents=("a",),
                rows=tuple(
                    Row(given={"a": s}, probability=number(p, size))
                    for s, p in zip(("absent", "present"), rows, strict=True)
                ),
            ),
        ),
    }
    return Model(Network(spinelink=1, name="pair", title="pair", version="0", nodes=nodes))


def test_complete_data_are_counted():
    frame = pd.DataFrame(
        {"a": [1] * 30 + [0] * 70, "b": [1] * 24 + [0] * 6 + [1] * 7 + [0] * 63}
    ).astype(bool)
    found = pair().learn(frame)
    after = {n.id: n for n in found.parameters}
    assert after["a.prior"].after == pytest.approx((10 * 0.3 + 30) / 110)
    assert after["b.row.a=present"].after == pytest.approx((10 * 0.7 + 24) / 40)
    assert after["b.row.a=absent"].after == pytest.approx((10 * 0.2 + 7) / 80)
    learned = parameters(found.network)
    assert learned["a.prior"].equivalent_sample_size == pytest.approx(110, rel=0.05)
    assert "100 patients" in learned["a.prior"].note and "0.3" in learned["a.prior"].note
    assert found.converged and len(found.objective) <= 3


def test_strength_is_what_the_file_counts():
    frame = pd.DataFrame({"a": [True] * 30 + [False] * 70})
    for strength, expected in ((0.0, 0.3), (1.0, (3 + 30) / 110), (5.0, (15 + 30) / 150)):
        updated = pair(prior=0.3).update(frame, strength=strength)
        assert updated.observe().posterior("a")["present"] == pytest.approx(expected)


def test_weights_stand_for_patients():
    frame = pd.DataFrame({"a": [True, False], "how_many": [30, 70]})
    one = pair().learn(frame, weights="how_many")
    many = pair().learn(pd.DataFrame({"a": [True] * 30 + [False] * 70}))
    assert [n.after for n in one.parameters] == pytest.approx([n.after for n in many.parameters])
    assert one.patients == 100


@pytest.mark.slow
def test_only_what_may_vary_moves(model):
    frame = model.sample(300, seed=2)
    found = model.learn(frame, vary=["scoliosis", "numbness.leak"])
    assert {n.id for n in found.parameters} <= {"scoliosis.prior", "numbness.leak"}
    before, after = parameters(model.network), parameters(found.network)
    assert {n for n in before if before[n] != after[n]} == {"scoliosis.prior", "numbness.leak"}


# -- incomplete data


def coins(theta):
    """A coin, and ten tosses of it. Every toss has a number of its own; each set of tosses enters in its ten rotations, so they stay equal."""
    nodes = {
        "coin": Node(
            role="other",
            label="coin",
            states=("A", "B"),
            cpd=Prior(kind="prior", prior=number(0.5)),
        )
    }
    for k in range(10):
        rows = tuple(
            Row(given={"coin": s}, probability=number(p)) for s, p in zip("AB", theta, strict=True)
        )
        nodes[f"toss{k}"] = Node(
            role="other",
            label="toss",
            states=("tails", "heads"),
            cpd=Table(kind="table", parents=("coin",), rows=rows),
        )
    sets = [5, 9, 8, 4, 7]
    rows = [
        np.roll(["heads"] * heads + ["tails"] * (10 - heads), shift)
        for heads in sets
        for shift in range(10)
    ]
    frame = pd.DataFrame(rows, columns=[f"toss{k}" for k in range(10)])
    return Model(Network(spinelink=1, name="coins", title="coins", version="0", nodes=nodes)), frame


def test_the_two_coins_of_do_and_batzoglou():
    verified = ENTRIES["em-two-coins"]["verified"]
    model, frame = coins((0.6, 0.5))
    tosses = [f"toss{k}" for k in range(10)]
    weights = model.observe({f"toss{k}": "heads" if k else "tails" for k in range(10)}).posterior(
        "coin"
    )
    assert weights["A"] == pytest.approx(verified["weight 9 heads"], abs=1e-12)
    for steps, key in ((1, "step 1"), (10, "step 10")):
        found = model.learn(
            frame, strength=0.0, vary=tosses, restarts=0, limit=steps, tolerance=0.0
        )
        numbers = parameters(found.network)
        for k in range(10):
            learned = [numbers[f"toss{k}.row.coin={s}"].value for s in "AB"]
            assert learned == pytest.approx(verified[key], abs=1e-12)


def objective(network, parameters_before, frame_rows, strength):
    """Log likelihood of rows by enumeration, and the log prior straight from its definition."""
    now = parameters(network)
    total = sum(math.log(oracle.posterior(network, row)[0]) for row in frame_rows)
    for name, p in parameters_before.items():
        new = now[name]
        if isinstance(p, Ratio):
            total -= 0.5 * strength * (math.log(new.estimate / p.estimate) / log_deviation(p)) ** 2
            continue
        if isinstance(p, Distribution):
            pairs = [(p.estimate[s], new.estimate[s]) for s in p.estimate]
        else:
            pairs = [(p.value, new.value), (1 - p.value, 1 - new.value)]
        total += strength * spread_weight(p) * sum(m * math.log(q / m) for m, q in pairs if m > 0.0)
    return total


@st.composite
def tables(draw):
    # No prevalence above which risk factors are learned too: there the prior speaks of the file's own risk factors, not of the definition used here.
    network = draw(
        networks(max_nodes=4, max_parents=3).filter(
            lambda n: all(getattr(v.cpd, "prevalence", None) is None for v in n.nodes.values())
        )
    )
    seed = draw(st.integers(0, 1000))
    return network, seed


@pytest.mark.slow
@given(tables())
@RELAXED
def test_what_is_found_is_a_mode_of_the_posterior(question):
    """By enumeration: the objective has the value that is reported, rises at every step, and no number can be moved to make it larger."""
    network, seed = question
    model = Model(network)
    frame = model.sample(12, seed=seed, missing=0.35)
    rows = [
        {n: v for n, v in row.items() if isinstance(v, str)}
        for row in frame.astype(object).to_dict("records")
    ]
    found = model.learn(frame, restarts=0, limit=400, tolerance=1e-12, seed=seed)
    assert all(b >= a - 1e-7 for a, b in zip(found.objective, found.objective[1:], strict=False))
    before = parameters(network)
    reached = objective(found.network, before, rows, 1.0)
    assert reached == pytest.approx(found.objective[-1], abs=1e-5 * (1.0 + abs(reached)))
    assume(found.converged)
    learned = parameters(found.network)
    for name in sorted(learned)[:6]:
        p = learned[name]
        for step in (-0.02, 0.02):
            if isinstance(p, Ratio):
                moved = p.model_copy(update={"estimate": p.estimate * math.exp(step)})
            elif isinstance(p, Distribution) or not 1e-4 < p.value < 1.0 - 1e-4:
                continue
            else:
                odds = p.value / (1.0 - p.value) * math.exp(step)
                moved = p.model_copy(update={"estimate": odds / (1.0 + odds)})
            assert (
                objective(replace_parameters(found.network, {name: moved}), before, rows, 1.0)
                < reached + 1e-6
            ), name


def test_fifty_thousand_patients_with_forty_percent_missing_bring_the_numbers_back(model):
    """Patients of another network than the one that learns: what is learned lies around the truth as far as its own intervals say."""
    numbers = parameters_in(model.network, model.setting)
    drawn = draw_values(model.network, numbers, draws=2, seed=9, sequence="random")
    changes = {}
    for name, value in drawn.items():
        if value.shape[-1] > 1:
            column = value[..., 1]
            states = model.nodes[name.split(".")[0]].states
            changes[name] = (
                dict(zip(states, column.tolist(), strict=True))
                if value.ndim == 2
                else float(column)
            )
    truth = model.with_parameters(changes)
    found = model.learn(truth.sample(50_000, seed=3, missing=0.4), restarts=0)
    assert found.converged
    assert (np.diff(found.objective) >= -1e-9 * abs(found.objective[-1])).all()
    true = parameters_in(truth.network, truth.setting)
    errors = []
    for n in found.parameters:
        value = true[n.id].value
        value = value[n.state] if n.state else value
        errors.append((n.after - value) / ((n.high - n.low) / 3.92))
    errors = np.array(errors)
    assert len(errors) > 30
    assert (
        np.sqrt((errors**2).mean()) < 1.4
    )  # 1 is expected; with 38 numbers one in ten thousand tables exceeds this
    assert np.abs(errors).max() < 4.0
    assert np.mean(np.abs(errors) < 1.96) > 0.8
    unseen = [n for n in found.parameters if n.id == "scoliosis.prior"]
    assert (
        25_000 < unseen[0].patients < 50_000
    )  # 60 % of cells, and what the others say of the rest


def test_odds_ratios_are_recovered():
    model = sl.load("minimal")
    truth = model.with_parameters(
        {
            "lumbar_disc_herniation.odds_ratio.heavy_lifting": 6.0,
            "lumbar_disc_herniation.prior": 0.15,
        }
    )
    found = model.learn(truth.sample(20_000, seed=1), strength=0.01)
    ratio = next(n for n in found.parameters if n.id.endswith("odds_ratio.heavy_lifting"))
    prior = next(n for n in found.parameters if n.id == "lumbar_disc_herniation.prior")
    assert ratio.low < 6.0 < ratio.high and ratio.high / ratio.low < 1.4
    assert prior.after == pytest.approx(0.15, abs=0.01)
    marginal = model.fitted(found).observe().posterior("lumbar_disc_herniation")["present"]
    assert marginal == pytest.approx(
        prior.after, abs=1e-9
    )  # a stated prevalence is what the network then implies


def test_a_noisy_or_is_learned_as_links_and_leak(model):
    """Complete data do not say which cause produced a finding; links come out all the same, and the family stays a noisy-OR."""
    truth = model.with_parameters({"numbness.leak": 0.15, "back_pain.link.scoliosis": 0.7})
    found = model.learn(truth.sample(30_000, seed=5), strength=0.01)
    after = {n.id: n for n in found.parameters}
    assert after["numbness.leak"].low < 0.15 < after["numbness.leak"].high
    assert after["back_pain.link.scoliosis"].low < 0.7 < after["back_pain.link.scoliosis"].high
    assert found.network.nodes["numbness"].cpd.kind == model.network.nodes["numbness"].cpd.kind


def test_restarts_find_the_better_of_two_valleys():
    """A hidden cause with two findings, started at its worst place: the file's numbers tell the states apart by nothing."""
    truth = pair(prior=0.5, rows=(0.05, 0.95))
    frame = truth.sample(400, seed=0)[["b"]].assign(c=None)
    symmetric = pair(prior=0.5, rows=(0.5, 0.5), size=2.0)
    found = symmetric.learn(frame[["b"]], strength=0.0, restarts=4, seed=1)
    assert len(found.starts) == 5
    assert found.objective[-1] >= max(found.starts) - 1e-9


def test_likelihoods_of_states_are_evidence_too(model):
    hard = model.learn(pd.DataFrame({"scoliosis": [True] * 40 + [False] * 60}), vary="scoliosis")
    soft = model.learn(
        pd.DataFrame(
            {
                "scoliosis=absent": [0.0] * 40 + [1.0] * 60,
                "scoliosis=present": [2.0] * 40 + [0.0] * 60,
            }
        ),
        vary="scoliosis",
    )
    assert soft.parameters[0].after == pytest.approx(hard.parameters[0].after, abs=1e-9)


def test_a_learned_network_is_saved_and_read_back(model, tmp_path):
    updated = model.update(model.sample(500, seed=3, missing=0.2))
    again = sl.load(updated.save(tmp_path / "learned.yaml"))
    assert again.fingerprint == updated.fingerprint
    assert "Updated with a table of 500 patients" in (tmp_path / "learned.yaml").read_text()


def test_threads_and_seeds_change_nothing(model):
    frame = model.sample(3000, seed=3, missing=0.3)
    one, four = (model.learn(frame, threads=t, limit=4) for t in (1, 4))
    assert [n.after for n in one.parameters] == [n.after for n in four.parameters]
    assert one.objective == four.objective


def test_settings_keep_their_own_numbers():
    model = sl.load("back-leg-pain", setting="emergency")
    frame = pd.DataFrame({"smoking": [True] * 90 + [False] * 10})
    updated = model.update(frame, vary="smoking")
    now = updated.observe().posterior("smoking")["present"]
    assert now > model.observe().posterior("smoking")["present"]
    before, after = (
        parameters_in(m.network, "primary_care")["smoking.prior"] for m in (model, updated)
    )
    overridden = "smoking.prior" in model.network.settings["emergency"].overrides
    assert (before == after) == overridden


def test_interrupted_it_keeps_the_best_so_far(model):
    frame = model.sample(400, seed=3, missing=0.4)
    from spinelink.table.cells import read_patients

    rows, numbers = read_patients(model, frame)

    def stop(step, value):
        if step == 2:
            raise KeyboardInterrupt

    found = learn_from_rows(
        model, rows, numbers=numbers, options=SearchOptions(restarts=0), on_progress=stop
    )
    assert not found.converged and len(found.objective) == 3
    assert "NOT CONVERGED" in str(found)
    assert found.objective[-1] > found.objective[0]


def test_impossible_rows_are_named(model):
    sure = model.with_parameters({"scoliosis.prior": 0.0})
    frame = pd.DataFrame({"numbness": [True, False, True], "scoliosis": [None, True, None]})
    with pytest.raises(ImpossibleEvidenceError, match=r"row 1: scoliosis=present"):
        sure.learn(frame)
    found = sure.learn(frame, on_impossible="skip")
    assert found.skipped == (1,) and found.patients == 2
    assert "left out: 1" in str(found)


@pytest.mark.parametrize(
    ("frame", "options", "error", "message"),
    [
        ({"numbnes": [True]}, {}, EvidenceError, "numbness"),
        ({"leg_pain": ["belowknee"]}, {}, EvidenceError, "row 0, column 'leg_pain'"),
        ({"numbness": [True]}, {"strength": -1}, SpinelinkError, "strength"),
        ({"numbness": [True]}, {"strength": float("nan")}, SpinelinkError, "strength"),
        ({"numbness": [True]}, {"restarts": 1.5}, SpinelinkError, "restarts"),
        ({"numbness": [True]}, {"limit": 0}, SpinelinkError, "limit"),
        ({"numbness": [True]}, {"tolerance": -1}, SpinelinkError, "tolerance"),
        ({"numbness": [True]}, {"vary": "scoliosys"}, UnknownNameError, "scoliosis"),
        ({"numbness": [True]}, {"on_impossible": "drop"}, UnknownNameError, "skip"),
        ({"numbness": [True], "w": [-1.0]}, {"weights": "w"}, EvidenceError, "0 or more"),
        ({"numbness": [True]}, {"weights": "w"}, UnknownNameError, "column"),
        ({"numbness": []}, {}, SpinelinkError, "no row"),
        ({"id": [1]}, {"keep": "id"}, SpinelinkError, "no column of the table is a node"),
        ({"numbness": [True], "w": [0.0]}, {"weights": "w"}, SpinelinkError, "nobody"),
    ],
)
def test_bad_tables_and_options_are_refused(model, frame, options, error, message):
    with pytest.raises(error, match=message):
        model.learn(pd.DataFrame(frame), **options)
    with pytest.raises(SpinelinkError, match="one row a patient"):
        model.learn([1, 2])


def test_a_column_that_stands_twice_is_named(model):
    frame = pd.DataFrame([[True, False, True]], columns=["numbness", "scoliosis", "numbness"])
    for ask in (model.learn, model.posteriors, lambda f: model.evaluate(f, "scoliosis")):
        with pytest.raises(EvidenceError, match="'numbness' stands in the table 2 times"):
            ask(frame)
