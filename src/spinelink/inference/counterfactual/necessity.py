"""Would a finding be absent, had its causes been absent and all else been as it was: one probability in a network of several worlds (Pearl 1999).

A finding that is asked about is there: what was not assessed, or not for certain, is taken as present.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from spinelink.errors import TooLargeError
from spinelink.inference.arrays import CompiledNetwork, TableFactor
from spinelink.inference.counterfactual.coupling import Coupling, Mechanism, couplings_tried
from spinelink.inference.counterfactual.twin_network import Worlds, reaching, worlds
from spinelink.inference.draws import count_draws, draw_marginals
from spinelink.inference.findings import Observed, States, is_soft
from spinelink.inference.interpreted.marginals import log_evidence, marginals
from spinelink.inference.kernel import flat as fast
from spinelink.network.cpd import LogOdds
from spinelink.network.network import Network

Array = NDArray[np.float64]
Event = tuple[Array, Worlds, dict[int, int | Array | States]]
"""Its probability given the findings, (draws,), its worlds, and what is seen in them."""

LOG_WHOLE = -14.0  # log P(findings) above which what plain doubles, or their differences, do not see is no share of it
CAPACITY = 1 << 26  # doubles that one run of the kernel may take, within the network's budget
RARE = 0.01  # bounds of causes that are rarer are 0 and their probability, without couplings tried


def protective_edges(network: Network, compiled: CompiledNetwork) -> frozenset[tuple[int, int]]:
    """Edges along which a parent only makes its child rarer: the odds ratios in force lower it in some state and raise it in none.

    That a risk factor is missing, or that a named disease has taken the place of a diagnosis of exclusion, is no mechanism by which a finding would go: in the
    other worlds the child responds to such a parent as it was.
    """
    found = set()
    for name, node in network.nodes.items():
        factor = compiled.factors[compiled.index[name]]
        if isinstance(node.cpd, LogOdds) and isinstance(factor, TableFactor):
            for axis, parent in enumerate(factor.parents):
                absent, present = (
                    np.moveaxis(factor.table[..., k, :], axis, 0) for k in (0, 1)
                )  # (parent's states, other parents..., draws)
                # Of a number next to 0 or 1 only the other one has the digits.
                rarer = (present[1:] < present[:1]) | (absent[1:] > absent[:1])
                if (
                    rarer.all(axis=tuple(range(1, rarer.ndim))).any()
                    and (present[1:] <= present[:1]).all()
                ):
                    found.add((parent, compiled.index[name]))
    return frozenset(found)


def present_observed(
    compiled: CompiledNetwork, observed: Observed, effects: Iterable[int]
) -> dict[int, int | Array | States]:
    """The findings, and that effects which were not assessed, or not for certain, are not in their first state."""
    found = dict(observed)
    for i in effects:
        value = found.get(i, np.ones((compiled.cards[i], 1)))
        if not isinstance(value, int) and is_soft(value):
            there = np.array(value, dtype=float)
            there[0] = 0.0
            found[i] = there
    return found


def necessity(
    compiled: CompiledNetwork,
    observed: Observed,
    effect: int,
    causes: Sequence[int],
    *,
    held: Container[tuple[int, int]] = (),
    base: Array | None = None,
    bounded: bool = True,
) -> tuple[Array, Array, Array, bool]:
    """P(effect absent had the causes been absent | findings, effect present), the least and most of it over couplings, (draws,) each; whether it is identified.

    seen: with the effect present. held: as in `worlds`. base: log P(seen), where it is known. bounded: whether other couplings are tried.

    The number is that of rows which respond to one quantile in the order of their states. Low and high are bounds over all couplings (Tian and Pearl 2000) if
    the effect is seen in one state, or nothing of it and below it is seen, and every open mechanism between has two states and is either passed by all that
    differs or compares just two rows in all, few enough for all combinations; they are sharp if each open mechanism compares just two rows and the effect has
    two states or one such mechanism. Otherwise they are the range over the extreme couplings of `couplings_tried`, which may be narrower than that over all.
    Of causes rarer than 1 in 100, and where another coupling is too large to work out, they are 0 and P(any of the causes is there), whatever the coupling.
    """
    reach = sorted(reaching(compiled, [effect], held) & set(causes))
    if not reach:
        nothing = np.zeros(1)
        return nothing, nothing, nothing, True
    base = log_probability(compiled, observed) if base is None else base
    event = [(reach, [effect])]
    same, found, _ = absent_elsewhere(compiled, observed, event, {}, held, base)
    if found.identified or not bounded:
        return same, same, same, found.identified
    most = any_present(compiled, observed, reach, base)
    whole = same, np.zeros(len(same)), np.maximum(most, same), False
    if most.mean() < RARE:
        return whole
    try:
        tried = couplings_tried(compiled, found.open, observed, [effect])
        ends = [
            same,
            *(absent_elsewhere(compiled, observed, event, c, held, base)[0] for c in tried),
        ]
    except TooLargeError:
        return whole
    return same, np.min(ends, axis=0), np.max(ends, axis=0), False


def absent_elsewhere(
    compiled: CompiledNetwork,
    observed: Observed,
    events: Sequence[tuple[Sequence[int], Sequence[int]]],
    couplings: Mapping[Mechanism, Coupling],
    held: Container[tuple[int, int]],
    base: Array,
) -> Event:
    """P(in world k, where the causes of events[k] are absent, its effects are too | findings), (draws,); the worlds, and what is seen in them.

    seen: with the effects present. base: log P(seen).
    """
    found = other_worlds(compiled, observed, events, couplings, held)
    there: dict[int, int | Array | States] = {
        found.at[0][i]: v for i, v in observed.items()
    } | dict(found.fixed)
    for k, (_, effects) in enumerate(events, start=1):
        for e in effects:
            index = found.at[k][e]
            if (
                index == found.at[0][e]
            ):  # nothing that reaches it was changed: it is there as it was
                return np.zeros(len(base)), found, there
            there[index] = 0
    return _share(log_probability(found.network, there, whole=base), base), found, there


def other_worlds(
    compiled: CompiledNetwork,
    observed: Observed,
    events: Sequence[tuple[Sequence[int], Sequence[int]]],
    couplings: Mapping[Mechanism, Coupling],
    held: Container[tuple[int, int]],
) -> Worlds:
    changes = [dict.fromkeys(causes, 0) for causes, _ in events]
    return worlds(
        compiled,
        changes,
        observed,
        [effects for _, effects in events],
        couplings=couplings,
        held=held,
    )


def _share(log: Array, base: Array) -> Array:
    """A conditional probability; not a number in draws under which the findings cannot occur."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.minimum(np.exp(log - base), 1.0))


