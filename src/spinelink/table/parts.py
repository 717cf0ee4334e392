"""The finished chunks of a batch, one file each, and what they are the answer to.

They stand in a folder `OUTPUT.parts`, whose `job.json` names network, options and patients. The
folder comes with the first part and goes when the output is whole.
"""

from __future__ import annotations

import glob
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from spinelink.files import whole_file, write_text
from spinelink.table.errors import BatchError
from spinelink.table.formats import kind_of, pyarrow, write_frame

JOB = "job.json"


class Parts:
    """The parts of one output.

    Args:
        out: the output.
        job: what the parts are the answer to.
        overwrite: discard parts of another batch.

    Raises:
        BatchError: there are parts of another batch, or the folder is somebody else's.
    """

    def __init__(self, out: Path, job: Mapping[str, object], *, overwrite: bool) -> None:
        self.out, self.job = out, job
        self.folder = out.with_name(out.name + ".parts")
        _clear_temporary(out)
        if not self.folder.exists():
            return
        before = self._before()
        if before == json.loads(json.dumps(job)):
            return
        if overwrite or not any(self.folder.glob("part-*")):
            self.remove()
            return
        keys = {*before, *job} if before else set()
        was = ", ".join(
            f"{k} was {before.get(k)!r} and is {job.get(k)!r}"
            for k in sorted(keys)
            if before.get(k) != job.get(k)
        )
        raise BatchError(
            f"{self.folder} holds the parts of another batch{': ' if was else ''}{was}. Repeat "
            "that command to go on with it, or say --overwrite to discard its parts."
        )

    def _before(self) -> dict[str, object]:
        """What the parts that are there are the answer to; empty where it cannot be read."""
        stamp = self.folder / JOB
        if not stamp.exists() and any(self.folder.iterdir()):
            raise BatchError(
                f"{self.folder} is there but holds no {JOB}; it is not a batch of this library. "
                "Remove or rename it."
            )
        try:
            found = json.loads(stamp.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def path(self, number: int) -> Path:
        """The file of a chunk, by its number from 0."""
        return self.folder / f"part-{number:09d}{self.out.suffix.lower()}"

    def write(self, number: int, frame: Any) -> None:
        """Writes a finished chunk, whole or not at all."""
        if not self.folder.exists():
            self.folder.mkdir()
            write_text(self.folder / JOB, json.dumps(self.job, indent=1))
        write_frame(self.path(number), frame)

    def assemble(self, numbers: Sequence[int]) -> None:
        """Makes the output of these parts, in order; it appears whole or not at all."""
        join: Callable[[list[Path], Path], None] = (
            _join_csv if kind_of(self.out) == "csv" else _join_parquet
        )
        with whole_file(self.out) as name:
            join([self.path(number) for number in numbers], name)
        self.remove()

    def remove(self) -> None:
        """Removes the parts and their folder."""
        if self.folder.exists():
            shutil.rmtree(self.folder)


def _clear_temporary(out: Path) -> None:
    """Removes what a killed run left half written. Only the holder of the lock may."""
    for path in out.parent.glob(f".{glob.escape(out.name)}.*.tmp"):
        path.unlink(missing_ok=True)


def _join_csv(parts: Sequence[Path], out: Path) -> None:
    with out.open("wb") as joined:
        for position, part in enumerate(parts):
            with part.open("rb") as file:
                if position:
                    file.readline()  # the column names, once
                shutil.copyfileobj(file, joined)


def _join_parquet(parts: Sequence[Path], out: Path) -> None:
    _, parquet = pyarrow()
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
