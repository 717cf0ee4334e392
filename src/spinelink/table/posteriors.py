"""`model.posteriors(frame)`: a table of patients in, a table of posteriors out, of the caller's own kind."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any, Literal, get_args

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from spinelink.case import Model
from spinelink.errors import ImpossibleEvidenceError, SpinelinkError, UnknownNameError
from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.contradiction import smallest_contradiction
from spinelink.inference.engine import check_engine
from spinelink.network.evidence import describe
from spinelink.network.network import Network
from spinelink.network.search import unknown_node
from spinelink.options import flag_or_none, one_of, text_list, threads_or_none, whole
from spinelink.progress import line_of_progress
from spinelink.table.cells import TableFindings, as_table, read_table
from spinelink.table.engine import TableAnswer, answer
from spinelink.typing import EngineChoice

Array = NDArray[np.float64]
OnImpossible = Literal["raise", "flag"]

CHUNK = 50_000
GROUPS = ("causes", "all", "evidence")
LOG_EVIDENCE = "log_evidence"
COLUMNS = "the name of a column, or a list of names"


class Interrupted(SpinelinkError, KeyboardInterrupt):
    """Ctrl-C in the middle of a table: `finished` holds the answers of the rows before `rows`, of the caller's kind of frame."""

    def __init__(self, finished: Any, rows: int, total: int) -> None:
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
    engine: EngineChoice | None = None,
    first_row: int = 0,
) -> Any:
    """Posteriors of a whole table of patients, exact, row by row.

    Args:
        model: the network.
        frame: pandas, polars or pyarrow; one row a patient, one column a node, with what
            `Case.observe` takes in its cells. A missing cell, or a mark of missing data, was not
            assessed. Columns `node=state` hold likelihoods of states (virtual evidence).
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
    check_engine(engine)
    chunk = whole(chunk, "chunk", least=1)
    threads = threads_or_none(threads)
    progress = flag_or_none(progress, "progress")
    first_row = whole(first_row, "first_row", meaning="the number of the first row")
    network, compiled = model.network, model.compiled
    nodes = chosen_nodes(network, of)
    table = as_table(frame)
    kept = text_list(keep, "keep", what=COLUMNS)
    for column in kept:
        if column not in table.columns:
            raise UnknownNameError(column, kind="column", allowed=table.columns, where="the table")
    findings = read_table(network, table, keep=kept, first_row=first_row)
    answers: list[TableAnswer] = []
    rows = 0
    try:
        for part in _progress(_chunks(findings, chunk), findings.rows, progress=progress):
            answered = answer(compiled, part, nodes=nodes, threads=threads, engine=engine)
            if on_impossible == "raise":
                _refuse_impossible(
                    network, compiled, part=part, found=answered, first=first_row + rows
                )
            answers.append(answered)
            rows += part.rows
    except KeyboardInterrupt:
        finished = _frame(network, table.head(rows), kept, nodes, answers)
        raise Interrupted(finished, rows, findings.rows) from None
    return _frame(network, table, kept, nodes, answers)


def chosen_nodes(network: Network, of: str | Sequence[str]) -> list[str]:
    """Names of the nodes that are asked for: "causes" (those ranked), "all", "evidence" (none: only P(findings)), a name or names."""
    if isinstance(of, str) and of in GROUPS:
        return list({"causes": network.ranked, "all": network.variables, "evidence": ()}[of])
    names = text_list(of, "of", what=f"one of {', '.join(GROUPS)}, or names of nodes")
    for name in names:
        if name not in network.nodes:
            raise unknown_node(network, name, where=f" (or one of {', '.join(GROUPS)})")
    return list(dict.fromkeys(names))


def columns_of(network: Network, name: str) -> list[tuple[str, int]]:
    """The columns of a node's posterior and the state of each: its own name where there are two states (the second), else `node=state`."""
    states = network.nodes[name].states
    return (
        [(name, 1)]
        if len(states) == 2
        else [(f"{name}={state}", k) for k, state in enumerate(states)]
    )


def _chunks(findings: TableFindings, chunk: int) -> Iterator[TableFindings]:
    for start in range(0, findings.rows, chunk):
        yield findings.part(slice(start, start + chunk))


def _progress(
    parts: Iterator[TableFindings], rows: int, *, progress: bool | None
) -> Iterator[TableFindings]:
    hidden = not (progress if progress is not None else sys.stderr.isatty())
    with line_of_progress()(
        total=rows, unit="row", unit_scale=True, disable=hidden, delay=0.0 if progress else 1.0
    ) as bar:
        for part in parts:
            yield part
            bar.update(part.rows)


def _refuse_impossible(
    network: Network,
    compiled: CompiledNetwork,
    *,
    part: TableFindings,
    found: TableAnswer,
    first: int,
) -> None:
    impossible = np.flatnonzero(np.isneginf(found.log_evidence))
    if not len(impossible):
        return
    row = int(impossible[0])
    hard = {compiled.index[n]: int(c[row]) for n, c in part.hard.items() if c[row] >= 0}
    soft = {
        compiled.index[n]: w[:, row : row + 1]
        for n, w in part.soft.items()
        if not np.isnan(w[0, row])
    }
    guilty = smallest_contradiction(compiled, {**hard, **soft})
    texts = []
    for i in guilty:
        states = compiled.states[i]
        finding = (
            states[hard[i]]
            if i in hard
            else tuple((s, float(v)) for s, v in zip(states, soft[i][:, 0], strict=True))
        )
        texts.append(describe(compiled.names[i], finding))
    more = (
        f" ({len(impossible) - 1:,} more rows of this chunk are impossible too)"
        if len(impossible) > 1
        else ""
    )
    cannot = "cannot occur together" if len(texts) > 1 else "cannot occur in this network"
    raise ImpossibleEvidenceError(
        f"row {first + row}: {', '.join(texts)} {cannot}{more}. Correct the row, or say on_impossible='flag'.",
        findings=texts,
    )


def _frame(
    network: Network,
    table: nw.DataFrame[Any],
    keep: Sequence[str],
    nodes: Sequence[str],
    done: Sequence[TableAnswer],
) -> Any:
    columns: dict[str, Any] = {}
    for name in nodes:
        for column, state in columns_of(network, name):
            columns[column] = (
                np.concatenate([d.posterior[name][state] for d in done]) if done else np.empty(0)
            )
    columns[LOG_EVIDENCE] = np.concatenate([d.log_evidence for d in done]) if done else np.empty(0)
    clash = sorted(set(keep) & set(columns))
    if clash:
        raise SpinelinkError(f"column {clash[0]!r} is both kept and an answer; rename it.")
    answers = nw.from_dict(columns, backend=nw.get_native_namespace(table))
    if table.implementation.is_pandas():
        patients, found = table.to_native(), answers.to_native()
        found.index = patients.index
        for position, column in enumerate(keep):
            found.insert(position, column, patients[column])
        return found
    if not keep:
        return answers.to_native()
    return nw.concat([table.select(*keep), answers], how="horizontal").to_native()
