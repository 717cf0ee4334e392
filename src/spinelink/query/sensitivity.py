"""How one posterior depends on each parameter: derivative, function, tornado, ranking.

Sensitivity here is the analysis; that of a test is a parameter like any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spinelink.case import Case
from spinelink.errors import ParameterError, UnknownNameError
from spinelink.inference.gradient.by_entry import derivatives
from spinelink.inference.gradient.linear_fractional import (
    LinearFractional,
    ParameterRef,
    admissible_range,
    linear_fractional,
    relevant_refs,
)
from spinelink.inference.sampled_parameters import stated_interval
from spinelink.options import level as check_level
from spinelink.query.crossing import ExactPosteriors, Place, find_swaps, places_of
from spinelink.query.target import hidden_target
from spinelink.result import Result
from spinelink.view.html import in_notebook
from spinelink.view.plot.sensitivity import CurveMarks, plot_curve, plot_tornado
from spinelink.view.text import frame_text, show_number

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Array = NDArray[np.float64]

CURVE_POINTS = 101
"""Points of the curve of one parameter."""


@dataclass(frozen=True)
class Influence:
    """How one parameter moves the posterior.

    derivative: d posterior / d parameter. posterior_low, posterior_high: at the ends of the parameter's
    own interval. admissible_low, admissible_high: the nearest values at which the target changes places
    with another (`swaps_below`, `swaps_above`); NaN and empty where there is none.

    alpha to delta: posterior(t) = (alpha t + beta) / (gamma t + delta), scaled so that the denominator
    is P(findings) over its value at the estimate. Where `nonlinear`, that is the tangent at the estimate
    only; everything else is exact.
    """

    parameter: ParameterRef
    estimate: float
    low: float
    high: float
    grade: str
    derivative: float
    posterior_low: float
    posterior_high: float
    alpha: float
    beta: float
    gamma: float
    delta: float
    nonlinear: bool
    admissible_low: float
    admissible_high: float
    swaps_below: str
    swaps_above: str

    @property
    def turns(self) -> str:
        """At which values another leads, in words."""
        sides = (
            ("below", self.admissible_low, self.swaps_below),
            ("above", self.admissible_high, self.swaps_above),
        )
        return "; ".join(
            f"{side} {show_number(value)}: {rival}" for side, value, rival in sides if rival
        )

    @property
    def swing(self) -> float:
        """How far apart the posteriors at the two ends are."""
        return abs(self.posterior_high - self.posterior_low)


@dataclass(frozen=True, repr=False)
class SensitivityFunction:
    """The posterior as a function of one parameter; called with one value or an array."""

    target: str
    influence: Influence
    posterior: float
    _exact: ExactPosteriors = field(repr=False, compare=False)
    _limits: tuple[float, float] = (0.0, 1.0)

    def __call__(self, t: float | Sequence[float] | Array) -> Array | float:
        """The posterior where the parameter is t. Raises ParameterError outside its range."""
        values = np.atleast_1d(np.asarray(t, dtype=float))
        low, high = self._limits
        if not ((values >= low) & (values <= high)).all() or not np.isfinite(values).all():
            raise ParameterError(
                f"{self.influence.parameter} lies between {low:g} and {high:g}; not {t!r}."
            )
        i = self.influence
        if i.nonlinear:
            found = self._exact.of_target([{i.parameter: float(v)} for v in values])
        else:
            with np.errstate(invalid="ignore", divide="ignore"):
                found = (i.alpha * values + i.beta) / (i.gamma * values + i.delta)
        found = np.clip(found, 0.0, 1.0)
        return float(found[0]) if np.ndim(t) == 0 else found

    def plot(self, ax: Axes | None = None) -> Axes:
        """The curve, with the number's interval and the values at which the ranking changes."""
        i = self.influence
        end = 1.0 if np.isfinite(self._limits[1]) else max(3.0 * i.high, 2.0)
        values = np.linspace(1e-9 if end > 1.0 else 0.0, end, CURVE_POINTS)
        sides = ((i.admissible_low, i.swaps_below), (i.admissible_high, i.swaps_above))
        crossings = [(value, rival) for value, rival in sides if rival]
        return plot_curve(
            values,
            np.asarray(self(values)),
            parameter=str(i.parameter),
            target=self.target,
            marks=CurveMarks(i.estimate, self.posterior, (i.low, i.high), crossings),
            ax=ax,
        )

    def _repr_html_(self) -> str:
        return in_notebook(repr(self), "")

    def __repr__(self) -> str:
        i = self.influence
        form = (
            "followed exactly"
            if i.nonlinear
            else f"({i.alpha:.6g} t + {i.beta:.6g}) / ({i.gamma:.6g} t + {i.delta:.6g})"
        )
        return f"P({self.target} | findings) where {i.parameter} is t: {form}; t = {i.estimate:g} gives {self.posterior:.6g}"


