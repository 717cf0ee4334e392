"""Simulated patients of whom a part is known, and the red flags that fire on each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from spinelink.network.network import Network
from spinelink.query.alerts import URGENCIES, fired_rules

if TYPE_CHECKING:
    import pandas as pd

Known = Literal["history", "examination", "all"]
Flags = NDArray[np.bool_]
"""Of patients, (patients,)."""

STAGES: Mapping[Known, frozenset[str]] = {
    "history": frozenset({"context", "symptom"}),
    "examination": frozenset({"context", "symptom", "sign"}),
    "all": frozenset({"context", "symptom", "sign", "test", "other"}),
}
"""Roles of the nodes that are entered at each stage."""


@dataclass(frozen=True, eq=False)
class Patients:
    """Simulated patients, of whom a part is known.

    frame: one row a patient, one column a node. known: what is entered of each.
    """

    network: Network
    frame: pd.DataFrame
    known: Known

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def entered(self) -> pd.DataFrame:
        """The findings that are known."""
        roles, nodes = STAGES[self.known], self.network.nodes
        return self.frame[[n for n in self.frame.columns if nodes[n].role in roles]]

    def has(self, cause: str) -> Flags:
        """Who has a cause: whose state is not the first."""
        return np.asarray(self.frame[cause].cat.codes.to_numpy() > 0)

    def has_any(self, urgency: str) -> Flags:
        """Who has a cause of that urgency or worse."""
        worse, nodes = at_least(urgency), self.network.nodes
        causes = (self.has(n) for n in self.network.ranked if nodes[n].urgency in worse)
        return any_of(causes, len(self))

    @cached_property
    def fired(self) -> dict[str, Flags]:
        """By rule, on whom it fires."""
        entered = self.entered
        states = {n: entered[n].cat.codes.to_numpy() for n in entered.columns}
        return fired_rules(self.network, states, patients=len(self))

    def alerted(self, urgency: str) -> Flags:
        """Who has an alert of at least that urgency."""
        worse, rules = at_least(urgency), self.network.alerts
        fired = (flags for name, flags in self.fired.items() if rules[name].urgency in worse)
        return any_of(fired, len(self))

    def those(self, flags: Flags) -> Patients:
        """The patients of whom something is true."""
        return replace(self, frame=self.frame[flags])

    def first(self, count: int) -> Patients:
        """The first of them."""
        return replace(self, frame=self.frame.iloc[:count])

    def joined(self, others: Patients) -> Patients:
        """These and others."""
        import pandas as pd

        return replace(self, frame=pd.concat([self.frame, others.frame], ignore_index=True))


def at_least(urgency: str) -> tuple[str, ...]:
    """That urgency and worse ones."""
    return URGENCIES[: URGENCIES.index(urgency) + 1]


def any_of(several: Iterable[Flags], patients: int) -> Flags:
    """Of whom any of several things is true; of nobody where there is none."""
    return np.asarray(np.any([np.zeros(patients, dtype=bool), *several], axis=0))
