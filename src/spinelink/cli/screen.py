"""Text and tables for people: wrapped by words at a terminal's width, plain and unwrapped in a pipe.

Colours are those of a terminal that has them. `NO_COLOR` and `TERM=dumb` turn them off.
"""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

PIPE = 100_000
"""Columns of what is no terminal: there lines are never cut or wrapped."""
NARROWEST = 20
"""Columns that a terminal has at least."""
GAP = 3
"""Columns between those of a table."""


def width_of(stream: TextIO) -> int:
    """Columns of a terminal; of anything else as many as a line needs."""
    if not stream.isatty():
        return PIPE
    return max(NARROWEST, shutil.get_terminal_size().columns)


def console(*, err: bool = False) -> Console:
    """Where text and tables go."""
    from rich.console import Console

    stream = sys.stderr if err else sys.stdout
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM", "") in ("dumb", "unknown")
    return Console(
        file=stream,
        highlight=False,
        markup=False,
        emoji=False,
        width=width_of(stream),
        height=25,
        color_system=None if plain or not stream.isatty() else "auto",
    )


def say(text: object = "", *, style: str = "", indent: int = 0, err: bool = False) -> None:
    """Prints text for people, at once. Each line is wrapped by words; no word is broken.

    Args:
        text: lines; what follows a line's own indentation stays below it.
        style: of rich, as "bold red".
        indent: columns before every line.
        err: on standard error.
    """
    from rich.text import Text

    to = console(err=err)
    lines = _writable("\n".join(wrapped(str(text), to.width, indent=indent)), to)
    to.print(Text(lines, style=style), soft_wrap=True)
    to.file.flush()


def _writable(text: str, to: Console) -> str:
    """A text with a question mark for each letter that the stream does not know."""
    return text.encode(to.encoding, "replace").decode(to.encoding)


def wrapped(text: str, width: int, *, indent: int = 0) -> list[str]:
    """Lines of a text that are no wider than a terminal, wherever words allow it."""
    lines = []
    for line in text.split("\n"):
        own = len(line) - len(line.lstrip()) + indent
        if own + len(line.strip()) <= width:
            lines.append(" " * indent + line)
            continue
        first = " " * min(own, width // 2)
        lines += textwrap.wrap(
            line.strip(),
            width,
            initial_indent=first,
            subsequent_indent=first + ("  " if own else ""),
            break_long_words=False,
            break_on_hyphens=False,
        )
    return lines


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Sequence[str] = (),
    styles: Sequence[str] = (),
) -> None:
    """Prints a table; where it is wider than the terminal allows, one row below the other.

    Args:
        columns: their names.
        rows: their cells.
        right: names of the columns of numbers.
        styles: one a row, empty for none.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    named = styles or [""] * len(rows)
    to = console()
    needed = [
        _least(column, [row[k] for row in rows], whole=column in right)
        for k, column in enumerate(columns)
    ]
    if sum(needed) + GAP * (len(columns) - 1) > to.width:
        lead = next((k for k, column in enumerate(columns) if column not in right), 0)
        _print_list(columns, rows, named, lead=lead + 1)
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column, least in zip(columns, needed, strict=True):
        table.add_column(
            _writable(column, to),
            justify="right" if column in right else "left",
            min_width=least,
            no_wrap=column in right,
        )
    for row, style in zip(rows, named, strict=True):
        table.add_row(*(Text(_writable(cell, to)) for cell in row), style=style)
    to.print(table)
    to.file.flush()


def _least(column: str, cells: Sequence[str], *, whole: bool) -> int:
    """Columns that a column needs so that no word, and no number, is broken."""
    texts = [column, *cells]
    words = texts if whole else [word for text in texts for word in text.split()]
    return max(map(len, words), default=0)


def _print_list(
    columns: Sequence[str], rows: Sequence[Sequence[str]], styles: Sequence[str], *, lead: int
) -> None:
    """A table on a narrow terminal: of each row the first cells, then what the others are."""
    for row, style in zip(rows, styles, strict=True):
        say(" ".join(row[:lead]), style=style)
        others = zip(columns[lead:], row[lead:], strict=True)
        say(", ".join(f"{column} {cell}" for column, cell in others if cell), indent=2, style=style)
    say()
