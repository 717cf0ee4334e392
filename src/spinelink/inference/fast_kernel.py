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
def solve_rows(
    nodes, all_cards, family, axes_at, scopes, starts, tables, ancestors, noisy, leak, parents, parent_of, lowest_at, lowest, offsets,
    codes, soft, assessed, targets, capacity, out_log, out, status,
):  # fmt: skip
    """Answers every row; status: 0 done, 1 outgrew the workspace, 2 P(findings) is 0 or too small for plain doubles."""
    variables = len(all_cards)
    most = 2 * (len(starts) + variables) + 2 * variables + 8
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
    local = np.empty(variables, dtype=np.int64)
    cards = np.empty(variables, dtype=np.int64)
    near = np.zeros((variables, every_word), dtype=np.uint64)
    score = np.empty(variables)
    alive = np.empty(variables, dtype=np.uint8)
    unary = np.empty(offsets[variables])
    touched = np.empty(variables, dtype=np.uint8)
    needed = np.empty(nodes, dtype=np.uint8)
    largest = 0
    for v in range(variables):
        largest = max(largest, all_cards[v])
    marginal = np.empty((variables, largest))
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
            wanted = codes[row, i] >= 0 or (len(soft) > 0 and assessed[row, i] == 1)
            if wanted:
                for j in range(nodes):
                    needed[j] |= ancestors[i, j]
        for t in range(len(targets)):
            for j in range(nodes):
                needed[j] |= ancestors[targets[t], j]
        # -- their factors, sliced by what is seen
        local[:] = -1
        touched[:] = 0
        unary[:] = 1.0
        hidden = 0
        factors = 0
        used = 0
        constant = 1.0
        for i in range(nodes):
            if needed[i] == 0:
                continue
            if codes[row, i] < 0 and local[i] < 0:
                local[i] = hidden
                cards[hidden] = all_cards[i]
                hidden += 1
            if codes[row, i] < 0 and len(soft) > 0 and assessed[row, i] == 1:
                touched[i] = 1
                for s in range(all_cards[i]):
                    unary[offsets[i] + s] *= soft[row, offsets[i] + s]
            if noisy[i] == 1 and codes[row, i] == 0:
                constant *= leak[i]
                for k in range(parents[i], parents[i + 1]):
                    p = parent_of[k]
                    if codes[row, p] >= 0:
                        constant *= lowest[lowest_at[k] + codes[row, p]]
                    else:
                        touched[p] = 1
                        for s in range(all_cards[p]):
                            unary[offsets[p] + s] *= lowest[lowest_at[k] + s]
                continue
            for f in range(family[i], family[i + 1]):
                free = 0
                base = starts[f]
                size = 1
                step = 1
                for k in range(axes_at[f + 1] - 1, axes_at[f] - 1, -1):
                    v = scopes[k]
                    if v < nodes and codes[row, v] >= 0:
                        base += codes[row, v] * step
                    else:
                        if local[v] < 0:
                            local[v] = hidden
                            cards[hidden] = all_cards[v]
                            hidden += 1
                        # axes come last first; they are turned below
                        scope[factors, free] = local[v]
                        step_a[free] = step
                        free += 1
                        size *= all_cards[v]
                    step *= all_cards[v]
                if free == 0:
                    constant *= tables[base]
                    continue
                if free > MOST_AXES - 2 or used + size > capacity:
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
        # -- neighbours as bit sets
        words = (hidden + 63) // 64
        for v in range(hidden):
            alive[v] = 1
            for word in range(words):
                near[v, word] = np.uint64(0)
        for f in range(factors):
            for word in range(words):
                bits[f, word] = np.uint64(0)
            for k in range(count[f]):
                v = scope[f, k]
                bits[f, v >> 6] |= one << np.uint64(v & 63)
            for k in range(count[f]):
                for word in range(words):
                    near[scope[f, k], word] |= bits[f, word]
            live[f] = f
        for v in range(hidden):
            near[v, v >> 6] &= ~(one << np.uint64(v & 63))
        for v in range(hidden):
            score[v] = _score(v, near, words, cards)
        inputs = factors
        lives = factors
        ops = 0
        total = 1.0
        # -- eliminate
        for _ in range(hidden):
            v = -1
            for u in range(hidden):
                if alive[u] == 1 and (v < 0 or score[u] < score[v]):
                    v = u
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
                n = 0
                size = 1
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
                _combine(
                    values[place[whole] :], values[place[other] :], values[used:], n, shape, step_a, step_b
                )
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
            n = 0
            size = 1
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
            # the graph without v
            alive[v] = 0
            for word in range(words):
                members = near[v, word]
                while members:
                    low = members & (~members + one)
                    u = word * 64 + _ones(low - one)
                    members ^= low
                    for other_word in range(words):
                        near[u, other_word] |= near[v, other_word]
                    near[u, u >> 6] &= ~(one << np.uint64(u & 63))
                    near[u, v >> 6] &= ~(one << np.uint64(v & 63))
            for u in range(hidden):
                if alive[u] == 1:
                    close = False
                    for word in range(words):
                        if near[u, word] & near[v, word] or ((near[v, u >> 6] >> np.uint64(u & 63)) & one):
                            close = True
                    if close:
                        score[u] = _score(u, near, words, cards)
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
                    values[place[a] :], adjoint[place[o] :], adjoint[place[a] :], a, v, sizes[a], scope, count, cards, index, step_a, marginal
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
