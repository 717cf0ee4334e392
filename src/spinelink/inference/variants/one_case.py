"""One case with many sets of findings: further ones, or only some of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from spinelink.inference.answers import Marginals
from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.batches import batch_marginals
from spinelink.inference.findings import EvidenceBatch, Observed, is_soft


def with_more_findings(
    compiled: CompiledNetwork,
    observed: Observed,
    *,
    more: Sequence[Mapping[int, int]],
    nodes: Sequence[int],
    threads: int | None = None,
) -> Marginals:
    """One case with each of many further sets of findings.

    Args:
        compiled: The network, with one value for each parameter.
        observed: The findings of one case.
        more: Sets of further findings, node to state. Virtual evidence about the same node counts
            with the likelihood of that state.
        nodes: The nodes asked for.
        threads: See `batch_marginals`.

    Returns:
        log P(all findings), (sets,), and posteriors, (states, sets), NaN where a set cannot occur.
    """
    cases: list[Observed] = [{**observed, **further} for further in more]
    answer = _marginals_of_cases(compiled, cases, nodes=nodes, threads=threads)
    logs = answer.log_evidence.copy()
    for row, further in enumerate(more):
        for node, state in further.items():
            finding = observed.get(node)
            if finding is not None and is_soft(finding):
                with np.errstate(divide="ignore"):
                    logs[row] += np.log(finding[state, 0])
    return Marginals(logs, answer.posterior)


def with_some_findings(
    compiled: CompiledNetwork,
    observed: Observed,
    *,
    subsets: Sequence[Collection[int]],
    nodes: Sequence[int],
) -> Marginals:
    """One case with only some of its findings, for many subsets of them.

    How everybody was selected is in every subset. Returns log P(subset), (subsets,), and posteriors of the nodes, (states, subsets).
    """
    cases: list[Observed] = [
        compiled.within({i: observed[i] for i in subset}) for subset in subsets
    ]
    return _marginals_of_cases(compiled, cases, nodes=nodes)


def _marginals_of_cases(
    compiled: CompiledNetwork,
    cases: Sequence[Observed],
    *,
    nodes: Sequence[int],
    threads: int | None = None,
) -> Marginals:
    return batch_marginals(
        compiled,
        EvidenceBatch.of(compiled, cases),
        nodes=nodes,
        threads=threads,
        heavy=len(cases) > 1,
        max_entries=compiled.limits.kernel_case,
    )
