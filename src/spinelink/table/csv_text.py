"""CSV as text, a row at a time, with the count of fields checked in every row.

Readers that fill short rows and shift long ones move findings into the columns beside them. Here a
row that does not fit the header is an error, which names file and line.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn, TextIO

from spinelink.table.errors import UnreadableError

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
"""What may stand between fields; which of them does, the header says."""


def read_rows(source: Path, size: int) -> Iterator[tuple[list[str], list[list[str]]]]:
    """The rows of a CSV file, as they are written, in parts.

    Args:
        source: the file, in UTF-8, with or without a byte-order mark. Its first line names the
            columns; commas, semicolons or tabs stand between fields.
        size: rows in a part; the last is shorter.

    Yields:
        The names of the columns, and rows of as many fields. A file without rows gives one part.

    Raises:
        UnreadableError: the file is no such table; the error names the line.
        OSError: the file cannot be opened.
    """
    try:
        with source.open(encoding="utf-8-sig", newline="") as text:
            separator = _separator(source, text)
            rows = _checked(source, text, separator)
            header = _header(source, next(rows)[1])
            part: list[list[str]] = []
            some = False
            for line, row in rows:
                if len(row) != len(header):
                    _refuse_count(source, line, row, header=header, separator=separator)
                part.append(row)
                if len(part) == size:
                    some = True
                    yield header, part
                    part = []
            if part or not some:
                yield header, part
    except UnicodeDecodeError:
        raise _not_utf8(source) from None


def _separator(source: Path, text: TextIO) -> str:
    """What stands between the fields of the header; a comma where it has one field."""
    first = text.readline()
    text.seek(0)
    if not first.strip():
        what = "is empty; it" if first else "the file is empty; its first line"
        raise UnreadableError(f"{source}:1: {what} names the columns.")
    outside = re.sub(r'"(?:[^"]|"")*"?', "", first)
    found = [s for s in SEPARATORS if s in outside]
    if len(found) > 1:
        kinds = " and ".join(SEPARATORS[s] for s in found)
        raise UnreadableError(
            f"{source}:1: the header holds {kinds}; put the names in quotes, or keep one of them "
            "between the columns."
        )
    return found[0] if found else ","


def _checked(source: Path, text: TextIO, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with the line each begins on. An empty line is an error, but at the end."""
    reader = csv.reader(text, delimiter=separator, strict=True)
    begin, empty = 1, 0
    while True:
        try:
            row = next(reader, None)
        except csv.Error as problem:
            raise UnreadableError(
                f"{source}:{begin}: not a CSV table: {problem}. Is a quote never closed? "
                'A quote within quotes is written twice, as in "5"" long".'
            ) from None
        if row is None:
            return
        if row and empty:
            raise UnreadableError(
                f"{source}:{empty}: the line is empty; remove it, or write NA for a patient of whom "
                "nothing was assessed."
            )
        if row:
            yield begin, row
        else:
            empty = empty or begin
        begin = reader.line_num + 1


def _header(source: Path, names: Sequence[str]) -> list[str]:
    """The names of the columns. Raises UnreadableError for one without a name, or named twice."""
    for position, name in enumerate(names, 1):
        if not name.strip():
            raise UnreadableError(
                f"{source}:1: column {position} of {len(names)} has no name; name it, or remove "
                "the separator before it."
            )
        if "\n" in name or "\r" in name:
            raise UnreadableError(f"{source}:1: the name of column {position} has a line break.")
        if name in names[: position - 1]:
            raise UnreadableError(
                f"{source}:1: column {name!r} stands there {names.count(name)} times; drop or "
                "rename one."
            )
    return list(names)


def _refuse_count(
    source: Path, line: int, row: Sequence[str], *, header: Sequence[str], separator: str
) -> NoReturn:
    """Says that a row has more or fewer fields than the header names columns."""
    many = len(row) > len(header)
    why = (
        "Is there one separator too many, or text with a separator outside quotes?"
        if many
        else "Write every separator, also where a cell is empty."
    )
    raise UnreadableError(
        f"{source}:{line}: the row has {len(row)} field{'s' * (len(row) != 1)}, but the header "
        f"names {len(header)} column{'s' * (len(header) != 1)} (between {SEPARATORS[separator]}). "
        f"{why}"
    )


def _not_utf8(source: Path) -> UnreadableError:
    """Says in which line a file stops being UTF-8."""
    with source.open("rb") as data:
        for number, line in enumerate(data, 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                return UnreadableError(
                    f"{source}:{number}: not UTF-8; save the table as 'CSV UTF-8'."
                )
    return UnreadableError(f"{source}: not UTF-8; save the table as 'CSV UTF-8'.")
