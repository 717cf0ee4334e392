"""Because of what a finding is there, and whether two findings are linked: probabilities of necessity in twin networks (Pearl 1999).

They explain findings; they do not rank diseases. Which disease a person has is a question for the posterior.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spinelink.errors import TooLargeError
from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.counterfactual.coupling import Coupling, Mechanism, couplings_tried
from spinelink.inference.counterfactual.factual import (
    Edge,
    Factual,
    any_present,
    assume_present,
    posteriors_present,
    protective_edges,
)
from spinelink.inference.counterfactual.necessity import (
    Absence,
    counterfactual_absence,
    necessity,
    other_worlds,
)
from spinelink.inference.counterfactual.twin_network import reaching
from spinelink.inference.findings import Observed
from spinelink.network.network import Network
from spinelink.network.question import Question
from spinelink.result import Result, show_number

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Array = NDArray[np.float64]

PARTS = ("first_from_second", "second_from_first", "both_ways", "shared", "separate")
EVENTS: dict[str, tuple[tuple[tuple[str, ...], int], ...]] = {
    "first_from_second": ((("first",), 1), (("first", "second"), -1)),
    "second_from_first": ((("second",), 1), (("first", "second"), -1)),
    "both_ways": ((("first", "second"), 1),),
    "shared": (
        (("shared",), 1),
        (("first", "shared"), -1),
        (("second", "shared"), -1),
        (("first", "second", "shared"), 1),
    ),
}  # the share of a link: probabilities of events that hold together, added by sign
LEAST = 0.005  # a link with a smaller share names no carriers
LEAST_CARRIED = 0.05  # a carrier is there with the link at least so often,
LIFT, CERTAIN = 0.02, 0.9  # and so much oftener than without, or is there anyway
ROUNDING = 1e-12  # a sum of probabilities by sign that should be 0 is less
TINY = 1e-4  # an event that is rarer is not split further, and couplings that move nothing by more do not matter


@dataclass(frozen=True)
class Necessity:
    """One cause, or group of causes: the probability that the effect would be absent had they been absent, everything else as it was.

    low, high: how far it may be otherwise, as nothing says how the rows of a table hang together; equal to the probability where it is identified; a credible
    interval that holds that range where asked for. For which networks they are bounds, and sharp, is said at `inference.necessity.necessity`.
    """

    cause: str
    nodes: tuple[str, ...]
    posterior: float
    probability: float
    low: float
    high: float
    identified: bool


@dataclass(frozen=True, repr=False)
class Attribution(Result):
    """What an effect is there because of, the likeliest first. Several causes may each be necessary, or none: the numbers need not sum to 1."""

    effect: str
    rows: tuple[Necessity, ...]
    level: float | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, cause: str) -> Necessity:
        for row in self.rows:
            if row.cause == cause:
                return row
        raise KeyError(cause)

    def to_frame(self) -> pd.DataFrame:
        """Columns: cause, posterior (that any of it is there), probability (of necessity), low, high, identified."""
        import pandas as pd

        rows = [
            (r.cause, r.posterior, r.probability, r.low, r.high, r.identified) for r in self.rows
        ]
        return pd.DataFrame(
            rows, columns=["cause", "posterior", "probability", "low", "high", "identified"]
        )

    def title(self) -> str:
        identified = all(r.identified for r in self.rows)
        ends = (
            f"; low, high: {_ends(self.level, identified=identified)}"
            if self.level or not identified
            else ""
        )
        return f"{self.question}\n{self.effect} would be absent, had this been absent and everything else as it was{ends}{_asked_in(self.question)}"


@dataclass(frozen=True)
class Carrier:
    """A cause or mechanism: the probability that it is there, given that the link holds."""

    node: str
    label: str
    role: str
    probability: float


@dataclass(frozen=True, repr=False)
class Link(Result):
    """Whether two findings are linked, and which way. The five shares are not negative and sum to 1.

    first_from_second: the first is there because of causes where the second is at home, and not the other way; second_from_first; both_ways; shared: not so,
    but both because of causes elsewhere; separate: none of these, each would be there without the other's causes.
    low, high: the range over extreme couplings of what the network does not tie together (`identified`: there is nothing of the kind): exact where each such
    mechanism compares just two rows of two states, else only what was tried; credible intervals that hold it where asked for.
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
        return _ends(self.level, identified=self.identified)

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
            "both_ways": "each because of where the other is at home",
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
        frame = self.to_frame()[["meaning", "share", "low", "high", "carried_by"]]
        return frame if self.level or not self.identified else frame.drop(columns=["low", "high"])

    def title(self) -> str:
        ends = f"; low, high: {self.ends}" if self.level or not self.identified else ""
        return f"{self.question}\nLinked with probability {show_number(self.probability)}{ends}{_asked_in(self.question)}"

    def plot(self, ax: Axes | None = None) -> Axes:
        """The five shares."""
        from spinelink.view.plot.ranking import plot_link

        return plot_link(self, ax=ax)


