"""Files of patients, larger than memory, chunk by chunk.

Each chunk becomes a part on disk, so that a kill loses at most the chunk in hand. The same command
again goes on where it stopped (`parts`). While it runs, it alone writes the output (`lock`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spinelink.errors import EvidenceError, SpinelinkError
from spinelink.table.errors import BatchError, UnreadableError
from spinelink.table.formats import kind_of, read_frames
from spinelink.table.lock import locked
from spinelink.table.parts import Parts

Score = Callable[[Any, int], Any]
"""(frame, number of its first row) -> frame of answers."""


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


def shard_of(text: str) -> Shard:
    """A part of the work, written as `2/8`: the second of eight. Raises BatchError."""
    number, slash, count = text.partition("/")
    if not slash or not number.isdecimal() or not count.isdecimal():
        raise BatchError(f"--shard {text}: write it as 2/8, the second of eight.")
    return Shard(int(number), int(count))


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
        overwrite: replace the output where it is there already, and discard parts of another
            batch. Parts of the same one are gone on with.
        on_progress: called with the rows of every finished chunk.

    Returns:
        What was written.

    Raises:
        BatchError: the output is there already or is being written by another batch, or the parts
            that are there have another stamp.
        UnreadableError: the table cannot be read; the error names file and line.
        SpinelinkError: a row is refused. Then nothing is left behind.
        OSError: a file cannot be opened or written.
    """
    for path in (source, out):
        kind_of(path)
    if not out.parent.is_dir():
        raise BatchError(f"{out}: there is no folder {out.parent}; make it, or name another place.")
    if source.resolve() == out.resolve():
        raise BatchError(f"{out} would replace its own input.")
    _refuse_existing(out, overwrite=overwrite)
    identity = _identity(source)
    part_of = {"chunk": chunk, "shard": f"{shard.number}/{shard.count}"}
    with locked(out):
        _refuse_existing(out, overwrite=overwrite)  # another batch may just have finished
        parts = Parts(out, {**stamp, **identity, **part_of}, overwrite=overwrite)
        try:
            return _scored(
                score, source, parts=parts, chunk=chunk, shard=shard, on_progress=on_progress
            )
        except SpinelinkError as problem:
            # Corrected, it is another batch: these parts would only stand in its way.
            if not isinstance(problem, KeyboardInterrupt):
                parts.remove()
            raise


def _scored(
    score: Score,
    source: Path,
    *,
    parts: Parts,
    chunk: int,
    shard: Shard,
    on_progress: Callable[[int], object],
) -> Report:
    """Writes the parts that are not there yet, and joins them all."""
    before = _identity(source)
    rows = resumed = first = 0
    numbers = []
    empty = None
    for number, frame in enumerate(read_frames(source, chunk)):
        count = len(frame)
        empty = frame[:0] if empty is None else empty
        if shard.has(number):
            numbers.append(number)
            if parts.path(number).exists():
                resumed += 1
            else:
                parts.write(number, _answered(score, source, frame=frame, first=first))
            rows += count
            on_progress(count)
        first += count
    if _identity(source) != before:
        raise UnreadableError(f"{source} changed while it was read; run the command again.")
    if not numbers:  # more machines than chunks: a table without rows, not an empty file
        parts.write(0, _answered(score, source, frame=empty, first=0))
    parts.assemble(numbers or [0])
    return Report(parts.out, rows, len(numbers), resumed)


def _answered(score: Score, source: Path, *, frame: Any, first: int) -> Any:
    """The answers to a chunk. An error about its cells names the file too."""
    try:
        return score(frame, first)
    except EvidenceError as problem:
        raise EvidenceError(f"{source}: {problem}") from None


def _refuse_existing(out: Path, *, overwrite: bool) -> None:
    """Raises BatchError where the output is there and must not be replaced."""
    if out.exists() and not overwrite:
        raise BatchError(f"{out} is there already; remove it, or say --overwrite.")


def _identity(source: Path) -> dict[str, object]:
    """Name, size and time of a file: the same file again, in all likelihood."""
    state = source.stat()
    return {"source": source.name, "bytes": state.st_size, "changed": state.st_mtime_ns}
