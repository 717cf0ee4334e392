"""The factual world: a network, the findings of one case, and probabilities in it.

Counterfactual questions are about effects that are there. An effect that was not assessed, or not
for certain, is therefore taken as present (`assume_present`).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.answer import log_evidence, log_evidence_or_nothing, marginals
from spinelink.inference.arrays import CompiledNetwork, TableFactor
from spinelink.inference.findings import Observed, States, is_soft
from spinelink.network.cpd import LogOdds
from spinelink.network.network import Network

Array = NDArray[np.float64]
Edge = tuple[int, int]
"""(parent, child)"""
FIVE_DECIMALS = 1e7
"""See `limits.fewer_digits`. What carries a link is shown with two."""
Findings = dict[int, int | Array | States]


@dataclass(frozen=True, eq=False)
class Factual:
    """One case in one network, with what stays factual in every other world.

    compiled: the network; its batch axis holds draws of the parameters. observed: the findings,
    with the effects present. unaffected_edges: edges (parent, child) along which no world differs;
    the child responds to the parent as it is in the factual world.
    """

    compiled: CompiledNetwork
    observed: Observed
    unaffected_edges: Container[Edge] = frozenset()

    @cached_property
    def log_observed(self) -> Array:
        """Log P(findings), (draws,)."""
        return log_probability(self.compiled, self.observed)

    def share(self, log: Array) -> Array:
        """P(event | findings), given log P(event, findings); NaN in draws with P(findings) = 0."""
        with np.errstate(invalid="ignore"):
            return np.asarray(np.minimum(np.exp(log - self.log_observed), 1.0))


def protective_edges(network: Network, compiled: CompiledNetwork) -> frozenset[Edge]:
    """Edges along which a parent only makes its child rarer.

    The odds ratios in force lower the child in some state of the parent and raise it in none. If a
    risk factor is absent, or a named disease replaces a diagnosis of exclusion, that is no
    mechanism by which a finding would go away. These edges are therefore unaffected.
    """
    return frozenset(
        (parent, compiled.index[name])
        for name, node in network.nodes.items()
        if isinstance(node.cpd, LogOdds)
        and isinstance(factor := compiled.factors[compiled.index[name]], TableFactor)
        for axis, parent in enumerate(factor.parents)
        if _is_protective(factor.table, axis)
    )


def _is_protective(table: Array, axis: int) -> bool:
    """table: (parents..., 2, draws). axis: that of the parent."""
    absent, present = (np.moveaxis(table[..., k, :], axis, 0) for k in (0, 1))
    # (parent's states, other parents..., draws). Next to 0 or 1 only the other one has the digits.
    rarer = (present[1:] < present[:1]) | (absent[1:] > absent[:1])
    rarer_in_some_state = rarer.all(axis=tuple(range(1, rarer.ndim))).any()
    return bool(rarer_in_some_state and (present[1:] <= present[:1]).all())


def assume_present(
    compiled: CompiledNetwork, observed: Observed, *, effects: Iterable[int]
) -> Findings:
    """The findings, with effects that were not assessed, or not for certain, taken as present."""
    found = dict(observed)
    for i in effects:
        value = found.get(i, np.ones((compiled.cards[i], 1)))
        if not isinstance(value, int) and is_soft(value):
            likelihoods = np.array(value, dtype=float)
            likelihoods[0] = 0.0
            found[i] = likelihoods
    return found


def any_present(factual: Factual, nodes: Sequence[int]) -> Array:
    """P(at least one of the nodes is present | findings), (draws,)."""
    absent = dict(factual.observed)
    for i in nodes:
        value = factual.observed.get(i, 0)
        if not isinstance(value, int) and is_soft(value):
            # The likelihood of the first state still counts.
            absent[i] = value * np.eye(factual.compiled.cards[i])[:, :1]
        elif isinstance(value, int) and value != 0:
            return np.ones(len(factual.log_observed))
        else:
            absent[i] = 0
    return np.maximum(1.0 - factual.share(log_probability(factual.compiled, absent)), 0.0)


def posteriors_present(
    compiled: CompiledNetwork, observed: Observed, *, nodes: Sequence[int]
) -> list[float]:
    """P(present | findings) of each node; where the run is large, to five decimals."""
    if not nodes:
        return []
    compiled = compiled.with_fewer_digits(FIVE_DECIMALS)
    entries = compiled.limits.kernel_worlds
    answer = marginals(compiled, observed, nodes, heavy=True, max_entries=entries)
    return [float(answer.present(i)[0]) for i in nodes]


def log_probability(
    compiled: CompiledNetwork, observed: Observed, *, whole: Array | None = None
) -> Array:
    """Log P(findings), (draws,).

    whole: log of the denominator, when only the ratio is needed; lets an underflow be returned as
    -inf instead of being recomputed on logarithms.
    """
    if whole is not None and whole[0] > compiled.limits.likely_evidence:
        return log_evidence_or_nothing(compiled, observed)
    return log_evidence(compiled, observed, heavy=True)
