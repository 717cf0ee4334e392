"""Evidence: what was found in a patient, in the network's own words.

A finding is *hard* (one state) or *soft* (virtual evidence: one likelihood for each state, on any
scale). A finding that is None, NaN, a mark of missing data or left out was not assessed, which is
not the same as absent.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from spinelink.errors import EvidenceError, did_you_mean, shown
from spinelink.network.network import Network
from spinelink.network.node import Node
from spinelink.network.search import node_named, unknown_node
from spinelink.options import decimal_number, is_number, number_of

Soft = tuple[tuple[str, float], ...]
Finding = str | Soft
"""A state, or (state, likelihood) pairs for all states, scaled so that the largest is 1."""


class Evidence(Mapping[str, Finding]):
    """Findings by node: an immutable mapping. Their order is kept and means nothing."""

    __slots__ = ("_items",)

    def __init__(self, findings: Mapping[str, Finding] = MappingProxyType({})) -> None:
        self._items = dict(findings)

    def __getitem__(self, name: str) -> Finding:
        return self._items[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(frozenset(self._items.items()))

    def __repr__(self) -> str:
        return f"Evidence({self._items!r})"


EMPTY = Evidence()

_WORDS = {
    "yes": True, "true": True, "present": True, "positive": True, "abnormal": True, "+": True, "1": True,
    "no": False, "false": False, "absent": False, "negative": False, "normal": False, "0": False,
}  # fmt: skip
MARKS_OF_MISSING = frozenset(
    ("", "-", "--", "?", ".", "na", "n/a", "n.a.", "#n/a", "#na", "<na>", "nan", "nat", "null")
)
"""Texts that say that nothing was assessed, in small letters. So does `None`, as Python writes it."""


def is_nothing(state: str) -> bool:
    """Whether a state's name means "absent": absent, no, normal, none, ..."""
    return state.casefold() == "none" or _WORDS.get(state.casefold()) is False


def is_yes_or_no(node: Node) -> bool:
    """Whether True and False name a state: the first of two means no, or the second yes."""
    first, *rest = node.states
    return len(rest) == 1 and (is_nothing(first) or _WORDS.get(rest[0].casefold()) is True)


def merged_findings(
    network: Network,
    before: Mapping[str, Finding],
    *given: Mapping[str, object] | None,
) -> dict[str, Finding]:
    """Earlier findings with those that a caller gives; a node that is named again is replaced.

    Args:
        network: the network.
        before: findings that are read already.
        *given: node -> value, as `Case.observe` takes them; no node may be in two of them.

    Raises:
        UnknownNameError: the network has no such node.
        EvidenceError: a value does not fit its node, or a node is given twice.
    """
    merged: dict[str, Finding] = dict(before)
    read: set[str] = set()
    for mapping in given:
        if mapping is None:
            continue
        if not isinstance(mapping, Mapping):
            kind = type(mapping).__name__
            raise EvidenceError(f"findings are a mapping node -> value, not a {kind}.")
        for key, value in mapping.items():
            if not isinstance(key, str) and shown(key) not in network.nodes:
                raise EvidenceError(
                    f"findings are a mapping node -> value; {shown(key)} is no name of a node."
                )
            name = node_named(network, key if isinstance(key, str) else shown(key))
            if name in read:
                raise EvidenceError(f"{name} is given twice, in the mapping and by keyword.")
            read.add(name)
            finding = read_finding(network, name, value)
            merged.pop(name, None)
            if finding is not None:
                merged[name] = finding
    return merged


