"""Derivatives of weighted sums of log P(findings) over rows of evidence, by the compiled kernel.

An entry times its derivative is an expected count (Darwiche 2003, JACM 50:280), which the kernel adds
up over rows. Where people are selected, each row is one for each reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.answers import Marginals
from spinelink.inference.arrays import CompiledNetwork, Factor, TableFactor
from spinelink.inference.batches import batch_marginals
from spinelink.inference.findings import EvidenceBatch
from spinelink.inference.gradient.counts import (
    TrainingRows,
    arrays_of,
    count_by_kernel,
    factors_of,
)
from spinelink.inference.reasons import WeightedBatch, batch_by_reason

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class EvidenceRows:
    """Rows of evidence under one set of parameters."""

    compiled: CompiledNetwork
    batch: EvidenceBatch

    @cached_property
    def log_evidence(self) -> Array:
        """Log P(findings) of each row, (rows,); minus infinity where they cannot occur."""
        return self._parts.summed(Marginals(self._logs, {}), len(self.batch)).log_evidence

    def slopes(self, weights: Array) -> tuple[Factor, ...]:
        """The derivatives by every entry of the sum of weights times log P(findings).

        weights: (rows,). Entries that are 0 count as fixed. Arrays are (entries..., 1).
        """
        parts = self._parts
        with np.errstate(invalid="ignore"):
            by_part = np.nan_to_num(weights[parts.row] * self._shares)
        used = np.flatnonzero(by_part)
        rows = TrainingRows(parts.batch.part(used), by_part[used])
        counts = count_by_kernel(self.compiled, rows)
        slopes = [
            np.divide(n, entry, out=np.zeros_like(n), where=entry != 0.0)
            for n, entry in zip(counts, arrays_of(self.compiled.factors), strict=True)
        ]
        found = factors_of(self.compiled, slopes)
        for root, rates in parts.rates.items():
            table = found[root]
            assert isinstance(table, TableFactor)
            table.table[:, 0] += by_part[used] @ rates[used]
        return found

    @cached_property
    def _parts(self) -> WeightedBatch:
        by_reason = batch_by_reason(self.compiled, self.batch)
        rows = np.arange(len(self.batch))
        return (
            WeightedBatch(self.batch, rows, np.zeros(len(rows))) if by_reason is None else by_reason
        )

    @cached_property
    def _logs(self) -> Array:
        return batch_marginals(self.compiled, self._parts.batch, nodes=[]).log_evidence

    @cached_property
    def _shares(self) -> Array:
        return self._parts.shares(self._logs, len(self.batch))
