"""`spinelink link`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from spinelink.cli.output import (
    findings_argument,
    json_option,
    network_option,
    print_question,
    read_case,
    setting_option,
)
from spinelink.cli.screen import print_table, say
from spinelink.view.text import show_percent

if TYPE_CHECKING:
    from spinelink.query.link import Link

CARRIERS = 4
"""Nodes that are named for a link pattern."""


@click.command()
@findings_argument
@network_option
@setting_option
@click.option(
    "--between",
    nargs=2,
    default=("leg_pain", "back_pain"),
    show_default=True,
    help="The two findings.",
)
@click.option(
    "--interval",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Level of credible intervals, as 0.95 (minutes).",
)
@json_option
def link(
    *,
    words: tuple[str, ...],
    network: str | None,
    setting: str | None,
    between: tuple[str, str],
    interval: float | None,
    as_json: bool,
) -> None:
    """Are two findings linked, and which way. What was not assessed is taken as present."""
    case = read_case(words, network=network, setting=setting)
    print_question(
        case,
        lambda: case.link(*between, interval=interval),
        as_json=as_json,
        show=_show,
    )


def _show(answer: Link) -> None:
    say(f"Linked with probability {show_percent(answer.probability)}", style="bold")
    ends = [] if answer.level is None and answer.identified else ["low", "high"]
    words, rows = answer.words(), []
    for part, share in answer.shares.items():
        bounds = [show_percent(answer.low[part]), show_percent(answer.high[part])]
        carriers = answer.carriers.get(part, ())[:CARRIERS]
        carried = ", ".join(f"{c.label} ({show_percent(c.probability)})" for c in carriers)
        rows.append([words[part], show_percent(share), *(bounds if ends else []), carried])
    print_table(["", "share", *ends, "carried by"], rows, right=["share", *ends])
    if ends:
        say(f"low, high: {answer.ends}.")
    if answer.population:
        say(f"Evaluated in {answer.population.replace('_', ' ')}.")
