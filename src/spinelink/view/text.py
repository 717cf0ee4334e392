"""How answers write numbers for people, and the notice that stands below them.

Frames show three digits (`show_number`). Screens for clinicians show percent (`show_percent`).
Texts that hold a few numbers leave zeros at the end away (`short_number`). Nothing else writes
numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

NOTICE = "For research, teaching and decision support for professionals. Not a medical device."

WHOLE = 1e15
"""Numbers below it that have no fraction are written digit by digit, as years are."""


def show_number(value: float, digits: int = 3) -> str:
    """A number of a table: three significant digits; empty for NaN.

    A whole number, such as a year, is written in full. A small number is never written as 0.000,
    and a number below 1 never as 1.000.

    Args:
        value: the number.
        digits: how many are significant.

    Returns:
        The text.

    Example:
        >>> [show_number(x) for x in (0.5, 2020.0, 1234.5, 0.9999, 0.00001234)]
        ['0.500', '2020', '1234', '>0.999', '1.23e-05']
    """
    if value != value:
        return ""
    return _in_full(value, digits) or f"{value:#.{digits}g}".rstrip(".")


def short_number(value: float, digits: int = 3) -> str:
    """A number within a text: as `show_number`, without zeros at the end.

    Args:
        value: the number.
        digits: how many are significant.

    Returns:
        The text.

    Example:
        >>> [short_number(x) for x in (0.5, 2020.0, 0.9999)]
        ['0.5', '2020', '>0.999']
    """
    if value != value:
        return ""
    return _in_full(value, digits) or f"{value:.{digits}g}"


def _in_full(value: float, digits: int) -> str:
    """A number that is not written with significant digits only; empty for any other."""
    if abs(value) < WHOLE and float(value).is_integer():
        return f"{value:.0f}"
    if 1.0 - 0.5 * 10.0**-digits <= value < 1.0:
        return f">0.{'9' * digits}"
    if 10.0**digits - 0.5 <= abs(value) < WHOLE:
        return f"{value:.0f}"
    return ""


def show_percent(probability: float) -> str:
    """A probability for clinicians: percent, with one decimal near 0 % and near 100 %.

    Only what is certain is written as 0 % or 100 %. Empty for NaN.

    Args:
        probability: from 0 to 1.

    Returns:
        The text.

    Example:
        >>> [show_percent(p) for p in (0.0, 0.0002, 0.034, 0.5, 0.9951, 0.9999)]
        ['0 %', '< 0.1 %', '3.4 %', '50 %', '99.5 %', '> 99.9 %']
    """
    if probability != probability:
        return ""
    if probability in (0.0, 1.0):
        return f"{100 * probability:.0f} %"
    if probability < 0.001:
        return "< 0.1 %"
    if probability > 0.999:
        return "> 99.9 %"
    return f"{100 * probability:.{0 if 0.1 <= probability <= 0.99 else 1}f} %"


def show_percents(low: float, high: float) -> str:
    """Both ends of an interval in percent, or what they both are; empty for NaN."""
    ends = (show_percent(low), show_percent(high))
    return ends[0] if ends[0] == ends[1] else " to ".join(ends)


def frame_text(
    frame: pd.DataFrame,
    *,
    index: bool = False,
    digits: int = 3,
    zeros: bool = True,
    widest: int | None = None,
) -> str:
    """A table as text, with the numbers of this module.

    Args:
        frame: the table.
        index: whether the names of its rows are shown.
        digits: of numbers, how many are significant.
        zeros: whether numbers keep zeros at their end.
        widest: letters of a cell after which it is cut; None for any number.

    Returns:
        The lines.
    """
    number = show_number if zeros else short_number
    text: str = frame.to_string(
        index=index,
        float_format=lambda v: number(v, digits),
        na_rep="",
        max_colwidth=widest,
    )
    return text
