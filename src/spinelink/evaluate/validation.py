"""How good the predictions are on patients whose diagnosis is known: discrimination, calibration, decisions, each with its interval."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spinelink.case import Model
from spinelink.errors import SpinelinkError, UnknownNameError
from spinelink.evaluate.cases import wilson
from spinelink.evaluate.metrics import (
    Decomposition,
    bins_of,
    brier,
    decomposed,
    in_the_large,
    log_score,
    net_benefit,
    recalibration,
    sensitivity_at,
    sorted_auc,
)
from spinelink.network.question import Question
from spinelink.options import level as check_level
from spinelink.options import share, whole
from spinelink.progress import bar
from spinelink.table.outcomes import read_outcomes
from spinelink.view.html import element, in_notebook, table
from spinelink.view.text import show_number

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Array = NDArray[np.float64]
ALL = "all patients"
THRESHOLDS = np.round(
    np.concatenate([np.arange(0.005, 0.05, 0.005), np.arange(0.05, 0.96, 0.01)]), 4
)
FEWEST = 5  # patients with, and without, the condition: with fewer a bootstrap interval would look surer than it is
MEASURES = ("brier", "log_score", "auc", "slope", "intercept", "in_the_large", "sensitivity")


@dataclass(frozen=True)
class Estimate:
    """A measure with its bootstrap interval; nan where it does not exist; no interval where fewer than five patients have, or lack,
    the condition.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Confusion:
    """Patients by what was predicted (probability at or above the threshold) and what turned out."""

    threshold: float
    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int

    def rates(self) -> dict[str, Estimate]:
        """True positive rate ("sensitivity"), "specificity", predictive values, with Wilson's 95 % intervals."""
        tp, fp, fn, tn = (
            self.true_positive,
            self.false_positive,
            self.false_negative,
            self.true_negative,
        )
        pairs = {
            "sensitivity": (tp, tp + fn),
            "specificity": (tn, tn + fp),
            "positive predictive value": (tp, tp + fp),
            "negative predictive value": (tn, tn + fn),
        }
        return {
            name: Estimate(k / n if n else float("nan"), *wilson(k, n))
            for name, (k, n) in pairs.items()
        }


@dataclass(frozen=True, eq=False)
class Measures:
    """One target in one group of patients.

    cases: how many have the condition. brier, log_score (nats), auc; slope and intercept of the recalibration on log odds (1 and 0 where calibrated),
    in_the_large (0 where the mean is right); sensitivity: the true positive rate at the fixed specificity, reached at `operating_threshold`.
    """

    target: str
    group: str
    patients: int
    cases: int
    mean_prediction: float
    brier: Estimate
    log_score: Estimate
    auc: Estimate
    slope: Estimate
    intercept: Estimate
    in_the_large: Estimate
    sensitivity: Estimate
    specificity: float
    operating_threshold: float
    decomposition: Decomposition
    skill: float  # 1 - Brier score / that of predicting the share of cases for everybody
    confusion: Confusion
    predictions: Array
    outcomes: Array


