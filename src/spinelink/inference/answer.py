"""The door to the engine: everything above asks here.

`marginals`, `log_evidence` and `joint` answer one case, `batch_marginals` many rows of one network,
`draw_marginals` one case under many parameter draws. Which engine answers is decided in `engine`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.answers import Joint, Marginals
from spinelink.inference.arrays import CompiledNetwork, NoisyFactor
from spinelink.inference.batches import batch_marginals
from spinelink.inference.draws import draw_marginals
from spinelink.inference.engine import KERNEL, engine_for, solve_all
from spinelink.inference.findings import EvidenceBatch, Observed
from spinelink.inference.interpreted.joint import joint as interpreted_joint
from spinelink.inference.interpreted.marginals import is_heavy, is_small, small_groups
from spinelink.inference.interpreted.marginals import marginals as interpreted_marginals
from spinelink.inference.reasons import as_weights, ask_by_reason, joint_by_reason
from spinelink.inference.targets import kernel_marginals
from spinelink.inference.variants.likelihood_events import with_events

__all__ = [
    "batch_marginals",
    "draw_marginals",
    "is_quick",
    "joint",
    "log_evidence",
    "log_evidence_or_nothing",
    "marginals",
]

Array = NDArray[np.float64]


def marginals(
    compiled: CompiledNetwork,
    observed: Observed,
    nodes: Sequence[int],
    *,
    heavy: bool = False,
    max_entries: int | None = None,
) -> Marginals:
    """Posteriors of the nodes in one case.

    Args:
        compiled: The network, with one value for each parameter.
        observed: The findings of one case.
        nodes: The nodes asked for; none: only P(evidence).
        heavy: With engine "auto": take the compiled kernel, although there is one row.
        max_entries: Workspace of a run of the kernel; what takes more is interpreted.

    Returns:
        log P(evidence), (1,), and posteriors, (states, 1). Where the evidence is impossible these
        are minus infinity and NaN.

    Raises:
        TooLargeError: The exact answer does not fit into the memory limit.
    """
    if not nodes:
        return Marginals(log_evidence(compiled, observed, heavy=heavy), {})

    limits = compiled.limits
    selected = _of_selected(compiled, observed, nodes)
    if selected is not None:
        return selected

    def ask(case: Observed) -> Marginals:
        return marginals(compiled, case, nodes, heavy=True, max_entries=max_entries)

    summed = ask_by_reason(compiled, observed, {n: compiled.cards[n] for n in nodes}, ask)
    if summed is not None:
        return summed
    leaves = [n for n in dict.fromkeys(nodes) if n not in observed and _suits_events(compiled, n)]
    if engine_for(compiled, 1, heavy=heavy) is KERNEL:
        answer = kernel_marginals(
            compiled,
            observed,
            nodes=nodes,
            leaves=leaves,
            max_entries=limits.kernel_case if max_entries is None else max_entries,
        )
        if answer is not None:
            return answer
        return _with_leaves(compiled.with_engine("fast"), observed, nodes=nodes, leaves=leaves)
    if len(leaves) > limits.leaves_in_run and is_heavy(compiled, observed, nodes=nodes):
        return _with_leaves(compiled.with_engine("numpy"), observed, nodes=nodes, leaves=leaves)
    return interpreted_marginals(compiled, observed, nodes)


def is_quick(compiled: CompiledNetwork, observed: Observed, nodes: Sequence[int]) -> bool:
    """Whether posteriors of the nodes take a moment, so that a red flag may wait for them."""
    together = as_weights(compiled, observed)
    base = observed if together is None else together[0]
    return is_small(compiled, base, nodes=nodes, most=compiled.limits.quick_entries)


def _of_selected(
    compiled: CompiledNetwork, observed: Observed, nodes: Sequence[int]
) -> Marginals | None:
    """Posteriors of selected people with reasons as weights, in small runs; None where that is no use."""
    together = as_weights(compiled, observed)
    groups = None if together is None else small_groups(compiled, together[0], nodes=nodes)
    if groups is None:
        return None
    answers = [with_events(compiled, observed, [{}], nodes=group) for group in groups]
    posterior = {n: p for answer in answers for n, p in answer.posterior.items()}
    return Marginals(answers[0].log_evidence, {n: posterior[n] for n in nodes})


def _suits_events(compiled: CompiledNetwork, node: int) -> bool:
    """Whether a leaf may be answered by events, a row for each state but one.

    All states of a table fall out of one run: where it has many, as many rows are far more work.
    """
    noisy = isinstance(compiled.factors[node], NoisyFactor)
    return node in compiled.leaves and (noisy or compiled.cards[node] == 2)


def _with_leaves(
    compiled: CompiledNetwork, observed: Observed, *, nodes: Sequence[int], leaves: Sequence[int]
) -> Marginals:
    """Leaf marginals from cumulative events on their parents, all in one run.

    Non-leaf nodes go through the normal path. Leaves with a rare state are computed directly, as a
    difference keeps few of its digits.
    """
    limits = compiled.limits
    rest = marginals(
        compiled, observed, [n for n in nodes if n not in leaves] or [compiled.order[0]]
    )
    levels = [(n, level) for n in leaves for level in range(compiled.cards[n] - 1)]
    events = with_events(
        compiled,
        observed,
        [{n: level} for n, level in levels],
        nodes=[],
        over=[p for n in leaves for p in compiled.parents[n]],
    )
    with np.errstate(over="ignore", invalid="ignore"):  # NaN where the findings cannot occur
        at_most = np.exp(events.log_evidence - rest.log_evidence[0])
    posterior, begin = dict(rest.posterior), 0
    for n in leaves:
        end = begin + compiled.cards[n] - 1
        posterior[n] = np.diff(at_most[begin:end], prepend=0.0, append=1.0)[:, np.newaxis]
        begin = end
    again = [n for n in leaves if not (posterior[n] > limits.rare_leaf).all()]
    few = limits.leaves_in_run
    for k in range(0, len(again), few):
        posterior |= marginals(compiled, observed, again[k : k + few]).posterior
    return Marginals(rest.log_evidence, {n: posterior[n] for n in nodes})


def log_evidence(compiled: CompiledNetwork, observed: Observed, *, heavy: bool = False) -> Array:
    """Log P(evidence), (rows,); minus infinity where the findings cannot occur together.

    The rows are the network's parameter draws, or the rows of the evidence; one where there are
    neither. heavy: as in `marginals`. Raises TooLargeError.
    """
    if compiled.draws > 1:
        return draw_marginals(compiled, observed, nodes=[]).log_evidence

    together = as_weights(compiled, observed)
    if together is not None and is_small(compiled, together[0], nodes=[]):
        return with_events(compiled, observed, [{}], nodes=[]).log_evidence

    def ask(case: Observed) -> Marginals:
        return Marginals(log_evidence(compiled, case, heavy=True), {})

    summed = ask_by_reason(compiled, observed, {}, ask)
    if summed is not None:
        return summed.log_evidence
    one_case = all(isinstance(v, int) or v.shape[-1] == 1 for v in observed.values())
    engine = engine_for(compiled, 1, heavy=heavy)
    if engine is KERNEL and one_case:
        limits = compiled.limits
        entries = limits.kernel_worlds if heavy else limits.kernel_case
        batch = EvidenceBatch.of(compiled, [observed])
        return solve_all(engine, compiled, batch=batch, nodes=[], max_entries=entries).log_evidence
    return interpreted_marginals(compiled, observed, []).log_evidence


def log_evidence_or_nothing(compiled: CompiledNetwork, observed: Observed) -> Array:
    """Log P(evidence), (1,), with minus infinity also where plain doubles underflow.

    For a part of something likely: what the kernel does not see is no share of it.
    """

    def ask(case: Observed) -> Marginals:
        return Marginals(log_evidence_or_nothing(compiled, case), {})

    summed = ask_by_reason(compiled, observed, {}, ask) if compiled.draws == 1 else None
    if summed is not None:
        return summed.log_evidence
    if compiled.draws == 1 and engine_for(compiled, 1, heavy=True) is KERNEL:
        batch = EvidenceBatch.of(compiled, [observed])
        answer = KERNEL.solve(compiled, batch, [], max_entries=compiled.limits.kernel_worlds)
        if answer.answered[0]:
            return answer.marginals.log_evidence
        if not answer.outgrown[0]:
            return np.array([-np.inf])
    return log_evidence(compiled, observed, heavy=True)


def joint(compiled: CompiledNetwork, observed: Observed, nodes: Sequence[int]) -> Joint:
    """Joint posterior of a few different nodes in one case, always by the interpreted engine.

    The table has an axis for each node, in the order asked for, and then the rows. Where the
    evidence is impossible it is NaN. Raises TooLargeError.
    """
    summed = joint_by_reason(compiled, observed, lambda o: interpreted_joint(compiled, o, nodes))
    return interpreted_joint(compiled, observed, nodes) if summed is None else summed
