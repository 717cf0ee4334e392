"""Intervals under the joint covariance of a fit: by hand, by draws, and where only a sum is known."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

import spinelink as sl
from spinelink.adjust.coordinates import at
from spinelink.adjust.evidence.fit import fit_figures
from spinelink.errors import SpinelinkError
from spinelink.inference.joint_parameters import parameters_together
from spinelink.inference.sampled_parameters import draw_values
from spinelink.io.joint_file import LOSS, joint_bytes, joint_from_bytes
from spinelink.network.claim import Claim
from spinelink.network.coordinates import coordinates, key_of
from spinelink.network.joint import JointCovariance
from spinelink.network.parameter import Ratio
from spinelink.network.setting import parameters_in, with_parameters
from spinelink.query.effects import effects_of_parameters

FINDINGS = {"numbness": True, "leg_pain": "below_knee", "back_pain": True}
NODE = "nerve_root_compression"
Z = 1.959963984540054


@pytest.fixture(scope="module")
def fit():
    return sl.load("minimal").fit_claims(progress=False)


@pytest.fixture(scope="module")
def model(fit):
    return sl.load("minimal").fitted(fit)


def together_of(model):
    return parameters_together(
        model.covariance, model.network, setting=model.setting, parameters=model.in_force
    )


def log_odds(model, node, findings=FINDINGS):
    p = model.observe(findings).present(node)[node]
    return np.log(p) - np.log1p(-p)


def deviation_of(row):
    """Of the log odds, from the ends of a 95 % interval by the delta method."""
    low, high = (np.log(p) - np.log1p(-p) for p in (row.low, row.high))
    return (high - low) / (2.0 * Z)


def moved(model, block, step):
    """The model with one parameter at other coordinates."""
    parameter = model.in_force[block.id]
    changed = at(coordinates(block, parameter) + step, block, parameter=parameter)
    network = with_parameters(model.network, model.setting, {block.id: changed})
    return replace(model, network=network)


def slopes_by_differences(model, blocks, node, step=1e-4):
    """Of the log odds of a node by coordinates, (coordinates,)."""
    slopes = []
    for block in blocks:
        for unit in step * np.eye(block.size):
            up, down = (log_odds(moved(model, block, s * unit), node) for s in (1.0, -1.0))
            slopes.append((up - down) / (2.0 * step))
    return np.array(slopes)


def by_hand(model, fit, node):
    """The deviation of a node's log odds from finite differences and the covariance of the fit."""
    blocks = list(together_of(model).blocks.values())
    keys = [model.covariance.keys[k] for b in blocks for k in range(b.start, b.start + b.size)]
    rows = [fit.keys.index(key) for key in keys]
    slopes = slopes_by_differences(model, blocks, node)
    variance = slopes @ fit.covariance[np.ix_(rows, rows)] @ slopes
    case = model.observe(FINDINGS)
    effects = effects_of_parameters(case, [(model.compiled.index[node], 0)])
    p, tied = case.present(node)[node], {b.id for b in blocks}
    rest = sum(float(e[0]) ** 2 for name, e in effects.items() if name not in tied)
    return np.sqrt(variance + rest / (p * (1.0 - p)) ** 2)


@pytest.mark.parametrize("node", [NODE, "lumbar_disc_herniation", "gait_abnormality"])
def test_delta_is_slopes_and_covariance_by_hand(model, fit, node):
    case = model.observe(FINDINGS)
    found = deviation_of(case.intervals(node, method="delta")[node])
    expected = by_hand(model, fit, node)
    assert found == pytest.approx(expected, rel=1e-6)
    alone = deviation_of(case.intervals(node, method="delta", joint=False)[node])
    assert abs(alone - expected) > 1e-4 * expected
    stored = replace(model, covariance=joint_from_bytes(joint_bytes(model.covariance))).observe(
        FINDINGS
    )
    compact = deviation_of(stored.intervals(node, method="delta")[node])
    assert abs(np.log(compact / expected)) <= LOSS / 2.0


def test_shares_sum_to_one(model):
    rows = model.observe(FINDINGS).intervals(method="delta").rows
    for row in rows:
        assert sum(share for _, share in row.shares) == pytest.approx(1.0)


@pytest.fixture(scope="module")
def of_sum():
    """A model in which studies tell the sum of two parameters, and nothing about either."""
    counts = ((1200 + 3 * k, 10_000) for k in range(8))
    claims = {
        f"s{k}": Claim(
            kind="prevalence",
            condition={"gait_abnormality": "present"},
            counts=c,
            source=f"study{k}",
            fit="same population",
        )
        for k, c in enumerate(counts)
    }
    model = sl.load("minimal")
    varied = ["gait_abnormality.leak", "gait_abnormality.link.foot_deformity"]
    return model.fitted(fit_figures(model, claims, vary=varied))


@pytest.mark.parametrize("options", [{"method": "delta"}, {"draws": 2048}])
def test_a_known_sum_gives_a_narrow_interval(of_sum, options):
    """Both parameters remain wide, and what depends on their sum does not."""
    rest = [n for n in of_sum.in_force if n not in together_of(of_sum).blocks]
    sure = of_sum.with_parameters({n: surely(of_sum.in_force[n]) for n in rest})
    assert len(together_of(sure).blocks) == 2
    case = sure.observe()
    joint = case.intervals("gait_abnormality", **options)
    alone = case.intervals("gait_abnormality", joint=False, **options)
    assert joint.joint and not alone.joint
    assert "together" in joint.title() and "together" not in alone.title()
    # Less than half: how far eight studies differ is not known well, and the sum is as uncertain.
    assert joint["gait_abnormality"].width < 0.5 * alone["gait_abnormality"].width


