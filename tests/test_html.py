"""What a notebook shows of every kind of answer: its HTML is escaped, scrolls in its own box, and says nothing where there is no number."""

from __future__ import annotations

import inspect
import re
from html.parser import HTMLParser

import pandas as pd
import pytest

import spinelink as sl
from spinelink import diagnosis  # noqa: F401  (all kinds of results are there once it is loaded)
from spinelink.diagnosis import Model
from spinelink.evaluate.score import score
from spinelink.result import Result
from spinelink.view.html import ROWS, in_notebook, table
from spinelink.view.text import show_number

EVIL = "<script>alert('x')</script> & <b>bold</b>"
FOUND = {"numbness": True, "leg_pain": "below_knee", "back_pain": True}


def kinds():
    """Every class of result that the package has."""
    stack, found = [Result], set()
    while stack:
        for each in stack.pop().__subclasses__():
            stack.append(each)
            found.add(each)
    return found


@pytest.fixture(scope="module")
def evil():
    """A network whose labels, questions and titles are markup."""
    network = sl.load("minimal").network
    nodes = {
        n: v.model_copy(
            update={"label": f"{v.label} {EVIL}", "question": EVIL, "description": EVIL}
        )
        for n, v in network.nodes.items()
    }
    alerts = {
        n: a.model_copy(update={"label": EVIL, "advice": EVIL, "certainty": EVIL})
        for n, a in network.alerts.items()
    }
    sources = {
        n: s.model_copy(update={"title": EVIL, "authors": EVIL}) for n, s in network.sources.items()
    }
    update = {
        "nodes": nodes,
        "alerts": alerts,
        "sources": sources,
        "title": EVIL,
        "intended_use": EVIL,
    }
    return Model(network.model_copy(update=update), setting=network.default_setting)


@pytest.fixture(scope="module")
def shown(evil):
    case = evil.observe(FOUND)
    cohort = evil.sample(200, seed=1, missing=0.3)
    herniation = "lumbar_disc_herniation"
    prior = f"{herniation}.prior"
    sensitivity = case.sensitivity(herniation)
    constraint = sl.constraint(f"P({herniation}) == 0.06")
    plain = sl.load("minimal")
    return {
        "model": evil,
        "network": evil.network,
        "nodes": evil.nodes,
        "found": evil.findings("leg"),
        "described": evil.describe("numbness"),
        "case": case,
        "graph": case.graph(),
        "soft": evil.observe(leg_pain={"none": 0, "above_knee": 0.2, "below_knee": 0.8}),
        "ranking": case.differential(),
        "ranking with intervals": case.differential(interval=0.9, draws=32),
        "alerts": evil.observe(leg_pain="below_knee", bladder_dysfunction=True).alerts(),
        "intervals": case.intervals(draws=32),
        "reasons": case.explain(),
        "next": case.next_best(limit=None),
        "link": case.link(),
        "link with intervals": case.link(interval=0.9, draws=8),
        "attribution": case.attribute("leg_pain"),
        "sensitivity": sensitivity,
        "function": sensitivity.function(prior),
        "two": case.two_way(herniation, prior, "numbness.leak"),
        "sweep": case.sweep(prior, [0.1, 0.2]),
        "settings": case.across_settings(),
        "sources": case.sources(herniation),
        "numbers": evil.parameters(),
        "mpe": case.most_probable_explanation(),
        "conflict": case.conflict(),
        "validation": evil.evaluate(cohort, herniation, bootstrap=10),
        "learning": evil.learn(cohort, restarts=0, limit=2),
        "tuning": evil.tune(constraint),
        "difference": evil.diff(evil.with_parameters({prior: 0.1})),
        "networks": sl.networks(),
        "audit": plain.audit(),
        "fit": plain.fit_claims(limit=1),
        "cases": score(plain),
        "cross-validation": plain.cross_validate(folds=2),
        "clinic": evil.simulate_clinic(30, asked=5, progress=False),
        "beta": sl.Beta(2, 3),
    }


