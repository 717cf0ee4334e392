"""The values of the inputs for a block of rows, and the constant factor of each row."""

from __future__ import annotations

import numpy as np

from spinelink.inference.kernel.jit import helper, inlined
from spinelink.inference.kernel.plan import hidden_parents
from spinelink.inference.kernel.records import (
    FIRST_CONTRIBUTION,
    FIRST_TERM,
    LOWEST,
    STEP,
    TABLE,
    TERM,
    UNARY,
    VIRTUAL,
    Family,
)
from spinelink.inference.kernel.run import row_of


@helper
def read_levels(links, at, states, observed, draw, into):
    """A distribution over states as levels: itself, or (below what is observed, exactly that)."""
    if observed < 0:
        for s in range(states):
            into[s] = links[at + s, draw]
    else:
        into[0] = 0.0
        for s in range(observed):
            into[0] += links[at + s, draw]
        into[1] = links[at + observed, draw]


@helper
def maximum(first, second, levels, into):
    """The distribution of the maximum of two independent levels; `into` may be `first`."""
    below = 0.0
    up_to = 0.0
    for level in range(levels):
        up_to += second[level]
        value = first[level] * up_to + below * second[level]
        below += first[level]
        into[level] = value


@helper
def read_start(flat, local, family, levels, into):
    """What the leak and the observed parents contribute to a noisy family, as levels."""
    links, parent_of, i = flat.links, flat.parent_of, family.node
    states, observed, draw = flat.cards[i], family.observed, family.draw
    many = 2 if observed >= 0 else states
    read_levels(links, flat.leak_at[i], states, observed, draw, into)
    for k in range(flat.parents[i], flat.parents[i + 1]):
        p = parent_of[k]
        if local[p] < 0:
            at = flat.link_at[k] + family.row[p] * states
            read_levels(links, at, states, observed, draw, levels)
            maximum(into, levels, many, into)


@helper
def table_entry(flat, row, node):
    """Where the probability of a family stands whose nodes are all observed."""
    cards, parent_of = flat.cards, flat.parent_of
    at = flat.table_at[node] + row[node]
    step = cards[node]
    for k in range(flat.parents[node + 1] - 1, flat.parents[node] - 1, -1):
        at += row[parent_of[k]] * step
        step *= cards[parent_of[k]]
    return at


@inlined
def _clear(flat, block, values, span):
    """Ones everywhere: the constants, factor 0, and the weights of all states."""
    constant, total, unary, draw = block.constant, block.total, block.unary, block.draw
    drawn = flat.links.shape[1] > 1 or flat.tables.shape[1] > 1
    lanes = span.lanes
    for lane in range(lanes):
        constant[lane] = 1.0
        total[lane] = 1.0
        values[lane] = 1.0
        if drawn:
            draw[lane] = span.begin + lane
    for e in range(flat.offsets[len(flat.cards)]):
        for lane in range(lanes):
            unary[e, lane] = 1.0


@inlined
def _weigh_likelihoods(flat, findings, span, block, node):
    """The likelihoods of a node's states join its weights."""
    unary, likelihoods, offset = block.unary, findings.likelihoods, flat.offsets[node]
    step = 1 if len(likelihoods) > 1 else 0
    for s in range(flat.cards[node]):
        for lane in range(span.lanes):
            unary[offset + s, lane] *= likelihoods[(span.begin + lane) * step, offset + s]


@inlined
def _separate_parents(flat, findings, span, local, block, node):
    """A noisy-MAX in its lowest state: no cause has reached any level, so the parents separate."""
    constant, draw, unary, links = block.constant, block.draw, block.unary, flat.links
    cards, offsets, states = flat.cards, flat.offsets, findings.states
    code_step = 1 if len(states) > 1 else 0
    for lane in range(span.lanes):
        constant[lane] *= links[flat.leak_at[node], draw[lane]]
    for k in range(flat.parents[node], flat.parents[node + 1]):
        p, at = flat.parent_of[k], flat.link_at[k]
        if local[p] < 0:
            for lane in range(span.lanes):
                state = states[(span.begin + lane) * code_step, p]
                constant[lane] *= links[at + state * cards[node], draw[lane]]
        else:
            for s in range(cards[p]):
                for lane in range(span.lanes):
                    unary[offsets[p] + s, lane] *= links[at + s * cards[node], draw[lane]]


