"""Expected counts by the compiled kernel; importing this module loads numba.

For each row: how often every entry of every table, leak and link is expected to have been drawn,
given the findings. One pass forwards and one backwards over the tape of `plan`. In difference form
each input must add up to P(findings) again, from terms that are not much larger.
"""

from __future__ import annotations

import numpy as np

from spinelink.inference.kernel.components import count_components, give_back
from spinelink.inference.kernel.inputs import (
    contribution_steps,
    fill,
    next_entry,
    read_levels,
    read_start,
    table_entry,
    table_steps,
)
from spinelink.inference.kernel.jit import allocating, helper, inlined, kernel
from spinelink.inference.kernel.plan import hidden_parents, plan_group
from spinelink.inference.kernel.records import (
    ANSWERED,
    CONTRIBUTION,
    DIRECT,
    DISAGREED,
    FIRST_CONTRIBUTION,
    FIRST_TERM,
    LOWEST,
    OUTGROWN,
    STEP,
    TABLE,
    TERM,
    UNARY,
    UNDERFLOWN,
    Cells,
    Family,
    Gather,
    Patient,
    Span,
    Task,
)
from spinelink.inference.kernel.run import forwards, lanes_of, read_evidence, transpose


@inlined
def _count_table(flat, work, cells, patient, gather, f):
    """Counts of an ordinary table."""
    tape, local, index = work.tape, work.pattern.local, work.block.counter
    source_step, posterior, tables = work.block.source_step, gather.posterior, gather.tables
    values, adjoint, row = cells.values, cells.adjoint, patient.row
    node, place = tape.factors[f].node, tape.factors[f].place
    own = table_steps(flat, tape, local, f, index, source_step)
    at = flat.table_at[node]
    step = np.int64(1)
    for k in range(flat.parents[node + 1], flat.parents[node] - 1, -1):
        u = node if k == flat.parents[node + 1] else flat.parent_of[k]
        if local[u] < 0:
            at += row[u] * step
        step *= flat.cards[u]
    for e in range(tape.factors[f].size):
        here = (place + e) * patient.lanes + patient.lane
        mass = values[here] * adjoint[here]
        tables[at] += patient.weight * mass
        if own >= 0:
            posterior[flat.offsets[node] + index[own]] += mass
        at = next_entry(tape, f, at, index, source_step)


@inlined
def _count_noisy_node(flat, work, cells, patient, gather, f):
    """Counts of a large noisy family whose parents are all observed."""
    node, place = work.tape.factors[f].node, work.tape.factors[f].place
    offset, unary, slope = flat.offsets[node], work.block.unary, gather.slope
    for s in range(flat.cards[node]):
        here = (place + s) * patient.lanes + patient.lane
        gather.posterior[offset + s] += cells.values[here] * cells.adjoint[here]
        slope[s] = cells.adjoint[here] * unary[offset + s, patient.lane]
    family = Family(node, patient.row, np.int64(-1), np.int64(0))
    count_components(flat, work.pattern.local, family, patient.weight, gather)


@inlined
def _add_slopes(adjoint, start, part, first, levels, gather):
    """Mass of a parent's levels, and the slope by each level of leak and observed parents.

    first: where the contribution's adjoint stands for this state, and its stride by level.
    """
    place, step = first
    slope, mass = gather.slope, gather.mass
    up_to = 0.0
    reached = 0.0
    for level in range(levels):
        here = place + level * step
        up_to += start[level]
        reached += part[level]
        mine = adjoint[here] * up_to
        theirs = adjoint[here] * reached
        for higher in range(level + 1, levels):
            there = place + higher * step
            mine += adjoint[there] * start[higher]
            theirs += adjoint[there] * part[higher]
        mass[level] = part[level] * mine
        slope[level] += theirs