def _ends(level: float | None, *, identified: bool) -> str:
    """What low and high are."""
    open_ = (
        ""
        if identified
        else "how far it may be otherwise, as the network does not say how some of its rows hang together"
    )
    return (
        ", with ".join(
            part for part in (f"{level:.0%} credible intervals" if level else "", open_) if part
        )
        or "the same"
    )


def _asked_in(question: Question) -> str:
    """In which population what would have been is asked, where it is not the case's own."""
    population = dict(question.options).get("population")
    return (
        f"\nAsked in {population}: that somebody was chosen by symptoms is no cause of them"
        if population not in (None, question.setting)
        else ""
    )


def _quantiles(low: Array, high: Array, level: float) -> tuple[float, float]:
    """An equal-tailed interval of what lies between two arrays over draws; draws under which the findings cannot occur are left out."""
    tail = (1.0 - level) / 2.0
    return float(np.nanquantile(low, tail)), float(np.nanquantile(high, 1.0 - tail))


def attribution(
    network: Network,
    question: Question,
    compiled: CompiledNetwork,
    observed: Observed,
    effect: str,
    causes: Mapping[str, Sequence[str]],
    *,
    level: float | None = None,
    drawn: CompiledNetwork | None = None,
    on_progress: Callable[[int], object] | None = None,
) -> Attribution:
    """See `Case.attribute`. causes: name -> nodes that are taken away together. drawn: draws of the network's numbers, for intervals of that level."""
    node = compiled.index[effect]
    there = assume_present(compiled, observed, [node])
    factual = Factual(compiled, there, protective_edges(network, compiled))
    drawn_factual = None if drawn is None else replace(factual, compiled=drawn)
    groups = {name: [compiled.index[n] for n in nodes] for name, nodes in causes.items()}
    posteriors = _posteriors(factual, groups)
    rows = []
    for done, (name, own) in enumerate(groups.items(), 1):
        p, low, high, identified = necessity(factual, node, own)
        ends = float(low[0]), float(high[0])
        if drawn_factual is not None and level is not None:
            _, lows, highs, _ = necessity(
                drawn_factual, node, own, bounded=ends[1] - ends[0] > TINY
            )
            ends = _quantiles(lows, highs, level)
        rows.append(
            Necessity(name, tuple(causes[name]), posteriors[name], float(p[0]), *ends, identified)
        )
        if on_progress is not None:
            on_progress(done)
    return Attribution(
        question,
        effect,
        tuple(sorted(rows, key=lambda r: (-r.probability, -r.posterior, r.cause))),
        level,
    )


def _posteriors(factual: Factual, groups: Mapping[str, Sequence[int]]) -> dict[str, float]:
    """P(at least one node of a group is present | findings)."""
    compiled, observed = factual.compiled, factual.observed
    single = {
        name: own[0]
        for name, own in groups.items()
        if len(own) == 1 and not isinstance(observed.get(own[0]), int)
    }
    found = dict(
        zip(single, posteriors_present(compiled, observed, list(single.values())), strict=True)
    )
    return {
        name: found[name] if name in found else float(any_present(factual, own)[0])
        for name, own in groups.items()
    }


