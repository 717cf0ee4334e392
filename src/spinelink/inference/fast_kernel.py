"""The compiled kernel of the extra `fast`; importing this module loads numba."""

from __future__ import annotations

import numpy as np
from numba import njit

MOST_AXES = 24


@njit(cache=True, nogil=True, error_model="numpy")
def _ones(x):
    """How many bits are set."""
    count = 0
    while x:
        x &= x - np.uint64(1)
        count += 1
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def _score(v, near, words, cards):
    """Missing edges among the neighbours of v, then the size of its cluster, as one number."""
    missing = 0
    size = float(cards[v])
    for word in range(words):
        bits = near[v, word]
        while bits:
            low = bits & (~bits + np.uint64(1))
            u = word * 64 + _ones(low - np.uint64(1))
            bits ^= low
            size *= cards[u]
            for other in range(words):
                missing += _ones(near[v, other] & ~near[u, other])
            missing -= 1  # u is not its own neighbour
    return missing * 1e9 + size


@njit(cache=True, nogil=True, error_model="numpy")
def _combine(va, vb, vo, axes, shape, step_a, step_b):
    """vo[x] = va[x] vb[x] over the union scope; step_*: how far each axis moves in a and b, 0 where it lacks the axis."""
    index = np.zeros(MOST_AXES, dtype=np.int64)
    last = axes - 1
    inner, inner_a, inner_b = shape[last], step_a[last], step_b[last]
    a = b = o = 0
    while True:
        for k in range(inner):
            vo[o + k] = va[a + k * inner_a] * vb[b + k * inner_b]
        o += inner
        axis = last - 1
        while axis >= 0:
            index[axis] += 1
            a += step_a[axis]
            b += step_b[axis]
            if index[axis] < shape[axis]:
                break
            a -= step_a[axis] * shape[axis]
            b -= step_b[axis] * shape[axis]
            index[axis] = 0
            axis -= 1
        if axis < 0:
            return


@njit(cache=True, nogil=True, error_model="numpy")
def _uncombine(va, vb, adj_o, adj_a, adj_b, want_a, want_b, axes, shape, step_a, step_b):
    """The transpose: adds adj_o vb to adj_a, and adj_o va to adj_b."""
    index = np.zeros(MOST_AXES, dtype=np.int64)
    last = axes - 1
    inner, inner_a, inner_b = shape[last], step_a[last], step_b[last]
    a = b = o = 0
    while True:
        if want_a:
            for k in range(inner):
                adj_a[a + k * inner_a] += adj_o[o + k] * vb[b + k * inner_b]
        if want_b:
            for k in range(inner):
                adj_b[b + k * inner_b] += adj_o[o + k] * va[a + k * inner_a]
        o += inner
        axis = last - 1
        while axis >= 0:
            index[axis] += 1
            a += step_a[axis]
            b += step_b[axis]
            if index[axis] < shape[axis]:
                break
            a -= step_a[axis] * shape[axis]
            b -= step_b[axis] * shape[axis]
            index[axis] = 0
            axis -= 1
        if axis < 0:
            return


@njit(cache=True, nogil=True, error_model="numpy")
def _levels(links, at, states, seen, into):
    """A distribution over states as levels: itself, or (below what is seen, exactly that)."""
    if seen < 0:
        for s in range(states):
            into[s] = links[at + s]
    else:
        into[0] = 0.0
        for s in range(seen):
            into[0] += links[at + s]
        into[1] = links[at + seen]


@njit(cache=True, nogil=True, error_model="numpy")
def _order(near, cards, alive, score, hidden, words, order):
    """A min-fill order of all vertices; the graph is used up."""
    one = np.uint64(1)
    for v in range(hidden):
        alive[v] = 1
        score[v] = _score(v, near, words, cards)
    for step in range(hidden):
        v = -1
        for u in range(hidden):
            if alive[u] == 1 and (v < 0 or score[u] < score[v]):
                v = u
        order[step] = v
        alive[v] = 0
        for word in range(words):
            members = near[v, word]
            while members:
                low = members & (~members + one)
                u = word * 64 + _ones(low - one)
                members ^= low
                for other in range(words):
                    near[u, other] |= near[v, other]
                near[u, u >> 6] &= ~(one << np.uint64(u & 63))
                near[u, v >> 6] &= ~(one << np.uint64(v & 63))
        for u in range(hidden):
            if alive[u] == 1:
                close = ((near[v, u >> 6] >> np.uint64(u & 63)) & one) != 0
                for word in range(words):
                    if near[u, word] & near[v, word]:
                        close = True
                if close:
                    score[u] = _score(u, near, words, cards)


