"""Numbers moved to where they agree best with published figures and still with their own uncertainty: a maximum a posteriori estimate.

What is minimised is, summed over claims, the negative logarithm of a Student t density with four degrees of freedom of (implied - published) / error, on
the log-odds or log scale, so that a figure which contradicts the others pulls with bounded force; plus, summed over numbers, the negative
logarithm of each number's own density: Beta on the log-odds scale (its mode is the estimate), normal on the log scale for odds ratios, Dirichlet for
distributions. The claims' error is that of the published interval together with a spread between studies that grows as the fit of the question
falls (`SPREAD`). Steps are Gauss-Newton with Levenberg's damping and the exact derivatives of the engine's reverse pass.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spinelink.adjust.coordinates import (
    Key,
    Place,
    coordinates,
    moved,
    placed,
    slopes_by_coordinates,
    with_numbers,
    written,
)
from spinelink.case import Model
from spinelink.claims.file import claims_for
from spinelink.claims.implied import implied, implied_slopes
from spinelink.errors import SpinelinkError, UnknownNameError
from spinelink.inference.arrays import Resources
from spinelink.inference.compile import compile_network, point_values
from spinelink.inference.gradient.by_parameter import parameter_slopes
from spinelink.network.claim import Claim, Fit
from spinelink.network.network import Network
from spinelink.network.parameter import Distribution, Parameter, Probability, Ratio
from spinelink.network.setting import parameters_in
from spinelink.network.uncertainty import before_fit, log_deviation, spread_weight
from spinelink.progress import bar
from spinelink.typing import PathLike
from spinelink.view.html import text_in_notebook

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
SPREAD: Mapping[Fit, float] = {"same population": 0.05, "near": 0.12, "far": 0.7}
"""Standard deviation between studies, in log odds or log ratio. Judged: medians of meta-analyses of prevalence lie near 0.5 for what is pooled freely."""

WEIGHT: Mapping[Fit, float] = {"same population": 3.0, "near": 1.0, "far": 1.0}
"""What a claim counts. Judged: a figure of the very people that a setting is about outweighs three of others."""

FITTED: tuple[Fit, ...] = ("same population", "near")
FREEDOM = 4.0  # degrees of freedom of Student's t
LARGEST_STEP = 1.0  # in log odds or log ratio
LEAST_MOVE = 0.1  # standard deviations; a number that would move less is left alone
SMALL = 1e-2  # a step that gains less of what is minimised ends the search


@dataclass(frozen=True, eq=False)
class Moved:
    """One number, before and after."""

    setting: str | None
    id: str
    state: str | None
    before: float
    after: float
    grade: str
    standardised: float  # how far, in standard deviations of its own uncertainty


@dataclass(frozen=True, eq=False)
class FittedClaim:
    """One claim, before and after: published figure, what the network implied and implies, distances in standard errors."""

    name: str
    claim: Claim
    before: float
    after: float
    error_before: float
    error_after: float


@dataclass(frozen=True, eq=False, repr=False)
class ClaimFit:
    """The network with fitted numbers, and what that moved. `complete`: the search ended by itself and was not interrupted or cut off."""

    network: Network
    moved: tuple[Moved, ...]
    claims: tuple[FittedClaim, ...]
    steps: int
    complete: bool
    objective: tuple[float, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row a number that moved, the farthest (in its own standard deviations) first."""
        import pandas as pd

        rows = [
            (m.setting, m.id, m.state, m.before, m.after, m.grade, m.standardised)
            for m in self.moved
        ]
        frame = pd.DataFrame(
            rows,
            columns=[
                "setting",
                "parameter",
                "state",
                "before",
                "after",
                "grade",
                "standard_deviations",
            ],
        )
        return frame.sort_values(
            "standard_deviations", key=abs, ascending=False, kind="stable", ignore_index=True
        )

    def claims_frame(self) -> pd.DataFrame:
        """One row a claim, the farthest off first: published figure, implied before and after, distances in standard errors."""
        import pandas as pd

        rows = [
            (
                c.name,
                c.claim.setting,
                c.claim.fit,
                c.claim.value,
                *c.claim.bounds,
                c.before,
                c.after,
                c.error_before,
                c.error_after,
            )
            for c in self.claims
        ]
        columns = [
            "claim",
            "setting",
            "fit",
            "published",
            "low",
            "high",
            "before",
            "after",
            "errors_before",
            "errors_after",
        ]
        return pd.DataFrame(rows, columns=columns).sort_values(
            "errors_after", key=abs, ascending=False, kind="stable", ignore_index=True
        )

    def __str__(self) -> str:
        def inside(c: FittedClaim, value: float) -> bool:
            return c.claim.bounds[0] <= value <= c.claim.bounds[1]

        ended = (
            ""
            if self.complete
            else " (not finished: interrupted, or the limit of steps was reached)"
        )
        fell = f"what is minimised fell from {self.objective[0]:.1f} to {self.objective[-1]:.1f}"
        lines = [f"{len(self.moved)} numbers moved in {self.steps} steps{ended}; {fell}."]
        for fit in SPREAD:
            chosen = [c for c in self.claims if c.claim.fit == fit]
            if chosen:
                before, after = (
                    sum(inside(c, getattr(c, side)) for c in chosen) for side in ("before", "after")
                )
                lines.append(
                    f"{fit}: {before} of {len(chosen)} claims inside their interval before, {after} after."
                )
        return "\n".join(
            [
                *lines,
                "",
                self.to_frame()
                .fillna({"state": "", "setting": ""})
                .head(20)
                .to_string(index=False, float_format=lambda v: f"{v:.4g}", na_rep=""),
            ]
        )

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return text_in_notebook(str(self))


