"""Columns of likelihoods and of other numbers.

A cell is a number, a text that writes one out in digits, or a mark of missing data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from spinelink.errors import EvidenceError
from spinelink.network.evidence import is_mark_of_missing, is_missing
from spinelink.options import decimal_number, is_number, number_of

Array = NDArray[np.float64]


def read_likelihoods(
    node: str,
    states: Sequence[str],
    *,
    columns: Mapping[str, str],
    frame: nw.DataFrame[Any],
    first: int,
) -> Array:
    """Likelihoods of a node's states, (states, rows), the largest of a row 1; NaN where missing.

    Args:
        node: its name, for messages.
        states: of the node.
        columns: state -> its column. Of two states one may be left out; it gets the rest to 1.
        frame: the table.
        first: the number of the first row, for messages.

    Raises:
        EvidenceError: a state has no column, or a cell is no likelihood.
    """
    left = [s for s in states if s not in columns]
    if left and len(states) > 2:
        needed = ", ".join(f"'{node}={s}'" for s in left)
        raise EvidenceError(
            f"column {next(iter(columns.values()))!r}: {node} has {len(states)} states, and each "
            f"needs a column of likelihoods; add {needed}, with 0 only where it is ruled out."
        )
    table = np.zeros((len(states), len(frame)))
    for state, column in columns.items():
        table[states.index(state)] = numbers_of(
            frame[column], column, what="likelihoods", first_row=first
        )
    missing = np.isnan(table[[states.index(s) for s in columns]])
    assessed = ~missing.any(axis=0)
    wrong = {
        "some likelihoods are missing; give all of the node's columns or none": (
            ~assessed & ~missing.all(axis=0)
        ),
        "a likelihood is not finite": assessed & ~np.isfinite(table).all(axis=0),
        "a likelihood is negative": assessed & (table < 0.0).any(axis=0),
    }
    if left:
        rest = 1.0 - table.sum(axis=0)  # the column left out is 0 so far
        wrong[f"a likelihood is above 1; add the column '{node}={left[0]}'"] = assessed & (rest < 0)
        table[states.index(left[0])] = rest
    wrong["all likelihoods are 0, which rules out every state"] = assessed & ~table.any(axis=0)
    for what, rows in wrong.items():
        if rows.any():
            row = first + int(np.flatnonzero(rows)[0])
            raise EvidenceError(f"row {row}, columns {list(columns.values())}: {what}.")
    table[:, ~assessed] = np.nan
    with np.errstate(invalid="ignore"):
        return np.asarray(table / table.max(axis=0))


def numbers_of(
    series: nw.Series[Any], column: str, *, what: str = "values", first_row: int = 0
) -> Array:
    """A column as numbers, (rows,); NaN where missing.

    Args:
        series: numbers, or texts that write them out in digits.
        column: its name, for messages.
        what: what the numbers are, for messages.
        first_row: the number of the first row, for messages.

    Raises:
        EvidenceError: a cell is no number.
    """
    if series.dtype.is_numeric():
        return np.array(series.cast(nw.Float64).to_numpy(), dtype=float)
    found = np.empty(len(series))
    for row, cell in enumerate(series.to_list()):
        value = cell.item() if isinstance(cell, np.generic) else cell
        if is_missing(value) or (isinstance(value, str) and is_mark_of_missing(value)):
            found[row] = np.nan
            continue
        number = decimal_number(value) if isinstance(value, str) else None
        if is_number(value):
            number = number_of(value)
        if number is None:
            raise EvidenceError(
                f"row {first_row + row}, column {column!r}: {what} are numbers, as 0.8, "
                f"not {value!r}."
            )
        found[row] = number
    return found
