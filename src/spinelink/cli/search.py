"""`spinelink findings`: how findings are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from spinelink.cli.documents import print_document
from spinelink.cli.output import json_option, load_model, network_option
from spinelink.cli.screen import print_table, say

if TYPE_CHECKING:
    from spinelink.query.findings import FindingList


@click.command("findings")
@click.argument("words", nargs=-1, metavar="[WORD]...")
@network_option
@click.option("--role", default=None, help="Only nodes with this role, as symptom or cause.")
@click.option(
    "--limit",
    "-l",
    type=click.IntRange(min=1),
    default=None,
    help="How many to list.  [default: 10 with a word, all without]",
)
@json_option
def findings(
    *,
    words: tuple[str, ...],
    network: str | None,
    role: str | None,
    limit: int | None,
    as_json: bool,
) -> None:
    """What findings are called: all of them, or those that WORD may mean.

    \b
    spinelink findings drop foot
    spinelink findings sciatica
    spinelink findings HP:0001945

    The search reads names, labels, synonyms, everyday names, questions, states and codes, and
    forgives typos.
    """  # noqa: D301  (click reads the backspace character)
    found = load_model(network).findings(" ".join(words), limit=limit, role=role)
    if as_json:
        print_document(found.to_dict())
        return
    say(found.title(), style="bold")
    if found:
        _show(found)


def _show(found: FindingList) -> None:
    rows = [
        [
            row.name,
            row.label,
            row.role,
            ", ".join(row.states),
            row.question or ", ".join(row.synonyms),
        ]
        for row in found.rows
    ]
    print_table(["name", "label", "role", "states", "question, or also called"], rows)