def read_finding(network: Network, name: str, value: object) -> Finding | None:
    """The finding that a value states about a node; None where it was not assessed.

    Args:
        network: The network.
        name: The node.
        value: A state's name; True or False for the second or first state of a two-state node; a
            number for a node with bins; or a mapping state -> likelihood.

    Raises:
        UnknownNameError: The network has no such node.
        EvidenceError: The value is no finding; the error says what is allowed.
    """
    if name not in network.nodes:
        raise unknown_node(network, name)
    node = network.nodes[name]
    if node.role == "selection":
        raise EvidenceError(
            f"{name} says who is selected, and is no finding of a patient; choose a setting."
        )
    if is_missing(value):
        return None
    if isinstance(value, Mapping):
        return _likelihoods(name, node, value)
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
        return _truth(name, node, value=bool(value))
    if is_number(value):
        return _number(name, node, value)
    if isinstance(value, str):
        return _named(name, node, value=value.strip())
    raise EvidenceError(
        f"{name}: a {type(value).__name__} is not a finding; give {_allowed(node)}."
    )


def is_missing(value: object) -> bool:
    """Whether a value is None, NaN or pandas' mark of a missing cell (without importing pandas)."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return is_number(value) and math.isnan(number_of(value))


def is_mark_of_missing(text: str) -> bool:
    """Whether a text says that nothing was assessed: empty, `NA`, `nan`, `-`, `?`, `None`, ...

    `none` in other letters than `None` is no such mark: it may be a state, or mean absent.
    """
    mark = text.strip()
    return mark == "None" or mark.casefold() in MARKS_OF_MISSING


def _allowed(node: Node) -> str:
    """What may be given for a node, in words."""
    states = "one of its states " + ", ".join(node.states)
    if node.bins is not None:
        return f"{states}, or a number from {node.bins.edges[0]:g} to {node.bins.edges[-1]:g} {node.bins.unit}"
    return states


def _truth(name: str, node: Node, *, value: bool) -> str:
    """The state that True or False stands for."""
    if len(node.states) != 2:
        raise EvidenceError(
            f"{name} has {len(node.states)} states, so True or False does not say which; give {_allowed(node)}."
        )
    if not is_yes_or_no(node):
        raise EvidenceError(
            f"{name} is {' or '.join(node.states)}, so True or False does not say which; give {_allowed(node)}."
        )
    return node.states[int(value)]


def _named(name: str, node: Node, *, value: str) -> str | None:
    """The state that a text names; None for a mark of missing data."""
    if value in node.states:
        return value
    if is_mark_of_missing(value):
        return None
    folded = value.casefold()
    if folded == "none":
        raise EvidenceError(
            f"{name} has no state {value!r}, which may mean absent or not assessed; "
            f"give {_allowed(node)}, or leave it empty if it was not assessed."
        )
    same = [s for s in node.states if s.casefold() == folded]
    if same:
        return same[0]
    if is_yes_or_no(node) and folded in _WORDS:
        return node.states[int(_WORDS[folded])]
    number = decimal_number(value) if node.bins is not None else None
    if number is not None:
        return _binned(name, node, value=number)
    raise EvidenceError(
        f"{name} has no state {shown(value)}; give {_allowed(node)}.{did_you_mean(value, node.states)}"
    )


def _number(name: str, node: Node, value: object) -> str:
    """The state that a number stands for: by its bins, by a state of that name, or 0 and 1."""
    number = number_of(value)
    if math.isinf(number) and node.bins is None:
        raise EvidenceError(f"{name}: {shown(value)} is no finding; give {_allowed(node)}.")
    text = f"{number:.15g}"
    if node.bins is None and text in node.states:
        return text
    if node.bins is None and is_yes_or_no(node) and number in (0.0, 1.0):
        return node.states[int(number)]
    return _binned(name, node, value=number)


def _binned(name: str, node: Node, *, value: float) -> str:
    """The state whose bin holds the number."""
    if node.bins is None:
        raise EvidenceError(f"{name} takes no number (got {value:g}); give {_allowed(node)}.")
    edges = node.bins.edges
    if not edges[0] <= value <= edges[-1]:
        raise EvidenceError(
            f"{name}={value:g} is outside {edges[0]:g} to {edges[-1]:g} {node.bins.unit}."
        )
    for state, low, high in zip(node.states, edges, edges[1:], strict=False):
        if low <= value < high:
            return state
    return node.states[-1]


def _likelihoods(name: str, node: Node, value: Mapping[object, object]) -> Finding | None:
    """Virtual evidence, its largest likelihood scaled to 1; a state if only one is possible."""
    if not value:
        return None
    given = {str(state): likelihood for state, likelihood in value.items()}
    unknown = [s for s in given if s not in node.states]
    if unknown:
        raise EvidenceError(
            f"{name} has no state {unknown[0]!r}; give {_allowed(node)}.{did_you_mean(unknown[0], node.states)}"
        )
    found = {s: _likelihood(name, s, given[s]) for s in node.states if s in given}
    every = _every_likelihood(name, node, found)
    largest = max(every.values())
    if largest == 0.0:
        raise EvidenceError(
            f"{name}: all likelihoods are 0, which rules out every state; leave the finding out if it was not assessed."
        )
    scaled = tuple((s, v / largest) for s, v in every.items())
    possible = [s for s, v in scaled if v > 0.0]
    return possible[0] if len(possible) == 1 else scaled


def _likelihood(name: str, state: str, given: object) -> float:
    """A likelihood as a number. Raises EvidenceError for what is none."""
    if not is_number(given):
        raise EvidenceError(
            f"{name}: the likelihood of {state} must be a number, not {shown(given)}."
        )
    likelihood = number_of(given)
    if not math.isfinite(likelihood) or likelihood < 0.0:
        raise EvidenceError(
            f"{name}: the likelihood of {state} is {likelihood:g}; likelihoods are finite and not negative."
        )
    return likelihood


def _every_likelihood(name: str, node: Node, found: Mapping[str, float]) -> dict[str, float]:
    """The likelihood of every state. The second of two states that is not given gets the rest."""
    left = [s for s in node.states if s not in found]
    if left and len(node.states) == 2:
        [(given, likelihood)] = found.items()
        if likelihood > 1.0:
            raise EvidenceError(
                f"{name}: a likelihood above 1 ({given}: {likelihood:g}) needs that of {left[0]} "
                f"too; write {example_of_likelihoods(name, node, found)}."
            )
        return {s: likelihood if s == given else 1.0 - likelihood for s in node.states}
    if left:
        raise EvidenceError(
            f"{name} has {len(node.states)} states, and no likelihood of {', '.join(map(repr, left))}; "
            f"write {example_of_likelihoods(name, node, found)}, with 0 only for a state that is ruled out."
        )
    return {s: found[s] for s in node.states}


def example_of_likelihoods(name: str, node: Node, found: Mapping[str, float]) -> str:
    """What to write for a node: a likelihood for each state, in Python and on the command line."""
    filled = {s: f"{found.get(s, 0.1):g}" for s in node.states}
    python = ", ".join(f"{s!r}: {v}" for s, v in filled.items())
    words = ",".join(f"{s}:{v}" for s, v in filled.items())
    return f"for example {{{python}}} (on the command line {name}={words})"


def describe(name: str, finding: Finding) -> str:
    """`numbness=present`, or `leg_pain~(above_knee 0.25, below_knee 1)` for virtual evidence."""
    if isinstance(finding, str):
        return f"{name}={finding}"
    return f"{name}~(" + ", ".join(f"{s} {v:.3g}" for s, v in finding if v > 0.0) + ")"


def impossible(findings: Sequence[str], setting: str | None) -> str:
    """What is said of findings, in words, that cannot occur together or alone."""
    if len(findings) > 1:
        together = ", ".join(findings)
        return f"these findings cannot occur together: {together}. Retract or correct one of them."
    where = f" (setting {setting})" if setting else ""
    return (
        f"{findings[0]} cannot occur in this network{where}: its probability is 0. "
        "Retract or correct it."
    )
