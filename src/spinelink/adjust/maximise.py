"""The most probable parameters given expected counts, with what the network file says as prior.

Each kind of CPD is learned as what it is. Probabilities, links, leaks and distributions have closed
forms: (prior weight times estimate + expected count) / (prior weight + patients). A log-odds node
is a logistic regression on its risk factors, its intercept the prevalence that its file states.
There the prior is a Beta on the prevalence among people with the file's own risk factors, and log-normals
on the odds ratios. All priors are on the log-odds scale, so their modes are the estimates.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.arrays import CompiledNetwork, Factor, Resources, TableFactor
from spinelink.inference.compile import compile_network, joint_of_parents
from spinelink.network.cpd import (
    Accuracy,
    AdditiveRates,
    Cpd,
    Deterministic,
    LogOdds,
    NoisyMax,
    NoisyOr,
    Prior,
    Table,
)
from spinelink.network.network import Network
from spinelink.network.parameter import Parameter, Ratio
from spinelink.network.uncertainty import log_deviation, spread_weight

Array = NDArray[np.float64]
Values = dict[str, Array]
"""Parameter id -> (1,), or (states, 1) for a distribution."""

Position = tuple[int, int, tuple[int, ...]]
"""Where a distribution stands: node, array of its factor (`columns_of`), leading indices."""


@dataclass(frozen=True, eq=False)
class Owner:
    """A parameter that stands in one or more distributions of its node.

    reverse: it is the probability of the first state (a specificity).
    """

    id: str
    positions: tuple[Position, ...]
    reverse: bool = False


@dataclass(frozen=True, eq=False)
class Regression:
    """A log-odds node as a logistic regression.

    Attributes:
        node: its index.
        intercept: the id of its prevalence or baseline.
        stated: the intercept is a prevalence, and not a baseline.
        ratios: ids of the odds ratios.
        design: (rows, 1 + ratios); column 0 is the intercept's.
        among: P(parents) by the file's own parameters, (rows,).
    """

    node: int
    intercept: str
    stated: bool
    ratios: tuple[str, ...]
    design: Array
    among: Array

    @property
    def ids(self) -> frozenset[str]:
        """Its parameters."""
        return frozenset({self.intercept, *self.ratios})


@dataclass(frozen=True, eq=False)
class Maximiser:
    """The maximisation step for one network. strength: what the file's uncertainties count."""

    network: Network
    parameters: Mapping[str, Parameter]
    start: Values
    strength: float
    vary: Collection[str]
    owners: tuple[Owner, ...]
    regressions: tuple[Regression, ...]
    resources: Resources
    selected: tuple[str, ...] = ()

    def compiled(self, values: Mapping[str, Array]) -> CompiledNetwork:
        """The network with these parameters."""
        return compile_network(
            self.network, values, resources=self.resources, selected=self.selected
        )

    def weight(self, name: str) -> float:
        """Patients that the file's own estimate counts for."""
        p = self.parameters[name]
        assert not isinstance(p, Ratio)
        return self.strength * spread_weight(p)

    def learns(self, r: Regression) -> bool:
        """True if a parameter of the regression may vary and its intercept is neither 0 nor 1."""
        return bool(r.ids & set(self.vary)) and 0.0 < float(self.start[r.intercept][0]) < 1.0

    def step(
        self, values: Mapping[str, Array], compiled: CompiledNetwork, *, counts: tuple[Factor, ...]
    ) -> Values:
        """New parameters from expected counts. compiled: the network with `values`."""
        updated = dict(values)
        for owner in self.owners:
            if owner.id in self.vary:
                updated[owner.id] = self._closed_form(owner, values[owner.id], counts=counts)
        for regression in self.regressions:  # parents before children
            if self.learns(regression):
                table = counts[regression.node]
                assert isinstance(table, TableFactor)
                now = coefficients(compiled, regression, values=updated)
                after = self._regress(regression, now, cells=table.table[..., 0].reshape(-1, 2))
                updated |= self._values_of(regression, after, values=updated)
        return updated

    def _closed_form(self, owner: Owner, now: Array, *, counts: tuple[Factor, ...]) -> Array:
        mean, prior = self.start[owner.id], self.weight(owner.id)
        expected = sum(
            (columns_of(counts[node])[k][at][:, 0] for node, k, at in owner.positions),
            start=np.zeros(1),
        )
        total = prior + expected.sum()
        is_distribution = mean.ndim == 2
        if total <= 0.0 or not (is_distribution or 0.0 < float(mean[0]) < 1.0):
            return now
        if is_distribution:
            return np.asarray((prior * mean + expected[:, np.newaxis]) / total)
        return np.asarray((prior * mean + expected[0 if owner.reverse else 1]) / total)

    def _regress(self, r: Regression, now: Array, *, cells: Array) -> Array:
        """Coefficients that maximise the penalised likelihood; `now` where none is found.

        cells: expected counts, (rows, 2).
        """
        from scipy.optimize import minimize

        free = np.array([r.intercept in self.vary, *(n in self.vary for n in r.ratios)])

        def loss(x: Array) -> tuple[float, Array]:
            all_coefficients = now.copy()
            all_coefficients[free] = x
            value, gradient = self.penalised(r, all_coefficients, cells=cells)
            return -value, -gradient[free]

        tolerance = {"gtol": 1e-9 * max(cells.sum(), 1.0)}
        best = minimize(loss, now[free], jac=True, method="BFGS", options=tolerance)
        if not np.isfinite(best.fun) or -best.fun < self.penalised(r, now, cells=cells)[0]:
            return now
        after = now.copy()
        after[free] = best.x
        return after

    def _values_of(self, r: Regression, x: Array, *, values: Values) -> Values:
        """The parameters of a regression from its coefficients x. values: all others."""
        ratios = {n: np.array([np.exp(b)]) for n, b in zip(r.ratios, x[1:], strict=True)}
        if not r.stated:
            return {**ratios, r.intercept: np.array([float(_sigmoid(x[:1])[0])])}
        among = joint_of_parents(self.compiled({**values, **ratios}), r.node)[..., 0].reshape(-1)
        return {**ratios, r.intercept: np.array([float(among @ _sigmoid(r.design @ x))])}

    def penalised(self, r: Regression, x: Array, *, cells: Array) -> tuple[float, Array]:
        """Log likelihood and log prior of coefficients x, with the gradient.

        cells: expected counts, (rows, 2).
        """
        eta = r.design @ x
        total = cells.sum(axis=1)
        value = float((cells[:, 1] * eta - total * np.logaddexp(0.0, eta)).sum())
        gradient = r.design.T @ (cells[:, 1] - total * _sigmoid(eta))
        prior, slope = self._log_prior_of(r, x)
        return value + prior, gradient + slope

    def _log_prior_of(self, r: Regression, x: Array) -> tuple[float, Array]:
        """Log density of coefficients x under the file's uncertainties, with its gradient."""
        mean, weight = float(self.start[r.intercept][0]), self.weight(r.intercept)
        among = r.among if r.stated else np.eye(1, len(r.design))[0]
        p = _sigmoid(r.design @ x)
        level = float(np.clip(among @ p, 1e-300, 1.0 - 1e-16))
        value = (
            weight * (mean * np.log(level) + (1.0 - mean) * np.log1p(-level))
            if weight > 0.0
            else 0.0
        )
        slope = (
            weight
            * (mean / level - (1.0 - mean) / (1.0 - level))
            * (r.design.T @ (among * p * (1.0 - p)))
        )
        for k, name in enumerate(r.ratios, start=1):
            ratio = self.parameters[name]
            assert isinstance(ratio, Ratio)
            off = x[k] - float(np.log(self.start[name][0]))
            precision = self.strength / log_deviation(ratio) ** 2
            value -= 0.5 * precision * off * off
            slope[k] -= precision * off
        return value, slope

    def log_prior(self, values: Mapping[str, Array], compiled: CompiledNetwork) -> float:
        """Log density of the parameters under the file's uncertainties, less that at its estimates.

        compiled: the network with `values`.
        """
        total = 0.0
        for owner in self.owners:
            if owner.id in self.vary:
                mean, now = (_column(v[owner.id]) for v in (self.start, values))
                with np.errstate(divide="ignore", invalid="ignore"):
                    terms = np.where(mean > 0.0, mean * (np.log(now) - np.log(mean)), 0.0)
                total += self.weight(owner.id) * float(terms.sum())
        for r in self.regressions:
            if self.learns(r):
                level = float(self.start[r.intercept][0])
                entropy = level * np.log(level) + (1.0 - level) * np.log1p(-level)
                at_mean = float(self.weight(r.intercept) * entropy)
                x = coefficients(compiled, r, values=values)
                total += self._log_prior_of(r, x)[0] - at_mean
        return total


