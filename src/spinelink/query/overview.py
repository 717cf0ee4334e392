"""What a notebook shows of a model and of a case: a summary and the picture."""

from __future__ import annotations

from html import escape

from spinelink.case import Case, Model
from spinelink.errors import SpinelinkError
from spinelink.query.alerts import alerts
from spinelink.query.graph import graph, network_graph


def model_html(model: Model) -> str:
    """A summary of the network over its picture."""
    network = model.network
    setting = f", setting {model.setting}" if model.setting else ""
    head = (
        f"<b>{escape(network.title)}</b> {escape(network.version)} "
        f"({escape(model.fingerprint)}){escape(setting)}"
    )
    population = (
        f"<br>{escape(network.settings[model.setting].population)}" if model.setting else ""
    )
    use = f"<p><small>{escape(network.intended_use)}</small></p>" if network.intended_use else ""
    counts = f"{len(model.nodes)} nodes: {escape(model.counts_by_role())}"
    picture = network_graph(model).picture()
    return f"<div class='spinelink'><p>{head}{population}<br>{counts}</p>{picture}{use}</div>"


def case_html(case: Case) -> str:
    """Findings, alerts and the picture of what matters; where they contradict, the contradiction."""
    model = case.model
    items = "".join(
        f"<li>{escape(model.nodes[n].label)}: {escape(finding_words(case, n))}</li>"
        for n in case.findings
    )
    setting = f", setting {model.setting}" if model.setting else ""
    head = f"{escape(model.network.title)}{escape(setting)}"
    try:
        picture = graph(case).picture()
    except SpinelinkError as error:
        picture = f"<p><b>{escape(str(error))}</b></p>"
    findings = items or "<li>no findings</li>"
    warnings = alerts(case)._repr_html_()
    return f"<div class='spinelink'><p>{head}</p><ul>{findings}</ul>{warnings}{picture}</div>"


def finding_words(case: Case, node: str) -> str:
    """A finding for people: its state, or the likelihoods of an uncertain one."""
    finding = case.findings[node]
    if isinstance(finding, str):
        return finding
    return "uncertain, likelihoods " + ", ".join(f"{state} {p:.3g}" for state, p in finding)
