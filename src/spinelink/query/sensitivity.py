"""How one posterior depends on each number of the network: derivative, exact function, tornado, and where the ranking changes.

Sensitivity here is the analysis; a test's is a number like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spinelink.errors import ParameterError, SpinelinkError, UnknownNameError
from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.compile import point_values
from spinelink.inference.findings import Observed
from spinelink.inference.gradient.by_entry import derivatives
from spinelink.inference.gradient.linear_fractional import (
    LinearFractional,
    Number,
    admissible_range,
    linear_fractional,
    marginals_under,
    nonlinear_nodes,
    read_number,
    relevant_numbers,
)
from spinelink.inference.sampled_parameters import stated_interval
from spinelink.network.network import Network
from spinelink.network.parameter import Parameter, Ratio
from spinelink.network.parameter_ids import owner
from spinelink.network.question import Question
from spinelink.result import Result, in_notebook, show_number

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Array = NDArray[np.float64]
Follow = Callable[[Sequence[Mapping[Number, float]]], Array]
"""Posteriors under each of many settings of numbers, (settings,)."""

STEPS = 6  # of the secant, towards the value at which the ranking changes along a curved number
NEAR = 1e-9
ACROSS = 7  # values of the second number that a notebook shows


@dataclass(frozen=True)
class Influence:
    """One number and the posterior: d posterior / d number, the posterior at both ends of the number's own interval, and the nearest values
    below and above the estimate at which the target changes places with another (`swaps_below`, `swaps_above`); nan and empty where there is none.

    alpha to delta: posterior(t) = (alpha t + beta) / (gamma t + delta), scaled so that the denominator is P(findings) over its value at the estimate. Where
    `curved`, that is the tangent at the estimate only; everything else is exact.
    """

    number: Number
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
    curved: bool
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
    """The posterior as a function of one number; called with a value or an array of values."""

    target: str
    influence: Influence
    posterior: float
    _follow: Follow = field(repr=False, compare=False)
    _limits: tuple[float, float] = (0.0, 1.0)

    def __call__(self, t: float | Sequence[float] | Array) -> Array | float:
        """The posterior where the number is t. Raises ParameterError outside the number's range."""
        values = np.atleast_1d(np.asarray(t, dtype=float))
        low, high = self._limits
        if not ((values >= low) & (values <= high)).all() or not np.isfinite(values).all():
            raise ParameterError(
                f"{self.influence.number} lies between {low:g} and {high:g}; not {t!r}."
            )
        i = self.influence
        if i.curved:
            found = self._follow([{i.number: float(v)} for v in values])
        else:
            with np.errstate(invalid="ignore", divide="ignore"):
                found = (i.alpha * values + i.beta) / (i.gamma * values + i.delta)
        found = np.clip(found, 0.0, 1.0)
        return float(found[0]) if np.ndim(t) == 0 else found

    def plot(self, ax: Axes | None = None) -> Axes:
        """The curve, with the number's interval and the values at which the ranking changes."""
        from spinelink.view.plot.sensitivity import plot_curve

        return plot_curve(self, ax=ax)

    def _repr_html_(self) -> str:
        return in_notebook(repr(self), "")

    def __repr__(self) -> str:
        i = self.influence
        form = (
            "followed exactly"
            if i.curved
            else f"({i.alpha:.6g} t + {i.beta:.6g}) / ({i.gamma:.6g} t + {i.delta:.6g})"
        )
        return f"P({self.target} | findings) where {i.number} is t: {form}; t = {i.estimate:g} gives {self.posterior:.6g}"


