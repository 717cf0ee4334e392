"""Findings as they are written on the command line: `numbness leg_pain=below_knee fever=no`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from spinelink.errors import EvidenceError
from spinelink.network.evidence import is_mark_of_missing
from spinelink.options import decimal_number
from spinelink.typing import FindingValue

if TYPE_CHECKING:
    from spinelink.diagnosis import Case, Model


class FindingsFileError(EvidenceError, OSError):
    """A file of findings that is there and cannot be opened."""


def observe_words(model: Model, words: Iterable[str]) -> Case:
    """The case of a model that the words describe.

    Args:
        model: the network.
        words: findings, as `read_findings` takes them.

    Raises:
        click.UsageError: a word is no finding, or says that nothing was assessed.
        SpinelinkError: the network does not take a finding.
    """
    listed = list(words)
    findings = read_findings(listed)
    case = model.observe(findings)
    for word in listed:
        if word.startswith("@"):  # a program may have written what was not assessed
            continue
        name, _, value = (part.strip() for part in word.partition("="))
        if value and is_mark_of_missing(value) and name not in case.findings:
            raise click.UsageError(
                f"{word!r} says that nothing was assessed; leave out what was not assessed."
            )
    return case


def read_findings(words: Iterable[str]) -> dict[str, FindingValue]:
    """Findings by node. The network decides what a value means, once it is observed.

    Args:
        words: `numbness`: present. `fever=no` (yes, no, true, false, present, absent): a node with
            two states. `age_group=47`: a node with numeric bins. `leg_pain=below_knee`: a state.
            `leg_pain=none:0.1,above_knee:0.2,below_knee:0.8`: virtual evidence, a likelihood for
            each state, on any scale. `numbness=present:0.8`: of two states the other gets the rest.
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
    example = 'it is a JSON file such as {"numbness": "present"}.'
    try:
        text = path.read_text(encoding="utf-8-sig")
        found = json.loads(text, object_pairs_hook=_once, parse_float=_float)
    except FileNotFoundError:
        raise EvidenceError(f"@{path} cannot be read: there is no such file.") from None
    except OSError as error:
        raise FindingsFileError(f"@{path} cannot be read: {error.strerror or error}.") from None
    except RecursionError:
        raise EvidenceError(f"@{path} cannot be read: it is nested too deeply; {example}") from None
    except ValueError as error:
        raise EvidenceError(f"@{path}: the findings cannot be read ({error}); {example}") from None
    if not isinstance(found, dict):
        raise EvidenceError(
            f"@{path}: findings are a JSON object node -> value, not a {type(found).__name__}."
        )
    return found


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A JSON object. Raises ValueError where a key is in it twice, of which JSON keeps the last."""
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"{key!r} is given twice")
        found[key] = value
    return found


def _float(text: str) -> float:
    """A number of a JSON file. Raises ValueError for one that a double cannot hold."""
    number = decimal_number(text)
    if number is None:
        raise ValueError(f"{text} is too small or too large for a number")
    return number


def _value(name: str, text: str) -> FindingValue:
    if ":" not in text:
        return text
    likelihoods: dict[str, float] = {}
    for part in text.split(","):
        state, colon, number = (piece.strip() for piece in part.rpartition(":"))
        if not colon or not state or state in likelihoods:
            raise EvidenceError(
                f"{name}: {part!r} is not STATE:LIKELIHOOD with each state once, as in "
                "leg_pain=none:0.1,above_knee:0.2,below_knee:0.8."
            )
        likelihood = decimal_number(number)
        if likelihood is None:
            raise EvidenceError(
                f"{name}: the likelihood of {state} must be a number, not {number!r}."
            )
        likelihoods[state] = likelihood
    return likelihoods
