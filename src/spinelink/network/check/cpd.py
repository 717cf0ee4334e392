"""Whether a CPD fits its node and its parents: states, combinations, kinds of parameter."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from spinelink.network.check.issue import Issue, Place, near
from spinelink.network.cpd import (
    Accuracy,
    AdditiveRates,
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
from spinelink.network.wide import MOST_ENTRIES, highest_by_parent, table_entries


@dataclass(frozen=True)
class _Family:
    """A node, and the states of those parents that the network has."""

    name: str
    node: Node
    parents: Mapping[str, Sequence[str]]

    def at(self, *keys: str | int) -> Path:
        """The path of something in the CPD."""
        return ("nodes", self.name, "cpd", *keys)


def check_cpd(network: Network, name: str, *, unreadable: frozenset[str]) -> Iterator[Issue]:
    """Everything wrong with the CPD of one node, apart from its parameters.

    unreadable: nodes whose entry could not be read; to name one as a parent is no mistake.
    """
    node = network.nodes[name]
    yield from _check_parents(network, name, unreadable=unreadable)
    known = [p for p in parents_of(node.cpd) if p in network.nodes]
    family = _Family(name, node, {parent: network.nodes[parent].states for parent in known})
    match node.cpd:
        case Prior():
            place = Place(family.at("prior"), f"prior of {name}")
            yield from check_chance(place, node.cpd.prior, states=node.states)
        case Table():
            yield from _check_table(family, node.cpd)
        case NoisyOr():
            yield from _require_two_states(family)
            yield from _check_by_parent(family, node.cpd.links, section="links")
        case NoisyMax():
            yield from _check_noisy_max(family, node.cpd)
        case LogOdds():
            yield from _check_log_odds(family, node.cpd)
        case Accuracy():
            yield from _require_two_states(family)
            yield from _check_accuracy(family, node.cpd)
        case AdditiveRates():
            yield from _require_two_states(family)
            yield from _check_rates(family, node.cpd)
        case Deterministic():
            yield from _check_deterministic(family, node.cpd)
        case _:
            assert_never(node.cpd)


def check_chance(place: Place, chance: Parameter, *, states: Sequence[str]) -> Iterator[Issue]:
    """A two-state node takes a probability, one with more states a distribution over them."""
    if isinstance(chance, Distribution):
        if len(states) == 2:
            hint = f"write estimate: {chance.estimate.get(states[1], 0.5):g}"
            yield Issue(
                (*place.path, "estimate"),
                f"{place.words} is one number, the probability of {states[1]}, as there are two states",
                hint,
            )
        else:
            at = Place((*place.path, "estimate"), place.words)
            yield from check_states(at, chance.estimate, states=states)
    elif isinstance(chance, Probability) and len(states) > 2:
        hint = f"write estimate: {{{', '.join(f'{state}: ...' for state in states)}}}"
        yield Issue(
            place.path,
            f"{place.words} needs one probability for each of {len(states)} states",
            hint,
        )


def check_states(
    place: Place, named: Mapping[str, object], *, states: Sequence[str]
) -> Iterator[Issue]:
    """A mapping that must name exactly these states."""
    known = set(states)
    unknown = [state for state in named if state not in known]
    missing = [state for state in states if state not in named]
    for state in unknown:
        message = f"{place.words} has no state {state!r}; its states are {', '.join(states)}"
        yield Issue((*place.path, state), message, near(state, states), at_key=True)
    if len(missing) > len(unknown):
        yield Issue(
            place.path,
            f"{place.words} does not name {', '.join(missing)}",
            "write 0 where a state cannot occur",
        )


PARENTS_AT = {NoisyOr: "links", NoisyMax: "links", LogOdds: "odds_ratios", AdditiveRates: "rates"}
"""Where a CPD has its parents as keys."""


def _parent_path(cpd: Cpd, parent: str, *, index: int) -> Path:
    """The path, within the CPD, of the parent that it names at this position."""
    if isinstance(cpd, Accuracy):
        return ("of",)
    key = PARENTS_AT.get(type(cpd))
    return ("parents", index) if key is None else (key, parent)


def _check_parents(network: Network, name: str, *, unreadable: frozenset[str]) -> Iterator[Issue]:
    """The parents are other nodes, each named once."""
    cpd = network.nodes[name].cpd
    seen: set[str] = set()
    for index, parent in enumerate(parents_of(cpd)):
        path: Path = ("nodes", name, "cpd", *_parent_path(cpd, parent, index=index))
        at_key = type(cpd) in PARENTS_AT
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


def _require_two_states(family: _Family) -> Iterator[Issue]:
    """The node has two states."""
    kind, states = family.node.cpd.kind, family.node.states
    if len(states) == 2:
        return
    message = f"a {kind} node has two states; {family.name} has {len(states)}: {', '.join(states)}"
    other = "noisy_max" if kind == "noisy_or" else "a table"
    yield Issue(family.at("kind"), message, f"{other} takes more than two")


def _check_by_parent(
    family: _Family, values: Mapping[str, Parameter | Mapping[str, Parameter]], *, section: str
) -> Iterator[Issue]:
    """One parameter for a two-state parent, else one for each state but the first.

    section: links or odds_ratios, the key of the values in the CPD.
    """
    for parent, value in values.items():
        if parent == family.name or parent not in family.parents:
            continue
        words = (
            f"link from {parent} to {family.name}"
            if section == "links"
            else f"odds ratio of {parent} for {family.name}"
        )
        place = Place(family.at(section, parent), words)
        first, *active = family.parents[parent]
        if isinstance(value, Mapping):
            yield from _check_active(place, value, parent=parent, states=(first, *active))
        elif len(active) > 1:
            hint = f"write {{{', '.join(f'{state}: {{...}}' for state in active)}}}"
            message = (
                f"{words} is one number, but {parent} has {len(active)} states besides {first}"
            )
            yield Issue(place.path, f"{message}: one number each", hint)


def _check_active(
    place: Place, values: Mapping[str, Parameter], *, parent: str, states: Sequence[str]
) -> Iterator[Issue]:
    """One parameter for each state of the parent but the first."""
    for state in values:
        if state == states[0]:
            message = (
                f"{place.words} has a number for {state}, the first state of {parent}: "
                "all the others are compared with it"
            )
            yield Issue((*place.path, state), message, "delete it", at_key=True)
        else:
            yield from _check_state(
                (*place.path, state), state, of=parent, states=states, at_key=True
            )
    missing = [state for state in states[1:] if state not in values]
    if len(missing) > sum(state not in states for state in values):
        yield Issue(
            place.path,
            f"{place.words} has no number for {', '.join(missing)}",
            "one for each state but the first",
            at_key=True,
        )


def _check_noisy_max(family: _Family, cpd: NoisyMax) -> Iterator[Issue]:
    """The leak and each link are distributions over the node's states."""
    states = family.node.states
    leak = Place(family.at("leak", "estimate"), f"leak of {family.name}")
    yield from check_states(leak, cpd.leak.estimate, states=states)
    yield from _check_by_parent(family, cpd.links, section="links")
    for parent, link in cpd.links.items():
        words = f"link from {parent} to {family.name}"
        rows = link.items() if isinstance(link, Mapping) else [("", link)]
        for state, row in rows:
            path = family.at("links", parent, *([state] if state else []), "estimate")
            yield from check_states(Place(path, words), row.estimate, states=states)


