"""Every error of the library: what is wrong, where, what is allowed, how to mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LISTED = 12
"""Names up to which an error lists all that there are."""


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
    return f" Did you mean {_either([repr(n) for n in near])}?"


def _either(words: Sequence[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    *before, last = words
    return f"{', '.join(before)} or {last}" if before else last


class UnknownNameError(SpinelinkError, KeyError):
    """A name that the network, or the library, does not have.

    Args:
        name: that was asked for.
        kind: what it should be a name of.
        allowed: the names that there are.
        where: which they belong to.
        suggestions: what may be meant, best first; the names that look like it where None.
        search: a sentence that says how all names are searched, where they are too many to list.
    """

    def __init__(
        self,
        name: object,
        *,
        kind: str,
        allowed: Iterable[str],
        where: str = "",
        suggestions: Sequence[str] | None = None,
        search: str = "",
    ) -> None:
        self.name = str(name) if isinstance(name, str) else shown(name)
        self.kind, self.allowed = kind, tuple(allowed)
        many = len(self.allowed) > LISTED
        listing = f"{len(self.allowed)} names" if many else ", ".join(self.allowed)
        place = f" in {where}" if where else ""
        near = near_names(self.name, self.allowed) if suggestions is None else suggestions
        self.suggestions = tuple(near)
        words = [repr(n) for n in near] if suggestions is None else list(near)
        meant = f" Did you mean {_either(words)}?" if near else ""
        how = f" {search}" if many and search else ""
        self.message = f"no {kind} {shown(self.name)}{place}; there are: {listing}.{meant}{how}"
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[object, ...]:
        parts = (self.name, self.kind, self.allowed, self.suggestions, self.message)
        return (_rebuild_unknown, parts)


def _rebuild_unknown(
    name: str, kind: str, allowed: tuple[str, ...], suggestions: tuple[str, ...], message: str
) -> UnknownNameError:
    error = UnknownNameError(name, kind=kind, allowed=allowed, suggestions=suggestions)
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
    """A question whose exact answer exceeds the memory limit; says how large it would have been."""


def reason(error: BaseException) -> str:
    """Why something could not be computed, where the rest of an answer is given all the same.

    It holds the library's own words, or the kind and the words of any other error.
    """
    if isinstance(error, SpinelinkError):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return "It was interrupted before the answer was there."
    words = f": {error}" if str(error) else ""
    return f"It could not be computed ({type(error).__name__}{words})."


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
        listed = [str(problem) for problem in self.problems]
        if len(listed) != 1:  # one names its file itself
            where = self.problems[0].file if self.problems else "the file"
            listed.insert(0, f"{len(listed)} problems in {where}:")
        super().__init__("\n".join(listed))

    def __reduce__(self) -> tuple[object, ...]:
        return (NetworkFileError, (self.problems,))
