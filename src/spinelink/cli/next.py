"""`spinelink next`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from spinelink.cli.completion import complete_node
from spinelink.cli.output import (
    findings_argument,
    json_option,
    network_option,
    print_question,
    print_table,
    read_case,
    setting_option,
)
from spinelink.view.text import show_number

if TYPE_CHECKING:
    from spinelink.query.next_best import NextBest


@click.command("next")
@findings_argument
@network_option
@setting_option
@click.option(
    "--target",
    shell_complete=complete_node,
    help="Ask what tells most about this node.  [default: all causes, by urgency]",
)
@click.option(
    "--limit", type=click.IntRange(min=1), default=8, show_default=True, help="How many to list."
)
@click.option(
    "--by-value", is_flag=True, help="Rank by what is learned, and not by what is learned a minute."
)
@json_option
def next_question(
    *,
    words: tuple[str, ...],
    network: str | None,
    setting: str | None,
    target: str | None,
    limit: int,
    by_value: bool,
    as_json: bool,
) -> None:
    """What to ask or test next, and what it would tell."""
    case = read_case(words, network=network, setting=setting)
    print_question(
        case,
        lambda: case.next_best(target, limit=limit, cost=None if by_value else "minutes"),
        as_json=as_json,
        document=_document,
        show=_show,
        failed={"next": []},
    )


def _document(answer: NextBest) -> dict[str, object]:
    return {
        "question": answer.question.to_dict(),
        "measure": answer.measure,
        "unit": answer.unit,
        "stop": answer.stop,
        "next": answer.to_frame().to_dict("records"),
    }


def _show(answer: NextBest) -> None:
    click.secho(f"What to ask or test next: {answer.measure}", bold=True)
    rows = [
        [
            c.label,
            show_number(c.value),
            show_number(c.per_minute),
            show_number(c.minutes),
            c.money,
            c.question or ", ".join(c.nodes),
        ]
        for c in answer.candidates
    ]
    numbers = [answer.unit, "a minute", "minutes"]
    print_table(["", *numbers, "money", "ask"], rows, right=numbers)
    if answer.stop:
        click.echo(f"No further question is worth its cost: {answer.stop}")