class Reader(HTMLParser):
    """Which tables stand outside a box that scrolls, and which tags there are."""

    def __init__(self):
        super().__init__()
        self.open, self.loose, self.tags, self.words = [], 0, set(), []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        style = dict(attrs).get("style") or ""
        if tag in ("table", "pre") and not any(
            "overflow-x:auto" in s for _, s in [*self.open, (tag, style)]
        ):
            self.loose += 1
        if tag not in ("br", "img", "wbr"):
            self.open.append((tag, style))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag, f"</{tag}> closes nothing"

    def handle_data(self, data):
        self.words.append(data)


def test_every_kind_is_here(shown):
    there = {type(v) for v in shown.values()}
    assert {k.__name__ for k in kinds()} <= {k.__name__ for k in there}


def test_html_is_whole_escaped_and_scrolls_in_its_own_box(shown):
    for name, each in shown.items():
        html = each._repr_html_()
        reader = Reader()
        reader.feed(html)
        assert reader.open == [], name
        if name not in ("model", "network", "beta"):
            assert not reader.loose, f"{name}: a table as wide as it likes"
        assert "script" not in reader.tags and "<b>bold" not in html, name
        words = " ".join(reader.words)
        assert not re.search(r"\bnan\b|\bNaN\b|\bNone\b|\binf\b", words), name
        assert "\n" not in html or "<pre" in html or "<svg" in html, (
            f"{name}: line breaks that a notebook does not show"
        )
        assert not re.search(r"\d\.0*[1-9]\d{6,}", words), f"{name}: too many digits"


def test_columns_of_whole_numbers_and_empty_cells():
    html = table(
        pd.DataFrame(
            {
                "rank": [4.0, 23.0, float("nan")],
                "share": [0.01234, 1.0, float("nan")],
                "text": [None, "a\nb", "<i>"],
            }
        )
    )
    cells = re.findall(r"<td[^>]*>(.*?)</td>", html)
    assert cells == ["4", "0.0123", "", "23", "1", "a<br>b", "", "", "&lt;i&gt;"]


def test_a_long_table_is_cut_and_says_so():
    html = table(pd.DataFrame({"n": range(ROWS + 7)}))
    assert html.count("<tr>") == ROWS + 1 and "7 more rows: .to_frame()" in html


def test_the_lines_of_a_title_stay_apart():
    assert "<p>one<br>two &lt;</p>" in in_notebook("one\ntwo <", "")


def test_a_ranking_shows_its_intervals(shown):
    with_, without = shown["ranking with intervals"], shown["ranking"]
    assert f"{show_number(with_[0].low)} to " in with_._repr_html_()
    assert "<th style='text-align:left'>interval</th>" not in without._repr_html_()


def test_a_soft_finding_is_said(shown):
    assert (
        "uncertain, likelihoods" in shown["soft"]._repr_html_()
        and "above knee 0.2" in shown["soft"]._repr_html_()
    )


def test_what_the_text_says_the_notebook_says_too(shown):
    assert (
        "log odds" in shown["reasons"]._repr_html_()
        and "conflict" in shown["conflict"]._repr_html_()
    )


def test_no_method_of_a_case_gives_something_that_does_not_show_itself(evil):
    """Whatever a frozen answer is called, it has HTML."""
    import spinelink.adjust.evidence.result
    import spinelink.evaluate.case_score
    import spinelink.evaluate.predicted
    import spinelink.query.sensitivity as sensitivity

    for kind in (
        *kinds(),
        sensitivity.SensitivityFunction,
        spinelink.adjust.evidence.result.EvidenceFit,
        spinelink.evaluate.predicted.CrossValidation,
        spinelink.evaluate.case_score.CaseScore,
    ):
        assert inspect.isfunction(kind._repr_html_), kind
