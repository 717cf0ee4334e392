"""One case under many draws of the network's numbers: the draws are the batch axis, run side by side in pieces."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.answers import Marginals
from spinelink.inference.arrays import CompiledNetwork, NoisyFactor, TableFactor
from spinelink.inference.findings import Observed
from spinelink.inference.interpreted.marginals import marginals
from spinelink.inference.kernel import flat as fast

Array = NDArray[np.float64]

PIECE, LEAST_PIECE = 512, 64  # draws at once: fewer where the threads would have nothing to do
CAPACITY = 1 << 23  # doubles that the draws worked on side by side may take, and as many adjoints
FEW = 16  # draws for which loading the compiled kernel does not pay


def draw_marginals(
    compiled: CompiledNetwork,
    observed: Observed,
    nodes: Sequence[int],
    *,
    threads: int | None = None,
    engine: Literal["auto", "numpy", "fast"] = "auto",
    on_progress: Callable[[int], object] | None = None,
) -> Marginals:
    """Log P(findings), (draws,), and posteriors of the nodes, (states, draws); not numbers where a draw makes the findings impossible.

    compiled: every array with a batch axis of length draws, or 1 where the draws agree. seen: one case. threads: as many as cores, at most 8, where
    None. engine: "fast" takes the compiled kernel (the extra of that name), "auto" where it is installed. report: called with how many draws are done
    after each piece.
    """
    draws = count_draws(compiled)
    answer = (
        _by_kernel
        if engine == "fast" or (engine == "auto" and draws >= FEW and fast.is_available())
        else marginals
    )
    workers = threads or min(os.cpu_count() or 1, 8)
    size = int(np.clip(-(-draws // workers), LEAST_PIECE, PIECE))
    pieces = [slice(k, min(k + size, draws)) for k in range(0, draws, size)]
    found: list[Marginals] = []

    def run(piece: slice) -> Marginals:
        return spread(
            answer(
                compiled.map_arrays(lambda a: a if a.shape[-1] == 1 else a[..., piece]),
                observed,
                nodes,
            ),
            piece.stop - piece.start,
        )

    pool = ThreadPoolExecutor(workers)
    try:
        for k, part in enumerate(
            pool.map(run, pieces) if workers > 1 and len(pieces) > 1 else map(run, pieces)
        ):
            found.append(part)
            if on_progress is not None:
                on_progress(pieces[k].stop)
    finally:
        pool.shutdown(cancel_futures=True)
    return Marginals(
        np.concatenate([part.log_evidence for part in found]),
        {n: np.concatenate([part.of[n] for part in found], axis=1) for n in nodes},
    )


def count_draws(compiled: CompiledNetwork) -> int:
    """Length of the batch axis."""
    return max(
        int(a.shape[-1])
        for f in compiled.factors
        for a in ((f.table,) if isinstance(f, TableFactor) else (f.leak, *f.links))
    )


def spread(answer: Marginals, draws: int) -> Marginals:
    """The batch axis at full length, where no number that matters was drawn."""
    logs = np.broadcast_to(answer.log_evidence, (draws,))
    return Marginals(
        logs, {n: np.broadcast_to(p, (p.shape[0], draws)) for n, p in answer.of.items()}
    )


def _by_kernel(compiled: CompiledNetwork, observed: Observed, nodes: Sequence[int]) -> Marginals:
    codes, soft = fast.kernel_findings(compiled, observed)
    # A noisy-MAX seen in its lowest state needs no table: its parents part company.
    families = [
        i
        for i in compiled.ancestors([*observed, *nodes])
        if not (isinstance(compiled.factors[i], NoisyFactor) and codes[0, i] == 0)
    ]
    flat = fast.flatten(compiled, families=families)
    found = fast.solve(
        compiled,
        codes,
        soft,
        list(nodes),
        starts=np.zeros(1, dtype=np.int64),
        flat=flat,
        capacity=CAPACITY,
    )
    logs, of = found.log_evidence, found.of
    if not found.answered.all():
        left = np.flatnonzero(~found.answered)
        rest = spread(
            marginals(
                compiled.map_arrays(lambda a: a if a.shape[-1] == 1 else a[..., left]),
                observed,
                nodes,
            ),
            len(left),
        )
        logs[left] = rest.log_evidence
        for n in nodes:
            of[n][:, left] = rest.of[n]
    return Marginals(logs, of)
