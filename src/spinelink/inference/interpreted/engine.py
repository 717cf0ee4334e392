"""The interpreted engine: rows of one structural pattern share a plan and run together in NumPy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.answers import EngineAnswer, Marginals
from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.findings import EvidenceBatch
from spinelink.inference.interpreted.conditioning import check_work
from spinelink.inference.interpreted.marginals import by_cases, largest_plan, marginals
from spinelink.inference.limits import BYTES_PER_ENTRY
from spinelink.inference.plan.patterns import rows_by_pattern

Array = NDArray[np.float64]


class InterpretedEngine:
    """NumPy, step by step. It answers every row, within the network's memory limit."""

    def pieces(
        self,
        compiled: CompiledNetwork,
        batch: EvidenceBatch,
        *,
        nodes: Sequence[int],
        starts: NDArray[np.intp],
        workers: int,
    ) -> list[slice]:
        """Pieces of one pattern each, cut so that a run stays near the cache.

        The first piece of each pattern comes before all others: these find its plan. Raises
        TooLargeError where all rows together are too much work by cases.
        """
        limits = compiled.limits
        share = max(limits.least_rows_at_once, -(-len(batch) // workers))
        first, later = [], []
        work = 0.0
        for begin, end in zip(starts, [*starts[1:], len(batch)], strict=True):
            observed = batch.part(slice(begin, begin + 1)).together(compiled)
            entries = BYTES_PER_ENTRY * largest_plan(compiled, observed, nodes=nodes)
            if (needed := by_cases(compiled, observed, nodes=nodes)) is not None:
                work += (end - begin) * needed[0]
                check_work(compiled, work, too_large=needed[1])
            near = int(np.clip(limits.table_run_bytes / (entries + 1.0), 1, limits.table_rows))
            size = min(near, share)
            cuts = [slice(k, min(k + size, end)) for k in range(begin, end, size)]
            first.append(cuts[0])
            later += cuts[1:]
        return first + later

    def solve(
        self,
        compiled: CompiledNetwork,
        batch: EvidenceBatch,
        nodes: Sequence[int],
        *,
        starts: NDArray[np.intp] | None = None,
        max_entries: int | None = None,
    ) -> EngineAnswer:
        """Log P(evidence) and posteriors of all rows; see `Engine.solve`."""
        if len(batch) == 1:  # one case, under as many parameter draws as the network has
            answer = marginals(compiled, batch.together(compiled), nodes)
            return _all_answered(answer.with_rows(compiled.draws))
        order, begins = rows_by_pattern(compiled, batch)
        parts = [
            marginals(compiled, batch.part(rows).together(compiled), nodes).with_rows(len(rows))
            for rows in np.split(order, begins[1:])
        ]
        return _all_answered(Marginals.concatenated(parts).part(np.argsort(order)))


def _all_answered(answer: Marginals) -> EngineAnswer:
    possible = np.isfinite(answer.log_evidence)
    posterior = {n: np.where(possible, p, np.nan) for n, p in answer.posterior.items()}
    return EngineAnswer(
        Marginals(answer.log_evidence, posterior), np.ones_like(possible), np.zeros_like(possible)
    )


INTERPRETED = InterpretedEngine()