@inlined
def _count_contribution(flat, work, cells, patient, gather, f):
    """Counts of one parent's link; with the first also those of leak and observed parents."""
    tape, local, turned, mass = work.tape, work.pattern.local, work.block.levels, gather.mass
    factor, lanes, slope = tape.factors[f], patient.lanes, gather.slope
    node, place, form, at = factor.node, factor.place, factor.form, flat.link_at[factor.slot]
    states, zero = flat.cards[node], np.int64(0)
    observed = patient.row[node] if local[node] < 0 else np.int64(-1)
    family = Family(node, patient.row, observed, zero)
    levels, step_p, step_d = contribution_steps(flat, tape, local, f)
    start = work.block.start[patient.lane]
    if form == FIRST_CONTRIBUTION:
        read_start(flat, local, family, turned, start)
        for level in range(levels):
            slope[level] = 0.0
    for x in range(flat.cards[flat.parent_of[factor.slot]]):
        first = (place + x * step_p) * lanes + patient.lane
        if form == CONTRIBUTION:
            for level in range(levels):
                here = first + level * step_d * lanes
                mass[level] = cells.values[here] * cells.adjoint[here]
        else:
            read_levels(flat.links, at + x * states, states, observed, zero, turned)
            _add_slopes(cells.adjoint, start, turned, (first, step_d * lanes), levels, gather)
        give_back(flat, family, at + x * states, mass, patient.weight, gather.links)
    if form == FIRST_CONTRIBUTION:
        count_components(flat, local, family, patient.weight, gather)


@inlined
def _count_term(flat, work, cells, patient, gather, f):
    """The same in difference form, where a level holds all that is at most there.

    So the adjoint of exactly a level is the sum of those from there up. They are written over.
    """
    tape, local, turned, mass = work.tape, work.pattern.local, work.block.levels, gather.mass
    factor, lanes, slope = tape.factors[f], patient.lanes, gather.slope
    node, place, at, adjoint = factor.node, factor.place, flat.link_at[factor.slot], cells.adjoint
    states, zero = flat.cards[node], np.int64(0)
    observed = patient.row[node] if local[node] < 0 else np.int64(-1)
    family = Family(node, patient.row, observed, zero)
    levels, step_p, step_d = contribution_steps(flat, tape, local, f)
    start, step, first = work.block.start[patient.lane], step_d * lanes, factor.form == FIRST_TERM
    if first:
        read_start(flat, local, family, turned, start)
        for level in range(levels):
            slope[level] = 0.0
    for x in range(flat.cards[flat.parent_of[factor.slot]]):
        head = (place + x * step_p) * lanes + patient.lane
        if first and observed >= 0:  # less what is below the observed level
            adjoint[head] = -adjoint[head]
        for level in range(levels - 2, -1, -1):
            adjoint[head + level * step] += adjoint[head + (level + 1) * step]
        read_levels(flat.links, at + x * states, states, observed, zero, turned)
        if first:
            _add_slopes(adjoint, start, turned, (head, step), levels, gather)
        else:
            for level in range(levels):
                mass[level] = turned[level] * adjoint[head + level * step]
        give_back(flat, family, at + x * states, mass, patient.weight, gather.links)
    if first:
        count_components(flat, local, family, patient.weight, gather)


@inlined
def _count_separated(flat, local, patient, gather, node):
    """Counts of a noisy-MAX in its lowest state: every link gave that state."""
    links, weight, states = gather.links, patient.weight, flat.cards[node]
    links[flat.leak_at[node]] += weight
    for k in range(flat.parents[node], flat.parents[node + 1]):
        p, at = flat.parent_of[k], flat.link_at[k]
        if local[p] < 0:
            links[at + patient.row[p] * states] += weight
        else:
            for s in range(flat.cards[p]):
                links[at + s * states] += weight * gather.posterior[flat.offsets[p] + s]


@inlined
def _count_observed(flat, work, patient, gather, node):
    """Counts of a family whose nodes are all observed."""
    row, local = patient.row, work.pattern.local
    if flat.table_at[node] >= 0:
        gather.tables[table_entry(flat, row, node)] += patient.weight
        return
    start = work.block.start[patient.lane]
    family = Family(node, row, row[node], np.int64(0))
    read_start(flat, local, family, work.block.levels, start)
    gather.slope[0] = 0.0
    gather.slope[1] = 1.0 / start[1]
    count_components(flat, local, family, patient.weight, gather)


