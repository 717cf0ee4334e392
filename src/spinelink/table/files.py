"""Files of patients, larger than memory, chunk by chunk.

Each chunk becomes a part on disk, so that a kill loses at most the chunk in hand. Beside the output
stands a folder `OUTPUT.parts` with one file a finished chunk, and `job.json`, which says what the
parts are the answer to. The same command again goes on where it stopped. When all parts are there
they become the output, in order, and the folder goes.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spinelink.errors import SpinelinkError
from spinelink.files import whole_file, write_text

MISSING_CELLS = ["", "NA", "NaN", "nan", "NULL", "null", "<NA>"]
"""Cells that say "not assessed". "none" is not among them: it is a state."""
JOB = "job.json"
KINDS = {".csv": "csv", ".parquet": "parquet", ".pq": "parquet"}
"""What a file is, by the end of its name."""
Score = Callable[[Any, int], Any]
"""(frame, number of its first row) -> frame of answers."""


class BatchError(SpinelinkError):
    """A file that cannot be read, written or gone on with."""


@dataclass(frozen=True)
class Shard:
    """What one machine of many does: every `count`-th chunk from `number` on, from 1.

    Raises BatchError where the number is not from 1 to count.
    """

    number: int = 1
    count: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.count:
            raise BatchError(
                f"shard {self.number}/{self.count}: write 1/{self.count} to {self.count}/{self.count}."
            )

    def has(self, chunk: int) -> bool:
        """True if this machine does the chunk; chunks are numbered from 0."""
        return chunk % self.count == self.number - 1


@dataclass(frozen=True)
class Report:
    """What was written.

    Attributes:
        out: the file.
        rows: in it.
        chunks: of the table that this machine did.
        resumed: chunks that were there from an earlier run.
    """

    out: Path
    rows: int
    chunks: int
    resumed: int


def score_file(
    score: Score,
    source: Path,
    *,
    out: Path,
    stamp: Mapping[str, object],
    chunk: int,
    shard: Shard = Shard(),
    overwrite: bool = False,
    on_progress: Callable[[int], object] = lambda rows: None,
) -> Report:
    """Answers every row of a CSV or Parquet file into another.

    Args:
        score: a frame and the number of its first row -> a frame of answers.
        source: the table of patients.
        out: where the answers go; its name says whether as CSV or as Parquet.
        stamp: what the answers depend on besides the file: network, setting, options.
        chunk: rows in a part.
        shard: which chunks this machine does.
        overwrite: replace the output where it is there already.
        on_progress: called with the rows of every finished chunk.

    Returns:
        What was written.

    Raises:
        BatchError: a file cannot be read, or the parts that are there have another stamp.
    """
    for path in (source, out):
        _kind(path)
    if out.exists() and not overwrite:
        raise BatchError(f"{out} is there already; remove it, or say --overwrite.")
    if source.resolve() == out.resolve():
        raise BatchError(f"{out} would replace its own input.")
    part_of = {"chunk": chunk, "shard": f"{shard.number}/{shard.count}"}
    parts = _parts_folder(out, {**stamp, **_identity(source), **part_of})
    rows = chunks = resumed = first = 0
    for number, frame in enumerate(_read(source, chunk)):
        count = len(frame)
        if shard.has(number):
            part = parts / f"part-{number:09d}{out.suffix.lower()}"
            if part.exists():
                resumed += 1
            else:
                _write_whole(part, score(frame, first))
            rows, chunks = rows + count, chunks + 1
            on_progress(count)
        first += count
    _assemble(sorted(parts.glob("part-*")), out)
    shutil.rmtree(parts)
    return Report(out, rows, chunks, resumed)


def _kind(path: Path) -> str:
    """The format of a file by its name: csv or parquet. Raises BatchError for another."""
    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        raise BatchError(
            f"{path}: the name must end in .csv or .parquet, which says what the file is."
        )
    return kind


def _identity(source: Path) -> dict[str, object]:
    """Name, size and time of a file: the same file again, in all likelihood."""
    state = source.stat()
    return {"source": source.name, "bytes": state.st_size, "changed": state.st_mtime_ns}


def _parts_folder(out: Path, job: Mapping[str, object]) -> Path:
    """The folder of the parts, new or of the same job. Raises BatchError for another job's."""
    folder = out.with_name(out.name + ".parts")
    stamp = folder / JOB
    folder.mkdir(parents=True, exist_ok=True)
    if not stamp.exists():
        if any(folder.iterdir()):
            raise BatchError(
                f"{folder} is there but holds no {JOB}; it is not a batch of this library. "
                "Remove or rename it."
            )
        write_text(stamp, json.dumps(job, indent=1))
        return folder
    try:
        before = json.loads(stamp.read_text(encoding="utf-8"))
    except ValueError:
        raise BatchError(f"{stamp} cannot be read; remove {folder} to begin anew.") from None
    differ = sorted(k for k in {*before, *job} if before.get(k) != job.get(k))
    if differ:
        was = ", ".join(f"{k} was {before.get(k)!r} and is {job.get(k)!r}" for k in differ)
        raise BatchError(
            f"{folder} holds the parts of another batch: {was}. Remove it to begin anew."
        )
    return folder


