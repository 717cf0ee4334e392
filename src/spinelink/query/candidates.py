"""What knowing a finding is expected to be worth: information, spared loss, or utility.

All outcomes of all candidates are answered in one run: of each node every level but the highest (the
event that it is at most there), beside the node left out. A state is the difference of two levels,
so an outcome of probability p has about 16 + log10(p) digits.

Source: Howard 1966, Information value theory; Lindley 1956 (expected information).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from spinelink.case import Case
from spinelink.inference.answers import Marginals
from spinelink.inference.findings import Observed
from spinelink.inference.variants.likelihood_events import with_events

Array = NDArray[np.float64]
Utilities = Mapping[str, Mapping[str, float]]
"""Action -> state of the target -> utility."""

TIE = 1e-9
"""Posteriors that differ by less are equal."""
LEAST_CHANCE = 1e-13
"""A rarer outcome counts as impossible: differences of probabilities have no digits left there."""


@dataclass(frozen=True)
class ExpectedGain:
    """What a candidate is expected to tell.

    value: the expected gain. changes_lead, changes_action: chances that the leading target, or an
    action, changes. outcomes: node -> state, with their probabilities in `chances`.
    """

    value: float
    changes_lead: float
    changes_action: float
    outcomes: Sequence[Mapping[int, int]]
    chances: Array


@dataclass(frozen=True, eq=False)
class Candidates:
    """Expected value of information of candidates about some targets.

    targets: nodes by index. weights: the importance of each target. acting: the cost of missing each
    target, relative to the cost 1 of acting unnecessarily. loss: measure spared loss in place of
    information; utilities: or the gain of knowing before acting.
    """

    case: Case
    targets: Sequence[int]
    weights: Sequence[float]
    acting: Sequence[float]
    utilities: Utilities | None
    loss: bool

    @classmethod
    def of(
        cls,
        case: Case,
        targets: Sequence[str],
        *,
        by_urgency: bool,
        utilities: Utilities | None,
        loss: bool,
    ) -> Candidates:
        """Candidates about named targets, each counted by its urgency or all alike."""
        network = case.model.network
        index = [case.model.compiled.index[t] for t in targets]
        acting = [network.urgency_weights.of(network.nodes[t]) for t in targets]
        weights = acting if by_urgency else [1.0] * len(targets)
        return cls(case, index, weights, acting, utilities, loss)

    @property
    def now(self) -> Marginals:
        """Posteriors of the targets under the findings so far."""
        names = self.case.model.compiled.names
        return self.case.marginals([names[i] for i in self.targets])

    def gains(
        self, observed: Observed, now: Marginals, groups: Mapping[str, tuple[str, ...]]
    ) -> list[ExpectedGain]:
        """The expected gain of each candidate (name -> nodes), under some findings."""
        before = np.concatenate([now.posterior[t][:, :1] for t in self.targets])
        afterwards = self._after(observed, now, groups=list(groups.values()))
        gains = []
        for nodes, (chances, after) in zip(groups.values(), afterwards, strict=True):
            p = chances / chances.sum() if chances.sum() > 0.0 else chances
            possible = p > 0.0
            lead = self._other_leads(before, after) & possible
            acts = (self._acts(after) != self._acts(before)).any(axis=0) & possible
            value = self._value(before, after, p)
            outcomes = self._outcomes(nodes)
            gains.append(
                ExpectedGain(value, float(p[lead].sum()), float(p[acts].sum()), outcomes, p)
            )
        return gains

    @property
    def _cards(self) -> list[int]:
        """How many states each target has."""
        return [self.case.model.compiled.cards[t] for t in self.targets]

    @cached_property
    def _starts(self) -> NDArray[np.intp]:
        """Where each target's states begin among the states of all targets."""
        return np.cumsum([0, *self._cards])[:-1]

    def _outcomes(self, nodes: Sequence[str]) -> list[dict[int, int]]:
        """All states of the nodes together."""
        compiled = self.case.model.compiled
        index = [compiled.index[n] for n in nodes]
        combinations = product(*(range(compiled.cards[i]) for i in index))
        return [dict(zip(index, states, strict=True)) for states in combinations]

    def _after(
        self, observed: Observed, now: Marginals, *, groups: Sequence[Sequence[str]]
    ) -> list[tuple[Array, Array]]:
        """For each candidate the chances of its outcomes and the posteriors after each.

        Shapes (outcomes,) and (states of all targets, outcomes). What cannot occur is 0 throughout.
        """
        compiled = self.case.model.compiled
        runs: dict[frozenset[tuple[int, int]], int] = {}
        rows_of: list[list[int]] = []  # of each candidate; -1 where none of its nodes is set
        for nodes in groups:
            index = [compiled.index[n] for n in nodes]
            levels = ([*((i, s) for s in range(compiled.cards[i] - 1)), None] for i in index)
            keys = [frozenset(p for p in pairs if p is not None) for pairs in product(*levels)]
            rows_of.append([runs.setdefault(key, len(runs)) if key else -1 for key in keys])
        answer = with_events(compiled, observed, [dict(key) for key in runs], nodes=self.targets)
        with np.errstate(invalid="ignore"):
            share = np.exp(answer.log_evidence - float(np.ravel(now.log_evidence)[0]))
        p = np.append(np.nan_to_num(share), 1.0)
        joint = np.concatenate(
            [
                np.append(
                    np.nan_to_num(answer.posterior[t]) * p[:-1], now.posterior[t][:, :1], axis=1
                )
                for t in self.targets
            ]
        )
        afterwards = []
        for nodes, rows in zip(groups, rows_of, strict=True):
            cards = [compiled.cards[compiled.index[n]] for n in nodes]
            chance = _differences(p[rows].reshape(cards), 0).ravel()
            chance = np.where(chance > LEAST_CHANCE, chance, 0.0)
            both = _differences(joint[:, rows].reshape(-1, *cards), 1)
            both = np.clip(both, 0.0, None).reshape(len(joint), -1)
            after = np.divide(both, chance, out=np.zeros_like(both), where=chance > 0.0)
            afterwards.append((chance, after))
        return afterwards

    def _present(self, posterior: Array) -> Array:
        """P(present) of each of several targets; of a single target, P of each of its states."""
        if len(self.targets) == 1:
            return posterior
        return np.asarray(np.add.reduceat(posterior, self._starts) - posterior[self._starts])

    def _other_leads(self, before: Array, after: Array) -> NDArray[np.bool_]:
        """True for outcomes under which another target leads than now; equals do not count."""
        now = self._present(before)[:, 0]
        ahead = self._present(after)
        leaders = np.flatnonzero(now >= now.max() - TIE)
        return np.asarray(ahead.max(axis=0) > ahead[leaders].max(axis=0) + TIE)

    def _acts(self, posterior: Array) -> NDArray[np.bool_]:
        """True where missing a target is expected to cost more than acting, (targets, outcomes)."""
        absent = posterior[self._starts]
        return np.asarray(np.array(self.acting)[:, np.newaxis] * (1.0 - absent) > absent + TIE)

    def _value(self, before: Array, after: Array, p: Array) -> float:
        if self.loss:
            return self._spared_loss(before, after, p=p)
        if self.utilities is None:
            return self._information(before, after, p)
        return self._utility_gain(before, after, p=p)

    def _spared_loss(self, before: Array, after: Array, *, p: Array) -> float:
        """How much less is expected to be lost by acting, or not, on each target."""
        weights = np.array(self.weights)[:, np.newaxis]

        def lost(absent: Array) -> Array:
            return np.asarray(np.minimum(absent, weights * (1.0 - absent)).sum(axis=0))

        return max(float(lost(before[self._starts])[0] - p @ lost(after[self._starts])), 0.0)

    def _information(self, before: Array, after: Array, p: Array) -> float:
        """Mutual information with each target, in bits, summed with the targets' weights."""
        weights = np.repeat(self.weights, self._cards)
        possible = after > 0.0
        logs = np.log2(np.where(possible, after, 1.0)) - np.log2(np.where(possible, before, 1.0))
        return max(float(weights @ (after * logs) @ p), 0.0)

    def _utility_gain(self, before: Array, after: Array, *, p: Array) -> float:
        """How much better the best action is expected to be once the outcome is known."""
        assert self.utilities is not None
        states = self.case.model.compiled.states[self.targets[0]]
        rows = [[u[s] for s in states] for u in self.utilities.values()]
        table = np.array(rows)  # (actions, states)
        return float(p @ (table @ after).max(axis=0)) - float((table @ before).max())


def _differences(values: Array, first: int) -> Array:
    """Levels become states: along each axis from `first` on, each place less the one before."""
    for axis in range(first, values.ndim):
        values = np.diff(values, axis=axis, prepend=0.0)
    return values
