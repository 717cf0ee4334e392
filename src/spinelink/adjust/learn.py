"""Parameters learned from a table of patients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np

from spinelink.adjust.coordinates import with_changed
from spinelink.adjust.em import OnProgress, Search, SearchOptions
from spinelink.adjust.learned import learned_parameters
from spinelink.adjust.learning import Learning
from spinelink.adjust.maximise import Maximiser, maximiser
from spinelink.adjust.vary import Vary, parameters_to_vary
from spinelink.case import Model
from spinelink.inference.gradient.counts import TrainingRows, count
from spinelink.network.coordinates import key_of
from spinelink.options import one_of
from spinelink.progress import bar
from spinelink.table.cells import read_patients
from spinelink.table.impossible import impossible_row

OnImpossible = Literal["raise", "skip"]


def learn(
    model: Model,
    frame: Any,
    *,
    strength: float = 1.0,
    vary: str | Sequence[str] | None = None,
    keep: str | Sequence[str] = (),
    weights: str | None = None,
    restarts: int = 3,
    limit: int = 200,
    tolerance: float = 1e-6,
    seed: int = 0,
    on_impossible: OnImpossible = "raise",
    threads: int | None = None,
    progress: bool | None = None,
) -> Learning:
    """Parameters learned from a table of patients, in the setting in force.

    Complete families are counted in closed form. With missing cells, expectation maximisation finds
    the most probable parameters: noisy-OR as links and leak, log-odds nodes as odds ratios.

    Args:
        model: the network.
        frame: as in `posteriors`. Missing cells were not assessed; causes and mechanisms may be
            columns or hidden.
        strength: what the file's own parameters count: 1 as much as they say of themselves, 0
            nothing (maximum likelihood).
        vary: ids of parameters, or nodes, that may move; all where None.
        keep: columns that are no findings.
        weights: a column that says how many patients a row stands for.
        restarts: further starts, sampled from the parameters' uncertainties.
        limit: the most steps.
        tolerance: a gain of log likelihood per patient below which it has converged.
        seed: of the restarts.
        on_impossible: "raise" names the first row that cannot occur; "skip" leaves such rows out
            and lists them.
        threads: how many; as many as cores, at most 8, where None. The answer is the same.
        progress: show a progress bar; None: in a terminal only.

    Returns:
        What was learned; `model.fitted(learning)` is the model with it. On Ctrl-C the best so far,
        as not converged.

    Raises:
        EvidenceError: a cell is no finding; the error names row and column.
        UnknownNameError: a column, a node or a parameter is not known.
        ImpossibleEvidenceError: a row cannot occur.
        SpinelinkError: an option is out of range.

    Source:
        Dempster, Laird and Rubin 1977; Lauritzen 1995 (expectation maximisation).

    Example:
        >>> import spinelink as sl
        >>> model = sl.load("minimal")
        >>> model.learn(model.sample(200, seed=1), restarts=0).converged
        True
    """
    options = SearchOptions(
        strength=strength,
        restarts=restarts,
        limit=limit,
        tolerance=tolerance,
        seed=seed,
        threads=threads,
    )
    rows, numbers = read_patients(model, frame, keep=keep, weights=weights)
    with bar("learning", limit, progress) as on_progress:
        return learn_from_rows(
            model,
            rows,
            numbers=numbers,
            vary=vary,
            options=options,
            on_impossible=on_impossible,
            on_progress=lambda step, value: on_progress(step, f"log likelihood {value:.6g}"),
        )


def learn_from_rows(
    model: Model,
    rows: TrainingRows,
    *,
    numbers: Sequence[int],
    vary: Vary = None,
    options: SearchOptions = SearchOptions(),  # noqa: B008 - frozen
    on_impossible: OnImpossible = "raise",
    on_progress: OnProgress = None,
) -> Learning:
    """As `learn`, from rows that are read already.

    Args:
        model: the network; parameters change in the setting in force.
        rows: patients, equal ones together.
        numbers: of each row, the first of the caller's rows that is equal to it.
        vary: ids of parameters, or nodes, that may move; all where None.
        options: how the search goes.
        on_impossible: "raise" names the first row that cannot occur, "skip" leaves such rows out.
        on_progress: called after each step with its number and the log likelihood.

    Returns:
        What was learned. On Ctrl-C the best so far, as not converged.

    Raises:
        UnknownNameError: `vary` names something that the network does not have.
        ImpossibleEvidenceError: a row cannot occur.
    """
    one_of(on_impossible, "on_impossible", get_args(OnImpossible))
    network, in_force = model.network, model.in_force
    m = maximiser(
        network,
        in_force,
        start=dict(model.values),
        strength=options.strength,
        vary=parameters_to_vary(network, in_force, vary=vary),
        resources=model.compiled.resources,
        selected=model.compiled.selected_by,
    )
    rows, skipped = _possible_rows(
        m, rows, numbers=numbers, on_impossible=on_impossible, threads=options.threads
    )
    found = Search(m, rows, options, on_progress).best_run()
    run = found.run
    final = count(m.compiled(run.values), rows, information=True, threads=options.threads)
    patients = float(rows.weights.sum())
    learned = learned_parameters(m, run.values, final=final, patients=patients)
    changed = {key_of(network, n, setting=model.setting): p for n, p in learned.changed.items()}
    return Learning(
        model.question(patients=patients, strength=options.strength, seed=options.seed),
        with_changed(network, changed),
        patients,
        learned.rows,
        run.objective,
        run.log_likelihood,
        found.starts,
        run.converged and found.finished,
        skipped,
    )


def _possible_rows(
    m: Maximiser,
    rows: TrainingRows,
    *,
    numbers: Sequence[int],
    on_impossible: OnImpossible,
    threads: int | None,
) -> tuple[TrainingRows, tuple[int, ...]]:
    """The rows that can occur, and the numbers of the others.

    Raises ImpossibleEvidenceError where there are others and they may not be skipped.
    """
    compiled = m.compiled(m.start)
    log_evidence = count(compiled, rows, threads=threads).log_evidence
    impossible = np.flatnonzero(np.isneginf(log_evidence))
    if not len(impossible):
        return rows, ()
    if on_impossible == "raise":
        first, others = int(impossible[0]), len(impossible) - 1
        more = f"{others:,} more rows, or groups of equal rows, are impossible too"
        raise impossible_row(
            compiled,
            rows.case(first),
            row=numbers[first],
            more=more if others else "",
            instead="skip",
        )
    skipped = tuple(numbers[k] for k in impossible.tolist())
    return rows.part(np.flatnonzero(np.isfinite(log_evidence))), skipped