@inlined
def _multiply_observed(flat, findings, span, local, block, node):
    """A family whose nodes are all observed is a constant of each row."""
    constant, draw = block.constant, block.draw
    for lane in range(span.lanes):
        row = findings.states[row_of(findings, span, lane)]
        if flat.table_at[node] >= 0:
            constant[lane] *= flat.tables[table_entry(flat, row, node), draw[lane]]
        else:
            start = block.start[lane]
            family = Family(node, row, row[node], draw[lane])
            read_start(flat, local, family, block.levels, start)
            constant[lane] *= start[1]


@inlined
def _fill_unary(flat, span, block, values, place, node):
    unary, offset, lanes = block.unary, flat.offsets[node], span.lanes
    for s in range(flat.cards[node]):
        for lane in range(lanes):
            values[(place + s) * lanes + lane] = unary[offset + s, lane]


@helper
def table_steps(flat, tape, local, f, index, source_step):
    """Sets the stride of each axis of a table input in the flat table, and `index` to 0.

    Returns which axis is the node's own, or -1.
    """
    scopes, node = tape.scopes, tape.factors[f].node
    own = np.int64(-1)
    n = tape.factors[f].axes
    for axis in range(n):
        index[axis] = 0
        if scopes[f, axis] == local[node]:
            own = axis
    step = np.int64(1)
    for k in range(flat.parents[node + 1], flat.parents[node] - 1, -1):
        u = node if k == flat.parents[node + 1] else flat.parent_of[k]
        if local[u] >= 0:
            for axis in range(n):
                if scopes[f, axis] == local[u]:
                    source_step[axis] = step
        step *= flat.cards[u]
    return own


@helper
def next_entry(tape, f, at, index, source_step):
    """The place in the flat table of the input's next entry."""
    scopes, vertices = tape.scopes, tape.vertices
    for axis in range(tape.factors[f].axes - 1, -1, -1):
        index[axis] += 1
        at += source_step[axis]
        if index[axis] < vertices[scopes[f, axis]].states:
            break
        at -= source_step[axis] * index[axis]
        index[axis] = 0
    return at


@inlined
def _observed_base(flat, findings, span, local, base, node):
    """Where each row's part of a flat table begins; returns whether rows or draws differ."""
    states, lanes = findings.states, span.lanes
    code_step = 1 if len(states) > 1 else 0
    varies = flat.links.shape[1] > 1 or flat.tables.shape[1] > 1
    for lane in range(lanes):
        base[lane] = flat.table_at[node]
    step = np.int64(1)
    for k in range(flat.parents[node + 1], flat.parents[node] - 1, -1):
        u = node if k == flat.parents[node + 1] else flat.parent_of[k]
        if local[u] < 0:
            varies = True
            for lane in range(lanes):
                base[lane] += states[(span.begin + lane) * code_step, u] * step
        step *= flat.cards[u]
    return varies


@inlined
def _fill_table(flat, findings, span, work, values, f):
    """A table: its entries at the observed states, times the weights of the node's own states."""
    tape, block, local = work.tape, work.block, work.pattern.local
    tables, unary, base, draws = flat.tables, block.unary, block.base, block.draw
    index, source_step = block.counter, block.source_step
    node, place = tape.factors[f].node, tape.factors[f].place
    own = table_steps(flat, tape, local, f, index, source_step)
    varies = _observed_base(flat, findings, span, local, base, node)
    adjacent = len(findings.states) == 1 and tables.shape[1] > 1
    many, offset = np.uint64(span.lanes), flat.offsets[node]
    at = np.int64(0)
    for e in range(tape.factors[f].size):
        first = np.uint64((place + e) * span.lanes)
        if varies and adjacent:
            entry, draw = np.uint64(base[0] + at), np.uint64(span.begin)
            for lane in range(many):
                values[first + lane] = tables[entry, draw + lane]
        elif varies:
            for lane in range(many):
                values[first + lane] = tables[base[lane] + at, draws[lane]]
        else:
            number = tables[base[0] + at, 0]
            for lane in range(many):
                values[first + lane] = number
        if own >= 0:
            weight = np.uint64(offset + index[own])
            for lane in range(many):
                values[first + lane] *= unary[weight, lane]
        at = next_entry(tape, f, at, index, source_step)


@inlined
def _fill_noisy_node(flat, findings, span, work, values, f):
    """A large noisy family whose parents are all observed."""
    block, local = work.block, work.pattern.local
    node, place = work.tape.factors[f].node, work.tape.factors[f].place
    offset, lanes, unary = flat.offsets[node], span.lanes, block.unary
    for lane in range(lanes):
        start = block.start[lane]
        family = Family(
            node, findings.states[row_of(findings, span, lane)], np.int64(-1), block.draw[lane]
        )
        read_start(flat, local, family, block.levels, start)
        for s in range(flat.cards[node]):
            values[(place + s) * lanes + lane] = start[s] * unary[offset + s, lane]