@inlined
def _count_inputs(flat, work, cells, patient, gather, inputs):
    """Counts of all families that are factors, and the posteriors of all hidden nodes."""
    factors, offsets, posterior = work.tape.factors, flat.offsets, gather.posterior
    posterior[:] = 0.0
    for f in range(1, inputs):
        node, form, place = factors[f].node, factors[f].form, factors[f].place
        if form == UNARY:
            for s in range(flat.cards[node]):
                at = (place + s) * patient.lanes + patient.lane
                posterior[offsets[node] + s] = cells.values[at] * cells.adjoint[at]
        elif form == TABLE and flat.table_at[node] >= 0:
            _count_table(flat, work, cells, patient, gather, f)
        elif form == TABLE:
            _count_noisy_node(flat, work, cells, patient, gather, f)
        elif form in (TERM, FIRST_TERM):
            _count_term(flat, work, cells, patient, gather, f)
        elif form != STEP:
            _count_contribution(flat, work, cells, patient, gather, f)


@helper
def _count_row(flat, work, cells, patient, gather, inputs):
    """Adds one row's expected counts: the transpose of `fill`."""
    pattern = work.pattern
    needed, local = pattern.needed, pattern.local
    _count_inputs(flat, work, cells, patient, gather, inputs)
    for i in range(len(needed)):
        if needed[i] == 0:
            continue
        if pattern.observed[i] == LOWEST:
            _count_separated(flat, local, patient, gather, i)
        elif local[i] < 0 and hidden_parents(flat, local, i) == 0:
            _count_observed(flat, work, patient, gather, i)


@inlined
def _table_as_links(flat, gather, node):
    """Counts of one noisy family that is written out as a table, as counts of leak and links."""
    counts, slope, row = gather.tables, gather.slope, gather.states_of
    cards, parent_of, states = flat.cards, flat.parent_of, flat.cards[node]
    combinations = np.int64(1)
    for k in range(flat.parents[node], flat.parents[node + 1]):
        combinations *= cards[parent_of[k]]
        row[parent_of[k]] = 0
    for combination in range(combinations):
        at = flat.table_at[node] + combination * states
        some = False
        for s in range(states):
            slope[s] = 0.0
            if counts[at + s] != 0.0:
                slope[s] = counts[at + s] / flat.tables[at + s, 0]
                counts[at + s] = 0.0
                some = True
        if some:
            family = Family(node, row, np.int64(-1), np.int64(0))
            count_components(flat, gather.nobody, family, 1.0, gather)
        for k in range(flat.parents[node + 1] - 1, flat.parents[node] - 1, -1):
            row[parent_of[k]] += 1  # the next combination of the parents' states
            if row[parent_of[k]] < cards[parent_of[k]]:
                break
            row[parent_of[k]] = 0


@helper
def _tables_as_links(flat, gather):
    """The same for all such families; the tables' counts are cleared."""
    for i in range(len(flat.cards)):
        if flat.noisy[i] == 1 and flat.table_at[i] >= 0:
            _table_as_links(flat, gather, i)


@helper
def _add_squares(counts, weight, sums):
    """Adds a row's counts to the sums, and their squares; then clears them."""
    columns, totals, squares = sums.columns, sums.totals, sums.squares
    products, wholes = sums.products, sums.wholes
    for k in range(len(columns) - 1):
        whole = 0.0
        for e in range(columns[k], columns[k + 1]):
            whole += counts[e]
        if whole == 0.0:
            continue
        for e in range(columns[k], columns[k + 1]):
            count = counts[e]
            totals[e] += weight * count
            squares[e] += weight * count * count
            products[e] += weight * count * whole
            wholes[e] += weight * whole * whole
            counts[e] = 0.0


