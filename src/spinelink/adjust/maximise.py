"""The numbers that are most probable given expected counts: what the network file says of them as prior, each kind of CPD learned as what it is.

Probabilities, links, leaks and distributions have closed forms: (prior weight times estimate + expected count) / (prior weight + patients). A log-odds node
is a logistic regression on its risk factors, its intercept the prevalence that its file states; there the prior is a Beta on the prevalence among people
with the file's own risk factors, and log-normals on the odds ratios. All priors are on the log-odds scale, so their modes are the estimates.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.arrays import CompiledNetwork, Factor, Resources, TableFactor
from spinelink.inference.compile import compile_network, joint_of_parents
from spinelink.network.cpd import Accuracy, Deterministic, LogOdds, NoisyMax, NoisyOr, Prior, Table
from spinelink.network.network import Network
from spinelink.network.parameter import Parameter, Ratio
from spinelink.network.uncertainty import log_deviation, spread_weight

Array = NDArray[np.float64]
Values = dict[str, Array]
"""Parameter id -> (1,), or (states, 1) for a distribution."""

Place = tuple[int, int, tuple[int, ...]]
"""Where a distribution stands: node, array of its factor (the table, or leak and links), leading indices."""


@dataclass(frozen=True, eq=False)
class Owner:
    """A number that stands in one or more distributions of its node. reverse: the number is the probability of the first state (a specificity)."""

    id: str
    places: tuple[Place, ...]
    reverse: bool = False


@dataclass(frozen=True, eq=False)
class Regression:
    """A log-odds node: design of its rows, (rows, 1 + ratios), column 0 for the intercept; ids of the ratios; what its intercept is called in the file."""

    node: int
    intercept: str
    stated: bool  # a prevalence, and not a baseline
    ratios: tuple[str, ...]
    design: Array
    among: Array  # P(parents) by the file's own numbers, (rows,)


@dataclass(frozen=True, eq=False)
class Maximiser:
    """The M step for one network. strength: what the file's uncertainties count."""

    network: Network
    parameters: Mapping[str, Parameter]
    start: Values
    strength: float
    vary: Collection[str]
    owners: tuple[Owner, ...]
    regressions: tuple[Regression, ...]
    resources: Resources

    def compiled(self, values: Mapping[str, Array]) -> CompiledNetwork:
        """The network with these numbers."""
        return compile_network(self.network, values, resources=self.resources)

    def weight(self, name: str) -> float:
        """Patients that the file's own estimate counts for."""
        p = self.parameters[name]
        assert not isinstance(p, Ratio)
        return self.strength * spread_weight(p)

    def step(
        self, values: Mapping[str, Array], compiled: CompiledNetwork, counts: tuple[Factor, ...]
    ) -> Values:
        """New numbers from expected counts."""
        found = dict(values)
        for owner in self.owners:
            if owner.id in self.vary:
                found[owner.id] = self._closed(owner, counts, values[owner.id])
        for regression in self.regressions:  # parents before children
            if {regression.intercept, *regression.ratios} & set(self.vary):
                self._regress(regression, found, compiled, counts)
        return found

    def _closed(self, owner: Owner, counts: tuple[Factor, ...], now: Array) -> Array:
        mean, prior = self.start[owner.id], self.weight(owner.id)
        observed = sum(
            (columns_of(counts[place[0]])[place[1]][place[2]][:, 0] for place in owner.places),
            start=np.zeros(1),
        )
        if mean.ndim == 2:
            total = prior + observed.sum()
            return now if total <= 0.0 else (prior * mean + observed[:, np.newaxis]) / total
        if not 0.0 < float(mean[0]) < 1.0:
            return now
        total = prior + observed.sum()
        return now if total <= 0.0 else (prior * mean + observed[0 if owner.reverse else 1]) / total

    def _regress(
        self, r: Regression, found: Values, compiled: CompiledNetwork, counts: tuple[Factor, ...]
    ) -> None:
        from scipy.optimize import minimize

        stated = self.start[r.intercept]
        if not 0.0 < float(stated[0]) < 1.0:
            return
        table = counts[r.node]
        assert isinstance(table, TableFactor)
        cells = table.table[..., 0].reshape(-1, 2)
        now = coefficients(compiled, r, found)
        free = np.array([r.intercept in self.vary, *(n in self.vary for n in r.ratios)])
        before = self.penalised(r, now, cells)

        def value(x: Array) -> tuple[float, Array]:
            whole = now.copy()
            whole[free] = x
            f, g = self.penalised(r, whole, cells)
            return -f, -g[free]

        best = minimize(
            value,
            now[free],
            jac=True,
            method="BFGS",
            options={"gtol": 1e-9 * max(cells.sum(), 1.0)},
        )
        after = now.copy()
        after[free] = best.x
        if not np.isfinite(best.fun) or -best.fun < before[0]:
            after = now
        for name, x in zip(r.ratios, after[1:], strict=True):
            found[name] = np.array([np.exp(x)])
        p = _sigmoid(r.design @ after)
        if r.stated:
            among = joint_of_parents(self.compiled(found), r.node)[..., 0].reshape(-1)
            found[r.intercept] = np.array([float(among @ p)])
        else:
            found[r.intercept] = np.array([float(_sigmoid(after[:1])[0])])

    def penalised(self, r: Regression, x: Array, cells: Array) -> tuple[float, Array]:
        """Log likelihood of expected counts, (rows, 2), and log prior of a log-odds node's coefficients, with its gradient."""
        eta = r.design @ x
        p = _sigmoid(eta)
        total = cells.sum(axis=1)
        value = float((cells[:, 1] * eta - total * np.logaddexp(0.0, eta)).sum())
        gradient = r.design.T @ (cells[:, 1] - total * p)
        prior, slope = self._log_prior_of(r, x)
        return value + prior, gradient + slope

    def _log_prior_of(self, r: Regression, x: Array) -> tuple[float, Array]:
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
        """Log density of the numbers under the file's uncertainties, less its value at the file's estimates."""
        total = 0.0
        for owner in self.owners:
            if owner.id not in self.vary:
                continue
            mean, now = (np.atleast_2d(_column(v[owner.id]))[:, 0] for v in (self.start, values))
            with np.errstate(divide="ignore", invalid="ignore"):
                total += self.weight(owner.id) * float(
                    np.where(mean > 0.0, mean * (np.log(now) - np.log(mean)), 0.0).sum()
                )
        for r in self.regressions:
            if {r.intercept, *r.ratios} & set(self.vary) and 0.0 < float(
                self.start[r.intercept][0]
            ) < 1.0:
                level = float(self.start[r.intercept][0])
                at_mean = self.weight(r.intercept) * (
                    level * np.log(level) + (1.0 - level) * np.log1p(-level)
                )
                total += self._log_prior_of(r, coefficients(compiled, r, values))[0] - float(
                    at_mean
                )
        return total