@dataclass(frozen=True, eq=False, repr=False)
class Validation:
    """Measures of every target, in all patients and in each group.

    impossible: patients whose findings cannot occur in the network; untold: by target, patients whose outcome is missing. Both are left out.
    """

    question: Question
    rows: tuple[Measures, ...]
    bins: int
    level: float
    bootstrap: int
    patients: int
    impossible: int
    untold: Mapping[str, int]

    def of(self, target: str | None = None, group: str = ALL) -> Measures:
        """The measures of one target in one group; the only target where None. Raises UnknownNameError."""
        targets = list(dict.fromkeys(r.target for r in self.rows))
        if target is None and len(targets) == 1:
            target = targets[0]
        if target not in targets:
            raise UnknownNameError(str(target), kind="target", allowed=targets)
        for row in self.rows:
            if (row.target, row.group) == (target, group):
                return row
        raise UnknownNameError(
            str(group), kind="group", allowed=[r.group for r in self.rows if r.target == target]
        )

    def to_frame(self) -> pd.DataFrame:
        """One row a target and group: patients, cases, mean_prediction, and each measure with its interval (auc, auc_low, auc_high, ...)."""
        import pandas as pd

        rows = []
        for r in self.rows:
            row: dict[str, Any] = {
                "target": r.target,
                "group": r.group,
                "patients": r.patients,
                "cases": r.cases,
            }
            row |= {
                "share": r.cases / r.patients if r.patients else float("nan"),
                "mean_prediction": r.mean_prediction,
            }
            for name in MEASURES:
                e: Estimate = getattr(r, name)
                row |= {name: e.value, f"{name}_low": e.low, f"{name}_high": e.high}
            row |= {
                "skill": r.skill,
                "reliability": r.decomposition.reliability,
                "resolution": r.decomposition.resolution,
            }
            row |= {
                "uncertainty": r.decomposition.uncertainty,
                "within_bins": r.decomposition.within,
            }
            row |= {"specificity": r.specificity, "operating_threshold": r.operating_threshold}
            rows.append(row)
        return pd.DataFrame(rows)

    def calibration(self, target: str | None = None, group: str = ALL) -> pd.DataFrame:
        """The calibration curve: bins of about equally many patients: patients, predicted (mean), observed (share), low, high (Wilson's 95 % interval)."""
        import pandas as pd

        r = self.of(target, group)
        bin_of = bins_of(r.predictions, self.bins)
        found = []
        for k in range(int(bin_of.max(initial=-1)) + 1):
            own = bin_of == k
            cases, n = int(r.outcomes[own].sum()), int(own.sum())
            found.append((n, float(r.predictions[own].mean()), cases / n, *wilson(cases, n)))
        return pd.DataFrame(found, columns=["patients", "predicted", "observed", "low", "high"])

    def decision_curve(
        self, target: str | None = None, group: str = ALL, thresholds: Sequence[float] | None = None
    ) -> pd.DataFrame:
        """Net benefit (true positives for each patient) of acting where the probability reaches a threshold: network, all, none; indexed by threshold."""
        import pandas as pd

        r = self.of(target, group)
        at = THRESHOLDS if thresholds is None else np.asarray(thresholds, dtype=float)
        if not ((at > 0.0) & (at < 1.0)).all():
            raise SpinelinkError("thresholds lie between 0 and 1, both excluded.")
        everybody = net_benefit(np.ones(len(r.outcomes)), r.outcomes, at)
        index = pd.Index(at, name="threshold")
        return pd.DataFrame(
            {"network": net_benefit(r.predictions, r.outcomes, at), "all": everybody, "none": 0.0},
            index=index,
        )

    def confusion(
        self, target: str | None = None, group: str = ALL, threshold: float | None = None
    ) -> pd.DataFrame:
        """Predicted against turned out at a threshold (that of the question where None), with sensitivity, specificity and predictive values."""
        import pandas as pd

        r = self.of(target, group)
        c = (
            r.confusion
            if threshold is None
            else _confusion(r.predictions, r.outcomes, check_share(threshold, "threshold"))
        )
        rows = [(n, e.value, e.low, e.high) for n, e in c.rates().items()]
        frame = pd.DataFrame(rows, columns=["measure", "value", "low", "high"])
        frame.attrs = {
            "threshold": c.threshold,
            "counts": (c.true_positive, c.false_positive, c.false_negative, c.true_negative),
        }
        return frame

    def plot(self, target: str | None = None, group: str = ALL, *, ax: Axes | None = None) -> Axes:
        """The calibration curve of one target in one group."""
        from spinelink.view.plot.validation import Bins, plot_calibration

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
        from spinelink.view.plot.validation import plot_decision_curve

        row = self.of(target, group)
        curve = self.decision_curve(row.target, row.group)
        benefit = {str(name): curve[name].to_numpy() for name in curve.columns}
        return plot_decision_curve(curve.index.to_numpy(), benefit, target=row.target, ax=ax)

    def title(self) -> str:
        left = (
            f"; {self.impossible} left out, whose findings cannot occur" if self.impossible else ""
        )
        return f"{self.question}\n{self.patients} patients{left}; {self.level:.0%} intervals from {self.bootstrap} bootstrap samples"

    def _table(self) -> pd.DataFrame:
        import pandas as pd

        def cell(e: Estimate) -> str:
            if e.value != e.value:
                return ""
            return (
                f"{show_number(e.value)} ({show_number(e.low)} to {show_number(e.high)})"
                if e.low == e.low
                else show_number(e.value)
            )

        rows = [
            (r.target, r.group, r.patients, r.cases, cell(r.auc), cell(r.brier), show_number(r.skill), cell(r.slope), cell(r.in_the_large), cell(r.sensitivity))
            for r in self.rows
        ]  # fmt: skip
        specificity = self.rows[0].specificity if self.rows else 0.0
        columns = [
            "target", "group", "patients", "cases", "AUC", "Brier score", "skill", "calibration slope", "in the large",
            f"sensitivity at specificity {specificity:g}",
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=columns)

    def __str__(self) -> str:
        return f"{self.title()}\n{self._table().to_string(index=False)}"

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return in_notebook(
            self.title(), element("div", table(self._table()), style="font-size:12px")
        )