def _read(source: Path, chunk: int) -> Iterator[Any]:
    """Frames of exactly `chunk` rows, the last one shorter.

    One empty frame for a table without rows.
    """
    if _kind(source) == "csv":
        yield from _read_csv(source, chunk)
    else:
        yield from _read_parquet(source, chunk)


def _read_csv(source: Path, chunk: int) -> Iterator[Any]:
    """Pandas frames; every cell is text."""
    import pandas as pd

    try:
        with pd.read_csv(
            source, chunksize=chunk, dtype=str, keep_default_na=False, na_values=MISSING_CELLS
        ) as frames:
            yield from frames
    except pd.errors.EmptyDataError:
        raise BatchError(f"{source} is empty; the first line names the columns.") from None
    except (pd.errors.ParserError, UnicodeDecodeError) as problem:
        raise BatchError(f"{source} is not a CSV table in UTF-8: {problem}") from None


def _read_parquet(source: Path, chunk: int) -> Iterator[Any]:
    """Pyarrow tables, cut from batches of whatever length the file has."""
    pa, parquet = _pyarrow()
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
    except pa.ArrowInvalid as problem:
        raise BatchError(f"{source} is not a Parquet file: {problem}") from None


def _pyarrow() -> tuple[Any, Any]:
    """Pyarrow and its Parquet module. Raises BatchError where it is not installed."""
    try:
        import pyarrow as pa
        import pyarrow.parquet
    except ImportError:
        raise BatchError("Parquet files need pyarrow: pip install 'spinelink[parquet]'") from None
    return pa, pyarrow.parquet


def _write_whole(path: Path, frame: Any) -> None:
    """The frame under its name, whole or not at all."""
    with whole_file(path) as name:
        if _kind(path) == "csv":
            (frame if hasattr(frame, "to_csv") else frame.to_pandas()).to_csv(name, index=False)
            return
        pa, parquet = _pyarrow()
        if not isinstance(frame, pa.Table):
            frame = pa.Table.from_pandas(frame, preserve_index=False)
        parquet.write_table(frame, name)


def _assemble(parts: list[Path], out: Path) -> None:
    """The parts, in order, as one file that appears whole or not at all."""
    with whole_file(out) as name:
        if _kind(out) == "csv":
            _join_csv(parts, Path(name))
        else:
            _join_parquet(parts, Path(name))


def _join_csv(parts: list[Path], out: Path) -> None:
    with out.open("wb") as joined:
        for position, part in enumerate(parts):
            with part.open("rb") as file:
                if position:
                    file.readline()  # the column names, once
                shutil.copyfileobj(file, joined)


def _join_parquet(parts: list[Path], out: Path) -> None:
    _, parquet = _pyarrow()
    writer = None
    try:
        for part in parts:
            table = parquet.read_table(part)
            if writer is None:
                writer = parquet.ParquetWriter(out, table.schema)
            writer.write_table(table.cast(writer.schema))
    finally:
        if writer is not None:
            writer.close()
