"""The compiled kernel of the extra `fast`; importing this module loads numba.

A group of rows with one structural pattern gets one tape of operations, run over blocks of rows side by side (the batch axis last, `lanes` rows
at once; a row with a pattern of its own is a block of one). Every operation is a sum of products over strided axes, forwards and backwards:
products, sums, the maximum along a deputy axis, and their transposes differ only in strides and offsets.

Arrays of integers have one row a record; the constants below name their columns.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from spinelink.inference.kernel.flat import ALL, DISAGREED, NONE, OUTGROWN
from spinelink.inference.plan.plan import AGREEMENT, CANCELLED

MOST_AXES = 24
MOST_PAIRS = 1 << 17  # pairs of levels over all operations of a tape
ROOM = 1 << 18  # entries side by side: what stays near the core
FEW_LANES = (
    8  # rows side by side even where that exceeds the room: what a register of the processor takes
)
HEAVY = (
    3.0e3  # cluster entries of an order from which on a second rule, and then restarts, are tried
)
RESTART = 1e5  # one restart for so many cluster entries, over all rows of a group
MOST_RESTARTS = 12

# a factor: where its numbers begin, how many, its axes, whether a target is summed out below, what it is, its node and parent, the next in its bucket
PLACE, SIZE, AXES, WANTS, FORM, NODE, SLOT, NEXT = range(8)
TABLE, CONTRIBUTION, UNARY, FIRST_CONTRIBUTION, TERM, FIRST_TERM, STEP = range(
    7
)  # the first takes in the leak and what is seen; terms and steps: signed
# an operation: out = a and b combined, and a vertex summed out (or -1); plain axes; where its pairs begin
A, B, OUT, VERTEX, PLAIN, PAIRS = range(6)
# strides and pairs of levels: in the factors a, b and out; the length of the axis; whether the pair is the first to reach its place
LENGTH = FRESH = 3
# a vertex, by its place in the order: its states, whether it is a deputy, the node that it becomes (or -1), whether it is a target
STATES, DEPUTY, CLOSES, WANTED = range(4)
TERMS = -2  # in place of the node that a deputy becomes: the deputy stands for signed terms, a variable like any other


_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}
kernel = njit(**_OPTIONS)
_INNER: dict[str, Any] = {**_OPTIONS, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
helper = njit(**_INNER)  # called by the kernel only


@intrinsic
def _ones(typing_context, x):
    """How many bits are set."""

    def generate(context, builder, signature, arguments):
        return builder.ctpop(arguments[0])

    return types.int64(types.uint64), generate


@intrinsic
def _lowest(typing_context, x):
    """The position of the lowest bit set; x is not 0."""

    def generate(context, builder, signature, arguments):
        return builder.cttz(arguments[0], context.get_constant(types.boolean, True))

    return types.int64(types.uint64), generate


@helper
def _score(v, near, words, cards, rule, clusters, fills):
    """Rule 0: missing edges among the neighbours of v, then the size of its cluster; 1: that size; more: the first, perturbed."""
    one = np.uint64(1)
    missing = 0
    size = float(cards[v])
    if words == 1:
        around = near[v, 0]
        bits = around
        while bits:
            u = _lowest(bits)
            bits &= bits - one
            size *= cards[u]
            missing += _ones(around & ~near[u, 0]) - 1  # u is not its own neighbour
    else:
        for word in range(words):
            bits = near[v, word]
            while bits:
                u = word * 64 + _lowest(bits)
                bits &= bits - one
                size *= cards[u]
                missing -= 1
                for other in range(words):
                    missing += _ones(near[v, other] & ~near[u, other])
    clusters[v] = size
    fills[v] = missing
    if rule == 0:
        return missing * 1e9 + size
    if rule == 1:
        return size
    mixed = (
        (rule * 1000003 + v) * 2654435761 % 4294967296
    )  # a fixed scramble: the same findings get the same plan
    mixed = (mixed ^ (mixed >> 15)) * 2246822519 % 4294967296
    return (missing + 1.0) * (1.0 + 1.5 * ((mixed ^ (mixed >> 13)) % 65536) / 65536.0)


@helper
def _order(
    near,
    cards,
    after,
    alive,
    score,
    clusters,
    fills,
    vertices,
    words,
    rule,
    limit,
    order,
    around,
    touched,
):
    """A greedy order of all vertices; after[v]: what must be gone before v may go, or -1. The graph is used up.

    Returns the cluster entries in all; an infinite number once they exceed the limit.
    """
    one = np.uint64(1)
    total = 0.0
    for v in range(vertices):
        alive[v] = v
        score[v] = _score(v, near, words, cards, rule, clusters, fills)
    left = vertices
    for step in range(vertices):
        best = -1
        for k in range(left):
            u = alive[k]
            if (best < 0 or score[u] < score[alive[best]]) and (
                after[u] < 0 or score[after[u]] < 0.0
            ):
                best = k
        v = alive[best]
        left -= 1
        alive[best] = alive[left]
        score[v] = -1.0  # gone
        order[step] = v
        total += clusters[v]
        if total >= limit:
            return np.inf
        for word in range(words):
            around[word] = near[v, word]
            touched[word] = around[word]
        spread = fills[v] > 0 and rule != 1  # new edges reach the neighbours' neighbours
        for word in range(words):
            members = around[word]
            while members:
                u = word * 64 + _lowest(members)
                members &= members - one
                for other in range(words):
                    if spread:
                        touched[other] |= near[u, other]
                    near[u, other] |= around[other]
                near[u, u >> 6] &= ~(one << np.uint64(u & 63))
                near[u, v >> 6] &= ~(one << np.uint64(v & 63))
        touched[v >> 6] &= ~(one << np.uint64(v & 63))
        for word in range(words):
            members = touched[word]
            while members:
                u = word * 64 + _lowest(members)
                members &= members - one
                score[u] = _score(u, near, words, cards, rule, clusters, fills)
    return total


@helper
def _run(x, y, z, to, one, two, op, strides, cx, cy, cz, pairs, begin, end, forwards, index, lanes):
    """x[to + sx . i] += y[one + sy . i] z[two + sz . i] for all i and all pairs; strides count blocks of `lanes` numbers.

    cx, cy, cz: which columns of strides and pairs belong to x, y and z. forwards: the first product to reach a place is stored, not added.
    """
    outer, inner, ix, iy, iz = op[PLAIN], lanes, 1, 1, 1
    if outer > 0:
        last = strides[outer - 1]
        if lanes == 1:
            outer, inner, ix, iy, iz = outer - 1, last[LENGTH], last[cx], last[cy], last[cz]
        elif last[cx] == 1 and last[cy] == 1 and last[cz] == 1:
            outer, inner = outer - 1, last[LENGTH] * lanes
    for axis in range(outer):
        index[axis] = 0
    while True:
        for pair in range(begin, end):
            a, b, c = (
                (to + pairs[pair, cx]) * lanes,
                (one + pairs[pair, cy]) * lanes,
                (two + pairs[pair, cz]) * lanes,
            )
            store = forwards == 1 and pairs[pair, FRESH] == 1
            if lanes > 1:
                ua, ub, uc = np.uint64(a), np.uint64(b), np.uint64(c)
                if store:
                    for k in range(np.uint64(inner)):
                        x[ua + k] = y[ub + k] * z[uc + k]
                else:
                    for k in range(np.uint64(inner)):
                        x[ua + k] += y[ub + k] * z[uc + k]
                continue
            ua, ub, uc = np.uint64(a), np.uint64(b), np.uint64(c)
            dx, dy, dz = np.uint64(ix), np.uint64(iy), np.uint64(iz)
            if store:
                x[ua] = y[ub] * z[uc]
                for k in range(np.uint64(1), np.uint64(inner)):
                    x[ua + k * dx] = y[ub + k * dy] * z[uc + k * dz]
            else:
                for k in range(np.uint64(inner)):
                    x[ua + k * dx] += y[ub + k * dy] * z[uc + k * dz]
        axis = outer - 1
        while axis >= 0:
            index[axis] += 1
            to += strides[axis, cx]
            one += strides[axis, cy]
            two += strides[axis, cz]
            if index[axis] < strides[axis, LENGTH]:
                break
            to -= strides[axis, cx] * index[axis]
            one -= strides[axis, cy] * index[axis]
            two -= strides[axis, cz] * index[axis]
            index[axis] = 0
            axis -= 1
        if axis < 0:
            return


@helper
def _emit(op, a, b, out, v, vertex, factor, scope, tape, strides, pairs, union, alone):
    """One operation: out = a and b combined, and v (where it is not negative) eliminated. Returns False where there is no room.

    Along a vertex that is eliminated and a deputy that both share, pairs of levels are listed; the other axes are strides.
    """
    # the union of the axes, which are in the order of elimination
    n = 0
    k = 0
    j = 0
    while k < factor[a, AXES] or j < factor[b, AXES]:
        if n >= MOST_AXES:
            return False
        if j >= factor[b, AXES] or (k < factor[a, AXES] and scope[a, k] <= scope[b, j]):
            u = scope[a, k]
            if j < factor[b, AXES] and scope[b, j] == u:
                j += 1
            k += 1
        else:
            u = scope[b, j]
            j += 1
        union[n] = u
        n += 1
    # the axes of the result
    node = vertex[v, CLOSES] if v >= 0 else -1
    m = 0
    size = 1.0
    placed = node < 0
    for k in range(n):
        u = union[k]
        if u == v:
            continue
        if not placed and u >= node:
            placed = True
            if u > node:
                scope[out, m] = node
                size *= vertex[node, STATES]
                m += 1
        scope[out, m] = u
        size *= vertex[u, STATES]
        m += 1
    if not placed:
        scope[out, m] = node
        size *= vertex[node, STATES]
        m += 1
    factor[out, AXES] = m
    if size > 1e9:
        return False
    factor[out, SIZE] = np.int64(size)
    # strides and pairs, from the last axis to the first
    begin = tape[op, PAIRS]
    if begin >= MOST_PAIRS:
        return False
    end = begin + 1
    pairs[begin, A] = 0
    pairs[begin, B] = 0
    pairs[begin, OUT] = 0
    pairs[begin, FRESH] = 1
    plain = 0
    longest = 0
    ka, kb, ko = factor[a, AXES] - 1, factor[b, AXES] - 1, m - 1
    run_a = run_b = run_o = 1
    na = nb = no = 0
    for k in range(n - 1, -1, -1):
        u = union[k]
        levels = vertex[u, STATES]
        sa = sb = so = 0
        if ko >= 0 and node > u and scope[out, ko] == node:  # the node, which no factor holds
            no = run_o
            run_o *= vertex[node, STATES]
            ko -= 1
        if ka >= 0 and scope[a, ka] == u:
            sa = run_a
            run_a *= levels
            ka -= 1
        if kb >= 0 and scope[b, kb] == u:
            sb = run_b
            run_b *= levels
            kb -= 1
        if ko >= 0 and scope[out, ko] == u:
            so = run_o
            run_o *= levels
            ko -= 1
        if u == node:  # fixed by the level that the deputy has reached
            na, nb, no = sa, sb, so
            continue
        if u != v and (vertex[u, DEPUTY] == 0 or sa == 0 or sb == 0):
            p = plain - 1
            if (
                plain > 0
                and sa == strides[op, p, A] * strides[op, p, LENGTH]
                and sb == strides[op, p, B] * strides[op, p, LENGTH]
                and so == strides[op, p, OUT] * strides[op, p, LENGTH]
            ):
                strides[op, p, LENGTH] *= levels
            else:
                strides[op, plain, LENGTH] = levels
                strides[op, plain, A] = sa
                strides[op, plain, B] = sb
                strides[op, plain, OUT] = so
                p = plain
                plain += 1
            if strides[op, p, LENGTH] > strides[op, longest, LENGTH]:
                longest = p
            continue
        paired = vertex[u, DEPUTY] == 1 and sa > 0 and sb > 0
        many = end - begin
        if begin + many * (levels * levels + 1) > MOST_PAIRS:
            return False
        at = end
        for y in range(levels if paired else 1):
            for x in range(levels):
                reached = max(x, y)
                if vertex[u, DEPUTY] == 1 and u == v and node < 0 and reached != levels - 1:
                    continue  # the maximum that was seen is not reached
                first = y == 0 if paired else x == 0 or vertex[u, DEPUTY] == 1
                closed = reached if u == v else 0
                other = y if paired else x
                for e in range(begin, begin + many):
                    pairs[at, A] = pairs[e, A] + x * sa + closed * na
                    pairs[at, B] = pairs[e, B] + other * sb + closed * nb
                    pairs[at, OUT] = pairs[e, OUT] + (closed * no if u == v else reached * so)
                    pairs[at, FRESH] = pairs[e, FRESH] if first else 0
                    at += 1
        for e in range(end, at):
            for column in range(4):
                pairs[e - many, column] = pairs[e, column]
        end = at - many
    for p in range(plain // 2):  # the first axis first
        for column in range(4):
            strides[op, p, column], strides[op, plain - 1 - p, column] = (
                strides[op, plain - 1 - p, column],
                strides[op, p, column],
            )
    if alone and plain > 1:  # one row at a time: the longest axis is the inner loop
        p = plain - 1 - longest
        for column in range(4):
            strides[op, p, column], strides[op, plain - 1, column] = (
                strides[op, plain - 1, column],
                strides[op, p, column],
            )
    tape[op, PLAIN] = plain
    tape[op + 1, PAIRS] = end
    tape[op, A] = a
    tape[op, B] = b
    tape[op, OUT] = out
    tape[op, VERTEX] = v if v >= 0 and vertex[v, DEPUTY] == 0 else -1
    factor[out, WANTS] = (
        1 if factor[a, WANTS] or factor[b, WANTS] or (v >= 0 and vertex[v, WANTED]) else 0
    )
    return True


@helper
def _levels(links, at, states, observed, column, into):
    """A distribution over states as levels: itself, or (below what is seen, exactly that)."""
    if observed < 0:
        for s in range(states):
            into[s] = links[at + s, column]
    else:
        into[0] = 0.0
        for s in range(observed):
            into[0] += links[at + s, column]
        into[1] = links[at + observed, column]


@helper
def _start(
    start,
    i,
    lane,
    row,
    observed,
    column,
    all_cards,
    parents,
    parent_of,
    local,
    leak_at,
    link_at,
    links,
    turned,
):
    """What the leak and the parents that are seen contribute to a noisy family, as levels."""
    states = all_cards[i]
    levels = 2 if observed >= 0 else states
    _levels(links, leak_at[i], states, observed, column, turned)
    for level in range(levels):
        start[level, lane] = turned[level]
    for k in range(parents[i], parents[i + 1]):
        p = parent_of[k]
        if local[p] >= 0:
            continue
        _levels(links, link_at[k] + row[p] * states, states, observed, column, turned)
        below = 0.0
        up_to = 0.0
        for level in range(levels):
            up_to += turned[level]
            fresh = start[level, lane] * up_to + below * turned[level]
            below += start[level, lane]
            start[level, lane] = fresh


@helper
def _plan(network, row, assessed, signed, asked, above_targets, rows, capacity, known, work):
    """The tape of a row's structural pattern, into the arrays given. Returns how many inputs and operations, and the numbers that they take; 0 where there
    is no room.
    """
    all_cards, parents, parent_of, table_at, _, noisy, _, _, _, ancestors, _ = network
    needed, seen_kind, local, factor, scope, tape, strides, pairs, vertex = known
    (
        touched, absorbed, cards, after, closes, bucket, held, bits, graph, near, score, clusters, fills, alive, order, trial, rank, around, touched_words,
        union,
    ) = work  # fmt: skip
    nodes = len(all_cards)
    one = np.uint64(1)
    # -- which nodes matter: those above a finding or a target
    for j in range(nodes):
        needed[j] = above_targets[j]
        seen_kind[j] = 0
    for i in range(nodes):
        if row[i] >= 0:
            seen_kind[i] = 1 if noisy[i] == 1 and row[i] == 0 else 2
        elif len(assessed) > 0 and assessed[i] == 1:
            seen_kind[i] = 3
        if seen_kind[i] > 0:
            for j in range(nodes):
                needed[j] |= ancestors[i, j]
    hidden = np.int64(0)
    for i in range(nodes):
        local[i] = -1
        touched[i] = 0
        absorbed[i] = 0
        if needed[i] == 1 and (seen_kind[i] == 0 or seen_kind[i] == 3):
            local[i] = hidden
            cards[hidden] = all_cards[i]
            after[hidden] = -1
            hidden += 1
            if seen_kind[i] == 3:
                touched[i] = 1
    # -- the factors: their axes only; factor 0 is the number 1
    factors = np.int64(1)
    factor[0, SIZE] = 1
    vertices = hidden
    for i in range(nodes):
        if needed[i] == 0:
            continue
        if seen_kind[i] == 1:
            for k in range(parents[i], parents[i + 1]):
                if local[parent_of[k]] >= 0:
                    touched[parent_of[k]] = 1
            continue
        n = np.int64(0)
        for k in range(parents[i], parents[i + 1]):
            if local[parent_of[k]] >= 0:
                if n < MOST_AXES:
                    scope[factors, n] = local[parent_of[k]]
                n += 1
        terms = (
            signed > NONE
            and n > 1
            and noisy[i] == 1
            and (local[i] < 0 or asked[i] == 0 or signed == ALL)
        )
        if n == 0 or (table_at[i] >= 0 and not terms):
            if local[i] >= 0:
                if n < MOST_AXES:
                    scope[factors, n] = local[i]
                n += 1
                absorbed[i] = 1
            if n == 0:
                continue
            factor[factors, FORM] = TABLE
            factor[factors, NODE] = i
            factor[factors, AXES] = n
            factors += 1
            if n > MOST_AXES:
                break
            continue
        cards[vertices] = 2 if local[i] < 0 else all_cards[i]
        after[vertices] = -1
        closes[vertices - hidden] = TERMS if terms else local[i]
        if local[i] >= 0 and terms:  # at a level: at most that level, less at most the one below
            scope[factors, 0] = local[i]
            scope[factors, 1] = vertices
            factor[factors, AXES] = 2
            factor[factors, FORM] = STEP
            factor[factors, NODE] = i
            factors += 1
        elif local[i] >= 0:
            after[local[i]] = vertices
        form = FIRST_TERM if terms else FIRST_CONTRIBUTION
        for k in range(parents[i], parents[i + 1]):
            p = parent_of[k]
            if local[p] >= 0:
                scope[factors, 0] = local[p]
                scope[factors, 1] = vertices
                factor[factors, AXES] = 2
                factor[factors, FORM] = form
                form = TERM if terms else CONTRIBUTION
                factor[factors, NODE] = i
                factor[factors, SLOT] = k
                factors += 1
        vertices += 1
    bad = factor[factors - 1, AXES] > MOST_AXES
    if bad:
        return 0, 0, 0
    for i in range(nodes):
        if touched[i] == 1 and local[i] >= 0 and absorbed[i] == 0:
            factor[factors, FORM] = UNARY
            factor[factors, NODE] = i
            factor[factors, AXES] = 1
            scope[factors, 0] = local[i]
            factors += 1
    # -- the order
    words = (vertices + 63) // 64
    for v in range(vertices):
        for word in range(words):
            graph[v, word] = np.uint64(0)
    for f in range(1, factors):
        for word in range(words):
            bits[word] = np.uint64(0)
        for k in range(factor[f, AXES]):
            bits[scope[f, k] >> 6] |= one << np.uint64(scope[f, k] & 63)
        for k in range(factor[f, AXES]):
            for word in range(words):
                graph[scope[f, k], word] |= bits[word]
    for k in range(vertices - hidden):
        if closes[k] >= 0:  # the node takes the place of its deputy
            graph[hidden + k, closes[k] >> 6] |= one << np.uint64(closes[k] & 63)
            graph[closes[k], (hidden + k) >> 6] |= one << np.uint64((hidden + k) & 63)
    for v in range(vertices):
        graph[v, v >> 6] &= ~(one << np.uint64(v & 63))
    cost = np.inf
    rule = np.int64(0)
    more = 1
    while rule < more:
        for v in range(vertices):
            for word in range(words):
                near[v, word] = graph[v, word]
        found = _order(
            near,
            cards,
            after,
            alive,
            score,
            clusters,
            fills,
            vertices,
            words,
            rule,
            cost,
            trial,
            around,
            touched_words,
        )
        if found < cost:
            cost = found
            for k in range(vertices):
                order[k] = trial[k]
        if rule == 0 and cost > HEAVY:
            more = 2
        if rule == 1:
            more = 2 + np.int64(min(float(MOST_RESTARTS), cost * rows / RESTART))
        rule += 1
    # -- the tape; from here on vertices are known by their place in the order
    for k in range(vertices):
        rank[order[k]] = k
    for v in range(vertices):
        k = rank[v]
        bucket[k] = -1
        vertex[k, STATES] = cards[v]
        vertex[k, DEPUTY] = 1 if v >= hidden and closes[v - hidden] != TERMS else 0
        vertex[k, CLOSES] = closes[v - hidden] if v >= hidden else -1
        if vertex[k, CLOSES] >= 0:
            vertex[k, CLOSES] = rank[vertex[k, CLOSES]]
        vertex[k, WANTED] = min(
            signed, 1
        )  # then every vertex is summed out a second time, on the way back
    for i in range(nodes):
        if local[i] >= 0:
            local[i] = rank[local[i]]
            vertex[local[i], WANTED] = max(np.int64(asked[i]), min(signed, 1))
    used = np.int64(1)
    for f in range(1, factors):
        size = np.int64(1)
        for k in range(factor[f, AXES]):
            u = rank[scope[f, k]]
            size *= vertex[u, STATES]
            j = k - 1
            while j >= 0 and scope[f, j] > u:
                scope[f, j + 1] = scope[f, j]
                j -= 1
            scope[f, j + 1] = u
        factor[f, SIZE] = size
        factor[f, PLACE] = used
        used += size
        factor[f, WANTS] = 0
        factor[f, NEXT] = bucket[scope[f, 0]]
        bucket[scope[f, 0]] = f
    inputs = factors
    ops = np.int64(0)
    none, nothing = (
        np.int64(0),
        np.int64(-1),
    )  # numba compiles a function anew for a literal argument
    for v in range(vertices):
        holding = 0
        f = bucket[v]
        while f >= 0:
            j = holding - 1
            while j >= 0 and factor[held[j], SIZE] > factor[f, SIZE]:
                held[j + 1] = held[j]
                j -= 1
            held[j + 1] = f
            holding += 1
            f = factor[f, NEXT]
        whole = held[0]
        for k in range(1, max(holding, 2)):
            last = k >= holding - 1
            bad = not _emit(
                ops, whole, held[k] if k < holding else none, factors, v if last else nothing, vertex, factor, scope, tape, strides, pairs, union,
                rows == 1,
            )  # fmt: skip
            if bad:
                break
            factor[factors, PLACE] = used
            used += factor[factors, SIZE]
            ops += 1
            whole = factors
            factors += 1
            bad = used > capacity
            if bad:
                break
        if bad:
            break
        if factor[whole, AXES] > 0:
            factor[whole, NEXT] = bucket[scope[whole, 0]]
            bucket[scope[whole, 0]] = whole
    if bad:
        return 0, 0, 0
    return inputs, ops, used


@helper
def _fill(network, codes, soft, begin, lanes, inputs, known, block, values):
    """The numbers of the inputs for a block of rows, and the constant factor of each row."""
    all_cards, parents, parent_of, table_at, tables, _, leak_at, link_at, links, _, offsets = (
        network
    )
    needed, seen_kind, local, factor, scope, _, _, _, vertex = known
    constant, total, column, unary, base, start, turned, index, source_step, _ = block
    nodes = len(all_cards)
    hidden = np.int64(-1)
    drawn = links.shape[1] > 1 or tables.shape[1] > 1
    code_step = 1 if len(codes) > 1 else 0
    soft_step = 1 if len(soft) > 1 else 0
    # -- the numbers
    for lane in range(lanes):
        constant[lane] = 1.0
        total[lane] = 1.0
        values[lane] = 1.0
        if drawn:
            column[lane] = begin + lane
    for e in range(offsets[nodes]):
        for lane in range(lanes):
            unary[e, lane] = 1.0
    for i in range(nodes):
        if needed[i] == 0:
            continue
        if seen_kind[i] == 3:
            for s in range(all_cards[i]):
                for lane in range(lanes):
                    unary[offsets[i] + s, lane] *= soft[(begin + lane) * soft_step, offsets[i] + s]
        if seen_kind[i] == 1:
            # no cause may have reached any level: the parents part company
            for lane in range(lanes):
                constant[lane] *= links[leak_at[i], column[lane]]
            for k in range(parents[i], parents[i + 1]):
                p = parent_of[k]
                if local[p] < 0:
                    for lane in range(lanes):
                        state = codes[(begin + lane) * code_step, p]
                        constant[lane] *= links[link_at[k] + state * all_cards[i], column[lane]]
                else:
                    for s in range(all_cards[p]):
                        for lane in range(lanes):
                            unary[offsets[p] + s, lane] *= links[
                                link_at[k] + s * all_cards[i], column[lane]
                            ]
        elif local[i] < 0:  # families that are seen as a whole
            many = np.int64(0)
            for k in range(parents[i], parents[i + 1]):
                if local[parent_of[k]] >= 0:
                    many += 1
            for lane in range(lanes if many == 0 else 0):
                row = codes[(begin + lane) * code_step]
                if table_at[i] >= 0:
                    at = table_at[i] + row[i]
                    step = all_cards[i]
                    for k in range(parents[i + 1] - 1, parents[i] - 1, -1):
                        at += row[parent_of[k]] * step
                        step *= all_cards[parent_of[k]]
                    constant[lane] *= tables[at, column[lane]]
                else:
                    _start(
                        start,
                        i,
                        lane,
                        row,
                        row[i],
                        column[lane],
                        all_cards,
                        parents,
                        parent_of,
                        local,
                        leak_at,
                        link_at,
                        links,
                        turned,
                    )
                    constant[lane] *= start[1, lane]
    for f in range(1, inputs):
        i = factor[f, NODE]
        n = factor[f, AXES]
        place = factor[f, PLACE]
        form = factor[f, FORM]
        if form == UNARY:
            for s in range(all_cards[i]):
                for lane in range(lanes):
                    values[(place + s) * lanes + lane] = unary[offsets[i] + s, lane]
        elif form == TABLE and table_at[i] >= 0:
            own = -1
            for axis in range(n):
                index[axis] = 0
                if scope[f, axis] == local[i]:
                    own = axis
            varies = drawn
            for lane in range(lanes):
                base[lane] = table_at[i]
            step = 1
            for k in range(parents[i + 1], parents[i] - 1, -1):
                u = i if k == parents[i + 1] else parent_of[k]
                if local[u] < 0:
                    varies = True
                    for lane in range(lanes):
                        base[lane] += codes[(begin + lane) * code_step, u] * step
                else:
                    for axis in range(n):
                        if scope[f, axis] == local[u]:
                            source_step[axis] = step
                step *= all_cards[u]
            at = 0
            for e in range(factor[f, SIZE]):
                to = (place + e) * lanes
                first, many = np.uint64(to), np.uint64(lanes)
                if varies and code_step == 0 and tables.shape[1] > 1:
                    entry, draw = np.uint64(base[0] + at), np.uint64(begin)
                    for lane in range(many):
                        values[first + lane] = tables[entry, draw + lane]
                elif varies:
                    for lane in range(lanes):
                        values[to + lane] = tables[base[lane] + at, column[lane]]
                else:
                    number = tables[base[0] + at, 0]
                    for lane in range(many):
                        values[first + lane] = number
                if own >= 0:
                    weight = np.uint64(offsets[i] + index[own])
                    for lane in range(many):
                        values[first + lane] *= unary[weight, lane]
                for axis in range(n - 1, -1, -1):
                    index[axis] += 1
                    at += source_step[axis]
                    if index[axis] < vertex[scope[f, axis], STATES]:
                        break
                    at -= source_step[axis] * index[axis]
                    index[axis] = 0
        elif form == TABLE:  # a large noisy family whose parents are all seen
            for lane in range(lanes):
                row = codes[(begin + lane) * code_step]
                _start(
                    start,
                    i,
                    lane,
                    row,
                    hidden,
                    column[lane],
                    all_cards,
                    parents,
                    parent_of,
                    local,
                    leak_at,
                    link_at,
                    links,
                    turned,
                )
                for s in range(all_cards[i]):
                    values[(place + s) * lanes + lane] = (
                        start[s, lane] * unary[offsets[i] + s, lane]
                    )
        elif form == STEP:
            states = all_cards[i]
            for e in range(factor[f, SIZE] * lanes):
                values[place * lanes + e] = 0.0
            step_i, step_d = (states, 1) if scope[f, 0] == local[i] else (1, states)
            for s in range(states):
                for lane in range(lanes):
                    values[(place + s * (step_i + step_d)) * lanes + lane] = 1.0
                    if s > 0:
                        values[(place + s * step_i + (s - 1) * step_d) * lanes + lane] = -1.0
        else:
            p = parent_of[factor[f, SLOT]]
            states = all_cards[i]
            levels = 2 if local[i] < 0 else states
            step_p, step_d = (levels, 1) if scope[f, 0] == local[p] else (1, all_cards[p])
            for lane in range(lanes):
                row = codes[(begin + lane) * code_step]
                observed = row[i] if local[i] < 0 else hidden
                first = form in (FIRST_CONTRIBUTION, FIRST_TERM)
                if first:
                    _start(
                        start,
                        i,
                        lane,
                        row,
                        observed,
                        column[lane],
                        all_cards,
                        parents,
                        parent_of,
                        local,
                        leak_at,
                        link_at,
                        links,
                        turned,
                    )
                for x in range(all_cards[p]):
                    _levels(
                        links,
                        link_at[factor[f, SLOT]] + x * states,
                        states,
                        observed,
                        column[lane],
                        turned,
                    )
                    below = 0.0
                    up_to = 0.0
                    so_far = 0.0
                    for level in range(levels):
                        value = turned[level]
                        if first:
                            up_to += turned[level]
                            value = start[level, lane] * up_to + below * turned[level]
                            below += start[level, lane]
                        if form in (
                            TERM,
                            FIRST_TERM,
                        ):  # at most this level; less what is below the level that was seen
                            so_far += value
                            value = -so_far if first and level == 0 and local[i] < 0 else so_far
                        values[(place + x * step_p + level * step_d) * lanes + lane] = value


@kernel
def solve_rows(
    network,
    codes,
    soft,
    assessed,
    signed,
    starts,
    targets,
    capacity,
    out_log,
    out,
    status,
    known,
    work,
    block,
    asked,
    above_targets,
    marginal,
):
    """Answers rows; those from starts[g] to starts[g + 1] have one structural pattern.

    network: the arrays of `fast.Flat`. codes: (rows, nodes), or one row for all. signed: of which noisy families, see below. known, work, block and the rest: see `workspace`.
    status: 0 done, 1 outgrew the workspace, 2 P(findings) is 0 or too small for plain doubles, 3 signed, and digits were lost.
    """
    all_cards, _, _, _, _, _, _, _, _, ancestors, _ = network
    _, _, local, factor, _, tape, strides, pairs, vertex = known
    constant, total, _, _, _, _, turned, index, _, terms = block
    nodes = len(all_cards)
    largest = len(turned)
    most_lanes = len(constant)
    col_a, col_b, col_o = np.int64(A), np.int64(B), np.int64(OUT)
    store, add = np.int64(1), np.int64(0)
    values = np.empty(ROOM)
    adjoint = np.empty(ROOM)
    code_step = 1 if len(codes) > 1 else 0
    for t in range(len(targets)):
        asked[targets[t]] = 1
        for j in range(nodes):
            above_targets[j] |= ancestors[targets[t], j]

    for group in range(len(starts) - 1):
        head = starts[group]
        tail = starts[group + 1]
        inputs, ops, used = _plan(
            network,
            codes[head * code_step],
            assessed[head * code_step],
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
                status[row] = OUTGROWN
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
            # -- forwards
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
            fine = True
            for lane in range(lanes):
                row = begin + lane
                status[row] = (
                    0
                    if total[lane] * constant[lane] > 1e-250
                    else (DISAGREED if signed > NONE and total[lane] * constant[lane] != 0.0 else 2)
                )
                if status[row] == 0:
                    out_log[row] = np.log(total[lane]) + np.log(constant[lane])
                else:
                    fine = False
            if (len(targets) == 0 and signed == NONE) or (not fine and lanes == 1):
                continue
            # -- and back
            for e in range(used * lanes):
                adjoint[e] = 0.0
            for k in range(ops - 1, -1, -1):
                op = tape[k]
                a, b, o = op[A], op[B], op[OUT]
                if factor[o, WANTS] == 0:
                    continue
                if factor[o, AXES] == 0:
                    for lane in range(lanes):
                        adjoint[factor[o, PLACE] * lanes + lane] = 1.0
                v = op[VERTEX]
                factor[o, NEXT] = o if factor[o, AXES] == 0 else factor[o, NEXT]
                factor[a, NEXT] = factor[o, NEXT]
                factor[b, NEXT] = factor[o, NEXT]
                measured = -1
                if v >= 0 and vertex[v, WANTED] == 1:
                    measured = b if factor[b, WANTS] == 1 else a
                for side in range(2):
                    x, z = (a, b) if side == 0 else (b, a)
                    if factor[x, WANTS] == 1 or x == measured:
                        _run(
                            adjoint, adjoint, values, factor[x, PLACE], factor[o, PLACE], factor[z, PLACE], op, strides[k], col_a if side == 0 else col_b, col_o,
                            col_b if side == 0 else col_a, pairs, op[PAIRS], tape[k + 1, PAIRS], add, index, lanes,
                        )  # fmt: skip
                if measured >= 0:
                    each = factor[measured, SIZE] // vertex[v, STATES]
                    for s in range(vertex[v, STATES]):
                        at = (factor[measured, PLACE] + s * each) * lanes
                        for lane in range(lanes):
                            marginal[v * largest + s, lane] = 0.0
                            if s == 0:
                                terms[lane] = 0.0
                        if signed > NONE:
                            for _ in range(each):
                                for lane in range(lanes):
                                    term = values[at + lane] * adjoint[at + lane]
                                    marginal[v * largest + s, lane] += term
                                    terms[lane] += abs(term)
                                at += lanes
                        elif lanes == 1:
                            mass = 0.0
                            for e in range(at, at + each):
                                mass += values[e] * adjoint[e]
                            marginal[v * largest + s, 0] = mass
                        else:
                            for _ in range(each):
                                for lane in range(lanes):
                                    marginal[v * largest + s, lane] += (
                                        values[at + lane] * adjoint[at + lane]
                                    )
                                at += lanes
                    if signed > NONE:
                        whole = (
                            factor[factor[o, NEXT], PLACE] * lanes
                        )  # what the last operation of this part of the network gave
                        for lane in range(lanes):
                            again = 0.0
                            below = 0.0
                            for s in range(vertex[v, STATES]):
                                again += marginal[v * largest + s, lane]
                                if vertex[v, CLOSES] != TERMS:
                                    below = min(below, marginal[v * largest + s, lane])
                            once = values[whole + lane]
                            if status[begin + lane] == 0 and not (
                                abs(again / once - 1.0) <= AGREEMENT
                                and -below / once <= AGREEMENT
                                and terms[lane] / once <= CANCELLED
                            ):
                                status[begin + lane] = DISAGREED
            at = 0
            for t in range(len(targets)):
                i = targets[t]
                for lane in range(lanes):
                    row = begin + lane
                    if local[i] < 0:
                        for s in range(all_cards[i]):
                            out[row, at + s] = 1.0 if s == codes[row * code_step, i] else 0.0
                    else:
                        whole_sum = 0.0
                        for s in range(all_cards[i]):
                            whole_sum += marginal[local[i] * largest + s, lane]
                        for s in range(all_cards[i]):
                            out[row, at + s] = marginal[local[i] * largest + s, lane] / whole_sum
                at += all_cards[i]


def workspace(network: tuple[Any, ...], lanes: int) -> tuple[Any, ...]:
    """Arrays to work in, for `solve_rows`: what is known of a pattern, what planning takes, what a block of rows takes, and the rest."""
    all_cards, parent_of, offsets = network[0], network[2], network[10]
    nodes = len(all_cards)
    variables = 2 * nodes
    words = (variables + 63) // 64
    most = 2 * (2 * nodes + len(parent_of)) + 2 * variables + 8
    largest = max(2, int(all_cards.max(initial=2)))

    def ints(*shape: int) -> NDArray[np.int64]:
        return np.zeros(shape, dtype=np.int64)

    def flags() -> NDArray[np.uint8]:
        return np.zeros(nodes, dtype=np.uint8)

    known = (
        flags(), flags(), ints(nodes), ints(most, 8), ints(most, MOST_AXES + 1), ints(most, 6), ints(most, MOST_AXES, 4),
        np.empty((MOST_PAIRS, 4), dtype=np.int64), ints(variables, 4),
    )  # fmt: skip
    bits = [
        np.zeros(shape, dtype=np.uint64)
        for shape in (words, (variables, words), (variables, words), words, words)
    ]
    work = (
        flags(), flags(), ints(variables), ints(variables), ints(nodes), ints(variables), ints(most), bits[0], bits[1], bits[2], np.empty(variables),
        np.empty(variables), ints(variables), ints(variables), ints(variables), ints(variables), ints(variables), bits[3], bits[4],
        ints(MOST_AXES + 1),
    )  # fmt: skip
    block = (
        np.empty(lanes), np.empty(lanes), ints(lanes), np.empty((int(offsets[nodes]), lanes)), ints(lanes), np.empty((largest, lanes)),
        np.empty(largest), ints(MOST_AXES + 1), ints(MOST_AXES + 1), np.empty(lanes),
    )  # fmt: skip
    return known, work, block, flags(), flags(), np.empty((variables * largest, lanes))
