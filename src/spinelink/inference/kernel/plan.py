"""The plan of a structural pattern: which nodes matter, their factors, an order, and the tape."""

from __future__ import annotations

import numpy as np

from spinelink.inference.kernel.jit import helper, inlined
from spinelink.inference.kernel.order import best_order
from spinelink.inference.kernel.records import (
    CONTRIBUTION,
    DIFFERENCE,
    DIRECT,
    FIRST_CONTRIBUTION,
    FIRST_TERM,
    LOWEST,
    MOST_AXES,
    OBSERVED,
    STEP,
    TABLE,
    TERM,
    TERMS,
    UNARY,
    UNOBSERVED,
    VIRTUAL,
    Plan,
    Sizes,
)
from spinelink.inference.kernel.tape import build_tape


@helper
def mark_targets(flat, nodes, targets):
    """Marks the targets and all above them."""
    for node in nodes:
        targets.asked[node] = 1
        for j in range(len(flat.cards)):
            targets.above[j] |= flat.ancestors[node, j]


@inlined
def _mark_needed(flat, findings, head, pattern, above):
    """Marks how each node is observed, and the nodes above a finding or a target."""
    needed, observed, noisy, ancestors = (
        pattern.needed,
        pattern.observed,
        flat.noisy,
        flat.ancestors,
    )
    states, assessed = findings.states[head], findings.assessed[head]
    nodes = len(needed)
    for j in range(nodes):
        needed[j] = above[j]
        observed[j] = UNOBSERVED
    for i in range(nodes):
        if states[i] >= 0:
            observed[i] = LOWEST if noisy[i] == 1 and states[i] == 0 else OBSERVED
        elif len(assessed) > 0 and assessed[i] == 1:
            observed[i] = VIRTUAL
        if observed[i] > 0:
            for j in range(nodes):
                needed[j] |= ancestors[i, j]


@inlined
def _number_hidden(flat, pattern, graph):
    """Gives each node that is summed over its variable; returns how many there are."""
    needed, observed, local = pattern.needed, pattern.observed, pattern.local
    touched, absorbed = pattern.touched, pattern.absorbed
    hidden = np.int64(0)
    for i in range(len(needed)):
        local[i] = -1
        touched[i] = 0
        absorbed[i] = 0
        if needed[i] == 1 and (observed[i] == UNOBSERVED or observed[i] == VIRTUAL):
            local[i] = hidden
            graph.cards[hidden] = flat.cards[i]
            graph.after[hidden] = -1
            hidden += 1
            if observed[i] == VIRTUAL:
                touched[i] = 1
    return hidden


@helper
def hidden_parents(flat, local, node):
    """How many parents of the node are summed over."""
    count = np.int64(0)
    for k in range(flat.parents[node], flat.parents[node + 1]):
        if local[flat.parent_of[k]] >= 0:
            count += 1
    return count


@inlined
def _add_table(flat, pattern, tape, node, f):
    """Lists the family as one table; returns its axes."""
    local, scopes = pattern.local, tape.scopes
    n = np.int64(0)
    for k in range(flat.parents[node], flat.parents[node + 1] + 1):
        u = local[node] if k == flat.parents[node + 1] else local[flat.parent_of[k]]
        if u >= 0:
            if n < MOST_AXES:
                scopes[f, n] = u
            n += 1
    if local[node] >= 0:
        pattern.absorbed[node] = 1
    tape.factors[f].form = TABLE
    tape.factors[f].node = node
    tape.factors[f].axes = n
    return n


@helper
def _add_pair(tape, f, node, form, axes):
    """Lists a factor over a variable and a deputy."""
    tape.scopes[f, 0], tape.scopes[f, 1] = axes
    tape.factors[f].axes = 2
    tape.factors[f].form = form
    tape.factors[f].node = node


@inlined
def _add_noisy(flat, work, node, sizes, terms):
    """Lists a large noisy family: a deputy, and a factor for each hidden parent.

    Returns the number of factors.
    """
    local, graph, tape = work.pattern.local, work.graph, work.tape
    f, deputy = sizes.factors, sizes.vertices
    own = local[node]
    graph.cards[deputy] = 2 if own < 0 else flat.cards[node]
    graph.after[deputy] = -1
    graph.closes[deputy - sizes.hidden] = TERMS if terms else own
    form = np.int64(FIRST_TERM if terms else FIRST_CONTRIBUTION)
    if own >= 0 and terms:  # at a level: at most that level, less at most the one below
        _add_pair(tape, f, node, np.int64(STEP), (own, deputy))
        f += 1
    elif own >= 0:
        graph.after[own] = deputy
    for k in range(flat.parents[node], flat.parents[node + 1]):
        p = local[flat.parent_of[k]]
        if p >= 0:
            _add_pair(tape, f, node, form, (p, deputy))
            tape.factors[f].slot = k
            form = np.int64(TERM if terms else CONTRIBUTION)
            f += 1
    return f


