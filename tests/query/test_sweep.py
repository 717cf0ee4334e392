"""A grid of values, and settings side by side, against models with those numbers."""

from __future__ import annotations

import numpy as np
import pytest

import spinelink as sl
from spinelink.errors import (
    ImpossibleEvidenceError,
    ParameterError,
    SpinelinkError,
    UnknownNameError,
)


@pytest.fixture(scope="module")
def model():
    return sl.load("minimal")


@pytest.fixture(scope="module")
def case(model):
    return model.observe(numbness=True, leg_pain="below_knee")


@pytest.mark.parametrize(
    ("parameter", "values", "change"),
    [
        ("lumbar_disc_herniation.prior", [0.01, 0.2, 0.9], float),
        ("lumbar_disc_herniation.odds_ratio.heavy_lifting", [0.5, 8.0], float),
        ("numbness.leak", [0.0, 0.3], float),
    ],
)
def test_each_value_is_a_model_of_its_own(model, case, parameter, values, change):
    found = case.sweep(parameter, values)
    frame = found.to_frame()
    assert list(frame.columns) == [*model.network.ranked, "log_evidence"]
    assert list(frame.index) == values
    for value in values:
        there = model.with_parameters({parameter: change(value)}).observe(case.evidence)
        assert frame.loc[value, "log_evidence"] == pytest.approx(there.log_evidence, abs=1e-10)
        for name in model.network.ranked:
            assert frame.loc[value, name] == pytest.approx(
                there.posterior(name).iloc[1:].sum(), abs=1e-10
            )


def test_a_state_of_a_distribution_and_nodes_of_ones_own(model, case):
    found = case.sweep(
        "leg_pain.leak[none]", np.linspace(0.5, 0.9, 3), of=["numbness", "scoliosis"]
    )
    assert found.nodes == ("numbness", "scoliosis")
    before = model.network.nodes["leg_pain"].cpd.leak.estimate
    scale = 0.5 / (1.0 - before["none"])
    leak = {s: 0.5 if s == "none" else p * scale for s, p in before.items()}
    there = model.with_parameters({"leg_pain.leak": leak}).observe(case.evidence)
    assert found.to_frame()["scoliosis"].iloc[0] == pytest.approx(
        there.posterior("scoliosis")["present"], abs=1e-10
    )
    assert (found.to_frame()["numbness"] == 1.0).all()
    assert "now" in str(found)


def test_without_findings_it_gives_marginals(model):
    frame = model.sweep("scoliosis.prior", [0.1, 0.4]).to_frame()
    assert frame["scoliosis"].tolist() == pytest.approx([0.1, 0.4])
    assert (
        model.sweep("scoliosis.prior", [0.1], findings={"numbness": True})
        .to_frame()["log_evidence"]
        .iloc[0]
        < 0.0
    )


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        (lambda c: c.sweep("scoliosis.prio", [0.1]), UnknownNameError, "scoliosis.prior"),
        (lambda c: c.sweep("scoliosis.prior", [0.1, 1.2]), ParameterError, "from 0 to 1; not 1.2"),
        (lambda c: c.sweep("scoliosis.prior", [float("nan")]), ParameterError, "from 0 to 1"),
        (
            lambda c: c.sweep("lumbar_disc_herniation.odds_ratio.heavy_lifting", [0.0]),
            ParameterError,
            "above 0",
        ),
        (lambda c: c.sweep("scoliosis.prior", []), SpinelinkError, "1 to"),
        (lambda c: c.sweep("scoliosis.prior", ["x"]), ParameterError, "values"),
        (
            lambda c: c.sweep("leg_pain.leak", [0.1]),
            UnknownNameError,
            r"write leg_pain.leak\[state\]",
        ),
        (lambda c: c.sweep("numbness.leak[present]", [0.1]), ParameterError, "without"),
        (lambda c: c.sweep("numbness.leak", [0.1], of="nobody"), UnknownNameError, "nobody"),
    ],
)
def test_bad_sweeps_are_refused(case, ask, error, message):
    with pytest.raises(error, match=message):
        ask(case)


def test_settings_side_by_side(model, case):
    found = case.across_settings()
    assert found.settings == model.settings
    frame = found.to_frame()
    for setting in model.settings:
        there = model.in_setting(setting).observe(case.evidence)
        ranked = there.differential(limit=None)
        assert found.log_evidence[setting] == there.log_evidence
        by_rank = frame.sort_values((setting, "rank"))["", "cause"].tolist()
        assert by_rank == [c.cause for c in ranked.causes]
        posterior = dict(zip(frame["", "cause"], frame[setting, "posterior"], strict=True))
        assert posterior == {c.cause: c.posterior for c in ranked.causes}
    assert model.settings[0] in str(found)


def test_settings_that_do_not_exist(case):
    with pytest.raises(UnknownNameError, match="setting"):
        case.across_settings(["mars"])
    with pytest.raises(SpinelinkError, match="no settings"):
        sl.from_pgmpy(case.model.to_pgmpy()).observe().across_settings()


def test_impossible_values_are_not_numbers(model):
    """A sweep to where the findings cannot occur says so by nan, and goes on."""
    sure = model.with_parameters({"cauda_equina_compression.leak": 0.001})
    with pytest.raises(ImpossibleEvidenceError):
        model.with_parameters({"scoliosis.prior": 0.0}).observe(scoliosis=True).log_evidence  # noqa: B018
    frame = (
        sure.observe(scoliosis=True)
        .sweep("scoliosis.prior", [0.0, 0.5], of=["numbness"])
        .to_frame()
    )
    assert np.isneginf(frame["log_evidence"].iloc[0]) and np.isfinite(frame["numbness"].iloc[1])
    assert np.isnan(frame["numbness"].iloc[0])
