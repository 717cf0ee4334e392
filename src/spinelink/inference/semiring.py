"""The two arithmetics in which a plan runs: plain numbers, and their logarithms.

Every number in a run is a probability or a sum of them, never negative: nothing cancels. Plain numbers are exact as long as
P(evidence) is well above the smallest double (an entry that underflows to zero is then too small to matter); below that the same plan
runs on logarithms.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Semiring(Protocol):
    """Sum and product of non-negative numbers in some representation."""

    def encode(self, probabilities: Array) -> Array: ...
    def decode_log(self, values: Array) -> Array: ...
    def multiply(self, a: Array, b: Array) -> Array: ...
    def add(self, a: Array, b: Array) -> Array: ...
    def total(self, a: Array, axes: tuple[int, ...]) -> Array: ...
    def running(self, a: Array, axis: int) -> Array: ...
    def zeros(self, shape: tuple[int, ...]) -> Array: ...
    def invert(self, a: Array) -> Array: ...


class Linear:
    """Plain doubles."""

    def encode(self, probabilities: Array) -> Array:
        return probabilities

    def decode_log(self, values: Array) -> Array:
        with np.errstate(divide="ignore"):
            return np.log(values)

    def multiply(self, a: Array, b: Array) -> Array:
        return a * b

    def add(self, a: Array, b: Array) -> Array:
        return a + b

    def total(self, a: Array, axes: tuple[int, ...]) -> Array:
        return a.sum(axis=axes) if axes else a

    def running(self, a: Array, axis: int) -> Array:
        return a.cumsum(axis=axis)

    def zeros(self, shape: tuple[int, ...]) -> Array:
        return np.zeros(shape)

    def invert(self, a: Array) -> Array:
        with np.errstate(divide="ignore"):
            return 1.0 / a


class Logarithmic:
    """Natural logarithms of doubles; minus infinity is zero."""

    def encode(self, probabilities: Array) -> Array:
        with np.errstate(divide="ignore"):
            return np.log(probabilities)

    def decode_log(self, values: Array) -> Array:
        return values

    def multiply(self, a: Array, b: Array) -> Array:
        return a + b

    def add(self, a: Array, b: Array) -> Array:
        return np.logaddexp(a, b)

    def total(self, a: Array, axes: tuple[int, ...]) -> Array:
        if not axes:
            return a
        # An all-zero slice has no finite peak; shift it by nothing rather than by minus infinity.
        peak = a.max(axis=axes, keepdims=True)
        shift = np.where(np.isfinite(peak), peak, 0.0)
        with np.errstate(divide="ignore"):
            logs: Array = np.log(np.exp(a - shift).sum(axis=axes)) + shift.squeeze(axis=axes)
        return logs

    def running(self, a: Array, axis: int) -> Array:
        return np.logaddexp.accumulate(a, axis=axis)

    def zeros(self, shape: tuple[int, ...]) -> Array:
        return np.full(shape, -np.inf)

    def invert(self, a: Array) -> Array:
        return -a


LINEAR = Linear()
LOGARITHMIC = Logarithmic()


def combine(ring: Semiring, a: Array, b: Array, deputy_axes: tuple[int, ...]) -> Array:
    """Product of two aligned factors; along a deputy axis, the distribution of the maximum of two independent levels.

    a, b: (scope..., batch), broadcastable. Along a deputy axis both have all levels: out[k] = sum over max(i, j) = k of a[i] b[j],
    computed as a[k] B[k] + A[k-1] b[k] with running sums A, B (Zhang and Poole 1996; Diez and Galan 2003, but without signs).
    """
    if not deputy_axes:
        return ring.multiply(a, b)
    axis, rest = deputy_axes[0], deputy_axes[1:]
    first = combine(ring, a, ring.running(b, axis), rest)
    second = combine(ring, _shift_up(ring, ring.running(a, axis), axis), b, rest)
    return ring.add(first, second)


def transpose(ring: Semiring, adjoint: Array, b: Array, deputy_axes: tuple[int, ...]) -> Array:
    """The transpose of `combine` in its first argument: adjoint of a, over the union scope (sum out what a lacks).

    Along a deputy axis: adj_a[i] = adj[i] B[i] + sum over j > i of adj[j] b[j].
    """
    if not deputy_axes:
        return ring.multiply(adjoint, b)
    axis, rest = deputy_axes[0], deputy_axes[1:]
    same = transpose(ring, adjoint, ring.running(b, axis), rest)
    above = transpose(ring, adjoint, b, rest)
    return ring.add(same, _sum_above(ring, above, axis))


def _shift_up(ring: Semiring, a: Array, axis: int) -> Array:
    """Entries moved one level up along the axis; level 0 becomes zero."""
    out = ring.zeros(a.shape)
    source: list[slice] = [slice(None)] * a.ndim
    target: list[slice] = [slice(None)] * a.ndim
    source[axis], target[axis] = slice(0, -1), slice(1, None)
    out[tuple(target)] = a[tuple(source)]
    return out


def _sum_above(ring: Semiring, a: Array, axis: int) -> Array:
    """At each level the sum over all higher levels."""
    flipped = np.flip(a, axis=axis)
    return np.flip(_shift_up(ring, ring.running(flipped, axis), axis), axis=axis)
