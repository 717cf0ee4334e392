"""A table's cells as findings.

Each distinct value is checked once. An error names row and column.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from spinelink.case import Model
from spinelink.errors import EvidenceError, SpinelinkError, UnknownNameError, did_you_mean, shown
from spinelink.inference.findings import EvidenceBatch, hidden_rows
from spinelink.inference.gradient.counts import TrainingRows
from spinelink.network.evidence import is_missing, read_finding
from spinelink.network.network import Network
from spinelink.network.search import among, meant
from spinelink.options import text_list
from spinelink.table.likelihoods import numbers_of, read_likelihoods

MISSING = -1
"""In place of the index of a state: not assessed."""
Codes = NDArray[np.int64]
Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TableFindings:
    """The findings of a table of patients.

    Attributes:
        rows: how many.
        hard: node -> the index of its state in each row, -1 where not assessed.
        soft: node -> likelihoods, (states, rows), NaN where not assessed.
    """

    rows: int
    hard: dict[str, Codes]
    soft: dict[str, Array]

    def part(self, rows: slice | NDArray[np.intp]) -> TableFindings:
        """Some of the rows."""
        hard = {n: c[rows] for n, c in self.hard.items()}
        soft = {n: w[:, rows] for n, w in self.soft.items()}
        count = len(range(*rows.indices(self.rows))) if isinstance(rows, slice) else len(rows)
        return TableFindings(count, hard, soft)

    def observed(self, row: int, index: Mapping[str, int]) -> dict[int, int | Array]:
        """One row as evidence, by the index of the node; likelihoods are (states, 1)."""
        observed: dict[int, int | Array] = {
            index[n]: int(states[row]) for n, states in self.hard.items() if states[row] >= 0
        }
        return observed | {
            index[n]: w[:, row : row + 1] for n, w in self.soft.items() if not np.isnan(w[0, row])
        }


def as_table(frame: Any) -> nw.DataFrame[Any]:
    """The caller's frame, whatever its kind.

    Raises:
        SpinelinkError: it is no table.
        EvidenceError: two of its columns have one name, or the name of one is no text.
    """
    _require_names(frame)
    try:
        table: nw.DataFrame[Any] = nw.from_native(frame, eager_only=True)
    except TypeError:
        kind = f"{type(frame).__module__.split('.')[0]}.{type(frame).__qualname__}"
        raise SpinelinkError(
            "a table of patients is a pandas, polars or pyarrow frame with one row a patient, "
            f"not a {kind}."
        ) from None
    return table


def _require_names(frame: Any) -> None:
    """Raises EvidenceError unless every column has a name of its own, and each is a text."""
    labels = getattr(frame, "column_names", None)  # of pyarrow
    schema = getattr(frame, "collect_schema", None)  # polars; a LazyFrame warns of `.columns`
    if labels is None and callable(schema):
        labels = schema().names()
    labels = getattr(frame, "columns", ()) if labels is None else labels
    if not isinstance(labels, Iterable):
        return
    labels = list(labels)
    for label in labels:
        if not isinstance(label, str):
            raise EvidenceError(
                f"column {shown(label)}: names of columns are texts, not a {type(label).__name__}; "
                'rename it, as frame.columns = ["numbness", ...].'
            )
    for name in sorted({n for n in labels if labels.count(n) > 1}):
        raise EvidenceError(
            f"column {name!r} stands in the table {labels.count(name)} times; drop or rename one."
        )


def read_table(
    network: Network, frame: nw.DataFrame[Any], *, keep: Sequence[str] = (), first_row: int = 0
) -> TableFindings:
    """Every cell of the table as a finding.

    A column is a node, with what `Case.observe` takes in its cells. Or it is `node=state` with the
    likelihood of that state (virtual evidence). Every state needs a column, but for one of two
    states, which gets the rest to 1. Marks of missing data are cells that were not assessed.
    A public code may stand for a node.

    Args:
        network: the network.
        frame: one row a patient.
        keep: columns that are no findings.
        first_row: the number of the first row, for messages.

    Raises:
        EvidenceError: a column or a value cannot be understood; the error names column and row.
    """
    hard: dict[str, Codes] = {}
    likelihoods: dict[str, dict[str, str]] = {}
    whole: dict[str, str] = {}
    for column in frame.columns:
        if column in keep:
            continue
        _, sign, state = column.partition("=")
        node = _node_of(network, column)
        if node is None:
            raise EvidenceError(_unknown_column(network, column))
        twice = likelihoods.get(node, {}).get(state) if sign else whole.get(node)
        if twice is not None:
            raise EvidenceError(f"{node} is given twice: as columns {twice!r} and {column!r}.")
        if not sign:
            whole[node] = column
            hard[node] = _states(network, node, series=frame[column], first_row=first_row)
            continue
        states = network.nodes[node].states
        if state not in states:
            raise EvidenceError(
                f"column {column!r}: {node} has no state {state!r}; "
                f"there are {', '.join(states)}.{did_you_mean(state, states)}"
            )
        likelihoods.setdefault(node, {})[state] = column
    for node in sorted(set(hard) & set(likelihoods)):
        columns = list(likelihoods[node].values())
        raise EvidenceError(
            f"{node} is given twice: as column {whole[node]!r} and as likelihoods {columns}."
        )
    soft = {
        node: read_likelihoods(
            node, network.nodes[node].states, columns=columns, frame=frame, first=first_row
        )
        for node, columns in likelihoods.items()
    }
    return TableFindings(len(frame), hard, soft)


def with_node_names(
    network: Network, frame: nw.DataFrame[Any], *, keep: Sequence[str]
) -> nw.DataFrame[Any]:
    """A table whose columns are named by nodes wherever a public code stood for one.

    Args:
        network: the network.
        frame: one row a patient.
        keep: columns that stay as they are.

    Raises:
        EvidenceError: a code is that of several nodes, or a node has two columns.
    """
    names: dict[str, str] = {}
    for column in frame.columns:
        _, sign, state = column.partition("=")
        node = None if column in keep else _node_of(network, column)
        new = column if node is None else f"{node}{sign}{state}"
        if new in names:
            raise EvidenceError(f"{new} is given twice: as columns {names[new]!r} and {column!r}.")
        names[new] = column
    return frame.rename({old: new for new, old in names.items() if new != old})


def _node_of(network: Network, column: str) -> str | None:
    """The node that a column names, or gives the code of. Raises EvidenceError if several have it."""
    try:
        return among(network.nodes, column.partition("=")[0])
    except EvidenceError as error:
        raise EvidenceError(f"column {column!r}: {error}") from None


def _unknown_column(network: Network, column: str) -> str:
    found = meant(network, column)
    near = f" Did you mean {' or '.join(found)}?" if found else ""
    return (
        f"column {column!r} is no node of network {network.name!r}.{near} "
        "A column that is no finding is named in `keep`, or dropped."
    )


def _states(network: Network, node: str, *, series: nw.Series[Any], first_row: int) -> Codes:
    """The state of the node in every row, by index. Each distinct cell is read once."""
    column = series.name
    states = {s: k for k, s in enumerate(network.nodes[node].states)}
    distinct: Sequence[Any] | NDArray[Any]
    if _is_number(series):  # np.unique takes all NaN as one
        distinct, inverse = np.unique(series.to_numpy(), return_inverse=True)
    else:
        distinct, inverse = _distinct(series.to_list())
        _refuse_plus_and_minus(column, distinct, states=list(states))
    indices = np.empty(len(distinct), dtype=np.int64)
    for k, value in enumerate(distinct):
        try:
            finding = read_finding(network, node, _plain(value))
            if finding is not None and not isinstance(finding, str):
                raise EvidenceError(f"likelihoods go into columns '{node}=state'.")
        except SpinelinkError as problem:
            row = first_row + int(np.flatnonzero(inverse == k)[0])
            raise EvidenceError(f"row {row}, column {column!r}: {problem}") from None
        indices[k] = MISSING if finding is None else states[finding]
    return indices[inverse] if len(indices) else np.empty(0, dtype=np.int64)


def _refuse_plus_and_minus(column: str, distinct: Sequence[Any], *, states: Sequence[str]) -> None:
    """Raises for a column with `+` and `-`: there `-` hardly means that nothing was assessed."""
    cells = {v.strip() for v in distinct if isinstance(v, str)}
    if {"+", "-"} <= cells and not {"+", "-"} & set(states):
        raise EvidenceError(
            f"column {column!r} holds '+' and '-', and '-' is a mark of missing data; "
            f"write {' and '.join(states[:2])}, and leave empty what was not assessed."
        )


def _is_number(series: nw.Series[Any]) -> bool:
    return series.dtype.is_numeric() and not series.is_null().any()


def _plain(value: Any) -> Any:
    """A NumPy number as Python's own."""
    return value.item() if isinstance(value, np.generic) else value


