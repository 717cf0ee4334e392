"""How every answer shows itself: a frozen value with a table, a text and a notebook view."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import Field, dataclass, fields, is_dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

from spinelink.network.question import Question
from spinelink.view.html import in_notebook, table
from spinelink.view.text import frame_text

if TYPE_CHECKING:
    import pandas as pd

FORMAT = 1
"""Of the dictionaries that `to_dict` gives. It grows when a key changes its meaning."""


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
            **self.head(),
            **{f.name: plain(getattr(self, f.name)) for f in _shown_fields(self)},
        }

    def head(self) -> dict[str, object]:
        """What every `to_dict` begins with: its format, the kind of answer, the question."""
        return {
            "format": FORMAT,
            "answer": type(self).__name__,
            "question": plain(self.question.to_dict()),
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
        return f"{self.title()}\n{frame_text(frame) if len(frame) else '(nothing)'}"

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
