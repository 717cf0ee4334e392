"""`spinelink check`"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from spinelink.cli.output import json_option, print_json
from spinelink.errors import NetworkFileError, Problem


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@json_option
def check(files: tuple[str, ...], as_json: bool) -> int:
    """Everything that is wrong with a network file, or a file of claims, at once.

    FILE is a path, or the name of a bundled network; NAME.claims.yaml is checked against NAME.yaml beside it. Exit status 1 where there is an error;
    warnings alone do not fail.
    """
    found = {path: _problems(path) for path in dict.fromkeys(map(_path, files))}
    if as_json:
        print_json(
            {
                "files": [
                    {"file": str(path), **_counts(each), "problems": [asdict(p) for p in each]}
                    for path, each in found.items()
                ]
            }
        )
    else:
        for path, problems in found.items():
            _show(path, problems)
    return int(any(_counts(problems)["errors"] for problems in found.values()))


def _problems(path: Path) -> list[Problem]:
    from spinelink.io.network_file import check_file, read_network

    if not path.name.endswith(".claims.yaml"):
        return check_file(path)
    from spinelink.claims.file import read_claims

    try:
        read_claims(
            path, read_network(path.with_name(path.name.removesuffix(".claims.yaml") + ".yaml"))
        )
    except NetworkFileError as error:
        return list(error.problems)
    return []


def _path(file: str) -> Path:
    from spinelink.networks_folder import bundled

    path = Path(file)
    return path if path.exists() else bundled().get(file, path)


def _counts(problems: Sequence[Problem]) -> dict[str, int]:
    errors = sum(problem.severity == "error" for problem in problems)
    return {"errors": errors, "warnings": len(problems) - errors}


def _show(path: Path, problems: Sequence[Problem]) -> None:
    from spinelink.io.network_file import render

    lines = _lines(path) if problems else []
    for problem in problems:
        click.echo(render(problem, lines) + "\n")
    counts = ", ".join(
        f"{n} {word if n != 1 else word[:-1]}" for word, n in _counts(problems).items() if n
    )
    click.echo(f"{path}: {counts or 'no problems'}")


def _lines(path: Path) -> list[str]:
    """The lines to show problems in; none where the file cannot be read as text, which is then the problem itself."""
    from spinelink.io.source_text import read_source

    try:
        return read_source(path).lines
    except NetworkFileError:
        return []
