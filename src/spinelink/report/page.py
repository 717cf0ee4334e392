"""One case on one page: it stands alone, needs no network access, and can be printed in black and white."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from spinelink.errors import SpinelinkError
from spinelink.files import write_text

if TYPE_CHECKING:
    from spinelink.network.network import Network
    from spinelink.network.provenance import Source
    from spinelink.network.question import Question
    from spinelink.query.alerts import Alerts
    from spinelink.query.intervals import Intervals
    from spinelink.query.link import Link
    from spinelink.query.next_best import NextBest
    from spinelink.query.ranking import Ranking
    from spinelink.query.reasons import Reasons
    from spinelink.query.sources import SourceOfAnswer

STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#1b1f24;background:#fff}"
    "h1{font-size:1.5rem}h2{font-size:1.15rem;border-bottom:2px solid #57606a;margin-top:2rem}"
    "table{border-collapse:collapse;width:100%;font-size:13.5px}th{text-align:left;border-bottom:1px solid #57606a;padding:.25rem .5rem}"
    "td{border-bottom:1px solid #d0d7de;padding:.25rem .5rem;vertical-align:top;overflow-wrap:break-word}"
    "td.n,th.n{text-align:right;white-space:nowrap}.alert{border:2px solid #1b1f24;border-left-width:10px;padding:.5rem .8rem;margin:.6rem 0}"
    ".bar{display:block;height:.7em;background:#57606a;min-width:1px}.quiet{color:#57606a;font-size:13px}"
    "@media print{body{margin:0;max-width:none;font-size:11pt}h2{break-after:avoid}tr,.alert{break-inside:avoid}.bar{print-color-adjust:exact}}"
)


class PageError(SpinelinkError, OSError):
    """A page that cannot be written where it should be."""


@dataclass(frozen=True, eq=False)
class Page:
    """What a page shows; a part is None where it was not asked for, or there is nothing to ask.

    contradiction: why the findings cannot occur together, where so: then nothing probable is shown. no_link, left_out: why parts are missing, in a sentence.
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
    no_link: str = ""
    reasons: Reasons | None = None
    next_best: NextBest | None = None
    sources: Sequence[SourceOfAnswer] = ()
    left_out: str = ""


def output_path(path: object) -> Path:
    """The file that a page goes to, looked at before anything is computed. Raises PageError."""
    name = os.fspath(path) if isinstance(path, str | os.PathLike) else path
    if not isinstance(name, str) or not name:
        raise PageError(f"a page goes to a file, as 'case.html', not to {path!r}.")
    target = Path(name)
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
    """Writes a page, whole or not at all, and returns its path. Raises PageError."""
    try:
        return write_text(target, page(p))
    except (OSError, ValueError) as error:
        raise _unwritable(target, error) from None


def _unwritable(target: Path, error: Exception) -> PageError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return PageError(f"{target} cannot be written ({reason}); name another place.")


def number(value: float) -> str:
    """Three digits; nothing where there is no number."""
    if value != value:
        return ""
    return ">0.999" if 0.9995 <= value < 1.0 else f"{value:.3g}"


def page(p: Page) -> str:
    """The page as HTML."""
    title = f"{p.network.title}: one case"
    parts = [f"<h1>{escape(title)}</h1>", _quiet(p.network.intended_use or p.notice), _alerts(p)]
    parts += [
        _section(
            "Findings",
            _table(("finding", "value"), p.findings) if p.findings else "<p>None entered.</p>",
        )
    ]
    if p.contradiction:
        said = f"<p>No probability is given, because {escape(p.contradiction)}</p><p>Red flags are fixed rules over the findings: they hold all the same.</p>"
        parts.append(_section("The findings cannot all be true", said))
    if p.ranking is not None:
        parts.append(
            _section(
                "Causes, by probability after the findings (a person may have several)", _causes(p)
            )
        )
    if p.left_out:
        parts.append(
            f"<p>{escape(p.left_out)}</p>"
            if p.ranking is not None
            else _section("Causes", f"<p>{escape(p.left_out)}</p>")
        )
    parts += [_urgent(p), _link(p)]
    if p.reasons is not None:
        parts.append(
            _section(
                "Why", "".join(f"<p>{escape(line)}</p>" for line in p.reasons.text().splitlines())
            )
        )
    parts += [_next(p), _unasked(p), _care(p)]
    if p.sources:
        rows = [(s.key, cited(s.source)) for s in p.sources]
        leading = f" ({p.network.nodes[p.reasons.target].label})" if p.reasons is not None else ""
        parts.append(
            _section(
                f"Sources behind the leading cause{leading}", _table(("key", "publication"), rows)
            )
        )
    parts.append(_quiet(_about(p.question)))
    return (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><meta name='viewport' content='width=device-width'><title>{escape(title)}</title>"
        f"<style>{STYLE}</style></head><body>{''.join(parts)}</body></html>"
    )


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
    return ". ".join(
        part.rstrip(".") for part in (who, source.title, source.journal) if part
    ).replace("?.", "?")


def _quiet(text: str) -> str:
    return f"<p class='quiet'>{escape(text)}</p>"


def _section(title: str, body: str) -> str:
    return f"<h2>{escape(title)}</h2>{body}"


def _table(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Sequence[int] = ()
) -> str:
    def cells(row: Sequence[str], tag: str) -> str:
        return "".join(
            f"<{tag}{' class=n' if k in numbers else ''}>{escape(str(c))}</{tag}>"
            for k, c in enumerate(row)
        )

    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    return f"<table><thead><tr>{cells(head, 'th')}</tr></thead><tbody>{body}</tbody></table>"


