"""`spinelink next`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from spinelink.cli.findings import read_findings
from spinelink.cli.output import (
    json_option,
    network_option,
    print_alerts,
    print_answer,
    print_table,
    setting_option,
)
from spinelink.cli.query import DEFAULT_NETWORK

if TYPE_CHECKING:
    from spinelink.query.next_best import NextBest


@click.command("next")
@click.argument("words", nargs=-1, metavar="[FINDING]...")
@network_option
@setting_option
@click.option(
    "--target", help="Ask what tells most about this node.  [default: all causes, by urgency]"
)
@click.option(
    "--limit", type=click.IntRange(min=1), default=8, show_default=True, help="How many to list."
)
@click.option(
    "--by-value", is_flag=True, help="Rank by what is learned, and not by what is learned a minute."
)
@json_option
def next_question(
    words: tuple[str, ...],
    network: str | None,
    setting: str | None,
    target: str | None,
    limit: int,
    by_value: bool,
    as_json: bool,
) -> None:
    """What to ask or test next, and what it would tell."""
    from spinelink.library import load

    case = load(network or DEFAULT_NETWORK, setting=setting).observe(read_findings(words))

    def ask() -> NextBest:
        return case.next_best(target, limit=limit, cost=None if by_value else "minutes")

    if as_json:
        print_answer(case, lambda: _document(ask()), failed={"next": []})
        return
    print_alerts(case)
    _print_candidates(ask())


def _document(found: NextBest) -> dict[str, object]:
    records = found.to_frame().to_dict("records")
    return {
        "question": found.question.to_dict(),
        "measure": found.measure,
        "unit": found.unit,
        "stop": found.stop,
        "next": records,
    }


def _print_candidates(found: NextBest) -> None:
    from spinelink.result import show_number

    click.secho(f"What to ask or test next: {found.measure}", bold=True)
    rows = [
        [
            c.label,
            show_number(c.value),
            show_number(c.per_minute),
            show_number(c.minutes),
            c.money,
            c.question or ", ".join(c.nodes),
        ]
        for c in found.candidates
    ]
    print_table(
        ["", found.unit, "a minute", "minutes", "money", "ask"],
        rows,
        right=[found.unit, "a minute", "minutes"],
    )
    if found.stop:
        click.echo(f"Stop: {found.stop}")