@helper
def _backwards(work, plan, span, cells, status):
    """The adjoints of all factors; each part of the network is divided by what it gave."""
    tape, lanes, index = work.tape, span.lanes, work.block.counter
    factors, ops, values, adjoint = tape.factors, tape.operations, cells.values, cells.adjoint
    for e in range(plan.entries * lanes):
        adjoint[e] = 0.0
    for k in range(plan.operations - 1, -1, -1):
        out = ops[k].out
        if factors[out].axes == 0:
            at = factors[out].place * lanes
            for lane in range(lanes):
                answered = status[span.begin + lane] == ANSWERED
                adjoint[at + lane] = 1.0 / values[at + lane] if answered else 0.0
        for side in range(2):
            if (ops[k].a if side == 0 else ops[k].b) > 0:  # factor 0 is the number 1
                transpose(tape, k, side, cells, index, lanes)


@helper
def _agrees(tape, cells, inputs, lane, lanes, limits):
    """Whether every input of a row adds up to its part of P(findings) again; see `agreement`."""
    for f in range(1, inputs):
        again = 0.0
        terms = 0.0
        place = tape.factors[f].place
        for e in range(tape.factors[f].size):
            at = (place + e) * lanes + lane
            term = cells.values[at] * cells.adjoint[at]
            again += term
            terms += abs(term)
        if not (abs(again - 1.0) <= limits.agreement and terms <= limits.cancellation):
            return False
    return True


@allocating
def _gather(flat, levels, tables, links):
    """Scratch for the counts of rows, which go to the arrays given."""
    nodes, most_parents = len(flat.cards), 0
    for i in range(nodes):
        most_parents = max(most_parents, flat.parents[i + 1] - flat.parents[i])
    return Gather(
        tables,
        links,
        np.empty(flat.offsets[nodes]),
        np.empty((most_parents + 2, levels)),
        np.empty((most_parents + 2, levels)),
        np.empty(levels),
        np.empty(levels),
        np.empty(levels),
        np.zeros(nodes, dtype=np.int64),
        np.full(nodes, np.int64(-1)),
    )


@kernel
def count_rows(flat, findings, request, limits, work, out):
    """Adds up the expected counts of rows, into the outputs; others than `ANSWERED` add nothing.

    flat: `Flat`. findings: `Findings`. request: `CountRequest`. limits: `KernelLimits`.
    work: `Workspace`. out: `CountOutputs`.
    """
    starts, weights, status = request.starts, request.weights, out.status
    squared = request.information == 1
    size = (len(out.tables.totals), len(out.links.totals)) if squared else (0, 0)
    levels = len(work.block.levels)
    own = _gather(flat, levels, np.zeros(size[0]), np.zeros(size[1]))
    totals = _gather(flat, levels, out.tables.totals, out.links.totals)
    cells = Cells(np.empty(limits.room), np.empty(limits.room))
    form = request.form
    lost = np.int64(UNDERFLOWN if form == DIRECT else DISAGREED)
    for group in range(len(starts) - 1):
        head, tail = starts[group], starts[group + 1]
        task = Task(head, tail - head, form, request.max_entries)
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
            read_evidence(work.block, span, limits.smallest, out.log_evidence, status, lost)
            _backwards(work, plan, span, cells, status)
            for lane in range(span.lanes):
                row = begin + lane
                if status[row] != ANSWERED:
                    continue
                if form != DIRECT and not _agrees(
                    work.tape, cells, plan.inputs, lane, span.lanes, limits
                ):
                    status[row] = DISAGREED
                    continue
                weight = 1.0 if squared else weights[row]
                patient = Patient(findings.states[row], lane, span.lanes, weight)
                gather = own if squared else totals
                _count_row(flat, work, cells, patient, gather, plan.inputs)
                if squared:
                    _tables_as_links(flat, own)
                    _add_squares(own.tables, weights[row], out.tables)
                    _add_squares(own.links, weights[row], out.links)
    _tables_as_links(flat, totals)
