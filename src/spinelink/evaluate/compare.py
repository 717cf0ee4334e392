"""What differs between two networks: structure, parameters, what both imply."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from spinelink.adjust.change import (
    ParameterChange,
    distance_moved,
    log_odds_deviation,
    value_by_state,
)
from spinelink.evaluate.audit import Audit
from spinelink.network.network import Network
from spinelink.network.parameter import Parameter
from spinelink.network.parameter_ids import parameters

ABOUT = (
    *("interval", "counts", "beta", "equivalent_sample_size", "level"),
    *("grade", "source", "evidence", "note", "before_fit", "word", "words", "fitted"),
)
"""What a file may say of a parameter besides its value."""
LEAST = 1e-6
"""A marginal that moves less is not listed."""


@dataclass(frozen=True, kw_only=True)
class ParameterDifference(ParameterChange):
    """One parameter that differs, or one state of a distribution.

    about: what else is said of it differently: interval, counts, grade, source, note, ...
    """

    about: tuple[str, ...]

    def __str__(self) -> str:
        name = self.id if self.state is None else f"{self.id}[{self.state}]"
        where = f" ({self.setting})" if self.setting else ""
        if math.isnan(self.before):
            return f"{name}{where}: new, {self.after:.4g}"
        if math.isnan(self.after):
            return f"{name}{where}: gone, was {self.before:.4g}"
        also = f"; {', '.join(self.about)} changed" if self.about else ""
        if self.before == self.after:
            return f"{name}{where}: {self.before:.4g}, as before{also}"
        far = f"{self.deviations:+.1f} standard deviations"
        return f"{name}{where}: {self.before:.4g} -> {self.after:.4g} ({far}){also}"


@dataclass(frozen=True)
class ProbabilityChange:
    """A marginal without findings."""

    node: str
    state: str
    before: float
    after: float

    def __str__(self) -> str:
        return f"P({self.node}={self.state}): {self.before:.4g} -> {self.after:.4g}"


@dataclass(frozen=True)
class ClaimChange:
    """One published figure, and what each network implies for it."""

    claim: str
    low: float
    high: float
    before: float
    after: float
    inside_before: bool
    inside_after: bool

    @property
    def crosses(self) -> bool:
        """True if it comes into its interval, or leaves it."""
        return self.inside_before != self.inside_after

    def __str__(self) -> str:
        now = "inside" if self.inside_after else "outside"
        return (
            f"{self.claim} [{self.low:.3g}, {self.high:.3g}]: "
            f"{self.before:.3g} -> {self.after:.3g}, now {now}"
        )


@dataclass(frozen=True)
class Structure:
    """Lines of words, one a difference. Empty where there is none."""

    nodes: tuple[str, ...] = ()
    edges: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    def lines(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.nodes, *self.edges, *self.alerts, *self.settings, *self.sources)


def compare_structure(before: Network, after: Network) -> Structure:
    """Nodes, edges, alert rules, settings and sources that were added, removed or changed.

    Args:
        before: one network.
        after: the other.
    """
    nodes = _added_removed("node", before.nodes, after=after.nodes)
    for name in before.nodes.keys() & after.nodes.keys():
        nodes += _node_changes(name, before=before, after=after)
    old = {(p, n) for n in before.nodes for p in before.parents[n]}
    new = {(p, n) for n in after.nodes for p in after.parents[n]}
    edges = [f"edge {p} -> {n} added" for p, n in sorted(new - old)] + [
        f"edge {p} -> {n} removed" for p, n in sorted(old - new)
    ]
    settings = _mapping_changes(
        "setting", _without_overrides(before), after=_without_overrides(after)
    )
    if before.default_setting != after.default_setting:
        settings.append(f"default setting {before.default_setting} -> {after.default_setting}")
    return Structure(
        tuple(sorted(nodes)),
        tuple(edges),
        tuple(_mapping_changes("alert", before.alerts, after=after.alerts)),
        tuple(settings),
        tuple(_mapping_changes("source", before.sources, after=after.sources)),
    )


def _without_overrides(network: Network) -> dict[str, BaseModel]:
    return {name: s.model_copy(update={"overrides": {}}) for name, s in network.settings.items()}


def _added_removed(
    kind: str, before: Mapping[str, object], *, after: Mapping[str, object]
) -> list[str]:
    return [f"{kind} {n} added" for n in after if n not in before] + [
        f"{kind} {n} removed" for n in before if n not in after
    ]


def _mapping_changes(
    kind: str, before: Mapping[str, BaseModel], *, after: Mapping[str, BaseModel]
) -> list[str]:
    found = _added_removed(kind, before, after=after)
    for name in before:
        if name in after and before[name] != after[name]:
            fields = [
                k
                for k in type(before[name]).model_fields
                if getattr(before[name], k) != getattr(after[name], k)
            ]
            found.append(f"{kind} {name}: {', '.join(fields)} changed")
    return found


def _node_changes(name: str, *, before: Network, after: Network) -> list[str]:
    a, b = before.nodes[name], after.nodes[name]
    found = []
    if a.states != b.states:
        found.append(f"node {name}: states {', '.join(a.states)} -> {', '.join(b.states)}")
    if a.cpd.kind != b.cpd.kind:
        found.append(f"node {name}: {a.cpd.kind} -> {b.cpd.kind}")
    elif (
        a.cpd.kind == "deterministic"
        and a.cpd != b.cpd
        and before.parents[name] == after.parents[name]
    ):
        found.append(f"node {name}: its function changed")
    fields = [
        k
        for k in type(a).model_fields
        if k not in ("cpd", "states") and getattr(a, k) != getattr(b, k)
    ]
    return [*found, f"node {name}: {', '.join(fields)} changed"] if fields else found


def compare_parameters(before: Network, after: Network) -> tuple[ParameterDifference, ...]:
    """Parameters that differ in value or in what is said of them, the farthest moved first.

    Overrides of settings are parameters too.
    """
    old, new = _all_parameters(before), _all_parameters(after)
    differences = [
        difference
        for key in dict.fromkeys([*old, *new])
        for difference in _differences(key, old=old.get(key), new=new.get(key))
    ]

    def order(d: ParameterDifference) -> tuple[float, str, str]:
        far = math.inf if math.isnan(d.deviations) else abs(d.deviations)
        return -far, d.id, d.state or ""

    return tuple(sorted(differences, key=order))


def _all_parameters(network: Network) -> dict[tuple[str | None, str], Parameter]:
    """By the setting whose override it is (None: the node's own) and its id."""
    by_key: dict[tuple[str | None, str], Parameter] = {
        (None, name): p for name, p in parameters(network).items()
    }
    for s, setting in network.settings.items():
        by_key |= {(s, name): p for name, p in setting.overrides.items()}
    return by_key


def _differences(
    key: tuple[str | None, str], *, old: Parameter | None, new: Parameter | None
) -> list[ParameterDifference]:
    about: tuple[str, ...] = ()
    if old is not None and new is not None:
        about = tuple(k for k in ABOUT if getattr(old, k, None) != getattr(new, k, None))
    values = [value_by_state(p) for p in (old, new)]
    differences = []
    for state in dict.fromkeys([*values[0], *values[1]]):
        a, b = (v.get(state, math.nan) for v in values)
        if a == b and (not about or state not in (None, next(iter(values[0])))):
            continue  # what is said of a distribution is listed at its first state
        moved = distance_moved(a, b, parameter=old)
        deviation = log_odds_deviation(old, a, more=1.0) if old is not None else math.nan
        differences.append(
            ParameterDifference(
                setting=key[0],
                id=key[1],
                state=state,
                before=a,
                after=b,
                moved=moved,
                deviations=moved / deviation,
                grade=old.grade if old is not None else "",
                about=about,
            )
        )
    return differences


def compare_claims(before: Audit, after: Audit) -> tuple[ClaimChange, ...]:
    """Claims that both audits have, those that come into their interval or leave it first.

    The others follow by how far the implied figure moves.
    """
    later = {r.name: r for r in after.rows}
    changes = [
        ClaimChange(
            r.name,
            *r.claim.bounds,
            r.implied,
            later[r.name].implied,
            r.inside,
            later[r.name].inside,
        )
        for r in before.rows
        if r.name in later
    ]
    return tuple(sorted(changes, key=lambda c: (not c.crosses, -abs(c.after - c.before))))


def compare_marginals(
    states: Mapping[str, Sequence[str]],
    *,
    before: Mapping[str, Sequence[float]],
    after: Mapping[str, Sequence[float]],
) -> tuple[ProbabilityChange, ...]:
    """Marginals that moved, the largest change first; of a node with two states its second.

    Args:
        states: of the nodes that both networks have.
        before: the probabilities of the states by node.
        after: likewise.
    """
    found = []
    for name, names in states.items():
        pairs = list(zip(names, before[name], after[name], strict=True))
        found += [
            ProbabilityChange(name, s, a, b)
            for s, a, b in (pairs[1:] if len(pairs) == 2 else pairs)
            if abs(a - b) > LEAST
        ]
    return tuple(sorted(found, key=lambda m: -abs(m.after - m.before)))
