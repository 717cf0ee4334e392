"""`spinelink check`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from spinelink.cli.completion import complete_network
from spinelink.cli.documents import print_document
from spinelink.cli.output import json_option
from spinelink.cli.screen import say, width_of
from spinelink.deferred import DeferredModule
from spinelink.errors import NetworkFileError, Problem
from spinelink.networks_folder import bundled

if TYPE_CHECKING:
    from spinelink.io import fitted_file
else:
    fitted_file = DeferredModule("spinelink.io.fitted_file")

GUTTER = len("12345 | ")
"""Columns in front of a line of the file."""
WIDEST = 120
"""Letters of a line of the file that are shown at most."""


@click.command()
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", shell_complete=complete_network
)
@json_option
def check(*, files: tuple[str, ...], as_json: bool) -> int:
    """Everything that is wrong with a network file, or a file of claims, at once.

    FILE is a path, or the name of a bundled network; NAME.claims.yaml is checked against NAME.yaml
    beside it. Exit status 1 where there is an error; warnings alone do not fail.
    """
    problems = {path: _problems(path) for path in dict.fromkeys(map(_path, files))}
    if as_json:
        print_document({"files": [_document(path, listed) for path, listed in problems.items()]})
    else:
        for path, listed in problems.items():
            _show(path, listed)
    return int(any(_counts(listed)["errors"] for listed in problems.values()))


def _document(path: Path, problems: Sequence[Problem]) -> dict[str, object]:
    listed = [asdict(problem) for problem in problems]
    return {"file": str(path), **_counts(problems), "problems": listed}


def _problems(path: Path) -> list[Problem]:
    from spinelink.io.network_file import check_file, read_network

    if not path.name.endswith(".claims.yaml"):
        return check_file(path)
    from spinelink.claims.file import read_claims

    network = path.with_name(path.name.removesuffix(".claims.yaml") + ".yaml")
    try:
        read_claims(path, read_network(network))
    except NetworkFileError as error:
        return list(error.problems)
    return []


def _path(file: str) -> Path:

    path = Path(file)
    return path if path.exists() else bundled().get(file, path)


def _counts(problems: Sequence[Problem]) -> dict[str, int]:
    errors = sum(problem.severity == "error" for problem in problems)
    return {"errors": errors, "warnings": len(problems) - errors}


def _show(path: Path, problems: Sequence[Problem]) -> None:
    from spinelink.io.network_file import render

    lines = _lines(path) if problems else []
    width = min(WIDEST, width_of(sys.stdout) - GUTTER)
    for problem in problems:
        say(render(problem, lines, width=width) + "\n")
    numbers = _counts(problems).items()
    counts = ", ".join(f"{n} {word if n != 1 else word[:-1]}" for word, n in numbers if n)
    say(f"{path}: {counts or 'no problems'}")
    if path.suffix == ".yaml" and (said := _fitted(path)):
        say(said)


def _fitted(path: Path) -> str:
    """Whether fitted values stand beside a network file, and whether they are of it."""
    state = fitted_file.state_of(path)
    return f"fitted values: {state}" if state else ""


def _lines(path: Path) -> list[str]:
    """The lines that problems are shown in; none if the file is no text."""
    from spinelink.io.source_text import read_source

    try:
        return read_source(path).lines
    except NetworkFileError:
        return []