@dataclass(frozen=True, repr=False)
class Sensitivity(Result):
    """The influence of every parameter on one posterior, the widest swing first."""

    target: str
    posterior: float
    level: float
    rows: tuple[Influence, ...]
    _exact: ExactPosteriors = field(repr=False, compare=False)
    _limits: Mapping[str, tuple[float, float]] = field(repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, ref: str) -> Influence:
        return self._row(ref)

    def function(self, parameter: str, state: str | None = None) -> SensitivityFunction:
        """The posterior as an exact function of one parameter.

        state: which one, of a distribution. Raises UnknownNameError.
        """
        row = self._row(str(ParameterRef(parameter, state)))
        return SensitivityFunction(
            self.target, row, self.posterior, self._exact, self._limits[row.parameter.id]
        )

    def _row(self, ref: str) -> Influence:
        for row in self.rows:
            if str(row.parameter) == ref:
                return row
        raise UnknownNameError(
            ref, kind="number behind this answer", allowed=[str(r.parameter) for r in self.rows]
        )

    def to_frame(self) -> pd.DataFrame:
        """One row a number, the widest swing first.

        Columns: parameter, state (of a distribution), estimate, low, high (its interval), derivative, posterior_low, posterior_high, swing, admissible_low,
        admissible_high (values at which the target changes places with swaps_below, swaps_above), alpha, beta, gamma, delta, curved, grade.
        """
        import pandas as pd

        columns = [
            "parameter",
            "state",
            "estimate",
            "low",
            "high",
            "derivative",
            "posterior_low",
            "posterior_high",
            "swing",
            "admissible_low",
            "swaps_below",
            "admissible_high",
            "swaps_above",
            "alpha",
            "beta",
            "gamma",
            "delta",
            "nonlinear",
            "grade",
        ]
        rows = [
            (
                r.parameter.id, r.parameter.state, r.estimate, r.low, r.high, r.derivative, r.posterior_low, r.posterior_high, r.swing, r.admissible_low,
                r.swaps_below, r.admissible_high, r.swaps_above, r.alpha, r.beta, r.gamma, r.delta, r.nonlinear, r.grade,
            )
            for r in self.rows
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=columns)

    def shown(self) -> pd.DataFrame:
        """The columns that fit beside each other."""
        frame = self.to_frame()[
            ["estimate", "low", "high", "posterior_low", "posterior_high", "swing"]
        ]
        frame.insert(0, "number", [str(r.parameter) for r in self.rows])
        frame["another leads"] = [r.turns for r in self.rows]
        return frame

    def plot(self, ax: Axes | None = None, *, limit: int = 12) -> Axes:
        """A tornado: the parameters with the widest swing."""
        return plot_tornado(
            [str(r.parameter) for r in self.rows],
            [(r.posterior_low, r.posterior_high) for r in self.rows],
            posterior=self.posterior,
            target=self.target,
            level=self.level,
            ax=ax,
            limit=limit,
        )

    def title(self) -> str:
        """What stands above the table."""
        return f"{self.question}\nP({self.target} | findings) = {self.posterior:.4g}; each number moved over its own {self.level:.0%} interval"

    def __str__(self) -> str:
        frame = self.to_frame().head(20)
        frame["parameter"] = [str(r.parameter) for r in self.rows[:20]]
        shown = frame[
            [
                "parameter",
                "estimate",
                "low",
                "high",
                "posterior_low",
                "posterior_high",
                "admissible_low",
                "admissible_high",
            ]
        ]
        more = f"\n... and {len(self) - 20} more; to_frame() has all" if len(self) > 20 else ""
        return f"{self.title()}\n{frame_text(shown)}{more}"


