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
from spinelink.inference.execute import Rows, Seen
from spinelink.inference.one_case import case_marginals
from spinelink.inference.query import log_evidence
from spinelink.inference.twin import Coupling, Worlds, worlds
from spinelink.model.cpd import LogOdds
from spinelink.model.network import Network
from spinelink.model.question import Question
from spinelink.result import Result, show_number

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

PARTS = ("first_from_second", "second_from_first", "both_ways", "shared", "separate")
LEAST = 0.005  # a carrier with a smaller share of what it could carry is not listed
TINY = 1e-4  # an event that is rarer is not split further: what both it and another hold is less than that


@dataclass(frozen=True)
class Necessity:
    """One cause, or group of causes: the probability that the effect would be absent had they been absent, everything else as it was.

    low, high: bounds over how a table's rows hang together; equal to the probability where it is identified.
    """

    cause: str
    nodes: tuple[str, ...]
    posterior: float
    probability: float
    low: float
    high: float

    @property
    def identified(self) -> bool:
        """Whether the network says it without further assumption."""
        return abs(self.high - self.low) < 1e-9


@dataclass(frozen=True, repr=False)
class Attribution(Result):
    """What an effect is there because of, the likeliest first. Several causes may each be necessary, or none: the numbers need not sum to 1."""

    effect: str
    rows: tuple[Necessity, ...]

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
        return f"{self.question}\n{self.effect} would be absent, had this been absent and everything else as it was"


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
    def leading(self) -> str:
        """The largest share."""
        return max(PARTS, key=lambda p: (self.shares[p], p))

    def words(self) -> dict[str, str]:
        """What each share means, in this case's words."""
        a, b = self.first.replace("_", " "), self.second.replace("_", " ")
        return {
            "first_from_second": f"the {a} because of what lies at {', '.join(self.homes[1])}",
            "second_from_first": f"the {b} because of what lies at {', '.join(self.homes[0])}",
            "both_ways": "each because of what lies where the other is at home",
            "shared": "both because of causes elsewhere",
            "separate": "side by side: no such link",
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

    def title(self) -> str:
        what = f"{self.level:.0%} credible intervals" if self.level else "low, high: bounds, as some rows' coupling is not known"
        bounds = f"; {what}" if self.level or not self.identified else ""
        return f"{self.question}\nLinked with probability {show_number(self.probability)}{bounds}"


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
) -> tuple[float, Worlds, dict[int, int | Array | Rows]]:
    """log P(findings, and in world k, where the causes of events[k] are absent, its effects are too); the worlds, and what is seen in them."""
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
                    return -np.inf, found, there
            else:
                there[index] = 0
    return _log_evidence(found.network, there), found, there


def _log_evidence(compiled: CompiledNetwork, seen: Seen) -> float:
    """log P(findings), by the compiled kernel where it is installed and the network fits, else by NumPy."""
    return float(case_marginals(compiled, seen, [compiled.order[0]], engine="fast" if fast.is_available() else "numpy").log_evidence[0])


def necessity(
    compiled: CompiledNetwork, seen: Seen, effect: int, causes: Sequence[int], *, held: Container[tuple[int, int]] = ()
) -> tuple[float, float, float]:
    """P(effect absent had the causes been absent | findings, effect present), and its bounds. seen: with the effect present. held: as in `worlds`."""
    base = float(log_evidence(compiled, seen)[0])
    reach = sorted(reaching(compiled, effect, held) & set(causes))
    if not reach:
        return 0.0, 0.0, 0.0
    log, found, _ = _log_absent(compiled, seen, [(reach, [effect])], "same", held)
    same = float(np.exp(log - base))
    if found.identified:
        return same, same, same
    other = float(np.exp(_log_absent(compiled, seen, [(reach, [effect])], "opposite", held)[0] - base))
    return same, min(same, other), max(same, other)