def _check_log_odds(family: _Family, cpd: LogOdds) -> Iterator[Issue]:
    """Either a prevalence or a baseline, and odds ratios by parent."""
    yield from _require_two_states(family)
    if cpd.prevalence is None and cpd.baseline is None:
        message = f"{family.name} has neither prevalence nor baseline"
        yield Issue(family.at(), message, "write one of them", at_key=True)
    elif cpd.prevalence is not None and cpd.baseline is not None:
        message = f"{family.name} has both prevalence and baseline"
        hint = "keep one: each follows from the other"
        yield Issue(family.at("baseline"), message, hint, at_key=True)
    yield from _check_by_parent(family, cpd.odds_ratios, section="odds_ratios")
    yield from _check_width(family, section="odds_ratios")


def _check_accuracy(family: _Family, cpd: Accuracy) -> Iterator[Issue]:
    """Sensitivity: one number, or one for each state in which the condition holds."""
    if cpd.of == family.name or cpd.of not in family.parents:
        return
    states, path = family.parents[cpd.of], family.at("sensitivity")
    words = f"sensitivity of {family.name}"
    if not isinstance(cpd.sensitivity, Mapping):
        if len(states) > 2:
            yield Issue(
                path,
                f"{words} is one number, but {cpd.of} has {len(states)} states",
                f"write one for each state in which the condition holds, of {', '.join(states)}",
            )
        return
    for state in cpd.sensitivity:
        yield from _check_state((*path, state), state, of=cpd.of, states=states, at_key=True)
    if not cpd.sensitivity:
        yield Issue(path, f"{words} names no state of {cpd.of}")
    if all(state in cpd.sensitivity for state in states):
        yield Issue(
            path,
            f"{words} names every state of {cpd.of}",
            "leave out those in which the condition does not hold: specificity is for them",
        )


def _check_rates(family: _Family, cpd: AdditiveRates) -> Iterator[Issue]:
    """Rates: one number for a two-state parent, or one for each of some states."""
    for parent, states in family.parents.items():
        value = cpd.rates[parent]
        path, words = family.at("rates", parent), f"rate of {parent} for {family.name}"
        if isinstance(value, Mapping):
            for state in value:
                where = (*path, state)
                yield from _check_state(where, state, of=parent, states=states, at_key=True)
        elif len(states) > 2:
            yield Issue(
                path,
                f"{words} is one number, but {parent} has {len(states)} states",
                f"write one for each state that is a reason, of {', '.join(states)}",
            )


