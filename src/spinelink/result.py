"""How every answer shows itself: a frozen value with a table, a text and a notebook view."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import Field, dataclass, fields, is_dataclass
from html import escape
from math import isfinite
from typing import TYPE_CHECKING, Any

from spinelink.network.question import Question

if TYPE_CHECKING:
    import pandas as pd

FORMAT = 1
"""Of the dictionaries that `to_dict` gives. It grows when a key changes its meaning."""

ROWS = 20  # of a table, in a notebook
CELL = 160  # characters of one cell
LONG = 24  # characters from which a name may break
NOTICE = "For research, teaching and decision support for professionals. Not a medical device."


@dataclass(frozen=True)
class Result(ABC):
    """An answer and its question.

    Every answer is frozen, prints, shows itself in a notebook, converts to a table and to JSON, and
    pickles.
    """

    question: Question

    @abstractmethod
    def to_frame(self) -> pd.DataFrame:
        """The answer as a table."""

    def to_dict(self) -> dict[str, object]:
        """The answer as plain values that `json.dumps` takes.

        Keys: format (of this dictionary), answer (the kind), question, and the fields of the
        answer. What is not a finite number, NaN or minus infinity, is None.
        """
        return {
            "format": FORMAT,
            "answer": type(self).__name__,
            "question": plain(self.question.to_dict()),
            **{f.name: plain(getattr(self, f.name)) for f in _shown_fields(self)},
        }

    def title(self) -> str:
        """One line above the table."""
        return str(self.question)

    def shown(self) -> pd.DataFrame:
        """The table as a notebook shows it: the columns that fit beside each other.

        `to_frame` has them all.
        """
        return self.to_frame()

    def __str__(self) -> str:
        frame = self.to_frame()
        return f"{self.title()}\n{frame.to_string(index=False, float_format=show_number, na_rep='') if len(frame) else '(nothing)'}"

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return in_notebook(self.title(), table(self.shown()))


def plain(value: object) -> object:
    """A value of an answer as JSON has it: mappings, lists, texts, numbers, True, False and None."""
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, Mapping):
        return {_key(k): plain(v) for k, v in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in _shown_fields(value)}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(v) for v in value]
    if hasattr(value, "tolist"):  # of NumPy
        return plain(value.tolist())
    return str(value)


def _key(key: object) -> str:
    return ", ".join(map(str, key)) if isinstance(key, tuple) else str(key)


def _shown_fields(value: object) -> list[Field[Any]]:
    """The fields of a frozen value that say something: not the question, the network, or private ones."""
    return [
        f
        for f in fields(value)  # type: ignore[arg-type]
        if f.name not in ("question", "network") and not f.name.startswith("_")
    ]


def show_number(value: float) -> str:
    """A number for people: three significant digits; small ones not as 0.000, and none as 1.000 that is less."""
    if value != value:
        return ""
    if value in (0.0, 1.0):
        return f"{value:.0f}"
    if 0.9995 <= value < 1.0:
        return ">0.999"
    return f"{value:#.3g}".rstrip(".")


def in_notebook(title: str, body: str) -> str:
    """A title, line by line, over what is HTML already, and the notice below."""
    return f"<div class='spinelink'><p>{_lines(title)}</p>{body}<p><small>{escape(NOTICE)}</small></p></div>"


def text_in_notebook(text: str) -> str:
    """A text whose columns stay under each other in a notebook, as wide as it is and never wider than its cell."""
    style = "font-family:monospace;font-size:12px;line-height:1.35;white-space:pre;overflow-x:auto;margin:0"
    return f"<div class='spinelink'><pre style='{style}'>{escape(text)}</pre><p><small>{escape(NOTICE)}</small></p></div>"


def table(frame: pd.DataFrame, *, rows: int = ROWS) -> str:
    """A table as HTML that scrolls in its own box where it is wide, and is cut where it is long, and then says so."""
    if not len(frame):
        return "<p>(nothing)</p>"
    columns = [_column(frame.iloc[:rows, k]) for k in range(frame.shape[1])]
    head = "".join(
        f"<th style='text-align:{side}'>{_lines(name)}</th>"
        for (side, _), name in zip(columns, map(_heading, frame.columns), strict=True)
    )
    lines = "".join(
        f"<tr>{''.join(each)}</tr>" for each in zip(*(cells for _, cells in columns), strict=True)
    )
    left = (
        f"<p><small>{len(frame) - rows} more rows: .to_frame() has them all.</small></p>"
        if len(frame) > rows
        else ""
    )
    return f"<div style='overflow-x:auto'><table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>{left}"


def _heading(name: object) -> str:
    words = (
        ": ".join(str(n) for n in name if n)
        if isinstance(name, tuple)
        else show_number(name)
        if isinstance(name, float)
        else str(name)
    )
    return words if "." in words else words.replace("_", " ")


def _column(values: pd.Series[Any]) -> tuple[str, list[str]]:
    """On which side it stands, and its cells."""
    found = [None if v is None or v != v else v for v in values.tolist()]
    numbers = [v for v in found if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numbers) < sum(v is not None for v in found):
        style = "text-align:left;max-width:26em;overflow-wrap:break-word"
        return "left", [f"<td style='{style}'>{_words(v)}</td>" for v in found]
    whole = all(float(v).is_integer() for v in numbers)
    words = ["" if v is None else f"{v:.0f}" if whole else show_number(float(v)) for v in found]
    return "right", [
        f"<td style='text-align:right;white-space:nowrap'>{escape(w)}</td>" for w in words
    ]


def _words(value: object) -> str:
    """A cell that is no number; long names may break after a dot."""
    if value is None or isinstance(value, bool):
        return "" if value is None else "yes" if value else "no"
    text = str(value)
    return _lines(text if len(text) <= CELL else f"{text[: CELL - 3].rstrip()}...").replace(
        ".", ".<wbr>" if len(text) > LONG and " " not in text else "."
    )


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br>")
