"""How good the predictions are on patients whose diagnosis is known.

Discrimination, calibration and decisions, each with its interval; `metrics` has the formulas.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spinelink.case import Model
from spinelink.errors import SpinelinkError, UnknownNameError
from spinelink.evaluate.measures import MEASURES, Estimate, Measures, Options, confusion, measure
from spinelink.evaluate.metrics import bins_of, net_benefit, wilson
from spinelink.network.question import Question
from spinelink.options import level as check_level
from spinelink.options import seed_of, share, threads_or_none, whole
from spinelink.progress import bar
from spinelink.result import Result
from spinelink.table.outcomes import read_outcomes
from spinelink.view.html import in_notebook, table
from spinelink.view.plot.validation import Bins, plot_calibration, plot_decision_curve
from spinelink.view.text import show_number

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Array = NDArray[np.float64]

ALL = "all patients"
"""The name of the group of everybody."""
THRESHOLDS = np.round(
    np.concatenate([np.arange(0.005, 0.05, 0.005), np.arange(0.05, 0.96, 0.01)]), 4
)
"""Of the decision curve."""


@dataclass(frozen=True, eq=False, repr=False)
class Validation(Result):
    """Measures of every target, in all patients and in each group.

    Attributes:
        rows: one for each target and group.
        bins: of the calibration curve.
        level: of the intervals.
        bootstrap: samples behind them.
        patients: in the table.
        impossible: patients whose findings cannot occur in the network; they are left out.
        untold: by target, patients whose outcome is missing; they are left out too.
    """

    rows: tuple[Measures, ...]
    bins: int
    level: float
    bootstrap: int
    patients: int
    impossible: int
    untold: Mapping[str, int]

    def of(self, target: str | None = None, group: str = ALL) -> Measures:
        """The measures of one target in one group.

        Args:
            target: the only one where None.
            group: "all patients", or as in `to_frame`.

        Raises:
            UnknownNameError: there is no such target or group.
        """
        targets = list(dict.fromkeys(r.target for r in self.rows))
        if target is None and len(targets) == 1:
            target = targets[0]
        if target not in targets:
            raise UnknownNameError(target, kind="target", allowed=targets)
        by_group = {r.group: r for r in self.rows if r.target == target}
        if group not in by_group:
            raise UnknownNameError(group, kind="group", allowed=list(by_group))
        return by_group[group]

    def to_frame(self) -> pd.DataFrame:
        """One row a target and group.

        Columns: target, group, patients, cases, share, mean_prediction; each measure with its
        interval (auc, auc_low, auc_high, ...); skill and the parts of the Brier score
        (reliability, resolution, uncertainty, within_bins); specificity, operating_threshold.
        """
        import pandas as pd

        return pd.DataFrame([_row(r) for r in self.rows])

    def calibration(self, target: str | None = None, group: str = ALL) -> pd.DataFrame:
        """The calibration curve, in bins of about equally many patients.

        Columns: patients, predicted (mean), observed (share), low, high (Wilson's 95 % interval).
        """
        import pandas as pd

        r = self.of(target, group)
        bin_of = bins_of(r.predictions, self.bins)
        rows = []
        for k in range(int(bin_of.max(initial=-1)) + 1):
            inside = bin_of == k
            cases, n = int(r.outcomes[inside].sum()), int(inside.sum())
            rows.append((n, float(r.predictions[inside].mean()), cases / n, *wilson(cases, n)))
        return pd.DataFrame(rows, columns=["patients", "predicted", "observed", "low", "high"])

    def decision_curve(
        self,
        target: str | None = None,
        group: str = ALL,
        *,
        thresholds: Sequence[float] | None = None,
    ) -> pd.DataFrame:
        """Net benefit (true positives for each patient) of acting from a threshold on.

        Args:
            target: the only one where None.
            group: of patients.
            thresholds: of the probability; a grid from 0.005 to 0.95 where None.

        Returns:
            Columns network, all, none (whom one acts on), indexed by threshold.

        Raises:
            SpinelinkError: a threshold does not lie between 0 and 1.
        """
        import pandas as pd

        r = self.of(target, group)
        at = THRESHOLDS if thresholds is None else np.asarray(thresholds, dtype=float)
        if not ((at > 0.0) & (at < 1.0)).all():
            raise SpinelinkError("thresholds lie between 0 and 1, both excluded.")
        columns: dict[str, Any] = {
            "network": net_benefit(r.predictions, r.outcomes, thresholds=at),
            "all": net_benefit(np.ones(len(r.outcomes)), r.outcomes, thresholds=at),
            "none": 0.0,
        }
        return pd.DataFrame(columns, index=pd.Index(at, name="threshold"))

    def confusion(
        self, target: str | None = None, group: str = ALL, *, threshold: float | None = None
    ) -> pd.DataFrame:
        """Predicted against turned out at a threshold.

        Args:
            target: the only one where None.
            group: of patients.
            threshold: that of the question where None.

        Returns:
            Sensitivity, specificity and predictive values as measure, value, low, high. The counts
            stand in `attrs`.
        """
        import pandas as pd

        r = self.of(target, group)
        c = r.confusion
        if threshold is not None:
            c = confusion(r.predictions, r.outcomes, threshold=share(threshold, "threshold"))
        rows = [(n, e.value, e.low, e.high) for n, e in c.rates().items()]
        frame = pd.DataFrame(rows, columns=["measure", "value", "low", "high"])
        counts = (c.true_positive, c.false_positive, c.false_negative, c.true_negative)
        frame.attrs = {"threshold": c.threshold, "counts": counts}
        return frame

    def plot(self, target: str | None = None, group: str = ALL, *, ax: Axes | None = None) -> Axes:
        """The calibration curve of one target in one group."""
        row = self.of(target, group)
        curve = self.calibration(row.target, row.group)
        columns = (curve[name].to_numpy() for name in ("predicted", "observed", "low", "high"))
        slope = f", slope {row.slope.value:.2f}" if np.isfinite(row.slope.value) else ""
        title = (
            f"{row.group}: {row.patients} patients, {row.cases} with it; "
            f"AUC {row.auc.value:.2f}{slope}"
        )
        return plot_calibration(
            Bins(*columns), row.predictions, target=row.target, title=title, ax=ax
        )

    def plot_decision_curve(
        self, target: str | None = None, group: str = ALL, *, ax: Axes | None = None
    ) -> Axes:
        """The decision curve of one target in one group."""
        row = self.of(target, group)
        curve = self.decision_curve(row.target, row.group)
        benefit = {str(name): curve[name].to_numpy() for name in curve.columns}
        return plot_decision_curve(curve.index.to_numpy(), benefit, target=row.target, ax=ax)

    def title(self) -> str:
        """What stands above the table."""
        left = (
            f"; {self.impossible} left out, whose findings cannot occur" if self.impossible else ""
        )
        samples = f"{self.level:.0%} intervals from {self.bootstrap} bootstrap samples"
        return f"{self.question}\n{self.patients} patients{left}; {samples}"

    def shown(self) -> pd.DataFrame:
        """The columns that fit beside each other."""
        import pandas as pd

        specificity = self.rows[0].specificity if self.rows else 0.0
        columns = [
            *("target", "group", "patients", "cases", "AUC", "Brier score", "skill"),
            *("calibration slope", "in the large", f"sensitivity at specificity {specificity:g}"),
        ]
        rows = [
            (
                *(r.target, r.group, r.patients, r.cases),
                *(_cell(r.auc), _cell(r.brier), show_number(r.skill)),
                *(_cell(r.slope), _cell(r.in_the_large), _cell(r.sensitivity)),
            )
            for r in self.rows
        ]
        return pd.DataFrame(rows, columns=columns)

    def __str__(self) -> str:
        return f"{self.title()}\n{self.shown().to_string(index=False)}"

    def _repr_html_(self) -> str:
        return in_notebook(self.title(), table(self.shown()))


def _row(r: Measures) -> dict[str, object]:
    row: dict[str, object] = {
        "target": r.target,
        "group": r.group,
        "patients": r.patients,
        "cases": r.cases,
        "share": r.cases / r.patients if r.patients else float("nan"),
        "mean_prediction": r.mean_prediction,
    }
    for name in MEASURES:
        e: Estimate = getattr(r, name)
        row |= {name: e.value, f"{name}_low": e.low, f"{name}_high": e.high}
    parts = r.decomposition
    return row | {
        "skill": r.skill,
        "reliability": parts.reliability,
        "resolution": parts.resolution,
        "uncertainty": parts.uncertainty,
        "within_bins": parts.within,
        "specificity": r.specificity,
        "operating_threshold": r.operating_threshold,
    }


def _cell(e: Estimate) -> str:
    if e.value != e.value:
        return ""
    if e.low != e.low:
        return show_number(e.value)
    return f"{show_number(e.value)} ({show_number(e.low)} to {show_number(e.high)})"


def evaluate(
    model: Model,
    frame: Any,
    target: str | Sequence[str] | None = None,
    *,
    by: str | Sequence[str] = (),
    setting: str | None = None,
    keep: str | Sequence[str] = (),
    threshold: float = 0.5,
    specificity: float = 0.9,
    bins: int = 10,
    bootstrap: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    threads: int | None = None,
    progress: bool | None = None,
) -> Validation:
    """How good the predictions are on patients whose diagnosis is known.

    Args:
        model: the network.
        frame: as in `posteriors`, with the outcomes among its columns. No target is taken as a
            finding.
        target: a node, `node=state`, or several; every ranked cause that is a column where None.
        by: columns whose values are subgroups.
        setting: a column with each patient's setting, which is then used for the prediction and is
            a subgroup too; the one in force for all where None.
        keep: columns that are no findings.
        threshold: of the confusion matrix, between 0 and 1.
        specificity: at which the true positive rate is given.
        bins: of the calibration curve and of the parts of the Brier score, 2 or more.
        bootstrap: samples behind the intervals; 0 for none.
        level: of the intervals.
        seed: of the bootstrap.
        threads: how many; as many as cores, at most 8, where None.
        progress: show a progress bar; None: in a terminal only.

    Returns:
        Brier score and its parts, log score, AUC, calibration, decision curve, confusion matrix and
        true positive rate at a fixed specificity, each with its interval. Patients whose findings
        cannot occur, and those without an outcome, are left out and counted.

    Raises:
        EvidenceError: a cell is no finding; the error names row and column.
        UnknownNameError: a column or a node is not known.
        SpinelinkError: an option is out of range, or the table has no rows.

    Source:
        Brier 1950; Murphy 1973 (parts of the score); Vickers and Elkin 2006 (decision curve).

    Example:
        >>> import spinelink as sl
        >>> model = sl.load("minimal")
        >>> answer = model.evaluate(model.sample(300, seed=1), "scoliosis", bootstrap=0)
        >>> 0.0 < answer.rows[0].auc.value <= 1.0
        True
    """
    options = Options(
        threshold=share(threshold, "threshold"),
        specificity=share(specificity, "specificity"),
        bins=whole(bins, "bins", least=2, most=1000),
        bootstrap=whole(bootstrap, "bootstrap", most=100_000),
        level=check_level(level),
    )
    seed, threads = seed_of(seed), threads_or_none(threads)
    cohort = read_outcomes(model.network, frame, target=target, by=by, setting=setting, keep=keep)
    if setting is None:
        predictions = cohort.predictions(model.compiled, threads=threads)
    else:
        predictions = cohort.predictions_by_setting(model.compiled_in, threads=threads)
    groups = {ALL: cohort.everybody, **cohort.groups}
    question = model.question(target=tuple(cohort.outcomes), by=by, setting_column=setting)
    with bar("bootstrap", len(cohort.outcomes) * len(groups), progress) as on_progress:
        return validate(
            predictions,
            cohort.outcomes,
            groups=groups,
            question=question,
            options=options,
            seed=seed,
            on_progress=on_progress,
        )


def validate(
    predictions: Mapping[str, Array],
    outcomes: Mapping[str, Array],
    *,
    groups: Mapping[str, NDArray[np.bool_]],
    question: Question,
    options: Options,
    seed: int,
    on_progress: Callable[[int], object] | None = None,
) -> Validation:
    """Every target in every group.

    Args:
        predictions: by target, (patients,); NaN where the findings cannot occur.
        outcomes: by target, (patients,): 0, 1, or NaN where not known.
        groups: name -> which patients, (patients,).
        question: what was asked.
        options: how to measure.
        seed: of the bootstrap.
        on_progress: called with how many rows are done.

    Raises:
        SpinelinkError: no patient has both an outcome and findings that can occur.
    """
    rows: list[Measures] = []
    some = next(iter(predictions.values()))
    rng = np.random.default_rng(seed)
    for target, p in predictions.items():
        y = outcomes[target]
        known = ~np.isnan(y) & ~np.isnan(p)
        if not known.any():
            raise SpinelinkError(
                f"no patient has both an outcome for {target} and findings that can occur."
            )
        for group, members in groups.items():
            inside = known & members
            if inside.any():
                rows.append(
                    measure(
                        p[inside], y[inside], target=target, group=group, options=options, rng=rng
                    )
                )
            if on_progress is not None:
                on_progress(len(rows))
    return Validation(
        question,
        tuple(rows),
        options.bins,
        options.level,
        options.bootstrap,
        len(some),
        int(np.isnan(some).sum()),
        {target: int(np.isnan(y).sum()) for target, y in outcomes.items()},
    )
