"""Whether a network makes sense: names that exist, no cycles, sound parameters, sources for all.

The functions look at a network and yield what is wrong with it. `io/network_file.py` adds file,
line and column.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence

from spinelink.network.check.cpd import check_chance, check_cpd, check_states, duplicates
from spinelink.network.check.issue import Issue, Place, Sources, check_sources, near
from spinelink.network.check.parameter import check_parameter
from spinelink.network.cpd import (
    AdditiveRates,
    Deterministic,
    LogOdds,
    NoisyMax,
    NoisyOr,
    Table,
    parents_of,
)
from spinelink.network.network import Network
from spinelink.network.node import OBSERVABLE, Node
from spinelink.network.parameter import Distribution, Probability
from spinelink.network.parameter_ids import (
    Located,
    Path,
    kind_mismatch,
    locate_parameters,
    owner,
)

ISSUE_LIMIT = 1000
"""Issues that are reported; nobody reads more, and a file of 5 MB could have a million."""

Unreadable = Mapping[str, frozenset[str]]
"""Section (nodes, sources, settings) -> names whose entry could not be read.

To name one of them elsewhere is no mistake.
"""

_SNOMED = re.compile(r"\b(?:snomed(?:[ -]?ct)?|sctid)\b\W*\d{6,18}\b", re.IGNORECASE)


def check_network(network: Network, *, unreadable: Unreadable | None = None) -> list[Issue]:
    """Everything wrong with a network, errors and warnings, in no particular order.

    Args:
        network: The network.
        unreadable: Names in the file whose entries could not be read.
    """
    broken = {
        section: (unreadable or {}).get(section, frozenset())
        for section in ("nodes", "sources", "settings")
    }
    sources = Sources(network.sources, broken["sources"])
    issues = itertools.chain(
        _check_nodes(network, broken["nodes"]),
        _check_cycles(network),
        _check_parameters(network, sources),
        _check_settings(network, sources, broken=broken),
        _check_alerts(network, sources, broken=broken),
        _check_sources(network, whole=not any(broken.values())),
    )
    return list(itertools.islice(issues, ISSUE_LIMIT))


def _check_nodes(network: Network, broken: frozenset[str]) -> Iterator[Issue]:
    """Each node: its states, bins, role and CPD, and no licensed codes."""
    for name, node in network.nodes.items():
        at: Path = ("nodes", name)
        for state in duplicates(node.states):
            second = [index for index, each in enumerate(node.states) if each == state][1]
            yield Issue((*at, "states", second), f"{name} has the state {state!r} twice")
        yield from _check_bins(name, node)
        yield from _check_role(name, node)
        for field in ("label", "description", "note", "question"):
            if _SNOMED.search(getattr(node, field)):
                yield Issue(
                    (*at, field),
                    f"{field} of {name} holds a SNOMED CT code, which may not be passed on",
                    "use hpo, mondo or icd10",
                )
        yield from check_cpd(network, name, unreadable=broken)


def _check_bins(name: str, node: Node) -> Iterator[Issue]:
    """The edges of the bins increase, one more than there are states."""
    if node.bins is None:
        return
    edges, at = node.bins.edges, ("nodes", name, "bins", "edges")
    for index, (low, high) in enumerate(itertools.pairwise(edges)):
        if low >= high:
            message = f"edges of {name} must increase: {high:g} follows {low:g}"
            unreachable = (
                f", so {node.states[index]} is unreachable" if index < len(node.states) else ""
            )
            yield Issue((*at, index + 1), message + unreachable)
    needed, found = len(node.states) + 1, len(edges)
    if found < needed:
        lost = ", ".join(node.states[found - 1 :])
        yield Issue(
            at,
            f"{name} has {len(node.states)} states and {found} edges, so {lost} is unreachable",
            f"write {needed} edges",
        )
    elif found > needed:
        message = f"{name} has {len(node.states)} states and {found} edges: no state for numbers from {edges[needed - 1]:g}"
        yield Issue(at, message, f"write {needed} edges")


def _check_role(name: str, node: Node) -> Iterator[Issue]:
    """The node has what its role needs, and nothing that its role cannot use."""
    at: Path = ("nodes", name)
    if node.role not in OBSERVABLE:
        for field in ("cost", "procedure", "bins"):
            if getattr(node, field) is not None:
                message = f"{name} is a {node.role} and cannot be observed, so it has no {field}"
                yield Issue(
                    (*at, field), message, "give it to the finding that is observed", at_key=True
                )
    if node.role == "cause" and node.origin is None:
        yield Issue(
            at,
            f"{name} is a cause without an origin",
            "add origin: back, hip, leg, ...",
            "warning",
            at_key=True,
        )
    ranked = node.role == "cause" or (node.role == "mechanism" and node.diagnosis)
    for field in ("urgency", "care"):
        if getattr(node, field) and not ranked:
            message = f"{field} of {name} is never shown: it is a {node.role}, not a cause"
            hint = "add diagnosis: true" if node.role == "mechanism" else ""
            yield Issue((*at, field), message, hint, "warning", at_key=True)
    if node.diagnosis and node.role != "mechanism":
        yield Issue(
            (*at, "diagnosis"),
            f"diagnosis is for mechanisms; {name} is a {node.role}",
            "delete it",
            "warning",
            at_key=True,
        )


def _check_cycles(network: Network) -> Iterator[Issue]:
    """Each cycle that a depth-first walk along the arrows closes, with a stack of its own."""
    children: dict[str, list[str]] = {name: [] for name in network.nodes}
    for name, node in network.nodes.items():
        for parent in dict.fromkeys(parents_of(node.cpd)):
            if parent in children and parent != name:
                children[parent].append(name)
    done: set[str] = set()
    for root in network.nodes:
        trail: dict[str, Iterator[str]] = {} if root in done else {root: iter(children[root])}
        while trail:
            here = next(reversed(trail))
            child = next(trail[here], None)
            if child is None:
                done.add(here)
                del trail[here]
            elif child in trail:
                yield _cycle(network, list(trail)[list(trail).index(child) :])
            elif child not in done:
                trail[child] = iter(children[child])


def _cycle(network: Network, members: Sequence[str]) -> Issue:
    """Reported at the arrow that closes the cycle."""
    path: Path = ("nodes", members[0], "cpd")
    cpd = network.nodes[members[0]].cpd
    match cpd:
        case NoisyOr() | NoisyMax():
            path = (*path, "links", members[-1])
        case LogOdds():
            path = (*path, "odds_ratios", members[-1])
        case AdditiveRates():
            path = (*path, "rates", members[-1])
        case Table() | Deterministic():
            path = (*path, "parents", cpd.parents.index(members[-1]))
        case _:
            path = (*path, "of")
    return Issue(
        path,
        f"a cycle: {' -> '.join([*members, members[0]])}",
        "turn or delete one arrow",
        at_key=isinstance(path[-1], str),
    )


def _check_parameters(network: Network, sources: Sources) -> Iterator[Issue]:
    """Each parameter by itself."""
    for item in locate_parameters(network):
        yield from check_parameter(Place(item.path, item.words), item.parameter, sources=sources)


def _check_selections(network: Network, *, broken: Unreadable) -> Iterator[Issue]:
    """Selections have additive rates and no children; settings name them with their last state."""
    for name, node in network.nodes.items():
        if (node.role == "selection") != isinstance(node.cpd, AdditiveRates):
            message = f"{name}: role selection and kind additive_rates go together"
            yield Issue(("nodes", name, "role"), message)
        child = next((n for n, parents in network.parents.items() if name in parents), None)
        if node.role == "selection" and child is not None:
            message = f"{name} says who is selected, and {child} has it as a parent"
            yield Issue(("nodes", child, "cpd"), message, "a selection has no children")
    for setting, stated in network.settings.items():
        for name, state in stated.selected_by.items():
            path: Path = ("settings", setting, "selected_by", name)
            node_or_none = network.nodes.get(name)
            if node_or_none is None and name in broken["nodes"]:
                continue
            if node_or_none is None or node_or_none.role != "selection":
                known = [n for n, v in network.nodes.items() if v.role == "selection"]
                message = f"setting {setting} is selected by {name!r}, which is no selection node"
                yield Issue(path, message, near(name, known), at_key=True)
            elif state != node_or_none.states[-1]:
                message = f"setting {setting} is selected by {name} {state!r}"
                yield Issue(path, message, f"write {node_or_none.states[-1]}")


def _check_settings(network: Network, sources: Sources, *, broken: Unreadable) -> Iterator[Issue]:
    """The default exists, at most one is unselected, overrides and selections fit the nodes."""
    yield from _check_selections(network, broken=broken)
    known = [*network.settings, *broken["settings"]]
    if network.default_setting is not None and network.default_setting not in known:
        message = f"default_setting {network.default_setting!r} is not in settings"
        yield Issue(("default_setting",), message, near(network.default_setting, known))
    for second in [name for name, setting in network.settings.items() if setting.unselected][1:]:
        yield Issue(
            ("settings", second, "unselected"),
            "two settings are called unselected; one of them is where counterfactuals are asked",
        )
    originals = {item.id: item for item in locate_parameters(network)}
    for name, setting in network.settings.items():
        at: Path = ("settings", name)
        yield from check_sources(Place(at, f"setting {name}"), setting.source, sources=sources)
        for key, value in setting.overrides.items():
            path, words = (*at, "overrides", key), f"{key} in {name}"
            if key in originals:
                yield from _check_override(
                    network, originals[key], override=Located(key, path, words, value)
                )
            elif owner(key) not in broken["nodes"]:
                yield Issue(
                    path,
                    f"setting {name} overrides {key!r}, which is no parameter of this network",
                    near(key, originals),
                    at_key=True,
                )
            yield from check_parameter(Place(path, words), value, sources=sources)


def _check_override(network: Network, original: Located, *, override: Located) -> Iterator[Issue]:
    """An override is of the kind of the parameter that it replaces, over the same states."""
    states = network.nodes[owner(original.id)].states
    before, after = original.parameter, override.parameter
    if isinstance(before, Distribution) and isinstance(after, Distribution):
        place = Place((*override.path, "estimate"), override.words)
        yield from check_states(place, after.estimate, states=states)
    elif isinstance(before, Probability | Distribution) and isinstance(
        after, Probability | Distribution
    ):
        if type(before) is not type(after):
            place = Place(override.path, override.words)
            issues = list(check_chance(place, after, states=states))
            yield from issues or [Issue(override.path, kind_mismatch(original, after))]
    elif problem := kind_mismatch(original, after):
        yield Issue(override.path, problem)


def _check_alerts(network: Network, sources: Sources, *, broken: Unreadable) -> Iterator[Issue]:
    """Alert rules wait for states of findings that exist."""
    for name, rule in network.alerts.items():
        at: Path = ("alerts", name)
        yield from check_sources(Place(at, f"alert {name}"), rule.source, sources=sources)
        for index, combination in enumerate(rule.when):
            path: Path = (*at, "when", index)
            if not combination:
                yield Issue(
                    path, f"a combination of alert {name} is empty, so it would always fire"
                )
            for finding, states in combination.items():
                where = (*path, finding)
                if finding in network.nodes:
                    node = network.nodes[finding]
                    yield from _check_condition(where, name, node=node, states=states)
                elif finding not in broken["nodes"]:
                    message = f"alert {name} waits for {finding!r}, which is not a node"
                    yield Issue(where, message, near(finding, network.nodes), at_key=True)


def _check_condition(
    path: Path, rule: str, *, node: Node, states: Sequence[str]
) -> Iterator[Issue]:
    """One finding of a rule: it can be observed, and has these states. path: ends with its name."""
    finding = path[-1]
    if node.role not in OBSERVABLE:
        yield Issue(
            path,
            f"alert {rule} waits for {finding}, a {node.role}, which cannot be observed",
            "name findings",
            at_key=True,
        )
    for state in states:
        if state not in node.states:
            yield Issue(
                path,
                f"{finding} has no state {state!r}; its states are {', '.join(node.states)}",
                near(state, node.states),
            )


def _check_sources(network: Network, *, whole: bool) -> Iterator[Issue]:
    """Every source is cited and can be found. whole: whether the file could be read as a whole."""
    used = {key for item in locate_parameters(network) for key in item.parameter.source}
    for setting in network.settings.values():
        used.update(setting.source, *(value.source for value in setting.overrides.values()))
    for rule in network.alerts.values():
        used.update(rule.source)
    for name, node in network.nodes.items():
        for index, care in enumerate(node.care):
            used.add(care.source)
            if care.source not in network.sources and whole:
                path: Path = ("nodes", name, "care", index, "source")
                yield Issue(
                    path,
                    f"care of {name} cites {care.source!r}, which is not in sources",
                    near(care.source, network.sources),
                )
    for key, source in network.sources.items():
        if key not in used and whole:
            yield Issue(
                ("sources", key), f"source {key} is never cited", severity="warning", at_key=True
            )
        if not (
            source.doi
            or source.pmid
            or source.secondhand
            or (source.authors and source.year and source.title)
        ):
            message = f"source {key} has neither doi, pmid nor a full citation"
            yield Issue(
                ("sources", key),
                message,
                "complete it, or write secondhand: true",
                "warning",
                at_key=True,
            )