def fit_claims(
    model: Model,
    claims: PathLike | None = None,
    *,
    vary: str | Sequence[str] | None = None,
    limit: int = 25,
    progress: bool | None = None,
) -> ClaimFit:
    """The parameters that agree best with published figures and with their own uncertainty.

    Args:
        model: the network.
        claims: a file of claims; the one beside the network file where None.
        vary: ids of parameters, or nodes, that may move; all where None.
        limit: the most steps.
        progress: show a progress bar; None: in a terminal only.

    Returns:
        The fit; `model.fitted(fit)` is the fitted model. On Ctrl-C the best so far.

    Raises:
        UnknownNameError: `vary` names something that the network does not have.
        SpinelinkError: there are no claims, or a claim asks for people who cannot occur.
        NetworkFileError: the file of claims is bad.

    Example:
        >>> import spinelink as sl
        >>> model = sl.load("minimal")
        >>> fit = model.fit_claims(limit=1)
        >>> model.fitted(fit).name
        'minimal'
    """
    read = claims_for(model, claims).claims
    with bar("fit to claims", limit, progress) as on_progress:
        return fit_to_claims(
            model.network,
            read,
            vary=vary,
            limit=limit,
            on_progress=lambda step, value: on_progress(step),
        )


def fit_to_claims(
    network: Network,
    claims: Mapping[str, Claim],
    *,
    vary: str | Sequence[str] | None = None,
    fits: Sequence[Fit] = FITTED,
    leave_out: Collection[str] = (),
    limit: int = 25,
    on_progress: Callable[[int, float], object] | None = None,
) -> ClaimFit:
    """The maximum a posteriori numbers under their own uncertainties and the claims'.

    fits, leave_out: claims whose question does not fit the study so well, or of these names, are looked at and do not pull. vary: ids of numbers, or names of nodes, that may move; all where None. limit: the most steps. report: called after each step with its number and
    what is minimised. On Ctrl-C the best so far is returned, as not complete. Raises UnknownNameError for what `vary` names and the network has not,
    SpinelinkError where there is no claim, or one asks for people who cannot occur.
    """
    if not claims:
        raise SpinelinkError("there is no claim to fit to")
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise SpinelinkError(f"limit is the most steps, 1 or more, not {limit!r}.")
    vary = [vary] if isinstance(vary, str) else vary
    problem = _Problem(network, claims, vary, fits, leave_out)
    theta = problem.start.copy()
    current = problem.look(theta)
    objective = [current.value]
    damping, steps, complete = 1e-3, 0, False
    try:
        while steps < limit and not complete:
            gradient, curvature = problem.slopes(theta, current)
            for _ in range(8):
                step = -np.linalg.solve(curvature + damping * np.diag(np.diag(curvature)), gradient)
                step = np.clip(step, -LARGEST_STEP, LARGEST_STEP)
                trial = problem.look(theta + step)
                if trial.value < current.value:
                    break
                damping *= 8.0
            else:
                complete = True
                break
            complete = current.value - trial.value < SMALL
            theta, current, damping = theta + step, trial, max(damping / 4.0, 1e-7)
            steps += 1
            objective.append(current.value)
            if on_progress is not None:
                on_progress(steps, current.value)
    except KeyboardInterrupt:
        complete = False
    return problem.result(theta, steps, complete, objective)


@dataclass(frozen=True, eq=False)
class _Look:
    """The network at some coordinates: what it implies (scale of comparison), and what is minimised."""

    network: Network
    scaled: Array
    value: float


