"""Expectation maximisation of the parameters' posterior (Dempster, Laird and Rubin 1977).

Expected counts by exact inference over all patients, then the most probable parameters, again and
again. Where nothing is missing and no cause is hidden, the first step is the closed form and the
second changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinelink.adjust.maximise import Maximiser, Values
from spinelink.adjust.unselected import unselected
from spinelink.errors import SpinelinkError, shown
from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.gradient.counts import Counts, TrainingRows, count
from spinelink.inference.sampled_parameters import draw_values
from spinelink.options import is_real, seed_of, threads_or_none, whole

Array = NDArray[np.float64]
OnProgress = Callable[[int, float], object] | None
"""Called after each step with its number and the log likelihood."""

SHORT = 5
"""Steps of each start before the best goes on (Biernacki, Celeux and Govaert 2003)."""
SLACK = 1e-9
"""The objective may fall by this share of itself before a step is refused."""
LEAST_SHARE = 1e-3
"""A step is halved down to this share of its length."""


@dataclass(frozen=True)
class SearchOptions:
    """How the search goes.

    Attributes:
        strength: what the file's own parameters count; 1 as much as they say of themselves.
        restarts: further starts, sampled from the parameters' uncertainties.
        limit: the most steps.
        tolerance: a step that gains less log likelihood per patient ends the search.
        seed: of the restarts.
        threads: how many; as many as cores, at most 8, where None.

    Raises:
        SpinelinkError: a value is out of range.
    """

    strength: float = 1.0
    restarts: int = 3
    limit: int = 200
    tolerance: float = 1e-6
    seed: int = 0
    threads: int | None = None

    def __post_init__(self) -> None:
        if not is_real(self.strength) or self.strength < 0.0:
            raise SpinelinkError(
                "strength says what the file's own parameters count, 0 or more "
                f"(1: as much as they say of themselves), not {shown(self.strength)}."
            )
        object.__setattr__(self, "strength", float(self.strength))
        whole(self.restarts, "restarts", most=10_000, meaning="how many further starts to try")
        seed_of(self.seed)
        whole(self.limit, "limit", least=1, meaning="the most steps")
        if not is_real(self.tolerance) or self.tolerance < 0.0:
            raise SpinelinkError(
                "tolerance is a gain of log likelihood for each patient, 0 or more, "
                f"not {shown(self.tolerance)}."
            )
        object.__setattr__(self, "tolerance", float(self.tolerance))
        threads_or_none(self.threads)


@dataclass(frozen=True, eq=False)
class Run:
    """Where a run stands. One value for the start and one for each step; the objective never falls.

    objective: log likelihood plus log prior.
    """

    values: Values
    objective: tuple[float, ...]
    log_likelihood: tuple[float, ...]
    converged: bool

    @property
    def best(self) -> float:
        """The objective reached."""
        return self.objective[-1]


@dataclass(frozen=True, eq=False)
class Found:
    """The best run; the objective of every start after its short run; False after Ctrl-C."""

    run: Run
    starts: tuple[float, ...]
    finished: bool


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The network with some parameters, its expected counts and its objective."""

    compiled: CompiledNetwork
    counts: Counts
    objective: float
    log_likelihood: float


class _Stopped(Exception):
    """Ctrl-C in the middle of a run. Holds the run so far."""

    def __init__(self, run: Run) -> None:
        self.run = run
        super().__init__()


@dataclass(frozen=True, eq=False)
class Search:
    """Expectation maximisation over some patients."""

    maximiser: Maximiser
    rows: TrainingRows
    options: SearchOptions
    on_progress: OnProgress = None

    def best_run(self) -> Found:
        """The best run.

        The first start is the file's own parameters, the others are sampled from their
        uncertainties. With several starts each runs for a few steps, then the best goes on.
        """
        starts, limit = self._starts(), self.options.limit
        first_steps = limit if len(starts) == 1 else min(SHORT, limit)
        best: Run | None = None
        reached: list[float] = []
        try:
            for start in starts:
                run = self._run(start, first_steps)
                reached.append(run.best)
                if best is None or run.best > best.best:
                    best = run
            assert best is not None
            if not best.converged and limit > first_steps:
                best = self._run(best.values, limit - first_steps, before=best)
        except _Stopped as stopped:
            if best is None or stopped.run.best > best.best:
                best = stopped.run
            return Found(best, tuple(reached), finished=False)
        return Found(best, tuple(reached), finished=True)

    def _starts(self) -> list[Values]:
        m, restarts = self.maximiser, self.options.restarts
        starts = [dict(m.start)]
        if restarts:
            sampled = draw_values(
                m.network,
                m.parameters,
                draws=restarts,
                seed=self.options.seed,
                sequence="random",
                only=m.vary,
            )
            starts += [
                {n: v if v.shape[-1] == 1 else v[..., k : k + 1] for n, v in sampled.items()}
                for k in range(restarts)
            ]
        return starts

    def _run(self, values: Values, limit: int, *, before: Run | None = None) -> Run:
        """So many steps from some values, or until it has converged. `before` is gone on with."""
        now = self.evaluate(values)
        objective = list(before.objective) if before else [now.objective]
        likelihood = list(before.log_likelihood) if before else [now.log_likelihood]
        if not np.isfinite(now.objective):  # a start under which some patient cannot occur
            return Run(values, (-np.inf,), (-np.inf,), False)
        least_gain = self.options.tolerance * max(float(self.rows.weights.sum()), 1.0)
        converged = False
        try:
            while limit and not converged:
                limit -= 1
                step = self._step(values, now)
                if step is None:
                    converged = True
                    break
                converged = step[1].objective - now.objective <= least_gain
                values, now = step
                objective.append(now.objective)
                likelihood.append(now.log_likelihood)
                if self.on_progress is not None:
                    self.on_progress(len(objective) - 1, now.log_likelihood)
        except KeyboardInterrupt:
            run = Run(values, tuple(objective), tuple(likelihood), False)
            raise _Stopped(run) from None
        return Run(values, tuple(objective), tuple(likelihood), converged)

    def _step(self, values: Values, now: Evaluation) -> tuple[Values, Evaluation] | None:
        """The next parameters; None where no step gains.

        Parameters that are held fixed may make a full step too long: it is halved, along the
        parameters themselves.
        """
        least = now.objective - SLACK * abs(now.objective)
        trial = self.maximiser.step(values, now.compiled, counts=now.counts.expected)
        there = self.evaluate(trial)
        share = 1.0
        while there.objective < least and share > LEAST_SHARE:
            share /= 2.0
            trial = {n: v + share * (trial[n] - v) for n, v in values.items()}
            there = self.evaluate(trial)
        return None if there.objective < least else (trial, there)

    def evaluate(self, values: Mapping[str, Array]) -> Evaluation:
        """Expected counts and objective of some parameters."""
        compiled = self.maximiser.compiled(values)
        counts = count(compiled, self.rows, threads=self.options.threads)
        with np.errstate(invalid="ignore"):
            likelihood = float((self.rows.weights * counts.log_evidence).sum())
        if compiled.selected:
            patients = float(self.rows.weights.sum())
            others, log_selected = unselected(compiled, patients)
            likelihood -= patients * log_selected
            counts = counts.with_more(count(compiled, others, threads=self.options.threads))
        prior = self.maximiser.log_prior(values, compiled)
        return Evaluation(compiled, counts, likelihood + prior, likelihood)
