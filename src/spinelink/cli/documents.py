"""JSON for programs: every command's document has the same head, and always ends.

The first line holds the head, with the alerts of a case, and is written before anything is
computed. It lacks only its closing brace. The lines after it complete the document, with the answer
or with what went wrong.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from spinelink.errors import ImpossibleEvidenceError, reason
from spinelink.result import FORMAT, plain
from spinelink.version import __version__
from spinelink.view.text import NOTICE

if TYPE_CHECKING:
    from spinelink.diagnosis import Case


def print_document(result: Mapping[str, object]) -> None:
    """Prints the document of a command that is about no case.

    Args:
        result: the answer's `to_dict()`.
    """
    _print_head({})
    _print_rest({"result": result})


def print_answer(case: Case, ask: Callable[[], Mapping[str, object]]) -> None:
    """Prints the document of a case: head and alerts at once, the answer when it is there.

    Args:
        case: the findings.
        ask: computes the answer's `to_dict()`.

    Raises:
        BaseException: whatever the answer raised, Ctrl-C too; the document is complete all the same,
            with `result` null and the `error`.
    """
    alerts = case.alerts()
    question = {k: v for k, v in alerts.question.to_dict().items() if k != "log_evidence"}
    listed = alerts.to_dict()
    _print_head(
        {
            "question": question,
            "alerts": listed["alerts"],
            "pending": listed["pending"],
            "none": alerts.none,
        }
    )
    try:
        result = ask()
    except BaseException as error:
        _print_rest({"result": None, "error": _error(error)})
        raise
    _print_rest({"result": result})


def _print_head(parts: Mapping[str, object]) -> None:
    """The first line: all of the document so far, without its closing brace."""
    context = click.get_current_context(silent=True)
    command = "" if context is None else str(context.info_name)
    head = {"format": FORMAT, "spinelink": __version__, "command": command, **parts}
    click.echo(_json(head)[:-1])
    sys.stdout.flush()


def _print_rest(parts: Mapping[str, object]) -> None:
    """The lines after the head, and the closing brace."""
    text = _json({"error": None, **parts, "notice": NOTICE}, indent=2)
    click.echo(f",{text[1:]}")
    sys.stdout.flush()


def _json(document: Mapping[str, object], *, indent: int | None = None) -> str:
    """Strict JSON: what is no finite number is null."""
    return json.dumps(plain(document), indent=indent, allow_nan=False)


def _error(error: BaseException) -> dict[str, Any]:
    """What went wrong, as plain values."""
    findings = list(error.findings) if isinstance(error, ImpossibleEvidenceError) else []
    return {"kind": type(error).__name__, "message": reason(error), "findings": findings}
