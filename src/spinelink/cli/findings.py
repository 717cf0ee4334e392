"""Findings as they are written on the command line: `numbness leg_pain=below_knee fever=no`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import click

from spinelink.errors import EvidenceError
from spinelink.typing import FindingValue


def read_findings(words: Iterable[str]) -> dict[str, FindingValue]:
    """Findings by node. The network decides what a value means, once it is observed.

    Args:
        words: `numbness`: present. `fever=no` (yes, no, true, false, present, absent): a node with
            two states. `age_group=47`: a node with numeric bins. `leg_pain=below_knee`: a state.
            `leg_pain=above_knee:0.2,below_knee:0.8`: virtual evidence, likelihoods on any scale.
            `@case.json`: all findings of a file, as the explorer saves them.

    Returns:
        Node -> value, in the order written.

    Raises:
        click.UsageError: a word is no finding, or a node is named twice.
        EvidenceError: a file cannot be read, or likelihoods are not understood.
    """
    findings: dict[str, FindingValue] = {}
    for word in words:
        read = _in_file(Path(word[1:])) if word.startswith("@") else _in_word(word)
        for name, value in read.items():
            if name in findings:
                raise click.UsageError(f"{name} is given twice.")
            findings[name] = value
    return findings


def _in_word(word: str) -> dict[str, FindingValue]:
    name, equals, value = (part.strip() for part in word.partition("="))
    if not name or (equals and not value):
        raise click.UsageError(
            f"{word!r} is no finding; write NODE or NODE=VALUE, and leave out what was not "
            "assessed."
        )
    return {name: _value(name, value) if equals else "present"}


def _in_file(path: Path) -> dict[str, FindingValue]:
    """Findings of a JSON file, node -> value. Raises EvidenceError where it cannot be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise EvidenceError(f"@{path}: the findings cannot be read: nested too deep.") from None
    except (OSError, ValueError) as error:
        raise EvidenceError(
            f"@{path}: the findings cannot be read ({error}); it is a JSON file such as "
            '{"numbness": "present"}.'
        ) from None
    if not isinstance(found, dict):
        raise EvidenceError(
            f"@{path}: findings are a JSON object node -> value, not a {type(found).__name__}."
        )
    return found


def _value(name: str, text: str) -> FindingValue:
    if ":" not in text:
        return text
    likelihoods: dict[str, float] = {}
    for part in text.split(","):
        state, colon, number = (piece.strip() for piece in part.rpartition(":"))
        if not colon or not state or state in likelihoods:
            raise EvidenceError(
                f"{name}: {part!r} is not STATE:LIKELIHOOD with each state once, as in "
                "leg_pain=above_knee:0.2,below_knee:0.8."
            )
        try:
            likelihoods[state] = float(number)
        except ValueError:
            raise EvidenceError(
                f"{name}: the likelihood of {state} must be a number, not {number!r}."
            ) from None
    return likelihoods
