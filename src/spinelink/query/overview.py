"""What a notebook shows of a model and of a case: a summary and the picture."""

from __future__ import annotations

from spinelink.case import Case, Model
from spinelink.errors import SpinelinkError
from spinelink.network.labels import finding_words
from spinelink.query.alerts import alerts
from spinelink.query.graph import graph, network_graph
from spinelink.view.html import Html, bullets, element, notebook_frame, paragraph, small_print


def model_html(model: Model) -> Html:
    """A summary of the network over its picture."""
    network, line_break = model.network, element("br")
    setting = f", setting {model.setting}" if model.setting else ""
    head = [element("b", network.title), f" {network.version} ({model.fingerprint}){setting}"]
    if model.setting:
        head += [line_break, network.settings[model.setting].population]
    counts = f"{len(model.nodes)} nodes: {model.network.counts_by_role()}"
    use = [small_print(network.intended_use)] if network.intended_use else []
    picture = network_graph(model).picture()
    return notebook_frame(paragraph(*head, line_break, counts), picture, *use)


def case_html(case: Case) -> Html:
    """Findings, alerts and the picture of what matters; where they contradict, the contradiction."""
    model = case.model
    findings = [f"{model.nodes[n].label}: {finding_words(case.findings[n])}" for n in case.findings]
    setting = f", setting {model.setting}" if model.setting else ""
    try:
        picture = graph(case).picture()
    except SpinelinkError as error:
        picture = paragraph(element("b", str(error)))
    return notebook_frame(
        paragraph(f"{model.network.title}{setting}"),
        bullets(findings or ["no findings"]),
        alerts(case)._repr_html_(),
        picture,
    )
