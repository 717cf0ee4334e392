"""Whether one parameter is sound: its uncertainty, its estimate, its source."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import assert_never

from spinelink.network.check.issue import Issue, Place, Sources, check_sources
from spinelink.network.parameter import Distribution, Parameter, Probability, Ratio

SUM_TOLERANCE = 1e-6
COUNT_TOLERANCE = 0.005


def check_parameter(place: Place, parameter: Parameter, *, sources: Sources) -> Iterator[Issue]:
    """Everything wrong with one parameter, except whether it fits its node."""
    yield from _check_uncertainty(place, parameter)
    match parameter:
        case Probability():
            yield from _check_interval(place, parameter)
            yield from _check_against_data(place, parameter)
        case Ratio():
            yield from _check_interval(place, parameter)
        case Distribution():
            at = Place((*place.path, "estimate"), place.words)
            yield from _check_sum(at, parameter.estimate)
            yield from _check_before_fit(place, parameter)
            yield from _check_counts(place, parameter)
        case _:
            assert_never(parameter)
    yield from _check_provenance(place, parameter, sources=sources)


def total(values: Iterable[float]) -> str:
    """`1.04 (0.61 + 0.43)`."""
    numbers = list(values)
    return f"{math.fsum(numbers):.10g} ({' + '.join(f'{number:.10g}' for number in numbers)})"


def _check_uncertainty(place: Place, parameter: Parameter) -> Iterator[Issue]:
    """The uncertainty is stated in exactly one way. A word says it, too."""
    ways = [
        way
        for way in ("word", "words", "interval", "counts", "equivalent_sample_size", "beta")
        if getattr(parameter, way, None) is not None
    ]
    possible = [
        way
        for way in ("interval", "counts", "equivalent_sample_size", "beta")
        if way in type(parameter).model_fields
    ]
    if not ways:
        choice = " or ".join(
            [", ".join(possible[:-1]), possible[-1]] if len(possible) > 1 else possible
        )
        yield Issue(place.path, f"{place.words} does not say how sure it is", f"add {choice}")
    elif len(ways) > 1:
        yield Issue(
            (*place.path, ways[-1]),
            f"{place.words} says how sure it is in {len(ways)} ways: {', '.join(ways)}",
            "keep one",
            at_key=True,
        )


def _in_words(parameter: Parameter) -> bool:
    return parameter.word is not None or getattr(parameter, "words", None) is not None


def _check_interval(place: Place, parameter: Probability | Ratio) -> Iterator[Issue]:
    """The interval is not empty and holds the estimate."""
    if parameter.interval is None:
        return
    estimate, (low, high) = parameter.estimate, parameter.interval
    if low > high:
        yield Issue(
            (*place.path, "interval"),
            f"interval of {place.words}: low {low:g} is above high {high:g}",
            f"write [{high:g}, {low:g}]",
        )
    elif estimate is None:
        return
    elif not low <= estimate <= high:
        yield Issue(
            (*place.path, "estimate"),
            f"estimate of {place.words}, {estimate:g}, is outside its own interval {low:g} to {high:g}",
        )
    elif low == high:
        yield Issue(
            (*place.path, "interval"),
            f"interval of {place.words} has no width: nothing is known without error",
            severity="warning",
        )


def _check_against_data(place: Place, parameter: Probability) -> Iterator[Issue]:
    """The estimate may be rounded, but not differ from its own counts or Beta."""
    estimate = parameter.estimate if parameter.before_fit is None else parameter.before_fit
    if estimate is None:
        return
    if parameter.counts is not None:
        k, n = parameter.counts
        if min(abs(estimate - value) for value in (k / n, (k + 0.5) / (n + 1.0))) > COUNT_TOLERANCE:
            message = f"estimate of {place.words}, {estimate:g}, contradicts its counts: {k:g} of {n:g} is {k / n:.4g}"
            yield Issue((*place.path, "estimate"), message, "leave the estimate out")
    if parameter.beta is not None:
        alpha, beta = parameter.beta
        mean = alpha / (alpha + beta)
        if abs(estimate - mean) > COUNT_TOLERANCE:
            message = f"estimate of {place.words}, {estimate:g}, contradicts its beta: [{alpha:g}, {beta:g}] has mean {mean:.4g}"
            yield Issue((*place.path, "estimate"), message, "leave the estimate out")


def _check_before_fit(place: Place, parameter: Distribution) -> Iterator[Issue]:
    """The estimate before the fit is a distribution over the same states."""
    before, estimate = parameter.before_fit, parameter.estimate
    if before is None:
        return
    if set(before) != set(estimate):
        yield Issue(
            (*place.path, "before_fit"),
            f"before_fit of {place.words} names {', '.join(before)}; the estimate names {', '.join(estimate)}",
        )
    else:
        at = Place((*place.path, "before_fit"), f"{place.words} before the fit")
        yield from _check_sum(at, before)


def _check_sum(place: Place, distribution: Mapping[str, float]) -> Iterator[Issue]:
    """The probabilities sum to 1."""
    values = list(distribution.values())
    error = math.fsum(values) - 1.0
    if abs(error) > SUM_TOLERANCE:
        amount = f"{abs(error):.3g} too {'much' if error > 0 else 'little'}"
        yield Issue(
            place.path,
            f"{place.words} sums to {total(values)}, {amount}",
            "the probabilities of all states sum to 1",
        )


def _check_counts(place: Place, parameter: Distribution) -> Iterator[Issue]:
    """The counts are about the same states and agree with the estimate."""
    if parameter.counts is None:
        return
    at = (*place.path, "counts")
    if set(parameter.counts) != set(parameter.estimate):
        yield Issue(
            at,
            f"counts of {place.words} name {', '.join(parameter.counts)}; the estimate names {', '.join(parameter.estimate)}",
        )
        return
    people = math.fsum(parameter.counts.values())
    if people <= 0:
        yield Issue(at, f"counts of {place.words} are all 0")
        return
    off = [
        f"{state} is {estimate:g}, but {parameter.counts[state]:g} of {people:g} is {parameter.counts[state] / people:.4g}"
        for state, estimate in (parameter.before_fit or parameter.estimate).items()
        if abs(estimate - parameter.counts[state] / people) > COUNT_TOLERANCE
    ]
    if off:
        yield Issue(
            (*place.path, "estimate"),
            f"estimate of {place.words} contradicts its counts: {'; '.join(off)}",
        )


def _check_provenance(place: Place, parameter: Parameter, *, sources: Sources) -> Iterator[Issue]:
    """A source is named and defined; a judged parameter says in a note what it was judged from."""
    if parameter.grade != "judged" and not parameter.source:
        yield Issue(
            place.path,
            f"{place.words} is {parameter.grade} but names no source",
            "add source: KEY, or grade it judged and say in a note why",
        )
    if parameter.grade == "judged" and not parameter.note and not _in_words(parameter):
        yield Issue(
            place.path,
            f"{place.words} is judged without a note",
            "say in note: what it was judged from",
        )
    yield from check_sources(place, parameter.source, sources=sources)
