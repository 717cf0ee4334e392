"""The most probable explanation as an answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING

from spinelink.case import Case
from spinelink.errors import EvidenceError, SpinelinkError
from spinelink.inference.variants.most_probable import explanations
from spinelink.network.network import Network
from spinelink.network.node import OBSERVABLE
from spinelink.options import whole
from spinelink.query.posterior import joint
from spinelink.result import Result

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class MostProbableExplanation(Result):
    """The most probable joint state of the nodes that are not observed.

    log_probability: log P(states | evidence). others: the next best, with theirs.
    """

    states: tuple[tuple[str, str], ...]
    log_probability: float
    network: Network
    others: tuple[tuple[tuple[tuple[str, str], ...], float], ...] = ()

    def __getitem__(self, node: str) -> str:
        return dict(self.states)[node]

    @property
    def active(self) -> dict[str, str]:
        """The nodes that are not in their first state: what is present in this explanation."""
        return {n: s for n, s in self.states if s != self.network.nodes[n].states[0]}

    def to_frame(self) -> pd.DataFrame:
        """Columns: node, role, label, state."""
        import pandas as pd

        rows = [
            (n, self.network.nodes[n].role, self.network.nodes[n].label, s) for n, s in self.states
        ]
        return pd.DataFrame(rows, columns=["node", "role", "label", "state"])

    def title(self) -> str:
        """What stands above the table."""
        return f"{self.question}\nP(this explanation | findings) = exp({self.log_probability:.3f})"


def most_probable_explanation(
    case: Case, *, over: str | Iterable[str] | None = None, best: int = 1
) -> MostProbableExplanation:
    """The single most probable state of all nodes together, given the findings.

    Args:
        case: the findings.
        over: only of these nodes, all others summed out (marginal maximum a posteriori, exact; for
            a handful of nodes). Where None, of all nodes but findings that were not assessed; of
            selected people, together with the reason for which they came.
        best: how many explanations; the next best are in `.others`.

    Returns:
        States by node, and log P(these states | evidence).

    Raises:
        UnknownNameError: a node is not known.
        EvidenceError: a node of `over` is observed.
        TooLargeError: the search does not fit into memory.
        ImpossibleEvidenceError: the findings cannot occur together.

    Source:
        Pearl 1988, Probabilistic Reasoning in Intelligent Systems; Dechter and Rish 2003 (bounds).

    Example:
        >>> import spinelink as sl
        >>> case = sl.load("minimal").observe(
        ...     leg_pain="below_knee", numbness=True, crossed_straight_leg_raise=True
        ... )
        >>> case.most_probable_explanation()["lumbar_disc_herniation"]
        'present'
    """
    best = whole(best, "best", least=1, meaning="how many explanations")
    model = case.model
    if over is not None:
        return _best_of_joint(case, list(dict.fromkeys(model.names(over))), best=best)
    question = case.question(best=best)
    compiled = model.compiled
    unasked = OBSERVABLE - {"context", "other"} | {"selection"}
    ignored = [compiled.index[n] for n, node in model.nodes.items() if node.role in unasked]
    ignored += compiled.fits
    found = explanations(compiled, case.observed, best=best, ignore=ignored)
    named = [
        (tuple((compiled.names[i], compiled.states[i][s]) for i, s in sorted(states.items())), log)
        for states, log in found
    ]
    return MostProbableExplanation(question, *named[0], model.network, tuple(named[1:]))


def _best_of_joint(case: Case, names: list[str], *, best: int) -> MostProbableExplanation:
    """The most probable combinations of a joint posterior; ties in the order of the states."""
    for name in names:
        if case.is_observed(name):
            raise EvidenceError(f"{name} is observed: it needs no explanation.")
    if not names:
        raise SpinelinkError("name one or more nodes to explain")
    table = joint(case, names)
    ranked = []
    for k in (-table.to_numpy()).argsort(kind="stable")[:best]:
        label = table.index[k]
        states = label if isinstance(label, tuple) else (label,)
        if (p := float(table.iloc[k])) > 0.0:
            ranked.append((tuple(zip(names, map(str, states), strict=True)), log(p)))
    question = case.question(over=tuple(names), best=best)
    network, others = case.model.network, tuple(ranked[1:])
    return MostProbableExplanation(question, *ranked[0], network, others)
