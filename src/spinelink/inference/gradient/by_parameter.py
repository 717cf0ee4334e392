"""Derivatives by the parameters of the network file, from derivatives by the entries of its arrays.

This is the chain rule through `compile.compile_network`. A parameter enters the table of its own
node. One CPD reaches further: a log-odds node may state a prevalence. Its intercept is then solved
so that the prevalence holds over the joint distribution of its parents (`intercept.solve_intercept`).
By the implicit function theorem, every parameter above the node moves that intercept; this part of
the derivative is propagated to the tables above.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.arrays import CompiledNetwork, Factor, NoisyFactor, TableFactor, map_factor
from spinelink.inference.compile import joint_of_parents
from spinelink.inference.gradient.by_entry import log_slopes
from spinelink.inference.selection import reasons_of
from spinelink.network.cpd import (
    Accuracy,
    AdditiveRates,
    Deterministic,
    LogOdds,
    NoisyMax,
    NoisyOr,
    Prior,
    Table,
)
from spinelink.network.network import Network
from spinelink.network.parameter import Distribution, Parameter, Ratio
from spinelink.network.parameter_ids import row_label
from spinelink.network.uncertainty import log_deviation, spread_weight

Array = NDArray[np.float64]
Slopes = dict[str, Array]
"""Parameter id -> derivatives, (columns,).

