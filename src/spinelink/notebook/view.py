"""What the explorer shows, as plain values: the fixed part, what every click changes, and what takes longer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from spinelink.errors import SpinelinkError
from spinelink.inference.uncertainty import stated_interval
from spinelink.model.evidence import Finding
from spinelink.model.parameter import Distribution, Ratio
from spinelink.model.parameters import locate_in_cpd
from spinelink.model.settings import parameters_in
from spinelink.model.variable import OBSERVABLE, Node
from spinelink.result import NOTICE

if TYPE_CHECKING:
    from spinelink.diagnosis import Case, Model

SHOWN = 12  # causes
QUESTIONS, TESTS = 6, 4  # next best
PENDING = 6  # questions of which one answer would raise an emergency
KINDS = {"context": "About the person", "symptom": "Symptoms", "sign": "Signs", "test": "Tests"}
PLAIN = {"other": "Findings"}


def shell(model: Model) -> dict[str, Any]:
    """What stays: the network, its settings, and every node that can be observed, by kind and region."""
    network = model.network
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for name, node in network.nodes.items():
        if node.role in OBSERVABLE:
            region = "" if node.role in ("context", "other") else (node.region or "general").replace("_", " ")
            groups.setdefault((node.role, region), []).append(_node(name, node))
    order = [*KINDS, *PLAIN]
    return {
        "title": network.title,
        "network": f"{network.name} {network.version} ({model.fingerprint})",
        "settings": [{"name": s, "label": each.label, "population": each.population} for s, each in network.settings.items()],
        "groups": [
            {"kind": role, "title": (KINDS | PLAIN)[role] + (f": {region}" if region else ""), "nodes": nodes}
            for (role, region), nodes in sorted(groups.items(), key=lambda g: order.index(g[0][0]))
        ],
        "nodes": [{"name": n, "label": v.label} for n, v in network.nodes.items()],
        "links": {"leg_pain", "back_pain"} <= set(network.nodes),
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


def view(case: Case, changed: Mapping[str, float]) -> dict[str, Any]:
    """What every click changes: findings, red flags, ranked causes. Raises ImpossibleEvidenceError."""
    found = case.alerts()
    ranking = case.differential(limit=SHOWN)
    return {
        "setting": case.model.setting or "",
        "findings": {n: _finding(f) for n, f in case.findings.items()},
        "alerts": [
            {"urgency": a.urgency, "label": a.label, "findings": list(a.findings), "advice": a.advice, "certainty": a.certainty}
            for a in found
        ],
        "none": found.none,
        "pending": pending(case),
        "causes": [
            {"name": c.cause, "label": c.label, "prior": c.prior, "posterior": c.posterior, "urgency": c.urgency} for c in ranking.causes
        ],
        "log_evidence": case.log_evidence,
        "code": code(case, changed),
        "changed": dict(changed),
    }


def _finding(finding: Finding) -> str | dict[str, float]:
    return finding if isinstance(finding, str) else dict(finding)


def pending(case: Case) -> list[dict[str, str]]:
    """Questions of which one answer would raise an emergency alert, one for each finding."""
    found: dict[str, dict[str, str]] = {}
    for p in case.alerts().pending:
        node = case.model.nodes[p.node]
        if p.urgency == "emergency" and node.role in ("symptom", "context"):
            found.setdefault(p.node, {"node": p.node, "question": node.question or f"{node.label}?", "label": p.label})
    return list(found.values())[:PENDING]


def code(case: Case, changed: Mapping[str, float]) -> str:
    """A line of Python that gives this case."""
    model = case.model
    where = repr(model.name) if model.origin is None or _is_bundled(model) else repr(model.origin.name)
    setting = f", setting={model.setting!r}" if model.setting and model.setting != model.network.default_setting else ""
    numbers = f".with_parameters({dict(changed)!r})" if changed else ""
    findings = {n: _finding(f) for n, f in case.findings.items()}
    plain = all(n.isidentifier() for n in findings)
    said = ", ".join(f"{n}={v!r}" for n, v in findings.items()) if plain else repr(findings)
    return f"case = sl.load({where}{setting}){numbers}.observe({said})"


def _is_bundled(model: Model) -> bool:
    from spinelink.networks_folder import bundled

    return model.origin in bundled().values()


def intervals(case: Case) -> dict[str, Any]:
    """Credible intervals of the leading causes, by the delta method."""
    names = [c.cause for c in case.differential(limit=SHOWN).causes if c.cause not in case.findings]
    return {"intervals": {r.node: [r.low, r.high] for r in case.intervals(names, method="delta").rows} if names else {}}


def next_questions(case: Case) -> dict[str, Any]:
    """What to ask or look for next."""
    return {"next": _next(case, ("context", "symptom", "sign", "other"), QUESTIONS)}


def next_tests(case: Case) -> dict[str, Any]:
    """Which test would tell most."""
    return {"tests": _next(case, ("test",), TESTS)}


def _next(case: Case, roles: tuple[str, ...], limit: int) -> dict[str, Any]:
    among = [n for n, v in case.model.nodes.items() if v.role in roles]
    found = case.next_best(limit=limit, among=among)
    rows = [
        {"label": c.label, "nodes": list(c.nodes), "question": c.question, "value": c.value, "minutes": c.minutes, "lead": c.changes_lead}
        for c in found.candidates
    ]
    return {"rows": rows, "unit": found.unit, "measure": found.measure, "stop": found.stop}


def linked(case: Case) -> dict[str, Any]:
    """Whether leg pain and back pain are linked."""
    try:
        found = case.link()
    except SpinelinkError as error:
        return {"link": {"reason": str(error)}}
    words = found.words()
    rows = [{"label": words[p], "share": s, "by": [c.label for c in found.carriers.get(p, ())[:4]]} for p, s in found.shares.items()]
    network = case.model.network
    elsewhere = found.population in network.settings and found.population != case.model.setting
    asked = network.settings[str(found.population)].label if elsewhere else ""
    return {"link": {"probability": found.probability, "rows": rows, "asked": asked}}


def why(case: Case) -> dict[str, Any]:
    """What made the leading cause likely."""
    if not len(case.findings):
        return {"why": {"lines": ["There are no findings yet: these are the priors."], "rows": []}}
    found = case.explain(exact=8)
    rows = [{"finding": r.finding, "label": r.label, "share": r.share, "chain": list(r.chain)} for r in found.rows]
    label = case.model.nodes[found.target].label
    return {"why": {"target": label, "lines": found.text().splitlines(), "rows": rows, "before": found.before, "after": found.after}}


def picture(case: Case) -> dict[str, Any]:
    """The graph, as SVG."""
    return {"graph": case.graph().svg}


def numbers(case: Case, name: str) -> dict[str, Any]:
    """The numbers of one node (the leading cause where none is named) that a slider can move: id, estimate, interval, grade, sources, note.

    Of a distribution there is none: its states hang together.
    """
    name = name or case.differential(limit=1)[0].cause
    found = []
    inside = parameters_in(case.model.network, case.model.setting)
    for located in locate_in_cpd(name, case.model.network.nodes[name].cpd):
        p = inside[located.id]
        if isinstance(p, Distribution):
            continue
        low, high = stated_interval(p)
        found.append(
            {
                "id": located.id, "words": located.words, "value": p.value, "low": low, "high": high, "ratio": isinstance(p, Ratio), "grade": p.grade,
                "source": list(p.source), "note": p.note,
            }
        )  # fmt: skip
    return {"numbers": {"node": name, "rows": found}}


def patch(model: Model, changed: Mapping[str, float]) -> str:
    """The changed numbers as JSON, for `model.with_parameters(json.load(file)["parameters"])`."""
    about = {"network": model.name, "version": model.network.version, "setting": model.setting, "parameters": dict(changed)}
    return json.dumps(about, indent=2) + "\n"
