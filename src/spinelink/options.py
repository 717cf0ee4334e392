"""Checks of options that callers pass: each returns the value, or raises an error that says what is allowed."""

from __future__ import annotations

import math
import numbers
import operator
import os
import re
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from spinelink.errors import SpinelinkError, UnknownNameError, shown

Name = TypeVar("Name", bound=str)


def whole(
    value: object,
    name: str,
    *,
    least: int = 0,
    most: int | None = None,
    meaning: str = "a whole number",
) -> int:
    """A whole number within bounds, as an `int`: Python's, numpy's or a Decimal; not True or False.

    Raises SpinelinkError.
    """
    found = _integer(value)
    if found is not None and found >= least and (most is None or found <= most):
        return found
    bounds = f"{least} or more" if most is None else f"from {least} to {most}"
    raise SpinelinkError(f"{name} is {meaning}, {bounds}, not {shown(value)}.")


def whole_or_none(
    value: object,
    name: str,
    *,
    least: int = 1,
    most: int | None = None,
    meaning: str = "a whole number",
) -> int | None:
    """A whole number, or None for all. Raises SpinelinkError."""
    if value is None:
        return None
    return whole(value, name, least=least, most=most, meaning=f"{meaning} (None for all)")


def _integer(value: object) -> int | None:
    """A whole number as an `int`; None for everything else."""
    if isinstance(value, Decimal):
        return int(value) if value.is_finite() and value == value.to_integral_value() else None
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        return operator.index(value)
    return None


def seed_of(value: object) -> int:
    """The seed of a random generator. Raises SpinelinkError."""
    return whole(value, "seed", meaning="a whole number")


MOST_DRAWS = 1_000_000


def draws_of(value: object, *, least: int = 1) -> int:
    """How many sampled parameters. Raises SpinelinkError."""
    return whole(
        value, "draws", least=least, most=MOST_DRAWS, meaning="how many sampled parameters"
    )


MOST_THREADS_ASKED = 1024


def threads_or_none(value: object) -> int | None:
    """How many threads, or None for as many as cores. Raises SpinelinkError."""
    if value is None:
        return None
    words = "how many threads (None: as many as cores)"
    return whole(value, "threads", least=1, most=MOST_THREADS_ASKED, meaning=words)


def flag(value: object, name: str) -> bool:
    """True or False, Python's or numpy's. Raises SpinelinkError."""
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
        return bool(value)
    raise SpinelinkError(f"{name} is True or False, not {shown(value)}.")


def flag_or_none(value: object, name: str) -> bool | None:
    """True, False, or None for the default. Raises SpinelinkError."""
    if value is None:
        return None
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
        return bool(value)
    raise SpinelinkError(f"{name} is True, False or None, not {shown(value)}.")


def text_list(
    value: object,
    name: str,
    *,
    what: str = "a name or a list of names",
    known: Collection[str] = (),
) -> list[str]:
    """One name or several, as a list. A number is taken where one of the known names is that number.

    Raises SpinelinkError for what is no text.
    """
    if isinstance(value, str):
        return [str(value)]
    if isinstance(value, Iterable) and not isinstance(value, bytes | bytearray):
        try:
            names = list(value)
        except (TypeError, ValueError):  # an array without axes, for example
            names = [value]
        odd = [n for n in names if not isinstance(n, str) and shown(n) not in known]
        if not odd:
            return [str(n) for n in names]
        value = odd[0]
    raise SpinelinkError(f"{name} is {what}, not {shown(value)}.")


def mapping(
    value: object, name: str, *, what: str, error: type[SpinelinkError] = SpinelinkError
) -> Mapping[object, object]:
    """A mapping. Raises `error`."""
    if isinstance(value, Mapping):
        return value
    raise error(f"{name} is a mapping {what}, not {shown(value)}.")


LONGEST_NAME = 255
"""Bytes of one part of a path, in every common file system."""


def _can_be_a_name(path: Path) -> bool:
    try:
        parts = [os.fsencode(part) for part in path.parts]
    except UnicodeEncodeError:
        return False
    return all(len(part) <= LONGEST_NAME and b"\0" not in part for part in parts)


def path_of(
    value: object, name: str, *, what: str = "the path of a file, a text or a Path"
) -> Path:
    """A path that files can have. Raises SpinelinkError."""
    if isinstance(value, str | os.PathLike) and isinstance(os.fspath(value), str):
        path = Path(value)
        if str(value) and _can_be_a_name(path):
            return path
    raise SpinelinkError(f"{name} is {what}, not {shown(value)}.")


def real(value: object, name: str, *, above: float | None = None) -> float:
    """A finite number, as a `float`; above: a bound that it must exceed. Raises SpinelinkError."""
    if is_real(value):
        found = float(value)  # type: ignore[arg-type]
        if above is None or found > above:
            return found
    bound = "" if above is None else f" above {above:g}"
    raise SpinelinkError(f"{name} is a number{bound}, not {shown(value)}.")


def share(value: object, name: str, *, ends: bool = True) -> float:
    """A number between 0 and 1, as a `float`; ends: whether 0 and 1 themselves are allowed. Raises SpinelinkError."""
    if is_real(value):
        found = float(value)  # type: ignore[arg-type]
        if 0.0 < found < 1.0 or (ends and found in (0.0, 1.0)):
            return found
    raise SpinelinkError(f"{name} lies between 0 and 1, not {shown(value)}.")


def level(value: object) -> float:
    """The level of a credible interval: a number between 0 and 1, as 0.95. Raises SpinelinkError."""
    if is_real(value) and 0.0 < float(value) < 1.0:  # type: ignore[arg-type]
        return float(value)  # type: ignore[arg-type]
    raise SpinelinkError(f"a level lies between 0 and 1, as 0.95, not {shown(value)}.")


def one_of(value: Name, kind: str, allowed: Iterable[Name]) -> Name:
    """One of the allowed names. Raises UnknownNameError, which lists them."""
    names = list(allowed)
    if not isinstance(value, str) or value not in names:
        raise UnknownNameError(value, kind=kind, allowed=names)
    return value


def is_number(value: object) -> bool:
    """True for a real number of Python, numpy or `decimal`, NaN too; False for True and False."""
    return isinstance(value, numbers.Real | Decimal) and not isinstance(value, bool)


def number_of(value: object) -> float:
    """A number as a `float`; infinite where it is larger than any, NaN where it is no number."""
    if not is_number(value) or (isinstance(value, Decimal) and value.is_nan()):
        return math.nan
    try:
        return float(value)  # type: ignore[arg-type]
    except OverflowError:
        return math.inf if value > 0 else -math.inf  # type: ignore[operator]


def is_real(value: object) -> bool:
    """True for a finite real number; False for True, False and everything else."""
    return math.isfinite(number_of(value))


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
