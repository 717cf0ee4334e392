"""Whether a CPD fits its node and its parents: states, combinations, kinds of number."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import assert_never

from spinelink.network.check.parameter import Issue, near
from spinelink.network.cpd import (
    Accuracy,
    Cpd,
    Deterministic,
    LogOdds,
    NoisyMax,
    NoisyOr,
    Prior,
    Row,
    Table,
    parents_of,
)
from spinelink.network.network import Network
from spinelink.network.node import Node
from spinelink.network.parameter import Distribution, Parameter, Probability
from spinelink.network.parameter_ids import Path, row_words


def check_cpd(network: Network, name: str, *, unreadable: frozenset[str]) -> Iterator[Issue]:
    """Everything wrong with the CPD of one node, the numbers apart. Parents in `unreadable` are passed over."""
    node = network.nodes[name]
    at: Path = ("nodes", name, "cpd")
    yield from _check_parents(network, name, at, unreadable)
    states = {
        parent: network.nodes[parent].states
        for parent in parents_of(node.cpd)
        if parent in network.nodes
    }
    match node.cpd:
        case Prior():
            yield from check_chance((*at, "prior"), f"prior of {name}", node.cpd.prior, node.states)
        case Table():
            yield from _check_table(name, node, node.cpd, at, states)
        case NoisyOr():
            yield from _require_two(name, node, at)
            yield from _check_families(
                name, "link from {} to " + name, node.cpd.links, (*at, "links"), states
            )
        case NoisyMax():
            yield from _check_noisy_max(name, node, node.cpd, at, states)
        case LogOdds():
            yield from _check_log_odds(name, node, node.cpd, at, states)
        case Accuracy():
            yield from _require_two(name, node, at)
            yield from _check_accuracy(name, node.cpd, at, states)
        case Deterministic():
            yield from _check_deterministic(name, node, node.cpd, at, states)
        case _:
            assert_never(node.cpd)


def check_chance(
    path: Path, words: str, chance: Parameter, states: Sequence[str]
) -> Iterator[Issue]:
    """A two-state node takes a probability, one with more states a distribution over exactly those."""
    if isinstance(chance, Distribution):
        if len(states) == 2:
            hint = f"write estimate: {chance.estimate.get(states[1], 0.5):g}"
            yield Issue(
                (*path, "estimate"),
                f"{words} is one number, the probability of {states[1]}, as there are two states",
                hint,
            )
        else:
            yield from check_states((*path, "estimate"), words, chance.estimate, states)
    elif isinstance(chance, Probability) and len(states) > 2:
        hint = f"write estimate: {{{', '.join(f'{state}: ...' for state in states)}}}"
        yield Issue(path, f"{words} needs one probability for each of {len(states)} states", hint)


def check_states(
    path: Path, words: str, named: Mapping[str, object], states: Sequence[str]
) -> Iterator[Issue]:
    """A mapping that must name exactly these states."""
    known = set(states)
    unknown = [state for state in named if state not in known]
    missing = [state for state in states if state not in named]
    for state in unknown:
        message = f"{words} has no state {state!r}; its states are {', '.join(states)}"
        yield Issue((*path, state), message, near(state, states), at_key=True)
    if len(missing) > len(unknown):
        yield Issue(
            path,
            f"{words} does not name {', '.join(missing)}",
            "write 0 where a state cannot occur",
        )


def _parent_path(cpd: Cpd, at: Path, index: int, parent: str) -> Path:
    match cpd:
        case Table() | Deterministic():
            return (*at, "parents", index)
        case NoisyOr() | NoisyMax():
            return (*at, "links", parent)
        case LogOdds():
            return (*at, "odds_ratios", parent)
        case Accuracy():
            return (*at, "of")
        case Prior():
            return at
        case _:
            assert_never(cpd)


def _check_parents(
    network: Network, name: str, at: Path, unreadable: frozenset[str]
) -> Iterator[Issue]:
    cpd = network.nodes[name].cpd
    seen: set[str] = set()
    for index, parent in enumerate(parents_of(cpd)):
        path = _parent_path(cpd, at, index, parent)
        at_key = isinstance(cpd, (NoisyOr, NoisyMax, LogOdds))
        if parent == name:
            yield Issue(path, f"{name} is its own parent", at_key=at_key)
        elif parent in seen:
            yield Issue(path, f"{name} names the parent {parent} twice")
        elif parent not in network.nodes and parent not in unreadable:
            yield Issue(
                path,
                f"{name} has the parent {parent!r}, which is not a node",
                near(parent, network.nodes),
                at_key=at_key,
            )
        seen.add(parent)


def _require_two(name: str, node: Node, at: Path) -> Iterator[Issue]:
    if len(node.states) != 2:
        message = f"a {node.cpd.kind} node has two states; {name} has {len(node.states)}: {', '.join(node.states)}"
        yield Issue(
            (*at, "kind"),
            message,
            "noisy_max takes more than two"
            if node.cpd.kind == "noisy_or"
            else "a table takes more than two",
        )


def _check_families(
    name: str,
    words: str,
    families: Mapping[str, Parameter | Mapping[str, Parameter]],
    at: Path,
    states: Mapping[str, Sequence[str]],
) -> Iterator[Issue]:
    """One number for a two-state parent, else one for each state but the first."""
    for parent, family in families.items():
        if parent == name or parent not in states:
            continue
        active, what = states[parent][1:], words.format(parent)
        if isinstance(family, Mapping):
            yield from _check_active(parent, family, (*at, parent), states[parent], what)
        elif len(active) > 1:
            hint = f"write {{{', '.join(f'{state}: {{...}}' for state in active)}}}"
            message = f"{what} is one number, but {parent} has {len(active)} states besides {states[parent][0]}"
            yield Issue((*at, parent), f"{message}: one number each", hint)


def _check_active(
    parent: str, family: Mapping[str, Parameter], at: Path, states: Sequence[str], words: str
) -> Iterator[Issue]:
    for state in family:
        if state == states[0]:
            message = f"{words} has a number for {state}, the first state of {parent}: all the others are compared with it"
            yield Issue((*at, state), message, "delete it", at_key=True)
        elif state not in states:
            yield Issue(
                (*at, state),
                f"{parent} has no state {state!r}; its states are {', '.join(states)}",
                near(state, states),
                at_key=True,
            )
    missing = [state for state in states[1:] if state not in family]
    if len(missing) > sum(state not in states for state in family):
        yield Issue(
            at,
            f"{words} has no number for {', '.join(missing)}",
            "one for each state but the first",
            at_key=True,
        )


def _check_noisy_max(
    name: str, node: Node, cpd: NoisyMax, at: Path, states: Mapping[str, Sequence[str]]
) -> Iterator[Issue]:
    yield from check_states(
        (*at, "leak", "estimate"), f"leak of {name}", cpd.leak.estimate, node.states
    )
    yield from _check_families(name, "link from {} to " + name, cpd.links, (*at, "links"), states)
    for parent, link in cpd.links.items():
        many = link if isinstance(link, Mapping) else {"": link}
        for state, one in many.items():
            path = (*at, "links", parent, *([state] if state else []), "estimate")
            yield from check_states(
                path, f"link from {parent} to {name}", one.estimate, node.states
            )


def _check_log_odds(
    name: str, node: Node, cpd: LogOdds, at: Path, states: Mapping[str, Sequence[str]]
) -> Iterator[Issue]:
    yield from _require_two(name, node, at)
    if cpd.prevalence is None and cpd.baseline is None:
        yield Issue(
            at, f"{name} has neither prevalence nor baseline", "write one of them", at_key=True
        )
    elif cpd.prevalence is not None and cpd.baseline is not None:
        yield Issue(
            (*at, "baseline"),
            f"{name} has both prevalence and baseline",
            "keep one: each follows from the other",
            at_key=True,
        )
    yield from _check_families(
        name, "odds ratio of {} for " + name, cpd.odds_ratios, (*at, "odds_ratios"), states
    )


def _check_accuracy(
    name: str, cpd: Accuracy, at: Path, states: Mapping[str, Sequence[str]]
) -> Iterator[Issue]:
    if cpd.of == name or cpd.of not in states:
        return
    known, path = states[cpd.of], (*at, "sensitivity")
    if not isinstance(cpd.sensitivity, Mapping):
        if len(known) > 2:
            message = f"sensitivity of {name} is one number, but {cpd.of} has {len(known)} states"
            yield Issue(
                path,
                message,
                f"write one for each state in which the condition holds, of {', '.join(known)}",
            )
        return
    for state in cpd.sensitivity:
        if state not in known:
            message = f"{cpd.of} has no state {state!r}; its states are {', '.join(known)}"
            yield Issue((*path, state), message, near(state, known), at_key=True)
    if not cpd.sensitivity:
        yield Issue(path, f"sensitivity of {name} names no state of {cpd.of}")
    if all(state in cpd.sensitivity for state in known):
        message = f"sensitivity of {name} names every state of {cpd.of}"
        yield Issue(
            path,
            message,
            "leave out those in which the condition does not hold: specificity is for them",
        )


def _check_deterministic(
    name: str, node: Node, cpd: Deterministic, at: Path, states: Mapping[str, Sequence[str]]
) -> Iterator[Issue]:
    for index, case in enumerate(cpd.cases):
        path: Path = (*at, "cases", index)
        for parent, given in case.given.items():
            where = (*path, "given", parent)
            if parent not in cpd.parents:
                yield Issue(
                    where,
                    f"{parent!r} is not among the parents of {name}",
                    near(parent, cpd.parents),
                    at_key=True,
                )
                continue
            for state in (given,) if isinstance(given, str) else given:
                yield from _check_state(where, parent, state, states.get(parent))
            if not given:
                yield Issue(
                    where,
                    f"case {index + 1} of {name} names no state of {parent}, so it never holds",
                )
        yield from _check_state((*path, "state"), name, case.state, node.states)
    yield from _check_state((*at, "otherwise"), name, cpd.otherwise, node.states)


def _check_state(
    path: Path, name: str, state: str, states: Sequence[str] | None
) -> Iterator[Issue]:
    if states is not None and state not in states:
        yield Issue(
            path,
            f"{name} has no state {state!r}; its states are {', '.join(states)}",
            near(state, states),
        )


def _check_table(
    name: str, node: Node, cpd: Table, at: Path, states: Mapping[str, Sequence[str]]
) -> Iterator[Issue]:
    sound = True
    for index, row in enumerate(cpd.rows):
        path: Path = (*at, "rows", index)
        issues = list(_check_given(name, row, cpd, path, states))
        sound = sound and not issues
        yield from issues
        yield from check_chance(
            (*path, "probability"), row_words(name, row, cpd.parents), row.probability, node.states
        )
    combinations = [tuple(row.given.get(parent, "") for parent in cpd.parents) for row in cpd.rows]
    first = {combination: index for index, combination in reversed(list(enumerate(combinations)))}
    for index, combination in enumerate(combinations):
        if first[combination] != index and sound:
            message = f"{row_words(name, cpd.rows[index], cpd.parents)} appears twice; it is row {first[combination] + 1} already"
            yield Issue((*at, "rows", index, "given"), message)
    if (
        sound
        and all(parent in states for parent in cpd.parents)
        and len(set(cpd.parents)) == len(cpd.parents)
    ):
        yield from _check_complete(
            name, cpd, at, set(combinations), [states[parent] for parent in cpd.parents]
        )


def _check_given(
    name: str, row: Row, cpd: Table, path: Path, states: Mapping[str, Sequence[str]]
) -> Iterator[Issue]:
    for parent, state in row.given.items():
        if parent not in cpd.parents:
            message = f"{parent!r} is not among the parents of {name}"
            yield Issue((*path, "given", parent), message, near(parent, cpd.parents), at_key=True)
        else:
            yield from _check_state((*path, "given", parent), parent, state, states.get(parent))
    if missing := [parent for parent in cpd.parents if parent not in row.given]:
        yield Issue(
            (*path, "given"),
            f"a row of {name} does not give {', '.join(missing)}",
            "a row gives a state of every parent",
        )


def _check_complete(
    name: str, cpd: Table, at: Path, present: set[tuple[str, ...]], states: Sequence[Sequence[str]]
) -> Iterator[Issue]:
    """Say which rows are missing; their number may be huge, so only the first few are looked for."""
    needed = math.prod(len(each) for each in states) - len(present)
    if needed <= 0:
        return
    absent = (
        combination for combination in itertools.product(*states) if combination not in present
    )
    shown = [
        "(" + ", ".join(f"{p}={s}" for p, s in zip(cpd.parents, combination, strict=True)) + ")"
        for combination in itertools.islice(absent, 3)
    ]
    more = f" and {needed - len(shown)} more" if needed > len(shown) else ""
    rows = "row" if needed == 1 else "rows"
    yield Issue(
        (*at, "rows"),
        f"table of {name} lacks {needed} {rows}: {', '.join(shown)}{more}",
        at_key=True,
    )


def duplicates(items: Sequence[str]) -> list[str]:
    """Items that appear more than once."""
    return [item for item, count in Counter(items).items() if count > 1]
