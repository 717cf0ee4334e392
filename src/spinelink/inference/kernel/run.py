"""Runs the tape over a block of rows: forwards, and the transpose of an operation.

The rows of a block are lanes, the last axis of all values; strides count blocks of lanes.
"""

from __future__ import annotations

import numpy as np

from spinelink.inference.kernel.jit import helper, inlined
from spinelink.inference.kernel.records import FRESH, LENGTH, OUT, A, B, Operand, Steps


@inlined
def _inner_axis(steps, columns, lanes):
    """The innermost loop: how many axes are left outside, its length, and its strides."""
    cx, cy, cz = columns
    outer, inner = steps.plain, lanes
    ix = iy = iz = np.int64(1)
    if outer > 0:
        last = steps.strides[outer - 1]
        if lanes == 1:
            return outer - 1, last[LENGTH], last[cx], last[cy], last[cz]
        if last[cx] == 1 and last[cy] == 1 and last[cz] == 1:
            return outer - 1, last[LENGTH] * lanes, ix, iy, iz
    return outer, inner, ix, iy, iz


@inlined
def _add_lanes(x, y, z, at, inner, store):
    """X = y z, or x += y z, over adjacent values."""
    a, b, c = np.uint64(at[0]), np.uint64(at[1]), np.uint64(at[2])
    if store:
        for k in range(np.uint64(inner)):
            x[a + k] = y[b + k] * z[c + k]
    else:
        for k in range(np.uint64(inner)):
            x[a + k] += y[b + k] * z[c + k]


@inlined
def _add_strided(x, y, z, at, inner, store):
    """The same with strides: at holds three places and three strides."""
    a, b, c = np.uint64(at[0]), np.uint64(at[1]), np.uint64(at[2])
    dx, dy, dz = np.uint64(at[3]), np.uint64(at[4]), np.uint64(at[5])
    if store:
        x[a] = y[b] * z[c]
        for k in range(np.uint64(1), np.uint64(inner)):
            x[a + k * dx] = y[b + k * dy] * z[c + k * dz]
    else:
        for k in range(np.uint64(inner)):
            x[a + k * dx] += y[b + k * dy] * z[c + k * dz]


@helper
def multiply_add(to, one, two, steps, index, lanes):
    """to[i] += one[i] two[i] for all places i along the strides, and all pairs of levels.

    Where `steps.store` is 1, the first product to reach a place is stored, not added.
    """
    x, y, z = to.cells, one.cells, two.cells
    cx, cy, cz = to.column, one.column, two.column
    at_x, at_y, at_z = to.place, one.place, two.place
    strides, pairs, begin, end = steps.strides, steps.pairs, steps.begin, steps.end
    outer, inner, ix, iy, iz = _inner_axis(steps, (cx, cy, cz), lanes)
    for axis in range(outer):
        index[axis] = 0
    while True:
        for pair in range(begin, end):
            a = (at_x + pairs[pair, cx]) * lanes
            b = (at_y + pairs[pair, cy]) * lanes
            c = (at_z + pairs[pair, cz]) * lanes
            store = steps.store == 1 and pairs[pair, FRESH] == 1
            if lanes > 1:
                _add_lanes(x, y, z, (a, b, c), inner, store)
            else:
                _add_strided(x, y, z, (a, b, c, ix, iy, iz), inner, store)
        axis = outer - 1
        while axis >= 0:
            index[axis] += 1
            at_x += strides[axis, cx]
            at_y += strides[axis, cy]
            at_z += strides[axis, cz]
            if index[axis] < strides[axis, LENGTH]:
                break
            at_x -= strides[axis, cx] * index[axis]
            at_y -= strides[axis, cy] * index[axis]
            at_z -= strides[axis, cz] * index[axis]
            index[axis] = 0
            axis -= 1
        if axis < 0:
            return


@helper
def forwards(tape, block, operations, values, lanes):
    """Runs all operations; `total` gathers what each part of the network gives."""
    factors, pairs, strides, total = tape.factors, tape.pairs, tape.strides, block.total
    index, ops = block.counter, tape.operations
    col_a, col_b, col_o, store = np.int64(A), np.int64(B), np.int64(OUT), np.int64(1)
    for k in range(operations):
        op = ops[k]
        out = factors[op.out].place
        multiply_add(
            Operand(values, out, col_o),
            Operand(values, factors[op.a].place, col_a),
            Operand(values, factors[op.b].place, col_b),
            Steps(strides[k], pairs, op.plain, op.pairs, ops[k + 1].pairs, store),
            index,
            lanes,
        )
        if factors[op.out].axes == 0:
            for lane in range(lanes):
                total[lane] *= values[out * lanes + lane]


@helper
def transpose(tape, k, side, cells, index, lanes):
    """The transpose of operation k: adds to the adjoint of a (side 0) or of b (side 1)."""
    factors, ops, add = tape.factors, tape.operations, np.int64(0)
    col_a, col_b, col_o = np.int64(A), np.int64(B), np.int64(OUT)
    op = ops[k]
    x, z = (op.a, op.b) if side == 0 else (op.b, op.a)
    col_x, col_z = (col_a, col_b) if side == 0 else (col_b, col_a)
    multiply_add(
        Operand(cells.adjoint, factors[x].place, col_x),
        Operand(cells.adjoint, factors[op.out].place, col_o),
        Operand(cells.values, factors[z].place, col_z),
        Steps(tape.strides[k], tape.pairs, op.plain, op.pairs, ops[k + 1].pairs, add),
        index,
        lanes,
    )


@inlined
def lanes_of(entries, rows, max_entries, limits):
    """How many rows of a group to compute together."""
    least = max(1, min(limits.least_lanes, max_entries // entries))
    return min(min(limits.lanes, rows), max(least, limits.room // entries))


@helper
def row_of(findings, span, lane):
    """The row of findings that belongs to a lane."""
    return (span.begin + lane) * (1 if len(findings.states) > 1 else 0)


@helper
def read_evidence(block, span, smallest, log_evidence, status, lost):
    """Log P(findings) and status of each row; returns whether all are answered.

    lost: the status of a row whose result is neither zero nor large enough.
    """
    constant, total = block.constant, block.total
    fine = True
    for lane in range(span.lanes):
        row = span.begin + lane
        p = total[lane] * constant[lane]
        if p > smallest:
            status[row] = 0
            log_evidence[row] = np.log(total[lane]) + np.log(constant[lane])
        else:
            status[row] = lost if p != 0.0 else 2
            fine = False
    return fine