def surely(parameter, people=20_000.0):
    """The parameter as if it were known from so many people."""
    if isinstance(parameter, Ratio):
        around = (parameter.estimate / 1.01, parameter.estimate * 1.01)
        return parameter.model_copy(update={"interval": around, "word": None, "fitted": None})
    other = {"interval": None, "counts": None, "beta": None, "word": None, "fitted": None}
    known = {"estimate": parameter.value, "equivalent_sample_size": people}
    return parameter.model_copy(update={**other, **known})


def test_draws_have_the_covariance_of_the_fit(model):
    together = together_of(model)
    drawn = draw_values(
        model.network, model.in_force, draws=8192, seed=2, only=together.blocks, together=together
    )
    states = model.network.nodes
    found, rows = [], []
    for name, block in together.blocks.items():
        rows += range(block.start, block.start + block.size)
        p = drawn[name]
        if block.states:
            order = [states[name.split(".")[0]].states.index(s) for s in block.states]
            assert np.allclose(p.sum(axis=0), 1.0)
            found += list(np.log(p[order[1:]] / p[order[0]]))
        else:
            is_ratio = isinstance(model.in_force[name], Ratio)
            found.append(np.log(p) if is_ratio else np.log(p) - np.log1p(-p))
    expected = model.covariance.covariance[np.ix_(rows, rows)]
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    assert np.abs((np.cov(found) - expected) / scale).max() < 0.04
    correlation = expected / scale - np.eye(len(rows))
    assert np.abs(correlation).max() > 0.2
    centre = np.concatenate(
        [coordinates(b, model.in_force[b.id]) for b in together.blocks.values()]
    )
    assert np.allclose(np.mean(found, axis=1), centre, atol=0.02 * np.sqrt(np.diag(expected)).max())


def test_draws_and_delta_agree_where_parameters_are_sure(model):
    """With a tenth of the deviations, posteriors are nearly linear in the parameters."""
    rest = [n for n in model.in_force if n not in together_of(model).blocks]
    sure = model.with_parameters({n: surely(model.in_force[n]) for n in rest})
    joint = sure.covariance
    small = JointCovariance(joint.keys, joint.covariance * 0.01)
    case = replace(sure, covariance=small).observe(FINDINGS)
    drawn, closed = case.intervals(draws=8192), case.intervals(method="delta")
    for row in drawn.rows:
        other = closed[row.node]
        assert abs(row.low - other.low) < 0.06 * row.width, row.node
        assert abs(row.high - other.high) < 0.06 * row.width, row.node


def test_differential_takes_the_same_intervals(model):
    case = model.observe(FINDINGS)
    for joint in (None, True, False):
        ranking = case.differential(interval=0.9, draws=256, joint=joint)
        rows = case.intervals(level=0.9, draws=256, joint=joint)
        assert all((c.low, c.high) == (rows[c.cause].low, rows[c.cause].high) for c in ranking)
    together, alone = (case.differential(interval=0.9, draws=256, joint=j) for j in (None, False))
    assert [c.low for c in together.causes] != [c.low for c in alone.causes]


def test_without_a_covariance_it_is_refused_in_words():
    case = sl.load("minimal").observe(FINDINGS)
    with pytest.raises(SpinelinkError, match="spinelink fit"):
        case.intervals(joint=True)
    with pytest.raises(SpinelinkError, match="True, False or None"):
        case.intervals(joint="yes")
    with pytest.raises(SpinelinkError, match="True, False or None"):
        case.differential(joint=3)
    assert not case.intervals(draws=8).joint


def test_changed_parameters_are_dropped(model):
    name = next(iter(together_of(model).blocks))
    p = model.in_force[name].value
    assert isinstance(p, float)
    changed = model.with_parameters({name: p * 0.9})
    key = key_of(model.network, name, setting=model.setting)
    assert key in model.covariance.places and key not in changed.covariance.places
    assert len(changed.covariance) == len(model.covariance) - 1
    assert name not in together_of(changed).blocks
    kept = [k for k, (setting, n, _) in enumerate(model.covariance.keys) if (setting, n) != key]
    left = model.covariance.covariance[np.ix_(kept, kept)]
    assert np.array_equal(changed.covariance.covariance, left)
    numbers = {n: q.value for n, q in parameters_in(model.network, model.setting).items()}
    assert model.with_parameters(numbers).covariance is None
    assert model.in_setting(model.setting).covariance is model.covariance


def test_what_is_tuned_or_learned_leaves_the_covariance(model):
    """The others stay tied; what was changed is independent of them."""
    name = "numbness.leak"
    assert name in {key[1] for key in model.covariance.keys}
    tuned = model.fitted(
        model.tune(sl.constraint("P(numbness) == 0.4"), vary=[name], progress=False)
    )
    updated = model.update(model.sample(50, seed=1), vary=[name], restarts=0, progress=False)
    for changed in (tuned, updated):
        left = {key[1] for key in changed.covariance.keys}
        assert left == {key[1] for key in model.covariance.keys} - {name}


def test_it_travels(model):
    again = pickle.loads(pickle.dumps(model))
    case, other = model.observe(FINDINGS), again.observe(FINDINGS)
    options = {"nodes": NODE, "method": "delta"}
    assert other.intervals(**options).to_dict() == case.intervals(**options).to_dict()
    assert other.intervals(**options).joint
