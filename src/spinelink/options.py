"""Checks of options that callers pass: each returns the value, or raises an error that says what is allowed."""

from __future__ import annotations

import numbers
import operator
import re
from collections.abc import Iterable
from typing import TypeVar

from spinelink.errors import SpinelinkError, UnknownNameError

Name = TypeVar("Name", bound=str)


def whole(
    value: object,
    name: str,
    *,
    least: int = 0,
    most: int | None = None,
    meaning: str = "a whole number",
) -> int:
    """A whole number within bounds, as an `int`. Python and numpy integers are taken, True and False are not.

    Raises SpinelinkError.
    """
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        found = operator.index(value)
        if found >= least and (most is None or found <= most):
            return found
    bounds = f"{least} or more" if most is None else f"from {least} to {most}"
    raise SpinelinkError(f"{name} is {meaning}, {bounds}, not {value!r}.")


def whole_or_none(
    value: object, name: str, *, least: int = 1, meaning: str = "a whole number"
) -> int | None:
    """A whole number, or None for all. Raises SpinelinkError."""
    if value is None:
        return None
    return whole(value, name, least=least, meaning=f"{meaning} (None for all)")


def real(value: object, name: str, *, above: float | None = None) -> float:
    """A finite number, as a `float`; above: a bound that it must exceed. Raises SpinelinkError."""
    if is_real(value):
        found = float(value)  # type: ignore[arg-type]
        if above is None or found > above:
            return found
    bound = "" if above is None else f" above {above:g}"
    raise SpinelinkError(f"{name} is a number{bound}, not {value!r}.")


def share(value: object, name: str, *, ends: bool = True) -> float:
    """A number between 0 and 1, as a `float`; ends: whether 0 and 1 themselves are allowed. Raises SpinelinkError."""
    if is_real(value):
        found = float(value)  # type: ignore[arg-type]
        if 0.0 < found < 1.0 or (ends and found in (0.0, 1.0)):
            return found
    raise SpinelinkError(f"{name} lies between 0 and 1, not {value!r}.")


def level(value: object) -> float:
    """The level of a credible interval: a number between 0 and 1, as 0.95. Raises SpinelinkError."""
    if is_real(value) and 0.0 < float(value) < 1.0:  # type: ignore[arg-type]
        return float(value)  # type: ignore[arg-type]
    raise SpinelinkError(f"a level lies between 0 and 1, as 0.95, not {value!r}.")


def one_of(value: Name, kind: str, allowed: Iterable[Name]) -> Name:
    """One of the allowed names. Raises UnknownNameError, which lists them."""
    names = list(allowed)
    if not isinstance(value, str) or value not in names:
        raise UnknownNameError(str(value), kind=kind, allowed=names)
    return value


def is_real(value: object) -> bool:
    """True for a finite real number of Python or numpy; False for True, False and everything else."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return False
    try:
        return float("-inf") < float(value) < float("inf")
    except OverflowError:
        return False


_DECIMAL = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?", re.ASCII)


def decimal_number(text: str) -> float | None:
    """The number that a text writes out in digits: `47`, `0.2`, `1e-3`; None for anything else.

    Python's own `float` also reads `4_7`, `nan` and other scripts' digits. None too for a number
    that is not 0 but too small to be told from it, or too large.
    """
    plain = text.strip()
    if not _DECIMAL.fullmatch(plain):
        return None
    number = float(plain)
    lost = number == 0.0 and any(digit in "123456789" for digit in re.split("[eE]", plain)[0])
    return None if lost or number in (float("inf"), float("-inf")) else number
