"""The most probable explanation as an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING

from spinelink.network.network import Network
from spinelink.network.question import Question
from spinelink.result import Result

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class MostProbableExplanation(Result):
    """The single most probable joint state of the nodes not observed. log_probability: log P(states | evidence).

    others: the next best, each with its log probability, where they were asked for.
    """

    states: tuple[tuple[str, str], ...]
    log_probability: float
    network: Network
    others: tuple[tuple[tuple[tuple[str, str], ...], float], ...] = ()

    def __getitem__(self, node: str) -> str:
        return dict(self.states)[node]

    def to_dict(self) -> dict[str, str]:
        """Node -> state."""
        return dict(self.states)

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
        return f"{self.question}\nP(this explanation | findings) = exp({self.log_probability:.3f})"


def best_of_joint(
    question: Question, joint: pd.Series[float], names: Sequence[str], network: Network, best: int
) -> MostProbableExplanation:
    """The most probable combinations of a joint posterior, fewer where so many are not possible; ties in the order of the states."""
    found = []
    for k in (-joint.to_numpy()).argsort(kind="stable")[:best]:
        label = joint.index[k]
        states = label if isinstance(label, tuple) else (label,)
        if (p := float(joint.iloc[k])) > 0.0:
            found.append((tuple(zip(names, map(str, states), strict=True)), log(p)))
    return MostProbableExplanation(question, found[0][0], found[0][1], network, tuple(found[1:]))
