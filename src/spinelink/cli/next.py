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
    read_case,
    setting_option,
)
from spinelink.cli.screen import print_table, say
from spinelink.view.text import short_number, show_number

if TYPE_CHECKING:
    from spinelink.diagnosis import Case
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
        show=lambda answer: _show(case, answer),
    )


def _show(case: Case, answer: NextBest) -> None:
    say(f"What to ask or test next: {answer.measure}", style="bold")
    nodes = case.model.nodes
    rows = [
        [
            c.label,
            show_number(c.value),
            show_number(c.per_minute),
            short_number(c.minutes),
            c.money,
            c.question or (", ".join(nodes[n].label for n in c.nodes) if len(c.nodes) > 1 else ""),
        ]
        for c in answer.candidates
    ]
    numbers = [answer.unit, "a minute", "minutes"]
    print_table(["", *numbers, "money", "ask"], rows, right=numbers)
    if answer.stop:
        say(f"No further question is worth its cost: {answer.stop}")
