"""What the commands share: options, tables for people, JSON for programs."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from spinelink.cli.findings import read_findings
from spinelink.errors import ImpossibleEvidenceError, SpinelinkError
from spinelink.view.text import NOTICE, show_number

if TYPE_CHECKING:
    from rich.console import Console

    from spinelink.diagnosis import Case, Model

Answer = TypeVar("Answer")

DEFAULT_NETWORK = "back-leg-pain"
URGENCY_STYLES = {"emergency": "bold red", "urgent": "red", "soon": "yellow"}

network_option = click.option(
    "--network",
    "-n",
    default=None,
    metavar="NAME|FILE",
    help="A bundled network or a network file.  [default: back-leg-pain]",
)
setting_option = click.option(
    "--setting", "-s", default=None, help="The population; the network's default where left out."
)
limit_option = click.option(
    "--limit",
    "-l",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="How many causes to list.",
)
findings_argument = click.argument("words", nargs=-1, metavar="[FINDING]...")
json_option = click.option(
    "--json", "as_json", is_flag=True, help="One JSON document, for programs."
)


existing_file = click.Path(exists=True, dir_okay=False, path_type=Path)


def load_model(network: str | None, setting: str | None = None) -> Model:
    """The model that the options name. Raises SpinelinkError."""
    from spinelink.library import load

    return load(DEFAULT_NETWORK if network is None else network, setting=setting)


def read_case(words: Sequence[str], *, network: str | None, setting: str | None) -> Case:
    """The case that a command is about, from its findings and options. Raises SpinelinkError."""
    return load_model(network, setting).observe(read_findings(words))


def console() -> Console:
    """Where tables go. A pipe has no width, so there lines are never cut."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else 240
    return Console(highlight=False, markup=False, emoji=False, width=width)


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Sequence[str] = (),
    styles: Sequence[str] = (),
) -> None:
    """Prints a table.

    Args:
        columns: their names.
        rows: their cells.
        right: names of the columns of numbers.
        styles: one a row, empty for none.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row, style in zip(rows, styles or [""] * len(rows), strict=True):
        table.add_row(*(Text(cell) for cell in row), style=style)
    console().print(table)


def print_json(document: Mapping[str, object]) -> None:
    """Prints one strict JSON document; NaN becomes null."""
    click.echo(json.dumps(_plain(document), indent=2, allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value.item() if hasattr(value, "item") else value


def alert_records(case: Case) -> list[dict[str, object]]:
    """The alerts of a case as plain values, most urgent first."""
    from dataclasses import asdict

    return [asdict(alert) for alert in case.alerts()]


def print_answer(
    case: Case,
    answer: Callable[[], Mapping[str, object]],
    *,
    failed: Mapping[str, object] | None = None,
) -> None:
    """Prints one JSON document with the alerts, whatever becomes of the answer.

    Args:
        case: the findings.
        answer: computes what the document holds besides question, alerts and notice.
        failed: what it holds instead if that fails; the error stands in it too.

    Raises:
        SpinelinkError: the answer failed; the document is printed all the same.
    """
    document: dict[str, object] = {
        "question": case.alerts().question.to_dict(),
        "alerts": alert_records(case),
    }
    error: SpinelinkError | None = None
    try:
        document |= answer()
    except SpinelinkError as found:
        error = found
        findings = list(found.findings) if isinstance(found, ImpossibleEvidenceError) else []
        document |= {**(failed or {}), "error": {"message": str(found), "findings": findings}}
    print_json({**document, "notice": NOTICE})
    if error is not None:
        raise error


def print_question(
    case: Case,
    ask: Callable[[], Answer],
    *,
    as_json: bool,
    document: Callable[[Answer], Mapping[str, object]],
    show: Callable[[Answer], object],
    failed: Mapping[str, object] | None = None,
) -> None:
    """Prints the red flags and one answer, for people or as JSON.

    The alerts come before the answer, which may be refused: nothing silences them.

    Args:
        case: the findings.
        ask: computes the answer.
        as_json: print one JSON document.
        document: the answer as plain values.
        show: prints the answer for people.
        failed: what the document holds if the answer is refused.

    Raises:
        SpinelinkError: the answer was refused.
    """
    if as_json:
        print_answer(case, lambda: document(ask()), failed=failed)
        return
    print_alerts(case)
    show(ask())


def print_alerts(case: Case) -> None:
    """Prints the red flags, which hold whatever the probabilities say.

    That none fired is no reassurance, and is never worded as one.
    """
    alerts = case.alerts()
    click.secho("Red flags", bold=True)
    for alert in alerts:
        click.secho(f"  {alert.urgency.upper()}: {alert.label}", **_style(alert.urgency), nl=False)
        click.echo(f" [{', '.join(alert.findings)}]\n    {alert.advice}")
        click.echo(f"    How sure: {alert.certainty}\n    {alert.cited}")
    if alerts.none:
        click.echo(f"  {alerts.none}")
    first = [f"{p.node}={'|'.join(p.states)}" for p in alerts.pending if p.urgency == "emergency"]
    if first:
        click.echo(f"  Not assessed, and an emergency if found: {', '.join(dict.fromkeys(first))}")
    click.echo()


def _style(urgency: str) -> dict[str, Any]:
    words = URGENCY_STYLES.get(urgency, "").split()
    return {"fg": words[-1] if words else None, "bold": "bold" in words}


def print_causes(case: Case, *, limit: int | None) -> None:
    """Prints the ranked causes as a table. limit: how many; None for all."""
    ranking = case.differential(limit=limit)
    rows = [
        [
            str(place),
            c.label,
            show_number(c.posterior),
            show_number(c.prior),
            show_number(c.ratio),
            c.urgency,
            c.cause,
        ]
        for place, c in enumerate(ranking.causes, 1)
    ]
    click.secho("Causes, by probability after the findings (a person may have several)", bold=True)
    styles = [URGENCY_STYLES.get(c.urgency, "") for c in ranking.causes]
    print_table(
        ["", "cause", "posterior", "prior", "ratio", "urgency", "node"],
        rows,
        right=["", "posterior", "prior", "ratio"],
        styles=styles,
    )
