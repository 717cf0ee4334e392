"""What was learned from a table of patients: the numbers, how sure they are now, and how the search went."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from spinelink.adjust.coordinates import Key, with_numbers
from spinelink.adjust.em import (
    Report,
    Run,
    check_options,
    expectation_maximisation,
    refuse_impossible,
)
from spinelink.adjust.maximise import (
    Maximiser,
    Regression,
    Values,
    coefficients,
    columns_of,
    maximiser,
)
from spinelink.case import Model
from spinelink.errors import UnknownNameError
from spinelink.inference.arrays import Resources
from spinelink.inference.compile import point_values
from spinelink.inference.gradient.counts import Counts, TrainingRows, count
from spinelink.network.network import Network
from spinelink.network.parameter import Distribution, Parameter, Probability, Ratio
from spinelink.network.setting import parameters_in
from spinelink.network.uncertainty import log_deviation, spread_weight
from spinelink.progress import bar
from spinelink.table.cells import read_patients
from spinelink.view.html import text_in_notebook

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Array = NDArray[np.float64]
NORMAL = 1.959963984540054  # half a 95 % interval in standard deviations


@dataclass(frozen=True)
class Learned:
    """One number, or one state of a distribution. patients: how many patients with nothing missing would have said as much about it.

    low, high: 95 % credible interval after learning. deviations: how far it moved, in standard deviations of its own uncertainty before.
    """

    id: str
    state: str | None
    before: float
    after: float
    low: float
    high: float
    patients: float
    deviations: float


@dataclass(frozen=True, eq=False, repr=False)
class Learning:
    """The network with learned numbers, and how they were found.

    objective: log likelihood plus log prior after each step (it never falls); log_likelihood: the first part alone. starts: the objective that each start
    had reached when the best was chosen. converged: the search ended by itself. skipped: numbers of rows that cannot occur and were left out.
    """

    network: Network
    patients: float
    numbers: tuple[Learned, ...]
    objective: tuple[float, ...]
    log_likelihood: tuple[float, ...]
    starts: tuple[float, ...]
    converged: bool
    skipped: tuple[int, ...]

    def to_frame(self) -> pd.DataFrame:
        """Numbers that moved or became surer: parameter, state, before, after, low, high, patients, standard_deviations; the farthest moved first."""
        import pandas as pd

        rows = [
            (n.id, n.state, n.before, n.after, n.low, n.high, n.patients, n.deviations)
            for n in self.numbers
        ]
        columns = [
            "parameter",
            "state",
            "before",
            "after",
            "low",
            "high",
            "patients",
            "standard_deviations",
        ]
        frame = pd.DataFrame(rows, columns=columns)
        return frame.sort_values(
            "standard_deviations", key=abs, ascending=False, kind="stable", ignore_index=True
        )

    def trace(self) -> pd.DataFrame:
        """One row a step: log_likelihood, objective; step 0 is the start."""
        import pandas as pd

        index = pd.RangeIndex(len(self.objective), name="step")
        return pd.DataFrame(
            {"log_likelihood": self.log_likelihood, "objective": self.objective}, index=index
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """The log likelihood step by step."""
        from spinelink.view.plot.validation import plot_learning

        return plot_learning(self.objective, self.log_likelihood, ax=ax)

    def __str__(self) -> str:
        ended = (
            "converged"
            if self.converged
            else "NOT CONVERGED: interrupted, or the limit of steps was reached"
        )
        lines = [
            f"{len({n.id for n in self.numbers})} numbers learned from {self.patients:,.0f} patients in {len(self.objective) - 1} steps ({ended}).",
            f"log likelihood {self.log_likelihood[0]:.6g} -> {self.log_likelihood[-1]:.6g}",
            f"with the prior {self.objective[0]:.6g} -> {self.objective[-1]:.6g}",
        ]
        if len(self.starts) > 1:
            lines.append(
                f"starts: {', '.join(f'{s:.6g}' for s in self.starts)} (the first: the file's own numbers)"
            )
        if self.skipped:
            shown = ", ".join(map(str, self.skipped[:10])) + (
                " ..." if len(self.skipped) > 10 else ""
            )
            lines.append(
                f"{len(self.skipped)} rows cannot occur in this network and were left out: {shown}"
            )
        frame = self.to_frame().fillna({"state": ""}).head(20)
        return "\n".join(
            [*lines, "", frame.to_string(index=False, float_format=lambda v: f"{v:.4g}")]
        )

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return text_in_notebook(str(self))


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
    on_impossible: Literal["raise", "skip"] = "raise",
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
    rows, numbers = read_patients(model.network, model.compiled, frame, keep=keep, weights=weights)
    with bar("learning", limit, progress) as on_progress:
        return learn_from_rows(
            model.network,
            model.setting,
            rows,
            numbers,
            strength=strength,
            vary=vary,
            restarts=restarts,
            limit=limit,
            tolerance=tolerance,
            seed=seed,
            on_impossible=on_impossible,
            threads=threads,
            resources=model.compiled.resources,
            on_progress=lambda step, value: on_progress(step, f"log likelihood {value:.6g}"),
        )


def learn_from_rows(
    network: Network,
    setting: str | None,
    rows: TrainingRows,
    numbers: list[int],
    *,
    strength: float = 1.0,
    vary: str | Collection[str] | None = None,
    restarts: int = 3,
    limit: int = 200,
    tolerance: float = 1e-6,
    seed: int = 0,
    on_impossible: Literal["raise", "skip"] = "raise",
    threads: int | None = None,
    resources: Resources | None = None,
    on_progress: Report | None = None,
) -> Learning:
    """As `learn`, from rows that are read already. rows: patients, equal ones together. numbers: of each row, the first of the caller's rows that is equal to it."""
    check_options(strength, restarts, limit, tolerance)
    if on_impossible not in ("raise", "skip"):
        raise UnknownNameError(str(on_impossible), kind="on_impossible", allowed=("raise", "skip"))
    parameters = parameters_in(network, setting)
    start = point_values(network, parameters)
    chosen = _varied(network, parameters, vary)
    m = maximiser(
        network,
        parameters,
        start,
        strength=strength,
        vary=chosen,
        resources=Resources() if resources is None else resources,
    )
    first = count(m.compiled(start), rows, threads=threads)
    impossible = np.flatnonzero(np.isneginf(first.log_evidence))
    skipped: tuple[int, ...] = ()
    if len(impossible):
        if on_impossible == "raise":
            refuse_impossible(m.compiled(start), rows, impossible.tolist(), numbers)
        skipped = tuple(numbers[k] for k in impossible)
        rows = rows.part(np.flatnonzero(np.isfinite(first.log_evidence)))
    run, starts, finished = expectation_maximisation(
        m,
        rows,
        limit=limit,
        tolerance=tolerance,
        restarts=restarts,
        seed=seed,
        threads=threads,
        on_progress=on_progress,
    )
    final = count(m.compiled(run.values), rows, information=True, threads=threads)
    learned, changed = _written(m, run, final, float(rows.weights.sum()))
    overrides = network.settings[setting].overrides if setting is not None else {}
    keys: dict[Key, Parameter] = {
        (setting if n in overrides else None, n): p for n, p in changed.items()
    }
    return Learning(
        with_numbers(network, keys),
        float(rows.weights.sum()),
        learned,
        run.objective,
        run.log_likelihood,
        starts,
        run.converged and finished,
        skipped,
    )


