"""`spinelink link`"""

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
    from spinelink.query.link import Link


@click.command()
@click.argument("words", nargs=-1, metavar="[FINDING]...")
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
    words: tuple[str, ...],
    network: str | None,
    setting: str | None,
    between: tuple[str, str],
    interval: float | None,
    as_json: bool,
) -> None:
    """Are two findings linked, and which way. What was not assessed is taken as present."""
    from spinelink.library import load

    case = load(network or DEFAULT_NETWORK, setting=setting).observe(read_findings(words))
    if as_json:
        print_answer(
            case, lambda: _document(case.link(*between, interval=interval)), failed={"links": []}
        )
        return
    print_alerts(case)  # before the answer, which may be refused: nothing silences them
    _print_link(case.link(*between, interval=interval))


def _document(found: Link) -> dict[str, object]:
    answer = {
        "question": found.question.to_dict(),
        "linked": found.probability,
        "identified": found.identified,
    }
    return {**answer, "links": found.to_frame().to_dict("records")}


def _print_link(found: Link) -> None:
    from spinelink.result import show_number

    click.secho(f"Linked with probability {show_number(found.probability)}", bold=True)
    ends = [] if found.level is None and found.identified else ["low", "high"]
    rows = [
        [
            str(r["meaning"]),
            *(show_number(float(r[k])) for k in ["share", *ends]),
            str(r["carried_by"]),
        ]
        for r in found.to_frame().to_dict("records")
    ]
    print_table(["", "share", *ends, "carried by"], rows, right=["share", *ends])
    if ends:
        click.echo(f"low, high: {found.ends}.")
    click.echo(f"Asked in {found.population}." if found.population else "")
