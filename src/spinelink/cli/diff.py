"""`spinelink diff`"""

from __future__ import annotations

from pathlib import Path

import click

from spinelink.cli.output import json_option, print_json, setting_option

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("before", metavar="BEFORE")
@click.argument("after", metavar="AFTER")
@setting_option
@click.option(
    "--cases",
    type=_FILE,
    help="A file of cases whose rankings are compared.  [default: the one beside BEFORE]",
)
@click.option(
    "--claims",
    type=_FILE,
    help="A file of claims that both are audited against.  [default: the one beside BEFORE]",
)
@click.option(
    "--effects/--no-effects",
    default=True,
    help="Also marginals, rankings and the audit.  [default: effects]",
)
@json_option
def diff(
    before: str,
    after: str,
    setting: str | None,
    cases: Path | None,
    claims: Path | None,
    effects: bool,
    as_json: bool,
) -> None:
    """What differs between two network files, or bundled networks, and what that does to the answers."""
    from spinelink.library import load

    first, second = load(before, setting=setting), load(after, setting=setting)
    found = first.diff(second, cases=cases, claims=claims, effects=effects)
    if as_json:
        print_json(found.to_dict())
    else:
        click.echo(str(found))
