"""Because of what a finding is there, and whether two findings are linked: probabilities of necessity in twin networks (Pearl 1999).

They explain findings; they do not rank diseases. Which disease a person has is a question for the posterior.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spinelink.inference import fast
from spinelink.inference.compiled import CompiledNetwork
from spinelink.inference.draws import count_draws, draw_marginals
from spinelink.inference.execute import Rows, Seen
from spinelink.inference.one_case import case_marginals
from spinelink.inference.query import log_evidence
from spinelink.inference.twin import Coupling, Worlds, worlds
from spinelink.model.cpd import LogOdds
from spinelink.model.network import Network
from spinelink.model.question import Question
from spinelink.result import Result, show_number
from spinelink.typing import CaseEngine

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Array = NDArray[np.float64]

PARTS = ("first_from_second", "second_from_first", "both_ways", "shared", "separate")
LEAST = 0.005  # a link with a smaller share names no carriers
LEAST_CARRIED, LIFT, CERTAIN = (
    0.05,
    0.02,
    0.9,
)  # a carrier is there with the link at least so often, so much oftener than without, or is there anyway
TINY = 1e-4  # an event that is rarer is not split further: what both it and another hold is less than that


@dataclass(frozen=True)
class Necessity:
    """One cause, or group of causes: the probability that the effect would be absent had they been absent, everything else as it was.

    low, high: bounds over how a table's rows hang together; equal to the probability where it is identified; a credible interval that holds them where asked
    for.
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

        rows = [(r.cause, r.posterior, r.probability, r.low, r.high, r.identified) for r in self.rows]
        return pd.DataFrame(rows, columns=["cause", "posterior", "probability", "low", "high", "identified"])

    def title(self) -> str:
        what = f"; {self.level:.0%} credible intervals" if self.level else ""
        return f"{self.question}\n{self.effect} would be absent, had this been absent and everything else as it was{what}{_asked_in(self.question)}"


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
    low, high: bounds over what the network does not say (`identified`: there is nothing of the kind), or credible intervals where asked for.
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
    def leading(self) -> str:
        """The largest share."""
        return max(PARTS, key=lambda p: (self.shares[p], p))

    def words(self) -> dict[str, str]:
        """What each share means, in this case's words."""
        a, b = self.first.replace("_", " "), self.second.replace("_", " ")
        places = [" or ".join((", ".join(home[:-1]), home[-1])) if len(home) > 1 else home[0] for home in self.homes]
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
        what = f"{self.level:.0%} credible intervals" if self.level else "low, high: bounds, as some rows' coupling is not known"
        bounds = f"; {what}" if self.level or not self.identified else ""
        return f"{self.question}\nLinked with probability {show_number(self.probability)}{bounds}{_asked_in(self.question)}"

    def plot(self, ax: Axes | None = None) -> Axes:
        """The five shares."""
        from spinelink.plot.answers import plot_link

        return plot_link(self, ax=ax)


def _asked_in(question: Question) -> str:
    """In which population what would have been is asked, where it is not the case's own."""
    population = dict(question.options).get("population")
    return (
        f"\nAsked in {population}: that somebody was chosen by symptoms is no cause of them"
        if population not in (None, question.setting)
        else ""
    )


def protective_edges(network: Network, compiled: CompiledNetwork) -> frozenset[tuple[int, int]]:
    """Edges along which a parent only makes its child rarer: odds ratios that are all below 1.

    That a risk factor is missing, or that a named disease has taken the place of a diagnosis of exclusion, is no mechanism by which a finding would go: in the
    other worlds the child responds to such a parent as it was.
    """
    found = set()
    for name, node in network.nodes.items():
        if isinstance(node.cpd, LogOdds):
            for parent, ratio in node.cpd.odds_ratios.items():
                if all(r.value < 1.0 for r in (ratio.values() if isinstance(ratio, Mapping) else (ratio,))):
                    found.add((compiled.index[parent], compiled.index[name]))
    return frozenset(found)


def reaching(compiled: CompiledNetwork, effect: int, held: Container[tuple[int, int]]) -> set[int]:
    """Nodes from which an effect can be reached along edges that are not held, and the effect itself."""
    found, stack = {effect}, [effect]
    while stack:
        i = stack.pop()
        for p in compiled.parents[i]:
            if (p, i) not in held and p not in found:
                found.add(p)
                stack.append(p)
    return found


def present_seen(compiled: CompiledNetwork, seen: Seen, effects: Iterable[int]) -> dict[int, int | Array | Rows]:
    """The findings, and that effects which were not assessed are not in their first state."""
    found = dict(seen)
    for i in effects:
        if i not in found:
            there = np.ones((compiled.cards[i], 1))
            there[0] = 0.0
            found[i] = there
    return found


