"""A table of patients with known diagnoses: findings, outcomes, subgroups, and what a network predicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from spinelink.errors import EvidenceError, SpinelinkError, UnknownNameError
from spinelink.inference.arrays import CompiledNetwork
from spinelink.network.evidence import is_missing
from spinelink.network.network import Network
from spinelink.table.cells import MISSING, TableFindings, as_table, read_table
from spinelink.table.engine import answer

Array = NDArray[np.float64]
MOST_GROUPS = 50  # values of one column of subgroups


@dataclass(frozen=True, eq=False)
class Outcomes:
    """findings: without the targets. outcomes: target -> 1, 0, or nan where not known, (patients,). events: target -> (node, states that count).

    groups: name -> which patients belong to it, (patients,). settings: each patient's, where a column says it.
    """

    findings: TableFindings
    outcomes: dict[str, Array]
    events: dict[str, tuple[str, tuple[int, ...]]]
    groups: dict[str, NDArray[np.bool_]]
    settings: Mapping[str, NDArray[np.intp]]

    @property
    def everybody(self) -> NDArray[np.bool_]:
        """All patients."""
        return np.ones(self.findings.rows, dtype=bool)

    def predictions(
        self, compiled: CompiledNetwork, *, threads: int | None = None
    ) -> dict[str, Array]:
        """P(target | findings) of each patient, nan where the findings cannot occur."""
        return self._predicted(compiled, self.findings, threads)

    def predictions_by_setting(
        self, compiled: Callable[[str], CompiledNetwork], *, threads: int | None = None
    ) -> dict[str, Array]:
        """The same, each patient in the setting of his own. compiled: the network in a setting."""
        found = {target: np.full(self.findings.rows, np.nan) for target in self.events}
        for setting, rows in self.settings.items():
            for target, p in self._predicted(
                compiled(setting), self.findings.part(rows), threads
            ).items():
                found[target][rows] = p
        return found

    def _predicted(
        self, compiled: CompiledNetwork, findings: TableFindings, threads: int | None
    ) -> dict[str, Array]:
        nodes = list(dict.fromkeys(node for node, _ in self.events.values()))
        of = answer(compiled, findings, nodes, threads=threads).of
        return {
            target: of[node][list(states)].sum(axis=0)
            for target, (node, states) in self.events.items()
        }


def read_outcomes(
    network: Network,
    frame: Any,
    *,
    target: str | Sequence[str] | None,
    by: str | Sequence[str],
    setting: str | None,
    keep: str | Sequence[str],
) -> Outcomes:
    """See `Model.evaluate`. Raises EvidenceError with row and column, UnknownNameError, SpinelinkError."""
    table = as_table(frame)
    if not len(table):
        raise SpinelinkError("the table has no row: there is nothing to evaluate")
    subgroups = [by] if isinstance(by, str) else list(by)
    left = [
        *([keep] if isinstance(keep, str) else keep),
        *([setting] if setting is not None else []),
    ]
    for column in (*left, *subgroups):
        if column not in table.columns:
            raise UnknownNameError(column, kind="column", allowed=table.columns, where="the table")
    events = _events(network, table, target)
    targets = list(dict.fromkeys(node for node, _ in events.values()))
    outside = [c for c in subgroups if c not in network.nodes]
    findings = read_table(
        network, table.drop(*targets), keep=[*left, *(c for c in outside if c not in left)]
    )
    truth = read_table(network, table.select(*targets)).hard
    outcomes = {
        name: np.where(truth[node] == MISSING, np.nan, np.isin(truth[node], states).astype(float))
        for name, (node, states) in events.items()
    }
    groups: dict[str, NDArray[np.bool_]] = {}
    for column in [*([setting] if setting is not None else []), *subgroups]:
        groups |= _groups(table, column)
    return Outcomes(findings, outcomes, events, groups, _settings(network, table, setting))


def _events(
    network: Network, table: nw.DataFrame[Any], target: str | Sequence[str] | None
) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Target -> its node, and the indices of the states that count as having it."""
    if target is None:
        names = [n for n in network.ranked if n in table.columns]
        if not names:
            raise SpinelinkError("no column of the table is a cause of the network; name a target")
    else:
        names = [target] if isinstance(target, str) else [str(t) for t in target]
        if not names:
            raise SpinelinkError("name a target")
    found = {}
    for name in names:
        node, sign, state = name.partition("=")
        if node not in network.nodes:
            raise UnknownNameError(
                node, kind="node", allowed=network.nodes, where=f"network {network.name!r}"
            )
        if node not in table.columns:
            raise UnknownNameError(
                node,
                kind="column",
                allowed=table.columns,
                where="the table: the outcome must be among its columns",
            )
        states = network.nodes[node].states
        if sign and state not in states:
            raise UnknownNameError(state, kind="state", allowed=states, where=f"node {node}")
        found[name] = (node, (states.index(state),) if sign else tuple(range(1, len(states))))
    return found


def _groups(table: nw.DataFrame[Any], column: str) -> dict[str, NDArray[np.bool_]]:
    values = table[column].to_list()
    distinct = list(dict.fromkeys(v for v in values if not is_missing(v)))
    if len(distinct) > MOST_GROUPS:
        raise SpinelinkError(
            f"column {column!r} has {len(distinct)} different values; subgroups are at most {MOST_GROUPS}."
        )
    return {
        f"{column}={v}": np.array([x == v for x in values], dtype=bool)
        for v in sorted(distinct, key=str)
    }


def _settings(
    network: Network, table: nw.DataFrame[Any], setting: str | None
) -> dict[str, NDArray[np.intp]]:
    if setting is None:
        return {}
    values = table[setting].to_list()
    for row, value in enumerate(values):
        if is_missing(value) or value not in network.settings:
            known = ", ".join(network.settings)
            raise EvidenceError(
                f"row {row}, column {setting!r}: {value!r} is no setting of network {network.name!r}; there are {known}."
            )
    return {
        str(s): np.array([k for k, v in enumerate(values) if v == s], dtype=np.intp)
        for s in dict.fromkeys(values)
    }