def _distinct(values: Iterable[Any]) -> tuple[list[Any], NDArray[np.intp]]:
    """Distinct cells by type and value (True is not 1), and where each stands."""
    observed: dict[tuple[type, Any], int] = {}
    distinct: list[Any] = []
    places = []
    for value in values:
        missing = is_missing(value)
        key = (type(None), None) if missing else (type(value), _hashable(value))
        if key not in observed:
            observed[key] = len(distinct)
            distinct.append(None if missing else value)
        places.append(observed[key])
    return distinct, np.array(places, dtype=np.intp)


def _hashable(value: Any) -> Any:
    try:
        hash(value)
    except TypeError:
        return repr(value)
    return value


def read_patients(
    model: Model,
    frame: Any,
    *,
    keep: str | Sequence[str] = (),
    weights: str | None = None,
) -> tuple[TrainingRows, list[int]]:
    """A table of patients to learn from. Identical rows are merged.

    Args:
        model: the network.
        frame: as in `Model.posteriors`.
        keep: columns that are no findings.
        weights: a column with how many patients each row stands for.

    Returns:
        The merged rows, and for each the number, from 0, of its first occurrence in the table.

    Raises:
        EvidenceError: a cell is no finding; the error names row and column.
        UnknownNameError: `keep` or `weights` names no column.
        SpinelinkError: it is no table, or there is nothing in it to learn from.
    """
    table = as_table(frame)
    others = text_list(keep, "keep", what="the name of a column, or a list of names")
    others += (
        text_list([weights], "weights", what="the name of a column") if weights is not None else []
    )
    for column in others:
        if column not in table.columns:
            raise UnknownNameError(column, kind="column", allowed=table.columns, where="the table")
    if not len(table):
        raise SpinelinkError("the table has no row: there is nothing to learn from")
    findings = read_table(model.network, table, keep=others)
    if not findings.hard and not findings.soft:
        raise SpinelinkError(
            "no column of the table is a node of the network: there is nothing to learn from."
        )
    index = model.compiled.index
    states = hidden_rows(model.compiled, findings.rows)
    for name, column_states in findings.hard.items():
        states[:, index[name]] = column_states
    patients = np.ones(findings.rows) if weights is None else _weights(table, weights)
    if not patients.sum() > 0.0:
        raise SpinelinkError(
            f"all weights in column {weights!r} are 0: there is nobody to learn from."
        )
    if findings.soft:  # likelihoods are hardly ever equal: nothing is merged
        soft = {index[n]: w for n, w in findings.soft.items()}
        return TrainingRows(EvidenceBatch(states, soft), patients), list(range(findings.rows))
    return _merged(states, patients)


def _merged(states: Codes, patients: Array) -> tuple[TrainingRows, list[int]]:
    """Identical rows merged, with the number of the first of each."""
    used = np.flatnonzero((states != MISSING).any(axis=0))
    packed = np.ascontiguousarray(states[:, used].astype(np.int16))
    if not packed.shape[1]:
        return TrainingRows(EvidenceBatch(states[:1]), np.array([patients.sum()])), [0]
    _, first, inverse = np.unique(
        packed.view(np.dtype((np.void, 2 * packed.shape[1])))[:, 0],
        return_index=True,
        return_inverse=True,
    )
    sums = np.bincount(inverse, weights=patients, minlength=len(first)).astype(float)
    return TrainingRows(EvidenceBatch(states[first]), sums), first.tolist()


def _weights(table: nw.DataFrame[Any], column: str) -> Array:
    """How many patients each row stands for, (rows,)."""
    weights = numbers_of(table[column], column, what="weights")
    bad = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0.0)))
    if len(bad):
        raise EvidenceError(
            f"row {int(bad[0])}, column {column!r}: a weight is a number, 0 or more, "
            f"not {weights[bad[0]]}."
        )
    return weights