def _column(value: Array) -> Array:
    """A probability as (1 - p, p), a distribution as it is: (states,)."""
    return (np.stack([1.0 - value, value]) if value.ndim == 1 else value)[:, 0]


def coefficients(compiled: CompiledNetwork, r: Regression, *, values: Mapping[str, Array]) -> Array:
    """Intercept and logarithms of the odds ratios of a log-odds node.

    The intercept is the log odds where every parent is in its first state.
    """
    factor = compiled.factors[r.node]
    assert isinstance(factor, TableFactor)
    first = factor.table[..., 0].reshape(-1, 2)[0]
    with np.errstate(divide="ignore"):
        intercept = np.log(first[1]) - np.log(first[0])
    return np.array([intercept, *(float(np.log(values[n][0])) for n in r.ratios)])


def _sigmoid(x: Array) -> Array:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)))


def columns_of(factor: Factor) -> tuple[Array, ...]:
    """The arrays of a factor: its table, or its leak and links."""
    return (factor.table,) if isinstance(factor, TableFactor) else (factor.leak, *factor.links)


def maximiser(
    network: Network,
    parameters: Mapping[str, Parameter],
    *,
    start: Values,
    strength: float,
    vary: Collection[str],
    resources: Resources,
    selected: tuple[str, ...] = (),
) -> Maximiser:
    """The maximisation step of a network, once it is known where each parameter stands.

    Args:
        network: the network.
        parameters: in force, by id.
        start: their values.
        strength: what the file's uncertainties count.
        vary: ids of the parameters that may change.
        resources: of its runs.
        selected: selection nodes by which all patients were selected.
    """
    compiled = compile_network(network, start, resources=resources, selected=selected)
    owners: list[Owner] = []
    regressions: list[Regression] = []
    for node in compiled.order:
        if node in compiled.fits:
            continue
        cpd = network.nodes[compiled.names[node]].cpd
        if isinstance(cpd, LogOdds):
            regressions.append(_regression(compiled, node, cpd=cpd))
        else:
            owners += _owners(compiled, node, cpd=cpd)
    return Maximiser(
        network,
        parameters,
        dict(start),
        strength,
        frozenset(vary),
        tuple(owners),
        tuple(regressions),
        resources,
        selected,
    )


