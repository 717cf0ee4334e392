"""The claims on each bundled network: complete, true to the evidence stock, and kept by the network as far as the model card says."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
import yaml

import spinelink as sl
from spinelink.claims.file import claims_for
from spinelink.errors import SpinelinkError
from spinelink.evaluate.predicted import scores
from spinelink.evaluate.stock import evidence_uses, read_stock
from spinelink.networks_folder import bundled
from spinelink.report.card import files_of

STOCK = Path(__file__).parents[2] / "evidence" / "evidence.yaml"
NAME = "back-leg-pain"
WITH_CLAIMS = [
    name for name, path in bundled().items() if path.with_suffix(".claims.yaml").exists()
]


@cache
def stock():
    return {r["id"]: r for r in yaml.load(STOCK.read_text(), Loader=yaml.CSafeLoader)["records"]}


@cache
def model():
    return sl.load(NAME)


@cache
def claims():
    return claims_for(model())


@cache
def audit():
    return model().audit()


def test_every_record_is_used_or_its_disuse_explained():
    uses = evidence_uses(model().network, claims(), stock=read_stock(STOCK))
    assert {u.record.id for u in uses} == set(stock())
    assert len(uses) == 965
    assert all(len(u.reason) > 4 for u in uses if u.use == "unused")


def test_a_stock_may_be_a_folder():
    assert set(read_stock(STOCK)) < set(read_stock(STOCK.parent))


def test_a_record_that_is_nowhere_is_named():
    records = read_stock(STOCK)
    some = next(iter(claims().unused))
    fewer = claims().model_copy(
        update={"unused": {k: v for k, v in claims().unused.items() if k != some}}
    )
    with pytest.raises(SpinelinkError, match=f"{some} is neither used nor listed"):
        evidence_uses(model().network, fewer, stock=records)


@pytest.mark.parametrize("network", WITH_CLAIMS)
def test_claims_say_what_their_records_say(network):
    """Value and interval are the record's; a claim without the record's interval has none, as where a range is not one of uncertainty."""
    for name, claim in claims_for(sl.load(network)).claims.items():
        [record] = [stock()[r] for r in claim.evidence]
        if claim.value is not None and record.get("value") is not None:
            assert claim.value == record["value"], name
        if claim.interval is not None:
            assert list(claim.interval) == [record["low"], record["high"]], name
        assert claim.secondhand == bool(record.get("secondhand")), name


@pytest.mark.parametrize("name", WITH_CLAIMS)
def test_no_identifier_that_is_not_in_the_stock(name):
    known = {str(r["source"].get(k)).casefold() for r in stock().values() for k in ("doi", "pmid")}
    for key, source in claims_for(sl.load(name)).sources.items():
        for identifier in (source.doi, source.pmid):
            assert identifier is None or identifier.casefold() in known, f"{key}: {identifier}"


@pytest.mark.parametrize("network", WITH_CLAIMS)
def test_claims_cite_the_sources_of_their_records(network):
    loaded = sl.load(network)
    found = claims_for(loaded)
    sources = {**loaded.network.sources, **found.sources}
    for name, claim in found.claims.items():
        source = stock()[claim.evidence[0]]["source"]
        cited = [sources[key] for key in claim.source]
        assert any(
            (source.get("doi") and source["doi"].casefold() == (c.doi or "").casefold())
            or (source.get("pmid") and str(source["pmid"]) == c.pmid)
            or source.get("title") == c.title
            for c in cited
        ), name


def test_secondhand_and_undetermined_figures_are_never_called_the_same_population():
    for name, claim in claims().claims.items():
        if claim.fit == "same population":
            assert not claim.secondhand, name
            assert claim.bounds_kind != "assumed", name


def test_predictions_are_as_sure_as_they_say():
    """Of figures whose question fits the study, 90 % predictive intervals hold 85 to 95 %, studies left out."""
    frame = pd.read_csv(bundled()[NAME].with_suffix(".crossvalidation.csv"), keep_default_na=False)
    fitting = frame[frame["fit"] != "far"].assign(fit="same or near")
    found = scores(fitting, ["fit"]).loc["same or near"]
    assert 0.85 <= found["covered_90"] <= 0.95
    assert found["nearer"] >= 0.65


@pytest.mark.slow
def test_card_and_table_of_uses_are_current():
    for path, text in files_of(model(), STOCK).items():
        assert path.read_text(encoding="utf-8") == text, (
            f"run: spinelink card {NAME} --stock evidence/evidence.yaml"
        )


def test_the_cross_validation_is_of_these_claims():
    """A fit for each fold takes minutes, so the table is committed; it must at least be about the claims as they are."""
    path = bundled()[NAME].with_suffix(".crossvalidation.csv")
    rows = list(csv.DictReader(path.open(newline="")))
    assert {r["claim"] for r in rows} == set(claims().claims)
    for r in rows:
        claim = claims().claims[r["claim"]]
        assert r["fit"] == claim.fit
        assert float(r["scaled_published"]) == pytest.approx(
            claim.centre_and_error[0], rel=1e-5, abs=1e-6
        )  # the file holds six digits
    by_source = {}
    for r in rows:
        for key in claims().claims[r["claim"]].source:
            by_source.setdefault(key, set()).add(r["fold"])
    assert all(len(folds) == 1 for folds in by_source.values())


def test_no_claim_that_is_kept_says_why_it_is_missed():
    for row in audit().rows:
        if row.inside:
            assert row.claim.missed is None, row.name
