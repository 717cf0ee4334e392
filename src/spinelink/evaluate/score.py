"""The library's own score on published cases."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from spinelink.case import Model
from spinelink.errors import SpinelinkError, TooLargeError
from spinelink.evaluate.case_score import CaseScore, Outcome, outcome
from spinelink.evaluate.cases import (
    PublishedCase,
    Vocabulary,
    read_case,
    read_cases,
    read_vocabulary,
)
from spinelink.io.companion_file import companion_file
from spinelink.progress import bar
from spinelink.query.alerts import alerts
from spinelink.query.link import link
from spinelink.query.ranking import differential

SCORES = ".case-scores.csv"
"""Beside a network whose cases take long: `CaseScore.to_frame`, as CSV."""


def score(
    model: Model,
    cases: Path | None = None,
    *,
    vocabulary: Path | None = None,
    links: bool = False,
    progress: bool | None = None,
) -> CaseScore:
    """Every published case ranked in its own setting, against what it turned out to be.

    Args:
        model: the network.
        cases: a file of cases; the one beside the network file where None.
        vocabulary: what the words of the cases mean; likewise.
        links: also ask, of each case coded as back to leg or leg to back, whether its back pain and
            leg pain are linked that way (seconds a case on a large network).
        progress: show a progress bar; None: in a terminal only.

    Returns:
        How often the library is right.

    Raises:
        SpinelinkError: there is no file of cases.
        NetworkFileError: a file is bad.
    """
    cases = cases or companion_file(model.origin, "cases")
    if cases is None:
        raise SpinelinkError(f"no file of cases beside network {model.name!r}; name one")
    words = vocabulary or companion_file(model.origin, "vocabulary")
    meaning = read_vocabulary(words, model.network) if words else None
    published = read_cases(cases)
    outcomes = []
    with bar("cases", len(published), progress) as on_progress:
        for done, case in enumerate(published, 1):
            outcomes.append(outcome_of(model, case, vocabulary=meaning, links=links))
            on_progress(done)
    return CaseScore(model.question(cases=len(published), links=links), tuple(outcomes))


def outcome_of(
    model: Model, case: PublishedCase, *, vocabulary: Vocabulary | None, links: bool = False
) -> Outcome:
    """One published case in its own setting; see `score`."""
    reading = read_case(case, model.network, vocabulary=vocabulary)
    in_setting = model.in_setting(reading.setting) if reading.setting else model
    entered = in_setting.observe(reading.as_given)
    right: tuple[str, ...] = (case.diagnosis,)
    if vocabulary:
        right = vocabulary.diagnoses.get(case.diagnosis, right)
    fired = [(a.urgency, a.rule) for a in alerts(entered)]
    try:
        ranking = differential(entered, limit=None).causes
    except TooLargeError:  # alerts do not wait for it; the case counts as missed
        return outcome(reading, right, ranking=(), alerts=fired)
    answer = outcome(reading, right, ranking=ranking, alerts=fired)
    if not links or case.link not in ("back_to_leg", "leg_to_back"):
        return answer
    try:
        shares = link(entered, "leg_pain", "back_pain").shares
    except TooLargeError:
        return answer
    return replace(answer, ways=(shares["first_from_second"], shares["second_from_first"]))
