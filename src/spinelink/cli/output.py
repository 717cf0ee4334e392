"""What every command prints with: tables for people, JSON for programs."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from spinelink.errors import ImpossibleEvidenceError, SpinelinkError

if TYPE_CHECKING:
    from rich.console import Console

    from spinelink.diagnosis import Case

NOTICE = "For research, teaching and decision support for professionals. Not a medical device."
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
json_option = click.option(
    "--json", "as_json", is_flag=True, help="One JSON document, for programs."
)


def console() -> Console:
    """Where tables go. A pipe has no width, so there lines are never cut."""
    from rich.console import Console

    return Console(
        highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else 240
    )


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Sequence[str] = (),
    styles: Sequence[str] = (),
) -> None:
    """A table. right: columns of numbers; styles: one a row, empty for none."""
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
    """One strict JSON document: what is not a number is null."""
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
    """One JSON document with the alerts, whatever becomes of the answer: an error stands in it (with what `failed` says), and is raised after it."""
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


def print_alerts(case: Case) -> None:
    """Red flags first: they hold whatever the probabilities say. That none fired is no reassurance, and is never worded as one."""
    alerts = case.alerts()
    click.secho("Red flags", bold=True)
    for alert in alerts:
        click.secho(f"  {alert.urgency.upper()}: {alert.label}", **_style(alert.urgency), nl=False)
        click.echo(
            f" [{', '.join(alert.findings)}]\n    {alert.advice}\n    How sure: {alert.certainty}\n    {alert.cited}"
        )
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
    """The ranked causes as a table."""
    from spinelink.result import show_number

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
