"""The library's own score on published cases."""

from __future__ import annotations

from pathlib import Path

from spinelink.diagnosis import Model
from spinelink.errors import SpinelinkError
from spinelink.evaluate.cases import CaseScore, Outcome, PublishedCase, Vocabulary, outcome, read_case, read_cases, read_vocabulary
from spinelink.io.beside import beside


def score(model: Model, cases: Path | None = None, vocabulary: Path | None = None) -> CaseScore:
    """Ranks every published case in its own setting and compares with what it turned out to be.

    cases, vocabulary: files; those beside the model's network file where None.
    """
    cases = cases or beside(model.origin, "cases")
    if cases is None:
        raise SpinelinkError(f"no file of cases beside network {model.name!r}; name one")
    words = vocabulary or beside(model.origin, "vocabulary")
    meaning = read_vocabulary(words, model.network) if words else None
    return CaseScore(model.name, tuple(_outcome(model, case, meaning) for case in read_cases(cases)))


def _outcome(model: Model, case: PublishedCase, vocabulary: Vocabulary | None) -> Outcome:
    reading = read_case(case, model.network, vocabulary)
    in_setting = model.in_setting(reading.setting) if reading.setting else model
    observed = in_setting.observe({n: f if isinstance(f, str) else dict(f) for n, f in reading.findings.items()})
    right = vocabulary.diagnoses.get(case.diagnosis, (case.diagnosis,)) if vocabulary else (case.diagnosis,)
    ranking = [(c.cause, c.posterior) for c in observed.differential(limit=None).causes]
    return outcome(reading, right, ranking, [(a.urgency, a.rule) for a in observed.alerts()])
