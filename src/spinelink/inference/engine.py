"""Which engine answers: the compiled kernel or the interpreted engine. It is decided here only.

Both engines implement one protocol. What the kernel leaves (rows that outgrow its workspace,
underflow, contradict the network or lose digits) the interpreted engine answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from spinelink.errors import SpinelinkError
from spinelink.inference.answers import EngineAnswer, Marginals
from spinelink.inference.arrays import CompiledNetwork, NoisyFactor
from spinelink.inference.findings import EvidenceBatch
from spinelink.inference.interpreted.engine import INTERPRETED
from spinelink.inference.kernel import engine as kernel
from spinelink.inference.kernel.flat import Flat, flat_of, flatten
from spinelink.inference.memory import BYTES
from spinelink.options import one_of
from spinelink.typing import EngineChoice

RowIndex = NDArray[np.intp]


class Engine(Protocol):
    """What answers rows of evidence about one network, or one row under many parameter draws."""

    def pieces(
        self,
        compiled: CompiledNetwork,
        batch: EvidenceBatch,
        *,
        nodes: Sequence[int],
        starts: RowIndex,
        workers: int,
    ) -> list[slice]:
        """How rows in the order of their patterns, which begin at `starts`, are cut for threads.

        nodes: those that will be asked for.
        """
        ...

    def solve(
        self,
        compiled: CompiledNetwork,
        batch: EvidenceBatch,
        nodes: Sequence[int],
        *,
        starts: RowIndex | None = None,
        max_entries: int | None = None,
    ) -> EngineAnswer:
        """Log P(evidence) and posteriors of the nodes, row by row.

        starts: where each structural pattern begins, if rows are sorted by it. max_entries: doubles
        of workspace that one row may take; `limits.kernel_row` where None.
        """
        ...


class KernelEngine:
    """The compiled kernel of the extra `fast`. It leaves some rows to the interpreted engine."""

    def pieces(
        self,
        compiled: CompiledNetwork,
        batch: EvidenceBatch,
        *,
        nodes: Sequence[int],
        starts: RowIndex,
        workers: int,
    ) -> list[slice]:
        """Equal pieces, smaller where patterns differ; a pattern is planned in each of its pieces."""
        rows, limits = len(batch), compiled.limits
        share = -(-rows // (workers * min(4, len(starts))))
        wanted = int(np.clip(share, limits.least_rows_at_once, limits.table_rows))
        size = max(1, min(wanted, int(compiled.memory_limit / (workers * _row_bytes(compiled)))))
        flat_of(compiled)  # made once, before the threads part
        return [slice(k, min(k + size, rows)) for k in range(0, rows, size)]

    def solve(
        self,
        compiled: CompiledNetwork,
        batch: EvidenceBatch,
        nodes: Sequence[int],
        *,
        starts: RowIndex | None = None,
        max_entries: int | None = None,
    ) -> EngineAnswer:
        """Log P(evidence) and posteriors of the rows that it answers; see `Engine.solve`."""
        flat = None
        if compiled.draws > 1:
            flat, starts = _flat_for_case(compiled, batch, nodes=nodes), np.zeros(1, dtype=np.intp)
        found = kernel.solve(
            compiled, batch, nodes=nodes, starts=starts, flat=flat, max_entries=max_entries
        )
        answer = Marginals(found.log_evidence, found.posterior)
        return EngineAnswer(answer, found.answered, found.outgrown)


def _row_bytes(compiled: CompiledNetwork) -> float:
    """Bytes of one row beside its run: states, likelihoods and posteriors of all nodes, twice."""
    return 2.0 * BYTES * (len(compiled.names) + 2 * sum(compiled.cards))


def _flat_for_case(
    compiled: CompiledNetwork, batch: EvidenceBatch, *, nodes: Sequence[int]
) -> Flat:
    """The network under many parameter draws, only with the families that one case needs.

    A noisy-MAX observed in its lowest state needs no table: its parents part company.
    """
    state = batch.states[0]
    assessed = [*np.flatnonzero(state >= 0).tolist(), *batch.likelihoods]
    families = [
        i
        for i in compiled.ancestors([*assessed, *nodes])
        if not (isinstance(compiled.factors[i], NoisyFactor) and state[i] == 0)
    ]
    return flatten(compiled, families=families)


KERNEL = KernelEngine()


def engine_for(compiled: CompiledNetwork, rows: int, *, heavy: bool = False) -> Engine:
    """The engine that answers so many rows of a network.

    "auto" takes the kernel where numba is installed and loading it pays: for many rows, or for a
    question that is heavy whatever its rows.
    """
    match compiled.engine:
        case "numpy":
            return INTERPRETED
        case "fast":
            return KERNEL
        case _:
            pays = heavy or rows >= compiled.limits.kernel_rows
            return KERNEL if pays and kernel.is_available() else INTERPRETED


def solve_all(
    engine: Engine,
    compiled: CompiledNetwork,
    *,
    batch: EvidenceBatch,
    nodes: Sequence[int],
    starts: RowIndex | None = None,
    max_entries: int | None = None,
) -> Marginals:
    """The answers of an engine, those that it leaves by the interpreted engine."""
    answer = engine.solve(compiled, batch, nodes, starts=starts, max_entries=max_entries)
    rows = np.flatnonzero(~answer.answered)
    if not len(rows):
        return answer.marginals
    draws = compiled.draws > 1
    rest = INTERPRETED.solve(
        compiled.of_draws(rows) if draws else compiled, batch if draws else batch.part(rows), nodes
    )
    return answer.marginals.replaced(rows, rest.marginals.with_rows(len(rows)))


def check_engine(engine: str) -> None:
    """Checks the option `engine`.

    Args:
        engine: The engine that a caller named.

    Raises:
        UnknownNameError: There is no engine of that name.
        SpinelinkError: The engine is "fast", and numba is not installed.
    """
    one_of(engine, "engine", get_args(EngineChoice))
    if engine == "fast" and not kernel.is_available():
        raise SpinelinkError("engine='fast' needs numba: pip install 'spinelink[fast]'")
