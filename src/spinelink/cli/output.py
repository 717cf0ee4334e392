"""What the commands about a case share: options, red flags, causes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from spinelink.cli.completion import DEFAULT_NETWORK as DEFAULT_NETWORK
from spinelink.cli.completion import complete_finding, complete_network, complete_setting
from spinelink.cli.documents import print_answer
from spinelink.cli.findings import observe_words
from spinelink.cli.screen import print_table, say
from spinelink.view.text import show_number, show_percent

if TYPE_CHECKING:
    from spinelink.diagnosis import Case, Model
    from spinelink.query.alerts import Alerts
    from spinelink.result import Result

Answer = TypeVar("Answer", bound="Result")

URGENCY_STYLES = {"emergency": "bold red", "urgent": "red", "soon": "yellow"}

network_option = click.option(
    "--network",
    "-n",
    default=None,
    metavar="NAME|FILE",
    shell_complete=complete_network,
    help="A bundled network or a network file.  [default: back-leg-pain]",
)
setting_option = click.option(
    "--setting",
    "-s",
    default=None,
    shell_complete=complete_setting,
    help="The population; the network's default where left out.",
)
limit_option = click.option(
    "--limit",
    "-l",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="How many causes to list.",
)
findings_argument = click.argument(
    "words", nargs=-1, metavar="[FINDING]...", shell_complete=complete_finding
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="One JSON document, for programs."
)


existing_file = click.Path(exists=True, dir_okay=False, readable=False, path_type=Path)
"""A file that is there. Whoever opens it says why it cannot be read (exit status 1)."""


def load_model(network: str | None, setting: str | None = None) -> Model:
    """The model that the options name. Raises SpinelinkError."""
    from spinelink.library import load

    return load(DEFAULT_NETWORK if network is None else network, setting=setting)


def read_case(words: Sequence[str], *, network: str | None, setting: str | None) -> Case:
    """The case that a command is about, from its findings and options. Raises SpinelinkError."""
    return observe_words(load_model(network, setting), words)


def print_question(
    case: Case,
    ask: Callable[[], Answer],
    *,
    as_json: bool,
    show: Callable[[Answer], object],
) -> None:
    """Prints the red flags and one answer, for people or as JSON.

    The alerts come before the answer is computed, which may be refused: nothing silences them.

    Args:
        case: the findings.
        ask: computes the answer.
        as_json: print one JSON document.
        show: prints the answer for people.

    Raises:
        SpinelinkError: the answer was refused.
    """
    if as_json:
        print_answer(case, lambda: ask().to_dict())
        return
    print_case(case)
    print_alerts(case)
    show(ask())


def print_case(case: Case) -> None:
    """Prints which network is asked, and the findings."""
    from spinelink.network.labels import finding_words

    model = case.model
    population = model.network.settings[model.setting].label if model.setting else "one population"
    version = f"{model.name} {model.network.version}, {model.fingerprint}"
    say(f"{model.network.title} ({version}); {population}")
    found = (f"{model.nodes[n].label}: {finding_words(f)}" for n, f in case.findings.items())
    say(f"Findings: {'; '.join(found) or 'none, so these are the priors'}\n")


def print_alerts(case: Case) -> None:
    """Prints the red flags, which hold whatever the probabilities say.

    That none fired is no reassurance, and is never worded as one.
    """
    from spinelink.network.labels import finding_label

    alerts, network = case.alerts(), case.model.network
    say("Red flags", style="bold")
    for alert in alerts:
        found = "; ".join(finding_label(finding, network) for finding in alert.findings)
        say(
            f"{alert.urgency.upper()}: {alert.label}",
            indent=2,
            style=URGENCY_STYLES.get(alert.urgency, ""),
        )
        for line in (alert.advice, f"Found: {found}", f"How sure: {alert.certainty}", alert.cited):
            say(line, indent=4)
    if alerts.none:
        say(alerts.none, indent=2)
    if first := _pending(alerts, case):
        say(f"Not assessed, and an emergency if found: {'; '.join(first)}", indent=2)
    say()


def _pending(alerts: Alerts, case: Case) -> list[str]:
    """What would raise an emergency alert if it were found, by label."""
    nodes = case.model.nodes
    named: dict[str, None] = {}
    for p in alerts.pending:
        if p.urgency == "emergency":
            states = " or ".join(state.replace("_", " ") for state in p.states)
            named[nodes[p.node].label + ("" if states == "present" else f": {states}")] = None
    return list(named)


def print_causes(case: Case, *, limit: int | None) -> None:
    """Prints the ranked causes as a table. limit: how many; None for all."""
    ranking = case.differential(limit=limit)
    rows = [
        [
            str(place),
            c.label,
            show_percent(c.posterior),
            show_percent(c.prior),
            show_number(c.ratio),
            c.urgency,
        ]
        for place, c in enumerate(ranking.causes, 1)
    ]
    say("Causes, by probability after the findings (a person may have several)", style="bold")
    numbers = ["probability", "before", "ratio"]
    print_table(
        ["", "cause", *numbers, "urgency"],
        rows,
        right=["", *numbers],
        styles=[URGENCY_STYLES.get(c.urgency, "") for c in ranking.causes],
    )
    if ranking.pointed_to_in_words:
        say(ranking.pointed_to_in_words)
