"""The most probable explanation: the single most probable state of many nodes together (Pearl 1988)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinelink.errors import TooLargeError
from spinelink.inference.compiled import CompiledNetwork, NoisyFactor
from spinelink.inference.execute import InputBuilder, Seen
from spinelink.inference.ordering import elimination_order
from spinelink.inference.plan import Input
from spinelink.inference.query import MEMORY_BUDGET, log_evidence, pattern_of
from spinelink.inference.semiring import LOGARITHMIC

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Explanation:
    """States by node, and log P(states, evidence)."""

    states: dict[int, int]
    log_joint: float


def most_probable_explanation(
    compiled: CompiledNetwork, seen: Seen, *, ignore: Iterable[int] = (), budget: float = MEMORY_BUDGET
) -> Explanation:
    """The most probable joint state of all unobserved nodes, those in `ignore` summed out where no other node depends on them.

    Max-product bucket elimination (Dechter 1999) on logarithms, with every family written out: a sum over the hidden parts of a
    noisy-MAX does not commute with a maximum over its parents. Raises TooLargeError where a table exceeds the budget.
    """
    kept = _kept(compiled, seen, frozenset(ignore))
    builder = InputBuilder(compiled, seen, {}, LOGARITHMIC)
    hidden = {i for i in kept if not isinstance(seen.get(i), int)}
    factors = _factors(compiled, seen, kept, hidden, builder, budget)
    cards = {i: compiled.cards[i] for i in hidden}
    order = elimination_order(sorted(hidden), [scope for scope, _ in factors], cards, {}, frozenset())
    choices: list[tuple[int, tuple[int, ...], Array]] = []
    for v in order:
        holding = [f for f in factors if v in f[0]]
        factors = [f for f in factors if v not in f[0]]
        scope, table = _add_up(holding, cards, budget)
        axis = scope.index(v)
        rest = scope[:axis] + scope[axis + 1 :]
        choices.append((v, rest, table.argmax(axis=axis)))
        factors.append((rest, table.max(axis=axis)))
    best = float(sum(float(table) for _, table in factors))
    states: dict[int, int] = {}
    for v, rest, choice in reversed(choices):
        states[v] = int(choice[tuple(states[u] for u in rest)])
    return Explanation(states, best)


def _kept(compiled: CompiledNetwork, seen: Seen, ignore: frozenset[int]) -> list[int]:
    """All nodes but those of `ignore` below which nothing is kept."""
    kept = set(range(len(compiled.names)))
    for node in reversed(compiled.order):
        has_child = any(node in compiled.parents[k] for k in kept)
        if node in ignore and node not in seen and not has_child:
            kept.discard(node)
    return sorted(kept)


Scoped = tuple[tuple[int, ...], Array]


def _factors(
    compiled: CompiledNetwork, seen: Seen, kept: list[int], hidden: set[int], builder: InputBuilder, budget: float
) -> list[Scoped]:
    found: list[Scoped] = []
    pattern = pattern_of(seen)
    for i in kept:
        factor = compiled.factors[i]
        scope = tuple(p for p in factor.parents if p in hidden) + ((i,) if i in hidden else ())
        if isinstance(factor, NoisyFactor) and pattern.get(i) == "lowest":
            found.append(((), builder.build(Input("constant", i, ()))[..., 0]))
            continue
        size = float(np.prod([float(compiled.cards[v]) for v in scope]))
        _check(size, len(scope), budget)
        form = "expanded" if isinstance(factor, NoisyFactor) else "table"
        found.append((scope, builder.build(Input(form, i, scope))[..., 0]))  # type: ignore[arg-type]
    found += [((i,), builder.build(Input("unary", i, (i,)))[..., 0]) for i in sorted(builder.unary) if i in hidden]
    return found


def _add_up(factors: list[Scoped], cards: dict[int, int], budget: float) -> Scoped:
    scope = tuple(sorted({v for s, _ in factors for v in s}))
    _check(float(np.prod([float(cards[v]) for v in scope])), len(scope), budget)
    whole: Array = np.zeros(())
    for own, table in factors:
        ranked = np.argsort(own) if own else []
        moved = np.transpose(table, ranked) if len(own) > 1 else table
        whole = whole + moved.reshape(tuple(cards[v] if v in own else 1 for v in scope))
    return scope, whole


def _check(size: float, variables: int, budget: float) -> None:
    if size * 8 > budget:
        raise TooLargeError(
            f"the most probable explanation needs a table over {variables} nodes ({size:.3g} numbers, {size * 8 / 1e9:.3g} GB); "
            f"the budget is {budget / 1e9:.3g} GB"
        )


def log_posterior(compiled: CompiledNetwork, seen: Seen, explanation: Explanation, *, budget: float = MEMORY_BUDGET) -> float:
    """log P(states | evidence)."""
    return explanation.log_joint - float(log_evidence(compiled, seen, budget=budget)[0])
