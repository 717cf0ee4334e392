"""What the explorer shows, as plain values: what stays, what a click changes, what takes longer.

`of`: nodes that are asked about in place of the ranked causes; empty for the causes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from spinelink.case import Case, Model
from spinelink.errors import SpinelinkError
from spinelink.network.evidence import Finding
from spinelink.network.labels import finding_label, text_label
from spinelink.network.node import OBSERVABLE, Node
from spinelink.network.search import search_text
from spinelink.query.alerts import Alert, Alerts, alerts
from spinelink.query.graph import graph
from spinelink.query.intervals import intervals
from spinelink.query.link import link
from spinelink.query.next_best import next_best
from spinelink.query.posterior import posteriors
from spinelink.query.ranking import Ranking, differential
from spinelink.query.reasons import explain
from spinelink.view.text import NOTICE

SHOWN = 12
"""Causes that are listed until all are asked for."""
QUESTIONS, TESTS = 6, 4
"""Questions and tests that are proposed."""
PENDING = 6
"""Questions of which one answer would raise an emergency alert."""
CARRIERS = 4
"""Nodes that are named for a link pattern."""
EXACT = 8
"""Findings up to which Shapley values are exact."""
KINDS = {
    "context": "About the person",
    "symptom": "Symptoms",
    "sign": "Signs",
    "test": "Tests",
    "other": "Findings",
}
ASKED = ("context", "symptom", "sign", "other")


def fixed_part(model: Model, of: Sequence[str] = ()) -> dict[str, Any]:
    """What stays: the network, its settings, and every node that can be observed.

    Args:
        model: the network.
        of: nodes that are asked about in place of the causes.

    Returns:
        The trait `shell`.
    """
    network = model.network
    return {
        "title": network.title,
        "network": f"{network.name} {network.version} ({model.fingerprint})",
        "settings": [
            {"name": name, "label": setting.label, "population": setting.population}
            for name, setting in network.settings.items()
        ],
        "groups": _groups(model),
        "nodes": [{"name": n, "label": v.label} for n, v in network.nodes.items()],
        "links": bool(network.ranked) and {"leg_pain", "back_pain"} <= set(network.nodes),
        "tests": any(node.role == "test" for node in network.nodes.values()),
        "ranked": not of and bool(network.ranked),
        "shown": SHOWN,
        "notice": network.intended_use or NOTICE,
    }


def _groups(model: Model) -> list[dict[str, Any]]:
    """The nodes that can be observed, by kind and region."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for name, node in model.nodes.items():
        if node.role in OBSERVABLE:
            region = "" if node.role in ("context", "other") else node.region or "general"
            groups.setdefault((node.role, region.replace("_", " ")), []).append(_node(name, node))
    order = list(KINDS)
    return [
        {"kind": role, "title": KINDS[role] + (f": {region}" if region else ""), "nodes": nodes}
        for (role, region), nodes in sorted(groups.items(), key=lambda g: order.index(g[0][0]))
    ]


def _node(name: str, node: Node) -> dict[str, Any]:
    return {
        "name": name,
        "label": node.label,
        "question": node.question,
        "about": node.description,
        "states": list(node.states),
        "unit": node.bins.unit if node.bins else "",
        "search": search_text(name, node),
    }


NO_PROBABILITIES: Mapping[str, Any] = {
    "causes": [],
    "pointed_to": "",
    "log_evidence": None,
    "problem": "",
}
"""What stands in the trait `view` until there are probabilities."""


def flags(case: Case, changes: Mapping[str, object]) -> dict[str, Any]:
    """What every click changes and no probability is needed for: findings and red flags.

    Args:
        case: as it stands.
        changes: what the sliders changed.

    Returns:
        Its part of the trait `view`.
    """
    found = alerts(case)
    return {
        "setting": case.model.setting or "",
        "findings": {n: _finding(f) for n, f in case.findings.items()},
        "alerts": [_alert(case, alert) for alert in found],
        "none": found.none,
        "pending": _pending(case, found),
        "changed": dict(changes),
    }


def probabilities(case: Case, of: Sequence[str] = ()) -> dict[str, Any]:
    """What every click changes besides: ranked causes, or probabilities of nodes.

    Args:
        case: as it stands.
        of: nodes that are asked about in place of the causes.

    Returns:
        Its part of the trait `view`.

    Raises:
        ImpossibleEvidenceError: the findings cannot occur together.
    """
    pointed_to = ""
    if case.model.network.ranked and not of:
        ranking = differential(case, limit=None)
        causes, pointed_to = _causes(ranking), ranking.pointed_to_in_words
    else:
        causes = _probabilities(case, of)
    evidence = case.log_evidence
    return {"causes": causes, "pointed_to": pointed_to, "log_evidence": evidence, "problem": ""}


def _alert(case: Case, alert: Alert) -> dict[str, Any]:
    fired = [finding_label(f, case.model.network) for f in alert.findings]
    return {
        "urgency": alert.urgency,
        "label": alert.label,
        "findings": fired,
        "advice": alert.advice,
        "certainty": alert.certainty,
        "source": alert.cited,
    }


def _finding(finding: Finding) -> str | dict[str, float]:
    return finding if isinstance(finding, str) else dict(finding)


