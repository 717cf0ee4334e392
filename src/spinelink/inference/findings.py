"""Evidence as the engine takes it: the state observed at a node, or likelihoods of its states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeGuard, cast

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.arrays import CompiledNetwork, NoisyFactor
from spinelink.network.evidence import Evidence

Array = NDArray[np.float64]
States = NDArray[np.int64]
Observed = Mapping[int, "int | Array | States"]
"""Node -> index of the observed state, or one for each row (batch,), or likelihoods (states, batch).

A noisy-MAX node that is observed in its lowest state in one row of a batch is so in all of them,
and is given as 0: that state has a plan of its own.
"""


HIDDEN = -1
"""In place of a state: the node was not observed in this row."""


@dataclass(frozen=True, eq=False)
class EvidenceBatch:
    """Rows of findings that are answered together.

    states: (rows, nodes), the index of the observed state, `HIDDEN` where there is none.
    likelihoods: node -> (states, rows), NaN in rows without virtual evidence at that node.
    """

    states: States
    likelihoods: Mapping[int, Array] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.states)

    def part(self, rows: NDArray[np.intp] | slice) -> EvidenceBatch:
        """Some of the rows."""
        return EvidenceBatch(
            self.states[rows], {i: w[:, rows] for i, w in self.likelihoods.items()}
        )

    def together(self, compiled: CompiledNetwork) -> Observed:
        """Rows of one structural pattern as one finding for each node."""
        observed: dict[int, int | Array | States] = {}
        for node in np.flatnonzero(self.states[0] != HIDDEN).tolist():
            states = self.states[:, node]
            # The lowest state of a noisy-MAX has a plan of its own; other states share theirs.
            same = isinstance(compiled.factors[node], NoisyFactor) and (
                states[0] == 0 or compiled.cards[node] == 2
            )
            observed[node] = int(states[0]) if same or len(states) == 1 else states
        for node, likelihoods in self.likelihoods.items():
            if not np.isnan(likelihoods[0, 0]):
                observed[node] = likelihoods
        return observed

    @classmethod
    def repeated(
        cls, compiled: CompiledNetwork, observed: Observed, likelihoods: Mapping[int, Array]
    ) -> EvidenceBatch:
        """One case in every row, with further likelihoods, (states, rows), in place of its own."""
        rows = max((w.shape[1] for w in likelihoods.values()), default=1)
        case = cls.of(compiled, [observed])
        own = {i: np.repeat(w, rows, axis=1) for i, w in case.likelihoods.items()}
        return cls(np.repeat(case.states, rows, axis=0), {**own, **likelihoods})

    @classmethod
    def of(cls, compiled: CompiledNetwork, cases: Sequence[Observed]) -> EvidenceBatch:
        """One row for each case; each case holds single states and likelihoods (states, 1)."""
        states = np.full((len(cases), len(compiled.names)), HIDDEN, dtype=np.int64)
        likelihoods: dict[int, Array] = {}
        for row, observed in enumerate(cases):
            for i, value in observed.items():
                if is_soft(value):
                    blank = np.full((compiled.cards[i], len(cases)), np.nan)
                    likelihoods.setdefault(i, blank)[:, row] = value[:, 0]
                else:
                    states[row, i] = int(np.asarray(value))
        return cls(states, likelihoods)


def hidden_rows(compiled: CompiledNetwork, rows: int) -> States:
    """States of so many rows of whom nothing is known but how all were selected, (rows, nodes)."""
    states = np.full((rows, len(compiled.names)), HIDDEN, dtype=np.int64)
    for node, state in compiled.selected.items():
        states[:, node] = state
    return states


def is_soft(value: int | Array | States) -> TypeGuard[Array]:
    """Whether the finding is virtual evidence."""
    return not isinstance(value, int) and value.ndim == 2


def state_of(observed: Observed, node: int) -> int | States | None:
    """The state in which the node is observed, or each row's.

    None where it is hidden or has virtual evidence.
    """
    value = observed.get(node)
    return None if value is None or is_soft(value) else cast("int | States", value)


def pick(array: Array, axis: int, state: int | States) -> Array:
    """The slice at a state, or at each row's own state; the last axis is the batch."""
    if isinstance(state, int):
        return array[(slice(None),) * axis + (state,)]
    first = np.moveaxis(array, axis, 0)  # (states, ..., batch)
    rows = (
        first[..., 0][state] if first.shape[-1] == 1 else first[state, ..., np.arange(len(state))]
    )  # (rows, ...)
    return np.moveaxis(rows, 0, -1)


def observed_from(compiled: CompiledNetwork, evidence: Evidence) -> dict[int, int | Array | States]:
    """One case's findings as the engine takes them: a state's index, or likelihoods (states, 1).

    What is observed in everybody comes with them.
    """
    return dict(compiled.selected) | {
        (i := compiled.index[n]): compiled.states[i].index(f)
        if isinstance(f, str)
        else np.array([[v] for _, v in f])
        for n, f in evidence.items()
    }