def link(
    network: Network,
    question: Question,
    compiled: CompiledNetwork,
    observed: Observed,
    first: str,
    second: str,
    homes: tuple[Sequence[str], Sequence[str]],
    *,
    level: float | None = None,
    drawn: CompiledNetwork | None = None,
    on_progress: Callable[[int], object] | None = None,
) -> Link:
    """See `Case.link`. homes: origins at which the first and the second finding are at home. drawn: draws of the network's numbers, for intervals."""
    a, b = compiled.index[first], compiled.index[second]
    there = assume_present(compiled, observed, [a, b])
    groups = grouped(network, homes)
    edges = protective_edges(network, compiled)
    factual = Factual(compiled, there, edges)
    ways = [reaching(compiled, [i], unaffected_edges=edges) for i in (a, b)]
    indices = [
        sorted(ways[0] & {compiled.index[n] for n in groups[1]}),
        sorted(ways[1] & {compiled.index[n] for n in groups[0]}),
        sorted(ways[0] & ways[1] & {compiled.index[n] for n in groups[2]}),
    ]
    absent = [isinstance(there.get(i), int) and there[i] == 0 for i in (a, b)]
    # what must be absent in which world: the first finding without the second's home, the second without the first's, both without what is elsewhere
    events: dict[str, tuple[list[int], list[int]] | None] = {
        "first": None if absent[0] else (indices[0], [a]),
        "second": None if absent[1] else (indices[1], [b]),
        "shared": None if any(absent) else (indices[2], [a, b]),
    }
    steps = iter(range(1, 1000))

    def step() -> None:
        if on_progress is not None:
            on_progress(next(steps))

    asked = [event for event in events.values() if event is not None and event[0]]
    unidentified = other_worlds(factual, asked).unidentified
    same = _shares(factual, events, {}, step)
    point = {p: float(v[0]) for p, v in same[0].items()}
    low, high = _range(
        factual,
        drawn,
        events,
        same,
        couplings_tried(factual, unidentified, effects=[a, b]),
        step,
        level,
    )
    way = [{i: _on_the_way(network, compiled, group, i, edges) for i in (a, b)} for group in groups]
    ways_of = {
        "first_from_second": way[1][a],
        "second_from_first": way[0][b],
        "both_ways": way[1][a] | way[0][b],
        "shared": way[2][a] | way[2][b],
    }
    chosen = {
        part: sorted(nodes - {a, b}) for part, nodes in ways_of.items() if point[part] > LEAST
    }
    carried = _carriers(network, compiled, there, same[1], chosen)
    return Link(
        question,
        first,
        second,
        (tuple(homes[0]), tuple(homes[1])),
        point,
        low,
        high,
        not unidentified,
        carried,
        level,
    )


def _range(
    factual: Factual,
    drawn: CompiledNetwork | None,
    events: Mapping[str, tuple[list[int], list[int]] | None],
    same: tuple[dict[str, Array], dict[tuple[str, ...], Absence]],
    tried: Sequence[Mapping[Mechanism, Coupling]],
    step: Callable[[], object],
    level: float | None,
) -> tuple[dict[str, float], dict[str, float]]:
    """Low and high of each share: over couplings, and over draws where there are any; 0 and 1 where a coupling is too large to work out."""
    varied: list[
        tuple[Mapping[Mechanism, Coupling], dict[str, Array], dict[tuple[str, ...], Absence]]
    ] = [({}, *same)]
    try:
        varied += [(c, *_shares(factual, events, c, step)) for c in tried]
    except TooLargeError:
        return dict.fromkeys(PARTS, 0.0), dict.fromkeys(PARTS, 1.0)
    if drawn is None or level is None:
        low, high = (
            {p: float(pick(shares[p][0] for _, shares, _ in varied)) for p in PARTS}
            for pick in (min, max)
        )
        return low, high
    drawn_factual = replace(factual, compiled=drawn)
    # What cannot occur by the network's own numbers cannot by any draw of them: numbers of 0 and 1 do not vary.
    many = [
        _shares(
            drawn_factual,
            events,
            c,
            step,
            {n for n, event in own.items() if event[0][0] > 0.0},
        )[0]
        for c, shares, own in varied
        if not c or any(abs(shares[p][0] - same[0][p][0]) > TINY for p in PARTS)
    ]
    ends = {
        p: _quantiles(
            np.min([v[p] for v in many], axis=0), np.max([v[p] for v in many], axis=0), level
        )
        for p in PARTS
    }
    return {p: e[0] for p, e in ends.items()}, {p: e[1] for p, e in ends.items()}


def grouped(
    network: Network, homes: tuple[Sequence[str], Sequence[str]]
) -> tuple[list[str], list[str], list[str]]:
    """Causes and mechanisms at home with the first and with the second, and causes elsewhere."""
    of = {
        n: node.origin for n, node in network.nodes.items() if node.role in ("cause", "mechanism")
    }
    first = [n for n, o in of.items() if o in homes[0]]
    second = [n for n, o in of.items() if o in homes[1]]
    return (
        first,
        second,
        [n for n in of if n not in first and n not in second and network.nodes[n].role == "cause"],
    )