class _Problem:
    def __init__(
        self,
        network: Network,
        claims: Mapping[str, Claim],
        vary: Sequence[str] | None,
        fits: Sequence[Fit],
        leave_out: Collection[str],
    ) -> None:
        self.names, self.claims = list(claims), list(claims.values())
        self.settings = list(
            dict.fromkeys(c.setting or network.default_setting for c in self.claims)
        )
        self.rows = {
            s: [k for k, c in enumerate(self.claims) if (c.setting or network.default_setting) == s]
            for s in self.settings
        }
        self.resources = Resources()
        self.parameters: dict[Key, Parameter] = {}
        for setting in self.settings:
            overrides = network.settings[setting].overrides if setting is not None else {}
            for name, parameter in parameters_in(network, setting).items():
                self.parameters.setdefault(
                    (setting if name in overrides else None, name), before_fit(parameter)
                )
        self.places = self._placed(network, vary)
        self.network = with_numbers(
            network, {place.key: self.parameters[place.key] for place in self.places}
        )
        self.at = {place.key: place for place in self.places}
        self.start = np.concatenate(
            [coordinates(place, self.parameters[place.key]) for place in self.places]
            or [np.zeros(0)]
        )
        middles = [c.centre_and_error for c in self.claims]
        self.target = np.array([m for m, _ in middles])
        self.error = np.array(
            [np.hypot(e, SPREAD[c.fit]) for (_, e), c in zip(middles, self.claims, strict=True)]
        )
        self.published_error = np.array([e for _, e in middles])
        self.shares = self._claim_shares() * np.array(
            [WEIGHT[c.fit] * (c.fit in fits and n not in leave_out) for n, c in claims.items()]
        )

    def _placed(self, network: Network, vary: Sequence[str] | None) -> list[Place]:
        wanted = None if vary is None else set(vary)
        if wanted is not None:
            known = {*(name for _, name in self.parameters), *network.nodes}
            for name in sorted(wanted - known):
                raise UnknownNameError(
                    name, kind="parameter or node", allowed=known, where=f"network {network.name!r}"
                )
        keys = [
            key
            for key in self.parameters
            if wanted is None or {key[1], key[1].split(".")[0]} & wanted
        ]
        return placed(self.parameters, keys)

    def _claim_shares(self) -> Array:
        """Sensitivity, specificity and both likelihood ratios of one study are two figures, not four: they share the weight of two."""
        groups: dict[str, list[int]] = {}
        for k, c in enumerate(self.claims):
            groups.setdefault(
                str((c.source, c.finding, c.condition, c.comparator, c.population, c.setting)), []
            ).append(k)
        shares = np.ones(len(self.claims))
        for members in groups.values():
            shares[members] = min(1.0, 2.0 / len(members))
        return shares

    def at_coordinates(
        self,
        theta: Array,
        change: Callable[[Parameter, Parameter], Parameter] = lambda old, new: new,
    ) -> Network:
        """The network with its numbers at these coordinates; `change` may say more of a number that moved."""
        changed: dict[Key, Parameter] = {}
        for place in self.places:
            here = place.where
            if not np.array_equal(theta[here], self.start[here]):
                old = self.parameters[place.key]
                changed[place.key] = change(old, moved(theta, place, old))
        return with_numbers(self.network, changed)

    def look(self, theta: Array) -> _Look:
        network = self.at_coordinates(theta)
        scaled = np.empty(len(self.claims))
        for setting, rows in self.rows.items():
            compiled = compile_network(
                network,
                point_values(network, parameters_in(network, setting)),
                resources=self.resources,
            )
            scaled[rows] = implied(network, compiled, [self.claims[k] for k in rows]).scaled
        if not np.isfinite(scaled).all():
            name = self.names[int(np.flatnonzero(~np.isfinite(scaled))[0])]
            raise SpinelinkError(
                f"claim {name} asks for people, or a finding, that cannot occur in network {network.name!r}"
            )
        z = (scaled - self.target) / self.error
        value = float(
            (self.shares * (FREEDOM + 1.0) / 2.0 * np.log1p(z * z / FREEDOM)).sum()
        ) + self._prior(theta)
        return _Look(network, scaled, value)

    def _prior(self, theta: Array) -> float:
        """Negative log density of the numbers, less that at their estimates."""
        total = 0.0
        for place in self.places:
            old = self.parameters[place.key]
            new = moved(theta, place, old)
            if isinstance(old, Ratio):
                assert isinstance(new, Ratio)
                total += 0.5 * (np.log(new.estimate / old.estimate) / log_deviation(old)) ** 2
            elif isinstance(old, Distribution):
                assert isinstance(new, Distribution)
                total += spread_weight(old) * sum(
                    old.estimate[s] * np.log(old.estimate[s] / new.estimate[s])
                    for s in place.states
                )
            else:
                assert isinstance(new, Probability)
                m, p = old.value, new.value
                total += spread_weight(old) * (
                    m * np.log(m / p) + (1.0 - m) * np.log((1.0 - m) / (1.0 - p))
                )
        return float(total)

    def slopes(self, theta: Array, look: _Look) -> tuple[Array, Array]:
        """Gradient and curvature (Gauss-Newton) of what is minimised."""
        jacobian = np.zeros((len(self.claims), len(self.start)))
        for setting, rows in self.rows.items():
            values = point_values(look.network, parameters_in(look.network, setting))
            compiled = compile_network(look.network, values, resources=self.resources)
            pulling = [k for k in rows if self.shares[k] > 0.0]
            if not pulling:
                continue
            _, entries = implied_slopes(look.network, compiled, [self.claims[k] for k in pulling])
            by_number = parameter_slopes(look.network, compiled, values=values, entries=entries)
            overrides = self.network.settings[setting].overrides if setting is not None else {}
            for name, slope in by_number.items():
                place = self.at.get((setting if name in overrides else None, name))
                if place is not None:
                    jacobian[pulling, place.where] = slopes_by_coordinates(
                        look.network, place, self.parameters[place.key], values[name], slope
                    ).T
        z = (look.scaled - self.target) / self.error
        pull = self.shares * (FREEDOM + 1.0) / (FREEDOM + z * z)
        gradient = jacobian.T @ (pull * z / self.error)
        curvature = (jacobian * (pull / self.error**2)[:, np.newaxis]).T @ jacobian
        for place in self.places:
            here = place.where
            old = self.parameters[place.key]
            new = moved(theta, place, old)
            if isinstance(old, Ratio):
                assert isinstance(new, Ratio)
                precision = 1.0 / log_deviation(old) ** 2
                gradient[place.start] += precision * np.log(new.estimate / old.estimate)
                curvature[place.start, place.start] += precision
            elif isinstance(old, Distribution):
                assert isinstance(new, Distribution)
                p = np.array([new.estimate[s] for s in place.states])
                m = np.array([old.estimate[s] for s in place.states])
                gradient[here] += spread_weight(old) * (p - m)[1:]
                curvature[here, here] += (
                    spread_weight(old) * (np.diag(p) - np.outer(p, p) / p.sum())[1:, 1:]
                )
            else:
                assert isinstance(new, Probability)
                gradient[place.start] += spread_weight(old) * (new.value - old.value)
                curvature[place.start, place.start] += (
                    spread_weight(old) * new.value * (1.0 - new.value)
                )
        return gradient, curvature

    def result(self, theta: Array, steps: int, complete: bool, objective: list[float]) -> ClaimFit:
        first = self.look(self.start)
        changed: list[Moved] = []
        theta = theta.copy()
        for place in self.places:
            old = self.parameters[place.key]
            changes = _changes(place, old, moved(theta, place, old))
            if max(abs(each.standardised) for each in changes) < LEAST_MOVE:
                theta[place.where] = self.start[place.where]
            else:
                changed += changes
        look = self.look(theta)
        claims = tuple(
            FittedClaim(n, c, _unscaled(c, a), _unscaled(c, b), (a - m) / e, (b - m) / e)
            for n, c, a, b, m, e in zip(
                self.names,
                self.claims,
                first.scaled,
                look.scaled,
                self.target,
                self.published_error,
                strict=True,
            )
        )
        fitted = self.at_coordinates(theta, written)
        return ClaimFit(fitted, tuple(changed), claims, steps, complete, tuple(objective))


def _changes(place: Place, old: Parameter, new: Parameter) -> list[Moved]:
    """One for a number, one for each state of a distribution."""
    setting, name = place.key
    if isinstance(old, Ratio):
        assert isinstance(new, Ratio)
        return [
            Moved(
                setting,
                name,
                None,
                old.value,
                new.value,
                old.grade,
                math.log(new.value / old.value) / log_deviation(old),
            )
        ]
    pairs: list[tuple[str | None, float, float]]
    if isinstance(old, Distribution):
        assert isinstance(new, Distribution)
        pairs = [(s, old.estimate[s], new.estimate[s]) for s in place.states]
    else:
        assert isinstance(new, Probability)
        pairs = [(None, old.value, new.value)]
    deviation = spread_weight(old) + 1.0
    return [
        Moved(setting, name, s, a, b, old.grade, (b - a) / math.sqrt(a * (1.0 - a) / deviation))
        for s, a, b in pairs
    ]


def _unscaled(claim: Claim, scaled: float) -> float:
    return float(np.exp(scaled)) if claim.is_ratio else float(1.0 / (1.0 + np.exp(-scaled)))
