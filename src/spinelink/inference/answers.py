"""What the engine returns: P(evidence), marginals of nodes, joints of a few."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Marginals:
    """The probability of the evidence and the posteriors of the nodes asked for.

    log_evidence: log P(evidence), (batch,), minus infinity where it is impossible. posterior: node
    to P(node | evidence), (states, batch), NaN where the evidence is impossible.
    """

    log_evidence: Array
    posterior: dict[int, Array]

    def present(self, node: int) -> Array:
        """P(the node is not in its first state | evidence), (batch,)."""
        return np.asarray(self.posterior[node][1:].sum(axis=0))

    def part(self, rows: NDArray[np.intp] | slice) -> Marginals:
        """Some of the rows."""
        return Marginals(
            self.log_evidence[rows], {n: p[:, rows] for n, p in self.posterior.items()}
        )

    def with_rows(self, rows: int) -> Marginals:
        """The batch axis at full length, where every row has the same answer."""
        logs = np.broadcast_to(self.log_evidence, (rows,))
        posterior = {n: np.broadcast_to(p, (len(p), rows)) for n, p in self.posterior.items()}
        return Marginals(logs, posterior)

    def replaced(self, rows: NDArray[np.intp], other: Marginals) -> Marginals:
        """The same with other answers in some rows."""
        logs = self.log_evidence.copy()
        size = len(logs)
        logs[rows] = other.log_evidence
        posterior = {}
        for n, p in self.posterior.items():
            posterior[n] = np.broadcast_to(p, (len(p), size)).copy()
            posterior[n][:, rows] = other.posterior[n]
        return Marginals(logs, posterior)

    @classmethod
    def concatenated(cls, parts: Sequence[Marginals]) -> Marginals:
        """The rows of all parts, one part after the other; there is at least one."""
        return cls(
            np.concatenate([part.log_evidence for part in parts]),
            {
                n: np.concatenate([p.posterior[n] for p in parts], axis=1)
                for n in parts[0].posterior
            },
        )


@dataclass(frozen=True, eq=False)
class EngineAnswer:
    """What an engine says of each row.

    answered: rows for which the marginals hold, (rows,). outgrown: rows that take more than the
    entries allowed. The interpreted engine answers all rows; the kernel leaves some to it.
    """

    marginals: Marginals
    answered: NDArray[np.bool_]
    outgrown: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Joint:
    """log P(evidence), (batch,), and the joint posterior, (nodes in the order asked for..., batch)."""

    log_evidence: Array
    table: Array