def _log_absent(
    compiled: CompiledNetwork,
    seen: Seen,
    events: Sequence[tuple[Sequence[int], Sequence[int]]],
    coupling: Coupling,
    held: Container[tuple[int, int]],
) -> tuple[Array, Worlds, dict[int, int | Array | Rows]]:
    """log P(findings, and in world k, where the causes of events[k] are absent, its effects are too), (draws,); the worlds, and what is seen in them."""
    found = worlds(
        compiled, [dict.fromkeys(causes, 0) for causes, _ in events], seen, [effects for _, effects in events], coupling=coupling
    )
    there: dict[int, int | Array | Rows] = {found.at[0][i]: v for i, v in seen.items()} | dict(found.fixed)
    for k, (_, effects) in enumerate(events, start=1):
        for e in effects:
            index = found.at[k][e]
            if index == found.at[0][e]:  # nothing that reaches it was changed: it is as it was
                if not isinstance(there.get(index), int):
                    there[index] = 0
                elif there[index] != 0:
                    return np.array([-np.inf]), found, there
            else:
                there[index] = 0
    return _log_evidence(found.network, there), found, there


def _log_evidence(compiled: CompiledNetwork, seen: Seen) -> Array:
    """log P(findings), (draws,), by the compiled kernel where it is installed and the network fits, else by NumPy."""
    if count_draws(compiled) > 1:
        return draw_marginals(compiled, seen, []).log_evidence
    return case_marginals(compiled, seen, [compiled.order[0]], engine="fast" if fast.is_available() else "numpy").log_evidence


def necessity(
    compiled: CompiledNetwork, seen: Seen, effect: int, causes: Sequence[int], *, held: Container[tuple[int, int]] = ()
) -> tuple[Array, Array, Array, bool]:
    """P(effect absent had the causes been absent | findings, effect present), and its bounds, (draws,) each; whether it is identified.

    seen: with the effect present. held: as in `worlds`.
    """
    reach = sorted(reaching(compiled, effect, held) & set(causes))
    if not reach:
        nothing = np.zeros(1)
        return nothing, nothing, nothing, True
    base = _log_evidence(compiled, seen)
    log, found, _ = _log_absent(compiled, seen, [(reach, [effect])], "same", held)
    same = np.exp(log - base)
    if found.identified:
        return same, same, same, True
    other = np.exp(_log_absent(compiled, seen, [(reach, [effect])], "opposite", held)[0] - base)
    return same, np.minimum(same, other), np.maximum(same, other), False


def _quantiles(low: Array, high: Array, level: float) -> tuple[float, float]:
    """An equal-tailed interval of what lies between two arrays over draws; draws under which the findings cannot occur are left out."""
    tail = (1.0 - level) / 2.0
    return float(np.nanquantile(low, tail)), float(np.nanquantile(high, 1.0 - tail))


def attribution(
    network: Network,
    question: Question,
    compiled: CompiledNetwork,
    seen: Seen,
    effect: str,
    causes: Mapping[str, Sequence[str]],
    *,
    level: float | None = None,
    drawn: CompiledNetwork | None = None,
    report: Callable[[int], object] | None = None,
) -> Attribution:
    """See `Case.attribute`. causes: name -> nodes that are taken away together. drawn: draws of the network's numbers, for intervals of that level."""
    node = compiled.index[effect]
    there = present_seen(compiled, seen, [node])
    held = protective_edges(network, compiled)
    rows = []
    for done, (name, nodes) in enumerate(causes.items(), 1):
        own = [compiled.index[n] for n in nodes]
        p, low, high, identified = necessity(compiled, there, node, own, held=held)
        ends = float(low[0]), float(high[0])
        if drawn is not None and level is not None:
            _, lows, highs, _ = necessity(drawn, there, node, own, held=held)
            ends = _quantiles(lows, highs, level)
        rows.append(Necessity(name, tuple(nodes), _any_of(compiled, there, own), float(p[0]), *ends, identified))
        if report is not None:
            report(done)
    return Attribution(question, effect, tuple(sorted(rows, key=lambda r: (-r.probability, -r.posterior, r.cause))), level)


def _any_of(compiled: CompiledNetwork, seen: Seen, nodes: Sequence[int]) -> float:
    """P(not all of the nodes are in their first state | findings)."""
    if any(isinstance(seen.get(i), int) and seen[i] != 0 for i in nodes):
        return 1.0
    absent = dict.fromkeys(nodes, 0)
    return float(1.0 - np.exp(log_evidence(compiled, {**seen, **absent})[0] - log_evidence(compiled, seen)[0]))


