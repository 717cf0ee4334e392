"""The steps of a plan: how factors become one, numbered as they arise."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Combine:
    """out = a combined with b, over the union of their scopes."""

    a: int
    b: int
    out: int
    shape_a: tuple[int, ...]
    shape_b: tuple[int, ...]
    deputy_axes: tuple[int, ...]
    absent_a: tuple[int, ...]
    absent_b: tuple[int, ...]


@dataclass(frozen=True)
class SumOut:
    """Sums the first axis, which belongs to `vertex`."""

    source: int
    out: int
    vertex: int


@dataclass(frozen=True)
class TakeTop:
    """Takes the top level of the first axis: the maximum reached the observed state."""

    source: int
    out: int


@dataclass(frozen=True)
class Close:
    """The first axis, a complete maximum, becomes the node itself, at `position`.

    Where the node is there already: the diagonal of the two.
    """

    source: int
    out: int
    position: int
    diagonal: bool


Step = Combine | SumOut | TakeTop | Close
