"""Files of patients, larger than memory: chunk by chunk, each chunk a part on disk, so that a kill loses at most the chunk in hand.

Beside the output stands a folder `OUTPUT.parts` with one file a finished chunk and `job.json`, which says what the parts are the answer to. The
same command again goes on where it stopped; when all parts are there they become the output, in order, and the folder goes.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spinelink.errors import SpinelinkError
from spinelink.files import whole_file

MISSING_CELLS = ["", "NA", "NaN", "nan", "NULL", "null", "<NA>"]  # not "none": that is a state
JOB = "job.json"
Score = Callable[[Any, int], Any]
"""(frame, number of its first row) -> frame of answers."""


class BatchError(SpinelinkError):
    """A file that cannot be read, written or gone on with."""


@dataclass(frozen=True)
class Shard:
    """Every count-th chunk from number on, numbered from 1: what one machine of many does."""

    number: int = 1
    count: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.count:
            raise BatchError(
                f"shard {self.number}/{self.count}: write 1/{self.count} to {self.count}/{self.count}."
            )

    def has(self, chunk: int) -> bool:
        return chunk % self.count == self.number - 1


@dataclass(frozen=True)
class Report:
    """rows: in the output. resumed: chunks that were there from an earlier run."""

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
    done: Callable[[int], object] = lambda rows: None,
) -> Report:
    """Answers every row of a CSV or Parquet file into another.

    stamp: what the answers depend on besides the file (network, setting, options); parts of another stamp are refused. done: called with the
    number of rows of every finished chunk. Raises BatchError.
    """
    for path in (source, out):
        _kind(path)
    if out.exists() and not overwrite:
        raise BatchError(f"{out} is there already; remove it, or say --overwrite.")
    if source.resolve() == out.resolve():
        raise BatchError(f"{out} would replace its own input.")
    parts = _parts_folder(
        out,
        {**stamp, **_identity(source), "chunk": chunk, "shard": f"{shard.number}/{shard.count}"},
    )
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
            done(count)
        first += count
    _assemble(sorted(parts.glob("part-*")), out)
    shutil.rmtree(parts)
    return Report(out, rows, chunks, resumed)


def _kind(path: Path) -> str:
    kind = {".csv": "csv", ".parquet": "parquet", ".pq": "parquet"}.get(path.suffix.lower())
    if kind is None:
        raise BatchError(
            f"{path}: the name must end in .csv or .parquet, which says what the file is."
        )
    return kind


def _identity(source: Path) -> dict[str, object]:
    state = source.stat()
    return {"source": source.name, "bytes": state.st_size, "changed": state.st_mtime_ns}


def _parts_folder(out: Path, job: Mapping[str, object]) -> Path:
    folder = out.with_name(out.name + ".parts")
    stamp = folder / JOB
    if not folder.exists():
        folder.mkdir(parents=True)
    if not stamp.exists():
        if any(folder.iterdir()):
            raise BatchError(
                f"{folder} is there but holds no {JOB}; it is not a batch of this library. Remove or rename it."
            )
        _write_bytes(stamp, json.dumps(job, indent=1).encode())
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
    """Frames of exactly `chunk` rows, the last one shorter; one empty frame for a table without rows."""
    if _kind(source) == "csv":
        yield from _read_csv(source, chunk)
    else:
        yield from _read_parquet(source, chunk)


def _read_csv(source: Path, chunk: int) -> Iterator[Any]:
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
        else:
            pa, parquet = _pyarrow()
            parquet.write_table(
                frame
                if isinstance(frame, pa.Table)
                else pa.Table.from_pandas(frame, preserve_index=False),
                name,
            )


def _write_bytes(path: Path, content: bytes) -> None:
    with whole_file(path) as name:
        name.write_bytes(content)


def _assemble(parts: list[Path], out: Path) -> None:
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
