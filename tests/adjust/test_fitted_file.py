"""Fitted values in a file of their own: used where they belong, and never in silence where not."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import spinelink as sl
from spinelink.cli import commands
from spinelink.io.fitted_file import FittedValuesWarning, read_fitted, write_fitted
from spinelink.io.joint_file import LOSS, joint_bytes
from spinelink.network.joint import JointCovariance
from spinelink.networks_folder import bundled

PRIOR = "numbness.leak"


@pytest.fixture
def folder(tmp_path):
    """A folder with the teaching network and its claims."""
    for kind in ("", ".claims"):
        source = bundled()["minimal"].with_suffix(f"{kind}.yaml")
        shutil.copy(source, tmp_path / f"minimal{kind}.yaml")
    return tmp_path


@pytest.fixture
def fitted(folder):
    """The path of the network, after `spinelink fit`."""
    path = folder / "minimal.yaml"
    before = path.read_bytes()
    answer = CliRunner().invoke(commands, ["fit", str(path)])
    assert answer.exit_code == 0, answer.output
    assert path.read_bytes() == before
    assert "minimal.fitted.json" in answer.output
    return path


def quietly(path: Path) -> sl.Model:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return sl.load(path)


def test_load_answers_from_fitted_values(fitted):
    stated, model = sl.load("minimal"), quietly(fitted)
    assert model.stated == stated.network
    assert stated.in_force[PRIOR].value == 0.06
    found = stated.fit_claims().to_frame().set_index("parameter").loc[PRIOR]
    assert model.in_force[PRIOR].value == pytest.approx(found["after"], rel=1e-5)
    about = model.in_force[PRIOR].fitted
    assert about.prior == 0.06 and about.studies == ("stynes2018",)
    assert about.informed > 0.75  # one study: its own effect is not known, nor how large such are
    assert model.fingerprint != stated.fingerprint
    assert (
        model.observe(numbness=True).posterior("lumbar_disc_herniation").iloc[1]
        < (stated.observe(numbness=True).posterior("lumbar_disc_herniation").iloc[1])
    )


def test_fitting_again_begins_from_the_priors(fitted):
    again = quietly(fitted).fit_claims()
    rows = again.to_frame().set_index("parameter")
    assert rows.loc[PRIOR, "before"] == 0.06
    assert rows.loc[PRIOR, "after"] == pytest.approx(
        quietly(fitted).in_force[PRIOR].value, rel=1e-4
    )


@pytest.mark.parametrize(
    ("suffix", "old", "new", "reason"),
    [
        (".yaml", "estimate: 0.06", "estimate: 0.07", "the network has changed since"),
        (".claims.yaml", "# ", "#  ", "the claims have changed since"),
    ],
)
def test_what_was_made_from_something_else_is_not_used(fitted, suffix, old, new, reason):
    path = fitted.with_suffix(suffix)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.warns(FittedValuesWarning, match=reason):
        model = sl.load(fitted)
    assert model.stated is None and model.in_force[PRIOR].fitted is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"network": 1}', '{"network": "minimal"}'])
def test_a_broken_file_is_not_used(fitted, text):
    fitted.with_suffix(".fitted.json").write_text(text, encoding="utf-8")
    with pytest.warns(FittedValuesWarning, match="cannot be read"):
        assert sl.load(fitted).stated is None


def test_comments_may_change(fitted):
    text = fitted.read_text(encoding="utf-8")
    fitted.write_text(text.replace("# Findings", "# What patients tell"), encoding="utf-8")
    assert quietly(fitted).stated is not None


def test_save_keeps_priors_and_fitted_values_apart(fitted, tmp_path):
    model = quietly(fitted).with_parameters({"scoliosis.prior": 0.3})
    copy = model.save(tmp_path / "mine.yaml")
    assert sl.load(copy).in_force["scoliosis.prior"].value == 0.3
    again = quietly(copy)
    assert again == model
    assert again.in_force[PRIOR].value == model.in_force[PRIOR].value
    assert again.stated.nodes["numbness"].cpd.leak.value == 0.06
    said = json.loads((tmp_path / "mine.fitted.json").read_text(encoding="utf-8"))
    assert "scoliosis.prior" not in said["parameters"][""]


NODE = "nerve_root_compression"


def by_delta(model: sl.Model, **options) -> float:
    case = model.observe(numbness=True, leg_pain="below_knee")
    return case.intervals(NODE, method="delta", **options)[NODE].width


def test_load_and_save_keep_how_fitted_values_vary_together(fitted, tmp_path):
    model = quietly(fitted)
    found = sl.load("minimal").fitted(sl.load("minimal").fit_claims(progress=False))
    assert model.covariance.keys == found.covariance.keys
    assert by_delta(model) == pytest.approx(by_delta(found), rel=LOSS / 2.0)
    assert abs(by_delta(model, joint=False) - by_delta(model)) > 0.001
    again = quietly(model.save(tmp_path / "mine.yaml"))
    assert np.array_equal(again.covariance.covariance, model.covariance.covariance)
    changed = model.with_parameters({PRIOR: 0.05})
    copy = quietly(changed.save(tmp_path / "mine.yaml"))
    assert copy.covariance.keys == tuple(k for k in model.covariance.keys if k[1] != PRIOR)
    assert by_delta(copy) == pytest.approx(by_delta(changed), rel=LOSS)


def test_a_missing_or_wrong_covariance_is_not_used(fitted):
    path = fitted.with_suffix(".fitted.npz")
    data, alone = path.read_bytes(), by_delta(quietly(fitted), joint=False)
    other = sl.load("minimal").fitted(sl.load("minimal").fit_claims(limit=1, progress=False))
    one = next(iter(other.covariance.places))
    for wrong in (b"", data[:-7], joint_bytes(other.covariance.only(lambda key: key == one))):
        path.write_bytes(wrong)
        with pytest.warns(FittedValuesWarning, match="belongs to other fitted values"):
            model = sl.load(fitted)
        assert model.covariance is None and model.in_force[PRIOR].fitted is not None
        assert by_delta(model) == alone
    path.unlink()
    with pytest.warns(FittedValuesWarning, match="No such file"):
        assert sl.load(fitted).covariance is None
    path.write_bytes(data)
    assert quietly(fitted).covariance is not None


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ((("nowhere", PRIOR, None),), "other parameters"),
        (((None, PRIOR, "x"),), "other parameters"),
    ],
)
def test_a_covariance_of_other_parameters_is_not_used(fitted, keys, reason):
    file = read_fitted(fitted)
    write_fitted(fitted, file, joint=JointCovariance(keys, np.eye(1)))
    with pytest.warns(FittedValuesWarning, match=reason):
        assert sl.load(fitted).covariance is None


def test_values_without_a_covariance_are_independent(fitted):
    write_fitted(fitted, read_fitted(fitted))
    assert not fitted.with_suffix(".fitted.npz").exists()
    model = quietly(fitted)
    assert model.covariance is None and model.in_force[PRIOR].fitted is not None


def test_fitted_values_may_not_stand_in_the_network_file(folder):
    path = folder / "minimal.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("estimate: 0.06,", "estimate: 0.06, fitted: {prior: 0.1},"))
    with pytest.raises(sl.NetworkFileError, match="file"):
        sl.load(path)


def test_a_dry_run_writes_nothing(folder):
    answer = CliRunner().invoke(
        commands, ["fit", str(folder / "minimal.yaml"), "--dry-run", "--json"]
    )
    assert answer.exit_code == 0, answer.output
    assert not (folder / "minimal.fitted.json").exists()
    assert json.loads(answer.output)["result"]["answer"] == "EvidenceFit"


@pytest.mark.slow
def test_tuned_and_learned_models_keep_fitted_values_and_can_be_saved(fitted, tmp_path):
    model = quietly(fitted)
    tuned = model.fitted(model.tune(sl.constraint("P(scoliosis) == 0.1")))
    learned = model.update(model.sample(200, seed=1), vary=["scoliosis"], restarts=0)
    for changed, name in ((tuned, "tuned"), (learned, "learned")):
        assert changed.in_force["scoliosis.prior"].fitted is None
        assert changed.in_force[PRIOR] == model.in_force[PRIOR]
        assert changed.stated != model.stated
        again = quietly(changed.save(tmp_path / f"{name}.yaml"))
        assert again == changed
    assert tuned.without_findings.present("scoliosis")["scoliosis"] == pytest.approx(0.1, abs=1e-4)
