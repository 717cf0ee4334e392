"""How every answer shows itself: a frozen value with a table, a text and a notebook view."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spinelink.network.question import Question
from spinelink.view.html import ROWS as ROWS
from spinelink.view.html import in_notebook as in_notebook
from spinelink.view.html import table as table
from spinelink.view.html import text_in_notebook as text_in_notebook
from spinelink.view.text import NOTICE as NOTICE
from spinelink.view.text import show_number as show_number

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Result:
    """An answer and its question."""

    question: Question

    @abstractmethod
    def to_frame(self) -> pd.DataFrame:
        """The answer as a table."""

    def title(self) -> str:
        """One line above the table."""
        return str(self.question)

    def shown(self) -> pd.DataFrame:
        """The table as a notebook shows it: the columns that fit beside each other. `to_frame` has them all."""
        return self.to_frame()

    def __str__(self) -> str:
        frame = self.to_frame()
        return f"{self.title()}\n{frame.to_string(index=False, float_format=show_number, na_rep='') if len(frame) else '(nothing)'}"

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return in_notebook(self.title(), table(self.shown()))