def any_present(
    compiled: CompiledNetwork, observed: Observed, nodes: Sequence[int], base: Array
) -> Array:
    """P(not all of the nodes are in their first state | findings), (draws,). base: log P(findings)."""
    absent = dict(observed)
    for i in nodes:
        value = observed.get(i, 0)
        if not isinstance(value, int) and is_soft(value):
            absent[i] = (
                value * np.eye(compiled.cards[i])[:, :1]
            )  # the likelihood of its first state still counts
        elif isinstance(value, int) and value != 0:
            return np.ones(len(base))
        else:
            absent[i] = 0
    return np.maximum(1.0 - _share(log_probability(compiled, absent), base), 0.0)


def posteriors_present(
    compiled: CompiledNetwork, observed: Observed, nodes: Sequence[int]
) -> list[float]:
    """P(not in its first state | findings) of each node."""
    if not nodes:
        return []
    of: Mapping[int, Array] = {}
    if fast.is_available():
        answer = fast.solve(
            compiled, *fast.kernel_findings(compiled, observed), list(nodes), capacity=CAPACITY
        )
        of = answer.of if answer.answered[0] else of
    of = of or marginals(compiled, observed, nodes).of
    return [float(of[i][1:, 0].sum()) for i in nodes]


def log_probability(
    compiled: CompiledNetwork, observed: Observed, *, whole: Array | None = None
) -> Array:
    """Log P(findings), (draws,), by the compiled kernel where it is installed and the network fits, else by NumPy.

    whole: log P of what the findings are a part of, if only their share counts: where it is likely enough, what the kernel does not see is no share of it.
    """
    if count_draws(compiled) > 1:
        return draw_marginals(compiled, observed, []).log_evidence
    if fast.is_available():
        answer = fast.solve(
            compiled, *fast.kernel_findings(compiled, observed), [], capacity=CAPACITY
        )
        if answer.answered[0]:
            return answer.log_evidence
        if not answer.outgrown[0] and whole is not None and whole[0] > LOG_WHOLE:
            return np.array([-np.inf])
    return log_evidence(compiled, observed)