def _shares(
    factual: Factual,
    events: Mapping[str, tuple[list[int], list[int]] | None],
    couplings: Mapping[Mechanism, Coupling],
    step: Callable[[], object],
    only: Container[tuple[str, ...]] | None = None,
) -> tuple[dict[str, Array], dict[tuple[str, ...], Absence]]:
    """The five shares, (draws,) each, and what they come from: the events and their conjunctions that are not rare. step: called after each of them.

    only: which are not rare, where that is known.
    """
    draws = len(factual.log_observed)
    p: dict[tuple[str, ...], Array] = {}
    kept: dict[tuple[str, ...], Absence] = {}
    for many in (1, 2, 3):
        for names in combinations(events, many):
            chosen = [c for n in names if (c := events[n]) is not None and c[0]]
            p[names] = np.zeros(draws)
            rare = any(
                float(p[sub].max()) < TINY for k in range(1, many) for sub in combinations(names, k)
            )
            if len(chosen) == many and (not rare if only is None else names in only):
                kept[names] = counterfactual_absence(factual, chosen, couplings=couplings)
                p[names] = kept[names][0]
            step()
    sums = {
        part: sum((sign * p[names] for names, sign in of), np.zeros(draws))
        for part, of in EVENTS.items()
    }
    shares = {part: np.where(share < ROUNDING, 0.0, share) for part, share in sums.items()}
    return {**shares, "separate": np.maximum(1.0 - sum(shares.values()), 0.0)}, kept


def _on_the_way(
    network: Network,
    compiled: CompiledNetwork,
    causes: Sequence[str],
    effect: int,
    edges: Container[Edge],
) -> set[int]:
    """Causes of a group, and mechanisms below them, that reach an effect."""
    below = {compiled.index[n] for n in causes}
    for i in compiled.order:
        if any(p in below and (p, i) not in edges for p in compiled.parents[i]):
            below.add(i)
    of_kind = {
        compiled.index[n]
        for n, node in network.nodes.items()
        if n in causes or node.role == "mechanism"
    }
    return below & of_kind & reaching(compiled, [effect], unaffected_edges=edges)


def _carriers(
    network: Network,
    compiled: CompiledNetwork,
    observed: Observed,
    events: Mapping[tuple[str, ...], Absence],
    parts: Mapping[str, Sequence[int]],
) -> dict[str, tuple[Carrier, ...]]:
    """Of each part, those of its nodes that are likelier to be there given it than without, or next to certain anyway.

    P(node and part) is the sum of P(node and event) by the signs of EVENTS, as P(part) is that of P(event).
    """
    everything = sorted({i for nodes in parts.values() for i in nodes})
    before = _with_observed(compiled, observed, everything, {i: i for i in everything}, observed)
    found = {}
    for names in {
        n for part in parts for n, _ in EVENTS[part] if n in events and events[n][0][0] > 0.0
    }:
        wanted = sorted(
            {i for part, nodes in parts.items() if names in dict(EVENTS[part]) for i in nodes}
        )
        p, built, there = events[names]
        found[names] = (
            float(p[0]),
            _with_observed(built.network, there, wanted, built.at[0], observed),
        )
    carriers = {}
    for part, nodes in parts.items():
        of = [(sign, *found[names]) for names, sign in EVENTS[part] if names in found]
        total = sum(sign * p for sign, p, _ in of)
        then = {
            i: min(max(sum(sign * p * given[i] for sign, p, given in of) / total, 0.0), 1.0)
            for i in nodes
        }
        kept = [
            i
            for i in nodes
            if then[i] > LEAST_CARRIED and (then[i] > before[i] + LIFT or before[i] > CERTAIN)
        ]
        rows = [
            Carrier(n, network.nodes[n].label, network.nodes[n].role, then[i])
            for i in kept
            for n in (compiled.names[i],)
        ]
        carriers[part] = tuple(sorted(rows, key=lambda r: (-r.probability, r.node)))
    return carriers


def _with_observed(
    compiled: CompiledNetwork,
    there: Observed,
    nodes: Sequence[int],
    at: Mapping[int, int],
    observed: Observed,
) -> dict[int, float]:
    """Node -> P(not in its first state | what is there); at: node -> its index in this network; what was seen for certain is as it was seen."""
    hidden = [i for i in nodes if not isinstance(observed.get(i), int)]
    found = {i: float(observed[i] != 0) for i in nodes if i not in hidden}
    return found | dict(
        zip(hidden, posteriors_present(compiled, there, [at[i] for i in hidden]), strict=True)
    )
