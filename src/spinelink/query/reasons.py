"""Why a cause is as likely as it is: what each finding contributed, in log odds.

Leave-one-out: the log odds with all findings, less those without this one. Shapley shares (1953): the average of what a finding adds over all orders in
which the findings could have come; they sum to the whole change from the prior. Exact up to some number of findings, from all subsets side by side, by seeded permutations beyond.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from math import factorial, log
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.answers import Marginals
from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.findings import Observed
from spinelink.inference.variants.one_case import with_more_findings, with_some_findings
from spinelink.inference.variants.subsets import with_all_subsets
from spinelink.network.evidence import Evidence, describe
from spinelink.network.network import Network
from spinelink.network.question import Question
from spinelink.result import Result

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Array = NDArray[np.float64]

UNEXPLAINED = 0.1  # a finding that at most so many of those with the cause and the other findings have is not explained by it
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
class Unexplained:
    """A finding that is present and that the cause does not explain: how likely it was, given the cause and the other findings."""

    node: str
    finding: str
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

    exact: whether the shares are exact (else from seeded permutations). absent: expected of the cause and found absent. unexplained: present, and unlikely
    even with the cause and the other findings. turns: single findings that would
    change the leading cause. sources: publications behind the answer, the most influential first.
    """

    target: str
    against: str | None
    before: float
    after: float
    rows: tuple[Contribution, ...]
    exact: bool
    absent: tuple[Expected, ...]
    unexplained: tuple[Unexplained, ...]
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
        lines = [
            f"Why {what.replace('_', ' ')}: log odds {self.before:+.2f} before the findings, {self.after:+.2f} after."
        ]
        for sign, words in ((1.0, "For it"), (-1.0, "Against it")):
            parts = [f"{r.finding} ({r.share:+.2f})" for r in self.rows if r.share * sign > 0.005]
            if parts:
                lines.append(f"{words}: {', '.join(parts)}.")
        if self.absent:
            expected = ", ".join(
                f"{e.node} (in {e.probability:.0%} of those who have it)" for e in self.absent
            )
            lines.append(f"Expected, and found absent: {expected}.")
        if self.unexplained:
            found = ", ".join(f"{u.finding} (in {u.probability:.1%})" for u in self.unexplained)
            lines.append(
                f"Present, and not explained by it (given it and the other findings): {found}."
            )
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
        from spinelink.view.plot.reasons import plot_waterfall

        return plot_waterfall(self, ax=ax)


def reasons(
    network: Network,
    question: Question,
    compiled: CompiledNetwork,
    evidence: Evidence,
    observed: Observed,
    target: str,
    against: str | None,
    *,
    seed: int,
    exact: int,
    sources: Sequence[str],
    on_progress: Callable[[int], object] | None = None,
) -> Reasons:
    """See `Case.explain`. report: called with how many subsets of findings are done."""
    nodes = [compiled.index[n] for n in (target, *([against] if against else []))]
    findings = [compiled.index[n] for n in evidence]
    beside = [
        findings,
        [],
        *([i for i in findings if i != k] for k in findings),
    ]  # with all, without any, without each
    at_sides = with_some_findings(compiled, observed, beside, nodes=nodes)
    whole, nothing, *without = _log_odds(at_sides, nodes).tolist()
    shares = (
        _exact_shares(
            compiled, observed, findings, nodes, np.array([whole, nothing, *without]), on_progress
        )
        if len(findings) <= exact
        else None
    )
    all_of_them = shares is not None
    if shares is None:
        shares = _sampled_shares(
            compiled, observed, findings, nodes, np.random.default_rng(seed), on_progress
        )
    mechanisms = [
        n
        for n, v in network.nodes.items()
        if v.role == "mechanism" and not isinstance(evidence.get(n), str)
    ]
    present = with_some_findings(
        compiled, observed, [list(observed)], nodes=[compiled.index[n] for n in mechanisms]
    )
    there = {n: float(present.present(compiled.index[n])[0]) for n in mechanisms}
    rows = [
        Contribution(
            n,
            describe(n, f),
            network.nodes[n].label,
            whole - left,
            float(share),
            _chain(network, target, n, there),
        )
        for (n, f), left, share in zip(evidence.items(), without, shares, strict=True)
    ]
    rows.sort(key=lambda r: (-abs(r.share), r.node))
    absent = _expected(network, compiled, evidence, target)
    unexplained = _unexplained(network, evidence, at_sides, nodes[0])
    turns = _turns(network, compiled, evidence, observed)
    return Reasons(
        question,
        target,
        against,
        nothing,
        whole,
        tuple(rows),
        all_of_them,
        absent,
        unexplained,
        turns,
        tuple(sources),
    )


