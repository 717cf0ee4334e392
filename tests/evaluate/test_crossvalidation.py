"""Figures predicted by fits without their studies: who is left out, scores by hand, the page, the plots."""

from __future__ import annotations

import json
import math
import re
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

mpl.use("Agg")

import matplotlib.pyplot as plt

import spinelink as sl
from benchmarks.crossvalidation import table
from spinelink.adjust.evidence.averaged import averaged
from spinelink.adjust.evidence.fit import search_for
from spinelink.adjust.evidence.linear import SPREAD_PRIOR
from spinelink.adjust.evidence.predict import predict
from spinelink.claims.file import claims_for
from spinelink.claims.studies import studies_of
from spinelink.cli import commands
from spinelink.errors import SpinelinkError
from spinelink.evaluate.crossvalidation import folds_by_study, predict_left_out
from spinelink.evaluate.predicted import LEVELS
from spinelink.network.claim import Claim
from spinelink.report.predictive_page import predictive_page

ON_FILE = Path(__file__).parents[1] / "data" / "minimal.crossvalidation.csv"


@pytest.fixture(scope="module")
def model():
    return sl.load("minimal")


@pytest.fixture(scope="module")
def found(model):
    return model.cross_validate(folds=5)


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def lifting(counts, source, **more):
    return Claim(
        kind="prevalence",
        condition={"heavy_lifting": "present"},
        counts=counts,
        source=source,
        fit="near",
        **more,
    )


STUDIES = {
    f"{k}{part}": lifting((n + part, 90), (f"study{k}", *also))
    for k, (n, also) in enumerate(
        [(12, ()), (30, ()), (18, ("twin",)), (25, ("twin",)), (9, ()), (40, ())]
    )
    for part in range(2)
}
"""Six sources with two figures each; the third and the fourth name a further one together."""


@pytest.mark.parametrize("folds", [2, 3, 5])
def test_folds_keep_studies_whole(folds):
    study = studies_of(STUDIES)
    assert len(set(study.values())) == 5
    for seed in range(4):
        fold_of = folds_by_study(STUDIES, folds, seed=seed)
        assert set(fold_of) == set(STUDIES) and set(fold_of.values()) == set(range(folds))
        for key in study.values():
            assert len({fold_of[n] for n in STUDIES if study[n] == key}) == 1
    assert folds_by_study(STUDIES, folds, seed=1) == folds_by_study(STUDIES, folds, seed=1)


def test_what_always_pulls_is_never_predicted(model):
    fold_of = {name: -1 if name.startswith(("0", "1")) else 0 for name in STUDIES}
    rows = predict_left_out(model, STUDIES, fold_of)
    assert [r.name for r in rows] == [n for n in STUDIES if fold_of[n] == 0]


def test_a_figure_left_out_does_not_move_its_own_prediction(model):
    """Another value of a figure changes nothing of what is expected of it, nor of its study's others."""
    fold_of = {name: 0 if name.startswith("4") else -1 for name in STUDIES}
    moved = {**STUDIES, "40": lifting((14, 90), "study4")}
    one, two = (
        {r.name: r for r in predict_left_out(model, claims, fold_of)} for claims in (STUDIES, moved)
    )
    assert one["40"].published != two["40"].published
    for name in ("40", "41"):
        assert one[name].mean == two[name].mean
    assert one["41"].interval_90 == two["41"].interval_90


def test_a_fold_ends_where_a_search_of_its_own_does(model, found):
    claims = claims_for(model).claims
    names = list(claims)
    for row in found.rows:
        search = search_for(model, claims, leave_out={row.name})
        reached = averaged(search, search.run())
        [alone] = predict(search, reached, np.array([names.index(row.name)]))
        assert row.mean == pytest.approx(alone.mean, abs=0.02)
        assert row.interval_90 == pytest.approx(alone.interval(0.9), abs=0.05)
        assert row.below == pytest.approx(alone.below(row.published), abs=0.01)


