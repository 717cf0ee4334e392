"""The tape: products of two factors, one after another, with the strides that each one takes.

Every operation is a sum of products over strided axes. Products, sums, the maximum along a deputy's
axis, and their transposes differ only in strides and offsets.
"""

from __future__ import annotations

import numpy as np

from spinelink.inference.kernel.jit import helper, inlined
from spinelink.inference.kernel.records import (
    FRESH,
    LENGTH,
    MOST_AXES,
    OUT,
    A,
    Axis,
    B,
    Join,
    Plan,
)


@inlined
def _union_axes(tape, join, union):
    """The axes of a or b, in the order of elimination; returns how many, -1 if too many."""
    factors, scopes = tape.factors, tape.scopes
    a, b = join.a, join.b
    axes_a, axes_b = factors[a].axes, factors[b].axes
    n = k = j = 0
    while k < axes_a or j < axes_b:
        if n >= MOST_AXES:
            return -1
        if j >= axes_b or (k < axes_a and scopes[a, k] <= scopes[b, j]):
            u = scopes[a, k]
            if j < axes_b and scopes[b, j] == u:
                j += 1
            k += 1
        else:
            u = scopes[b, j]
            j += 1
        union[n] = u
        n += 1
    return n


@inlined
def _result_axes(tape, join, union, n, node):
    """The axes of the result, into its scope; False if it would be too large.

    The node that an eliminated deputy becomes takes its place among them.
    """
    scopes, vertices, out = tape.scopes, tape.vertices, join.out
    m = 0
    size = 1.0
    placed = node < 0
    for k in range(n + 1):
        u = union[k] if k < n else np.int64(-1)
        if k < n and u == join.vertex:
            continue
        if not placed and (k == n or u >= node):
            placed = True
            if u != node:
                scopes[out, m] = node
                size *= vertices[node].states
                m += 1
        if k < n:
            scopes[out, m] = u
            size *= vertices[u].states
            m += 1
    tape.factors[out].axes = m
    if size > 1e9:
        return False
    tape.factors[out].size = np.int64(size)
    return True


@inlined
def _axis_steps(tape, join, buckets, n, node):
    """The stride of each axis in a, b and out, into `steps`; returns those of the node."""
    factors, scopes, vertices = tape.factors, tape.scopes, tape.vertices
    union, steps = buckets.union, buckets.steps
    a, b, out = join.a, join.b, join.out
    ka, kb, ko = factors[a].axes - 1, factors[b].axes - 1, factors[out].axes - 1
    run_a = run_b = run_o = np.int64(1)
    na = nb = no = np.int64(0)
    for k in range(n - 1, -1, -1):
        u = union[k]
        levels = vertices[u].states
        sa = sb = so = np.int64(0)
        if ko >= 0 and node > u and scopes[out, ko] == node:  # the node, which no factor holds
            no = run_o
            run_o *= vertices[node].states
            ko -= 1
        if ka >= 0 and scopes[a, ka] == u:
            sa = run_a
            run_a *= levels
            ka -= 1
        if kb >= 0 and scopes[b, kb] == u:
            sb = run_b
            run_b *= levels
            kb -= 1
        if ko >= 0 and scopes[out, ko] == u:
            so = run_o
            run_o *= levels
            ko -= 1
        steps[k, A], steps[k, B], steps[k, OUT] = sa, sb, so
        if u == node:
            na, nb, no = sa, sb, so
    return na, nb, no


@inlined
def _add_plain(strides, plain, levels, step):
    """Adds a plain axis, joined with the one before where both are one run; returns their number."""
    sa, sb, so = step
    p = plain - 1
    if plain > 0:
        length = strides[p, LENGTH]
        if (
            sa == strides[p, A] * length
            and sb == strides[p, B] * length
            and so == strides[p, OUT] * length
        ):
            strides[p, LENGTH] *= levels
            return plain
    strides[plain, LENGTH] = levels
    strides[plain, A], strides[plain, B], strides[plain, OUT] = sa, sb, so
    return plain + 1


@inlined
def _add_pairs(pairs, ends, step, closing, axis):
    """Lists the pairs of levels along an axis, each with all pairs before; returns their end.

    -1: there is no room. closing: the strides of the node that the deputy becomes.
    """
    begin, end = ends
    sa, sb, so = step
    na, nb, no = closing
    levels, deputy = axis.levels, axis.deputy == 1
    paired = deputy and sa > 0 and sb > 0
    many = end - begin
    if begin + many * (levels * levels + 1) > len(pairs):
        return np.int64(-1)
    at = end
    for y in range(levels if paired else 1):
        for x in range(levels):
            reached = max(x, y)
            if deputy and axis.eliminated and not axis.closes and reached != levels - 1:
                continue  # the maximum that was observed is not reached
            first = y == 0 if paired else x == 0 or deputy
            closed = reached if axis.eliminated else 0
            other = y if paired else x
            for e in range(begin, end):
                pairs[at, A] = pairs[e, A] + x * sa + closed * na
                pairs[at, B] = pairs[e, B] + other * sb + closed * nb
                pairs[at, OUT] = pairs[e, OUT] + (closed * no if axis.eliminated else reached * so)
                pairs[at, FRESH] = pairs[e, FRESH] if first else 0
                at += 1
    for e in range(end, at):
        for column in range(4):
            pairs[e - many, column] = pairs[e, column]
    return at - many


