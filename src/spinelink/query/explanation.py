"""The most probable explanation as an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from spinelink.model.network import Network
from spinelink.result import Result

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class MostProbableExplanation(Result):
    """The single most probable joint state of the nodes not observed. log_probability: log P(states | evidence)."""

    states: tuple[tuple[str, str], ...]
    log_probability: float
    network: Network

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

        rows = [(n, self.network.nodes[n].role, self.network.nodes[n].label, s) for n, s in self.states]
        return pd.DataFrame(rows, columns=["node", "role", "label", "state"])

    def title(self) -> str:
        return f"{self.question}\nP(this explanation | findings) = exp({self.log_probability:.3f})"