def check_share(value: float, name: str) -> float:
    """A number between 0 and 1; raises SpinelinkError."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= 1.0:
        raise SpinelinkError(f"{name} lies between 0 and 1, not {value!r}.")
    return float(value)


def _confusion(p: Array, y: Array, threshold: float) -> Confusion:
    from sklearn.metrics import confusion_matrix

    tn, fp, fn, tp = confusion_matrix(y, p >= threshold, labels=[0, 1]).ravel().tolist()
    return Confusion(threshold, tp, fp, fn, tn)


def measures(
    target: str,
    group: str,
    p: Array,
    y: Array,
    *,
    threshold: float,
    specificity: float,
    bins: int,
    bootstrap: int,
    level: float,
    rng: np.random.Generator,
) -> Measures:
    """All measures of one target in one group. p: predictions, y: outcomes 0 or 1, (patients,), at least one patient."""
    from sklearn.metrics import brier_score_loss, log_loss

    order = np.argsort(p, kind="stable")
    p, y = p[order], y[order]
    one = np.ones_like(p)
    found = _all(p, y, one, specificity)
    found["brier"] = float(brier_score_loss(y, p)) if 0.0 < y.mean() < 1.0 else found["brier"]
    found["log_score"] = float(log_loss(y, np.clip(p, 1e-12, 1.0 - 1e-12), labels=[0, 1]))
    drawn: dict[str, list[float]] = {name: [] for name in MEASURES}
    for _ in range(bootstrap):
        w = np.bincount(rng.integers(len(p), size=len(p)), minlength=len(p)).astype(float)
        for name, value in _all(p, y, w, specificity).items():
            drawn[name].append(value)
    few = min(float(y.sum()), float((1.0 - y).sum())) < FEWEST
    estimates = {
        n: Estimate(found[n], float("nan"), float("nan"))
        if few
        else _estimate(found[n], drawn[n], level)
        for n in MEASURES
    }
    base = float(y.mean())
    return Measures(
        target, group, len(p), int(y.sum()), float(p.mean()), **estimates, specificity=specificity,
        operating_threshold=sensitivity_at(p, y, one, specificity)[1], decomposition=decomposed(p, y, bins_of(p, bins)),
        skill=1.0 - found["brier"] / (base * (1.0 - base)) if 0.0 < base < 1.0 else float("nan"), confusion=_confusion(p, y, threshold), predictions=p,
        outcomes=y,
    )  # fmt: skip


def _all(p: Array, y: Array, w: Array, specificity: float) -> dict[str, float]:
    kept = w > 0.0
    p, y, w = p[kept], y[kept], w[kept]
    intercept, slope = recalibration(p, y, w)
    return {
        "brier": brier(p, y, w),
        "log_score": log_score(p, y, w),
        "auc": sorted_auc(p, y, w),
        "slope": slope,
        "intercept": intercept,
        "in_the_large": in_the_large(p, y, w),
        "sensitivity": sensitivity_at(p, y, w, specificity)[0],
    }


def _estimate(value: float, drawn: Sequence[float], level: float) -> Estimate:
    finite = [v for v in drawn if v == v]
    if value != value or len(finite) < 2:
        return Estimate(value, float("nan"), float("nan"))
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(finite, [tail, 1.0 - tail])
    return Estimate(value, float(low), float(high))


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
    bins = whole(bins, "bins", least=2)
    bootstrap = whole(bootstrap, "bootstrap")
    read = read_outcomes(model.network, frame, target, by=by, setting=setting, keep=keep)
    if setting is None:
        predicted = read.predictions(model.compiled, threads=threads)
    else:
        predicted = read.predictions_by_setting(model.compiled_in, threads=threads)
    groups = {ALL: read.everybody, **read.groups}
    question = model.question(target=tuple(read.outcomes), by=by, setting_column=setting)
    with bar("bootstrap", len(read.outcomes) * len(groups), progress) as on_progress:
        return validate(
            question,
            predicted,
            read.outcomes,
            groups,
            threshold=share(threshold, "threshold"),
            specificity=share(specificity, "specificity"),
            bins=bins,
            bootstrap=bootstrap,
            level=check_level(level),
            seed=seed,
            on_progress=on_progress,
        )


def validate(
    question: Question,
    predictions: Mapping[str, Array],
    outcomes: Mapping[str, Array],
    groups: Mapping[str, NDArray[np.bool_]],
    *,
    threshold: float,
    specificity: float,
    bins: int,
    bootstrap: int,
    level: float,
    seed: int,
    on_progress: Callable[[int], object] | None = None,
) -> Validation:
    """Every target in every group. predictions: nan where the findings cannot occur; outcomes: 0, 1, or nan where not known; groups: name -> patients."""
    rows: list[Measures] = []
    some = next(iter(predictions.values()))
    impossible = np.isnan(some)
    rng = np.random.default_rng(seed)
    for target, p in predictions.items():
        y = outcomes[target]
        known = ~np.isnan(y) & ~np.isnan(p)
        if not known.any():
            raise SpinelinkError(
                f"no patient has both an outcome for {target} and findings that can occur."
            )
        for group, members in groups.items():
            own = known & members
            if own.any():
                rows.append(
                    measures(
                        target,
                        group,
                        p[own],
                        y[own],
                        threshold=threshold,
                        specificity=specificity,
                        bins=bins,
                        bootstrap=bootstrap,
                        level=level,
                        rng=rng,
                    )
                )
            if on_progress is not None:
                on_progress(len(rows))
    untold = {target: int(np.isnan(y).sum()) for target, y in outcomes.items()}
    return Validation(
        question, tuple(rows), bins, level, bootstrap, len(some), int(impossible.sum()), untold
    )
