"""Every question of a model and of a case, asked once of the teaching network.

A new question is added here; `test_questions.py` says which is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pandas as pd

import spinelink as sl
from spinelink.diagnosis import Case, Model

FINDINGS = {"leg_pain": "below_knee", "numbness": True, "back_pain": True}


@cache
def model() -> Model:
    return sl.load("minimal")


@cache
def case() -> Case:
    return model().observe(FINDINGS)


@cache
def patients() -> pd.DataFrame:
    return model().sample(300, seed=1)


OF_CASE: dict[str, Callable[[Case], Any]] = {
    "across_settings": lambda c: c.across_settings(),
    "alerts": lambda c: c.observe(bladder_dysfunction=True).alerts(),
    "attribute": lambda c: c.attribute("leg_pain", interval=0.9, draws=8),
    "conflict": lambda c: c.conflict(),
    "differential": lambda c: c.differential(interval=0.9, draws=32),
    "explain": lambda c: c.explain(),
    "graph": lambda c: c.graph(),
    "intervals": lambda c: c.intervals(draws=32),
    "joint": lambda c: c.joint(["scoliosis", "foot_deformity"]),
    "link": lambda c: c.link(interval=0.9, draws=8),
    "most_probable_explanation": lambda c: c.most_probable_explanation(best=2),
    "next_best": lambda c: c.next_best(horizon=2),
    "posterior": lambda c: c.posterior("scoliosis"),
    "posteriors": lambda c: c.posteriors(),
    "sample": lambda c: c.sample(5),
    "sensitivity": lambda c: c.sensitivity(),
    "sources": lambda c: c.sources(),
    "sweep": lambda c: c.sweep("scoliosis.prior", [0.1, 0.2]),
    "two_way": lambda c: c.two_way("scoliosis", "scoliosis.prior", "numbness.leak", points=3),
    "urgent_causes": lambda c: c.urgent_causes(0.0),
}
"""Questions about a case that have an answer to look at."""

OF_MODEL: dict[str, Callable[[Model], Any]] = {
    "audit": lambda m: m.audit(),
    "cpt": lambda m: m.cpt("leg_pain"),
    "cross_validate": lambda m: m.cross_validate(folds=2, progress=False),
    "describe": lambda m: m.describe("numbness"),
    "diff": lambda m: m.diff(m.with_parameters({"scoliosis.prior": 0.2})),
    "evaluate": lambda m: m.evaluate(patients(), "scoliosis", bootstrap=20, progress=False),
    "findings": lambda m: m.findings("leg"),
    "fit_claims": lambda m: m.fit_claims(limit=1, progress=False),
    "graph": lambda m: m.graph(),
    "learn": lambda m: m.learn(patients(), restarts=0, progress=False),
    "parameters": lambda m: m.parameters(),
    "posteriors": lambda m: m.posteriors(patients().head(5), progress=False),
    "sample": lambda m: m.sample(5),
    "simulate_clinic": lambda m: m.simulate_clinic(60, asked=10, progress=False),
    "sweep": lambda m: m.sweep("scoliosis.prior", [0.1, 0.2]),
    "tune": lambda m: m.tune(sl.constraint("P(scoliosis) == 0.1"), progress=False),
}
"""Questions about a model that have an answer to look at."""

NO_ANSWER = {
    *("evidence", "explore", "findings", "interview", "is_observed", "log_evidence", "marginals"),
    *("model", "names", "observe", "observed", "present", "prior_present", "question", "report"),
    *("retract", "case", "compiled", "compiled_in", "engine", "fingerprint"),
    *("fitted", "in_force", "in_setting", "limits", "memory", "name", "network", "nodes", "origin"),
    *("save", "scorer", "setting", "settings", "to_bibtex", "to_networkx", "to_pgmpy", "update"),
    *("covariance", "log_selected", "stated", "values", "with_parameters", "without_findings"),
}
"""Members that answer with a plain value, a model, a case, a file or a widget."""
