"""The compiled kernel: posteriors of rows of findings; importing this module loads numba.

A group of rows with one structural pattern gets one tape of operations. It is run over blocks of
rows, forwards for P(findings), and backwards for the marginals (Darwiche 2003, JACM 50:280).
"""

from __future__ import annotations

import numpy as np

from spinelink.inference.kernel.inputs import fill
from spinelink.inference.kernel.jit import helper, inlined, kernel
from spinelink.inference.kernel.plan import mark_targets, plan_group
from spinelink.inference.kernel.records import (
    ANSWERED,
    DIRECT,
    DISAGREED,
    OUTGROWN,
    TERMS,
    UNDERFLOWN,
    Cells,
    Check,
    Span,
    Task,
)
from spinelink.inference.kernel.run import forwards, lanes_of, read_evidence, transpose


@inlined
def _sum_states(tape, block, cells, measured, v, lanes):
    """Mass of each state of a variable, from a factor that has it as first axis."""
    values, adjoint, marginal = cells.values, cells.adjoint, block.marginal
    place, states, largest = (
        tape.factors[measured].place,
        tape.vertices[v].states,
        len(block.levels),
    )
    entries = tape.factors[measured].size // states
    for s in range(states):
        at, to = (place + s * entries) * lanes, v * largest + s
        if lanes == 1:
            mass = 0.0
            for e in range(at, at + entries):
                mass += values[e] * adjoint[e]
            marginal[to, 0] = mass
            continue
        for lane in range(lanes):
            marginal[to, lane] = 0.0
        for _ in range(entries):
            for lane in range(lanes):
                marginal[to, lane] += values[at + lane] * adjoint[at + lane]
            at += lanes


@inlined
def _sum_terms(tape, block, cells, measured, v, lanes):
    """The same, and the absolute terms of all states in all."""
    values, adjoint, marginal, terms = cells.values, cells.adjoint, block.marginal, block.terms
    place, states, largest = (
        tape.factors[measured].place,
        tape.vertices[v].states,
        len(block.levels),
    )
    entries = tape.factors[measured].size // states
    for lane in range(lanes):
        terms[lane] = 0.0
    for s in range(states):
        at, to = (place + s * entries) * lanes, v * largest + s
        for lane in range(lanes):
            marginal[to, lane] = 0.0
        for _ in range(entries):
            for lane in range(lanes):
                term = values[at + lane] * adjoint[at + lane]
                marginal[to, lane] += term
                terms[lane] += abs(term)
            at += lanes


@inlined
def _compare(work, values, v, root, check, out):
    """Marks rows whose marginal does not add up to what the last operation gave.

    root: where that stands in `values`. out: the status of the rows of this block.
    """
    marginal, terms, largest = work.block.marginal, work.block.terms, len(work.block.levels)
    vertex = work.tape.vertices[v]
    for lane in range(len(out)):
        again = 0.0
        lowest = 0.0
        for s in range(vertex.states):
            mass = marginal[v * largest + s, lane]
            again += mass
            if vertex.closes != TERMS:
                lowest = min(lowest, mass)
        once = values[root + lane]
        if out[lane] == ANSWERED and not (
            abs(again / once - 1.0) <= check.agreement
            and -lowest / once <= check.agreement
            and terms[lane] / once <= check.cancellation
        ):
            out[lane] = DISAGREED


@inlined
def _transpose_wanted(tape, k, cells, index, lanes):
    """Operation k backwards, for factors above a target; returns the factor to measure, or -1."""
    factors, op = tape.factors, tape.operations[k]
    a, b, out, v = op.a, op.b, op.out, op.vertex
    if factors[out].axes == 0:
        for lane in range(lanes):
            cells.adjoint[factors[out].place * lanes + lane] = 1.0
        factors[out].next = out
    factors[a].next = factors[out].next
    factors[b].next = factors[out].next
    measured = np.int64(-1)
    if v >= 0 and tape.vertices[v].wanted == 1:
        measured = b if factors[b].wants == 1 else a
    for side in range(2):
        x = a if side == 0 else b
        if factors[x].wants == 1 or x == measured:
            transpose(tape, k, side, cells, index, lanes)
    return measured