def test_scores_by_hand(found):
    rows, total = found.rows, found.total().iloc[0]
    assert total["figures"] == len(rows) == 5
    for level, name in ((0.5, "covered_50"), (0.9, "covered_90")):
        ends = [r.interval_50 if level == 0.5 else r.interval_90 for r in rows]
        inside = [a <= r.published <= b for r, (a, b) in zip(rows, ends, strict=True)]
        assert total[name] == pytest.approx(sum(inside) / 5)
        assert inside == [abs(2 * r.below - 1) <= level for r in rows]
    log_score = sum(r.log_score for r in rows) / 5
    stock, priors = (sum(getattr(r, b).log_score for r in rows) / 5 for b in ("stock", "priors"))
    assert total["log_score"] == pytest.approx(log_score)
    assert total["gain"] == pytest.approx(log_score - max(stock, priors))
    assert total["rank_score"] == pytest.approx(sum(r.rank_score for r in rows) / 5)
    errors = sorted(abs(r.mean - r.published) for r in rows)
    assert total["error"] == pytest.approx(errors[2])
    nearer = [abs(r.mean - r.published) < abs(r.stock.mean - r.published) for r in rows]
    assert total["nearer"] == pytest.approx(sum(nearer) / 5)
    by_kind = found.summary("kind")
    prevalences = [r for r in rows if r.claim.kind == "prevalence"]
    assert by_kind.loc["prevalence", "figures"] == len(prevalences) == 3
    assert by_kind.loc["prevalence", "rank_score"] == pytest.approx(
        sum(r.rank_score for r in prevalences) / 3
    )
    assert list(found.summary(["fit", "kind"]).index.names) == ["fit", "kind"]


def test_the_table_is_on_the_published_scale(found):
    frame = found.to_frame().set_index("claim")
    row = frame.loc["legpain_pc_2014"]
    assert row["published"] == 0.59
    assert row["predicted"] == pytest.approx(1.0 / (1.0 + math.exp(-row["scaled_predicted"])))
    assert row["low"] < row["predicted"] < row["high"]
    assert row["error"] == pytest.approx(abs(row["scaled_published"] - row["scaled_predicted"]))


def test_coverage_by_hand(found):
    curve = found.coverage()
    assert tuple(curve["nominal"]) == LEVELS and (LEVELS[0], LEVELS[-1]) == (0.1, 0.95)
    for nominal, observed in curve.itertuples(index=False):
        tail = (1.0 - nominal) / 2.0
        assert observed == sum(tail <= r.below <= 1.0 - tail for r in found.rows) / 5


def test_baselines_by_hand(model, found):
    """The stock: median and spread of the others of that kind; the priors: what the network says by itself."""
    rows = {r.name: r for r in found.rows}
    row = rows["legpain_pc_2014"]
    others = [r.published for n, r in rows.items() if r.claim.kind == "prevalence" and r is not row]
    middle, spread = np.median(others), np.std(others)
    assert row.stock.mean == pytest.approx(middle)
    z = (row.published - middle) / spread
    assert row.stock.log_score == pytest.approx(
        -0.5 * z**2 - math.log(spread * math.sqrt(2.0 * math.pi)), abs=1e-3
    )
    p = model.observe(back_pain=True).posterior("leg_pain")["none"]
    assert row.priors.mean == pytest.approx(math.log((1.0 - p) / p), abs=1e-6)
    claims = claims_for(model).claims
    search = search_for(model, claims)
    k = list(claims).index(row.name)
    study = math.hypot(SPREAD_PRIOR, row.claim.centre_and_error[1])
    slopes = search.figures.slopes_at(search.priors.mean)[k]
    prior = search.priors.covariance(np.ones(len(search.priors.kinds)))
    rng = np.random.default_rng(0)
    drawn = math.sqrt(slopes @ prior @ slopes) * rng.normal(size=400_000)
    density = np.exp(
        math.lgamma(2.5) - math.lgamma(2.0) - 0.5 * math.log(4.0 * math.pi) - math.log(study)
        - 2.5 * np.log1p(((row.published - row.priors.mean - drawn) / study) ** 2 / 4.0)
    )  # fmt: skip
    assert row.priors.log_score == pytest.approx(math.log(density.mean()), abs=0.02)


