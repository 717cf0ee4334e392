"""The publications behind an answer, and BibTeX."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import spinelink as sl
from spinelink.errors import EvidenceError, UnknownNameError
from spinelink.io.bibtex import bibtex
from spinelink.network.provenance import Source


@pytest.fixture(scope="module")
def case():
    return sl.load("minimal").observe(numbness=True, leg_pain="below_knee")


def test_sources_by_influence(case):
    """Influence by moving each number of a source one standard deviation, recomputed with the number moved a little."""
    found = case.sources("lumbar_disc_herniation").to_frame().set_index("source")
    assert list(found["influence"]) == sorted(found["influence"], reverse=True)
    assert "neurosurgerywiki" in found.index  # its prevalence
    assert "sato2011" not in found.index  # scoliosis and back pain say nothing of it here
    model, name = case.model, "numbness.link.nerve_root_compression.one_side"
    table = model.parameters().to_frame().set_index("id")
    step = 1e-5
    posteriors = [
        model.with_parameters({name: table.loc[name, "estimate"] + s * step})
        .observe(case.evidence)
        .posterior("lumbar_disc_herniation")["present"]
        for s in (-1, 1)
    ]
    low, high = table.loc[name, ["low", "high"]]
    p = table.loc[name, "estimate"]
    weight = p * (1 - p) / ((high - low) / 3.92) ** 2 - 1
    expected = abs(posteriors[1] - posteriors[0]) / (2 * step) * (p * (1 - p) / (weight + 1)) ** 0.5
    both = "numbness.link.nerve_root_compression.both_sides"
    assert (
        found.loc["hasvik2022", "parameters"].split(", ") == [name, both]
        or found.loc["hasvik2022", "parameters"] == name
    )
    assert found.loc["hasvik2022", "influence"] == pytest.approx(
        expected, rel=0.2
    )  # both_sides adds a little
    assert found.loc["hasvik2022", "influence"] >= expected * (1 - 1e-4)


def test_the_leading_cause_is_asked_about_where_none_is_named(case):
    found = case.sources()
    assert found.target == case.differential().causes[0].cause
    assert "without a publication" in str(found)


def test_a_known_cause_leaves_the_question_to_the_next_and_an_uncertain_one_keeps_it(case):
    order = [c.cause for c in case.differential(limit=None).causes]
    known = case.observe({order[0]: "present"})
    assert known.sources().target == next(
        c.cause for c in known.differential(limit=None).causes if c.cause != order[0]
    )
    with pytest.raises(EvidenceError, match="every cause is observed"):
        case.observe(dict.fromkeys(order, "present")).sources()


def test_influence_on_a_cause_with_an_uncertain_finding_goes_by_the_slope(case):
    """The same number with and without an uncertain finding on the cause: the influences are to each other as the slopes, by moving the number."""
    prior, step = "scoliosis.prior", 1e-5
    p = case.model.parameters().to_frame().set_index("id").loc[prior, "estimate"]

    def slope(asked):
        low, high = (
            case.model.with_parameters({prior: p + s * step})
            .observe(asked.evidence)
            .posterior("scoliosis")["present"]
            for s in (-1, 1)
        )
        return (high - low) / (2 * step)

    def influence(asked):
        (source,) = [s for s in asked.sources("scoliosis").sources if s.key == "perennou1994"]
        assert source.parameters == (prior,)
        return source.influence

    soft = case.observe(scoliosis={"absent": 1.0, "present": 3.0})
    assert influence(soft) / influence(case) == pytest.approx(slope(soft) / slope(case), rel=1e-6)
    assert slope(soft) / slope(case) > 1.5


def test_wrong_causes_are_refused(case):
    with pytest.raises(UnknownNameError, match="lumbar_disc_herniation"):
        case.sources("lumbar_disc_hernia")
    with pytest.raises(EvidenceError, match="observed"):
        case.observe(lumbar_disc_herniation=True).sources("lumbar_disc_herniation")


def test_bibtex_has_every_field_and_escapes():
    text = bibtex(
        {
            "b2": Source(
                authors="Devillé et al",
                year=2000,
                title="50% of {some} & others_x",
                journal="Spine",
                doi="10.1/x_y",
                pmid="12",
            ),
            "a1": Source(title="A page", secondhand=True, note="seen elsewhere"),
        }
    )
    assert text.index("@misc{a1,") < text.index("@article{b2,")
    assert "author = {{Devillé} and others}" in text
    assert r"title = {{50\% of \{some\} \& others\_x}}" in text
    assert "doi = {10.1/x_y}" in text
    assert "note = {second-hand; seen elsewhere}" in text
    for entry in text.strip().split("\n\n"):
        plain = re.sub(r"\\[{}]", "", entry)
        assert plain.count("{") == plain.count("}")


def test_all_sources_of_the_network():
    model = sl.load("back-leg-pain")
    assert model.to_bibtex().count("\n@") + 1 == len(model.network.sources)


def test_studies_that_moved_a_fitted_parameter_stand_behind_the_answer():
    """Those of the claims file too, by their full record; a fit to claims elsewhere has no record."""
    model = sl.load("back-leg-pain")
    case = model.observe(leg_pain="below_knee", straight_leg_raise=True)
    found = case.sources("lumbar_disc_herniation")
    by_key = {s.key: s for s in found.sources}
    names = {n for s in found.sources for n in s.parameters}
    moved = {n: set(model.in_force[n].fitted.studies) for n in names if model.in_force[n].fitted}
    studies = set().union(*moved.values())
    assert len(studies - set(model.network.sources)) > 3
    assert studies <= set(by_key)
    assert all(key in by_key and n in by_key[key].parameters for n in moved for key in moved[n])
    assert all(by_key[key].source.title for key in studies)
    assert not any(
        model.in_force[n].fitted.studies for n, _ in found.judged if model.in_force[n].fitted
    )
    elsewhere = replace(model, origin=None).observe(leg_pain="below_knee", straight_leg_raise=True)
    lost = {s.key: s.source for s in elsewhere.sources("lumbar_disc_herniation").sources}
    assert set(lost) == set(by_key)
    assert all(lost[key].note for key in studies - set(model.network.sources))


def test_a_changed_file_of_claims_is_read_again(tmp_path):
    for path in sorted((Path(__file__).parents[2] / "networks").glob("back-leg-pain.*")):
        shutil.copy(path, tmp_path)
    model = sl.load(tmp_path / "back-leg-pain.yaml")
    case = model.observe(leg_pain="below_knee", straight_leg_raise=True)

    def beside():
        known = model.network.sources
        return {s.key: s.source for s in case.sources().sources if s.key not in known}

    before = beside()
    key, title = next((k, s.title) for k, s in before.items() if len(s.title) > 30)
    claims = tmp_path / "back-leg-pain.claims.yaml"
    claims.write_text(claims.read_text(encoding="utf-8").replace(title, title[:-6]), "utf-8")
    assert beside()[key].title == title[:-6]
    claims.write_text("network: [", "utf-8")
    assert beside()[key].note
