"""Constraints on what a network answers: `P(a=x | b, not c) >= 0.65`, ratios and differences of two such probabilities."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from spinelink.errors import EvidenceError, ParameterError, SpinelinkError, UnknownNameError
from spinelink.network.evidence import Finding, read_finding
from spinelink.network.network import Network

Form = Literal["value", "ratio", "difference"]
Relation = Literal["==", ">=", "<="]
Said = tuple[tuple[str, str | None], ...]
"""Node, and what is said of it: a value, None for "not in its first state", "!" for "in its first state"."""

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

    event: Said
    given: Said = ()

    def __str__(self) -> str:
        given = f" | {', '.join(map(_words, self.given))}" if self.given else ""
        return f"P({', '.join(map(_words, self.event))}{given})"


@dataclass(frozen=True)
class Constraint:
    """What one query, or the ratio or the difference of two, should be. `sl.constraint` reads one from text."""

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
    """A constraint from its text, as "P(lumbar_disc_herniation | leg_pain=below_knee, not fever) >= 0.4".

    A node by itself means that it is not in its first state, `not node` that it is. Both sides of a division or a subtraction are probabilities; on the
    right stands a number (60 % is 0.6), a probability, or a number times a probability. given: findings that hold in every query, as `case.evidence`.
    Raises ParameterError for text that is none. Names are checked where the constraint is used, against the network.
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
        _ended(text, at)
        return _checked(Constraint(form, first, second, relation, value, findings), text)
    relation, at = _relation(text, at)
    if _QUERY.match(text, at):
        second, at = _query(text, at)
        _ended(text, at)
        return Constraint("difference", first, second, relation, 0.0, findings)
    value, at = _number(text, at)
    if text[at : at + 1] == "*":
        second, at = _query(text, at + 1)
        _ended(text, at)
        return _checked(Constraint("ratio", first, second, relation, value, findings), text)
    _ended(text, at)
    return _checked(Constraint("value", first, None, relation, value, findings), text)


def _query(text: str, at: int) -> tuple[Query, int]:
    match = _QUERY.match(text, at)
    if match is None:
        raise _wrong(text, at, "a probability P(...) is expected")
    event, bar, given = match[1].partition("|")
    if not event.strip():
        raise _wrong(text, match.start(1), "an event is expected")
    if bar and not given.strip():
        raise _wrong(text, match.start(1) + len(event) + 1, "what is given is expected after the |")
    return Query(
        _said(text, event, match.start(1)),
        _said(text, given, match.start(1) + len(event) + 1) if bar else (),
    ), match.end()


def _said(text: str, part: str, at: int) -> Said:
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
            raise _wrong(
                text, at, f"{item.strip()!r} is not understood: write node, not node, or node=state"
            )
        found.append((negative[1], "!") if negative else (name, value if sign else None))
        at += len(item) + 1
    twice = [n for k, (n, _) in enumerate(found) if n in {m for m, _ in found[:k]}]
    if twice:
        raise _wrong(text, at - 1, f"{twice[0]} is named twice")
    return tuple(found)


def _relation(text: str, at: int) -> tuple[Relation, int]:
    for sign in sorted(_RELATIONS, key=len, reverse=True):
        if text.startswith(sign, at):
            return _RELATIONS[sign], at + len(sign)
    raise _wrong(text, at, "one of ==, >=, <= is expected")


def _number(text: str, at: int) -> tuple[float, int]:
    match = _NUMBER.match(text, at)
    if match is None:
        raise _wrong(text, at, "a number is expected")
    return float(match[1]) / (100.0 if match[2] else 1.0), match.end()


def _ended(text: str, at: int) -> None:
    if text[at:].strip():
        raise _wrong(text, at, "the constraint should end here")


def _wrong(text: str, at: int, message: str) -> ParameterError:
    return ParameterError(
        f"{message}:\n  {text}\n  {' ' * min(at, len(text))}^\nA constraint reads {FORMAT}."
    )


def _checked(found: Constraint, text: str) -> Constraint:
    low, high = {"value": (0.0, 1.0), "ratio": (0.0, math.inf), "difference": (-1.0, 1.0)}[
        found.form
    ]
    if not low <= found.value <= high:
        hint = (
            f" A percentage? Write {found.value:g} % or {found.value / 100:g}."
            if found.form == "value" and 1 < found.value <= 100
            else ""
        )
        raise ParameterError(f"{text}: {found.value:g} is outside {low:g} to {high:g}.{hint}")
    return found


def _words(item: tuple[str, str | None]) -> str:
    name, value = item
    return name if value is None else f"not {name}" if value == "!" else f"{name}={value}"


@dataclass(frozen=True)
class Resolved:
    """A query against one network: node -> states of which one holds (event), and findings (given)."""

    event: tuple[tuple[str, tuple[str, ...]], ...]
    given: tuple[tuple[str, Finding], ...]


def resolve(network: Network, query: Query, given: tuple[tuple[str, object], ...] = ()) -> Resolved:
    """Checks the names against the network. Raises UnknownNameError or EvidenceError; SpinelinkError where the event is among what is given."""
    findings: dict[str, Finding] = {}
    for name, value in given:
        known = read_finding(network, name, value)
        if known is not None:
            findings[name] = known
    for name, said in query.given:
        states = _states(network, name, said)
        if states is None:
            known = read_finding(network, name, said)
        else:
            known = (
                states[0]
                if len(states) == 1
                else tuple((s, float(s in states)) for s in network.nodes[name].states)
            )
        if known is not None:
            findings[name] = known
    event = []
    for name, said in query.event:
        states = _states(network, name, said)
        if states is None:
            finding = read_finding(network, name, said)
            if not isinstance(finding, str):
                raise EvidenceError(f"{query}: {name} needs a state.")
            states = (finding,)
        if isinstance(findings.get(name), str):
            raise SpinelinkError(f"{query}: {name} is given already, so there is nothing to ask.")
        event.append((name, states))
    return Resolved(tuple(event), tuple(findings.items()))


def _states(network: Network, name: str, said: object) -> tuple[str, ...] | None:
    if name not in network.nodes:
        raise UnknownNameError(
            name, kind="node", allowed=network.nodes, where=f"network {network.name!r}"
        )
    states = network.nodes[name].states
    return states[1:] if said is None else states[:1] if said == "!" else None
