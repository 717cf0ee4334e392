"""Plans made once: a plan depends on the structure and on which nodes are observed, not on numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from spinelink.errors import TooLargeError
from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.cache import CacheKey
from spinelink.inference.plan.patterns import Pattern, canonical, pattern_key
from spinelink.inference.plan.plan import Kind, Plan, make_plan


@dataclass(frozen=True)
class PlanKey(CacheKey["tuple[Plan, bool]"]):
    """The plan of a sum, and whether a better order was searched for."""

    pattern: Pattern
    kept: frozenset[int]
    free: tuple[int, ...]
    difference_form: bool
    exact: frozenset[int]


@dataclass(frozen=True)
class RefusalKey(CacheKey[str]):
    """What was said of a plan that is too large: the order of it is not searched for again."""

    plan: PlanKey
    max_entries: float
    thorough: bool


def plan_for(
    compiled: CompiledNetwork,
    pattern: Mapping[int, Kind],
    *,
    kept: Iterable[int],
    free: tuple[int, ...] = (),
    max_entries: float | None = None,
    thorough: bool = True,
    difference_form: bool = False,
    exact: frozenset[int] = frozenset(),
) -> Plan:
    """The plan of a pattern, made once and cached; see `make_plan`.

    max_entries: as many as the network's memory limit allows where None. Raises TooLargeError.
    """
    limit = compiled.max_entries if max_entries is None else max_entries
    kept = frozenset(kept)
    pattern = canonical(compiled, pattern)
    key = PlanKey(pattern_key(pattern), kept, free, difference_form, exact)
    cached = compiled.plans.get(key)
    if cached is not None:
        plan, searched = cached
        if plan.entries <= limit and (searched or not thorough):
            return plan
    refusal = RefusalKey(key, limit, thorough)
    if (words := compiled.plans.get(refusal)) is not None:
        raise TooLargeError(words)
    try:
        plan = make_plan(
            compiled,
            pattern,
            kept=kept,
            free=free,
            max_entries=limit,
            thorough=thorough,
            difference_form=difference_form,
            exact=exact,
        )
    except TooLargeError as too_large:
        compiled.plans.put(refusal, str(too_large))
        raise
    compiled.plans.put(key, (plan, thorough or plan.entries < compiled.limits.searched_entries))
    return plan