@inlined
def _list_inputs(flat, work, task, hidden):
    """Lists the factors with their axes; factor 0 is the number 1. No factors: too many axes."""
    pattern, tape, asked = work.pattern, work.tape, work.targets.asked
    needed, observed, local, touched = (
        pattern.needed,
        pattern.observed,
        pattern.local,
        pattern.touched,
    )
    tape.factors[0].size = 1
    factors, vertices = np.int64(1), hidden
    for i in range(len(needed)):
        if needed[i] == 0:
            continue
        if observed[i] == LOWEST:
            for k in range(flat.parents[i], flat.parents[i + 1]):
                if local[flat.parent_of[k]] >= 0:
                    touched[flat.parent_of[k]] = 1
            continue
        n = hidden_parents(flat, local, i)
        terms = (
            task.form > DIRECT
            and n > 1
            and flat.noisy[i] == 1
            and (local[i] < 0 or asked[i] == 0 or task.form == DIFFERENCE)
        )
        if n == 0 or (flat.table_at[i] >= 0 and not terms):
            if n > 0 or local[i] >= 0:
                if _add_table(flat, pattern, tape, i, factors) > MOST_AXES:
                    return Sizes(np.int64(0), hidden, vertices)
                factors += 1
            continue
        factors = _add_noisy(flat, work, i, Sizes(factors, hidden, vertices), terms)
        vertices += 1
    for i in range(len(needed)):
        if touched[i] == 1 and local[i] >= 0 and pattern.absorbed[i] == 0:
            tape.factors[factors].form = UNARY
            tape.factors[factors].node = i
            tape.factors[factors].axes = 1
            tape.scopes[factors, 0] = local[i]
            factors += 1
    return Sizes(factors, hidden, vertices)


@inlined
def _connect(graph, tape, sizes):
    """Connects variables that share a factor, and deputies with the nodes that they become."""
    edges, bits, closes = graph.edges, graph.around, graph.closes
    factors, scopes = tape.factors, tape.scopes
    one = np.uint64(1)
    hidden, vertices = sizes.hidden, sizes.vertices
    words = (vertices + 63) // 64
    for v in range(vertices):
        for word in range(words):
            edges[v, word] = np.uint64(0)
    for f in range(1, sizes.factors):
        for word in range(words):
            bits[word] = np.uint64(0)
        for k in range(factors[f].axes):
            bits[scopes[f, k] >> 6] |= one << np.uint64(scopes[f, k] & 63)
        for k in range(factors[f].axes):
            for word in range(words):
                edges[scopes[f, k], word] |= bits[word]
    for k in range(vertices - hidden):
        if closes[k] >= 0:
            edges[hidden + k, closes[k] >> 6] |= one << np.uint64(closes[k] & 63)
            edges[closes[k], (hidden + k) >> 6] |= one << np.uint64((hidden + k) & 63)
    for v in range(vertices):
        edges[v, v >> 6] &= ~(one << np.uint64(v & 63))


@inlined
def _rename_vertices(work, sizes, form):
    """From here on, variables are known by their place in the order."""
    vertices, rank, closes = work.tape.vertices, work.ordering.rank, work.graph.closes
    local, asked, hidden = work.pattern.local, work.targets.asked, sizes.hidden
    checked = min(form, 1)  # then every variable is summed out again, on the way back
    for v in range(sizes.vertices):
        k = rank[v]
        becomes = closes[v - hidden] if v >= hidden else np.int64(-1)
        work.buckets.first[k] = -1
        vertices[k].states = work.graph.cards[v]
        vertices[k].deputy = 1 if v >= hidden and becomes != TERMS else 0
        vertices[k].closes = rank[becomes] if becomes >= 0 else becomes
        vertices[k].wanted = checked
    for i in range(len(local)):
        if local[i] >= 0:
            local[i] = rank[local[i]]
            vertices[local[i]].wanted = max(np.int64(asked[i]), checked)


@inlined
def _place_inputs(tape, rank, first, inputs):
    """Sorts each input's axes, places its values, and puts it into its bucket; returns the entries."""
    factors, scopes, vertices = tape.factors, tape.scopes, tape.vertices
    entries = np.int64(1)
    for f in range(1, inputs):
        size = np.int64(1)
        for k in range(factors[f].axes):
            u = rank[scopes[f, k]]
            size *= vertices[u].states
            j = k - 1
            while j >= 0 and scopes[f, j] > u:
                scopes[f, j + 1] = scopes[f, j]
                j -= 1
            scopes[f, j + 1] = u
        factors[f].size = size
        factors[f].place = entries
        entries += size
        factors[f].wants = 0
        factors[f].next = first[scopes[f, 0]]
        first[scopes[f, 0]] = f
    return entries


@helper
def plan_group(flat, findings, task, limits, work):
    """The tape of the structural pattern of a group of rows, into the workspace."""
    nothing = Plan(np.int64(0), np.int64(0), np.int64(0))
    _mark_needed(flat, findings, task.head, work.pattern, work.targets.above)
    hidden = _number_hidden(flat, work.pattern, work.graph)
    sizes = _list_inputs(flat, work, task, hidden)
    if sizes.factors == 0:
        return nothing
    _connect(work.graph, work.tape, sizes)
    best_order(work.graph, work.ordering, sizes.vertices, task.rows, limits)
    _rename_vertices(work, sizes, task.form)
    entries = _place_inputs(work.tape, work.ordering.rank, work.buckets.first, sizes.factors)
    return build_tape(work.tape, work.buckets, sizes, entries, task)