def _column(value: Array) -> Array:
    return np.stack([1.0 - value, value]) if value.ndim == 1 else value


def coefficients(compiled: CompiledNetwork, r: Regression, values: Mapping[str, Array]) -> Array:
    """Intercept (the log odds where every parent is in its first state) and logarithms of the odds ratios."""
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
    start: Values,
    *,
    strength: float,
    vary: Collection[str],
    resources: Resources,
) -> Maximiser:
    """Finds where each number stands."""
    compiled = compile_network(network, start, resources=resources)
    owners: list[Owner] = []
    regressions: list[Regression] = []
    for i in compiled.order:
        name, states = compiled.names[i], [compiled.states[p] for p in compiled.parents[i]]
        cpd = network.nodes[name].cpd
        match cpd:
            case Prior():
                owners.append(Owner(f"{name}.prior", ((i, 0, ()),)))
            case Table():
                for row in cpd.rows:
                    place = tuple(
                        s.index(row.given[p]) for p, s in zip(cpd.parents, states, strict=True)
                    )
                    owners.append(
                        Owner(
                            f"{name}.row." + ",".join(f"{p}={row.given[p]}" for p in cpd.parents),
                            ((i, 0, place),),
                        )
                    )
            case NoisyOr() | NoisyMax():
                owners.append(Owner(f"{name}.leak", ((i, 0, ()),)))
                for k, (parent, parent_states) in enumerate(
                    zip(cpd.links, states, strict=True), start=1
                ):
                    for state, key in _active(
                        f"{name}.link.{parent}", cpd.links[parent], parent_states
                    ).items():
                        owners.append(Owner(key, ((i, k, (parent_states.index(state),)),)))
            case Accuracy():
                positive = _active(f"{name}.sensitivity", cpd.sensitivity, states[0])
                owners += [
                    Owner(key, ((i, 0, (states[0].index(s),)),)) for s, key in positive.items()
                ]
                rest = tuple((i, 0, (k,)) for k, s in enumerate(states[0]) if s not in positive)
                owners.append(Owner(f"{name}.specificity", rest, reverse=True))
            case LogOdds():
                regressions.append(_regression(compiled, i, name, cpd, states))
            case Deterministic():
                pass
    return Maximiser(
        network,
        parameters,
        dict(start),
        strength,
        frozenset(vary),
        tuple(owners),
        tuple(regressions),
        resources,
    )


def _active(base: str, each: object, states: tuple[str, ...]) -> dict[str, str]:
    """State of the parent -> id of the number that stands for it."""
    return {s: f"{base}.{s}" for s in each} if isinstance(each, Mapping) else {states[-1]: base}


def _regression(
    compiled: CompiledNetwork, node: int, name: str, cpd: LogOdds, states: list[tuple[str, ...]]
) -> Regression:
    ids: list[str] = []
    places: list[tuple[int, int]] = []
    for axis, (parent, ratio) in enumerate(cpd.odds_ratios.items()):
        for state, key in _active(f"{name}.odds_ratio.{parent}", ratio, states[axis]).items():
            ids.append(key)
            places.append((axis, states[axis].index(state)))
    rows = list(product(*(range(len(s)) for s in states)))
    design = np.array([[1.0, *(float(row[axis] == k) for axis, k in places)] for row in rows])
    stated = cpd.prevalence is not None
    among = joint_of_parents(compiled, node)[..., 0].reshape(-1) if stated else np.zeros(len(rows))
    return Regression(
        node, f"{name}.prior" if stated else f"{name}.baseline", stated, tuple(ids), design, among
    )
