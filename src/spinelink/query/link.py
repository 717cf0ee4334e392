"""Are two findings linked, and which way: probabilities of joint necessity in several worlds.

Source: Pearl 1999, Probabilities of causation; Balke and Pearl 1994 (twin networks).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from spinelink.case import Case
from spinelink.errors import EvidenceError, SpinelinkError, TooLargeError
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
from spinelink.network.node import Origin
from spinelink.options import one_of
from spinelink.progress import bar
from spinelink.query.counterfactual import Counterfactual, Sampling, bounds_note, selection_note
from spinelink.result import Result
from spinelink.view.text import show_number

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Array = NDArray[np.float64]
Homes = tuple[tuple[str, ...], tuple[str, ...]]
Names = tuple[str, ...]

LEG = ("hip", "leg", "foot")
HOMES: Mapping[str, Names] = {"leg": LEG, "thigh": LEG, "foot": LEG, "hip": LEG}
"""Region of a finding -> origins of causes that are at home there; a region by itself elsewhere."""

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


@dataclass(frozen=True, repr=False)
class Link(Result):
    """Are two findings linked, and which way? The five probabilities sum to 1.

    first_from_second: the first is present because of causes where the second is at home, and not the
    other way. second_from_first: the reverse. both_ways. shared: not so, but both because of causes
    elsewhere. separate: none of these; each would be present without the other's causes.

    low, high: bounds over extreme couplings where the model does not determine the answer
    (`identified` says whether it does). They are exact where each such mechanism compares just two rows
    of two states; else only what was tried. They are credible intervals that hold the bounds where
    asked for.
    """

    first: str
    second: str
    homes: tuple[tuple[str, ...], tuple[str, ...]]
    shares: Mapping[str, float]
    low: Mapping[str, float]
    high: Mapping[str, float]
    identified: bool
    carriers: Mapping[str, tuple[Carrier, ...]]
    level: float | None = None

    @property
    def probability(self) -> float:
        """That they are linked, whichever way."""
        return 1.0 - self.shares["separate"]

    @property
    def population(self) -> str | None:
        """The setting in which what would have been was asked."""
        found = dict(self.question.options).get("population")
        return None if found is None else str(found)

    @property
    def ends(self) -> str:
        """What low and high are."""
        return bounds_note(self.level, identified=self.identified)

    @property
    def leading(self) -> str:
        """The largest share."""
        return max(PARTS, key=lambda p: (self.shares[p], p))

    def words(self) -> dict[str, str]:
        """What each share means, in this case's words."""
        a, b = self.first.replace("_", " "), self.second.replace("_", " ")
        places = [
            " or ".join((", ".join(home[:-1]), home[-1])) if len(home) > 1 else home[0]
            for home in self.homes
        ]
        return {
            "first_from_second": f"{a} because of the {places[1]}",
            "second_from_first": f"{b} because of the {places[0]}",
            "both_ways": "both directions: each contributes to the other",
            "shared": "both because of something elsewhere",
            "separate": "side by side: none of these",
        }

    def to_frame(self) -> pd.DataFrame:
        """Columns: link, meaning, share, low, high, carried_by."""
        import pandas as pd

        words = self.words()
        rows = [
            (
                p,
                words[p],
                self.shares[p],
                self.low[p],
                self.high[p],
                ", ".join(f"{c.node} {c.probability:.2f}" for c in self.carriers.get(p, ())[:4]),
            )
            for p in PARTS
        ]
        return pd.DataFrame(rows, columns=["link", "meaning", "share", "low", "high", "carried_by"])

    def shown(self) -> pd.DataFrame:
        """The columns that fit beside each other."""
        frame = self.to_frame()[["meaning", "share", "low", "high", "carried_by"]]
        return frame if self.level or not self.identified else frame.drop(columns=["low", "high"])

    def title(self) -> str:
        """What stands above the table."""
        ends = f"; low, high: {self.ends}" if self.level or not self.identified else ""
        return f"{self.question}\nLinked with probability {show_number(self.probability)}{ends}{selection_note(self.question)}"

    def plot(self, ax: Axes | None = None) -> Axes:
        """The five shares."""
        from spinelink.view.plot.ranking import plot_link

        line = f"{self.level:.0%} credible interval" if self.level else ""
        if not line and not self.identified:
            line = "line: bounds, because the model does not determine this exactly"
        words = self.words()
        return plot_link(
            [words[part] for part in PARTS],
            [self.shares[part] for part in PARTS],
            low=[self.low[part] for part in PARTS],
            high=[self.high[part] for part in PARTS],
            line=line,
            ax=ax,
        )


