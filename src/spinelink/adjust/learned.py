"""How sure the learned parameters are, and how the network file will have them.

A parameter weighs what the file's own estimate counted for, plus its effective sample size: the
patients with nothing missing who would have said as much, from the squares of the scores (Berndt,
Hall, Hall and Hausman 1974). Odds ratios get the deviations of the regression's information.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinelink.adjust.change import (
    ParameterChange,
    deviations_in_probability,
    distance_moved,
)
from spinelink.adjust.coordinates import shortened
from spinelink.adjust.learning import LearnedParameter
from spinelink.adjust.maximise import Maximiser, Owner, Regression, Values, coefficients, columns_of
from spinelink.inference.gradient.counts import Counts
from spinelink.network.parameter import Distribution, Parameter, Probability, Ratio
from spinelink.network.parameter_ids import owner as owner_of
from spinelink.network.uncertainty import log_deviation

Array = NDArray[np.float64]

HALF_WIDTH = 1.959963984540054
LARGEST_HALF_WIDTH = 50.0  # in log odds: where strength 0 leaves nothing but the patients
"""Half a 95 % interval, in standard deviations."""
TAILS = (0.025, 0.975)
NOTHING = 1e-6
"""A parameter about which fewer patients say something stays as it is."""
MOST_NOTE = 1990
"""Characters after which a long note is cut."""


@dataclass(frozen=True, eq=False)
class LearnedParameters:
    """What is said of each parameter, and the parameters as the file will have them, by id."""

    rows: tuple[LearnedParameter, ...]
    changed: Mapping[str, Parameter]


def learned_parameters(
    m: Maximiser, values: Values, *, final: Counts, patients: float
) -> LearnedParameters:
    """The parameters that the table says something about.

    Args:
        m: the network and what its file says.
        values: what was learned.
        final: expected counts under these, with the sums for the information.
        patients: in the table.
    """
    rows: list[LearnedParameter] = []
    changed: dict[str, Parameter] = {}
    for owner in m.owners:
        if owner.id in m.vary:
            size = effective_sample_size(owner, values[owner.id], final=final)
            if size >= NOTHING:
                about = _Learned(m, owner.id, values[owner.id], size, patients)
                changed[owner.id] = about.for_file()
                rows += about.rows()
    compiled = m.compiled(values)
    for r in m.regressions:
        if m.learns(r):
            x = coefficients(compiled, r, values=values)
            of_regression = _regressed(m, r, x=x, values=values, final=final, patients=patients)
            rows += of_regression.rows
            changed |= of_regression.changed
    return LearnedParameters(tuple(rows), changed)


def effective_sample_size(owner: Owner, now: Array, *, final: Counts) -> float:
    """Patients with nothing missing who would have said as much about a parameter.

    At most the expected number of patients to whom it applied.
    """
    if now.ndim == 2:
        p = now[:, 0]
    else:
        p = np.array([now[0], 1.0 - now[0]] if owner.reverse else [1.0 - now[0], now[0]])
    spread = total = 0.0
    for node, k, at in owner.positions:
        squares, products, wholes = (
            columns_of(sums[node])[k][at][:, 0]
            for sums in (final.squares, final.products, final.wholes)
        )
        spread += float((squares - 2.0 * p * products + p * p * wholes).sum())
        total += float(columns_of(final.expected[node])[k][at].sum())
    variance = float((p * (1.0 - p)).sum())
    return min(max(spread / variance, 0.0), total) if variance > 1e-12 else 0.0


@dataclass(frozen=True, eq=False)
class _Learned:
    """A probability or distribution: its new value, effective sample size, the table's patients."""

    m: Maximiser
    id: str
    now: Array
    size: float
    patients: float

    @property
    def parameter(self) -> Probability | Distribution:
        """As it was before."""
        parameter = self.m.parameters[self.id]
        assert not isinstance(parameter, Ratio)
        return parameter

    @property
    def states(self) -> tuple[str, ...]:
        """Of its node."""
        return self.m.network.nodes[owner_of(self.id)].states

    @property
    def weight(self) -> float:
        """The equivalent sample size after learning."""
        return self.m.weight(self.id) + self.size

    def for_file(self) -> Parameter:
        """The parameter with its new estimate and weight."""
        p = self.parameter
        update: dict[str, object] = {
            **dict.fromkeys(("interval", "counts", "beta", "before_fit")),
            "equivalent_sample_size": float(f"{self.weight:.6g}"),
        }
        if isinstance(p, Distribution):
            update = {k: v for k, v in update.items() if k in Distribution.model_fields}
            estimate = {s: float(self.now[self.states.index(s), 0]) for s in p.estimate}
            total = math.fsum(estimate.values())
            update["estimate"] = {s: v / total for s, v in estimate.items()}
            before = ", ".join(f"{s} {v:.4g}" for s, v in p.estimate.items())
        else:
            update["estimate"] = float(self.now[0])
            before = f"{p.value:.4g}"
        return p.model_copy(update={**update, **_provenance(p, before, patients=self.patients)})

    def rows(self) -> list[LearnedParameter]:
        """One row; of a distribution one for each state of its node."""
        from scipy.special import betaincinv

        old = self.m.start[self.id]
        values: list[tuple[str | None, float, float]]
        if old.ndim == 1:
            values = [(None, float(old[0]), float(self.now[0]))]
        else:
            pairs = zip(self.states, old[:, 0].tolist(), self.now[:, 0].tolist(), strict=True)
            values = [(state, a, b) for state, a, b in pairs]
        rows = []
        for state, before, after in values:
            low = high = after
            if 0.0 < after < 1.0:
                beta = (self.weight * after, self.weight * (1.0 - after))
                low, high = (float(betaincinv(*beta, q)) for q in TAILS)
            change = _change(self.id, self.parameter, state=state, before=before, after=after)
            rows.append(_row(change, interval=(low, high), patients=self.size))
        return rows


