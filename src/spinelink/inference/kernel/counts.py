"""Expected counts by the compiled kernel of the extra `fast`: for each row how often every entry of every table, leak and link is expected to have been
drawn, given the findings. One upward and one downward pass over the tape of `fast_kernel`; importing this module loads numba.
"""

from __future__ import annotations

import numpy as np

from spinelink.inference.kernel.solve import (
    AXES,
    CONTRIBUTION,
    FEW_LANES,
    FIRST_CONTRIBUTION,
    FORM,
    NODE,
    OUT,
    PAIRS,
    PLACE,
    ROOM,
    SIZE,
    SLOT,
    STATES,
    TABLE,
    UNARY,
    A,
    B,
    _fill,
    _levels,
    _plan,
    _run,
    _start,
    helper,
    kernel,
)


@helper
def _given_back(links, at, states, observed, column, mass, weight, into):
    """Mass of levels, put back on the states that they stand for: below what is seen they share it as the distribution has them."""
    if observed < 0:
        for s in range(states):
            into[at + s] += weight * mass[s]
        return
    below = 0.0
    for s in range(observed):
        below += links[at + s, column]
    if below > 0.0:
        for s in range(observed):
            into[at + s] += weight * mass[0] * links[at + s, column] / below
    into[at + observed] += weight * mass[1]


@helper
def _parted(
    i,
    row,
    observed,
    column,
    slope,
    all_cards,
    parents,
    parent_of,
    local,
    leak_at,
    link_at,
    links,
    weight,
    into,
    parts,
    ahead,
    behind,
    mass,
):
    """What the leak and the parents that are seen contributed, given the slope by each level of their maximum.

    parts, ahead: scratch, (components, levels). Each component against the maximum of all the others: no division, so zeros do no harm.
    """
    states = all_cards[i]
    levels = 2 if observed >= 0 else states
    many = 0
    for k in range(parents[i] - 1, parents[i + 1]):
        if k < parents[i]:
            _levels(links, leak_at[i], states, observed, column, mass)
        elif local[parent_of[k]] < 0:
            _levels(links, link_at[k] + row[parent_of[k]] * states, states, observed, column, mass)
        else:
            continue
        for level in range(levels):
            parts[many, level] = mass[level]
        many += 1
    # ahead[c]: the maximum of the components before c
    for level in range(levels):
        ahead[0, level] = 1.0 if level == 0 else 0.0
        behind[level] = ahead[0, level]
    for c in range(many - 1):
        below = 0.0
        up_to = 0.0
        for level in range(levels):
            up_to += parts[c, level]
            ahead[c + 1, level] = ahead[c, level] * up_to + below * parts[c, level]
            below += ahead[c, level]
    c = many - 1
    for k in range(parents[i + 1] - 1, parents[i] - 2, -1):
        if k >= parents[i] and local[parent_of[k]] >= 0:
            continue
        # the maximum of all others: ahead[c] and behind
        below = 0.0
        up_to = 0.0
        for level in range(levels):
            up_to += behind[level]
            mass[level] = ahead[c, level] * up_to + below * behind[level]
            below += ahead[c, level]
        up_to = 0.0
        for level in range(levels):
            up_to += mass[level]
            rest = 0.0
            for higher in range(level + 1, levels):
                rest += slope[higher] * mass[higher]
            ahead[c, level] = parts[c, level] * (
                slope[level] * up_to + rest
            )  # its own mass; no longer needed as what is ahead
        for level in range(levels):
            mass[level] = ahead[c, level]
        at = leak_at[i] if k < parents[i] else link_at[k] + row[parent_of[k]] * states
        _given_back(links, at, states, observed, column, mass, weight, into)
        below = 0.0
        up_to = 0.0
        for level in range(levels):
            up_to += parts[c, level]
            fresh = behind[level] * up_to + below * parts[c, level]
            below += behind[level]
            behind[level] = fresh
        c -= 1


