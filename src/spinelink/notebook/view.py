"""What the explorer shows, as plain values: the fixed part, what every click changes, and what takes longer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from spinelink.errors import SpinelinkError
from spinelink.network.evidence import Finding
from spinelink.network.node import OBSERVABLE, Node
from spinelink.notebook.numbers import labelled
from spinelink.query.alerts import alerts as query_alerts
from spinelink.query.graph import graph as query_graph
from spinelink.query.intervals import intervals as query_intervals
from spinelink.query.link import link as query_link
from spinelink.query.next_best import next_best as query_next_best
from spinelink.query.posterior import posteriors as query_posteriors
from spinelink.query.ranking import differential as query_differential
from spinelink.query.reasons import explain as query_explain
from spinelink.result import NOTICE

if TYPE_CHECKING:
    from spinelink.case import Case, Model
    from spinelink.query.alerts import Alert, Alerts

SHOWN = 12  # of what is ranked, until all are asked for
QUESTIONS, TESTS = 6, 4  # next best
PENDING = 6  # questions of which one answer would raise an emergency
KINDS = {"context": "About the person", "symptom": "Symptoms", "sign": "Signs", "test": "Tests"}
PLAIN = {"other": "Findings"}


def shell(model: Model, of: Sequence[str] = ()) -> dict[str, Any]:
    """What stays: the network, its settings, and every node that can be observed, by kind and region. of: nodes asked about in place of the causes."""
    network = model.network
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for name, node in network.nodes.items():
        if node.role in OBSERVABLE:
            region = (
                ""
                if node.role in ("context", "other")
                else (node.region or "general").replace("_", " ")
            )
            groups.setdefault((node.role, region), []).append(_node(name, node))
    order = [*KINDS, *PLAIN]
    return {
        "title": network.title,
        "network": f"{network.name} {network.version} ({model.fingerprint})",
        "settings": [
            {"name": s, "label": each.label, "population": each.population}
            for s, each in network.settings.items()
        ],
        "groups": [
            {
                "kind": role,
                "title": (KINDS | PLAIN)[role] + (f": {region}" if region else ""),
                "nodes": nodes,
            }
            for (role, region), nodes in sorted(groups.items(), key=lambda g: order.index(g[0][0]))
        ],
        "nodes": [{"name": n, "label": v.label} for n, v in network.nodes.items()],
        "links": bool(network.ranked) and {"leg_pain", "back_pain"} <= set(network.nodes),
        "tests": any(node.role == "test" for node in network.nodes.values()),
        "ranked": not of and bool(network.ranked),
        "shown": SHOWN,
        "notice": network.intended_use or NOTICE,
    }


def _node(name: str, node: Node) -> dict[str, Any]:
    return {
        "name": name,
        "label": node.label,
        "question": node.question,
        "about": node.description,
        "states": list(node.states),
        "unit": node.bins.unit if node.bins else "",
    }


def view(case: Case, changed: Mapping[str, object], of: Sequence[str] = ()) -> dict[str, Any]:
    """What every click changes: findings, red flags, ranked causes (of: these nodes instead). Raises ImpossibleEvidenceError."""
    found = query_alerts(case)
    rows = ranked(case) if case.model.network.ranked and not of else asked(case, of)
    return {
        "setting": case.model.setting or "",
        "findings": {n: _finding(f) for n, f in case.findings.items()},
        "alerts": [_alert(case, a) for a in found],
        "none": found.none,
        "pending": pending(case, found),
        "causes": rows,
        "log_evidence": case.log_evidence,
        "changed": dict(changed),
    }


def _alert(case: Case, alert: Alert) -> dict[str, Any]:
    fired = [labelled(f, case.model.network, every=True).replace("_", " ") for f in alert.findings]
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


def ranked(case: Case) -> list[dict[str, Any]]:
    """All causes, the likeliest first."""
    return [
        {
            "name": c.cause,
            "label": c.label,
            "prior": c.prior,
            "posterior": c.posterior,
            "urgency": c.urgency,
        }
        for c in query_differential(case, limit=None).causes
    ]


def asked(case: Case, of: Sequence[str]) -> list[dict[str, Any]]:
    """Probabilities of nodes, all that are not observed where none are named: of the second of two states, else of each state."""
    names = list(of) or [n for n in case.model.nodes if not isinstance(case.findings.get(n), str)]
    table = query_posteriors(case, names)
    found = []
    for (name, state), prior, posterior in zip(
        table.index, table["prior"], table["posterior"], strict=True
    ):
        node = case.model.nodes[name]
        two = len(node.states) == 2
        if two and state == node.states[0]:
            continue
        label = f"{node.label}: {state.replace('_', ' ')}"
        found.append(
            {
                "name": name if two else f"{name}={state}",
                "label": label,
                "prior": float(prior),
                "posterior": float(posterior),
                "urgency": "",
            }
        )
    return found


def pending(case: Case, found: Alerts) -> list[dict[str, str]]:
    """Questions of which one answer would raise an emergency alert, one for each finding."""
    first: dict[str, dict[str, str]] = {}
    for p in found.pending:
        node = case.model.nodes[p.node]
        if p.urgency == "emergency" and node.role in ("symptom", "context"):
            first.setdefault(
                p.node,
                {"node": p.node, "question": node.question or f"{node.label}?", "label": p.label},
            )
    return list(first.values())[:PENDING]


def intervals(case: Case, of: Sequence[str] = ()) -> dict[str, Any]:
    """Credible intervals of what is ranked, by the delta method."""
    if case.model.network.ranked and not of:
        names = list(case.model.network.ranked)
    else:
        names = [
            n
            for n in of or list(case.model.nodes)[: 2 * SHOWN]
            if len(case.model.nodes[n].states) == 2
        ]
    names = [n for n in names if n not in case.findings]
    return {
        "intervals": {
            r.node: [r.low, r.high] for r in query_intervals(case, names, method="delta").rows
        }
        if names
        else {}
    }


def next_questions(case: Case, of: Sequence[str] = ()) -> dict[str, Any]:
    """What to ask or look for next."""
    return {"next": _next(case, ("context", "symptom", "sign", "other"), QUESTIONS, of)}


def next_tests(case: Case, of: Sequence[str] = ()) -> dict[str, Any]:
    """Which test would tell most."""
    return {"tests": _next(case, ("test",), TESTS, of)}


def _next(case: Case, roles: tuple[str, ...], limit: int, of: Sequence[str]) -> dict[str, Any]:
    if not of and not case.model.network.ranked:
        return {
            "problem": "This network names no causes to learn about: name nodes with explore(of=[...]) to be told what to ask."
        }
    among = [n for n, v in case.model.nodes.items() if v.role in roles]
    found = query_next_best(case, of[0] if of else None, limit=limit, among=among)
    rows = [
        {
            "label": c.label,
            "nodes": list(c.nodes),
            "question": c.question,
            "value": c.value,
            "minutes": c.minutes,
            "lead": c.changes_lead,
        }
        for c in found.candidates
    ]
    return {"rows": rows, "unit": found.unit, "measure": found.measure, "stop": found.stop}


def linked(case: Case) -> dict[str, Any]:
    """Whether leg pain and back pain are linked."""
    try:
        found = query_link(case, progress=False)
    except SpinelinkError as error:
        return {"link": {"reason": str(error)}}
    words = found.words()
    rows = [
        {"label": words[p], "share": s, "by": [c.label for c in found.carriers.get(p, ())[:4]]}
        for p, s in found.shares.items()
    ]
    network = case.model.network
    elsewhere = found.population in network.settings and found.population != case.model.setting
    asked = network.settings[str(found.population)].label if elsewhere else ""
    return {"link": {"probability": found.probability, "rows": rows, "asked": asked}}


def why(case: Case, of: Sequence[str] = ()) -> dict[str, Any]:
    """What made the leading cause likely, or the first of the nodes asked about."""
    nodes = case.model.nodes
    if not of and not case.model.network.ranked:
        return {
            "why": {
                "problem": "This network names no causes to explain: name nodes with explore(of=[...])."
            }
        }
    if not len(case.findings):
        return {"why": {"lines": ["There are no findings yet: these are the priors."], "rows": []}}
    found = query_explain(case, of[0] if of else None, exact=8, progress=False)
    rows = [
        {
            "node": r.node, "finding": labelled(r.finding, case.model.network, every=True).replace("_", " "), "share": r.shapley,
            "chain": [nodes[n].label for n in r.chain],
        }
        for r in found.rows
    ]  # fmt: skip
    said = [
        labelled(line, case.model.network).replace("_", " ")
        for line in found.text().splitlines()[1:]
    ]  # the first line is the heading
    lines = [f"Log odds {found.before:+.2f} before the findings, {found.after:+.2f} after.", *said]
    return {"why": {"target": nodes[found.target].label, "lines": lines, "rows": rows}}


def picture(case: Case) -> dict[str, Any]:
    """The graph, as SVG."""
    return {"graph": query_graph(case).svg}
