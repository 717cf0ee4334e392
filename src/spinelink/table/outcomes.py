"""Tables of patients with known diagnoses: findings, outcomes, subgroups, predictions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from spinelink.errors import EvidenceError, SpinelinkError, UnknownNameError
from spinelink.inference.arrays import CompiledNetwork
from spinelink.network.evidence import is_mark_of_missing, is_missing
from spinelink.network.network import Network
from spinelink.network.search import among, unknown_node
from spinelink.options import text_list
from spinelink.table.cells import MISSING, TableFindings, as_table, read_table, with_node_names
from spinelink.table.engine import answer

Array = NDArray[np.float64]
MOST_GROUPS = 50
"""Values of one column of subgroups."""


@dataclass(frozen=True, eq=False)
class Outcomes:
    """A table of patients with known diagnoses.

    Attributes:
        findings: without the targets.
        outcomes: target -> 1, 0, or NaN where not known, (patients,).
        events: target -> its node, and the states that count as having it.
        groups: name -> which patients belong to it, (patients,).
        settings: setting -> its patients, where a column says it.
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
        """P(target | findings) of each patient, NaN where the findings cannot occur."""
        return self._predicted(compiled, self.findings, threads=threads)

    def predictions_by_setting(
        self, compiled: Callable[[str], CompiledNetwork], *, threads: int | None = None
    ) -> dict[str, Array]:
        """The same, each patient in the setting of his own. compiled: the network in a setting."""
        predictions = {target: np.full(self.findings.rows, np.nan) for target in self.events}
        for setting, rows in self.settings.items():
            part = self.findings.part(rows)
            for target, p in self._predicted(compiled(setting), part, threads=threads).items():
                predictions[target][rows] = p
        return predictions

    def _predicted(
        self, compiled: CompiledNetwork, findings: TableFindings, *, threads: int | None
    ) -> dict[str, Array]:
        nodes = list(dict.fromkeys(node for node, _ in self.events.values()))
        of = answer(compiled, findings, nodes=nodes, threads=threads).posterior
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
    """The findings and outcomes of a table.

    Args:
        network: the network.
        frame: one row a patient.
        target: a node, `node=state`, or several; every ranked cause that is a column where None.
        by: columns whose values are subgroups.
        setting: a column with each patient's setting.
        keep: columns that are no findings.

    Raises:
        EvidenceError: a cell is no finding; the error names row and column.
        UnknownNameError: a column, node, state or setting is not known.
        SpinelinkError: there is no row, or no target.
    """
    table = as_table(frame)
    if not len(table):
        raise SpinelinkError("the table has no row: there is nothing to evaluate")
    what = "the name of a column, or a list of names"
    in_column = [] if setting is None else text_list([setting], "setting", what="a column")
    left = [*text_list(keep, "keep", what=what), *in_column]
    table = with_node_names(network, table, keep=left)
    by = text_list(by, "by", what=what)
    subgroups = [c if c in table.columns else among(network.nodes, c) or c for c in by]
    for column in (*left, *subgroups):
        if column not in table.columns:
            raise UnknownNameError(column, kind="column", allowed=table.columns, where="the table")
    events = _events(network, table, target=target)
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
    for column in [*in_column, *subgroups]:
        groups |= _groups(table, column)
    return Outcomes(findings, outcomes, events, groups, _settings(network, table, column=setting))


def _events(
    network: Network, table: nw.DataFrame[Any], *, target: str | Sequence[str] | None
) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Target -> its node, and the indices of the states that count as having it."""
    if target is None:
        names = [n for n in network.ranked if n in table.columns]
        if not names:
            raise SpinelinkError("no column of the table is a cause of the network; name a target")
    else:
        names = text_list(target, "target")
        if not names:
            raise SpinelinkError("target is empty; name a node, or several.")
    found = {}
    for name in names:
        given, sign, state = name.partition("=")
        node = among(network.nodes, given)
        if node is None:
            raise unknown_node(network, given)
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
    """`column=value` -> which patients have it, (patients,)."""
    values = table[column].to_list()
    distinct = list(
        dict.fromkeys(
            v
            for v in values
            if not is_missing(v) and not (isinstance(v, str) and is_mark_of_missing(v))
        )
    )
    if len(distinct) > MOST_GROUPS:
        raise SpinelinkError(
            f"column {column!r} has {len(distinct)} different values; "
            f"subgroups are at most {MOST_GROUPS}."
        )
    return {
        f"{column}={v}": np.array([x == v for x in values], dtype=bool)
        for v in sorted(distinct, key=str)
    }


def _settings(
    network: Network, table: nw.DataFrame[Any], *, column: str | None
) -> dict[str, NDArray[np.intp]]:
    """The rows of each setting that the column names; none without such a column."""
    if column is None:
        return {}
    values = table[column].to_list()
    for row, value in enumerate(values):
        if is_missing(value) or value not in network.settings:
            known = ", ".join(network.settings)
            raise EvidenceError(
                f"row {row}, column {column!r}: {value!r} is no setting of network "
                f"{network.name!r}; there are {known}."
            )
    return {
        str(s): np.array([k for k, v in enumerate(values) if v == s], dtype=np.intp)
        for s in dict.fromkeys(values)
    }
