"""Constraints on what a network answers, as `P(a=x | b, not c) >= 0.65`.

A constraint bounds one probability, or the ratio or difference of two.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from spinelink.errors import EvidenceError, ParameterError, SpinelinkError
from spinelink.network.evidence import Finding, read_finding
from spinelink.network.network import Network
from spinelink.network.search import unknown_node

Form = Literal["value", "ratio", "difference"]
Relation = Literal["==", ">=", "<="]
Event = tuple[tuple[str, str | None], ...]
"""Nodes, each with a value, None for "present", or "!" for "absent"."""

FORMAT = "P(node=state, ... | node, not node, ...) >= number; also P(...) / P(...) and P(...) - P(...), and P(...) >= 2 * P(...)"
_QUERY = re.compile(r"\s*P\s*\(([^()]*)\)\s*")
_NUMBER = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(%?)\s*")
_RELATIONS: Mapping[str, Relation] = {
    "==": "==",
    "=": "==",
    ">=": ">=",
    "<=": "<=",
    ">": ">=",
    "<": "<=",
    "≥": ">=",
    "≤": "<=",
}


@dataclass(frozen=True)
class Query:
    """P(event | given), as written."""

    event: Event
    given: Event = ()

    def __str__(self) -> str:
        given = f" | {', '.join(map(_words, self.given))}" if self.given else ""
        return f"P({', '.join(map(_words, self.event))}{given})"


@dataclass(frozen=True)
class Constraint:
    """A bound on one query, or on the ratio or difference of two; `sl.constraint` reads text."""

    form: Form
    first: Query
    second: Query | None
    relation: Relation
    value: float
    given: tuple[tuple[str, object], ...] = ()  # findings that hold in every query

    def __str__(self) -> str:
        sign = {"value": "", "ratio": " / ", "difference": " - "}[self.form]
        given = " given " + ", ".join(f"{n}={v}" for n, v in self.given) if self.given else ""
        return f"{self.first}{sign}{self.second or ''} {self.relation} {self.value:g}{given}"


def constraint(text: str, *, given: Mapping[str, object] | None = None) -> Constraint:
    """A constraint from its text, as "P(herniation | leg_pain=below_knee, not fever) >= 0.4".

    A node by itself means that it is present, `not node` that it is absent (in its first state).
    Both sides of a division or a subtraction are probabilities. On the right stands a number
    (60 % is 0.6), a probability, or a number times a probability. Names are checked against the
    network where the constraint is used.

    Args:
        text: The constraint.
        given: Findings that hold in every query, as `case.evidence`.

    Raises:
        ParameterError: The text is no constraint.
        EvidenceError: `given` is no mapping.
    """
    if not isinstance(text, str):
        raise ParameterError(f"a constraint is text, as '{FORMAT}'; not a {type(text).__name__}.")
    if given is not None and not isinstance(given, Mapping):
        raise EvidenceError(f"given is a mapping node -> finding, not a {type(given).__name__}.")
    findings = tuple((str(n), v) for n, v in (given or {}).items())
    first, at = _query(text, 0)
    rest = text[at:]
    if rest[:1] in ("/", "-"):
        form: Form = "ratio" if rest[0] == "/" else "difference"
        second, at = _query(text, at + 1)
        relation, at = _relation(text, at)
        value, at = _number(text, at)
        _require_end(text, at)
        return _in_range(Constraint(form, first, second, relation, value, findings), text)
    relation, at = _relation(text, at)
    if _QUERY.match(text, at):
        second, at = _query(text, at)
        _require_end(text, at)
        return Constraint("difference", first, second, relation, 0.0, findings)
    value, at = _number(text, at)
    if text[at : at + 1] == "*":
        second, at = _query(text, at + 1)
        _require_end(text, at)
        return _in_range(Constraint("ratio", first, second, relation, value, findings), text)
    _require_end(text, at)
    return _in_range(Constraint("value", first, None, relation, value, findings), text)


def _query(text: str, at: int) -> tuple[Query, int]:
    """The probability that begins at this position, and the position after it."""
    match = _QUERY.match(text, at)
    if match is None:
        raise _error(text, at, message="a probability P(...) is expected")
    event, bar, given = match[1].partition("|")
    if not event.strip():
        raise _error(text, match.start(1), message="an event is expected")
    if bar and not given.strip():
        raise _error(
            text, match.start(1) + len(event) + 1, message="what is given is expected after the |"
        )
    return Query(
        _event(text, event, at=match.start(1)),
        _event(text, given, at=match.start(1) + len(event) + 1) if bar else (),
    ), match.end()


def _event(text: str, part: str, *, at: int) -> Event:
    """The nodes and values in a part of the text that begins at this position."""
    found: list[tuple[str, str | None]] = []
    for item in part.split(","):
        name, sign, value = (x.strip() for x in item.partition("="))
        negative = re.fullmatch(r"(?:not\s+|!\s*)(\S+)", name)
        if (
            not name
            or (sign and not value)
            or (negative and sign)
            or (not negative and re.search(r"\s", name))
        ):
            raise _error(
                text,
                at,
                message=f"{item.strip()!r} is not understood: write node, not node, or node=state",
            )
        found.append((negative[1], "!") if negative else (name, value if sign else None))
        at += len(item) + 1
    twice = [n for k, (n, _) in enumerate(found) if n in {m for m, _ in found[:k]}]
    if twice:
        raise _error(text, at - 1, message=f"{twice[0]} is named twice")
    return tuple(found)


def _relation(text: str, at: int) -> tuple[Relation, int]:
    """The relation at this position, and the position after it."""
    for sign in sorted(_RELATIONS, key=len, reverse=True):
        if text.startswith(sign, at):
            return _RELATIONS[sign], at + len(sign)
    raise _error(text, at, message="one of ==, >=, <= is expected")


def _number(text: str, at: int) -> tuple[float, int]:
    """The number or percentage at this position, and the position after it."""
    match = _NUMBER.match(text, at)
    if match is None:
        raise _error(text, at, message="a number is expected")
    return float(match[1]) / (100.0 if match[2] else 1.0), match.end()


def _require_end(text: str, at: int) -> None:
    """Raises ParameterError if text follows."""
    if text[at:].strip():
        raise _error(text, at, message="the constraint should end here")


def _error(text: str, at: int, *, message: str) -> ParameterError:
    """An error that points at a position of the text."""
    return ParameterError(
        f"{message}:\n  {text}\n  {' ' * min(at, len(text))}^\nA constraint reads {FORMAT}."
    )


def _in_range(found: Constraint, text: str) -> Constraint:
    """The constraint itself; raises ParameterError if its bound cannot be reached."""
    low, high = {"value": (0.0, 1.0), "ratio": (0.0, math.inf), "difference": (-1.0, 1.0)}[
        found.form
    ]
    if not low <= found.value <= high:
        hint = (
            f" A percentage? Write {found.value:g} % or {found.value / 100:g}."
            if found.form == "value" and 1 < found.value <= 100 and "%" not in text
            else ""
        )
        raise ParameterError(f"{text}: {found.value:g} is outside {low:g} to {high:g}.{hint}")
    return found


def _words(item: tuple[str, str | None]) -> str:
    """One node of an event, as it is written."""
    name, value = item
    return name if value is None else f"not {name}" if value == "!" else f"{name}={value}"


@dataclass(frozen=True)
class Resolved:
    """A query against one network.

    event: nodes, each with the states of which one holds. given: findings by node.
    """

    event: tuple[tuple[str, tuple[str, ...]], ...]
    given: tuple[tuple[str, Finding], ...]


def resolve(
    network: Network, query: Query, *, given: tuple[tuple[str, object], ...] = ()
) -> Resolved:
    """A query with its names checked against the network.

    Args:
        network: The network.
        query: The query, as written.
        given: Findings that hold in addition to those of the query.

    Raises:
        UnknownNameError: The network has no such node.
        EvidenceError: A node has no such state, or a value is no finding.
        SpinelinkError: A node of the event is among the findings.
    """
    findings: dict[str, Finding] = {}
    for name, finding in given:
        known = read_finding(network, name, finding)
        if known is not None:
            findings[name] = known
    for name, value in query.given:
        states = _states(network, name, value=value)
        if states is None:
            known = read_finding(network, name, value)
        else:
            known = (
                states[0]
                if len(states) == 1
                else tuple((s, float(s in states)) for s in network.nodes[name].states)
            )
        if known is not None:
            findings[name] = known
    event = []
    for name, value in query.event:
        states = _states(network, name, value=value)
        if states is None:
            state = read_finding(network, name, value)
            if not isinstance(state, str):
                raise EvidenceError(f"{query}: {name} needs a state.")
            states = (state,)
        if isinstance(findings.get(name), str):
            raise SpinelinkError(f"{query}: {name} is given already, so there is nothing to ask.")
        event.append((name, states))
    return Resolved(tuple(event), tuple(findings.items()))


def _states(network: Network, name: str, *, value: object) -> tuple[str, ...] | None:
    """The states for "present" or "absent"; None for a value, which names a state itself."""
    if name not in network.nodes:
        raise unknown_node(network, name)
    states = network.nodes[name].states
    return states[1:] if value is None else states[:1] if value == "!" else None
