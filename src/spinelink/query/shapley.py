"""Shapley values of findings, in log odds: exact from all subsets, or from seeded permutations.

Source: Shapley 1953, A value for n-person games. The subsets are answered together, from one plan
(`inference.variants.subsets`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import factorial

import numpy as np
from numpy.typing import NDArray

from spinelink.case import Case
from spinelink.inference.answers import Marginals
from spinelink.inference.variants.one_case import with_some_findings
from spinelink.inference.variants.subsets import with_all_subsets

Array = NDArray[np.float64]

PERMUTATIONS = 64
PIECE = 512
"""Subsets answered between two reports of progress."""
FARTHEST = 700.0
"""Log odds where a finding makes the cause certain or impossible."""


def log_odds(answer: Marginals, nodes: Sequence[int]) -> Array:
    """Log odds that the first node is present, (rows,).

    With a second node: the difference of the logarithms of both posteriors, 0 where neither can be.
    """
    first = answer.posterior[nodes[0]]
    other = answer.posterior[nodes[1]][1:].sum(axis=0) if len(nodes) > 1 else first[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = np.log(first[1:].sum(axis=0)) - np.log(other)
    odds = np.nan_to_num(odds, nan=0.0, posinf=FARTHEST, neginf=-FARTHEST)
    return np.asarray(np.clip(odds, -FARTHEST, FARTHEST))


@dataclass(frozen=True)
class Subsets:
    """One case with only some of its findings, asked for the log odds of one or two nodes.

    on_progress: called with how many subsets are done.
    """

    case: Case
    target: str
    against: str | None
    on_progress: Callable[[int], object]

    @property
    def nodes(self) -> list[int]:
        """The nodes of the log odds."""
        names = [self.target] if self.against is None else [self.target, self.against]
        return [self.case.model.compiled.index[n] for n in names]

    @property
    def findings(self) -> list[int]:
        """The observed nodes, in the order of the case."""
        return [self.case.model.compiled.index[n] for n in self.case.findings]

    def _answer(self, subsets: Sequence[Sequence[int]]) -> Marginals:
        return with_some_findings(
            self.case.model.compiled, self.case.observed, subsets=subsets, nodes=self.nodes
        )

    def sides(self) -> Marginals:
        """With all findings, without any, and without each in turn: (2 + findings) rows."""
        every = self.findings
        return self._answer([every, [], *([i for i in every if i != k] for k in every)])

    def exact_values(self, sides: Marginals) -> Array:
        """Shapley values from the log odds of every subset, (findings,). sides: as `sides()`."""
        findings = self.findings
        n = len(findings)
        if not n:
            return np.zeros(0)
        odds = self._all_subsets()
        ones = (1,) * n
        known = [ones, (0,) * n, *((*ones[:k], 0, *ones[k + 1 :]) for k in range(n))]
        for place, value in zip(known, log_odds(sides, self.nodes), strict=True):
            odds[place] = value
        unsure = [place for place in np.ndindex(odds.shape) if np.isnan(odds[place])]
        if unsure:
            subsets = [
                [i for i, is_in in zip(findings, place, strict=True) if is_in] for place in unsure
            ]
            odds[tuple(np.array(unsure).T)] = self._one_by_one(subsets)
        size = np.indices(odds.shape[1:]).sum(axis=0)  # of the subset that a finding joins
        weight = np.array([factorial(k) * factorial(n - k - 1) / factorial(n) for k in range(n)])
        gains = [odds.take(1, axis=k) - odds.take(0, axis=k) for k in range(n)]
        return np.array([(weight[size] * gain).sum() for gain in gains])

    def _all_subsets(self) -> Array:
        """Log odds of every subset, (2, ..., 2), one axis a finding; NaN where digits are lost."""
        compiled = self.case.model.compiled
        answer = with_all_subsets(
            compiled,
            self.case.observed,
            findings=self.findings,
            nodes=self.nodes,
            on_progress=self.on_progress,
        )
        if answer is None:
            return np.full((2,) * len(self.findings), np.nan)
        return np.where(np.isnan(answer.log_evidence), np.nan, log_odds(answer, self.nodes))

    def sampled_values(self, seed: int) -> Array:
        """The mean over permutations of what each finding adds, (findings,)."""
        findings, rng = self.findings, np.random.default_rng(seed)
        orders = [rng.permutation(findings).tolist() for _ in range(PERMUTATIONS)]
        prefixes = [frozenset(o[:k]) for o in orders for k in range(len(findings) + 1)]
        subsets = list(dict.fromkeys(prefixes))
        odds = self._one_by_one([sorted(s) for s in subsets])
        known = dict(zip(subsets, odds.tolist(), strict=True))

        def gain(order: list[int], finding: int) -> float:
            place = order.index(finding)
            return float(known[frozenset(order[: place + 1])] - known[frozenset(order[:place])])

        return np.array([np.mean([gain(o, i) for o in orders]) for i in findings])

    def _one_by_one(self, subsets: Sequence[Sequence[int]]) -> Array:
        """Log odds under each subset, each run by itself, (subsets,)."""
        parts = []
        for start in range(0, len(subsets), PIECE):
            piece = subsets[start : start + PIECE]
            parts.append(log_odds(self._answer(piece), self.nodes))
            self.on_progress(start + len(piece))
        return np.concatenate(parts)
