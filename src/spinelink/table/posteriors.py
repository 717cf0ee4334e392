"""Posteriors of a table of patients, as a frame of the caller's own kind."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, get_args

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from spinelink.case import Model
from spinelink.errors import SpinelinkError, UnknownNameError
from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.kernel.flat import check_engine
from spinelink.network.network import Network
from spinelink.options import one_of, whole
from spinelink.progress import line_of_progress
from spinelink.table.cells import TableFindings, as_table, read_table
from spinelink.table.engine import Engine, TableAnswer, answer
from spinelink.table.impossible import impossible_row

Array = NDArray[np.float64]
OnImpossible = Literal["raise", "flag"]

CHUNK = 50_000
GROUPS = ("causes", "all", "evidence")
LOG_EVIDENCE = "log_evidence"


class Interrupted(SpinelinkError, KeyboardInterrupt):
    """Ctrl-C in the middle of a table.

    `finished` holds the answers of the rows before `rows`, as the caller's own kind of frame.
    """

    def __init__(self, finished: Any, *, rows: int, total: int) -> None:
        self.finished, self.rows, self.total = finished, rows, total
        super().__init__(f"interrupted after {rows:,} of {total:,} rows; they are in `finished`.")


def posteriors(
    model: Model,
    frame: Any,
    *,
    of: str | Sequence[str] = "causes",
    keep: str | Sequence[str] = (),
    chunk: int = CHUNK,
    threads: int | None = None,
    progress: bool | None = None,
    on_impossible: OnImpossible = "raise",
    engine: Engine | None = None,
    first_row: int = 0,
) -> Any:
    """Posteriors of a whole table of patients, exact, row by row.

    Args:
        model: the network.
        frame: pandas, polars or pyarrow; one row a patient, one column a node, with what
            `Case.observe` takes in its cells. A missing cell was not assessed. Columns `node=state`
            hold likelihoods of states (virtual evidence).
        of: "causes", "all", "evidence" (only P(findings)), or names of nodes.
        keep: columns that are no findings and are handed through.
        chunk: rows that are worked on before the next are begun.
        threads: how many; as many as cores, at most 8, where None.
        progress: show a progress bar; None: in a terminal only.
        on_impossible: "raise" names the row and its contradiction; "flag" gives NaN in such rows,
            and minus infinity as `log_evidence`.
        engine: in place of the model's own.
        first_row: the number of the first row, for messages.

    Returns:
        A frame of the caller's own kind, rows in their order (a pandas index is kept): the kept
        columns; for each node with two states P(its second state) under its name, else P(state)
        under `node=state`; and `log_evidence`, the natural logarithm of P(findings).

    Raises:
        EvidenceError: a cell is no finding; the error names row and column.
        UnknownNameError: a column or a node is not known.
        ImpossibleEvidenceError: a row cannot occur.
        Interrupted: Ctrl-C; it holds the finished chunks.

    Example:
        >>> import pandas as pd, spinelink as sl
        >>> frame = pd.DataFrame({"numbness": ["present", "absent", None]})
        >>> answer = sl.load("minimal").posteriors(frame)
        >>> list(answer.columns)[-1], len(answer)
        ('log_evidence', 3)
    """
    one_of(on_impossible, "on_impossible", get_args(OnImpossible))
    engine = model.engine if engine is None else engine
    check_engine(engine, get_args(Engine))
    chunk = whole(chunk, "chunk", least=1)
    threads = None if threads is None else whole(threads, "threads", least=1)
    network, compiled = model.network, model.compiled
    nodes = chosen_nodes(network, of)
    table = as_table(frame)
    kept = [keep] if isinstance(keep, str) else list(keep)
    for column in kept:
        if column not in table.columns:
            raise UnknownNameError(column, kind="column", allowed=table.columns, where="the table")
    findings = read_table(network, table, keep=kept, first_row=first_row)
    answers: list[TableAnswer] = []
    rows = 0
    try:
        for part in _progress(_chunks(findings, chunk), total=findings.rows, progress=progress):
            answered = answer(compiled, part, nodes, threads=threads, engine=engine)
            if on_impossible == "raise":
                _refuse_impossible(compiled, part, answered=answered, first_row=first_row + rows)
            answers.append(answered)
            rows += part.rows
    except KeyboardInterrupt:
        done = table.head(rows)
        finished = _frame(network, done, keep=kept, nodes=nodes, answers=answers)
        raise Interrupted(finished, rows=rows, total=findings.rows) from None
    return _frame(network, table, keep=kept, nodes=nodes, answers=answers)


def chosen_nodes(network: Network, of: str | Sequence[str]) -> list[str]:
    """Names of the nodes that are asked for.

    Args:
        network: the network.
        of: "causes" (those ranked), "all", "evidence" (none: only P(findings)), a name or names.

    Raises:
        UnknownNameError: the network has no such node.
    """
    if isinstance(of, str) and of in GROUPS:
        return list({"causes": network.ranked, "all": network.nodes, "evidence": ()}[of])
    names = [of] if isinstance(of, str) else [str(n) for n in of]
    for name in names:
        if name not in network.nodes:
            raise UnknownNameError(
                name,
                kind="node",
                allowed=network.nodes,
                where=f"network {network.name!r} (or one of {', '.join(GROUPS)})",
            )
    return list(dict.fromkeys(names))


def columns_of(network: Network, name: str) -> list[tuple[str, int]]:
    """The columns of a node's posterior, and the state that each is about.

    Of a node with two states the second, under the node's name; else each, under `node=state`.
    """
    states = network.nodes[name].states
    return (
        [(name, 1)]
        if len(states) == 2
        else [(f"{name}={state}", k) for k, state in enumerate(states)]
    )


def _chunks(findings: TableFindings, chunk: int) -> Iterator[TableFindings]:
    """So many rows at a time."""
    for start in range(0, findings.rows, chunk):
        yield findings.part(slice(start, start + chunk))


def _progress(
    parts: Iterator[TableFindings], *, total: int, progress: bool | None
) -> Iterator[TableFindings]:
    """The chunks, with a bar over the rows that are done."""
    hidden = not (progress if progress is not None else sys.stderr.isatty())
    with line_of_progress()(
        total=total, unit="row", unit_scale=True, disable=hidden, delay=0.0 if progress else 1.0
    ) as bar:
        for part in parts:
            yield part
            bar.update(part.rows)


def _refuse_impossible(
    compiled: CompiledNetwork, part: TableFindings, *, answered: TableAnswer, first_row: int
) -> None:
    """Raises ImpossibleEvidenceError for the first row of a chunk that cannot occur."""
    impossible = np.flatnonzero(np.isneginf(answered.log_evidence))
    if not len(impossible):
        return
    row, others = int(impossible[0]), len(impossible) - 1
    more = f"{others:,} more rows of this chunk are impossible too" if others else ""
    observed = part.observed(row, compiled.index)
    raise impossible_row(compiled, observed, row=first_row + row, more=more, instead="flag")


def _frame(
    network: Network,
    table: nw.DataFrame[Any],
    *,
    keep: Sequence[str],
    nodes: Sequence[str],
    answers: Sequence[TableAnswer],
) -> Any:
    """The kept columns and the answers as a frame of the table's own kind."""

    def joined(parts: Iterable[Array]) -> Array:
        return np.concatenate([*parts]) if answers else np.empty(0)

    columns: dict[str, Any] = {
        column: joined(a.of[name][state] for a in answers)
        for name in nodes
        for column, state in columns_of(network, name)
    }
    columns[LOG_EVIDENCE] = joined(a.log_evidence for a in answers)
    clash = sorted(set(keep) & set(columns))
    if clash:
        raise SpinelinkError(f"column {clash[0]!r} is both kept and an answer; rename it.")
    frame = nw.from_dict(columns, backend=nw.get_native_namespace(table))
    if table.implementation.is_pandas():
        patients, native = table.to_native(), frame.to_native()
        native.index = patients.index
        for position, column in enumerate(keep):
            native.insert(position, column, patients[column].array)
        return native
    if not keep:
        return frame.to_native()
    return nw.concat([table.select(*keep), frame], how="horizontal").to_native()
