"""One case on one page: it stands alone, needs no network access, and can be printed in black and white."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spinelink.model.network import Network
    from spinelink.model.question import Question
    from spinelink.query.alerts import Alerts
    from spinelink.query.attribution import Link
    from spinelink.query.intervals import Intervals
    from spinelink.query.next_best import NextBest
    from spinelink.query.ranking import Ranking
    from spinelink.query.reasons import Reasons

STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#1b1f24;background:#fff}"
    "h1{font-size:1.5rem}h2{font-size:1.15rem;border-bottom:2px solid #57606a;margin-top:2rem}"
    "table{border-collapse:collapse;width:100%;font-size:13.5px}th{text-align:left;border-bottom:1px solid #57606a;padding:.25rem .5rem}"
    "td{border-bottom:1px solid #d0d7de;padding:.25rem .5rem;vertical-align:top;overflow-wrap:break-word}"
    "td.n,th.n{text-align:right;white-space:nowrap}.alert{border:2px solid #1b1f24;border-left-width:10px;padding:.5rem .8rem;margin:.6rem 0}"
    ".bar{display:block;height:.7em;background:#57606a;min-width:1px}.quiet{color:#57606a;font-size:13px}"
    "@media print{body{margin:0;max-width:none;font-size:11pt}h2{break-after:avoid}tr,.alert{break-inside:avoid}.bar{print-color-adjust:exact}}"
)


@dataclass(frozen=True, eq=False)
class Page:
    """What a page shows. intervals, link and reasons: None where they were not asked for, or there is nothing to ask."""

    network: Network
    question: Question
    findings: Sequence[tuple[str, str]]
    alerts: Alerts
    ranking: Ranking
    intervals: Intervals | None
    link: Link | None
    reasons: Reasons | None
    next_best: NextBest | None
    unasked: Sequence[str]
    sources: Sequence[tuple[str, str]]
    notice: str


def number(value: float) -> str:
    """Three digits; nothing where there is no number."""
    if value != value:
        return ""
    return ">0.999" if 0.9995 <= value < 1.0 else f"{value:.3g}"


def page(p: Page) -> str:
    """The page as HTML."""
    title = f"{p.network.title}: one case"
    parts = [f"<h1>{escape(title)}</h1>", f"<p class='quiet'>{escape(p.network.intended_use or p.notice)}</p>", _alerts(p)]
    parts += [_section("Findings", _table(("finding", "value"), p.findings) if p.findings else "<p>None entered.</p>")]
    parts += [_section("Causes, by probability after the findings (a person may have several)", _causes(p))]
    if p.link is not None:
        words = p.link.words()
        rows = [(words[k], number(v), ", ".join(c.label for c in p.link.carriers.get(k, ())[:3])) for k, v in p.link.shares.items()]
        asked = p.link.population
        said = (
            f"Asked in {p.network.settings[str(asked)].label.lower()}: being chosen by symptoms is no cause of them."
            if asked in p.network.settings
            else ""
        )
        parts.append(
            _section("Is it linked", _table(("", "share", "carried by"), rows, numbers=(1,)) + f"<p class='quiet'>{escape(said)}</p>")
        )
    if p.reasons is not None:
        text = "".join(f"<p>{escape(line)}</p>" for line in p.reasons.text().splitlines())
        parts.append(_section("Why", text))
    parts.append(_next(p))
    parts.append(_section("Not asked", f"<p>{escape(', '.join(p.unasked))}.</p><p>What was not asked was not considered.</p>"))
    care = [(p.network.nodes[c.cause].label, each.text, each.source) for c in p.ranking.causes for each in p.network.nodes[c.cause].care]
    if care:
        parts.append(
            _section("Care that is named for these causes: information, not an order", _table(("cause", "what is named", "source"), care))
        )
    if p.sources:
        parts.append(_section("Sources behind the leading cause", _table(("key", "publication"), p.sources)))
    q = p.question
    about = f"{q.network} {q.version}, fingerprint {q.fingerprint}, setting {q.setting}, log P(findings) = {q.log_evidence:.3f}"
    parts.append(f"<p class='quiet'>{escape(about)}</p>")
    return (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><meta name='viewport' content='width=device-width'><title>{escape(title)}</title>"
        f"<style>{STYLE}</style></head><body>{''.join(parts)}</body></html>"
    )


def _section(title: str, body: str) -> str:
    return f"<h2>{escape(title)}</h2>{body}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Sequence[int] = ()) -> str:
    def cells(row: Sequence[str], tag: str) -> str:
        return "".join(f"<{tag}{' class=n' if k in numbers else ''}>{escape(str(c))}</{tag}>" for k, c in enumerate(row))

    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    return f"<table><thead><tr>{cells(head, 'th')}</tr></thead><tbody>{body}</tbody></table>"


def _alerts(p: Page) -> str:
    if not len(p.alerts):
        return _section("Red flags", f"<p>{escape(str(p.alerts))}</p>")
    boxes = "".join(
        f"<div class='alert'><b>{escape(a.urgency.upper())}: {escape(a.label)}</b> ({escape(', '.join(a.findings))})<br>{escape(a.advice)}"
        f"<br><span class='quiet'>How sure: {escape(a.certainty)}</span></div>"
        for a in p.alerts
    )
    return _section("Red flags", boxes)


def _causes(p: Page) -> str:
    spans: Mapping[str, tuple[float, float]] = {r.node: (r.low, r.high) for r in p.intervals.rows} if p.intervals is not None else {}
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


def _next(p: Page) -> str:
    pending = {x.node: (x.label, x.question or p.network.nodes[x.node].label) for x in p.alerts.pending if x.urgency == "emergency"}
    body = f"<p>First, what would raise an emergency alert:</p>{_table(('rule', 'ask or look for'), pending.values())}" if pending else ""
    if p.next_best is not None and len(p.next_best):
        rows = [(c.label, c.question or ", ".join(c.nodes), number(c.value), number(c.minutes)) for c in p.next_best.candidates]
        body += f"<p>{escape(p.next_best.measure)}:</p>{_table(('', 'ask', p.next_best.unit, 'minutes'), rows, numbers=(2, 3))}"
    return _section("What to ask or test next", body) if body else ""