Of a distribution: by each probability, (states, columns), in the order of its node's states.
"""


def parameter_slopes(
    network: Network,
    compiled: CompiledNetwork,
    *,
    values: Mapping[str, Array],
    entries: Sequence[Factor],
) -> Slopes:
    """Derivatives by every parameter, given those by every entry.

    Derivatives by the probabilities of a distribution hold along directions in which these still
    sum to 1: differences between them count, their common level does not.

    Args:
        network: The network.
        compiled: The network compiled from `values`.
        values: One value of each parameter, by id.
        entries: Derivatives by every entry; the last axis holds one column for each quantity.
    """
    chain = _ChainRule(network, compiled, values, list(entries))
    for node in reversed(compiled.order):
        chain.node(node)
    return chain.slopes


def moved_by_deviation(parameter: Parameter, *, value: Array, slope: Array) -> Array:
    """How far quantities move, to first order, with one standard deviation of a parameter.

    A distribution varies as its Dirichlet: the result is the standard deviation of the sum of
    slopes times probabilities.

    Args:
        parameter: The parameter, which states its uncertainty.
        value: Its value, (1,), or (states, 1) of a distribution.
        slope: Derivatives of the quantities, as in `parameter_slopes`.

    Returns:
        The distances, (columns,), 0 or more.
    """
    if isinstance(parameter, Ratio):
        return np.asarray(np.abs(slope) * value[0] * log_deviation(parameter))
    if isinstance(parameter, Distribution):
        p = value[:, :1]
        variance = (p * (slope - (p * slope).sum(axis=0)) ** 2).sum(axis=0)
        return np.asarray(np.sqrt(variance / (spread_weight(parameter) + 1.0)))
    p0 = float(value[0])
    return np.asarray(np.abs(slope) * np.sqrt(p0 * (1.0 - p0) / (spread_weight(parameter) + 1.0)))


@dataclass(eq=False)
class _ChainRule:
    """Goes from children to parents, as a child's intercept adds to the derivatives above it.

    entries: derivatives by entries, with what has been propagated so far. slopes: the result.
    """

    network: Network
    compiled: CompiledNetwork
    values: Mapping[str, Array]
    entries: list[Factor]
    slopes: Slopes = field(default_factory=dict)

    def node(self, node: int) -> None:
        """Adds the derivatives by the parameters of one node."""
        if node in self.compiled.fits:
            return  # these have no parameters
        name, entries = self.compiled.names[node], self.entries[node]
        cpd = self.network.nodes[name].cpd
        states = [self.compiled.states[p] for p in self.compiled.parents[node]]
        if isinstance(cpd, NoisyOr | NoisyMax):
            self._noisy(node, cpd, states)
            return
        assert isinstance(entries, TableFactor)
        match cpd:
            case Prior():
                self._column(f"{name}.prior", entries.table)
            case Table():
                for row in cpd.rows:
                    at = (s.index(row.given[p]) for p, s in zip(cpd.parents, states, strict=True))
                    key = f"{name}.row.{row_label(row, cpd.parents)}"
                    self._column(key, entries.table[tuple(at)])
            case Accuracy():
                self._accuracy(name, cpd, known=states[0], table=entries.table)
            case LogOdds():
                self._log_odds(node, cpd)
            case AdditiveRates():
                self._rates(node, cpd)
            case Deterministic():
                pass

    def _noisy(self, node: int, cpd: NoisyOr | NoisyMax, states: Sequence[tuple[str, ...]]) -> None:
        """Leak and links. states: of each parent."""
        name, entries = self.compiled.names[node], self.entries[node]
        assert isinstance(entries, NoisyFactor)
        self._column(f"{name}.leak", entries.leak)
        for parent, known, link in zip(cpd.links, states, entries.links, strict=True):
            ids = _by_state(f"{name}.link.{parent}", cpd.links[parent], states=known)
            for state, key in ids.items():
                self._column(key, link[known.index(state)])

    def _column(self, key: str, slopes: Array) -> None:
        """A column (states, columns); of a two-state node the derivative by p in (1 - p, p)."""
        self.slopes[key] = slopes[1] - slopes[0] if self.values[key].ndim == 1 else slopes

    def _accuracy(self, name: str, cpd: Accuracy, *, known: tuple[str, ...], table: Array) -> None:
        positive = _by_state(f"{name}.sensitivity", cpd.sensitivity, states=known)
        for state, key in positive.items():
            self._column(key, table[known.index(state)])
        negative = sum(
            (table[k] for k, s in enumerate(known) if s not in positive),
            start=np.zeros(table.shape[1:]),
        )
        self.slopes[f"{name}.specificity"] = negative[0] - negative[1]

    def _rates(self, node: int, cpd: AdditiveRates) -> None:
        """The root over reasons has each rate over the sum of all."""
        name, factor, entries = (
            self.compiled.names[node],
            self.compiled.factors[node],
            self.entries[node],
        )
        assert isinstance(factor, TableFactor) and isinstance(entries, TableFactor)
        states = {p: self.network.nodes[p].states for p in cpd.rates}
        keys = [key for _, _, key in reasons_of(name, cpd, states=states)]
        total = sum(float(self.values[key][0]) for key in keys)
        mean = (factor.table * entries.table).sum(axis=0)
        for key, slope in zip(keys, entries.table, strict=True):
            self.slopes[key] = (slope - mean) / total

    def _log_odds(self, node: int, cpd: LogOdds) -> None:
        """Baseline or prevalence, and odds ratios: P(present) = sigmoid(intercept + shift)."""
        name, factor, entries = (
            self.compiled.names[node],
            self.compiled.factors[node],
            self.entries[node],
        )
        assert isinstance(factor, TableFactor) and isinstance(entries, TableFactor)
        absent, present = factor.table[..., 0, :], factor.table[..., 1, :]
        sigmoid_slope = absent * present  # (parents..., 1)
        by_row = (entries.table[..., 1, :] - entries.table[..., 0, :]) * sigmoid_slope
        axes = tuple(range(by_row.ndim - 1))  # of by_row: (parents..., columns), by log odds
        by_intercept = by_row.sum(axis=axes)
        if cpd.prevalence is None:
            p = self.values[f"{name}.baseline"]
            self.slopes[f"{name}.baseline"] = by_intercept / (p * (1.0 - p))
        else:
            weights = joint_of_parents(self.compiled, node)
            total = (weights * sigmoid_slope).sum(axis=axes)
            with np.errstate(divide="ignore", invalid="ignore"):
                # A prevalence of 0 or 1 moves nothing.
                by_prevalence = np.where(total > 0.0, by_intercept / total, 0.0)
            self.slopes[f"{name}.prior"] = by_prevalence
            by_row = by_row - weights * sigmoid_slope * by_prevalence
            if axes and by_prevalence.any():
                self._propagate_prevalence(node, -present * by_prevalence)
        for axis, (parent, ratio) in enumerate(cpd.odds_ratios.items()):
            known = self.compiled.states[factor.parents[axis]]
            ids = _by_state(f"{name}.odds_ratio.{parent}", ratio, states=known)
            for state, key in ids.items():
                rows = np.take(by_row, known.index(state), axis=axis)
                self.slopes[key] = rows.sum(axis=axes[:-1]) / self.values[key]

    def _propagate_prevalence(self, node: int, slopes: Array) -> None:
        """Adds derivatives by P(parents) to those by the entries of all tables above a node.

        An extra node with P(yes | parents) = slopes, scaled into 0 to 1, turns their weighted sum
        into a probability that the engine can differentiate. Adding a constant to all rows changes
        nothing, as P(parents) always sums to 1.

        Args:
            node: The node whose intercept is solved.
            slopes: Derivatives by P(parents), (parents..., columns).
        """
        compiled = self.compiled
        above = [i for i in compiled.order if i in compiled.ancestors(compiled.parents[node])]
        index = {old: new for new, old in enumerate(above)}
        axes = tuple(range(slopes.ndim - 1))
        low, high = slopes.min(axis=axes), slopes.max(axis=axes)
        scale = high - low
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = np.where(scale > 0.0, (slopes - low) / scale, 0.5)
        yes = 0.25 + 0.5 * relative  # well above 0, where the logarithm has a derivative
        extra = TableFactor(
            tuple(index[p] for p in compiled.parents[node]), np.stack([1.0 - yes, yes], axis=-2)
        )
        factors = [
            replace(f, parents=tuple(index[p] for p in f.parents))
            for f in (compiled.factors[i] for i in above)
        ]
        part = CompiledNetwork(
            tuple(str(k) for k in range(len(above) + 1)),
            (*(compiled.states[i] for i in above), ("no", "yes")),
            (*factors, extra),
            resources=compiled.resources.for_other_structure(),
        )
        logs, found = log_slopes(part, {len(above): 1}, weights={})
        rate = np.exp(logs) * 2.0 * scale  # the weighted sum moves by 2 scale times P(yes)
        for i in above:
            self.entries[i] = map_factor(
                lambda entry, more: entry + more * rate, self.entries[i], found[index[i]]
            )


def _by_state(base: str, family: object, *, states: tuple[str, ...]) -> dict[str, str]:
    """State of the parent -> id of its parameter: one for each state, or one for the last state."""
    if isinstance(family, Mapping):
        return {state: f"{base}.{state}" for state in family}
    return {states[-1]: base}
