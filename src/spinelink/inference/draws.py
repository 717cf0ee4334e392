"""One case under many parameter draws: the draws are the batch axis, run together in pieces."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from spinelink.inference.answers import Marginals
from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.engine import engine_for, solve_all
from spinelink.inference.findings import EvidenceBatch, Observed
from spinelink.inference.memory import BYTES, room
from spinelink.inference.reasons import ask_by_reason
from spinelink.inference.threads import in_threads, thread_count

COPIES = 3.0
"""Copies of a network that a run over its draws holds: its own, and flat ones for the kernel."""


def draws_at_once(compiled: CompiledNetwork, wanted: int, *, workers: int) -> int:
    """How many draws of a network's arrays fit into the memory limit together; at least one."""
    each = COPIES * BYTES * compiled.numbers * workers
    return max(1, min(wanted, int(room(compiled.memory_limit) / each)))


def draw_marginals(
    compiled: CompiledNetwork,
    observed: Observed,
    *,
    nodes: Sequence[int],
    threads: int | None = None,
    on_progress: Callable[[int], object] | None = None,
) -> Marginals:
    """Posteriors of one case under every parameter draw.

    Args:
        compiled: Every array with a batch axis of length draws, or 1 where the draws agree.
        observed: The findings of one case.
        nodes: The nodes asked for.
        threads: How many work at once; as many as cores, at most 8, where None.
        on_progress: Called with how many draws are done after each piece.

    Returns:
        log P(evidence), (draws,), and posteriors, (states, draws), NaN in draws under which the
        findings are impossible.

    Raises:
        TooLargeError: The case does not fit into the memory limit.
    """

    def ask(case: Observed) -> Marginals:
        return draw_marginals(compiled, case, nodes=nodes, threads=threads)

    summed = ask_by_reason(compiled, observed, {n: compiled.cards[n] for n in nodes}, ask)
    if summed is not None:
        if on_progress is not None:
            on_progress(compiled.draws)
        return summed
    draws, limits = compiled.draws, compiled.limits
    engine = engine_for(compiled, draws)
    batch = EvidenceBatch.of(compiled, [observed])
    workers = thread_count(threads)
    share = int(np.clip(-(-draws // workers), limits.least_draws_at_once, limits.draws_at_once))
    size = draws_at_once(compiled, share, workers=workers)
    pieces = [slice(k, min(k + size, draws)) for k in range(0, draws, size)]

    def run(piece: slice) -> Marginals:
        part = solve_all(
            engine,
            compiled.of_draws(piece),
            batch=batch,
            nodes=nodes,
            max_entries=limits.kernel_draws,
        )
        return part.with_rows(piece.stop - piece.start)

    parts: list[Marginals] = []
    for piece, part in zip(pieces, in_threads(run, pieces, threads=workers), strict=True):
        parts.append(part)
        if on_progress is not None:
            on_progress(piece.stop)
    return Marginals.concatenated(parts)
