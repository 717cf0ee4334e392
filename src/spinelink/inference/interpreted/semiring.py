"""The two arithmetics in which a plan runs: plain numbers, and their logarithms.

Every number in a run is a probability or a sum of them, never negative, so that nothing cancels.
Plain numbers are exact as long as P(evidence) is well above the smallest double: an entry that
underflows to zero is then too small to matter. Below that the same plan runs on logarithms.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.limits import DEFAULT, Limits

Array = NDArray[np.float64]


class Semiring(Protocol):
    """Sum and product of non-negative numbers in some representation."""

    def encode(self, probabilities: Array) -> Array:
        """Probabilities in this representation."""
        ...

    def decode_log(self, values: Array) -> Array:
        """Natural logarithms of values in this representation."""
        ...

    def multiply(self, a: Array, b: Array) -> Array:
        """The product, element by element."""
        ...

    def add(self, a: Array, b: Array) -> Array:
        """The sum, element by element."""
        ...

    def total(self, a: Array, axes: tuple[int, ...]) -> Array:
        """The sum over some axes."""
        ...

    def groups(self, a: Array, starts: NDArray[np.int64], axis: int) -> Array:
        """Sums of groups along an axis; starts: where each group begins."""
        ...

    def zeros(self, shape: tuple[int, ...]) -> Array:
        """Zeros in this representation."""
        ...

    def invert(self, a: Array) -> Array:
        """One over each value."""
        ...


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

    def groups(self, a: Array, starts: NDArray[np.int64], axis: int) -> Array:
        return np.add.reduceat(a, starts, axis=axis)

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
        scaled = a - shift
        np.exp(scaled, out=scaled)
        with np.errstate(divide="ignore"):
            logs: Array = np.log(scaled.sum(axis=axes)) + shift.squeeze(axis=axes)
        return logs

    def groups(self, a: Array, starts: NDArray[np.int64], axis: int) -> Array:
        return np.logaddexp.reduceat(a, starts, axis=axis)

    def zeros(self, shape: tuple[int, ...]) -> Array:
        return np.full(shape, -np.inf)

    def invert(self, a: Array) -> Array:
        return -a


LINEAR = Linear()
LOGARITHMIC = Logarithmic()


def combine(
    ring: Semiring,
    a: Array,
    b: Array,
    deputy_axes: tuple[int, ...],
    *,
    limits: Limits = DEFAULT,
) -> Array:
    """Product of two aligned factors; along a deputy axis, the maximum of two independent levels.

    a, b: (scope..., batch), broadcastable. Along a deputy axis both have all K levels: out[k] = sum
    over max(i, j) = k of a[i] b[j]. It is computed as a[k] B[k] + A[k-1] b[k] with running sums A, B:
    2 K - 1 products of slices and no difference (Zhang and Poole 1996).
    """
    if not deputy_axes:
        return ring.multiply(a, b)
    if _is_small(a, b, axes=deputy_axes, limits=limits):
        return _pairwise(ring, a, second=b, axes=deputy_axes, reached=True)
    axis, rest = _inner(deputy_axes)
    own, other = _levels(a, axis), _levels(b, axis)
    up_to_own, up_to_other = _running(ring, own), _running(ring, other)
    levels = [combine(ring, own[0], other[0], rest, limits=limits)]
    for k in range(1, len(own)):
        reached = combine(ring, own[k], up_to_other[k], rest, limits=limits)
        raised = combine(ring, up_to_own[k - 1], other[k], rest, limits=limits)
        levels.append(ring.add(reached, raised))
    return np.stack(levels, axis=axis)


def transpose(
    ring: Semiring,
    adjoint: Array,
    b: Array,
    deputy_axes: tuple[int, ...],
    *,
    limits: Limits = DEFAULT,
) -> Array:
    """The transpose of `combine` in its first argument: the adjoint of a, over the union scope.

    Along a deputy axis: adj_a[i] = adj[i] B[i] + sum over j > i of adj[j] b[j].
    """
    if not deputy_axes:
        return ring.multiply(adjoint, b)
    if _is_small(adjoint, b, axes=deputy_axes, limits=limits):
        return _pairwise(ring, adjoint, second=b, axes=deputy_axes, reached=False)
    axis, rest = _inner(deputy_axes)
    own, other = _levels(adjoint, axis), _levels(b, axis)
    up_to = _running(ring, other)
    levels: list[Array] = []
    above: Array | None = None
    for i in reversed(range(len(other))):
        same = transpose(ring, own[i], up_to[i], rest, limits=limits)
        levels.append(same if above is None else ring.add(same, above))
        if i:
            pushed = transpose(ring, own[i], other[i], rest, limits=limits)
            above = pushed if above is None else ring.add(above, pushed)
    return np.stack(levels[::-1], axis=axis)


def _is_small(a: Array, b: Array, *, axes: tuple[int, ...], limits: Limits) -> bool:
    """Whether a list of all pairs of levels beats recursion over slices."""
    if not 1 < len(axes) <= limits.paired_axes:
        return False
    pairs = beside = 1
    for axis, (x, y) in enumerate(zip(a.shape, b.shape, strict=True)):
        if axis in axes:
            pairs *= x * x
        else:
            beside *= max(x, y)
    return pairs <= limits.listed_pairs and beside <= limits.entries_beside_pairs


def _pairwise(
    ring: Semiring, first: Array, *, second: Array, axes: tuple[int, ...], reached: bool
) -> Array:
    """`combine` (reached) or `transpose` of small arrays: all pairs of levels in one product."""
    levels = tuple(first.shape[axis] for axis in axes)
    at_first, at_second, starts = _pairs(levels, reached)
    inner = range(-1 - len(axes), -1)

    def flat(a: Array) -> Array:
        moved = np.moveaxis(a, axes, inner)
        return moved.reshape(*moved.shape[: -1 - len(axes)], -1, moved.shape[-1])

    products = ring.multiply(flat(first)[..., at_first, :], flat(second)[..., at_second, :])
    sums = ring.groups(products, starts, products.ndim - 2)
    return np.moveaxis(sums.reshape(*sums.shape[:-2], *levels, sums.shape[-1]), inner, axes)


@lru_cache(maxsize=256)
def _pairs(
    levels: tuple[int, ...], reached: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of grid points as flat indices into the two arrays, sorted by the point they add to.

    Also returns where the pairs of each point begin. reached: a point of a and one of b add to their
    maximum. Else, the transpose: a's point takes the adjoint of the maximum, times b's point.
    """
    grid = np.indices(levels).reshape(len(levels), -1)
    i, j = (k.reshape(-1) for k in np.indices((grid.shape[1], grid.shape[1])))
    top = np.ravel_multi_index(tuple(np.maximum(grid[:, i], grid[:, j])), levels)
    first, second, to = (i, j, top) if reached else (top, j, i)
    order = np.argsort(to, kind="stable")
    return first[order], second[order], np.searchsorted(to[order], np.arange(grid.shape[1]))


def _inner(axes: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    """The last of the axes, so that the others keep their places when it is sliced away."""
    return max(axes), tuple(a for a in axes if a != max(axes))


def _levels(a: Array, axis: int) -> list[Array]:
    return [a[(slice(None),) * axis + (k,)] for k in range(a.shape[axis])]


def _running(ring: Semiring, levels: list[Array]) -> list[Array]:
    """Sums of the levels up to each."""
    sums = levels[:1]
    for level in levels[1:]:
        sums.append(ring.add(sums[-1], level))
    return sums