def _regressed(
    m: Maximiser, r: Regression, *, x: Array, values: Values, final: Counts, patients: float
) -> LearnedParameters:
    """The intercept and the odds ratios of a log-odds node with coefficients x."""
    rows: list[LearnedParameter] = []
    changed: dict[str, Parameter] = {}
    size, information = _information(m, r, x=x, final=final)
    if size < NOTHING:
        return LearnedParameters((), {})
    level = float(values[r.intercept][0])
    information[0, 0] += max(m.weight(r.intercept), 1e-9) * level * (1.0 - level)
    for k, name in enumerate(r.ratios, start=1):
        information[k, k] += max(m.strength, 1e-9) / log_deviation(_ratio(m, name)) ** 2
    covariance = np.linalg.inv(information)
    if r.intercept in m.vary:
        about = _Learned(m, r.intercept, values[r.intercept], size, patients)
        changed[r.intercept] = about.for_file()
        rows += about.rows()
    for k, name in enumerate(r.ratios, start=1):
        if name in m.vary:
            old, after = _ratio(m, name), float(values[name][0])
            half = HALF_WIDTH * math.sqrt(max(float(covariance[k, k]), 1e-12))
            half = min(half, LARGEST_HALF_WIDTH)
            interval = (max(after * math.exp(-half), 1e-300), min(after * math.exp(half), 1e300))
            update = {"estimate": after, "interval": interval, "level": 0.95, "before_fit": None}
            update |= _provenance(old, f"{old.value:.4g}", patients=patients)
            changed[name] = old.model_copy(update=update)
            change = _change(name, old, state=None, before=old.value, after=after)
            rows.append(_row(change, interval=interval, patients=size))
    return LearnedParameters(tuple(rows), changed)


def _information(m: Maximiser, r: Regression, *, x: Array, final: Counts) -> tuple[float, Array]:
    """Effective sample size and information of a regression, (coefficients, coefficients)."""
    p = 1.0 / (1.0 + np.exp(-r.design @ x))
    squares, products, wholes = (
        columns_of(sums[r.node])[0][..., 1, 0].reshape(-1)
        for sums in (final.squares, final.products, final.wholes)
    )
    scores = np.maximum(squares - 2.0 * p * products + p * p * wholes, 0.0)  # (rows,)
    expected = columns_of(final.expected[r.node])[0][..., 0].reshape(-1, 2).sum(axis=1)
    scores = np.minimum(scores, expected * p * (1.0 - p))
    size = float((scores / np.maximum(p * (1.0 - p), 1e-300)).sum())
    return size, np.asarray((r.design * scores[:, np.newaxis]).T @ r.design)


def _ratio(m: Maximiser, name: str) -> Ratio:
    ratio = m.parameters[name]
    assert isinstance(ratio, Ratio)
    return ratio


def _change(
    name: str, old: Parameter, *, state: str | None, before: float, after: float
) -> ParameterChange:
    return ParameterChange(
        id=name,
        state=state,
        before=before,
        after=after,
        moved=distance_moved(before, after, parameter=old),
        deviations=deviations_in_probability(old, before=before, after=after),
        grade=old.grade,
    )


def _row(
    change: ParameterChange, *, interval: tuple[float, float], patients: float
) -> LearnedParameter:
    return LearnedParameter(**vars(change), low=interval[0], high=interval[1], patients=patients)


def _provenance(p: Parameter, before: str, *, patients: float) -> dict[str, Any]:
    """Grade and note of a learned parameter. Where there was no source, it stays judged."""
    note = (
        f"Updated with a table of {patients:,.0f} patients; before: {before} ({p.grade}). {p.note}"
    )
    return {
        "grade": "judged" if p.grade == "judged" else "derived",
        "note": shortened(note.strip(), MOST_NOTE),
    }
