"""`spinelink diff`."""

from __future__ import annotations

from pathlib import Path

import click

from spinelink.cli.completion import complete_network
from spinelink.cli.documents import print_document
from spinelink.cli.output import existing_file, json_option, load_model, setting_option
from spinelink.cli.screen import say


@click.command()
@click.argument("before", metavar="BEFORE", shell_complete=complete_network)
@click.argument("after", metavar="AFTER", shell_complete=complete_network)
@setting_option
@click.option(
    "--cases",
    type=existing_file,
    help="A file of cases whose rankings are compared.  [default: the one beside BEFORE]",
)
@click.option(
    "--claims",
    type=existing_file,
    help="A file of claims that both are audited against.  [default: the one beside BEFORE]",
)
@click.option(
    "--effects/--no-effects",
    default=True,
    help="Also marginals, rankings and the audit.  [default: effects]",
)
@json_option
def diff(
    *,
    before: str,
    after: str,
    setting: str | None,
    cases: Path | None,
    claims: Path | None,
    effects: bool,
    as_json: bool,
) -> None:
    """What differs between two networks, and what that does to the answers.

    BEFORE and AFTER are network files, or names of bundled networks.
    """
    first, second = load_model(before, setting), load_model(after, setting)
    difference = first.diff(second, cases=cases, claims=claims, effects=effects)
    if as_json:
        print_document(difference.to_dict())
    else:
        say(difference)