def _check_deterministic(family: _Family, cpd: Deterministic) -> Iterator[Issue]:
    """Each case names parents and states that exist, and can hold."""
    name, states = family.name, family.node.states
    for index, case in enumerate(cpd.cases):
        for parent, given in case.given.items():
            where = family.at("cases", index, "given", parent)
            if parent not in cpd.parents:
                message = f"{parent!r} is not among the parents of {name}"
                yield Issue(where, message, near(parent, cpd.parents), at_key=True)
                continue
            known = family.parents.get(parent)
            for state in (given,) if isinstance(given, str) else given:
                yield from _check_state(where, state, of=parent, states=known)
            if not given:
                message = f"case {index + 1} of {name} names no state of {parent}"
                yield Issue(where, f"{message}, so it never holds")
        path = family.at("cases", index, "state")
        yield from _check_state(path, case.state, of=name, states=states)
    yield from _check_state(family.at("otherwise"), cpd.otherwise, of=name, states=states)
    stated = {case.state for case in cpd.cases} | {cpd.otherwise}
    looked_at = {parent for case in cpd.cases for parent in case.given}
    sound = stated <= set(states) and looked_at <= set(family.parents)
    if sound and highest_by_parent(cpd, parents=family.parents, states=states) is None:
        yield from _check_width(family, section="parents")


def _check_width(family: _Family, *, section: str) -> Iterator[Issue]:
    """The table of the family is of a size that can be worked with."""
    entries = table_entries(family.parents, family.node.states)
    if entries > MOST_ENTRIES:
        yield Issue(
            family.at(section),
            f"{family.name} has {len(family.parents)} parents, so it is a table of {entries:,} "
            f"numbers; at most {MOST_ENTRIES:,} can be worked with",
            "gather some parents in a node of their own, or write noisy_or or noisy_max, which "
            "take any number of parents",
            at_key=True,
        )


def _check_state(
    path: Path, state: str, *, of: str, states: Sequence[str] | None, at_key: bool = False
) -> Iterator[Issue]:
    """The node has this state; None for states that are not known."""
    if states is not None and state not in states:
        message = f"{of} has no state {state!r}; its states are {', '.join(states)}"
        yield Issue(path, message, near(state, states), at_key=at_key)


def _check_table(family: _Family, cpd: Table) -> Iterator[Issue]:
    """One row for each combination of the parents' states."""
    name, sound = family.name, True
    for index, row in enumerate(cpd.rows):
        issues = list(_check_given(family, row, cpd=cpd, index=index))
        sound = sound and not issues
        yield from issues
        place = Place(
            family.at("rows", index, "probability"), row_words(name, row, parents=cpd.parents)
        )
        yield from check_chance(place, row.probability, states=family.node.states)
    if not sound:
        return
    combinations = [tuple(row.given.get(parent, "") for parent in cpd.parents) for row in cpd.rows]
    first = {combination: index for index, combination in reversed(list(enumerate(combinations)))}
    for index, combination in enumerate(combinations):
        if first[combination] != index:
            words = row_words(name, cpd.rows[index], parents=cpd.parents)
            message = f"{words} appears twice; it is row {first[combination] + 1} already"
            yield Issue(family.at("rows", index, "given"), message)
    if all(p in family.parents for p in cpd.parents) and len({*cpd.parents}) == len(cpd.parents):
        yield from _check_complete(family, cpd, present=set(combinations))


def _check_given(family: _Family, row: Row, *, cpd: Table, index: int) -> Iterator[Issue]:
    """A row gives one state of every parent."""
    at = family.at("rows", index, "given")
    for parent, state in row.given.items():
        if parent not in cpd.parents:
            message = f"{parent!r} is not among the parents of {family.name}"
            yield Issue((*at, parent), message, near(parent, cpd.parents), at_key=True)
        else:
            known = family.parents.get(parent)
            yield from _check_state((*at, parent), state, of=parent, states=known)
    if missing := [parent for parent in cpd.parents if parent not in row.given]:
        yield Issue(
            at,
            f"a row of {family.name} does not give {', '.join(missing)}",
            "a row gives a state of every parent",
        )


def _check_complete(
    family: _Family, cpd: Table, *, present: set[tuple[str, ...]]
) -> Iterator[Issue]:
    """Says which rows are missing; there may be very many, so only the first few are sought."""
    states = [family.parents[parent] for parent in cpd.parents]
    needed = math.prod(map(len, states)) - len(present)
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
    message = f"table of {family.name} lacks {needed} {rows}: {', '.join(shown)}{more}"
    yield Issue(family.at("rows"), message, at_key=True)


def duplicates(items: Sequence[str]) -> list[str]:
    """Items that appear more than once."""
    return [item for item, count in Counter(items).items() if count > 1]