@helper
def _collect(
    network, codes, begin, lane, lanes, inputs, known, block, values, adjoint, weight, into_tables, into_links, post, parts, ahead, slope, mass,
    behind,
):  # fmt: skip
    """Adds one row's expected counts: the transpose of `_fill`."""
    all_cards, parents, parent_of, table_at, _, _, leak_at, link_at, links, _, offsets = network
    needed, seen_kind, local, factor, scope, _, _, _, vertex = known
    _, _, _, unary, _, start, turned, index, source_step, _ = block
    nodes = len(all_cards)
    hidden = np.int64(-1)
    zero = np.int64(0)
    row = codes[begin + lane]
    for e in range(offsets[nodes]):
        post[e] = 0.0
    for f in range(1, inputs):
        i = factor[f, NODE]
        n = factor[f, AXES]
        place = factor[f, PLACE]
        form = factor[f, FORM]
        states = all_cards[i]
        if form == UNARY:
            for s in range(states):
                at = (place + s) * lanes + lane
                post[offsets[i] + s] = values[at] * adjoint[at]
        elif form == TABLE and table_at[i] >= 0:
            own = -1
            for axis in range(n):
                index[axis] = 0
                if scope[f, axis] == local[i]:
                    own = axis
            base = table_at[i]
            step = 1
            for k in range(parents[i + 1], parents[i] - 1, -1):
                u = i if k == parents[i + 1] else parent_of[k]
                if local[u] < 0:
                    base += row[u] * step
                else:
                    for axis in range(n):
                        if scope[f, axis] == local[u]:
                            source_step[axis] = step
                step *= all_cards[u]
            at = 0
            for e in range(factor[f, SIZE]):
                here = (place + e) * lanes + lane
                found = values[here] * adjoint[here]
                into_tables[base + at] += weight * found
                if own >= 0:
                    post[offsets[i] + index[own]] += found
                for axis in range(n - 1, -1, -1):
                    index[axis] += 1
                    at += source_step[axis]
                    if index[axis] < vertex[scope[f, axis], STATES]:
                        break
                    at -= source_step[axis] * index[axis]
                    index[axis] = 0
        elif form == TABLE:  # a noisy family whose parents are all seen
            for s in range(states):
                here = (place + s) * lanes + lane
                post[offsets[i] + s] += values[here] * adjoint[here]
                slope[s] = adjoint[here] * unary[offsets[i] + s, lane]
            _parted(
                i,
                row,
                hidden,
                zero,
                slope,
                all_cards,
                parents,
                parent_of,
                local,
                leak_at,
                link_at,
                links,
                weight,
                into_links,
                parts,
                ahead,
                behind,
                mass,
            )
        else:
            p = parent_of[factor[f, SLOT]]
            observed = row[i] if local[i] < 0 else hidden
            levels = 2 if local[i] < 0 else states
            step_p, step_d = (levels, 1) if scope[f, 0] == local[p] else (1, all_cards[p])
            first = form == FIRST_CONTRIBUTION
            if first:
                _start(
                    start,
                    i,
                    lane,
                    row,
                    observed,
                    zero,
                    all_cards,
                    parents,
                    parent_of,
                    local,
                    leak_at,
                    link_at,
                    links,
                    turned,
                )
                for level in range(levels):
                    slope[level] = 0.0
            for x in range(all_cards[p]):
                at = link_at[factor[f, SLOT]] + x * states
                if form == CONTRIBUTION:
                    for level in range(levels):
                        here = (place + x * step_p + level * step_d) * lanes + lane
                        mass[level] = values[here] * adjoint[here]
                else:
                    _levels(links, at, states, observed, zero, turned)
                    up_to = 0.0
                    reached = 0.0
                    for level in range(levels):
                        here = (place + x * step_p + level * step_d) * lanes + lane
                        up_to += start[level, lane]
                        reached += turned[level]
                        mine = adjoint[here] * up_to
                        theirs = adjoint[here] * reached
                        for higher in range(level + 1, levels):
                            there = (place + x * step_p + higher * step_d) * lanes + lane
                            mine += adjoint[there] * start[higher, lane]
                            theirs += adjoint[there] * turned[higher]
                        mass[level] = turned[level] * mine
                        slope[level] += theirs
                _given_back(links, at, states, observed, zero, mass, weight, into_links)
            if first:
                _parted(
                    i,
                    row,
                    observed,
                    zero,
                    slope,
                    all_cards,
                    parents,
                    parent_of,
                    local,
                    leak_at,
                    link_at,
                    links,
                    weight,
                    into_links,
                    parts,
                    ahead,
                    behind,
                    mass,
                )
    for i in range(nodes):
        if needed[i] == 0:
            continue
        states = all_cards[i]
        if seen_kind[i] == 1:
            into_links[leak_at[i]] += weight
            for k in range(parents[i], parents[i + 1]):
                p = parent_of[k]
                if local[p] < 0:
                    into_links[link_at[k] + row[p] * states] += weight
                else:
                    for s in range(all_cards[p]):
                        into_links[link_at[k] + s * states] += weight * post[offsets[p] + s]
        elif local[i] < 0:
            many = 0
            for k in range(parents[i], parents[i + 1]):
                if local[parent_of[k]] >= 0:
                    many += 1
            if many > 0:
                continue
            if table_at[i] >= 0:
                at = table_at[i] + row[i]
                step = states
                for k in range(parents[i + 1] - 1, parents[i] - 1, -1):
                    at += row[parent_of[k]] * step
                    step *= all_cards[parent_of[k]]
                into_tables[at] += weight
            else:
                _start(
                    start,
                    i,
                    lane,
                    row,
                    row[i],
                    zero,
                    all_cards,
                    parents,
                    parent_of,
                    local,
                    leak_at,
                    link_at,
                    links,
                    turned,
                )
                slope[0] = 0.0
                slope[1] = 1.0 / start[1, lane]
                _parted(
                    i,
                    row,
                    row[i],
                    zero,
                    slope,
                    all_cards,
                    parents,
                    parent_of,
                    local,
                    leak_at,
                    link_at,
                    links,
                    weight,
                    into_links,
                    parts,
                    ahead,
                    behind,
                    mass,
                )