def _owners(compiled: CompiledNetwork, node: int, *, cpd: Cpd) -> list[Owner]:
    """Where each parameter of a node stands; none for log-odds, selection and deterministic nodes."""
    name, states = compiled.names[node], [compiled.states[p] for p in compiled.parents[node]]
    match cpd:
        case Prior():
            return [Owner(f"{name}.prior", ((node, 0, ()),))]
        case Table():
            owners = []
            for row in cpd.rows:
                pairs = zip(cpd.parents, states, strict=True)
                at = tuple(s.index(row.given[p]) for p, s in pairs)
                label = ",".join(f"{p}={row.given[p]}" for p in cpd.parents)
                owners.append(Owner(f"{name}.row.{label}", ((node, 0, at),)))
            return owners
        case NoisyOr() | NoisyMax():
            owners = [Owner(f"{name}.leak", ((node, 0, ()),))]
            for k, (parent, link) in enumerate(cpd.links.items(), start=1):
                active = _active(f"{name}.link.{parent}", link, states=states[k - 1])
                for state, key in active.items():
                    owners.append(Owner(key, ((node, k, (states[k - 1].index(state),)),)))
            return owners
        case Accuracy():
            positive = _active(f"{name}.sensitivity", cpd.sensitivity, states=states[0])
            rest = tuple((node, 0, (k,)) for k, s in enumerate(states[0]) if s not in positive)
            return [
                *(Owner(key, ((node, 0, (states[0].index(s),)),)) for s, key in positive.items()),
                Owner(f"{name}.specificity", rest, reverse=True),
            ]
        case LogOdds() | AdditiveRates() | Deterministic():
            return []


def _active(base: str, value: object, *, states: tuple[str, ...]) -> dict[str, str]:
    """State of the parent -> id of the parameter that stands for it."""
    if isinstance(value, Mapping):
        return {s: f"{base}.{s}" for s in value}
    return {states[-1]: base}


def _regression(compiled: CompiledNetwork, node: int, *, cpd: LogOdds) -> Regression:
    name, states = compiled.names[node], [compiled.states[p] for p in compiled.parents[node]]
    ids: list[str] = []
    at: list[tuple[int, int]] = []
    for axis, (parent, ratio) in enumerate(cpd.odds_ratios.items()):
        active = _active(f"{name}.odds_ratio.{parent}", ratio, states=states[axis])
        for state, key in active.items():
            ids.append(key)
            at.append((axis, states[axis].index(state)))
    rows = list(product(*(range(len(s)) for s in states)))
    design = np.array([[1.0, *(float(row[axis] == k) for axis, k in at)] for row in rows])
    if cpd.prevalence is None:
        return Regression(node, f"{name}.baseline", False, tuple(ids), design, np.zeros(len(rows)))
    among = joint_of_parents(compiled, node)[..., 0].reshape(-1)
    return Regression(node, f"{name}.prior", True, tuple(ids), design, among)