def _varied(
    network: Network, parameters: Mapping[str, Parameter], vary: str | Collection[str] | None
) -> set[str]:
    if vary is None:
        return set(parameters)
    names = {vary} if isinstance(vary, str) else {str(v) for v in vary}
    known = {*parameters, *network.nodes}
    for name in sorted(names - known):
        raise UnknownNameError(
            name, kind="parameter or node", allowed=known, where=f"network {network.name!r}"
        )
    return {n for n in parameters if {n, n.split(".")[0]} & names}


def _written(
    m: Maximiser, run: Run, final: Counts, patients: float
) -> tuple[tuple[Learned, ...], dict[str, Parameter]]:
    """What is said of each number that the table tells something about, and the numbers as the file will have them."""
    learned: list[Learned] = []
    changed: dict[str, Parameter] = {}
    for owner in m.owners:
        if owner.id not in m.vary:
            continue
        p, old, new = m.parameters[owner.id], m.start[owner.id], run.values[owner.id]
        assert not isinstance(p, Ratio)
        size = _worth(final, owner.places, new, owner.reverse)
        if size < 1e-6:
            continue
        weight = m.weight(owner.id) + size
        changed[owner.id] = _as_file(
            p, new, m.network.nodes[owner.id.split(".")[0]].states, weight, patients
        )
        learned += _said(
            owner.id, p, old, new, weight, size, m.network.nodes[owner.id.split(".")[0]].states
        )
    compiled = m.compiled(run.values)
    for r in m.regressions:
        if {r.intercept, *r.ratios} & set(m.vary) and 0.0 < float(m.start[r.intercept][0]) < 1.0:
            _regressed(
                m,
                r,
                run.values,
                coefficients(compiled, r, run.values),
                final,
                patients,
                learned,
                changed,
            )
    return tuple(learned), changed


def _worth(
    final: Counts, places: tuple[tuple[int, int, tuple[int, ...]], ...], now: Array, reverse: bool
) -> float:
    """Patients with nothing missing that would have said as much, from the squares of the scores (Berndt et al. 1974); at most the expected number."""
    p = (
        now[:, 0]
        if now.ndim == 2
        else np.array([now[0], 1.0 - now[0]] if reverse else [1.0 - now[0], now[0]])
    )
    spread = total = 0.0
    for node, array, place in places:
        sums = [
            columns_of(each[node])[array][place][:, 0]
            for each in (final.squares, final.products, final.wholes)
        ]
        spread += float((sums[0] - 2.0 * p * sums[1] + p * p * sums[2]).sum())
        total += float(columns_of(final.expected[node])[array][place].sum())
    inner = float((p * (1.0 - p)).sum())
    return min(max(spread / inner, 0.0), total) if inner > 1e-12 else 0.0


