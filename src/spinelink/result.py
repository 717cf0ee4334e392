"""How every answer shows itself: a frozen value with a table, a text and a notebook view."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from spinelink.model.question import Question

if TYPE_CHECKING:
    import pandas as pd

NOTICE = "For research, teaching and decision support for professionals. Not a medical device."


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

    def __str__(self) -> str:
        frame = self.to_frame()
        return f"{self.title()}\n{frame.to_string(index=False, float_format=show_number) if len(frame) else '(nothing)'}"

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        table = self.to_frame().to_html(index=False, float_format=show_number, border=0, escape=True)
        return f"<div class='spinelink'><p>{escape(self.title())}</p>{table}<p><small>{escape(NOTICE)}</small></p></div>"


def show_number(value: float) -> str:
    """A number for people: three significant digits; small ones not as 0.000, and none as 1.000 that is less."""
    if value != value:
        return ""
    if value in (0.0, 1.0):
        return f"{value:.0f}"
    if 0.9995 <= value < 1.0:
        return ">0.999"
    return f"{value:#.3g}".rstrip(".")


def text_in_notebook(text: str) -> str:
    """A text whose columns stay under each other in a notebook, as wide as it is and never wider than its cell."""
    style = "font-family:monospace;font-size:12px;line-height:1.35;white-space:pre;overflow-x:auto;margin:0"
    return f"<div class='spinelink'><pre style='{style}'>{escape(text)}</pre><p><small>{escape(NOTICE)}</small></p></div>"