def _causes(ranking: Ranking) -> list[dict[str, Any]]:
    """All causes, the likeliest first."""
    return [
        {
            "name": c.cause,
            "label": c.label,
            "prior": c.prior,
            "posterior": c.posterior,
            "urgency": c.urgency,
        }
        for c in ranking.causes
    ]


def _probabilities(case: Case, of: Sequence[str]) -> list[dict[str, Any]]:
    """Probabilities of nodes: of the second of two states, else of each state.

    of: their names; all that are not observed if empty.
    """
    names = list(of) or [n for n in case.model.nodes if not case.is_observed(n)]
    table = posteriors(case, names)
    rows = []
    for (name, state), prior, posterior in zip(
        table.index, table["prior"], table["posterior"], strict=True
    ):
        node = case.model.nodes[name]
        binary = len(node.states) == 2
        if binary and state == node.states[0]:
            continue
        rows.append(
            {
                "name": name if binary else f"{name}={state}",
                "label": f"{node.label}: {state.replace('_', ' ')}",
                "prior": float(prior),
                "posterior": float(posterior),
                "urgency": "",
            }
        )
    return rows


def _pending(case: Case, found: Alerts) -> list[dict[str, str]]:
    """Questions of which one answer would raise an emergency alert, one for each finding."""
    first: dict[str, dict[str, str]] = {}
    for p in found.pending:
        node = case.model.nodes[p.node]
        if p.urgency == "emergency" and node.role in ("symptom", "context"):
            question = node.question or f"{node.label}?"
            first.setdefault(p.node, {"node": p.node, "question": question, "label": p.label})
    return list(first.values())[:PENDING]


def intervals_part(case: Case, of: Sequence[str] = ()) -> dict[str, Any]:
    """Credible intervals of what is ranked, by the delta method."""
    nodes = case.model.nodes
    names = list(case.model.network.ranked)
    if of or not names:
        names = [n for n in of or list(nodes)[: 2 * SHOWN] if len(nodes[n].states) == 2]
    names = [n for n in names if n not in case.findings]
    rows = intervals(case, names, method="delta").rows if names else ()
    return {"intervals": {row.node: [row.low, row.high] for row in rows}}


def questions_part(case: Case, of: Sequence[str] = ()) -> dict[str, Any]:
    """What to ask or look for next."""
    return {"next": _next(case, of, roles=ASKED, limit=QUESTIONS)}


def tests_part(case: Case, of: Sequence[str] = ()) -> dict[str, Any]:
    """Which test would tell most."""
    return {"tests": _next(case, of, roles=("test",), limit=TESTS)}


def _next(case: Case, of: Sequence[str], *, roles: Sequence[str], limit: int) -> dict[str, Any]:
    if not of and not case.model.network.ranked:
        problem = (
            "This network names no causes to learn about: name nodes with explore(of=[...]) to be "
            "told what to ask."
        )
        return {"problem": problem}
    among = [name for name, node in case.model.nodes.items() if node.role in roles]
    best = next_best(case, of[0] if of else None, limit=limit, among=among)
    rows = [
        {
            "label": c.label,
            "nodes": list(c.nodes),
            "question": c.question,
            "value": c.value,
            "minutes": c.minutes,
            "lead": c.changes_lead,
        }
        for c in best.candidates
    ]
    return {"rows": rows, "unit": best.unit, "measure": best.measure, "stop": best.stop}


def link_part(case: Case) -> dict[str, Any]:
    """Whether leg pain and back pain are linked; why not, if that cannot be asked."""
    try:
        answer = link(case, progress=False)
    except SpinelinkError as error:
        return {"link": {"reason": str(error)}}
    words = answer.words()
    rows = [
        {
            "label": words[part],
            "share": probability,
            "by": [c.label for c in answer.carriers.get(part, ())[:CARRIERS]],
        }
        for part, probability in answer.shares.items()
    ]
    settings, population = case.model.network.settings, answer.population
    elsewhere = population in settings and population != case.model.setting
    asked = settings[str(population)].label if elsewhere else ""
    return {"link": {"probability": answer.probability, "rows": rows, "asked": asked}}


def why_part(case: Case, of: Sequence[str] = ()) -> dict[str, Any]:
    """What made the leading cause likely, or the first of the nodes asked about."""
    network = case.model.network
    if not of and not network.ranked:
        problem = "This network names no causes to explain: name nodes with explore(of=[...])."
        return {"why": {"problem": problem}}
    if not len(case.findings):
        return {"why": {"lines": ["There are no findings yet: these are the priors."], "rows": []}}
    reasons = explain(case, of[0] if of else None, exact=EXACT, progress=False)
    rows = [
        {
            "node": row.node,
            "finding": finding_label(row.finding, network),
            "share": row.shapley,
            "chain": [network.nodes[n].label for n in row.chain],
        }
        for row in reasons.rows
    ]
    before, after = reasons.before, reasons.after
    lines = [f"Log odds {before:+.2f} before the findings, {after:+.2f} after."]
    for line in reasons.text().splitlines()[1:]:  # the first line is the heading
        lines.append(text_label(line, network))
    target = network.nodes[reasons.target].label
    return {"why": {"target": target, "lines": lines, "rows": rows}}


def graph_part(case: Case) -> dict[str, Any]:
    """The graph, as SVG."""
    return {"graph": graph(case).svg}