@dataclass(frozen=True, repr=False)
class Sensitivity(Result):
    """Every number's influence on one posterior, the widest swing first."""

    target: str
    posterior: float
    level: float
    rows: tuple[Influence, ...]
    _follow: Follow = field(repr=False, compare=False)
    _limits: Mapping[str, tuple[float, float]] = field(repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: str) -> Influence:
        return self._row(number)

    def function(self, parameter: str, state: str | None = None) -> SensitivityFunction:
        """The posterior as an exact function of one number. state: which one, of a distribution. Raises UnknownNameError."""
        row = self._row(str(Number(parameter, state)))
        return SensitivityFunction(
            self.target, row, self.posterior, self._follow, self._limits[row.number.id]
        )

    def _row(self, number: str) -> Influence:
        for row in self.rows:
            if str(row.number) == number:
                return row
        raise UnknownNameError(
            number, kind="number behind this answer", allowed=[str(r.number) for r in self.rows]
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
            "curved",
            "grade",
        ]
        rows = [
            (
                r.number.id, r.number.state, r.estimate, r.low, r.high, r.derivative, r.posterior_low, r.posterior_high, r.swing, r.admissible_low,
                r.swaps_below, r.admissible_high, r.swaps_above, r.alpha, r.beta, r.gamma, r.delta, r.curved, r.grade,
            )
            for r in self.rows
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=columns)

    def shown(self) -> pd.DataFrame:
        frame = self.to_frame()[
            ["estimate", "low", "high", "posterior_low", "posterior_high", "swing"]
        ]
        frame.insert(0, "number", [str(r.number) for r in self.rows])
        frame["another leads"] = [r.turns for r in self.rows]
        return frame

    def plot(self, ax: Axes | None = None, *, limit: int = 12) -> Axes:
        """A tornado: the numbers with the widest swing."""
        from spinelink.view.plot.sensitivity import plot_tornado

        return plot_tornado(self, ax=ax, limit=limit)

    def title(self) -> str:
        return f"{self.question}\nP({self.target} | findings) = {self.posterior:.4g}; each number moved over its own {self.level:.0%} interval"

    def __str__(self) -> str:
        frame = self.to_frame().head(20)
        frame["parameter"] = [str(r.number) for r in self.rows[:20]]
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
        return f"{self.title()}\n{shown.to_string(index=False, float_format=show_number, na_rep='')}{more}"


def sensitivity(
    network: Network,
    question: Question,
    parameters: Mapping[str, Parameter],
    compiled: CompiledNetwork,
    observed: Observed,
    target: str,
    state: str | None,
    *,
    level: float = 0.95,
) -> Sensitivity:
    """See `Case.sensitivity`. The target is a hidden node; state None: that it is not in its first state."""
    values = point_values(network, parameters)
    wanted, rivals = _targets(network, compiled, observed, target, state)
    targets = [wanted, *(place for _, place in rivals)]
    found = linear_fractional(
        network,
        compiled,
        values=values,
        numbers=relevant_numbers(
            network,
            compiled,
            parameters=parameters,
            nodes=[*observed, *(n for n, _, _ in targets)],
        ),
        found=derivatives(compiled, observed, targets=[(n, s) for n, s, _ in targets]),
        complement=[not own for _, _, own in targets],
    )

    def followed(
        settings: Sequence[Mapping[Number, float]], places: Sequence[tuple[int, int, bool]]
    ) -> Array:
        of = marginals_under(
            network,
            compiled,
            values=values,
            observed=observed,
            nodes=list(dict.fromkeys(n for n, _, _ in places)),
            assignments=settings,
        ).posterior
        return np.array(
            [of[n][s] if own else np.delete(of[n], s, axis=0).sum(axis=0) for n, s, own in places]
        )

    def follow(settings: Sequence[Mapping[Number, float]]) -> Array:
        return np.asarray(followed(settings, [wanted])[0])

    posterior = float(found.posteriors[0])
    bounds = [stated_interval(parameters[n.id], n.state, level=level) for n in found.numbers]
    ends = _ends(found, bounds, follow)
    labels = [name for name, _ in rivals]
    swaps = [
        [_crossing(found, k, side, admissible_range(parameters[n.id])) for side in (-1, 1)]
        for k, n in enumerate(found.numbers)
    ]
    _refine(found, swaps, targets, followed, parameters)
    rows = []
    derivative = found.derivatives()[:, 0]
    for k, number in enumerate(found.numbers):
        t0, (below, above) = float(found.estimates[k]), swaps[k]
        alpha, gamma = float(found.targets[k, 0]), float(found.evidence[k])
        rows.append(
            Influence(
                number, t0, *bounds[k], parameters[number.id].grade, float(derivative[k]), float(ends[k, 0]), float(ends[k, 1]),
                alpha, posterior - alpha * t0, gamma, 1.0 - gamma * t0, bool(found.nonlinear[k]),
                below[0], above[0], labels[below[1]] if below[1] >= 0 else "", labels[above[1]] if above[1] >= 0 else "",
            )
        )  # fmt: skip
    rows.sort(key=lambda r: (-np.nan_to_num(r.swing, nan=1.0), -abs(r.derivative), str(r.number)))
    name = (
        target
        if state is None and len(network.nodes[target].states) == 2
        else f"{target}={state}"
        if state
        else f"{target} present"
    )
    return Sensitivity(
        question,
        name,
        posterior,
        level,
        tuple(rows),
        follow,
        {n.id: admissible_range(parameters[n.id]) for n in found.numbers},
    )


