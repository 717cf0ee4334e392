"""The text of a network file: read with a size limit, decoded with care, and every place in it as line and column."""

from __future__ import annotations

import bisect
import os
import re
import stat
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from spinelink.errors import NetworkFileError, Problem, did_you_mean

SIZE_LIMIT = 5_000_000
"""Bytes. A network of 1,000 nodes with every number sourced is below 1 MB."""

_BREAK = re.compile(r"\r\n|\n|\r")
_UNPRINTABLE = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)


@dataclass(frozen=True)
class SourceText:
    """The text of one file, without a byte-order mark. Lines and columns count from 1, columns in characters."""

    file: str
    text: str

    @cached_property
    def starts(self) -> list[int]:
        """The index at which each line starts."""
        return [0, *(match.end() for match in _BREAK.finditer(self.text))]

    @cached_property
    def lines(self) -> list[str]:
        """The lines without their ends."""
        return _BREAK.split(self.text)

    def place(self, index: int) -> tuple[int, int]:
        """Line and column of a character."""
        line = bisect.bisect_right(self.starts, index)
        return line, index - self.starts[line - 1] + 1

    def problem(
        self,
        start: int,
        message: str,
        *,
        hint: str = "",
        end: int | None = None,
        severity: str = "error",
    ) -> Problem:
        """A problem with the text from `start` to `end`; the text is cut at the end of its line."""
        line, column = self.place(min(start, len(self.text)))
        text = self.text[start : start + 1 if end is None else end]
        return Problem(
            self.file,
            line,
            column,
            message,
            hint,
            _BREAK.split(text, maxsplit=1)[0].rstrip(),
            severity,
        )


def read_source(path: str | os.PathLike[str]) -> SourceText:
    """Read a network file as text, or raise a NetworkFileError that says why it is not one."""
    where = Path(path)
    try:
        status = where.stat()
        if not stat.S_ISREG(status.st_mode):
            raise _refusal(
                where, "a folder, not a network file" if where.is_dir() else "not a regular file"
            )
        if status.st_size > SIZE_LIMIT:
            raise _too_large(where, status.st_size)
        with where.open("rb") as stream:
            data = stream.read(SIZE_LIMIT + 1)
    except NetworkFileError:
        raise
    except FileNotFoundError:
        raise _refusal(where, "no such file", hint=_near_files(where)) from None
    except (OSError, ValueError) as error:
        raise _refusal(
            where, f"cannot be read: {getattr(error, 'strerror', None) or error}"
        ) from None
    return decode_source(data, file=str(where))


def decode_source(data: bytes | str, *, file: str) -> SourceText:
    """Bytes as text; refuses what is not UTF-8, control characters and over-large input, with the place."""
    if len(data) > SIZE_LIMIT:
        raise _too_large(file, len(data))
    text = data if isinstance(data, str) else _decode(data, file)
    source = SourceText(file, text.removeprefix("\ufeff"))
    if found := _UNPRINTABLE.search(source.text):
        name = f"the character U+{ord(found.group()):04X} cannot stand in a YAML file"
        raise NetworkFileError(
            [
                source.problem(
                    found.start(), name, hint="delete it, or write it as an escape in double quotes"
                )
            ]
        )
    return source


def _decode(data: bytes, file: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = SourceText(file, data[: error.start].decode("utf-8"))
        message = f"not UTF-8 text: byte {error.start + 1} of the file is 0x{data[error.start]:02X}"
        hint = "save the file as UTF-8"
        raise NetworkFileError([before.problem(len(before.text), message, hint=hint)]) from None


def _refusal(path: str | Path, message: str, *, hint: str = "") -> NetworkFileError:
    return NetworkFileError([Problem(str(path), 1, 1, message, hint)])


def _too_large(path: str | Path, size: int) -> NetworkFileError:
    return _refusal(
        path, f"the file has {size:,} bytes; a network file may have at most {SIZE_LIMIT:,}"
    )


def _near_files(path: Path) -> str:
    """A suggestion from the YAML files of the same folder."""
    try:
        siblings = sorted(
            item.name for item in path.parent.iterdir() if item.suffix in {".yaml", ".yml"}
        )
    except (OSError, ValueError):
        return ""
    return did_you_mean(path.name, siblings).strip()
