"""A case as counterfactual questions take it: in an unselected population, with its effects present.

In a clinic patients were selected because of their symptoms; that consulting because of pain does
not cause the pain. Where a setting is a selection, this is evidence in the factual world only: in
other worlds nobody needs to consult. Where a setting has parameters of its own instead,
counterfactuals are evaluated in the population that the network marks as unselected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spinelink.case import Case
from spinelink.errors import EvidenceError
from spinelink.inference.answer import log_evidence
from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.contradiction import smallest_contradiction
from spinelink.inference.counterfactual.factual import Factual, assume_present, protective_edges
from spinelink.inference.sampled_parameters import drawn_network
from spinelink.network.evidence import describe
from spinelink.network.question import Question
from spinelink.network.setting import selected_by
from spinelink.options import draws_of, seed_of
from spinelink.options import level as check_level

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Sampling:
    """Credible intervals of a counterfactual: their level, and sampled parameters behind them.

    level None: no intervals.
    """

    level: float | None
    draws: int
    seed: int

    @classmethod
    def checked(cls, interval: float | None, draws: int, seed: int) -> Sampling:
        """The options as a caller gave them. Raises SpinelinkError."""
        if interval is None:
            return cls(None, 0, 0)
        return cls(check_level(interval), draws_of(draws, least=2), seed_of(seed))

    def interval(self, low: Array, high: Array) -> tuple[float, float]:
        """An equal-tailed interval between two arrays over sampled parameters.

        Samples under which the findings cannot occur are left out.
        """
        assert self.level is not None
        tail = (1.0 - self.level) / 2.0
        return float(np.nanquantile(low, tail)), float(np.nanquantile(high, 1.0 - tail))


@dataclass(frozen=True, eq=False)
class Counterfactual:
    """A case in the population of the question; its effects are present where not found absent."""

    case: Case
    effects: tuple[int, ...]
    sampling: Sampling

    @classmethod
    def of(
        cls, case: Case, effects: Sequence[str], *, setting: str | None, sampling: Sampling
    ) -> Counterfactual:
        """Raises EvidenceError where an effect cannot be present, UnknownNameError."""
        model = case.model
        if setting is None and not selected_by(model.network, model.setting):
            setting = model.network.unselected
        if setting is not None:
            case = replace(case, model=model.in_setting(setting))
        _require_can_be_present(case, effects)
        index = case.model.compiled.index
        return cls(case, tuple(index[n] for n in effects), sampling)

    @property
    def compiled(self) -> CompiledNetwork:
        """The network with the estimates of its parameters."""
        return self.case.model.compiled

    @cached_property
    def factual(self) -> Factual:
        """The factual world: the findings, with the effects present."""
        observed = assume_present(self.compiled, self.case.observed, effects=self.effects)
        edges = protective_edges(self.case.model.network, self.compiled)
        return Factual(self.compiled, observed, edges)

    @cached_property
    def sampled(self) -> Factual | None:
        """The same under sampled parameters (a batch axis), where intervals are asked for."""
        if self.sampling.level is None:
            return None
        model = self.case.model
        nodes = [*self.case.observed, *self.effects]
        draws, seed = self.sampling.draws, self.sampling.seed
        network = drawn_network(
            model.network,
            model.in_force,
            compiled=self.compiled,
            nodes=nodes,
            draws=draws,
            seed=seed,
        )
        return replace(self.factual, compiled=network)

    def question(self, case: Case, **options: object) -> Question:
        """What the answer remembers; case: as it was asked."""
        return case.question(population=self.case.model.setting, **options)


def selection_note(question: Question) -> str:
    """In which population a counterfactual was evaluated, where it is not the case's own."""
    population = dict(question.options).get("population")
    if population in (None, question.setting):
        return ""
    return (
        f"\nEvaluated in the general population ({population}): "
        "consulting because of pain does not cause the pain"
    )


def bounds_note(level: float | None, *, identified: bool) -> str:
    """What low and high of a counterfactual probability are."""
    parts = [f"{level:.0%} credible intervals"] if level else []
    if not identified:
        parts.append("bounds, because the model does not determine this exactly")
    return ", with ".join(parts) or "the same"


def _require_can_be_present(case: Case, names: Sequence[str]) -> None:
    """Raises EvidenceError where the findings allow no case in which these nodes are present."""
    compiled = case.model.compiled
    observed = assume_present(compiled, case.observed, effects=[compiled.index[n] for n in names])
    if log_evidence(compiled, observed)[0] > float("-inf"):
        return
    _ = case.log_evidence  # raises where the findings themselves cannot occur
    contradicting = [compiled.names[i] for i in smallest_contradiction(compiled, observed)]
    effects = [n for n in contradicting if n in names and not case.is_observed(n)]
    others = [describe(n, case.findings[n]) for n in contradicting if n not in effects]
    besides = f" with these findings: {', '.join(others)}" if others else ""
    raise EvidenceError(
        f"{' and '.join(effects)} cannot be present in this network (setting "
        f"{case.model.setting}){besides}; the probability is 0, so there is nothing to explain. "
        "Retract or correct a finding, or ask about another."
    )
