"""Expectation maximisation of the numbers' posterior: expected counts by exact inference over all patients, then the most probable numbers, again and again
(Dempster, Laird, Rubin 1977). Where nothing is missing and no cause is hidden the first step is the closed form and the second changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinelink.adjust.maximise import Maximiser, Values
from spinelink.errors import ImpossibleEvidenceError, SpinelinkError
from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.gradient.counts import Counts, TrainingRows, count
from spinelink.inference.sampled_parameters import draw_values
from spinelink.inference.variants.contradiction import smallest_contradiction
from spinelink.network.evidence import describe

Array = NDArray[np.float64]
Report = Callable[[int, float], object]

SHORT = 5  # steps of each start before the best goes on (Biernacki, Celeux, Govaert 2003)


@dataclass(frozen=True, eq=False)
class Run:
    """Where a run of EM stands. objective: log likelihood plus log prior, one for each step, never falling; log_likelihood beside it."""

    values: Values
    objective: tuple[float, ...]
    log_likelihood: tuple[float, ...]
    converged: bool

    @property
    def best(self) -> float:
        """The objective reached."""
        return self.objective[-1]


def expectation_maximisation(
    maximiser: Maximiser,
    rows: TrainingRows,
    *,
    limit: int,
    tolerance: float,
    restarts: int,
    seed: int,
    threads: int | None = None,
    on_progress: Report | None = None,
) -> tuple[Run, tuple[float, ...], bool]:
    """The best run, the objective that each start had reached after its short run, and whether it was left to finish (no Ctrl-C).

    The first start is the file's own numbers, the others are drawn from their uncertainties. tolerance: a step that gains less for each patient ends it.
    """
    starts = [dict(maximiser.start)]
    if restarts:
        drawn = draw_values(
            maximiser.network,
            maximiser.parameters,
            restarts,
            seed=seed,
            sequence="random",
            only=maximiser.vary,
        )
        starts += [
            {n: v if v.shape[-1] == 1 else v[..., k : k + 1] for n, v in drawn.items()}
            for k in range(restarts)
        ]
    best: Run | None = None
    reached: list[float] = []
    try:
        for start in starts:
            run = _run(
                maximiser,
                rows,
                start,
                limit if len(starts) == 1 else min(SHORT, limit),
                tolerance,
                threads,
                on_progress,
                None,
            )
            reached.append(run.best)
            if best is None or run.best > best.best:
                best = run
        assert best is not None
        if not best.converged and len(starts) > 1 and limit > SHORT:
            best = _run(
                maximiser, rows, best.values, limit - SHORT, tolerance, threads, on_progress, best
            )
    except _Stopped as stopped:
        if best is None or stopped.run.best > best.best:
            best = stopped.run
        return best, tuple(reached), False
    return best, tuple(reached), True


class _Stopped(Exception):
    """Ctrl-C in the middle: the run so far."""

    def __init__(self, run: Run) -> None:
        self.run = run
        super().__init__()


def _run(
    maximiser: Maximiser,
    rows: TrainingRows,
    values: Values,
    limit: int,
    tolerance: float,
    threads: int | None,
    on_progress: Report | None,
    before: Run | None,
) -> Run:
    compiled, counts, objective, likelihood = _look(maximiser, rows, values, threads)
    trace = [*(before.objective if before else ()), *([] if before else [objective])]
    likelihoods = [*(before.log_likelihood if before else ()), *([] if before else [likelihood])]
    if not np.isfinite(objective):
        return Run(
            values, (-np.inf,), (-np.inf,), False
        )  # a start under which some patient cannot occur
    patients = max(float(rows.weights.sum()), 1.0)
    converged = False
    try:
        for _ in range(limit):
            trial = maximiser.step(values, compiled, counts.expected)
            there = _look(maximiser, rows, trial, threads)
            share = 1.0
            while there[2] < objective - 1e-9 * abs(objective) and share > 1e-3:
                # Numbers that are held fixed may make a full step too long: half the way, in the numbers themselves.
                share /= 2.0
                trial = {n: v + share * (trial[n] - v) for n, v in values.items()}
                there = _look(maximiser, rows, trial, threads)
            if there[2] < objective - 1e-9 * abs(objective):
                converged = True
                break
            gain = there[2] - objective
            values, (compiled, counts, objective, likelihood) = trial, there
            trace.append(objective)
            likelihoods.append(likelihood)
            if on_progress is not None:
                on_progress(len(trace) - 1, likelihood)
            if gain <= tolerance * patients:
                converged = True
                break
    except KeyboardInterrupt:
        raise _Stopped(Run(values, tuple(trace), tuple(likelihoods), False)) from None
    return Run(values, tuple(trace), tuple(likelihoods), converged)


def _look(
    maximiser: Maximiser, rows: TrainingRows, values: Mapping[str, Array], threads: int | None
) -> tuple[CompiledNetwork, Counts, float, float]:
    compiled = maximiser.compiled(values)
    counts = count(compiled, rows, threads=threads)
    with np.errstate(invalid="ignore"):
        likelihood = float((rows.weights * counts.log_evidence).sum())
    return compiled, counts, likelihood + maximiser.log_prior(values, compiled), likelihood


def refuse_impossible(
    compiled: CompiledNetwork, rows: TrainingRows, impossible: Sequence[int], numbers: Sequence[int]
) -> None:
    """Raises ImpossibleEvidenceError naming the first of the rows that cannot occur. numbers: of the rows, as the caller counts them."""
    row = impossible[0]
    case = rows.case(row)
    texts = []
    for i in smallest_contradiction(compiled, case):
        value, states = case[i], compiled.states[i]
        finding = (
            states[value]
            if isinstance(value, int)
            else tuple((s, float(v)) for s, v in zip(states, value[:, 0], strict=True))
        )
        texts.append(describe(compiled.names[i], finding))
    more = (
        f" ({len(impossible) - 1:,} more rows, or groups of equal rows, are impossible too)"
        if len(impossible) > 1
        else ""
    )
    cannot = "cannot occur together" if len(texts) > 1 else "cannot occur in this network"
    raise ImpossibleEvidenceError(
        f"row {numbers[row]}: {', '.join(texts)} {cannot}{more}. Correct the row, or say on_impossible='skip'.",
        findings=texts,
    )


def check_options(strength: float, restarts: int, limit: int, tolerance: float) -> None:
    """Raises SpinelinkError for options out of range."""
    if (
        isinstance(strength, bool)
        or not isinstance(strength, int | float)
        or not 0.0 <= strength < float("inf")
    ):
        raise SpinelinkError(
            f"strength says what the file's own numbers count, 0 or more (1: as much as they say of themselves), not {strength!r}."
        )
    if isinstance(restarts, bool) or not isinstance(restarts, int) or restarts < 0:
        raise SpinelinkError(
            f"restarts is how many further starts to try, 0 or more, not {restarts!r}."
        )
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise SpinelinkError(f"limit is the most steps, 1 or more, not {limit!r}.")
    if (
        isinstance(tolerance, bool)
        or not isinstance(tolerance, int | float)
        or not tolerance >= 0.0
    ):
        raise SpinelinkError(
            f"tolerance is a gain of log likelihood for each patient, 0 or more, not {tolerance!r}."
        )
