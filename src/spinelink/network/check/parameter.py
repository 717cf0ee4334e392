"""Whether one number is sound: its uncertainty said once, its estimate inside it, its source named."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from spinelink.errors import near_names
from spinelink.network.parameter import Distribution, Parameter, Probability, Ratio
from spinelink.network.parameter_ids import Path

SUM_TOLERANCE = 1e-6
COUNT_TOLERANCE = 0.005
_MANY = 500


@dataclass(frozen=True)
class Issue:
    """One thing wrong with a network. `path` leads to it in the file; `at_key` where the key is what is wrong, not its value."""

    path: Path
    message: str
    hint: str = ""
    severity: str = "error"
    at_key: bool = False


def near(name: str, allowed: Iterable[str]) -> str:
    """A hint that suggests near names, else lists what there is where that is short."""
    names = list(allowed)
    if (
        len(names) > _MANY
    ):  # To compare with every name would take minutes in a large file full of mistakes.
        names = [each for each in names if each[:3] == name[:3]][:_MANY]
    if found := near_names(name, names):
        return "did you mean " + " or ".join(map(repr, found)) + "?"
    return f"there are: {', '.join(names)}" if 0 < len(names) <= 8 else ""


def check_number(
    path: Path,
    words: str,
    number: Parameter,
    *,
    sources: Collection[str],
    unreadable: frozenset[str],
) -> Iterator[Issue]:
    """Everything wrong with one number except whether it fits its node. `words` is what people call it."""
    yield from _check_uncertainty(path, words, number)
    match number:
        case Probability():
            yield from _check_interval(path, words, number.estimate, number.interval)
            yield from _check_against_data(path, words, number)
        case Ratio():
            yield from _check_interval(path, words, number.estimate, number.interval)
        case Distribution():
            yield from _check_sum((*path, "estimate"), words, number.estimate)
            if number.before_fit is not None:
                yield from _check_before(path, words, number.before_fit, number.estimate)
            yield from _check_counts(path, words, number)
        case _:
            assert_never(number)
    yield from _check_provenance(path, words, number, sources, unreadable)


def check_sources(
    path: Path, words: str, keys: Sequence[str], known: Collection[str], unreadable: frozenset[str]
) -> Iterator[Issue]:
    """Source keys that the file does not define."""
    for key in keys:
        if key not in known and key not in unreadable:
            yield Issue(
                (*path, "source"),
                f"{words} cites {key!r}, which is not in sources",
                near(key, known),
            )


def total(values: Iterable[float]) -> str:
    """`1.04 (0.61 + 0.43)`."""
    numbers = list(values)
    return f"{math.fsum(numbers):.10g} ({' + '.join(f'{number:.10g}' for number in numbers)})"


def _check_uncertainty(path: Path, words: str, number: Parameter) -> Iterator[Issue]:
    ways = [
        way
        for way in ("interval", "counts", "equivalent_sample_size", "beta")
        if getattr(number, way, None) is not None
    ]
    possible = [
        way
        for way in ("interval", "counts", "equivalent_sample_size", "beta")
        if way in type(number).model_fields
    ]
    if not ways:
        choice = " or ".join(
            [", ".join(possible[:-1]), possible[-1]] if len(possible) > 1 else possible
        )
        yield Issue(path, f"{words} does not say how sure it is", f"add {choice}")
    elif len(ways) > 1:
        yield Issue(
            (*path, ways[-1]),
            f"{words} says how sure it is in {len(ways)} ways: {', '.join(ways)}",
            "keep one",
            at_key=True,
        )


def _check_interval(
    path: Path, words: str, estimate: float | None, interval: tuple[float, float] | None
) -> Iterator[Issue]:
    if interval is None:
        return
    low, high = interval
    if low > high:
        yield Issue(
            (*path, "interval"),
            f"interval of {words}: low {low:g} is above high {high:g}",
            f"write [{high:g}, {low:g}]",
        )
    elif estimate is None:
        return
    elif not low <= estimate <= high:
        yield Issue(
            (*path, "estimate"),
            f"estimate of {words}, {estimate:g}, is outside its own interval {low:g} to {high:g}",
        )
    elif low == high:
        yield Issue(
            (*path, "interval"),
            f"interval of {words} has no width: nothing is known without error",
            severity="warning",
        )


def _check_against_data(path: Path, words: str, number: Probability) -> Iterator[Issue]:
    """The estimate may be rounded, but not differ from its own counts or Beta."""
    estimate = number.estimate if number.before_fit is None else number.before_fit
    if estimate is None:
        return
    if number.counts is not None:
        k, n = number.counts
        if min(abs(estimate - value) for value in (k / n, (k + 0.5) / (n + 1.0))) > COUNT_TOLERANCE:
            message = f"estimate of {words}, {estimate:g}, contradicts its counts: {k:g} of {n:g} is {k / n:.4g}"
            yield Issue((*path, "estimate"), message, "leave the estimate out")
    if number.beta is not None:
        alpha, beta = number.beta
        mean = alpha / (alpha + beta)
        if abs(estimate - mean) > COUNT_TOLERANCE:
            message = f"estimate of {words}, {estimate:g}, contradicts its beta: [{alpha:g}, {beta:g}] has mean {mean:.4g}"
            yield Issue((*path, "estimate"), message, "leave the estimate out")


def _check_before(
    path: Path, words: str, before: Mapping[str, float], estimate: Mapping[str, float]
) -> Iterator[Issue]:
    if set(before) != set(estimate):
        yield Issue(
            (*path, "before_fit"),
            f"before_fit of {words} names {', '.join(before)}; the estimate names {', '.join(estimate)}",
        )
    else:
        yield from _check_sum((*path, "before_fit"), f"{words} before the fit", before)


def _check_sum(path: Path, words: str, distribution: Mapping[str, float]) -> Iterator[Issue]:
    values = list(distribution.values())
    error = math.fsum(values) - 1.0
    if abs(error) > SUM_TOLERANCE:
        amount = f"{abs(error):.3g} too {'much' if error > 0 else 'little'}"
        yield Issue(
            path,
            f"{words} sums to {total(values)}, {amount}",
            "the probabilities of all states sum to 1",
        )


def _check_counts(path: Path, words: str, number: Distribution) -> Iterator[Issue]:
    if number.counts is None:
        return
    at = (*path, "counts")
    if set(number.counts) != set(number.estimate):
        yield Issue(
            at,
            f"counts of {words} name {', '.join(number.counts)}; the estimate names {', '.join(number.estimate)}",
        )
        return
    people = math.fsum(number.counts.values())
    if people <= 0:
        yield Issue(at, f"counts of {words} are all 0")
        return
    off = [
        f"{state} is {estimate:g}, but {number.counts[state]:g} of {people:g} is {number.counts[state] / people:.4g}"
        for state, estimate in (number.before_fit or number.estimate).items()
        if abs(estimate - number.counts[state] / people) > COUNT_TOLERANCE
    ]
    if off:
        yield Issue(
            (*path, "estimate"), f"estimate of {words} contradicts its counts: {'; '.join(off)}"
        )


def _check_provenance(
    path: Path, words: str, number: Parameter, known: Collection[str], unreadable: frozenset[str]
) -> Iterator[Issue]:
    if number.grade != "judged" and not number.source:
        yield Issue(
            path,
            f"{words} is {number.grade} but names no source",
            "add source: KEY, or grade it judged and say in a note why",
        )
    if number.grade == "judged" and not number.note:
        yield Issue(
            path, f"{words} is judged without a note", "say in note: what it was judged from"
        )
    yield from check_sources(path, words, number.source, known, unreadable)
