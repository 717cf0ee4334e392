"""Read a network file, and say everything that is wrong with it at once: what, where, and how to mend it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from spinelink.errors import NetworkFileError, Problem
from spinelink.io.shape import issues_of
from spinelink.io.source_text import SourceText, decode_source, read_source
from spinelink.io.yaml_events import PROBLEM_LIMIT, Document, Path, read_document
from spinelink.network.check.issue import Issue
from spinelink.network.check.network import check_network
from spinelink.network.network import Network

_STUBS: dict[str, object] = {
    "spinelink": 1,
    "name": "unreadable",
    "title": "unreadable",
    "version": "0",
}
_SECTIONS = ("nodes", "sources", "settings")


def read_network(path: str | os.PathLike[str]) -> Network:
    """The network in a file. Raises one NetworkFileError that lists every error; warnings are left to `check_file`."""
    return _require(*inspect(read_source(path))[:2])


def parse_network(text: str | bytes, *, file: str = "text") -> Network:
    """The network in a text; `file` is what problems call it."""
    return _require(*inspect(decode_source(text, file=file))[:2])


def check_file(path: str | os.PathLike[str]) -> list[Problem]:
    """Every problem of a network file, errors and warnings, sorted by line. Raises nothing for what the file says."""
    try:
        return inspect(read_source(path))[1]
    except NetworkFileError as error:
        return list(error.problems)


def inspect(source: SourceText) -> tuple[Network | None, list[Problem], Document]:
    """The network, if the file has no errors; all its problems; and the document with the place of every key and value."""
    document = read_document(source)
    network, issues = _validate(document) if () not in document.broken else (None, [])
    problems = sorted(
        {*document.problems, *(_place(issue, document) for issue in issues)},
        key=lambda each: (each.line, each.column, each),
    )
    if any(problem.severity == "error" for problem in problems):
        network = None
    return network, problems[:PROBLEM_LIMIT], document


def render(problem: Problem, source_lines: Sequence[str], *, width: int = 120) -> str:
    """A problem with its line of the file and a mark under the offending text, for people."""
    head = f"{problem.file}:{problem.line}:{problem.column}: {problem.severity}: {problem.message}"
    hint = [f"      hint: {problem.hint}"] if problem.hint else []
    if not 1 <= problem.line <= len(source_lines):
        return "\n".join([head, *hint])
    line, first = source_lines[problem.line - 1], problem.column - 1
    begin = max(0, first - width // 2) if len(line) > width else 0
    shown = line[begin : begin + width]
    pad = "".join("\t" if character == "\t" else " " for character in shown[: first - begin])
    mark = "^" * max(1, min(len(problem.text), len(shown) - (first - begin)))
    number = f"{problem.line:>5}"
    return "\n".join([head, f"{number} | {shown}", f"{' ' * len(number)} | {pad}{mark}", *hint])


def _require(network: Network | None, problems: Sequence[Problem]) -> Network:
    if network is None:
        raise NetworkFileError([problem for problem in problems if problem.severity == "error"])
    return network


def _place(issue: Issue, document: Document) -> Problem:
    span = document.span(issue.path, key=issue.at_key)
    return document.source.problem(
        span.start, issue.message, hint=issue.hint, end=span.end, severity=issue.severity
    )


def _validate(document: Document) -> tuple[Network | None, list[Issue]]:
    """The network and what is wrong with it; where parts have the wrong shape, what is wrong with the rest is reported too."""
    if not isinstance(document.value, dict):
        return None, _shape_issues(document.value)
    shape = [
        issue
        for issue in _shape_issues(document.value)
        if not _follows(issue.path, document.broken)
    ]
    if not shape and not document.broken:
        network = Network.model_validate(document.value)
        return network, check_network(network)
    partial, unreadable = _without(
        document.value, [*(issue.path for issue in shape), *document.broken]
    )
    try:
        rest = Network.model_validate(partial)
    except ValidationError:
        return None, shape
    return None, [*shape, *check_network(rest, unreadable=unreadable)]


def _shape_issues(value: object) -> list[Issue]:
    try:
        Network.model_validate(value)
    except ValidationError as error:
        return issues_of(error.errors(include_url=False))
    return []


def _follows(path: Path, broken: set[Path]) -> bool:
    """Whether a refusal only follows from a value that was refused already."""
    return any(path[: len(each)] == each or each[: len(path)] == path for each in broken)


def _without(
    data: dict[str, Any], paths: Sequence[Path]
) -> tuple[dict[str, Any], dict[str, frozenset[str]]]:
    """The data without the smallest entries that hold these paths, and the names of the entries left out."""
    partial = {
        key: dict(value) if isinstance(value, dict) else value for key, value in data.items()
    }
    lost: dict[str, set[str]] = {section: set() for section in _SECTIONS}
    for path in [*paths, *((key,) for key in _STUBS if key not in data)]:
        section, name = str(path[0]) if path else "", str(path[1]) if len(path) > 1 else ""
        entries = partial.get(section)
        if (
            len(path) > 3
            and path[2] == "overrides"
            and (overrides := _overrides(entries, name)) is not None
        ):
            partial[section][name] = {
                **partial[section][name],
                "overrides": {key: value for key, value in overrides.items() if key != path[3]},
            }
        elif len(path) > 1 and isinstance(entries, dict):
            entries.pop(name, None)
            lost.get(section, set()).add(name)
        elif section in _STUBS:
            partial[section] = _STUBS[section]
        elif section != "nodes":
            partial.pop(section, None)
    if isinstance(data.get("changes"), list) and any(path[:1] == ("changes",) for path in paths):
        partial.pop("changes", None)
    return partial, {section: frozenset(names) for section, names in lost.items()}


def _overrides(entries: Any, name: str) -> dict[str, Any] | None:
    """The overrides of a setting, if the file has a mapping there."""
    entry = entries.get(name) if isinstance(entries, dict) else None
    overrides = entry.get("overrides") if isinstance(entry, dict) else None
    return overrides if isinstance(overrides, dict) else None