@helper
def _as_links(network, counts, into, states_of, nobody, slope, parts, ahead, behind, mass):
    """Counts of noisy families that are written out as tables, as counts of their leaks and links; the tables' are cleared.

    states_of, nobody: scratch, (nodes,); nobody is all -1 (every parent counts as seen).
    """
    all_cards, parents, parent_of, table_at, tables, noisy, leak_at, link_at, links, _, _ = network
    hidden = np.int64(-1)
    zero = np.int64(0)
    for i in range(len(all_cards)):
        if noisy[i] == 0 or table_at[i] < 0:
            continue
        states = all_cards[i]
        rows = 1
        for k in range(parents[i], parents[i + 1]):
            rows *= all_cards[parent_of[k]]
            states_of[parent_of[k]] = 0
        for row in range(rows):
            at = table_at[i] + row * states
            some = False
            for s in range(states):
                slope[s] = 0.0
                if counts[at + s] > 0.0:
                    slope[s] = counts[at + s] / tables[at + s, 0]
                    counts[at + s] = 0.0
                    some = True
            if some:
                _parted(
                    i,
                    states_of,
                    hidden,
                    zero,
                    slope,
                    all_cards,
                    parents,
                    parent_of,
                    nobody,
                    leak_at,
                    link_at,
                    links,
                    1.0,
                    into,
                    parts,
                    ahead,
                    behind,
                    mass,
                )
            for k in range(
                parents[i + 1] - 1, parents[i] - 1, -1
            ):  # the next combination of the parents' states
                states_of[parent_of[k]] += 1
                if states_of[parent_of[k]] < all_cards[parent_of[k]]:
                    break
                states_of[parent_of[k]] = 0


@helper
def _squared(counts, columns, weight, totals, squares, products, wholes):
    """Adds a row's counts to the totals, and its squares: of each count, of it with its column's sum, and of that sum; then clears them."""
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


