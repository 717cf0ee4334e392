"""Asks everything that a page about one case shows, and says what is left out, and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from spinelink.case import Case
from spinelink.errors import ImpossibleEvidenceError, reason
from spinelink.network.labels import finding_words
from spinelink.network.node import OBSERVABLE
from spinelink.options import flag, whole_or_none
from spinelink.query.alerts import alerts
from spinelink.query.intervals import Intervals, intervals
from spinelink.query.link import link as find_link
from spinelink.query.next_best import next_best
from spinelink.query.ranking import Ranking, differential, urgent_causes
from spinelink.query.reasons import explain
from spinelink.query.sources import sources
from spinelink.report.page import Page, output_path, write_page
from spinelink.typing import PathLike
from spinelink.view.text import NOTICE

ENDS = ("leg_pain", "back_pain")
"""The findings whose link a page shows."""
NO_CAUSES = "This network names no causes, so none are ranked, explained or asked about."
ALL_OBSERVED = (
    "Every cause was observed, so there are no intervals, and none is explained or asked about."
)
MISSING = "This part is missing."
WAITING = (
    "This part is not there yet: it was still being computed when this page was written. "
    "If it never comes, the computation was stopped."
)


def report(case: Case, path: PathLike, *, limit: int = 10, link: bool = True) -> Path:
    """Writes one page about the case, to print or to send.

    It holds alerts, findings, ranked causes with intervals, urgent causes, the link, why, what next,
    what was not asked, sources, and which network was asked. If the findings contradict each other,
    it shows the alerts and the contradiction but no probabilities. A network without causes yields
    a shorter page.

    A page with the alerts and findings is written before anything is computed; the full page
    replaces it. A part that cannot be computed is left out, and the page says so in its place.

    Args:
        case: the findings.
        path: the file to write; it is whole at any time.
        limit: how many causes.
        link: whether to ask for the link of leg pain and back pain, which takes some seconds on a
            large network.

    Returns:
        The path.

    Raises:
        PageError: the page cannot be written there. It is a SpinelinkError and an OSError.

    Example:
        >>> import tempfile, pathlib, spinelink as sl
        >>> case = sl.load("minimal").observe(leg_pain="below_knee", numbness=True)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     page = case.report(pathlib.Path(folder) / "case.html", link=False)
        ...     print(page.name)
        case.html
    """
    return write_report(case, path, limit=limit, link=link)[0]


def write_report(
    case: Case, path: PathLike, *, limit: int = 10, link: bool = True
) -> tuple[Path, dict[str, str]]:
    """Writes the page of `report`.

    Args:
        case: the findings.
        path: the file to write.
        limit: how many causes.
        link: whether to ask for the link of leg pain and back pain.

    Returns:
        The path, and why parts are missing, by part.

    Raises:
        PageError: the page cannot be written there.
        BaseException: Ctrl-C ends the computation; what was there by then is on the page.
    """
    target = output_path(path)
    page = _first_page(case)
    limit_of = whole_or_none(limit, "limit", meaning="how many causes to list")
    steps = _steps(case, limit=limit_of, link=flag(link, "link"))
    page = replace(page, missing={**dict.fromkeys(steps, WAITING), **page.missing})
    write_page(target, page)
    try:
        page = replace(page, question=case.question())
    except ImpossibleEvidenceError as error:
        write_page(target, replace(page, contradiction=str(error), missing={}))
        return target, {}
    except Exception:  # each part says for itself what it lacks
        pass
    try:
        for part, step in steps.items():
            page = _with_part(page, part, step)
    except BaseException:  # Ctrl-C: what is there is kept
        write_page(target, page)
        raise
    write_page(target, page)
    return target, dict(page.missing)


def _first_page(case: Case) -> Page:
    """What is known without any probability."""
    model = case.model
    return Page(
        network=model.network,
        question=model.question(case.findings, log_evidence=float("nan")),
        findings=[(model.nodes[n].label, finding_words(f)) for n, f in case.findings.items()],
        alerts=alerts(case),
        unasked=_unasked(case),
        notice=NOTICE,
        left_out=_left_out(case),
    )


def _with_part(page: Page, part: str, step: Callable[[Page], dict[str, Any]]) -> Page:
    """The page with one more part, or with the reason why it is missing."""
    missing = {name: why for name, why in page.missing.items() if name != part}
    try:
        return replace(page, missing=missing, **step(page))
    except Exception as error:
        return replace(page, missing=missing | {part: f"{MISSING} {reason(error)}"})


def _unasked(case: Case) -> list[str]:
    """Labels of what can be observed and was not."""
    return [
        node.label
        for name, node in case.model.nodes.items()
        if node.role in OBSERVABLE and name not in case.findings
    ]


def _left_out(case: Case) -> str:
    """Why less is asked about the causes; empty where all is."""
    ranked = case.model.network.ranked
    if not ranked:
        return NO_CAUSES
    return ALL_OBSERVED if all(case.is_observed(n) for n in ranked) else ""


def _steps(
    case: Case, *, limit: int | None, link: bool
) -> dict[str, Callable[[Page], dict[str, Any]]]:
    """What is computed for a page, by part, the quickest first. Each is given the page so far."""
    steps: dict[str, Callable[[Page], dict[str, Any]]] = {}
    if case.model.network.ranked:
        steps["causes"] = lambda page: {"ranking": differential(case, limit=limit)}
        steps["urgent causes"] = lambda page: {"urgent": urgent_causes(case)}
    if not _left_out(case):
        steps["intervals"] = lambda page: {"intervals": _intervals(case, page.ranking)}
        steps["next"] = lambda page: {"next_best": next_best(case)}
        steps["sources"] = lambda page: {"sources": sources(case)}
        steps["why"] = lambda page: {"reasons": explain(case)}
    if link and _has_ends(case):
        steps["link"] = lambda page: {"link": find_link(case, *ENDS)}
    return steps


def _intervals(case: Case, ranking: Ranking | None) -> Intervals | None:
    """The intervals of the causes on the page that are not observed."""
    causes = () if ranking is None else ranking.causes
    hidden = [c.cause for c in causes if not case.is_observed(c.cause)]
    return intervals(case, hidden, method="delta") if hidden else None


def _has_ends(case: Case) -> bool:
    """Whether the link can be asked for: the network has both findings, and not both are absent."""
    nodes = case.model.nodes
    if any(n not in nodes for n in ENDS):
        return False
    return any(case.findings.get(n) != nodes[n].states[0] for n in ENDS)
