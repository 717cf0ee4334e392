"""Posteriors of a table of patients: its findings as a batch for the engine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.answer import batch_marginals, log_evidence
from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.findings import HIDDEN, EvidenceBatch, hidden_rows
from spinelink.table.cells import TableFindings
from spinelink.typing import EngineChoice

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TableAnswer:
    """The answers to all rows of a table.

    log_evidence: log P(findings), (rows,), minus infinity in impossible rows. posterior: node name to
    (states, rows), NaN there.
    """

    log_evidence: Array
    posterior: dict[str, Array]


def answer(
    compiled: CompiledNetwork,
    findings: TableFindings,
    *,
    nodes: list[str],
    threads: int | None = None,
    engine: EngineChoice = "auto",
) -> TableAnswer:
    """The posteriors of the nodes in every row.

    Args:
        compiled: The network.
        findings: The rows.
        nodes: Names of the nodes asked for.
        threads: How many work at once; as many as cores, at most 8, where None.
        engine: "numpy", "fast", or "auto": as the network's own engine says. Where that is "auto",
            too: fast, where it is installed, but for a handful of rows.

    Raises:
        TooLargeError: A row does not fit into the memory limit.
    """
    chosen = compiled if engine == "auto" else compiled.with_engine(engine)
    index = {name: compiled.index[name] for name in nodes}
    batch = evidence_batch(compiled, findings)
    found = batch_marginals(chosen, batch, nodes=list(index.values()), threads=threads)
    # P(nothing) is 1, and no probability exceeds 1: what a sum of doubles says beyond is rounding.
    some = (batch.states[:, : len(compiled.names) - len(compiled.fits)] != HIDDEN).any(axis=1)
    for likelihoods in batch.likelihoods.values():
        some |= ~np.isnan(likelihoods[0])
    selected = log_evidence(chosen, compiled.selected) if compiled.selected else 0.0
    logs = np.where(some, np.minimum(found.log_evidence - selected, 0.0), 0.0)
    return TableAnswer(logs, {n: found.posterior[i] for n, i in index.items()})


def evidence_batch(compiled: CompiledNetwork, findings: TableFindings) -> EvidenceBatch:
    """The findings by index of node."""
    states = hidden_rows(compiled, findings.rows)
    for name, column in findings.hard.items():
        states[:, compiled.index[name]] = column
    return EvidenceBatch(states, {compiled.index[n]: w for n, w in findings.soft.items()})