def _targets(
    network: Network, compiled: CompiledNetwork, observed: Observed, target: str, state: str | None
) -> tuple[tuple[int, int, bool], list[tuple[str, tuple[int, int, bool]]]]:
    """(node, state, own) of the target, and of those with which it may change places."""
    node, states = compiled.index[target], network.nodes[target].states
    if state is not None:
        own = states.index(state)
        return (node, own, True), [(s, (node, k, True)) for k, s in enumerate(states) if k != own]
    if target in network.ranked:
        others = [
            n
            for n in network.ranked
            if n != target and not isinstance(observed.get(compiled.index[n]), int)
        ]
        return (node, 0, False), [(n, (compiled.index[n], 0, False)) for n in others]
    return (node, 0, False), [(states[0], (node, 0, True))]


def _ends(found: LinearFractional, bounds: Sequence[tuple[float, float]], follow: Follow) -> Array:
    """The posterior at both ends of each number's interval, (numbers, 2)."""
    t = np.array(bounds).reshape(-1, 2)
    shift = t - found.estimates[:, np.newaxis]
    ends = found.value_at(shift)
    curved = np.flatnonzero(found.nonlinear)
    if len(curved):
        settings = [{found.numbers[k]: float(v)} for k in curved for v in t[k]]
        ends[curved] = follow(settings).reshape(-1, 2)
    return np.asarray(np.clip(ends, 0.0, 1.0))