def sensitivity(
    case: Case, target: str | None = None, *, state: str | None = None, level: float = 0.95
) -> Sensitivity:
    """How much one posterior depends on each parameter, and where the ranking changes.

    Args:
        case: the findings.
        target: a node that is not observed; the leading cause where None.
        state: the probability of this state is meant; P(present) where None.
        level: of the interval of a parameter that states none.

    Returns:
        For every parameter the derivative, the exact function, the posterior at both ends of the
        parameter's interval, and the nearest values at which another cause leads.

    Raises:
        UnknownNameError: the node or the state is not known.
        EvidenceError: the node is observed.
        SpinelinkError: the level does not lie between 0 and 1.
        ImpossibleEvidenceError: the findings cannot occur together.

    Source:
        Castillo, Gutierrez and Hadi 1997; Kjaerulff and van der Gaag 2000 (sensitivity functions);
        Chan and Darwiche 2002 (admissible values).

    Example:
        >>> import spinelink as sl
        >>> case = sl.load("minimal").observe(leg_pain="below_knee", numbness=True)
        >>> answer = case.sensitivity("lumbar_disc_herniation")
        >>> answer.rows[0].swing >= answer.rows[-1].swing
        True
    """
    level = check_level(level)
    name = hidden_target(case, target, state=state)
    model = case.model
    wanted, rivals = places_of(case, name, state=state)
    places = [wanted, *rivals.values()]
    tangents = _tangents(case, places)
    exact = ExactPosteriors(case, wanted)
    refs = tangents.refs
    bounds = [stated_interval(model.in_force[n.id], n.state, level=level) for n in refs]
    ends = _ends(tangents, bounds, exact=exact)
    swaps = find_swaps(tangents, exact, rivals=list(rivals.values()))
    labels = [*rivals, ""]  # the last for "no rival", which is numbered -1
    derivative = tangents.derivatives()[:, 0]
    posterior = float(tangents.posteriors[0])
    rows = []
    for k, ref in enumerate(refs):
        estimate, (below, above) = float(tangents.estimates[k]), swaps[k]
        alpha, gamma = float(tangents.targets[k, 0]), float(tangents.evidence[k])
        rows.append(
            Influence(
                parameter=ref,
                estimate=estimate,
                low=bounds[k][0],
                high=bounds[k][1],
                grade=model.in_force[ref.id].grade,
                derivative=float(derivative[k]),
                posterior_low=float(ends[k, 0]),
                posterior_high=float(ends[k, 1]),
                alpha=alpha,
                beta=posterior - alpha * estimate,
                gamma=gamma,
                delta=1.0 - gamma * estimate,
                nonlinear=bool(tangents.nonlinear[k]),
                admissible_low=below.value,
                admissible_high=above.value,
                swaps_below=labels[below.rival],
                swaps_above=labels[above.rival],
            )
        )
    rows.sort(
        key=lambda r: (-np.nan_to_num(r.swing, nan=1.0), -abs(r.derivative), str(r.parameter))
    )
    ranges = {n.id: admissible_range(model.in_force[n.id]) for n in refs}
    question = case.question(target=name, state=state, level=level)
    title = _title(model.nodes[name].states, name, state)
    return Sensitivity(question, title, posterior, level, tuple(rows), exact, ranges)


def _tangents(case: Case, places: Sequence[Place]) -> LinearFractional:
    """The posterior of each place as a ratio of lines in every parameter that matters."""
    model = case.model
    nodes = [*case.observed, *(p.node for p in places)]
    refs = relevant_refs(model.network, model.compiled, parameters=model.in_force, nodes=nodes)
    targets = [(p.node, p.state) for p in places]
    return linear_fractional(
        model.network,
        model.compiled,
        values=model.values,
        refs=refs,
        found=derivatives(model.compiled, case.observed, targets=targets),
        complement=[not p.own for p in places],
    )


def _title(states: Sequence[str], target: str, state: str | None) -> str:
    if state:
        return f"{target}={state}"
    return target if len(states) == 2 else f"{target} present"


def _ends(
    tangents: LinearFractional, bounds: Sequence[tuple[float, float]], *, exact: ExactPosteriors
) -> Array:
    """The posterior at both ends of each parameter's interval, (parameters, 2).

    NaN where the findings cannot occur there.
    """
    t = np.array(bounds).reshape(-1, 2)
    shift = t - tangents.estimates[:, np.newaxis]
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = np.asarray(
            (tangents.posteriors[0] + tangents.targets[:, :1] * shift)
            / (1.0 + tangents.evidence[:, np.newaxis] * shift)
        )
    nonlinear = np.flatnonzero(tangents.nonlinear)
    if len(nonlinear):
        settings = [{tangents.refs[k]: float(v)} for k in nonlinear for v in t[k]]
        ends[nonlinear] = exact.of_target(settings).reshape(-1, 2)
    return np.asarray(np.clip(ends, 0.0, 1.0))