@helper
def _swap(strides, p, q):
    for column in range(4):
        strides[p, column], strides[q, column] = strides[q, column], strides[p, column]


@inlined
def _arrange(strides, plain, alone):
    """The first axis first; for a row alone, the longest axis becomes the inner loop."""
    longest = 0
    for p in range(plain):
        if strides[p, LENGTH] > strides[longest, LENGTH]:
            longest = p
    for p in range(plain // 2):
        _swap(strides, p, plain - 1 - p)
    if alone and plain > 1:
        _swap(strides, plain - 1 - longest, plain - 1)


@helper
def _emit(tape, buckets, k, join, alone):
    """Writes operation k: out = a times b, a variable summed out. False: there is no room.

    Along a variable that is summed out, and a deputy that both share, pairs of levels are listed; the
    other axes are strides.
    """
    factors, vertices, pairs, union = tape.factors, tape.vertices, tape.pairs, buckets.union
    steps, op, v = buckets.steps, tape.operations[k], join.vertex
    node = vertices[v].closes if v >= 0 else np.int64(-1)
    n = _union_axes(tape, join, union)
    if n < 0 or not _result_axes(tape, join, union, n, node):
        return False
    closing = _axis_steps(tape, join, buckets, n, node)
    begin = op.pairs
    if begin >= len(pairs):
        return False
    end = begin + 1
    pairs[begin, A] = pairs[begin, B] = pairs[begin, OUT] = 0
    pairs[begin, FRESH] = 1
    strides, plain = tape.strides[k], 0
    for j in range(n - 1, -1, -1):
        u = union[j]
        if u == node:
            continue  # fixed by the level that the deputy has reached
        levels, deputy = vertices[u].states, vertices[u].deputy
        step = (steps[j, A], steps[j, B], steps[j, OUT])
        if u != v and (deputy == 0 or step[A] == 0 or step[B] == 0):
            plain = _add_plain(strides, plain, levels, step)
            continue
        end = _add_pairs(
            pairs, (begin, end), step, closing, Axis(levels, deputy, u == v, node >= 0)
        )
        if end < 0:
            return False
    _arrange(strides, plain, alone)
    op.plain, op.a, op.b, op.out = plain, join.a, join.b, join.out
    tape.operations[k + 1].pairs = end
    op.vertex = v if v >= 0 and vertices[v].deputy == 0 else -1
    wants = factors[join.a].wants or factors[join.b].wants or (v >= 0 and vertices[v].wanted)
    factors[join.out].wants = 1 if wants else 0
    return True


@inlined
def _hold_bucket(factors, f, held):
    """The factors of a bucket, smallest first; returns how many."""
    holding = 0
    while f >= 0:
        j = holding - 1
        while j >= 0 and factors[held[j]].size > factors[f].size:
            held[j + 1] = held[j]
            j -= 1
        held[j + 1] = f
        holding += 1
        f = factors[f].next
    return holding


@inlined
def build_tape(tape, buckets, sizes, entries, task):
    """Multiplies the factors of each variable in turn, and sums the variable out with the last."""
    factors, first, held = tape.factors, buckets.first, buckets.held
    out, ops = sizes.factors, np.int64(0)
    one = np.int64(0)  # factor 0 is the number 1
    nothing = np.int64(-1)  # numba compiles a function anew for a literal argument
    for v in range(sizes.vertices):
        holding = _hold_bucket(factors, first[v], held)
        product = held[0]
        for k in range(1, max(holding, 2)):
            vertex = v if k >= holding - 1 else nothing
            join = Join(product, held[k] if k < holding else one, out, vertex)
            if not _emit(tape, buckets, ops, join, task.rows == 1):
                return Plan(np.int64(0), np.int64(0), np.int64(0))
            factors[out].place = entries
            entries += factors[out].size
            if entries > task.max_entries:
                return Plan(np.int64(0), np.int64(0), np.int64(0))
            product = out
            ops += 1
            out += 1
        if factors[product].axes > 0:
            factors[product].next = first[tape.scopes[product, 0]]
            first[tape.scopes[product, 0]] = product
    return Plan(sizes.factors, ops, entries)
