"""Many rows of evidence about one network: sorted by structural pattern, cut, and run in threads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.answers import Marginals
from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.engine import engine_for, solve_all
from spinelink.inference.findings import EvidenceBatch
from spinelink.inference.memory import BYTES, check_answer_fits
from spinelink.inference.plan.patterns import rows_by_pattern
from spinelink.inference.reasons import batch_by_reason
from spinelink.inference.threads import in_threads, thread_count

Array = NDArray[np.float64]


def batch_marginals(
    compiled: CompiledNetwork,
    batch: EvidenceBatch,
    *,
    nodes: Sequence[int],
    threads: int | None = None,
    heavy: bool = False,
    max_entries: int | None = None,
) -> Marginals:
    """Posteriors of the nodes in every row of a batch, in the order of the rows.

    Args:
        compiled: The network, with one value for each parameter.
        batch: Rows of evidence.
        nodes: The nodes asked for; none: only P(evidence).
        threads: How many work at once; as many as cores, at most 8, where None.
        heavy: With engine "auto": take the compiled kernel however few the rows are.
        max_entries: Workspace of one row in the kernel; what takes more is interpreted.

    Returns:
        log P(evidence), (rows,), minus infinity in impossible rows, and posteriors, (states, rows),
        NaN there.

    Raises:
        TooLargeError: A row does not fit into the memory limit.
    """
    reasons = batch_by_reason(compiled, batch)
    if reasons is not None:
        parts = batch_marginals(
            compiled,
            reasons.batch,
            nodes=nodes,
            threads=threads,
            heavy=heavy,
            max_entries=max_entries,
        )
        return reasons.summed(parts, len(batch))
    size = len(batch)
    states = 1 + sum(compiled.cards[n] for n in nodes)
    what = f"the answer for {size:,} rows and {len(nodes)} nodes"
    check_answer_fits(BYTES * size * states, compiled.memory_limit, what=what)
    logs = np.full(size, -np.inf)
    posterior = {n: np.full((compiled.cards[n], size), np.nan) for n in nodes}
    if not size:
        return Marginals(logs, posterior)
    engine = engine_for(compiled, size, heavy=heavy)
    order, starts = rows_by_pattern(compiled, batch)
    ranked = batch.part(order)
    workers = thread_count(threads)
    pieces = engine.pieces(compiled, ranked, nodes=nodes, starts=starts, workers=workers)

    def run(piece: slice) -> Marginals:
        inside = starts[(starts > piece.start) & (starts < piece.stop)] - piece.start
        return solve_all(
            engine,
            compiled,
            batch=ranked.part(piece),
            nodes=nodes,
            starts=np.concatenate([[0], inside]).astype(np.intp),
            max_entries=max_entries,
        )

    for piece, part in zip(pieces, in_threads(run, pieces, threads=workers), strict=True):
        rows = order[piece]
        logs[rows] = part.log_evidence
        for n in nodes:
            posterior[n][:, rows] = part.posterior[n]
    return Marginals(logs, posterior)
