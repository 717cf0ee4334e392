"""Why a cause is as likely as it is: what each finding contributed, in log odds.

Leave-one-out: the log odds with all findings, less those without this one. Shapley shares (1953): the average of what a finding adds over all orders in
which the findings could have come; they sum to the whole change from the prior. Exact up to some number of findings, by seeded permutations beyond.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import combinations
from math import factorial, log
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.compiled import CompiledNetwork
from spinelink.inference.execute import Seen
from spinelink.inference.one_case import with_more_findings, with_some_findings
from spinelink.inference.query import Marginals
from spinelink.model.evidence import Evidence, describe
from spinelink.model.network import Network
from spinelink.model.question import Question
from spinelink.result import Result

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Array = NDArray[np.float64]

EXACT = 10  # findings up to which every subset is looked at, unless told
PERMUTATIONS = 64
PIECE = 512  # subsets answered between two reports of progress
TYPICAL = 0.5  # a finding that at least so many with the cause have is expected of it
FARTHEST = 700.0  # log odds, where a finding makes the cause certain or impossible


@dataclass(frozen=True)
class Contribution:
    """One finding. left_out: the log odds that are lost without it. share: its Shapley share. chain: nodes from the cause to the finding, both included."""

    node: str
    finding: str
    label: str
    left_out: float
    share: float
    chain: tuple[str, ...]


@dataclass(frozen=True)
class Expected:
    """A finding that was looked for and is absent, or not as usual: the share of people with the cause in whom it is there."""

    node: str
    label: str
    probability: float


@dataclass(frozen=True)
class Turn:
    """One finding that, were it otherwise, would put another cause first."""

    node: str
    finding: str
    instead: str
    leading: str


@dataclass(frozen=True, repr=False)
class Reasons(Result):
    """What made a cause likelier or less likely, the largest share first. before, after: log odds without any finding, and with all.

    exact: whether the shares are exact (else from seeded permutations). absent: expected of the cause and found absent. turns: single findings that would
    change the leading cause. sources: publications behind the answer, the most influential first.
    """

    target: str
    against: str | None
    before: float
    after: float
    rows: tuple[Contribution, ...]
    exact: bool
    absent: tuple[Expected, ...]
    turns: tuple[Turn, ...]
    sources: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def to_frame(self) -> pd.DataFrame:
        """Columns: finding, label, share, left_out (both in log odds), chain."""
        import pandas as pd

        rows = [(r.finding, r.label, r.share, r.left_out, " -> ".join(r.chain)) for r in self.rows]
        return pd.DataFrame(rows, columns=["finding", "label", "share", "left_out", "chain"])

    def text(self) -> str:
        """Sentences for a clinician."""
        what = f"{self.target} against {self.against}" if self.against else self.target
        lines = [f"Why {what.replace('_', ' ')}: log odds {self.before:+.2f} before the findings, {self.after:+.2f} after."]
        for sign, words in ((1.0, "For it"), (-1.0, "Against it")):
            parts = [f"{r.finding} ({r.share:+.2f})" for r in self.rows if r.share * sign > 0.005]
            if parts:
                lines.append(f"{words}: {', '.join(parts)}.")
        if self.absent:
            expected = ", ".join(f"{e.node} (in {e.probability:.0%} of those who have it)" for e in self.absent)
            lines.append(f"Expected, and found absent: {expected}.")
        if self.turns:
            lines.append(
                "One finding otherwise would put another cause first: "
                + "; ".join(f"{t.node}={t.instead}: {t.leading}" for t in self.turns)
                + "."
            )
        if self.sources:
            lines.append(f"Sources that matter most: {', '.join(self.sources)}.")
        return "\n".join(lines)

    def title(self) -> str:
        return f"{self.question}\n{self.text()}"

    def __str__(self) -> str:
        return self.title()

    def plot(self, ax: Axes | None = None) -> Axes:
        """A waterfall from the log odds before to those after."""
        from spinelink.plot.reasons import plot_waterfall

        return plot_waterfall(self, ax=ax)


def reasons(
    network: Network,
    question: Question,
    compiled: CompiledNetwork,
    evidence: Evidence,
    seen: Seen,
    target: str,
    against: str | None,
    *,
    seed: int,
    exact: int,
    sources: Sequence[str],
    report: Callable[[int], object] | None = None,
) -> Reasons:
    """See `Case.explain`. report: called with how many subsets of findings are done."""
    nodes = [compiled.index[n] for n in (target, *([against] if against else []))]
    findings = [compiled.index[n] for n in evidence]

    def log_odds(subsets: Sequence[frozenset[int]]) -> Array:
        parts = []
        for start in range(0, len(subsets), PIECE):
            piece = [sorted(s) for s in subsets[start : start + PIECE]]
            parts.append(_log_odds(with_some_findings(compiled, seen, piece, nodes), nodes))
            if report is not None:
                report(start + len(piece))
        return np.concatenate(parts)

    everything = frozenset(findings)
    shares, known, all_of_them = _shares(findings, log_odds, np.random.default_rng(seed), exact)
    missing = [everything - {i} for i in findings if everything - {i} not in known]
    known |= dict(zip(missing, log_odds(missing), strict=True)) if missing else {}
    whole, nothing = known[everything], known[frozenset()]
    mechanisms = [n for n, v in network.nodes.items() if v.role == "mechanism" and not isinstance(evidence.get(n), str)]
    present = with_some_findings(compiled, seen, [list(seen)], [compiled.index[n] for n in mechanisms])
    there = {n: float(present.of[compiled.index[n]][1:, 0].sum()) for n in mechanisms}
    rows = [
        Contribution(
            n, describe(n, f), network.nodes[n].label, float(whole - known[everything - {i}]), float(shares[i]), _chain(network, target, n, there),
        )
        for (n, f), i in zip(evidence.items(), findings, strict=True)
    ]  # fmt: skip
    rows.sort(key=lambda r: (-abs(r.share), r.node))
    absent = _expected(network, compiled, evidence, target)
    turns = _turns(network, compiled, evidence, seen)
    return Reasons(question, target, against, float(nothing), float(whole), tuple(rows), all_of_them, absent, turns, tuple(sources))


def _log_odds(answer: Marginals, nodes: Sequence[int]) -> Array:
    """Log odds of the first node being there; against the second, where there is one: the difference of the logarithms of both posteriors."""
    p = answer.of[nodes[0]][1:].sum(axis=0)
    with np.errstate(divide="ignore"):
        other = np.log(answer.of[nodes[1]][1:].sum(axis=0)) if len(nodes) > 1 else np.log(answer.of[nodes[0]][0])
        return np.asarray(np.clip(np.log(p) - other, -FARTHEST, FARTHEST))


def _shares(
    findings: Sequence[int], log_odds: Callable[[Sequence[frozenset[int]]], Array], rng: np.random.Generator, exact: int
) -> tuple[dict[int, float], dict[frozenset[int], float], bool]:
    """Shapley shares; the log odds of every subset that was looked at; whether all were."""
    n = len(findings)
    if n <= exact:
        subsets = [frozenset(c) for k in range(n + 1) for c in combinations(findings, k)]
        known = dict(zip(subsets, log_odds(subsets), strict=True))
        shares = dict.fromkeys(findings, 0.0)
        for subset in subsets:
            weight = factorial(len(subset)) * factorial(n - len(subset) - 1) / factorial(n) if len(subset) < n else 0.0
            for i in findings:
                if i not in subset:
                    shares[i] += weight * (known[subset | {i}] - known[subset])
        return shares, known, True
    orders = [rng.permutation(findings).tolist() for _ in range(PERMUTATIONS)]
    subsets = list(dict.fromkeys(frozenset(o[:k]) for o in orders for k in range(n + 1)))
    known = dict(zip(subsets, log_odds(subsets), strict=True))
    shares = {
        i: float(np.mean([known[frozenset(o[: o.index(i) + 1])] - known[frozenset(o[: o.index(i)])] for o in orders])) for i in findings
    }
    return shares, known, False


def _chain(network: Network, cause: str, finding: str, there: Mapping[str, float]) -> tuple[str, ...]:
    """The way along the arrows from the cause to the finding on which every node is likeliest to be there; empty where there is no way."""
    done: set[str] = set()
    queue: list[tuple[float, str, tuple[str, ...]]] = [(0.0, cause, (cause,))]
    while queue:
        length, name, way = heappop(queue)
        if name == finding and name != cause:
            return way
        if name in done:
            continue
        done.add(name)
        for child in network.children[name]:
            if child == finding:
                heappush(queue, (length, child, (*way, child)))
            elif child not in done and network.nodes[child].role == "mechanism":
                heappush(queue, (length + 0.01 - log(max(there.get(child, 1.0), 1e-9)), child, (*way, child)))
    return ()


def _expected(network: Network, compiled: CompiledNetwork, evidence: Evidence, target: str) -> tuple[Expected, ...]:
    """Findings found in their first state although most people with the cause have them."""
    absent = [n for n, f in evidence.items() if f == network.nodes[n].states[0] and n in _below(network, target)]
    if not absent or isinstance(evidence.get(target), str):
        return ()
    node = compiled.index[target]
    there = np.ones((compiled.cards[node], 1))
    there[0] = 0.0
    answer = with_some_findings(compiled, {node: there}, [[node]], [compiled.index[n] for n in absent])
    found = [Expected(n, network.nodes[n].label, float(answer.of[compiled.index[n]][1:, 0].sum())) for n in absent]
    return tuple(sorted((e for e in found if e.probability >= TYPICAL), key=lambda e: -e.probability))


def _below(network: Network, name: str) -> set[str]:
    found, stack = set(), [name]
    while stack:
        for child in network.children[stack.pop()]:
            if child not in found:
                found.add(child)
                stack.append(child)
    return found


def _turns(network: Network, compiled: CompiledNetwork, evidence: Evidence, seen: Seen) -> tuple[Turn, ...]:
    """Findings that, were they in another state, would put another cause first; one for each finding."""
    ranked = [n for n in network.ranked if not isinstance(evidence.get(n), str)]
    if len(ranked) < 2:
        return ()
    index = [compiled.index[n] for n in ranked]

    def leading(answer: Marginals, k: int) -> str:
        present: Mapping[str, float] = {n: float(np.nan_to_num(answer.of[i][1:, k].sum())) for n, i in zip(ranked, index, strict=True)}
        return max(present, key=lambda n: (present[n], n))

    now = leading(with_some_findings(compiled, seen, [list(seen)], index), 0)
    others = [(n, f, s) for n, f in evidence.items() if isinstance(f, str) for s in network.nodes[n].states if s != f]
    found: dict[str, Turn] = {}
    if others:
        more = [{compiled.index[n]: network.nodes[n].states.index(s)} for n, _, s in others]
        answer = with_more_findings(compiled, seen, more, index)
        for k, (n, f, s) in enumerate(others):
            if np.isfinite(answer.log_evidence[k]) and n not in found and (lead := leading(answer, k)) != now:
                found[n] = Turn(n, f, s, lead)
    return tuple(found.values())