def attribution(
    network: Network,
    question: Question,
    compiled: CompiledNetwork,
    seen: Seen,
    effect: str,
    causes: Mapping[str, Sequence[str]],
    *,
    report: Callable[[int], object] | None = None,
) -> Attribution:
    """See `Case.attribute`. causes: name -> nodes that are taken away together."""
    node = compiled.index[effect]
    there = present_seen(compiled, seen, [node])
    held = protective_edges(network, compiled)
    rows = []
    for done, (name, nodes) in enumerate(causes.items(), 1):
        own = [compiled.index[n] for n in nodes]
        p, low, high = necessity(compiled, there, node, own, held=held)
        rows.append(Necessity(name, tuple(nodes), _any_of(compiled, there, own), p, low, high))
        if report is not None:
            report(done)
    return Attribution(question, effect, tuple(sorted(rows, key=lambda r: (-r.probability, -r.posterior, r.cause))))


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
    carriers: bool = True,
) -> Link:
    """See `Case.link`. homes: origins at which the first and the second finding are at home."""
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
    same, identified, kept = _shares(compiled, there, events, "same", held)
    low = high = same
    if not identified:
        other = _shares(compiled, there, events, "opposite", held)[0]
        low, high = ({p: pick(same[p], other[p]) for p in PARTS} for pick in (min, max))
    carried: dict[str, tuple[Carrier, ...]] = {}
    if carriers:
        for part, event, group in (("first_from_second", "first", 1), ("second_from_first", "second", 0), ("shared", "shared", 2)):
            if event in kept and same[part] > LEAST:
                carried[part] = _carriers(network, compiled, *kept[event], groups[group], first if event != "second" else second)
    return Link(question, first, second, (tuple(homes[0]), tuple(homes[1])), same, low, high, identified, carried)


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
) -> tuple[dict[str, float], bool, dict[str, tuple[Worlds, dict[int, int | Array | Rows]]]]:
    """The five shares from the probabilities of the events and of their conjunctions."""
    base = float(log_evidence(compiled, seen)[0])
    identified = True
    p: dict[tuple[str, ...], float] = {}
    kept = {}
    for many in (1, 2, 3):
        for names in combinations(events, many):
            chosen = [events[n] for n in names]
            if any(c is None or not c[0] for c in chosen) or any(
                p.get(sub, 1.0) < TINY for k in range(1, many) for sub in combinations(names, k)
            ):
                p[names] = 0.0
                continue
            log, found, there = _log_absent(compiled, seen, [c for c in chosen if c is not None], coupling, held)
            identified &= found.identified
            p[names] = float(np.exp(log - base))
            if many == 1:
                kept[names[0]] = (found, there)
    a, b, s = p["first",], p["second",], p["shared",]
    ab, as_, bs, abs_ = p["first", "second"], p["first", "shared"], p["second", "shared"], p["first", "second", "shared"]
    shares = {
        "first_from_second": a - ab,
        "second_from_first": b - ab,
        "both_ways": ab,
        "shared": s - as_ - bs + abs_,
    }
    shares = {k: max(v, 0.0) for k, v in shares.items()}
    return {**shares, "separate": max(1.0 - sum(shares.values()), 0.0)}, identified, kept


def _carriers(
    network: Network, compiled: CompiledNetwork, found: Worlds, there: Seen, causes: Sequence[str], effect: str
) -> tuple[Carrier, ...]:
    """Causes of the group and mechanisms on their way to the effect: how likely each is there, given the link."""
    above = compiled.ancestors([compiled.index[effect]])
    below = {compiled.index[n] for n in causes}
    for i in compiled.order:
        if any(p in below for p in compiled.parents[i]):
            below.add(i)
    nodes = [
        n
        for n, node in network.nodes.items()
        if compiled.index[n] in above & below
        and (n in causes or node.role == "mechanism")
        and found.at[0].get(compiled.index[n]) is not None
    ]
    hidden = [n for n in nodes if not isinstance(there.get(found.at[0][compiled.index[n]]), int)]
    answer = case_marginals(
        found.network, there, [found.at[0][compiled.index[n]] for n in hidden], engine="fast" if fast.is_available() else "numpy"
    )
    rows = [
        Carrier(n, network.nodes[n].label, network.nodes[n].role, float(answer.of[found.at[0][compiled.index[n]]][1:, 0].sum()))
        for n in hidden
    ]
    return tuple(sorted((r for r in rows if r.probability > 0.05), key=lambda r: (-r.probability, r.node)))