@njit(cache=True, nogil=True, error_model="numpy")
def _tie(near, members, many):
    """Makes the members neighbours of each other."""
    one = np.uint64(1)
    for k in range(many):
        for j in range(many):
            if j != k:
                near[members[k], members[j] >> 6] |= one << np.uint64(members[j] & 63)


@njit(cache=True, nogil=True, error_model="numpy")
def solve_rows(
    all_cards, parents, parent_of, table_at, tables, noisy, leak_at, link_at, links, ancestors, offsets,
    codes, soft, assessed, targets, capacity, out_log, out, status,
):  # fmt: skip
    """Answers every row; status: 0 done, 1 outgrew the workspace, 2 P(findings) is 0 or too small for plain doubles."""
    nodes = len(all_cards)
    variables = 2 * nodes + len(parent_of)  # nodes, deputies of the first plan, links of chains
    most = 2 * (2 * nodes + len(parent_of)) + 2 * variables + 8
    every_word = (variables + 63) // 64
    values = np.empty(capacity)
    adjoint = np.empty(capacity)
    place = np.empty(most, dtype=np.int64)  # where a factor's numbers begin
    sizes = np.empty(most, dtype=np.int64)
    count = np.empty(most, dtype=np.int64)  # its axes
    scope = np.empty((most, MOST_AXES), dtype=np.int64)
    bits = np.zeros((most, every_word), dtype=np.uint64)
    live = np.empty(most, dtype=np.int64)
    held = np.empty(most, dtype=np.int64)
    op_kind = np.empty(most, dtype=np.int64)
    op_a = np.empty(most, dtype=np.int64)
    op_b = np.empty(most, dtype=np.int64)
    op_out = np.empty(most, dtype=np.int64)
    op_var = np.empty(most, dtype=np.int64)
    local = np.empty(nodes, dtype=np.int64)
    cards = np.empty(variables, dtype=np.int64)
    near = np.zeros((variables, every_word), dtype=np.uint64)
    score = np.empty(variables)
    alive = np.empty(variables, dtype=np.uint8)
    order = np.empty(variables, dtype=np.int64)
    rank = np.empty(variables, dtype=np.int64)
    members = np.empty(variables, dtype=np.int64)
    unary = np.empty(offsets[nodes])
    touched = np.empty(nodes, dtype=np.uint8)
    needed = np.empty(nodes, dtype=np.uint8)
    largest = 2
    for v in range(nodes):
        largest = max(largest, all_cards[v])
    marginal = np.empty((variables, largest))
    start = np.empty(largest)
    turned = np.empty(largest)
    shape = np.empty(MOST_AXES, dtype=np.int64)
    step_a = np.empty(MOST_AXES, dtype=np.int64)
    step_b = np.empty(MOST_AXES, dtype=np.int64)
    index = np.empty(MOST_AXES, dtype=np.int64)
    one = np.uint64(1)

    for row in range(len(codes)):
        status[row] = 0
        # -- which nodes matter: those above a finding or a target
        needed[:] = 0
        for i in range(nodes):
            if codes[row, i] >= 0 or (len(soft) > 0 and assessed[row, i] == 1):
                for j in range(nodes):
                    needed[j] |= ancestors[i, j]
        for t in range(len(targets)):
            for j in range(nodes):
                needed[j] |= ancestors[targets[t], j]
        local[:] = -1
        hidden = np.int64(0)
        for i in range(nodes):
            if needed[i] == 1 and codes[row, i] < 0:
                local[i] = hidden
                cards[hidden] = all_cards[i]
                hidden += 1
        # -- a first plan, in which a large family hangs on one deputy: it gives the order of the parents in the chains
        large = 0
        vertices = hidden
        for v in range(2 * hidden + 1 if 2 * hidden + 1 < variables else variables):
            for word in range(every_word):
                near[v, word] = np.uint64(0)
        for i in range(nodes):
            if needed[i] == 1 and table_at[i] < 0 and codes[row, i] != 0:
                large += 1
        if large > 0:
            for v in range(hidden + large):
                for word in range(every_word):
                    near[v, word] = np.uint64(0)
            for i in range(nodes):
                if needed[i] == 0 or (noisy[i] == 1 and codes[row, i] == 0):
                    continue
                many = np.int64(0)
                for k in range(parents[i], parents[i + 1]):
                    if local[parent_of[k]] >= 0:
                        members[many] = local[parent_of[k]]
                        many += 1
                if local[i] >= 0:
                    members[many] = local[i]
                    many += 1
                if table_at[i] >= 0:
                    _tie(near, members, many)
                else:
                    cards[vertices] = 3
                    for k in range(many):
                        near[vertices, members[k] >> 6] |= one << np.uint64(members[k] & 63)
                        near[members[k], vertices >> 6] |= one << np.uint64(vertices & 63)
                    vertices += 1
            _order(near, cards, alive, score, vertices, (vertices + 63) // 64, order)
            for k in range(vertices):
                rank[order[k]] = k
        # -- the factors, sliced by what is seen
        touched[:] = 0
        unary[:] = 1.0
        factors = np.int64(0)
        used = np.int64(0)
        constant = 1.0
        for i in range(nodes):
            if needed[i] == 0:
                continue
            seen = codes[row, i]
            if seen < 0 and len(soft) > 0 and assessed[row, i] == 1:
                touched[i] = 1
                for s in range(all_cards[i]):
                    unary[offsets[i] + s] *= soft[row, offsets[i] + s]
            if noisy[i] == 1 and seen == 0:
                # no cause may have reached any level: the parents part company
                constant *= links[leak_at[i]]
                for k in range(parents[i], parents[i + 1]):
                    p = parent_of[k]
                    if codes[row, p] >= 0:
                        constant *= links[link_at[k] + codes[row, p] * all_cards[i]]
                    else:
                        touched[p] = 1
                        for s in range(all_cards[p]):
                            unary[offsets[p] + s] *= links[link_at[k] + s * all_cards[i]]
                continue
            if table_at[i] >= 0:
                free = np.int64(0)
                base = table_at[i]
                size = np.int64(1)
                step = 1
                for k in range(parents[i + 1], parents[i] - 1, -1):
                    v = i if k == parents[i + 1] else parent_of[k]
                    if codes[row, v] >= 0:
                        base += codes[row, v] * step
                    else:
                        if free >= MOST_AXES - 2:
                            status[row] = 1
                            break
                        # axes come last first; they are turned below
                        scope[factors, free] = local[v]
                        step_a[free] = step
                        free += 1
                        size *= all_cards[v]
                    step *= all_cards[v]
                if status[row] != 0:
                    break
                if free == 0:
                    constant *= tables[base]
                    continue
                if used + size > capacity:
                    status[row] = 1
                    break
                for k in range(free // 2):
                    scope[factors, k], scope[factors, free - 1 - k] = scope[factors, free - 1 - k], scope[factors, k]
                    step_a[k], step_a[free - 1 - k] = step_a[free - 1 - k], step_a[k]
                for k in range(free):
                    index[k] = 0
                at = base
                for e in range(size):
                    values[used + e] = tables[at]
                    for axis in range(free - 1, -1, -1):
                        index[axis] += 1
                        at += step_a[axis]
                        if index[axis] < cards[scope[factors, axis]]:
                            break
                        at -= step_a[axis] * index[axis]
                        index[axis] = 0
                place[factors] = used
                sizes[factors] = size
                count[factors] = free
                used += size
                factors += 1
                continue
            # a large noisy family: levels are all states, or (below what is seen, exactly that)
            states = all_cards[i]
            levels = 2 if seen > 0 else states
            _levels(links, leak_at[i], states, seen, start)
            many = np.int64(0)
            for k in range(parents[i], parents[i + 1]):
                p = parent_of[k]
                if codes[row, p] >= 0:
                    _levels(links, link_at[k] + codes[row, p] * states, states, seen, turned)
                    below = 0.0
                    up_to = 0.0
                    for level in range(levels):
                        up_to += turned[level]
                        fresh = start[level] * up_to + below * turned[level]
                        below += start[level]
                        start[level] = fresh
                else:
                    j = many - 1
                    while j >= 0 and rank[local[parent_of[members[j]]]] > rank[local[p]]:
                        members[j + 1] = members[j]
                        j -= 1
                    members[j + 1] = k
                    many += 1
            if many == 0:
                if seen > 0:
                    constant *= start[1]
                else:
                    touched[i] = 1
                    for s in range(states):
                        unary[offsets[i] + s] *= start[s]
                continue
            before = -1
            for j in range(many):
                k = members[j]
                p = parent_of[k]
                last = j == many - 1
                after = -1
                if not last:
                    after = hidden
                    cards[hidden] = levels
                    hidden += 1
                elif seen < 0:
                    after = local[i]
                first = 1 if before < 0 else levels
                ends = 1 if after < 0 else levels
                size = first * all_cards[p] * ends
                if used + size > capacity:
                    status[row] = 1
                    break
                n = np.int64(0)
                if before >= 0:
                    scope[factors, n] = before
                    n += 1
                scope[factors, n] = local[p]
                n += 1
                if after >= 0:
                    scope[factors, n] = after
                    n += 1
                e = used
                for held_level in range(first):
                    for x in range(all_cards[p]):
                        _levels(links, link_at[k] + x * states, states, seen, turned)
                        for position in range(ends):
                            level = position if after >= 0 else 1
                            value = 0.0
                            if before >= 0:
                                if level == held_level:
                                    for lower in range(level + 1):
                                        value += turned[lower]
                                elif level > held_level:
                                    value = turned[level]
                            else:
                                below = 0.0
                                up_to = 0.0
                                for lower in range(level + 1):
                                    up_to += turned[lower]
                                    if lower < level:
                                        below += start[lower]
                                value = start[level] * up_to + below * turned[level]
                            values[e] = value
                            e += 1
                place[factors] = used
                sizes[factors] = size
                count[factors] = n
                used += size
                factors += 1
                before = after
            if status[row] != 0:
                break
        if status[row] != 0:
            continue
        for i in range(nodes):
            if touched[i] == 1 and local[i] >= 0:
                if used + all_cards[i] > capacity:
                    status[row] = 1
                    break
                for s in range(all_cards[i]):
                    values[used + s] = unary[offsets[i] + s]
                place[factors] = used
                sizes[factors] = all_cards[i]
                count[factors] = 1
                scope[factors, 0] = local[i]
                used += all_cards[i]
                factors += 1
        if status[row] != 0:
            continue
        # -- the plan
        words = (hidden + 63) // 64
        for v in range(hidden):
            for word in range(words):
                near[v, word] = np.uint64(0)
        for f in range(factors):
            for word in range(words):
                bits[f, word] = np.uint64(0)
            for k in range(count[f]):
                v = scope[f, k]
                bits[f, v >> 6] |= one << np.uint64(v & 63)
            _tie(near, scope[f], count[f])
            live[f] = f
        _order(near, cards, alive, score, hidden, words, order)
        inputs = factors
        lives = np.int64(factors)
        ops = 0
        total = 1.0
        # -- eliminate
        for position in range(hidden):
            v = order[position]
            holding = 0
            kept = 0
            for k in range(lives):
                f = live[k]
                if (bits[f, v >> 6] >> np.uint64(v & 63)) & one:
                    held[holding] = f
                    holding += 1
                else:
                    live[kept] = f
                    kept += 1
            lives = kept
            for k in range(1, holding):
                f = held[k]
                j = k - 1
                while j >= 0 and sizes[held[j]] > sizes[f]:
                    held[j + 1] = held[j]
                    j -= 1
                held[j + 1] = f
            whole = held[0]
            for k in range(1, holding):
                other = held[k]
                n = np.int64(0)
                size = np.int64(1)
                for axis in range(count[other]):
                    scope[factors, n] = scope[other, axis]
                    n += 1
                for axis in range(count[whole]):
                    u = scope[whole, axis]
                    if not (bits[other, u >> 6] >> np.uint64(u & 63)) & one:
                        if n >= MOST_AXES:
                            status[row] = 1
                            break
                        scope[factors, n] = u
                        n += 1
                if status[row] != 0:
                    break
                for axis in range(n):
                    size *= cards[scope[factors, axis]]
                if used + size > capacity:
                    status[row] = 1
                    break
                count[factors] = n
                sizes[factors] = size
                place[factors] = used
                for word in range(words):
                    bits[factors, word] = bits[whole, word] | bits[other, word]
                _steps(factors, whole, other, n, scope, count, cards, shape, step_a, step_b)
                _combine(values[place[whole] :], values[place[other] :], values[used:], n, shape, step_a, step_b)
                op_kind[ops] = 0
                op_a[ops] = whole
                op_b[ops] = other
                op_out[ops] = factors
                ops += 1
                used += size
                whole = factors
                factors += 1
            if status[row] != 0:
                break
            # sum v out: axes of the message are those of the cluster but v
            n = np.int64(0)
            size = np.int64(1)
            for axis in range(count[whole]):
                u = scope[whole, axis]
                if u != v:
                    scope[factors, n] = u
                    size *= cards[u]
                    n += 1
            if used + size > capacity:
                status[row] = 1
                break
            count[factors] = n
            sizes[factors] = size
            place[factors] = used
            for e in range(size):
                values[used + e] = 0.0
            _sum_out(values[place[whole] :], values[used:], whole, v, size, scope, count, cards, index, step_a)
            for word in range(words):
                bits[factors, word] = bits[whole, word]
            bits[factors, v >> 6] &= ~(one << np.uint64(v & 63))
            op_kind[ops] = 1
            op_a[ops] = whole
            op_b[ops] = -1
            op_out[ops] = factors
            op_var[ops] = v
            ops += 1
            if n == 0:
                total *= values[used]
            else:
                live[lives] = factors
                lives += 1
            used += size
            factors += 1
        if status[row] != 0:
            continue
        if not total * constant > 1e-250:
            status[row] = 2
            continue
        out_log[row] = np.log(total) + np.log(constant)
        if len(targets) == 0:
            continue
        # -- and back
        for e in range(used):
            adjoint[e] = 0.0
        for k in range(ops - 1, -1, -1):
            a, o = op_a[k], op_out[k]
            if op_kind[k] == 1:
                if count[o] == 0:
                    adjoint[place[o]] = 1.0
                v = op_var[k]
                for s in range(cards[v]):
                    marginal[v, s] = 0.0
                _spread(
                    values[place[a] :],
                    adjoint[place[o] :],
                    adjoint[place[a] :],
                    a,
                    v,
                    sizes[a],
                    scope,
                    count,
                    cards,
                    index,
                    step_a,
                    marginal,
                )
            else:
                b = op_b[k]
                if a >= inputs or b >= inputs:
                    n = count[o]
                    _steps(o, a, b, n, scope, count, cards, shape, step_a, step_b)
                    _uncombine(
                        values[place[a] :], values[place[b] :], adjoint[place[o] :], adjoint[place[a] :], adjoint[place[b] :],
                        a >= inputs, b >= inputs, n, shape, step_a, step_b,
                    )  # fmt: skip
        at = 0
        for t in range(len(targets)):
            i = targets[t]
            if codes[row, i] >= 0:
                for s in range(all_cards[i]):
                    out[row, at + s] = 1.0 if s == codes[row, i] else 0.0
            else:
                whole_sum = 0.0
                for s in range(all_cards[i]):
                    whole_sum += marginal[local[i], s]
                for s in range(all_cards[i]):
                    out[row, at + s] = marginal[local[i], s] / whole_sum
            at += all_cards[i]


@njit(cache=True, nogil=True, error_model="numpy")
def _steps(o, a, b, n, scope, count, cards, shape, step_a, step_b):
    """Shape of the union scope, and how far each of its axes moves in a and in b."""
    for axis in range(n):
        v = scope[o, axis]
        shape[axis] = cards[v]
        step_a[axis] = 0
        step_b[axis] = 0
        step = 1
        for k in range(count[a] - 1, -1, -1):
            if scope[a, k] == v:
                step_a[axis] = step
            step *= cards[scope[a, k]]
        step = 1
        for k in range(count[b] - 1, -1, -1):
            if scope[b, k] == v:
                step_b[axis] = step
            step *= cards[scope[b, k]]


@njit(cache=True, nogil=True, error_model="numpy")
def _message_steps(whole, v, scope, count, cards, index, step):
    """How far each axis of the cluster moves in the message, 0 for v."""
    far = 1
    for axis in range(count[whole] - 1, -1, -1):
        index[axis] = 0
        u = scope[whole, axis]
        if u == v:
            step[axis] = 0
        else:
            step[axis] = far
            far *= cards[u]


@njit(cache=True, nogil=True, error_model="numpy")
def _sum_out(cluster, message, whole, v, size, scope, count, cards, index, step):
    _message_steps(whole, v, scope, count, cards, index, step)
    entries = size * cards[v]
    o = 0
    for e in range(entries):
        message[o] += cluster[e]
        for axis in range(count[whole] - 1, -1, -1):
            index[axis] += 1
            o += step[axis]
            if index[axis] < cards[scope[whole, axis]]:
                break
            o -= step[axis] * index[axis]
            index[axis] = 0


@njit(cache=True, nogil=True, error_model="numpy")
def _spread(cluster, adjoint_message, adjoint_cluster, whole, v, size, scope, count, cards, index, step, marginal):
    """The transpose of `_sum_out`, and the marginal of v by the way."""
    _message_steps(whole, v, scope, count, cards, index, step)
    at_v = 0
    for axis in range(count[whole]):
        if scope[whole, axis] == v:
            at_v = axis
    o = 0
    for e in range(size):
        g = adjoint_message[o]
        adjoint_cluster[e] = g
        marginal[v, index[at_v]] += cluster[e] * g
        for axis in range(count[whole] - 1, -1, -1):
            index[axis] += 1
            o += step[axis]
            if index[axis] < cards[scope[whole, axis]]:
                break
            o -= step[axis] * index[axis]
            index[axis] = 0
