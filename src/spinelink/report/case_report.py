"""Asks everything that a page about one case shows, and says what is left out, and why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from spinelink.case import Case
from spinelink.errors import ImpossibleEvidenceError, SpinelinkError
from spinelink.network.node import OBSERVABLE
from spinelink.options import flag, whole
from spinelink.query.alerts import alerts
from spinelink.query.intervals import intervals
from spinelink.query.link import link as find_link
from spinelink.query.next_best import next_best
from spinelink.query.overview import finding_words
from spinelink.query.ranking import differential, urgent_causes
from spinelink.query.reasons import explain
from spinelink.query.sources import sources
from spinelink.query.target import leading_cause
from spinelink.report.page import Page, output_path, write_page
from spinelink.typing import PathLike
from spinelink.view.text import NOTICE

ENDS = ("leg_pain", "back_pain")
"""The findings whose link a page shows."""
MOST_SOURCES = 15
"""Publications that a page lists."""
NO_CAUSES = "This network names no causes, so none are ranked, explained or asked about."
ALL_OBSERVED = (
    "Every cause was observed, so there are no intervals, and none is explained or asked about."
)


def report(case: Case, path: PathLike, *, limit: int = 10, link: bool = True) -> Path:
    """Writes one page about the case, to print or to send.

    It holds alerts, findings, ranked causes with intervals, urgent causes, the link, why, what next,
    what was not asked, sources, and which network was asked. If the findings contradict each other,
    it shows the alerts and the contradiction but no probabilities. A network without causes yields
    a shorter page.

    Args:
        case: the findings.
        path: the file to write; it appears whole or not at all.
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
    target = output_path(path)
    limit, link = (
        whole(limit, "limit", least=1, meaning="how many causes to list"),
        flag(link, "link"),
    )
    model = case.model
    page = Page(
        network=model.network,
        question=model.question(case.findings, log_evidence=float("nan")),
        findings=[(model.nodes[n].label, finding_words(case, n)) for n in case.findings],
        alerts=alerts(case),
        unasked=_unasked(case),
        notice=NOTICE,
    )
    try:
        page = replace(page, question=case.question())
    except ImpossibleEvidenceError as error:
        return write_page(target, replace(page, contradiction=str(error)))
    parts = _causes(case, limit) | (_link(case) if link else {})
    return write_page(target, replace(page, **parts))


def _unasked(case: Case) -> list[str]:
    """Labels of what can be observed and was not."""
    return [
        node.label
        for name, node in case.model.nodes.items()
        if node.role in OBSERVABLE and name not in case.findings
    ]


def _causes(case: Case, limit: int) -> dict[str, Any]:
    """What a page says of the causes, or why it says less."""
    ranked = case.model.network.ranked
    if not ranked:
        return {"left_out": NO_CAUSES}
    ranking = differential(case, limit=limit)
    parts: dict[str, Any] = {"ranking": ranking, "urgent": urgent_causes(case)}
    if all(case.is_observed(n) for n in ranked):
        return parts | {"left_out": ALL_OBSERVED}
    leading = leading_cause(case)
    hidden = [c.cause for c in ranking.causes if not case.is_observed(c.cause)]
    return parts | {
        "intervals": intervals(case, hidden, method="delta") if hidden else None,
        "reasons": explain(case, leading),
        "next_best": next_best(case),
        "sources": sources(case, leading).sources[:MOST_SOURCES],
    }


def _link(case: Case) -> dict[str, Any]:
    """The link of leg pain and back pain, or why there is none; nothing where both are absent."""
    nodes = case.model.nodes
    if any(n not in nodes for n in ENDS):
        return {}
    if all(case.findings.get(n) == nodes[n].states[0] for n in ENDS):
        return {}
    try:
        return {"link": find_link(case, *ENDS)}
    except SpinelinkError as error:
        return {"no_link": str(error)}