def _log_odds(answer: Marginals, nodes: Sequence[int]) -> Array:
    """Log odds of the first node being there; against the second, where there is one: the difference of the logarithms of both posteriors, 0 where neither
    can be."""
    p = answer.present(nodes[0])
    with np.errstate(divide="ignore", invalid="ignore"):
        other = (
            np.log(answer.present(nodes[1]))
            if len(nodes) > 1
            else np.log(answer.posterior[nodes[0]][0])
        )
        return np.asarray(
            np.clip(
                np.nan_to_num(np.log(p) - other, nan=0.0, posinf=FARTHEST, neginf=-FARTHEST),
                -FARTHEST,
                FARTHEST,
            )
        )


def _exact_shares(
    compiled: CompiledNetwork,
    observed: Observed,
    findings: Sequence[int],
    nodes: Sequence[int],
    beside: Array,
    on_progress: Callable[[int], object] | None,
) -> Array:
    """Shapley shares from the log odds of every subset, (findings,). beside: those with all, without any, without each."""
    n = len(findings)
    if not n:
        return np.zeros(0)
    every = with_all_subsets(
        compiled, observed, findings=findings, nodes=nodes, on_progress=on_progress
    )  # not numbers where it is not sure
    odds = (
        np.full((2,) * n, np.nan)
        if every is None
        else np.where(np.isnan(every.log_evidence), np.nan, _log_odds(every, nodes))
    )  # (2, ..., 2)
    ones = (1,) * n
    for place, known in zip(
        [ones, (0,) * n, *((*ones[:k], 0, *ones[k + 1 :]) for k in range(n))], beside, strict=True
    ):
        odds[place] = known
    unsure = [place for place in np.ndindex(odds.shape) if np.isnan(odds[place])]
    if unsure:
        subsets = [[i for i, kept in zip(findings, place, strict=True) if kept] for place in unsure]
        odds[tuple(np.array(unsure).T)] = _one_by_one(
            compiled, observed, subsets, nodes, on_progress
        )
    size = np.indices(odds.shape[1:]).sum(axis=0)  # of the subset that a finding joins
    weight = np.array([factorial(k) * factorial(n - k - 1) / factorial(n) for k in range(n)])
    return np.array(
        [(weight[size] * (odds.take(1, axis=k) - odds.take(0, axis=k))).sum() for k in range(n)]
    )


def _sampled_shares(
    compiled: CompiledNetwork,
    observed: Observed,
    findings: Sequence[int],
    nodes: Sequence[int],
    rng: np.random.Generator,
    on_progress: Callable[[int], object] | None,
) -> Array:
    """The mean over permutations of what each finding adds, (findings,)."""
    orders = [rng.permutation(findings).tolist() for _ in range(PERMUTATIONS)]
    subsets = list(
        dict.fromkeys(frozenset(o[:k]) for o in orders for k in range(len(findings) + 1))
    )
    known = dict(
        zip(
            subsets,
            _one_by_one(
                compiled, observed, [sorted(s) for s in subsets], nodes, on_progress
            ).tolist(),
            strict=True,
        )
    )
    return np.array(
        [
            np.mean(
                [
                    known[frozenset(o[: o.index(i) + 1])] - known[frozenset(o[: o.index(i)])]
                    for o in orders
                ]
            )
            for i in findings
        ]
    )