def _as_file(
    p: Parameter, now: Array, states: tuple[str, ...], weight: float, patients: float
) -> Parameter:
    """The number with its new estimate and weight; its grade stays where there is a source, and says nothing more than before."""
    about = {
        "interval": None,
        "counts": None,
        "beta": None,
        "before_fit": None,
        "equivalent_sample_size": float(f"{weight:.6g}"),
    }
    if isinstance(p, Distribution):
        about = {k: v for k, v in about.items() if k in Distribution.model_fields}
        estimate: object = _normal({s: float(now[states.index(s), 0]) for s in p.estimate})
        before = ", ".join(f"{s} {v:.4g}" for s, v in p.estimate.items())
    else:
        estimate, before = float(now[0]), f"{p.value:.4g}"
    grade = "judged" if p.grade == "judged" else "derived"
    return p.model_copy(
        update={**about, "estimate": estimate, "grade": grade, "note": _note(p, before, patients)}
    )


def _normal(estimate: dict[str, float]) -> dict[str, float]:
    total = math.fsum(estimate.values())
    return {s: v / total for s, v in estimate.items()}


def _note(p: Parameter, before: str, patients: float) -> str:
    note = f"Updated with a table of {patients:,.0f} patients; before: {before} ({p.grade}). {p.note}".strip()
    return note if len(note) <= 2000 else f"{note[:1990].rstrip()} ..."


def _said(
    name: str,
    p: Parameter,
    old: Array,
    now: Array,
    weight: float,
    size: float,
    states: tuple[str, ...],
) -> list[Learned]:
    from scipy.special import betaincinv

    found = []
    assert not isinstance(p, Ratio)
    items = (
        [(None, float(old[0]), float(now[0]))]
        if old.ndim == 1
        else [(s, float(old[k, 0]), float(now[k, 0])) for k, s in enumerate(states)]
    )
    for state, a, b in items:
        low, high = (
            (float(betaincinv(weight * b, weight * (1.0 - b), q)) for q in (0.025, 0.975))
            if 0.0 < b < 1.0
            else (b, b)
        )
        deviation = math.sqrt(a * (1.0 - a) / (spread_weight(p) + 1.0))
        found.append(
            Learned(
                name, state, a, b, low, high, size, (b - a) / deviation if deviation > 0.0 else 0.0
            )
        )
    return found


def _regressed(
    m: Maximiser,
    r: Regression,
    values: Values,
    x: Array,
    final: Counts,
    patients: float,
    learned: list[Learned],
    changed: dict[str, Parameter],
) -> None:
    """Odds ratios with the deviations of the regression's information, and its intercept."""
    p = 1.0 / (1.0 + np.exp(-r.design @ x))
    present = [
        columns_of(each[r.node])[0][..., 1, 0].reshape(-1)
        for each in (final.squares, final.products, final.wholes)
    ]
    scores = np.maximum(present[0] - 2.0 * p * present[1] + p * p * present[2], 0.0)  # (rows,)
    expected = columns_of(final.expected[r.node])[0][..., 0].reshape(-1, 2).sum(axis=1)
    scores = np.minimum(scores, expected * p * (1.0 - p))
    size = float((scores / np.maximum(p * (1.0 - p), 1e-300)).sum())
    if size < 1e-6:
        return
    information = (r.design * scores[:, np.newaxis]).T @ r.design
    weight = m.weight(r.intercept)
    level = float(values[r.intercept][0])
    information[0, 0] += max(weight, 1e-9) * level * (1.0 - level)
    for k, name in enumerate(r.ratios, start=1):
        ratio = m.parameters[name]
        assert isinstance(ratio, Ratio)
        information[k, k] += max(m.strength, 1e-9) / log_deviation(ratio) ** 2
    covariance = np.linalg.inv(information)
    if r.intercept in m.vary:
        number = m.parameters[r.intercept]
        assert isinstance(number, Probability)
        now = values[r.intercept]
        changed[r.intercept] = _as_file(number, now, (), weight + size, patients)
        learned += _said(r.intercept, number, m.start[r.intercept], now, weight + size, size, ())
    for k, name in enumerate(r.ratios, start=1):
        if name not in m.vary:
            continue
        old = m.parameters[name]
        assert isinstance(old, Ratio)
        deviation = math.sqrt(max(float(covariance[k, k]), 1e-12))
        after = float(values[name][0])
        low, high = after * math.exp(-NORMAL * deviation), after * math.exp(NORMAL * deviation)
        grade = "judged" if old.grade == "judged" else "derived"
        update = {
            "estimate": after, "interval": (low, high), "level": 0.95, "before_fit": None, "grade": grade, "note": _note(old, f"{old.value:.4g}", patients),
        }  # fmt: skip
        changed[name] = old.model_copy(update=update)
        learned.append(
            Learned(
                name,
                None,
                old.value,
                after,
                low,
                high,
                size,
                math.log(after / old.value) / log_deviation(old),
            )
        )
