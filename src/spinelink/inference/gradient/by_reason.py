"""Derivatives for selected people: the sum over their reasons, and the derivatives by the rates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.arrays import Factor, TableFactor, factor_arrays, map_factor
from spinelink.inference.findings import is_soft
from spinelink.inference.gradient.pullback import Batch
from spinelink.inference.reasons import Selection, selections

Array = NDArray[np.float64]
Answer = tuple[Array, tuple[Factor, ...]]


class Backward(Protocol):
    """Logarithms of the columns' probabilities, and derivatives over their denominators."""

    def __call__(self, batch: Batch, *, by_first: bool) -> Answer:
        """See `by_entry`."""
        ...


def backward_by_reason(batch: Batch, backward: Backward, *, by_first: bool) -> Answer | None:
    """The derivatives as the sum over reasons; None where nobody is selected.

    batch: what is differentiated. backward: the same for one reason. by_first: the denominator of
    every column is the probability of the first, else its own.

    Raises:
        ValueError: A denominator is 0.
    """
    chosen = selections(batch.compiled, batch.observed)
    if not chosen:
        return None
    selection = chosen[0]
    logs = np.full(batch.columns, -np.inf)
    runs = []
    unchanged: Answer | None = None
    for reason, part, columns in _by_reason(batch, selection):
        same = part.observed.keys() == batch.observed.keys() - set(selection.fits)
        same = same and part.weights is batch.weights
        try:
            run = unchanged if same and unchanged is not None else backward(part, by_first=by_first)
        except ValueError:
            continue  # nobody comes for this reason with these findings
        unchanged = run if same else unchanged
        weighted = run[0] + np.log(selection.weights[reason, 0])
        logs[columns] = np.logaddexp(logs[columns], weighted)
        runs.append((reason, columns, weighted, run))
    whole = logs[:1] if by_first else logs
    if not runs or not np.isfinite(whole).all():
        raise ValueError("the findings cannot occur together: P(findings) is 0")
    total = _zeros(batch)
    root = total[batch.compiled.factors[selection.fits[0]].parents[0]]
    assert isinstance(root, TableFactor)
    for reason, columns, weighted, (run_logs, slopes) in runs:
        below = np.broadcast_to(whole, (batch.columns,))[columns]
        own = weighted[:1] if by_first else weighted
        rates = np.broadcast_to(np.exp(own - (whole[:1] if by_first else below)), (len(columns),))
        for into, slope in zip(total, slopes, strict=True):
            for a, b in zip(factor_arrays(into), factor_arrays(slope), strict=True):
                if b.strides[-1] or b.shape[-1] == 1:
                    a[..., columns] += b * rates
        root.table[reason, columns] += np.exp(run_logs - below)
    return logs, tuple(total)


def _zeros(batch: Batch) -> list[Factor]:
    return [
        map_factor(lambda a: np.zeros((*a.shape[:-1], batch.columns)), f)
        for f in batch.compiled.factors
    ]


def _by_reason(batch: Batch, selection: Selection) -> Iterator[tuple[int, Batch, NDArray[np.intp]]]:
    """For each reason that can hold: its position, its run, and the columns in which it can hold."""
    rest = {i: v for i, v in batch.observed.items() if i not in selection.fits}
    everything = np.arange(batch.columns)
    for reason, (node, mask) in enumerate(zip(selection.nodes, selection.masks, strict=True)):
        value = rest.get(node)
        denied = value is not None and not is_soft(value) and not mask[int(np.asarray(value))]
        if denied or not selection.weights[reason, 0] > 0.0:
            continue
        if node in batch.weights:
            yield from _in_columns(batch, rest, reason, node, mask)
        elif (value is not None and not is_soft(value)) or mask.all():
            yield reason, Batch(batch.compiled, rest, batch.weights, batch.columns), everything
        else:
            single = value is None and mask.sum() == 1.0
            soft = mask[:, np.newaxis] if value is None else np.asarray(value) * mask[:, np.newaxis]
            held: Any = int(np.flatnonzero(mask)[0]) if single else soft
            observed = {**rest, node: held}
            yield reason, Batch(batch.compiled, observed, batch.weights, batch.columns), everything


def _in_columns(
    batch: Batch, rest: Mapping[int, Any], reason: int, node: int, mask: Array
) -> Iterator[tuple[int, Batch, NDArray[np.intp]]]:
    """The same where the columns say something of the reason's node."""
    masked = np.broadcast_to(batch.weights[node] * mask[:, np.newaxis], (len(mask), batch.columns))
    columns = np.flatnonzero(masked.any(axis=0))
    if len(columns):
        weights = {**batch.weights, node: masked}
        kept = {i: w if w.shape[-1] == 1 else w[:, columns] for i, w in weights.items()}
        compiled = batch.compiled.of_draws(columns)
        yield reason, Batch(compiled, rest, kept, len(columns)), columns
