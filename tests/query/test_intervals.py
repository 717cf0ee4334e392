"""Credible intervals from the uncertainty of the numbers: the draws, the answers under each, and the closed form beside them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import spinelink as sl
from spinelink.errors import EvidenceError, SpinelinkError, UnknownNameError
from spinelink.inference.sampled_parameters import draw_values, posterior_draws
from spinelink.network.setting import parameters_in
from spinelink.network.uncertainty import spread_weight


@pytest.fixture(scope="module")
def model():
    return sl.load("minimal")


@pytest.fixture(scope="module")
def case(model):
    return model.observe(numbness=True, leg_pain="below_knee", back_pain=True)


@pytest.mark.parametrize("sequence", ["sobol", "random"])
def test_draws_have_the_distributions_that_the_file_states(model, sequence):
    parameters = parameters_in(model.network, model.setting)
    drawn = draw_values(model.network, parameters, draws=4096, seed=4, sequence=sequence)
    counted = drawn["scoliosis.prior"]  # 50 of 671
    assert stats.kstest(counted, stats.beta(50, 621).cdf).statistic < 0.03
    ratio = drawn["lumbar_disc_herniation.odds_ratio.heavy_lifting"]  # 2.84 (2.18 to 3.69)
    assert (
        stats.kstest(
            np.log(ratio), stats.norm(np.log(2.84), np.log(3.69 / 2.18) / 3.92).cdf
        ).statistic
        < 0.03
    )
    states = drawn["leg_pain.leak"]  # Dirichlet of 20 people
    assert np.allclose(states.sum(axis=0), 1.0)
    assert np.allclose(states.mean(axis=1), [0.75, 0.17, 0.08], atol=0.01)
    assert np.allclose(states.var(axis=1), [p * (1 - p) / 21 for p in (0.75, 0.17, 0.08)], rtol=0.1)
    rare = drawn[
        "cauda_equina_compression.leak"
    ]  # 0.0003 of 20 people: about that rare, not anything up to 0.3
    assert spread_weight(parameters["cauda_equina_compression.leak"]) == pytest.approx(1 / 0.0003)
    assert rare.max() < 0.01


def test_each_draw_is_the_answer_of_a_model_with_those_numbers(model, case):
    parameters = parameters_in(model.network, model.setting)
    nodes = [model.compiled.index[n] for n in model.network.ranked]
    found = posterior_draws(
        model.network,
        parameters,
        compiled=model.compiled,
        observed=case.observed,
        nodes=nodes,
        draws=20,
        seed=5,
    )
    drawn = draw_values(
        model.network, parameters, draws=20, seed=5, only=_relevant(model, case, nodes)
    )
    for k in (0, 7, 19):
        changes = {}
        for name, value in drawn.items():
            if value.shape[-1] > 1:
                column = value[..., k]
                states = _states(model, name)
                changes[name] = (
                    dict(zip(states, column.tolist(), strict=True))
                    if value.ndim == 2
                    else float(column)
                )
        changed = model.with_parameters(changes).observe(case.evidence)
        assert found.log_evidence[k] == pytest.approx(changed.log_evidence, abs=1e-6)
        for name, node in zip(model.network.ranked, nodes, strict=True):
            assert found.posterior[node][1, k] == pytest.approx(
                changed.posterior(name).iloc[1], abs=1e-7
            )


def _relevant(model, case, nodes):
    names = {model.compiled.names[i] for i in model.compiled.ancestors([*case.observed, *nodes])}
    return {n for n in parameters_in(model.network, model.setting) if n.split(".")[0] in names}


def _states(model, name):
    return model.nodes[name.split(".")[0]].states


def test_draws_and_closed_form_agree_where_the_numbers_are_sure(model):
    """With every number known from 5,000 people posteriors are nearly linear in them: normal intervals of the log odds are then right."""
    numbers = {
        n: p.model_copy(
            update={
                "interval": None,
                "counts": None,
                "beta": None,
                "equivalent_sample_size": 5000.0,
                "estimate": p.value,
            }
        )
        if hasattr(p, "equivalent_sample_size")
        else p.model_copy(update={"interval": (p.estimate / 1.02, p.estimate * 1.02)})
        for n, p in parameters_in(model.network, model.setting).items()
    }
    sure = model.with_parameters(numbers).observe(numbness=True, leg_pain="below_knee")
    drawn, closed = sure.intervals(draws=8192), sure.intervals(method="delta")
    for row in drawn.rows:
        other = closed[row.node]
        assert row.posterior == other.posterior
        assert abs(row.low - other.low) < 0.12 * row.width, row.node
        assert abs(row.high - other.high) < 0.12 * row.width, row.node


def test_ranks_and_shares(case):
    found = case.intervals(draws=1000)
    frame = found.to_frame()
    assert frame["first"].sum() == pytest.approx(1.0)
    assert (frame["low"] <= frame["posterior"]).all() and (
        frame["posterior"] <= frame["high"]
    ).all()
    assert (frame["rank_low"] >= 1).all() and (frame["rank_high"] <= len(frame)).all()
    shares = found.shares("scoliosis")
    assert shares["share"].sum() == pytest.approx(1.0)
    assert shares["share"].is_monotonic_decreasing
    assert "sampled parameters" in str(found)


def test_the_same_seed_the_same_draws_and_threads_change_nothing(model, case):
    first, second = case.intervals(draws=600, seed=9), case.intervals(draws=600, seed=9)
    assert first.to_frame().equals(second.to_frame())
    assert not first.to_frame().equals(case.intervals(draws=600, seed=10).to_frame())
    parameters = parameters_in(model.network, model.setting)
    node = model.compiled.index["scoliosis"]
    one, four = (
        posterior_draws(
            model.network,
            parameters,
            compiled=model.compiled,
            observed=case.observed,
            nodes=[node],
            draws=1100,
            threads=t,
        ).posterior[node]
        for t in (1, 4)
    )
    assert np.array_equal(one, four)


def test_a_differential_with_intervals(case):
    plain, with_them = case.differential(), case.differential(interval=0.9, draws=500)
    assert [c.cause for c in plain.causes] == [c.cause for c in with_them.causes]
    assert list(plain.to_frame().columns) == [
        "cause",
        "label",
        "prior",
        "posterior",
        "ratio",
        "urgency",
    ]
    assert {"low", "high", "first"} <= set(with_them.to_frame().columns)
    assert all(c.low <= c.posterior <= c.high for c in with_them.causes)
    wider = {c.cause: c.high - c.low for c in case.differential(interval=0.99, draws=500).causes}
    assert all(wider[c.cause] >= c.high - c.low for c in with_them.causes)


def test_draws_under_which_the_findings_cannot_occur_are_counted(model):
    """Numbers of exactly 0 do not vary, so nothing becomes possible or impossible by drawing."""
    found = (
        model.with_parameters({"cauda_equina_compression.leak": 0.0})
        .observe(bladder_dysfunction=True)
        .intervals(draws=200)
    )
    assert found.impossible == 0


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"level": 95}, SpinelinkError, "between 0 and 1"),
        ({"level": True}, SpinelinkError, "between 0 and 1"),
        ({"draws": 1}, SpinelinkError, "from 2 to"),
        ({"draws": 10.5}, SpinelinkError, "from 2 to"),
        ({"method": "bootstrap"}, UnknownNameError, "delta"),
        ({"nodes": "scoliosys"}, UnknownNameError, "scoliosis"),
        ({"nodes": ["numbness"]}, EvidenceError, "observed"),
    ],
)
def test_bad_questions_are_refused(case, options, error, message):
    with pytest.raises(error, match=message):
        case.intervals(**options)
