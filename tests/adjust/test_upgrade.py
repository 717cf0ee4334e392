"""Networks of the former design: fitted and figure-bound parameters become priors."""

from __future__ import annotations

import shutil

import pytest
from click.testing import CliRunner

import spinelink as sl
from spinelink.adjust.upgrade import WIDE, upgraded
from spinelink.claims.file import claims_for
from spinelink.cli import commands
from spinelink.network.parameter import Probability, Ratio
from spinelink.network.uncertainty import log_deviation, spread_weight
from spinelink.networks_folder import bundled

CLAIMED = "hasvik2022__numbness__lumbar_disc_herniation__pc"
LINK = "numbness.link.nerve_root_compression.both_sides"


def test_what_was_fitted_gets_its_value_from_before():
    model = sl.load("minimal")
    leak = model.in_force["numbness.leak"].model_copy(update={"estimate": 0.1, "before_fit": 0.06})
    changed = model.with_parameters({"numbness.leak": leak})
    done = upgraded(changed.network, claimed=())
    assert (done.restored, done.widened) == (1, 0)
    found = sl.Model(done.network).in_force["numbness.leak"]
    assert (found.estimate, found.before_fit) == (0.06, None)


def test_what_rests_on_claims_gets_a_wide_prior_and_the_rest_stays():
    model = sl.load("minimal")
    done = upgraded(model.network, claimed={CLAIMED, "or_lrs_lifting_with_bending_or_twisting"})
    assert (done.restored, done.widened) == (0, 2)
    new = sl.Model(done.network).in_force
    link, ratio = new[LINK], new["lumbar_disc_herniation.odds_ratio.heavy_lifting"]
    assert isinstance(link, Probability) and isinstance(ratio, Ratio)
    assert link.value == 0.65
    # The interval is symmetric in log odds, and a Beta's is nearly so.
    assert spread_weight(link) * 0.65 * 0.35 == pytest.approx(1.0 / WIDE**2, rel=0.25)
    assert log_deviation(ratio) == pytest.approx(WIDE, rel=0.01)
    one_side = "numbness.link.nerve_root_compression.one_side"
    assert new[one_side] == model.in_force[one_side], "one of its two records is no claim"


def test_the_command_keeps_comments_and_what_it_writes_can_be_read(tmp_path):
    for kind in ("", ".claims"):
        source = bundled()["minimal"].with_suffix(f"{kind}.yaml")
        shutil.copy(source, tmp_path / f"minimal{kind}.yaml")
    path, out = tmp_path / "minimal.yaml", tmp_path / "new.yaml"
    text = path.read_text(encoding="utf-8")
    moved = text.replace("leak: {estimate: 0.06,", "leak: {estimate: 0.1, before_fit: 0.06,")
    assert moved != text
    path.write_text(moved, encoding="utf-8")
    answer = CliRunner().invoke(commands, ["upgrade", str(path), "--output", str(out)])
    assert answer.exit_code == 0, answer.output
    said = " ".join(answer.output.split())
    assert "1 parameters as before their fit, 1 with wider priors" in said
    comments = [line for line in moved.splitlines() if line.lstrip().startswith("#")]
    assert [n for n in out.read_text().splitlines() if n.lstrip().startswith("#")] == comments
    new = sl.load(out)
    assert new.in_force["numbness.leak"].value == 0.06
    assert not any(p.before_fit for p in new.in_force.values())
    again = CliRunner().invoke(commands, ["upgrade", str(out)])
    assert "0 parameters as before their fit" in again.output


def test_the_bundled_network_is_upgraded_already():
    model = sl.load("back-leg-pain")
    claims = claims_for(model).claims.values()
    done = upgraded(model.stated, claimed={record for c in claims for record in c.evidence})
    assert (done.restored, done.widened) == (0, 0)
