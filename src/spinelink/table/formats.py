"""Frames read from and written to CSV and Parquet files."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spinelink.files import whole_file
from spinelink.table.csv_text import read_rows
from spinelink.table.errors import BatchError, UnreadableError

KINDS = {".csv": "csv", ".parquet": "parquet", ".pq": "parquet"}
"""What a file is, by the end of its name."""


def kind_of(path: Path) -> str:
    """The format of a file by its name: csv or parquet. Raises BatchError for another."""
    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        raise BatchError(
            f"{path}: the name must end in .csv or .parquet, which says what the file is."
        )
    return kind


def read_frames(source: Path, chunk: int) -> Iterator[Any]:
    """Frames of exactly `chunk` rows, the last one shorter.

    One empty frame for a table without rows. Raises UnreadableError, and OSError where the file
    cannot be opened.
    """
    if kind_of(source) == "csv":
        yield from _read_csv(source, chunk)
    else:
        yield from _read_parquet(source, chunk)


def _read_csv(source: Path, chunk: int) -> Iterator[Any]:
    """Pandas frames; every cell is the text that stands there."""
    import pandas as pd

    for names, rows in read_rows(source, chunk):
        columns = zip(*rows, strict=True) if rows else [[]] * len(names)
        yield pd.DataFrame(dict(zip(names, map(list, columns), strict=True)), dtype=str)


def _read_parquet(source: Path, chunk: int) -> Iterator[Any]:
    """Pyarrow tables, cut from batches of whatever length the file has."""
    pa, parquet = pyarrow()
    with source.open("rb"):  # what cannot be opened is no matter of the format
        pass
    try:
        with parquet.ParquetFile(source) as file:
            waiting = file.schema_arrow.empty_table()
            some = False
            for batch in file.iter_batches(batch_size=chunk):
                waiting = pa.concat_tables([waiting, pa.Table.from_batches([batch])])
                while len(waiting) >= chunk:
                    some = True
                    yield waiting.slice(0, chunk)
                    waiting = waiting.slice(chunk)
            if len(waiting) or not some:
                yield waiting
    except (pa.ArrowException, OSError) as problem:
        raise UnreadableError(f"{source} is not a whole Parquet file: {problem}") from None


def pyarrow() -> tuple[Any, Any]:
    """Pyarrow and its Parquet module. Raises BatchError where it is not installed."""
    try:
        import pyarrow as pa
        import pyarrow.parquet
    except ImportError:
        raise BatchError("Parquet files need pyarrow: pip install 'spinelink[parquet]'") from None
    return pa, pyarrow.parquet


def write_frame(path: Path, frame: Any) -> None:
    """The frame under its name, whole or not at all."""
    with whole_file(path) as name:
        if kind_of(path) == "csv":
            table = _as_pandas(frame)
            table.to_csv(name, index=False, quoting=_quoting(table))
            return
        pa, parquet = pyarrow()
        if not isinstance(frame, pa.Table):
            frame = pa.Table.from_pandas(frame, preserve_index=False)
        parquet.write_table(frame, name)


def _as_pandas(frame: Any) -> Any:
    """A frame that writes CSV. Whole numbers stay whole, also where some are missing."""
    return frame if hasattr(frame, "to_csv") else frame.to_pandas(integer_object_nulls=True)


def _quoting(table: Any) -> int:
    """Which cells of a pandas frame stand in quotes: all texts, if one holds a carriage return.

    The writer overlooks it, and readers take it as the end of a row.
    """
    texts = [table[c] for c in table.columns if table[c].dtype.kind not in "biufcmM"]
    some = any("\r" in cell for text in texts for cell in text if isinstance(cell, str))
    return csv.QUOTE_NONNUMERIC if some else csv.QUOTE_MINIMAL
