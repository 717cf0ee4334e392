"""The other worlds of a link: what is taken away in each, and how probable each part is.

The link of two findings has five parts. Each is a signed sum of probabilities that, in worlds
without some causes, findings would be absent (joint probabilities of necessity).

Source: Pearl 1999, Probabilities of causation; Balke and Pearl 1994 (twin networks).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spinelink.errors import TooLargeError
from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.counterfactual.coupling import Coupling, Mechanism, couplings_tried
from spinelink.inference.counterfactual.factual import Factual, posteriors_present
from spinelink.inference.counterfactual.necessity import (
    Absence,
    counterfactual_absence,
    other_worlds,
)
from spinelink.inference.counterfactual.twin_network import reaching
from spinelink.inference.findings import Observed
from spinelink.network.network import Network
from spinelink.query.counterfactual import Counterfactual

if TYPE_CHECKING:
    pass

Array = NDArray[np.float64]
Homes = tuple[tuple[str, ...], tuple[str, ...]]
"""Origins of causes that are at home with the first and with the second finding."""
Names = tuple[str, ...]

PARTS = ("first_from_second", "second_from_first", "both_ways", "shared", "separate")
EVENTS: Mapping[str, tuple[tuple[Names, int], ...]] = {
    "first_from_second": ((("first",), 1), (("first", "second"), -1)),
    "second_from_first": ((("second",), 1), (("first", "second"), -1)),
    "both_ways": ((("first", "second"), 1),),
    "shared": (
        (("shared",), 1),
        (("first", "shared"), -1),
        (("second", "shared"), -1),
        (("first", "second", "shared"), 1),
    ),
}
"""Each part as a signed sum of probabilities that events hold together."""

LEAST = 0.005
"""A part with a smaller probability names no carriers."""
LEAST_CARRIED = 0.05
"""A carrier is present with the link at least so often, ..."""
LIFT, CERTAIN = 0.02, 0.9
"""... and so much oftener than without it, or is nearly certain anyway."""
ROUNDING = 1e-12
"""A signed sum of probabilities that should be 0 is less than this."""
TINY = 1e-4
"""Rarer events are not split further; couplings that move a part by less do not matter."""


@dataclass(frozen=True)
class Carrier:
    """A cause or mechanism: the probability that it is present, given that the link holds."""

    node: str
    label: str
    role: str
    probability: float


def grouped(network: Network, homes: Homes) -> tuple[list[str], list[str], list[str]]:
    """Causes and mechanisms at home with the first and with the second, and causes elsewhere."""
    origin = {
        n: node.origin for n, node in network.nodes.items() if node.role in ("cause", "mechanism")
    }
    first = [n for n, o in origin.items() if o in homes[0]]
    second = [n for n, o in origin.items() if o in homes[1]]
    rest = [n for n in origin if n not in first and n not in second]
    return first, second, [n for n in rest if network.nodes[n].role == "cause"]


Asked = tuple[list[int], list[int]]
"""One other world: the causes that are absent there, and the effects asked to be absent too."""


class Parts(NamedTuple):
    """The probability of each part, (draws,), and the events that they come from."""

    probability: dict[str, Array]
    events: dict[Names, Absence]


@dataclass(frozen=True, eq=False)
class LinkWorlds:
    """The other worlds of a link: what is taken away in each, and what should then be absent.

    ways: causes and mechanisms of each group (first's home, second's home, elsewhere) that reach
    each effect. step: called after each event.
    """

    asked: Counterfactual
    events: Mapping[str, Asked | None]
    ways: Sequence[Mapping[int, set[int]]]
    unidentified: Collection[Mechanism]
    step: Callable[[], object]

    @classmethod
    def of(cls, asked: Counterfactual, homes: Homes, step: Callable[[], object]) -> LinkWorlds:
        """The worlds for causes at home with either finding, and elsewhere."""
        compiled, factual = asked.compiled, asked.factual
        edges, there = factual.unaffected_edges, factual.observed
        a, b = asked.effects
        groups = [
            {compiled.index[n] for n in names} for names in grouped(asked.case.model.network, homes)
        ]
        reach_a, reach_b = (reaching(compiled, [i], unaffected_edges=edges) for i in (a, b))
        absent_a, absent_b = (isinstance(there.get(i), int) and there[i] == 0 for i in (a, b))
        events: dict[str, Asked | None] = {
            "first": None if absent_a else (sorted(reach_a & groups[1]), [a]),
            "second": None if absent_b else (sorted(reach_b & groups[0]), [b]),
            "shared": None
            if absent_a or absent_b
            else (sorted(reach_a & reach_b & groups[2]), [a, b]),
        }
        possible = [e for e in events.values() if e is not None and e[0]]
        unidentified = other_worlds(factual, possible).unidentified
        ways = [{i: _ways(asked, group, effect=i) for i in (a, b)} for group in groups]
        return cls(asked, events, ways, unidentified, step)

    def parts(
        self,
        factual: Factual,
        couplings: Mapping[Mechanism, Coupling],
        *,
        only: Collection[Names] | None = None,
    ) -> Parts:
        """The five parts under some couplings. only: the events that are not rare, if known."""
        draws = len(factual.log_observed)
        p: dict[Names, Array] = {}
        events: dict[Names, Absence] = {}
        for names in _conjunctions(self.events):
            possible = [e for n in names if (e := self.events[n]) is not None and e[0]]
            p[names] = np.zeros(draws)
            wanted = names in only if only is not None else not _is_rare(names, p)
            if len(possible) == len(names) and wanted:
                events[names] = counterfactual_absence(factual, possible, couplings=couplings)
                p[names] = events[names].probability
            self.step()
        sums = {
            part: sum((sign * p[names] for names, sign in terms), np.zeros(draws))
            for part, terms in EVENTS.items()
        }
        parts = {part: np.where(total < ROUNDING, 0.0, total) for part, total in sums.items()}
        parts["separate"] = np.maximum(1.0 - sum(parts.values()), 0.0)
        return Parts(parts, events)

    def range(self, point: Parts) -> tuple[dict[str, float], dict[str, float]]:
        """Low and high of each part over couplings, and over sampled parameters where asked for.

        They are 0 and 1 where a coupling is too large to work out.
        """
        asked = self.asked
        effects = list(asked.effects)
        tried = couplings_tried(asked.factual, self.unidentified, effects=effects)
        varied: list[tuple[Mapping[Mechanism, Coupling], Parts]] = [({}, point)]
        try:
            varied += [(c, self.parts(asked.factual, c)) for c in tried]
        except TooLargeError:
            return dict.fromkeys(PARTS, 0.0), dict.fromkeys(PARTS, 1.0)
        if asked.sampled is None:
            values = {p: [float(v.probability[p][0]) for _, v in varied] for p in PARTS}
            return {p: min(v) for p, v in values.items()}, {p: max(v) for p, v in values.items()}
        # What cannot occur by the estimates cannot by any sample: values of 0 and 1 do not vary.
        sampled = [
            self.parts(
                asked.sampled, c, only={n for n, e in v.events.items() if e.probability[0] > 0.0}
            )
            for c, v in varied
            if not c or _moves(v, point)
        ]
        low, high = {}, {}
        for p in PARTS:
            rows = [v.probability[p] for v in sampled]
            low[p], high[p] = asked.sampling.interval(np.min(rows, axis=0), np.max(rows, axis=0))
        return low, high

    def carriers(self, point: Parts, parts: Sequence[str]) -> dict[str, tuple[Carrier, ...]]:
        """Of each part, nodes that are likelier given it than without, or nearly certain anyway.

        P(node and part) is the signed sum of P(node and event) by EVENTS, as P(part) is.
        """
        nodes = {part: sorted(self._on_the_way(part)) for part in parts}
        compiled, observed = self.asked.compiled, self.asked.factual.observed
        every = sorted({i for own in nodes.values() for i in own})
        same = {i: i for i in every}
        before = _present(compiled, observed, at=same, factual=observed)
        given: dict[Names, tuple[float, dict[int, float]]] = {}
        for names in dict.fromkeys(n for part in parts for n, _ in EVENTS[part]):
            if names not in point.events or point.events[names].probability[0] <= 0.0:
                continue
            p, worlds, there = point.events[names]
            wanted = {i for part in parts if names in dict(EVENTS[part]) for i in nodes[part]}
            at = {i: worlds.at[0][i] for i in sorted(wanted)}
            present = _present(worlds.network, there, at=at, factual=observed)
            given[names] = (float(p[0]), present)
        return {
            part: self._carriers_of(part, own, before=before, given=given)
            for part, own in nodes.items()
        }

    def _carriers_of(
        self,
        part: str,
        nodes: Sequence[int],
        *,
        before: Mapping[int, float],
        given: Mapping[Names, tuple[float, dict[int, float]]],
    ) -> tuple[Carrier, ...]:
        terms = [(sign, *given[names]) for names, sign in EVENTS[part] if names in given]
        total = sum(sign * p for sign, p, _ in terms)
        compiled, known = self.asked.compiled, self.asked.case.model.nodes
        rows = []
        for i in nodes:
            both = sum(sign * p * present[i] for sign, p, present in terms)
            with_part = min(max(both / total, 0.0), 1.0)
            lifted = with_part > before[i] + LIFT or before[i] > CERTAIN
            if with_part > LEAST_CARRIED and lifted:
                name = compiled.names[i]
                rows.append(Carrier(name, known[name].label, known[name].role, with_part))
        return tuple(sorted(rows, key=lambda r: (-r.probability, r.node)))

    def _on_the_way(self, part: str) -> set[int]:
        """Causes and mechanisms that may carry a part."""
        a, b = self.asked.effects
        first_home, second_home, elsewhere = self.ways
        nodes = {
            "first_from_second": second_home[a],
            "second_from_first": first_home[b],
            "both_ways": second_home[a] | first_home[b],
            "shared": elsewhere[a] | elsewhere[b],
        }
        return nodes[part] - {a, b}


def _conjunctions(events: Mapping[str, Asked | None]) -> list[Names]:
    """Every set of events, the smaller ones first."""
    return [names for many in (1, 2, 3) for names in combinations(events, many)]


def _is_rare(names: Names, p: Mapping[Names, Array]) -> bool:
    """True where a part of a conjunction is already rare."""
    subsets = (s for many in range(1, len(names)) for s in combinations(names, many))
    return any(float(p[s].max()) < TINY for s in subsets)


def _moves(parts: Parts, point: Parts) -> bool:
    """True where a coupling changes a part enough to matter."""
    return any(abs(parts.probability[p][0] - point.probability[p][0]) > TINY for p in PARTS)


def _ways(asked: Counterfactual, causes: set[int], *, effect: int) -> set[int]:
    """Causes of a group, and mechanisms below them, that reach an effect."""
    compiled, edges = asked.compiled, asked.factual.unaffected_edges
    below = set(causes)
    for i in compiled.order:
        if any(p in below and (p, i) not in edges for p in compiled.parents[i]):
            below.add(i)
    nodes = asked.case.model.nodes
    mechanisms = {compiled.index[n] for n, node in nodes.items() if node.role == "mechanism"}
    return below & (causes | mechanisms) & reaching(compiled, [effect], unaffected_edges=edges)


def _present(
    compiled: CompiledNetwork, there: Observed, *, at: Mapping[int, int], factual: Observed
) -> dict[int, float]:
    """P(present) of nodes in the factual world of a twin network.

    at: node -> its index in this network. factual: what was observed for certain stays as it is.
    """
    hidden = [i for i in at if not isinstance(factual.get(i), int)]
    known = {i: float(factual[i] != 0) for i in at if i not in hidden}
    present = posteriors_present(compiled, there, nodes=[at[i] for i in hidden])
    return known | dict(zip(hidden, present, strict=True))
