"""Every error of the library: what is wrong, where, what is allowed, how to mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


class SpinelinkError(Exception):
    """Base of all errors that this library raises on purpose."""


LONGEST_SHOWN = 80
"""Characters of a value that an error shows."""


def shown(value: object) -> str:
    """A value as an error names it: its `repr` on one line, cut where it is long."""
    try:
        text = " ".join(repr(value).split()) if not isinstance(value, str) else repr(value)
    except Exception:  # whatever a caller's own type does, and integers of thousands of digits
        text = f"a value of type {type(value).__name__} that cannot be shown"
    if len(text) <= LONGEST_SHOWN:
        return text
    return f"{text[: LONGEST_SHOWN - 20]}...{text[-10:]} ({len(text):,} characters)"


def near_names(name: str, allowed: Iterable[str], *, limit: int = 3) -> list[str]:
    """Allowed names that look like `name`, nearest first."""
    folded = {_folded(str(a)): str(a) for a in allowed}
    wanted = _folded(str(name))
    scores = {
        key: difflib.SequenceMatcher(None, wanted, key).ratio()
        for key in difflib.get_close_matches(wanted, folded, n=limit)
    }
    # One that is nearly the same stands alone; names that are merely alike would only distract.
    near = [key for key, score in scores.items() if score > max(scores.values()) - 0.08]
    contained = (
        [key for key in folded if len(wanted) > 3 and wanted in key and key not in near]
        if not near
        else []
    )
    return [folded[key] for key in [*near, *contained][:limit]]


def _folded(name: str) -> str:
    return name.casefold().replace("-", "_").replace(" ", "_")


def did_you_mean(name: str, allowed: Iterable[str]) -> str:
    """A closing sentence that suggests near names, or an empty string."""
    near = near_names(name, allowed)
    if not near:
        return ""
    return " Did you mean " + " or ".join(repr(n) for n in near) + "?"


class UnknownNameError(SpinelinkError, KeyError):
    """A name that the network, or the library, does not have."""

    def __init__(self, name: object, *, kind: str, allowed: Iterable[str], where: str = "") -> None:
        self.name = str(name) if isinstance(name, str) else shown(name)
        self.kind, self.allowed = kind, tuple(allowed)
        listing = (
            ", ".join(self.allowed) if len(self.allowed) <= 12 else f"{len(self.allowed)} names"
        )
        place = f" in {where}" if where else ""
        self.message = (
            f"no {kind} {shown(self.name)}{place}; there are: {listing}."
            f"{did_you_mean(self.name, self.allowed)}"
        )
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild_unknown, (self.name, self.kind, self.allowed, self.message))


def _rebuild_unknown(
    name: str, kind: str, allowed: tuple[str, ...], message: str
) -> UnknownNameError:
    error = UnknownNameError(name, kind=kind, allowed=allowed)
    error.message = message
    return error


class EvidenceError(SpinelinkError, ValueError):
    """A finding whose value the network cannot take: wrong state, wrong type, number out of range."""


class ParameterError(SpinelinkError, ValueError):
    """A parameter value that is out of range or of the wrong kind."""


class ImpossibleEvidenceError(SpinelinkError, ValueError):
    """Findings that cannot occur together: P(evidence) = 0. `findings` is a smallest contradicting set."""

    def __init__(self, message: str, *, findings: Sequence[str] = ()) -> None:
        self.findings = tuple(findings)
        super().__init__(message)

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild_impossible, (str(self), self.findings))


def _rebuild_impossible(message: str, findings: tuple[str, ...]) -> ImpossibleEvidenceError:
    return ImpossibleEvidenceError(message, findings=findings)


class TooLargeError(SpinelinkError, MemoryError):
    """A question whose exact answer exceeds the memory budget; says how large it would have been."""


@dataclass(frozen=True, order=True)
class Problem:
    """One problem of a network file. `line` and `column` count from 1; `text` is the offending text."""

    file: str
    line: int
    column: int
    message: str
    hint: str = ""
    text: str = ""
    severity: str = "error"

    def __str__(self) -> str:
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.file}:{self.line}:{self.column}: {self.message}{hint}"


class NetworkFileError(SpinelinkError, ValueError):
    """A network file with problems; `problems` lists every one of them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        head = f"{count} problem{'s' if count != 1 else ''} in {self.problems[0].file if problems else 'the file'}:"
        super().__init__("\n".join([head, *map(str, self.problems)]))

    def __reduce__(self) -> tuple[object, ...]:
        return (NetworkFileError, (self.problems,))
