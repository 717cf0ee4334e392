"""How answers write numbers for people, and the notice that stands below them."""

from __future__ import annotations

NOTICE = "For research, teaching and decision support for professionals. Not a medical device."


def show_number(value: float) -> str:
    """A number for people: three significant digits; empty for NaN.

    A small number is never written as 0.000, and a number below 1 never as 1.000.
    """
    if value != value:
        return ""
    if value in (0.0, 1.0):
        return f"{value:.0f}"
    if 0.9995 <= value < 1.0:
        return ">0.999"
    return f"{value:#.3g}".rstrip(".")
