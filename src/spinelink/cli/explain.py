"""`spinelink explain`."""

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
from spinelink.cli.screen import say

if TYPE_CHECKING:
    from spinelink.diagnosis import Case
    from spinelink.query.reasons import Reasons


@click.command()
@findings_argument
@network_option
@setting_option
@click.option(
    "--target",
    shell_complete=complete_node,
    help="The cause to explain.  [default: the leading one]",
)
@click.option("--against", help="Another cause to compare it with.")
@json_option
def explain(
    *,
    words: tuple[str, ...],
    network: str | None,
    setting: str | None,
    target: str | None,
    against: str | None,
    as_json: bool,
) -> None:
    """What each finding contributed to a cause.

    Also what was expected and is absent, and what would change the ranking.
    """
    case = read_case(words, network=network, setting=setting)
    print_question(
        case,
        lambda: case.explain(target, against=against),
        as_json=as_json,
        show=lambda reasons: _show(case, reasons),
    )


def _show(case: Case, reasons: Reasons) -> None:
    from spinelink.network.labels import text_label

    for line in reasons.text().splitlines():
        say(text_label(line, case.model.network))