def test_by_year_one_fit_to_the_old_predicts_the_new(model):
    found = model.cross_validate(by="year")
    claims = claims_for(model)
    sources = {**model.network.sources, **claims.sources}
    years = {n: sources[c.source[0]].year for n, c in claims.claims.items()}
    assert {r.name for r in found.rows} == {n for n, year in years.items() if year > 2014}
    assert {r.fold for r in found.rows} == {0}
    assert 0 < len(found.rows) < len(years)
    assert "studies after 2014" in str(found)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"folds": 6}, "folds: a number from 2 to 5, the independent studies; not 6"),
        ({"folds": 1}, "folds is how many parts, 2 or more, not 1"),
        ({"by": "month"}, "study"),
        ({"seed": -1}, "seed is a whole number"),
    ],
)
def test_errors_say_what_is_allowed(model, options, said):
    with pytest.raises(SpinelinkError, match=said):
        model.cross_validate(**options)


def test_by_year_needs_both_ages(model, tmp_path):
    claims = tmp_path / "c.yaml"
    claims.write_text(
        "network: minimal\nclaims:\n  a: {kind: prevalence, condition: {scoliosis: present}, "
        "counts: [5, 60], source: perennou1994, fit: near}\n",
        encoding="utf-8",
    )
    with pytest.raises(SpinelinkError, match="studies up to 2014 and later ones"):
        model.cross_validate(claims, by="year")


@pytest.mark.parametrize("by", ["fitt", [], ["kind", 3], 3, ["claim"]])
def test_unknown_groups_are_refused(found, by):
    with pytest.raises(SpinelinkError, match="by"):
        found.summary(by)


def test_the_figures_are_those_on_file(model, found):
    """The whole computation again: the table of `benchmarks/crossvalidation.py` for the teaching network."""
    expected = pd.read_csv(ON_FILE, keep_default_na=False)
    again = table(found, model.fingerprint)
    assert list(again.columns) == list(expected.columns)
    numbers = expected.select_dtypes("float").columns
    words = [c for c in expected.columns if c not in numbers]
    assert again[words].astype(str).equals(expected[words].astype(str))
    np.testing.assert_allclose(again[numbers], expected[numbers], rtol=1e-4, atol=1e-6)


def test_both_plots(found):
    ax = found.plot()
    assert ax.get_xlabel() == "published figure" and ax.get_ylabel() == "predicted figure"
    diagonal = ax.lines[0].get_xydata()
    assert diagonal[:, 0] == pytest.approx(diagonal[:, 1])
    marks = {tuple(xy) for line in ax.lines[1:] for xy in line.get_xydata().round(9).tolist()}
    assert marks == {(round(r.published, 9), round(r.mean, 9)) for r in found.rows}
    segments = [s for c in ax.collections for s in c.get_segments()]
    drawn = sorted((x, low, high) for (x, low), (_, high) in segments)
    assert np.array(drawn) == pytest.approx(
        np.array(sorted((r.published, *r.interval_90) for r in found.rows))
    )
    ticks = dict(zip((t.get_text() for t in ax.get_xticklabels()), ax.get_xticks(), strict=True))
    assert ticks["10 %"] == pytest.approx(math.log(0.1 / 0.9)) and ticks["50 %"] == 0.0
    named = {t.get_text() for t in ax.get_legend().get_texts()}
    assert named == {"prevalence (3)", "sensitivity (1)", "p finding given condition (1)"}
    curve = found.plot_coverage()
    assert curve.get_xlabel() == "level of the predictive interval"
    assert curve.get_ylabel() == "figures inside"
    x, y = next(line for line in curve.lines if line.get_label() == "these figures").get_data()
    assert (list(x), list(y)) == (list(LEVELS), list(found.coverage()["observed"]))
    given = plt.subplots(1, 2)[1]
    assert found.plot(given[0]) is given[0] and found.plot_coverage(given[1]) is given[1]