def _crossing(
    found: LinearFractional, k: int, side: int, bounds: tuple[float, float]
) -> tuple[float, int]:
    """The nearest value on one side at which the target and a rival are level, and which rival; (nan, -1) where there is none."""
    gap = found.posteriors[0] - found.posteriors[1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = -gap / (found.targets[k, 0] - found.targets[k, 1:])
    t = found.estimates[k] + shift
    inside = np.isfinite(shift) & (np.sign(shift) == side) & (t >= bounds[0]) & (t <= bounds[1])
    if not inside.any():
        return float("nan"), -1
    rival = int(np.argmin(np.where(inside, np.abs(shift), np.inf)))
    return float(t[rival]), rival


def _refine(
    found: LinearFractional,
    swaps: list[list[tuple[float, int]]],
    places: Sequence[tuple[int, int, bool]],
    followed: Callable[[Sequence[Mapping[Number, float]], Sequence[tuple[int, int, bool]]], Array],
    parameters: Mapping[str, Parameter],
) -> None:
    """Along curved numbers the tangents' crossings are starting points: secants on the exact gap, all side by side."""
    active = [
        (k, side)
        for k in np.flatnonzero(found.nonlinear)
        for side in (0, 1)
        if swaps[k][side][1] >= 0
    ]
    if not active:
        return
    gap0 = found.posteriors[0] - found.posteriors[1:]
    state = {
        each: (
            float(found.estimates[each[0]]),
            float(gap0[swaps[each[0]][each[1]][1]]),
            swaps[each[0]][each[1]][0],
        )
        for each in active
    }
    open_ = list(active)
    for _ in range(STEPS):
        if not open_:
            break
        answers = followed([{found.numbers[k]: state[k, side][2]} for k, side in open_], places)
        still = []
        for column, (k, side) in enumerate(open_):
            before, gap_before, t = state[k, side]
            rival = swaps[k][side][1]
            gap = float(answers[0, column] - answers[1 + rival, column])
            if abs(gap) < NEAR:
                swaps[k][side] = (t, rival)
                continue
            step = (t - before) * gap / (gap - gap_before) if gap != gap_before else float("nan")
            low, high = admissible_range(parameters[found.numbers[k].id])
            after = t - step
            estimate = float(found.estimates[k])
            if not low <= after <= high or (after - estimate) * (t - estimate) <= 0.0:
                swaps[k][side] = (float("nan"), -1)  # the curve bends away: no crossing in reach
                continue
            state[k, side] = (t, gap, after)
            still.append((k, side))
        open_ = still
    for k, side in open_:
        swaps[k][side] = (
            (float("nan"), -1)
            if abs(state[k, side][1]) > 1e-6
            else (state[k, side][2], swaps[k][side][1])
        )


@dataclass(frozen=True, repr=False)
class TwoWaySensitivity(Result):
    """One posterior over a grid of two numbers. posteriors: (values of first, values of second).

    numerator, denominator: coefficients of 1, a, b, ab in P(target, findings) and P(findings), over P(findings) at the estimates; empty where one of the
    numbers is curved.
    """

    target: str
    first: Number
    second: Number
    first_values: Array
    second_values: Array
    posteriors: Array
    numerator: tuple[float, ...]
    denominator: tuple[float, ...]

    def to_frame(self) -> pd.DataFrame:
        """Rows: values of the first number; columns: values of the second."""
        import pandas as pd

        return pd.DataFrame(
            self.posteriors,
            index=pd.Index(self.first_values, name=str(self.first)),
            columns=pd.Index(self.second_values, name=str(self.second)),
        )

    def shown(self) -> pd.DataFrame:
        frame = self.to_frame()
        step = -(-frame.shape[1] // ACROSS)
        return frame.iloc[::step, ::step].reset_index()

    def __str__(self) -> str:
        return f"{self.title()}\n{self.to_frame().to_string(float_format=lambda v: f'{v:.4g}')}"

    def plot(self, ax: Axes | None = None) -> Axes:
        """Filled contours over both numbers."""
        from spinelink.view.plot.sensitivity import plot_two_way

        return plot_two_way(self, ax=ax)

    def title(self) -> str:
        return f"{self.question}\nP({self.target} | findings) over {self.first} (down) and {self.second} (across)"


def two_way(
    network: Network,
    question: Question,
    parameters: Mapping[str, Parameter],
    compiled: CompiledNetwork,
    observed: Observed,
    target: str,
    state: str | None,
    pair: Sequence[str],
    *,
    points: int = 21,
) -> TwoWaySensitivity:
    """See `Case.two_way`."""
    first, second = (read_number(network, parameters, name) for name in pair)
    if first.id == second.id:
        raise SpinelinkError("a two-way function is of two different numbers.")
    values = point_values(network, parameters)
    wanted, _ = _targets(network, compiled, observed, target, state)
    node, position, own = wanted
    a, b = (_grid(parameters[n.id], n, points) for n in (first, second))
    settings = [{first: float(x), second: float(y)} for x in a for y in b]
    found = marginals_under(
        network, compiled, values=values, observed=observed, nodes=[node], assignments=settings
    )
    table = (
        found.posterior[node][position]
        if own
        else np.delete(found.posterior[node], position, axis=0).sum(axis=0)
    )
    numerator: tuple[float, ...] = ()
    denominator: tuple[float, ...] = ()
    if not {owner(first.id), owner(second.id)} & nonlinear_nodes(network, compiled):
        base = float(question.log_evidence)
        corners = [(i, j) for i in (0, points - 1) for j in (0, points - 1)]
        matrix = np.array([[1.0, a[i], b[j], a[i] * b[j]] for i, j in corners])
        evidence = np.array([np.exp(found.log_evidence[i * points + j] - base) for i, j in corners])
        both = np.array([table[i * points + j] for i, j in corners]) * evidence
        if np.isfinite(both).all():
            numerator = tuple(np.linalg.solve(matrix, both).tolist())
            denominator = tuple(np.linalg.solve(matrix, evidence).tolist())
    name = f"{target}={state}" if state else target
    return TwoWaySensitivity(
        question, name, first, second, a, b, table.reshape(points, points), numerator, denominator
    )


def _grid(parameter: Parameter, number: Number, points: int) -> Array:
    """Values over the number's own interval, widened by half on each side and inside its range."""
    low, high = stated_interval(parameter, number.state)
    if isinstance(parameter, Ratio):
        return np.asarray(np.exp(np.linspace(np.log(low), np.log(high), points)))
    widen = 0.5 * (high - low) if high > low else 0.05
    return np.linspace(max(low - widen, 1e-6), min(high + widen, 1.0 - 1e-6), points)