@kernel
def count_rows(
    network, codes, soft, assessed, starts, weights, capacity, information, columns, totals, squares, products, wholes, out_log, status, known, work,
    block, asked, above_targets,
):  # fmt: skip
    """Adds up the expected counts of rows; those from starts[g] to starts[g + 1] have one structural pattern.

    network: the arrays of `fast.Flat`. columns, totals and the rest: one for tables, one for links; columns says where each
    distribution begins. information: 1 where squares are wanted. status: as in `fast_kernel.solve_rows`; rows other than 0 add nothing.
    """
    all_cards, parents, _, _, _, _, _, _, _, _, offsets = network
    _, _, _, factor, _, tape, strides, pairs, _ = known
    constant, total, _, _, _, _, turned, index, _, _ = block
    nodes = len(all_cards)
    most_lanes = len(constant)
    largest = len(turned)
    col_a, col_b, col_o = np.int64(A), np.int64(B), np.int64(OUT)
    store, add = np.int64(1), np.int64(0)
    values = np.empty(ROOM)
    adjoint = np.empty(ROOM)
    most_parents = 0
    for i in range(nodes):
        most_parents = max(most_parents, parents[i + 1] - parents[i])
    post = np.empty(offsets[nodes])
    parts = np.empty((most_parents + 2, largest))
    ahead = np.empty((most_parents + 2, largest))
    slope = np.empty(largest)
    mass = np.empty(largest)
    behind = np.empty(largest)
    own_tables = np.zeros(len(totals[0]))
    own_links = np.zeros(len(totals[1]))
    states_of = np.zeros(nodes, dtype=np.int64)
    nobody = np.full(nodes, np.int64(-1))
    signed = np.int64(0)

    for group in range(len(starts) - 1):
        head = starts[group]
        tail = starts[group + 1]
        inputs, ops, used = _plan(
            network,
            codes[head],
            assessed[head],
            signed,
            asked,
            above_targets,
            tail - head,
            capacity,
            known,
            work,
        )
        if used == 0:
            for row in range(head, tail):
                status[row] = 1
            continue
        lanes_here = min(
            min(most_lanes, tail - head),
            max(max(1, min(FEW_LANES, capacity // used)), ROOM // used),
        )
        if used * lanes_here > len(values):
            values = np.empty(used * lanes_here)
            adjoint = np.empty(used * lanes_here)
        for begin in range(head, tail, lanes_here):
            lanes = min(lanes_here, tail - begin)
            _fill(network, codes, soft, begin, lanes, inputs, known, block, values)
            for k in range(ops):
                op = tape[k]
                o = factor[op[OUT], PLACE]
                _run(
                    values, values, values, o, factor[op[A], PLACE], factor[op[B], PLACE], op, strides[k], col_o, col_a, col_b, pairs, op[PAIRS],
                    tape[k + 1, PAIRS], store, index, lanes,
                )  # fmt: skip
                if factor[op[OUT], AXES] == 0:
                    for lane in range(lanes):
                        total[lane] *= values[o * lanes + lane]
            for lane in range(lanes):
                row = begin + lane
                status[row] = 0 if total[lane] * constant[lane] > 1e-250 else 2
                if status[row] == 0:
                    out_log[row] = np.log(total[lane]) + np.log(constant[lane])
            for e in range(used * lanes):
                adjoint[e] = 0.0
            for k in range(ops - 1, -1, -1):
                op = tape[k]
                a, b, o = op[A], op[B], op[OUT]
                if factor[o, AXES] == 0:
                    at = factor[o, PLACE] * lanes
                    for lane in range(lanes):
                        adjoint[at + lane] = (
                            1.0 / values[at + lane] if status[begin + lane] == 0 else 0.0
                        )
                for side in range(2):
                    x, z = (a, b) if side == 0 else (b, a)
                    if x > 0:  # factor 0 is the number 1
                        _run(
                            adjoint, adjoint, values, factor[x, PLACE], factor[o, PLACE], factor[z, PLACE], op, strides[k], col_a if side == 0 else col_b, col_o,
                            col_b if side == 0 else col_a, pairs, op[PAIRS], tape[k + 1, PAIRS], add, index, lanes,
                        )  # fmt: skip
            for lane in range(lanes):
                row = begin + lane
                if status[row] != 0:
                    continue
                if information == 1:
                    _collect(
                        network, codes, begin, lane, lanes, inputs, known, block, values, adjoint, 1.0, own_tables, own_links, post, parts, ahead, slope,
                        mass, behind,
                    )  # fmt: skip
                    _as_links(
                        network,
                        own_tables,
                        own_links,
                        states_of,
                        nobody,
                        slope,
                        parts,
                        ahead,
                        behind,
                        mass,
                    )
                    _squared(
                        own_tables,
                        columns[0],
                        weights[row],
                        totals[0],
                        squares[0],
                        products[0],
                        wholes[0],
                    )
                    _squared(
                        own_links,
                        columns[1],
                        weights[row],
                        totals[1],
                        squares[1],
                        products[1],
                        wholes[1],
                    )
                else:
                    _collect(
                        network, codes, begin, lane, lanes, inputs, known, block, values, adjoint, weights[row], totals[0], totals[1], post, parts, ahead,
                        slope, mass, behind,
                    )  # fmt: skip
    _as_links(network, totals[0], totals[1], states_of, nobody, slope, parts, ahead, behind, mass)
