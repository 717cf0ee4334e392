"""One case on one page: it stands alone, loads nothing, and can be printed in black and white."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from spinelink.errors import SpinelinkError, shown
from spinelink.files import require_ending, write_text
from spinelink.network.labels import finding_label, text_label
from spinelink.network.network import Network
from spinelink.network.provenance import Source
from spinelink.network.question import Question
from spinelink.query.alerts import Alert, Alerts
from spinelink.query.intervals import Intervals
from spinelink.query.link import Link
from spinelink.query.next_best import Candidate, NextBest
from spinelink.query.ranking import Ranking
from spinelink.query.reasons import Reasons
from spinelink.query.sources import Sources
from spinelink.view.html import (
    Html,
    document,
    element,
    paragraph,
    rows_table,
    section,
)
from spinelink.view.text import short_number, show_number, show_percent, show_percents

STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;"
    "color:#1b1f24;background:#fff}"
    "h1{font-size:1.5rem}h2{font-size:1.15rem;border-bottom:2px solid #57606a;margin-top:2rem}"
    "table{border-collapse:collapse;width:100%;font-size:13.5px}"
    "th{text-align:left;border-bottom:1px solid #57606a;padding:.25rem .5rem}"
    "td{border-bottom:1px solid #d0d7de;padding:.25rem .5rem;vertical-align:top;"
    "overflow-wrap:break-word}"
    "td.n,th.n{text-align:right;white-space:nowrap}"
    ".alert{border:2px solid #1b1f24;border-left-width:10px;padding:.5rem .8rem;margin:.6rem 0}"
    ".room{display:block;width:9rem}"
    ".bar{display:block;height:.7em;background:#57606a;min-width:1px}"
    ".missing{border-left:4px solid #57606a;padding-left:.8rem}"
    ".quiet{color:#57606a;font-size:13px}"
    "@media print{body{margin:0;max-width:none;font-size:11pt}h2{break-after:avoid}"
    "tr,.alert{break-inside:avoid}.bar{print-color-adjust:exact}}"
)
NOTHING = Html("")
PAGE_ENDINGS = (".html", ".htm", ".xhtml")
MOST_SOURCES = 15
"""Publications that are listed."""
CARRIERS = 3
"""Causes and mechanisms that are named for a link pattern."""


class PageError(SpinelinkError, OSError):
    """A page that cannot be written where it should be."""


@dataclass(frozen=True, eq=False)
class Page:
    """What a page shows. A part is None if it was not asked for, or there is nothing to ask.

    contradiction: why the findings cannot occur together; then no probability is shown.
    left_out: why less is said of the causes. missing: of each part that was asked for and is not
    there, why, in a sentence.
    """

    network: Network
    question: Question
    findings: Sequence[tuple[str, str]]
    alerts: Alerts
    unasked: Sequence[str]
    notice: str
    contradiction: str = ""
    ranking: Ranking | None = None
    urgent: Ranking | None = None
    intervals: Intervals | None = None
    link: Link | None = None
    reasons: Reasons | None = None
    next_best: NextBest | None = None
    sources: Sources | None = None
    left_out: str = ""
    missing: Mapping[str, str] = field(default_factory=dict)


def output_path(path: object) -> Path:
    """The file that a page goes to, checked before anything is computed.

    Args:
        path: what the caller gave.

    Returns:
        The path; its folder exists.

    Raises:
        PageError: it is no path, not named as HTML, a folder, or in a folder that does not exist.
    """
    name = os.fspath(path) if isinstance(path, str | os.PathLike) else path
    if not isinstance(name, str) or not name:
        raise PageError(f"a page goes to a file, as 'case.html', not to {shown(path)}.")
    target = Path(name)
    try:
        require_ending(target, *PAGE_ENDINGS)
    except SpinelinkError as error:
        raise PageError(str(error)) from None
    try:
        if target.is_dir():
            raise PageError(f"{target} is a folder; name a file in it, as {target / 'case.html'}.")
        if not target.parent.is_dir():
            raise PageError(
                f"{target}: there is no folder {target.parent}; make it, or name another place."
            )
    except PageError:
        raise
    except OSError as error:
        raise _unwritable(target, error) from None
    return target


def write_page(target: Path, p: Page) -> Path:
    """Writes a page, in full or not at all, and returns its path. Raises PageError."""
    try:
        return write_text(target, page(p))
    except (OSError, ValueError) as error:
        raise _unwritable(target, error) from None


def _unwritable(target: Path, error: Exception) -> PageError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return PageError(f"{target} cannot be written ({reason}); name another place.")


def page(p: Page) -> Html:
    """The page as HTML.

    Args:
        p: what it shows.

    Returns:
        A page that stands alone. Parts that `p` does not have are left out.
    """
    title = f"{p.network.title}: one case"
    parts = [
        element("h1", title),
        _quiet(p.network.intended_use or p.notice),
        _alerts(p),
        _findings(p),
        _contradiction(p),
        _causes(p),
        _urgent(p),
        _link(p),
        _why(p),
        _next(p),
        _unasked(p),
        _care(p),
        _sources(p),
        _quiet(_about(p.question)),
    ]
    return document(title, *parts, style=STYLE)


def _missing(p: Page, part: str) -> list[Html]:
    """Why a part is not there; nothing where it is, or was not asked for."""
    return [paragraph(p.missing[part], class_="missing")] if part in p.missing else []


def _about(q: Question) -> str:
    """What was asked of which network."""
    parts = [f"{q.network} {q.version}", f"fingerprint {q.fingerprint}"]
    if q.setting is not None:
        parts.append(f"setting {q.setting}")
    if q.log_evidence == q.log_evidence:
        parts.append(f"log P(findings) = {q.log_evidence:.3f}")
    return ", ".join(parts)


def cited(source: Source) -> str:
    """A publication on one line: what is known of authors, year, title and journal."""
    who = f"{source.authors} ({source.year or 'n. d.'})".strip()
    parts = [part.rstrip(".") for part in (who, source.title, source.journal) if part]
    return ". ".join(parts).replace("?.", "?")


def _quiet(text: str) -> Html:
    """A remark in small grey letters."""
    return paragraph(text, class_="quiet")


def _alerts(p: Page) -> Html:
    """Red flags first: they hold whatever the probabilities say."""
    if not len(p.alerts):
        return section("Red flags", paragraph(p.alerts.none))
    return section("Red flags", *(_alert(p, alert) for alert in p.alerts))


def _alert(p: Page, alert: Alert) -> Html:
    """A red flag in its box."""
    line_break = element("br")
    origin = (f"How sure: {alert.certainty}", line_break, f"Source: {_keys(p, alert.source)}")
    return element(
        "div",
        element("b", f"{alert.urgency.upper()}: {alert.label}"),
        f" ({'; '.join(finding_label(f, p.network) for f in alert.findings)})",
        line_break,
        alert.advice,
        line_break,
        element("span", *origin, class_="quiet"),
        class_="alert",
    )


def _keys(p: Page, keys: Sequence[str]) -> str:
    """Publications in words, by their keys."""
    known = p.network.sources
    words = (f"{cited(known[key])} [{key}]" if key in known else key for key in keys)
    return "; ".join(words) or "none given"


def _findings(p: Page) -> Html:
    """What was found, by label."""
    table = rows_table(("finding", "value"), p.findings)
    return section("Findings", table if p.findings else paragraph("None entered."))


def _contradiction(p: Page) -> Html:
    """Why no probability is shown; nothing where the findings can occur together."""
    if not p.contradiction:
        return NOTHING
    return section(
        "The findings cannot all be true",
        paragraph(f"No probability is given, because {p.contradiction}"),
        paragraph("Red flags are fixed rules over the findings: they hold all the same."),
    )


def _causes(p: Page) -> Html:
    """The ranked causes, or why there are none."""
    left_out = [paragraph(p.left_out)] if p.left_out else []
    left_out += [*_missing(p, "causes"), *_missing(p, "intervals")]
    title = "Causes, by probability after the findings (a person may have several)"
    if p.ranking is None:
        return section(title, *left_out) if left_out else NOTHING
    second = p.ranking.pointed_to_in_words
    pointed = [paragraph(second)] if second else []
    return section(title, _ranking(p.ranking, p.intervals), *pointed, *left_out)


def _ranking(ranking: Ranking, intervals: Intervals | None) -> Html:
    """The table of causes, with their intervals and bars."""
    spans: Mapping[str, tuple[float, float]] = (
        {} if intervals is None else {row.node: (row.low, row.high) for row in intervals.rows}
    )
    rows = []
    for c in ranking.causes:
        span = spans.get(c.cause)
        width = f"width:{100 * c.posterior:.1f}%"
        rows.append(
            (
                c.label,
                show_percent(c.posterior),
                show_percents(*span) if span else "",
                element("span", element("span", class_="bar", style=width), class_="room"),
                show_percent(c.prior),
                c.urgency,
            )
        )
    level = "" if intervals is None else f"{100 * intervals.level:.0f} % interval"
    head = ("cause", "probability", level, "", "before the findings", "urgency")
    return rows_table(head, rows, numbers=(1, 2, 4))


def _urgent(p: Page) -> Html:
    """Causes that are not routine and not unlikely, wherever they rank."""
    title = "Causes that are not routine, with a probability of 5 % or more"
    if p.urgent is None:
        missing = _missing(p, "urgent causes")
        return section(title, *missing) if missing else NOTHING
    rows = [(c.urgency, c.label, show_percent(c.posterior)) for c in p.urgent.causes]
    return section(
        title,
        rows_table(("urgency", "cause", "probability"), rows, numbers=(2,))
        if rows
        else paragraph("None reaches 5 %."),
        _quiet("Rarer causes, and causes that are not in the network, are not excluded."),
    )


def _link(p: Page) -> Html:
    """Whether back pain and leg pain are linked, and which way; or why that is not shown."""
    title = "Are back pain and leg pain linked?"
    if p.link is None:
        missing = _missing(p, "link")
        return section(title, *missing) if missing else NOTHING
    setting = p.network.settings.get(str(p.link.population))
    note = NOTHING
    if setting is not None:
        where = f"Evaluated in {setting.label.lower()}: "
        note = _quiet(where + "consulting because of pain does not cause the pain.")
    return section(title, *_link_answer(p.link), note)


def _link_answer(link: Link) -> tuple[Html, Html]:
    """The probability of a link in a sentence, and that of each pattern in a table."""
    bounded = not link.identified or link.level is not None
    verdict = f"Linked with probability {show_percent(link.probability)}"
    if bounded:
        ends = show_percents(1.0 - link.high["separate"], 1.0 - link.low["separate"])
        verdict += f", {'from ' if ' to ' in ends else ''}{ends} ({link.ends})"
    words, rows = link.words(), []
    for part, probability in link.shares.items():
        bounds = [show_percents(link.low[part], link.high[part])] if bounded else []
        carriers = ", ".join(c.label for c in link.carriers.get(part, ())[:CARRIERS])
        rows.append((words[part], show_percent(probability), *bounds, carriers))
    head = ("", "share", *(["from, to"] if bounded else []), "carried by")
    table = rows_table(head, rows, numbers=(1, 2) if bounded else (1,))
    return paragraph(f"{verdict}."), table


def _why(p: Page) -> Html:
    """What made the leading cause likely."""
    if p.reasons is None:
        missing = _missing(p, "why")
        return section("Why", *missing) if missing else NOTHING
    lines = p.reasons.text().splitlines()
    return section("Why", *(paragraph(text_label(line, p.network)) for line in lines))


def _next(p: Page) -> Html:
    """What to ask: first what would raise an emergency alert, then what tells most."""
    pending = {
        x.node: (x.label, x.question) for x in p.alerts.asked_first if x.urgency == "emergency"
    }
    parts = []
    if pending:
        parts.append(paragraph("First, what would raise an emergency alert:"))
        parts.append(rows_table(("rule", "ask or look for"), list(pending.values())))
    found = p.next_best
    if found is not None and len(found):
        rows = [
            (c.label, _ask(p, c), show_number(c.value), short_number(c.minutes))
            for c in found.candidates
        ]
        parts.append(paragraph(f"{found.measure[:1].upper()}{found.measure[1:]}:"))
        parts.append(rows_table(("", "ask", found.unit, "minutes"), rows, numbers=(2, 3)))
    if found is not None and found.stop:
        parts.append(paragraph(f"No further question is worth its cost: {found.stop}"))
    parts += _missing(p, "next")
    return section("What to ask or test next", *parts) if parts else NOTHING


def _ask(p: Page, candidate: Candidate) -> str:
    """What is asked, or which findings a procedure gives."""
    return candidate.question or ", ".join(p.network.nodes[n].label for n in candidate.nodes)


def _unasked(p: Page) -> Html:
    """What was not assessed."""
    if not p.unasked:
        return NOTHING
    names = paragraph(f"{', '.join(p.unasked)}.")
    return section("Not asked", names, paragraph("What was not asked was not considered."))


def _care(p: Page) -> Html:
    """What the network names as care for the causes on the page."""
    causes = p.ranking.causes if p.ranking is not None else ()
    rows = [
        (p.network.nodes[c.cause].label, care.text, care.source)
        for c in causes
        for care in p.network.nodes[c.cause].care
    ]
    if not rows:
        return NOTHING
    title = "Care that is named for these causes (information, not an instruction)"
    return section(title, rows_table(("cause", "what is named", "source"), rows))


def _sources(p: Page) -> Html:
    """The publications behind the leading cause."""
    if not p.sources:  # None, or no publication
        missing = _missing(p, "sources")
        return section("Sources behind the leading cause", *missing) if missing else NOTHING
    rows = [(s.key, cited(s.source)) for s in p.sources.sources[:MOST_SOURCES]]
    title = f"Sources behind the leading cause ({p.network.nodes[p.sources.target].label})"
    return section(title, rows_table(("key", "publication"), rows))
