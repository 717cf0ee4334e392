"""`spinelink link`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

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
    from spinelink.query.link import Link


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
        document=_document,
        show=_show,
        failed={"links": []},
    )


def _document(answer: Link) -> dict[str, object]:
    return {
        "question": answer.question.to_dict(),
        "linked": answer.probability,
        "identified": answer.identified,
        "links": answer.to_frame().to_dict("records"),
    }


def _show(answer: Link) -> None:
    click.secho(f"Linked with probability {show_number(answer.probability)}", bold=True)
    ends = [] if answer.level is None and answer.identified else ["low", "high"]
    rows = [
        [
            str(row["meaning"]),
            *(show_number(float(row[column])) for column in ["share", *ends]),
            str(row["carried_by"]),
        ]
        for row in answer.to_frame().to_dict("records")
    ]
    print_table(["", "share", *ends, "carried by"], rows, right=["share", *ends])
    if ends:
        click.echo(f"low, high: {answer.ends}.")
    click.echo(f"Evaluated in {answer.population}." if answer.population else "")