def link(
    network: Network,
    question: Question,
    compiled: CompiledNetwork,
    seen: Seen,
    first: str,
    second: str,
    homes: tuple[Sequence[str], Sequence[str]],
    *,
    level: float | None = None,
    drawn: CompiledNetwork | None = None,
    report: Callable[[int], object] | None = None,
) -> Link:
    """See `Case.link`. homes: origins at which the first and the second finding are at home. drawn: draws of the network's numbers, for intervals."""
    a, b = compiled.index[first], compiled.index[second]
    there = present_seen(compiled, seen, [a, b])
    groups = grouped(network, homes)
    held = protective_edges(network, compiled)
    ways = [reaching(compiled, i, held) for i in (a, b)]
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
        if report is not None:
            report(next(steps))

    same, identified, kept = _shares(compiled, there, events, "same", held, step)
    point = {p: float(v[0]) for p, v in same.items()}
    couplings = [same] if identified else [same, _shares(compiled, there, events, "opposite", held, step)[0]]
    low, high = ({p: float(pick(c[p][0] for c in couplings)) for p in PARTS} for pick in (min, max))
    if drawn is not None and level is not None:
        kinds: tuple[Coupling, ...] = ("same",) if identified else ("same", "opposite")
        varied = [_shares(drawn, there, events, kind, held, step)[0] for kind in kinds]
        for p in PARTS:
            low[p], high[p] = _quantiles(np.min([v[p] for v in varied], axis=0), np.max([v[p] for v in varied], axis=0), level)
    carried: dict[str, tuple[Carrier, ...]] = {}
    for part, event, group in (("first_from_second", "first", 1), ("second_from_first", "second", 0), ("shared", "shared", 2)):
        if event in kept and point[part] > LEAST:
            carried[part] = _carriers(network, compiled, there, kept[event], groups[group], b if event == "second" else a, held)
    return Link(question, first, second, (tuple(homes[0]), tuple(homes[1])), point, low, high, identified, carried, level)


def grouped(network: Network, homes: tuple[Sequence[str], Sequence[str]]) -> tuple[list[str], list[str], list[str]]:
    """Causes and mechanisms at home with the first and with the second, and causes elsewhere."""
    of = {n: node.origin for n, node in network.nodes.items() if node.role in ("cause", "mechanism")}
    first = [n for n, o in of.items() if o in homes[0]]
    second = [n for n, o in of.items() if o in homes[1]]
    return first, second, [n for n in of if n not in first and n not in second and network.nodes[n].role == "cause"]


def _shares(
    compiled: CompiledNetwork,
    seen: Seen,
    events: Mapping[str, tuple[list[int], list[int]] | None],
    coupling: Coupling,
    held: Container[tuple[int, int]],
    step: Callable[[], object],
) -> tuple[dict[str, Array], bool, dict[str, tuple[Worlds, dict[int, int | Array | Rows]]]]:
    """The five shares, (draws,) each, from the probabilities of the events and of their conjunctions. step: called after each of them."""
    base = _log_evidence(compiled, seen)
    identified = True
    p: dict[tuple[str, ...], Array] = {}
    kept = {}
    for many in (1, 2, 3):
        for names in combinations(events, many):
            chosen = [events[n] for n in names]
            if any(c is None or not c[0] for c in chosen) or any(
                float(np.nanmean(p[sub])) < TINY for k in range(1, many) for sub in combinations(names, k)
            ):
                p[names] = np.zeros(len(base))
            else:
                log, found, there = _log_absent(compiled, seen, [c for c in chosen if c is not None], coupling, held)
                identified &= found.identified
                with np.errstate(invalid="ignore"):
                    p[names] = np.exp(log - base)
                if many == 1:
                    kept[names[0]] = (found, there)
            step()
    a, b, s = p["first",], p["second",], p["shared",]
    ab, as_, bs, abs_ = p["first", "second"], p["first", "shared"], p["second", "shared"], p["first", "second", "shared"]
    shares = {
        "first_from_second": a - ab,
        "second_from_first": b - ab,
        "both_ways": ab,
        "shared": s - as_ - bs + abs_,
    }
    shares = {k: np.maximum(v, 0.0) for k, v in shares.items()}
    return {**shares, "separate": np.maximum(1.0 - sum(shares.values()), 0.0)}, identified, kept


def _carriers(
    network: Network,
    compiled: CompiledNetwork,
    seen: Seen,
    linked: tuple[Worlds, dict[int, int | Array | Rows]],
    causes: Sequence[str],
    effect: int,
    held: Container[tuple[int, int]],
) -> tuple[Carrier, ...]:
    """Causes of the group, and mechanisms on their way to the effect, that are likelier to be there given the link, or next to certain anyway."""
    found, there = linked
    below = {compiled.index[n] for n in causes}
    for i in compiled.order:
        if any(p in below and (p, i) not in held for p in compiled.parents[i]):
            below.add(i)
    on_the_way = below & reaching(compiled, effect, held)
    nodes = [
        (n, i)
        for n, node in network.nodes.items()
        if (i := compiled.index[n]) in on_the_way and i != effect and (n in causes or node.role == "mechanism") and i in found.at[0]
    ]
    hidden = [(n, i) for n, i in nodes if not isinstance(seen.get(i), int)]
    engine: CaseEngine = "fast" if fast.is_available() else "numpy"
    before = case_marginals(compiled, seen, [i for _, i in hidden], engine=engine)
    after = case_marginals(found.network, there, [found.at[0][i] for _, i in hidden], engine=engine)
    rows = [
        Carrier(n, network.nodes[n].label, network.nodes[n].role, 1.0) for n, i in nodes if isinstance(seen.get(i), int) and seen[i] != 0
    ]
    for n, i in hidden:
        now, then = float(before.of[i][1:, 0].sum()), float(after.of[found.at[0][i]][1:, 0].sum())
        if then > LEAST_CARRIED and (then > now + LIFT or now > CERTAIN):
            rows.append(Carrier(n, network.nodes[n].label, network.nodes[n].role, then))
    return tuple(sorted(rows, key=lambda r: (-r.probability, r.node)))