@inlined
def _fill_step(flat, span, work, values, f):
    """The difference of two cumulative terms: 1 at a level, -1 at the level below."""
    tape, lanes = work.tape, span.lanes
    node, place = tape.factors[f].node, tape.factors[f].place
    states = flat.cards[node]
    for e in range(tape.factors[f].size * lanes):
        values[place * lanes + e] = 0.0
    own_first = tape.scopes[f, 0] == work.pattern.local[node]
    step_i, step_d = (states, 1) if own_first else (1, states)
    for s in range(states):
        for lane in range(lanes):
            values[(place + s * (step_i + step_d)) * lanes + lane] = 1.0
            if s > 0:
                values[(place + s * step_i + (s - 1) * step_d) * lanes + lane] = -1.0


@helper
def contribution_steps(flat, tape, local, f):
    """Of a contribution: how many levels, and the strides of the parent's states and the levels."""
    node, parent = tape.factors[f].node, flat.parent_of[tape.factors[f].slot]
    levels = 2 if local[node] < 0 else flat.cards[node]
    if tape.scopes[f, 0] == local[parent]:
        return levels, levels, np.int64(1)
    return levels, np.int64(1), flat.cards[parent]


@inlined
def _fill_contribution(flat, findings, span, work, values, f):
    """What one parent contributes to a noisy family, in each of its states, by level."""
    tape, block, local = work.tape, work.block, work.pattern.local
    links, turned, lanes = flat.links, block.levels, span.lanes
    factor = tape.factors[f]
    node, place, form = factor.node, factor.place, factor.form
    states, at, parent_states = (
        flat.cards[node],
        flat.link_at[factor.slot],
        flat.cards[flat.parent_of[factor.slot]],
    )
    levels, step_p, step_d = contribution_steps(flat, tape, local, f)
    first = form in (FIRST_CONTRIBUTION, FIRST_TERM)
    cumulative = form in (TERM, FIRST_TERM)
    for lane in range(lanes):
        row, start = findings.states[row_of(findings, span, lane)], block.start[lane]
        observed = row[node] if local[node] < 0 else np.int64(-1)
        draw = block.draw[lane]
        if first:
            read_start(flat, local, Family(node, row, observed, draw), turned, start)
        for x in range(parent_states):
            read_levels(links, at + x * states, states, observed, draw, turned)
            if first:
                maximum(start, turned, levels, turned)
            so_far = 0.0
            for level in range(levels):
                value = turned[level]
                if cumulative:  # at most this level; less what is below the observed level
                    so_far += value
                    below = first and level == 0 and local[node] < 0
                    value = -so_far if below else so_far
                values[(place + x * step_p + level * step_d) * lanes + lane] = value


@inlined
def _fill_observed(flat, findings, span, work):
    """Virtual evidence, lowest states, and families whose nodes are all observed."""
    pattern, block = work.pattern, work.block
    needed, observed, local = pattern.needed, pattern.observed, pattern.local
    for i in range(len(needed)):
        if needed[i] == 0:
            continue
        if observed[i] == VIRTUAL:
            _weigh_likelihoods(flat, findings, span, block, i)
        if observed[i] == LOWEST:
            _separate_parents(flat, findings, span, local, block, i)
        elif local[i] < 0 and hidden_parents(flat, local, i) == 0:
            _multiply_observed(flat, findings, span, local, block, i)


@helper
def fill(flat, findings, span, work, values, inputs):
    """The values of all inputs for a block of rows, and the constant factor of each row."""
    factors = work.tape.factors
    _clear(flat, work.block, values, span)
    _fill_observed(flat, findings, span, work)
    for f in range(1, inputs):
        form, node = factors[f].form, factors[f].node
        if form == UNARY:
            _fill_unary(flat, span, work.block, values, factors[f].place, node)
        elif form == TABLE and flat.table_at[node] >= 0:
            _fill_table(flat, findings, span, work, values, f)
        elif form == TABLE:
            _fill_noisy_node(flat, findings, span, work, values, f)
        elif form == STEP:
            _fill_step(flat, span, work, values, f)
        else:
            _fill_contribution(flat, findings, span, work, values, f)