def _alerts(p: Page) -> str:
    if not len(p.alerts):
        return _section("Red flags", f"<p>{escape(p.alerts.none)}</p>")
    boxes = "".join(
        f"<div class='alert'><b>{escape(a.urgency.upper())}: {escape(a.label)}</b> ({escape(', '.join(a.findings))})<br>{escape(a.advice)}"
        f"<br><span class='quiet'>How sure: {escape(a.certainty)}<br>Source: {escape(_keys(p, a.source))}</span></div>"
        for a in p.alerts
    )
    return _section("Red flags", boxes)


def _keys(p: Page, keys: Sequence[str]) -> str:
    return (
        "; ".join(
            f"{cited(p.network.sources[k])} [{k}]" if k in p.network.sources else k for k in keys
        )
        or "none given"
    )


def _causes(p: Page) -> str:
    assert p.ranking is not None
    spans: Mapping[str, tuple[float, float]] = (
        {r.node: (r.low, r.high) for r in p.intervals.rows} if p.intervals is not None else {}
    )
    rows = []
    for c in p.ranking.causes:
        low, high = spans.get(c.cause, (float("nan"), float("nan")))
        span = f"{number(low)} to {number(high)}" if low == low else ""
        rows.append(
            f"<tr><td>{escape(c.label)}</td><td class=n>{number(c.posterior)}</td><td class=n>{span}</td>"
            f"<td style='width:9rem'><span class='bar' style='width:{100 * c.posterior:.1f}%'></span></td>"
            f"<td class=n>{number(c.prior)}</td><td>{escape(c.urgency)}</td></tr>"
        )
    level = f"{p.intervals.level:.0%} interval" if p.intervals is not None else ""
    head = f"<tr><th>cause</th><th class=n>posterior</th><th class=n>{level}</th><th></th><th class=n>prior</th><th>urgency</th></tr>"
    return f"<table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"


def _urgent(p: Page) -> str:
    """Causes of some urgency that are not unlikely, wherever they rank."""
    if p.urgent is None:
        return ""
    rows = [(c.urgency, c.label, number(c.posterior)) for c in p.urgent.causes]
    body = (
        _table(("urgency", "cause", "posterior"), rows, numbers=(2,))
        if rows
        else "<p>None reaches 0.05.</p>"
    )
    return _section(
        "Causes of some urgency, from 0.05 on",
        body + _quiet("What is rarer, or is not in the network, is not excluded."),
    )


def _link(p: Page) -> str:
    if p.link is None:
        return _section("Is it linked", f"<p>{escape(p.no_link)}</p>") if p.no_link else ""
    link, words = p.link, p.link.words()
    bounded = not link.identified or link.level is not None
    verdict = f"Linked with probability {number(link.probability)}"
    if bounded:
        verdict += (
            f", from {number(1.0 - link.high['separate'])} to {number(1.0 - link.low['separate'])}"
        )
    verdict += f" ({link.ends})." if bounded else "."
    rows = [
        (
            words[k],
            number(v),
            *([f"{number(link.low[k])} to {number(link.high[k])}"] if bounded else []),
            ", ".join(c.label for c in link.carriers.get(k, ())[:3]),
        )
        for k, v in link.shares.items()
    ]
    head = ("", "share", *(["from, to"] if bounded else []), "carried by")
    setting = p.network.settings.get(str(link.population))
    said = (
        f"Asked in {setting.label.lower()}: being chosen by symptoms is no cause of them."
        if setting is not None
        else ""
    )
    return _section(
        "Is it linked",
        f"<p>{escape(verdict)}</p>{_table(head, rows, numbers=(1, 2) if bounded else (1,))}{_quiet(said) if said else ''}",
    )


def _next(p: Page) -> str:
    pending = {
        x.node: (x.label, x.question or p.network.nodes[x.node].label)
        for x in p.alerts.pending
        if x.urgency == "emergency"
    }
    body = (
        f"<p>First, what would raise an emergency alert:</p>{_table(('rule', 'ask or look for'), list(pending.values()))}"
        if pending
        else ""
    )
    if p.next_best is not None and len(p.next_best):
        rows = [
            (c.label, c.question or ", ".join(c.nodes), number(c.value), number(c.minutes))
            for c in p.next_best.candidates
        ]
        body += f"<p>{escape(p.next_best.measure)}:</p>{_table(('', 'ask', p.next_best.unit, 'minutes'), rows, numbers=(2, 3))}"
    if p.next_best is not None and p.next_best.stop:
        body += f"<p>Reason to stop: {escape(p.next_best.stop)}</p>"
    return _section("What to ask or test next", body) if body else ""


def _unasked(p: Page) -> str:
    if not p.unasked:
        return ""
    return _section(
        "Not asked",
        f"<p>{escape(', '.join(p.unasked))}.</p><p>What was not asked was not considered.</p>",
    )


def _care(p: Page) -> str:
    causes = p.ranking.causes if p.ranking is not None else ()
    rows = [
        (p.network.nodes[c.cause].label, each.text, each.source)
        for c in causes
        for each in p.network.nodes[c.cause].care
    ]
    if not rows:
        return ""
    return _section(
        "Care that is named for these causes: information, not an order",
        _table(("cause", "what is named", "source"), rows),
    )