@helper
def _backwards(work, plan, span, cells, check, status):
    """The marginals of all wanted variables; in difference form, each of them is checked."""
    tape, block, lanes = work.tape, work.block, span.lanes
    factors, ops, index, adjoint = tape.factors, tape.operations, block.counter, cells.adjoint
    rows = status[span.begin : span.begin + lanes]
    for e in range(plan.entries * lanes):
        adjoint[e] = 0.0
    for k in range(plan.operations - 1, -1, -1):
        out = ops[k].out
        if factors[out].wants == 0:
            continue
        measured = _transpose_wanted(tape, k, cells, index, lanes)
        if measured < 0:
            continue
        if check.form == DIRECT:
            _sum_states(tape, block, cells, measured, ops[k].vertex, lanes)
        else:
            _sum_terms(tape, block, cells, measured, ops[k].vertex, lanes)
            root = factors[factors[out].next].place * lanes
            _compare(work, cells.values, ops[k].vertex, root, check, rows)


@helper
def _read_posteriors(flat, findings, targets, span, work, posterior):
    """The posteriors of the targets; an observed target has all mass on its state."""
    cards, local, marginal = flat.cards, work.pattern.local, work.block.marginal
    states, largest = findings.states, len(work.block.levels)
    code_step = 1 if len(states) > 1 else 0
    at = 0
    for i in targets:
        for lane in range(span.lanes):
            row = span.begin + lane
            if local[i] < 0:
                for s in range(cards[i]):
                    posterior[row, at + s] = 1.0 if s == states[row * code_step, i] else 0.0
            else:
                mass = 0.0
                for s in range(cards[i]):
                    mass += marginal[local[i] * largest + s, lane]
                for s in range(cards[i]):
                    posterior[row, at + s] = marginal[local[i] * largest + s, lane] / mass
        at += cards[i]


@kernel
def solve_rows(flat, findings, request, limits, work, out):
    """Answers rows, into the outputs.

    flat: `Flat`. findings: `Findings`. request: `Request`. limits: `KernelLimits`. work: `Workspace`.
    out: `Outputs`; rows whose status is not `ANSWERED` hold nothing.
    """
    starts, form, status = request.starts, request.form, out.status
    code_step = 1 if len(findings.states) > 1 else 0
    lost = np.int64(UNDERFLOWN if form == DIRECT else DISAGREED)
    check = Check(form, limits.agreement, limits.cancellation)
    cells = Cells(np.empty(limits.room), np.empty(limits.room))
    mark_targets(flat, request.targets, work.targets)
    for group in range(len(starts) - 1):
        head, tail = starts[group], starts[group + 1]
        task = Task(head * code_step, tail - head, form, request.max_entries)
        plan = plan_group(flat, findings, task, limits, work)
        if plan.entries == 0:
            status[head:tail] = OUTGROWN
            continue
        most = lanes_of(plan.entries, tail - head, request.max_entries, limits)
        if plan.entries * most > len(cells.values):
            cells = Cells(np.empty(0), np.empty(0))  # the smaller ones go first
            cells = Cells(np.empty(plan.entries * most), np.empty(plan.entries * most))
        for begin in range(head, tail, most):
            span = Span(begin, min(most, tail - begin))
            fill(flat, findings, span, work, cells.values, plan.inputs)
            forwards(work.tape, work.block, plan.operations, cells.values, span.lanes)
            fine = read_evidence(work.block, span, limits.smallest, out.log_evidence, status, lost)
            if (len(request.targets) == 0 and form == DIRECT) or (not fine and span.lanes == 1):
                continue
            _backwards(work, plan, span, cells, check, status)
            _read_posteriors(flat, findings, request.targets, span, work, out.posterior)