def test_ratios_have_a_scale_of_their_own(model):
    ratio = Claim(
        kind="odds_ratio",
        condition={"heavy_lifting": "present"},
        finding={"lumbar_disc_herniation": "present"},
        table=(30, 20, 60, 120),
        source="other",
        fit="near",
    )
    claims = {**STUDIES, "ratio": ratio}
    rows = predict_left_out(model, claims, {n: 0 if n in ("ratio", "00") else -1 for n in claims})
    cross = model.cross_validate(folds=2)
    ax = type(cross)(cross.question, tuple(rows), "study").plot()
    assert ax.get_xlabel() == "published probability"
    above, right = (a for a in ax.child_axes)
    assert above.get_xlabel() == "published ratio" and right.get_ylabel() == "predicted ratio"
    assert "1" in [t.get_text() for t in above.get_xticklabels()]


def test_the_page_stands_alone_and_holds_what_it_should(found):
    page = predictive_page(found)
    assert page.startswith("<!doctype html>") and page == predictive_page(found)
    for heading in (
        "All figures",
        "Predicted against published",
        "How often intervals hold",
        "By kind of figure",
        "By setting",
        "By how well the question fits the study",
        "The least expected figures",
    ):
        assert f"<h2>{heading}</h2>" in page
    assert page.count("<svg ") == 2 and "90 % predictive" in page
    assert "80 % inside 90 % intervals" in page
    assert all(word in page for word in ("same population", "primary care", "sensitivity"))
    text = page.replace("<wbr>", "")
    order = sorted(found.rows, key=lambda r: r.log_score)
    places = [text.index(f"<td>{r.name}</td>") for r in order]
    assert places == sorted(places)
    loaded = (" src=", "href='http", 'href="http', "@import", "<script", "url(http")
    assert not [word for word in loaded if word in page]
    ids = [part.split('"')[0] for part in page.split(' id="')[1:]]
    assert len(ids) == len(set(ids)) > 0
    assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', page)) <= set(ids)


def test_the_page_without_matplotlib_says_so(found, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    page = predictive_page(found)
    assert "<svg " not in page and page.count("This picture is left out") == 2
    assert "By kind of figure" in page


def run(*words):
    return CliRunner().invoke(commands, ["audit", "-n", "minimal", *words])


def test_the_command(tmp_path, found):
    page = tmp_path / "p.html"
    answer = run("--predictive", "--folds", "5", "--html", str(page))
    assert answer.exit_code == 0, answer.output
    for word in (
        found.title(),
        "same population",
        "p_finding_given_condition",
        "primary_care",
        "all",
    ):
        assert word in answer.output
    assert page.read_text(encoding="utf-8") == predictive_page(found)
    document = json.loads(run("--predictive", "--folds", "5", "--json").output)["result"]
    assert document["by"] == "study" and len(document["rows"]) == 5
    assert document["total"]["covered_90"] == 0.8
    assert document["rows"][0]["below"] == pytest.approx(found.rows[0].below)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--folds", "3"], "--predictive"),
        (["--by", "year"], "--predictive"),
        (["--predictive", "--influence"], "without --predictive"),
        (["--predictive", "--by", "year", "--folds", "3"], "--by study"),
        (["--predictive"], "from 2 to 5"),
    ],
)
def test_the_command_refuses_in_words(words, said):
    answer = run(*words)
    assert answer.exit_code != 0
    assert said in f"{answer.output} {answer.exception}"