def link(
    case: Case,
    first: str = "leg_pain",
    second: str = "back_pain",
    *,
    homes: tuple[str | Sequence[str], str | Sequence[str]] | None = None,
    setting: str | None = None,
    interval: float | None = None,
    draws: int = 128,
    seed: int = 0,
    progress: bool | None = None,
) -> Link:
    """Are two findings linked, and which way?

    Args:
        case: the findings.
        first: a node; it is taken as present where it was not assessed.
        second: another node; likewise.
        homes: origins of causes that are at home with the first and with the second finding; by the
            findings' regions where None. A finding in the leg is at home at hip, leg and foot.
        setting: the population of the question; the unselected one of the network where None.
        interval: the level of credible intervals, as 0.95; none where None.
        draws: sampled parameters behind the intervals.
        seed: of these samples.
        progress: show a progress bar; None: in a terminal only.

    Returns:
        Five probabilities that sum to 1: the first because of what lies where the second is at
        home, the other way round, both directions, both because of something elsewhere, or none
        of these. Each names the causes and mechanisms that carry it.

    Raises:
        EvidenceError: both were found absent, or one cannot be present.
        UnknownNameError: a node, an origin or the setting is not known.
        SpinelinkError: an option is out of range.
        ImpossibleEvidenceError: the findings cannot occur together.

    Source:
        Pearl 1999, Probabilities of causation; Balke and Pearl 1994 (twin networks).

    Example:
        >>> import spinelink as sl
        >>> case = sl.load("minimal").observe(leg_pain="below_knee", back_pain=True)
        >>> answer = case.link("leg_pain", "back_pain")
        >>> round(sum(answer.shares.values()), 9)
        1.0
    """
    model = case.model
    names = model.names([str(first), str(second)])
    if names[0] == names[1]:
        raise SpinelinkError("a link is between two different findings.")
    if all(case.findings.get(n) == model.nodes[n].states[0] for n in names):
        raise EvidenceError(
            f"{names[0]} and {names[1]} were found absent: there is no link to ask about."
        )
    places = _homes(case, names, homes)
    sampling = Sampling.checked(interval, draws, seed)
    asked = Counterfactual.of(case, names, setting=setting, sampling=sampling)
    total = 7 if sampling.level is None else 14
    with bar("link", total, progress) as on_progress:
        worlds = _Worlds.of(asked, places, _counter(on_progress))
        point = worlds.parts(asked.factual, {})
        low, high = worlds.range(point)
    probability = {p: float(v[0]) for p, v in point.probability.items()}
    carried = [p for p in EVENTS if probability[p] > LEAST]
    question = asked.question(
        case, first=names[0], second=names[1], homes=places, interval=interval
    )
    return Link(
        question=question,
        first=names[0],
        second=names[1],
        homes=places,
        shares=probability,
        low=low,
        high=high,
        identified=not worlds.unidentified,
        carriers=worlds.carriers(point, carried),
        level=sampling.level,
    )


def _counter(on_progress: Callable[[int], object]) -> Callable[[], object]:
    """A function that reports one more step each time it is called."""
    steps = iter(range(1, 1000))
    return lambda: on_progress(next(steps))


def _homes(
    case: Case,
    names: Sequence[str],
    homes: tuple[str | Sequence[str], str | Sequence[str]] | None,
) -> Homes:
    """Origins of causes that are at home with each of two findings."""
    nodes = case.model.nodes
    known = {node.origin for node in nodes.values() if node.origin is not None}
    if homes is None:
        regions = [nodes[n].region for n in names]
        places = [HOMES.get(r, (r,)) for r in regions]
        for name, region, place in zip(names, regions, places, strict=True):
            if not set(place) & known:
                raise SpinelinkError(
                    f"{name} has region {region!r}, at which no cause is at home; "
                    "say homes=(origins, origins)."
                )
    else:
        places = _read_homes(homes)
    if not known:
        raise SpinelinkError(
            f"no node of network {case.model.name!r} says where it lies (origin), so nothing can "
            "be at home anywhere."
        )
    if set(places[0]) & set(places[1]):
        raise SpinelinkError(
            f"{names[0]} and {names[1]} are at home in the same place; "
            "say homes=(origins, origins)."
        )
    return places[0], places[1]


def _read_homes(homes: object) -> list[Names]:
    """The option `homes`, checked."""
    if isinstance(homes, str) or not isinstance(homes, Sequence) or len(homes) != 2:
        raise SpinelinkError(
            "homes is a pair: the origins at home with the first finding, and with the second."
        )
    if not all(isinstance(h, str) or (isinstance(h, Sequence) and h) for h in homes):
        raise SpinelinkError(
            f"each of the homes is an origin or a list of one or more, not {homes!r}; origins: "
            f"{', '.join(get_args(Origin))}."
        )
    places = [(h,) if isinstance(h, str) else tuple(h) for h in homes]
    for place in places:
        for origin in place:
            one_of(origin, "origin", get_args(Origin))
    return places


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


class _Parts(NamedTuple):
    """The probability of each part, (draws,), and the events that they come from."""

    probability: dict[str, Array]
    events: dict[Names, Absence]


@dataclass(frozen=True, eq=False)
class _Worlds:
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
    def of(cls, asked: Counterfactual, homes: Homes, step: Callable[[], object]) -> _Worlds:
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
        ways = [{i: _ways(asked, group, i) for i in (a, b)} for group in groups]
        return cls(asked, events, ways, unidentified, step)

    def parts(
        self,
        factual: Factual,
        couplings: Mapping[Mechanism, Coupling],
        *,
        only: Collection[Names] | None = None,
    ) -> _Parts:
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
        return _Parts(parts, events)

    def range(self, point: _Parts) -> tuple[dict[str, float], dict[str, float]]:
        """Low and high of each part over couplings, and over sampled parameters where asked for.

        They are 0 and 1 where a coupling is too large to work out.
        """
        asked = self.asked
        effects = list(asked.effects)
        tried = couplings_tried(asked.factual, self.unidentified, effects=effects)
        varied: list[tuple[Mapping[Mechanism, Coupling], _Parts]] = [({}, point)]
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

    def carriers(self, point: _Parts, parts: Sequence[str]) -> dict[str, tuple[Carrier, ...]]:
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


def _moves(parts: _Parts, point: _Parts) -> bool:
    """True where a coupling changes a part enough to matter."""
    return any(abs(parts.probability[p][0] - point.probability[p][0]) > TINY for p in PARTS)


def _ways(asked: Counterfactual, causes: set[int], effect: int) -> set[int]:
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
    present = posteriors_present(compiled, there, [at[i] for i in hidden])
    return known | dict(zip(hidden, present, strict=True))