def _one_by_one(
    compiled: CompiledNetwork,
    observed: Observed,
    subsets: Sequence[Sequence[int]],
    nodes: Sequence[int],
    on_progress: Callable[[int], object] | None,
) -> Array:
    """The log odds under each subset, each run by itself."""
    parts = []
    for start in range(0, len(subsets), PIECE):
        piece = subsets[start : start + PIECE]
        parts.append(_log_odds(with_some_findings(compiled, observed, piece, nodes=nodes), nodes))
        if on_progress is not None:
            on_progress(start + len(piece))
    return np.concatenate(parts)


def _unexplained(
    network: Network, evidence: Evidence, sides: Marginals, node: int
) -> tuple[Unexplained, ...]:
    """Findings not in their first state with P(finding | the cause, the other findings) small: P(all, cause) / P(all but it, cause). sides: with all findings,
    without any, without each."""
    if node not in sides.posterior:
        return ()
    with np.errstate(divide="ignore"):
        logs = sides.log_evidence + np.log(sides.present(node))  # P(findings, cause)
    found = [
        Unexplained(
            n, describe(n, f), network.nodes[n].label, float(np.exp(min(logs[0] - left, 0.0)))
        )
        for (n, f), left in zip(evidence.items(), logs[2:], strict=True)
        if isinstance(f, str)
        and f != network.nodes[n].states[0]
        and network.nodes[n].role in ("symptom", "sign", "test", "other")
        and np.isfinite(left)
    ]
    return tuple(
        sorted((u for u in found if u.probability <= UNEXPLAINED), key=lambda u: u.probability)
    )


def _chain(
    network: Network, cause: str, finding: str, there: Mapping[str, float]
) -> tuple[str, ...]:
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
                heappush(
                    queue,
                    (length + 0.01 - log(max(there.get(child, 1.0), 1e-9)), child, (*way, child)),
                )
    return ()


def _expected(
    network: Network, compiled: CompiledNetwork, evidence: Evidence, target: str
) -> tuple[Expected, ...]:
    """Findings found in their first state although most people with the cause have them."""
    absent = [
        n
        for n, f in evidence.items()
        if f == network.nodes[n].states[0] and n in _below(network, target)
    ]
    if not absent or isinstance(evidence.get(target), str):
        return ()
    node = compiled.index[target]
    there = np.ones((compiled.cards[node], 1))
    there[0] = 0.0
    answer = with_some_findings(
        compiled, {node: there}, [[node]], nodes=[compiled.index[n] for n in absent]
    )
    found = [
        Expected(n, network.nodes[n].label, float(answer.present(compiled.index[n])[0]))
        for n in absent
    ]
    return tuple(
        sorted((e for e in found if e.probability >= TYPICAL), key=lambda e: -e.probability)
    )


def _below(network: Network, name: str) -> set[str]:
    found, stack = set(), [name]
    while stack:
        for child in network.children[stack.pop()]:
            if child not in found:
                found.add(child)
                stack.append(child)
    return found


def _turns(
    network: Network, compiled: CompiledNetwork, evidence: Evidence, observed: Observed
) -> tuple[Turn, ...]:
    """Findings that, were they in another state, would put another cause first; one for each finding."""
    ranked = [n for n in network.ranked if not isinstance(evidence.get(n), str)]
    if len(ranked) < 2:
        return ()
    index = [compiled.index[n] for n in ranked]

    def leading(answer: Marginals, k: int) -> str:
        present: Mapping[str, float] = {
            n: float(np.nan_to_num(answer.posterior[i][1:, k].sum()))
            for n, i in zip(ranked, index, strict=True)
        }
        return max(present, key=lambda n: (present[n], n))

    now = leading(with_some_findings(compiled, observed, [list(observed)], nodes=index), 0)
    others = [
        (n, f, s)
        for n, f in evidence.items()
        if isinstance(f, str)
        for s in network.nodes[n].states
        if s != f
    ]
    found: dict[str, Turn] = {}
    if others:
        more = [{compiled.index[n]: network.nodes[n].states.index(s)} for n, _, s in others]
        answer = with_more_findings(compiled, observed, more, nodes=index)
        for k, (n, f, s) in enumerate(others):
            if (
                np.isfinite(answer.log_evidence[k])
                and n not in found
                and (lead := leading(answer, k)) != now
            ):
                found[n] = Turn(n, f, s, lead)
    return tuple(found.values())
