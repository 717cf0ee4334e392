"""Why a cause is as likely as it is: what each finding contributed, in log odds.

Left out: the log odds with all findings, less those without this one. Shapley value (Shapley 1953):
the average of what a finding adds over all orders in which the findings could have come. Shapley
values sum to the whole change from the prior.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from math import log
from typing import TYPE_CHECKING

import numpy as np

from spinelink.case import Case
from spinelink.errors import SpinelinkError
from spinelink.inference.answers import Marginals
from spinelink.inference.variants.one_case import with_more_findings, with_some_findings
from spinelink.network.evidence import describe
from spinelink.network.network import Network
from spinelink.options import whole
from spinelink.progress import bar
from spinelink.query.shapley import PERMUTATIONS, Subsets, log_odds
from spinelink.query.sources import sources
from spinelink.query.target import hidden_target
from spinelink.result import Result
from spinelink.view.plot.sensitivity import plot_waterfall

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MOST_EXACT = 16
"""Findings whose subsets may all be answered: 65,536."""
UNEXPLAINED = 0.1
"""A present finding is "unexplained" if P(finding given cause and other findings) is at most this."""
TYPICAL = 0.5
"""A finding that at least this fraction of people with the cause have is expected of it."""
MOST_SOURCES = 5


@dataclass(frozen=True)
class Contribution:
    """What one finding contributed.

    left_out: the log odds that are lost without it. shapley: its Shapley value, in log odds. chain:
    nodes from the cause to the finding, both included.
    """

    node: str
    finding: str
    label: str
    left_out: float
    shapley: float
    chain: tuple[str, ...]


@dataclass(frozen=True)
class Expected:
    """A finding that is absent although people with the cause usually have it.

    probability: the fraction of people with the cause in whom it is present.
    """

    node: str
    label: str
    probability: float


@dataclass(frozen=True)
class Unexplained:
    """A finding that is present and that the cause does not explain.

    probability: of the finding, given the cause and the other findings.
    """

    node: str
    finding: str
    label: str
    probability: float


@dataclass(frozen=True)
class Reversal:
    """One finding that would put another cause first if it were in another state."""

    node: str
    finding: str
    instead: str
    leading: str


@dataclass(frozen=True, repr=False)
class Reasons(Result):
    """What made a cause likelier or less likely, the largest contribution first.

    before, after: log odds without any finding, and with all. exact: whether the Shapley values are
    exact, else they come from seeded permutations. absent: expected of the cause and found absent.
    unexplained: present, and unlikely even with the cause and the other findings. reversals: single
    findings that would change the leading cause. sources: keys of the publications behind the
    answer, the most influential first.
    """

    target: str
    against: str | None
    before: float
    after: float
    rows: tuple[Contribution, ...]
    exact: bool
    absent: tuple[Expected, ...]
    unexplained: tuple[Unexplained, ...]
    reversals: tuple[Reversal, ...]
    sources: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def to_frame(self) -> pd.DataFrame:
        """Columns: finding, label, shapley, left_out (both in log odds), chain."""
        import pandas as pd

        rows = [
            (r.finding, r.label, r.shapley, r.left_out, " -> ".join(r.chain)) for r in self.rows
        ]
        return pd.DataFrame(rows, columns=["finding", "label", "shapley", "left_out", "chain"])

    def text(self) -> str:
        """Sentences for a clinician."""
        what = f"{self.target} against {self.against}" if self.against else self.target
        lines = [
            f"Why {what.replace('_', ' ')}: log odds {self.before:+.2f} before the findings, {self.after:+.2f} after."
        ]
        for sign, words in ((1.0, "For it"), (-1.0, "Against it")):
            parts = [
                f"{r.finding} ({r.shapley:+.2f})" for r in self.rows if r.shapley * sign > 0.005
            ]
            if parts:
                lines.append(f"{words}: {', '.join(parts)}.")
        if self.absent:
            expected = ", ".join(
                f"{e.node} (in {e.probability:.0%} of those who have it)" for e in self.absent
            )
            lines.append(f"Expected, and found absent: {expected}.")
        if self.unexplained:
            unlikely = ", ".join(
                f"{u.finding} (only {u.probability:.1%} of such patients have it)"
                for u in self.unexplained
            )
            lines.append(f"Not explained by {self.target.replace('_', ' ')}: {unlikely}.")
        if self.reversals:
            lines.append(
                "Another cause would lead if one finding were different: "
                + "; ".join(f"{t.node}={t.instead}: {t.leading}" for t in self.reversals)
                + "."
            )
        if self.sources:
            lines.append(f"Sources that matter most: {', '.join(self.sources)}.")
        return "\n".join(lines)

    def title(self) -> str:
        """What stands above the table."""
        return f"{self.question}\n{self.text()}"

    def __str__(self) -> str:
        return self.title()

    def plot(self, ax: Axes | None = None) -> Axes:
        """A waterfall from the log odds before to those after."""
        return plot_waterfall(
            [r.finding for r in self.rows],
            [r.shapley for r in self.rows],
            before=self.before,
            of=f"{self.target} against {self.against}" if self.against else self.target,
            ax=ax,
        )


def explain(
    case: Case,
    target: str | None = None,
    *,
    against: str | None = None,
    exact: int = 12,
    seed: int = 0,
    progress: bool | None = None,
) -> Reasons:
    """Why a cause is as likely as it is.

    Args:
        case: the findings.
        target: a cause or mechanism that is not observed; the leading cause where None.
        against: another one to compare it with; then log odds are between the two.
        exact: up to this many findings the Shapley values are exact, from all subsets. Beyond, they
            come from 64 seeded permutations.
        seed: of the permutations.
        progress: show a progress bar; None: in a terminal only.

    Returns:
        What each finding contributed in log odds, what is expected and absent, what is present and
        unexplained, which finding would reverse the ranking, and the sources that matter most.

    Raises:
        UnknownNameError: a node is not known.
        EvidenceError: a node is observed.
        SpinelinkError: an option is out of range, or both nodes are the same.
        ImpossibleEvidenceError: the findings cannot occur together.

    Source:
        Shapley 1953, A value for n-person games.

    Example:
        >>> import spinelink as sl
        >>> case = sl.load("minimal").observe(leg_pain="below_knee", numbness=True)
        >>> answer = case.explain("lumbar_disc_herniation")
        >>> abs(sum(r.shapley for r in answer.rows) - (answer.after - answer.before)) < 1e-9
        True
    """
    meaning = "a number of findings, with twice as many subsets for each"
    exact = whole(exact, "exact", most=MOST_EXACT, meaning=meaning)
    seed = whole(seed, "seed")
    name = hidden_target(case, target)
    other = None if against is None else hidden_target(case, against)
    if other == name:
        raise SpinelinkError(f"{name} against itself says nothing; name two different nodes.")
    cited = tuple(s.key for s in sources(case, name).sources[:MOST_SOURCES])
    count = len(case.findings)
    is_exact = count <= exact
    total = 2**count if is_exact else PERMUTATIONS * count
    with bar("subsets of findings", total, progress) as on_progress:
        subsets = Subsets(case, name, other, on_progress)
        sides = subsets.sides()
        whole_odds, nothing, *without = log_odds(sides, subsets.nodes).tolist()
        values = subsets.exact_values(sides) if is_exact else subsets.sampled_values(seed)
    chain = _Chains(case, name)
    nodes = case.model.nodes
    rows = [
        Contribution(
            node=n,
            finding=describe(n, f),
            label=nodes[n].label,
            left_out=whole_odds - left,
            shapley=float(value),
            chain=chain.to(n),
        )
        for (n, f), left, value in zip(case.findings.items(), without, values, strict=True)
    ]
    rows.sort(key=lambda r: (-abs(r.shapley), r.node))
    return Reasons(
        question=case.question(target=name, against=other),
        target=name,
        against=other,
        before=nothing,
        after=whole_odds,
        rows=tuple(rows),
        exact=is_exact,
        absent=_expected(case, name),
        unexplained=_unexplained(case, sides, target=subsets.nodes[0]),
        reversals=_reversals(case),
        sources=cited,
    )


def _unexplained(case: Case, sides: Marginals, *, target: int) -> tuple[Unexplained, ...]:
    """Present findings that are unlikely given the cause and the other findings.

    sides: with all findings, without any, without each; P(finding | cause, others) is the ratio of
    P(all findings, cause) and P(all but it, cause).
    """
    if target not in sides.posterior:
        return ()
    with np.errstate(divide="ignore"):
        logs = sides.log_evidence + np.log(
            sides.posterior[target][1:].sum(axis=0)
        )  # P(findings, cause)
    nodes = case.model.nodes
    unlikely = [
        Unexplained(n, describe(n, f), nodes[n].label, float(np.exp(min(logs[0] - left, 0.0))))
        for (n, f), left in zip(case.findings.items(), logs[2:], strict=True)
        if case.is_observed(n)
        and f != nodes[n].states[0]
        and nodes[n].role in ("symptom", "sign", "test", "other")
        and np.isfinite(left)
    ]
    unlikely = [u for u in unlikely if u.probability <= UNEXPLAINED]
    return tuple(sorted(unlikely, key=lambda u: u.probability))


class _Chains:
    """The likeliest ways along the arrows from a cause to findings, through mechanisms."""

    def __init__(self, case: Case, cause: str) -> None:
        self.network, self.cause = case.model.network, cause
        mechanisms = [
            n
            for n, node in case.model.nodes.items()
            if node.role == "mechanism" and not case.is_observed(n)
        ]
        self.present = case.present(mechanisms)

    def to(self, finding: str) -> tuple[str, ...]:
        """The way on which every node is likeliest to be present; empty where there is none."""
        done: set[str] = set()
        queue: list[tuple[float, str, tuple[str, ...]]] = [(0.0, self.cause, (self.cause,))]
        while queue:
            length, name, way = heappop(queue)
            if name == finding and name != self.cause:
                return way
            if name in done:
                continue
            done.add(name)
            for child in self.network.children[name]:
                if child == finding:
                    heappush(queue, (length, child, (*way, child)))
                elif child not in done and self.network.nodes[child].role == "mechanism":
                    step = 0.01 - log(max(self.present.get(child, 1.0), 1e-9))
                    heappush(queue, (length + step, child, (*way, child)))
        return ()


def _expected(case: Case, target: str) -> tuple[Expected, ...]:
    """Findings in their first state although most people with the cause have them."""
    model, nodes = case.model, case.model.nodes
    below = _below(model.network, target)
    absent = [n for n, f in case.findings.items() if f == nodes[n].states[0] and n in below]
    if not absent or case.is_observed(target):
        return ()
    index = model.compiled.index
    present = np.ones((model.compiled.cards[index[target]], 1))
    present[0] = 0.0
    only_target = {index[target]: present}
    rows = [[index[target]]]
    answer = with_some_findings(
        model.compiled, only_target, subsets=rows, nodes=[index[n] for n in absent]
    )
    expected = [
        Expected(n, nodes[n].label, float(answer.posterior[index[n]][1:, 0].sum())) for n in absent
    ]
    expected = [e for e in expected if e.probability >= TYPICAL]
    return tuple(sorted(expected, key=lambda e: -e.probability))


def _below(network: Network, name: str) -> set[str]:
    """All descendants of a node."""
    below: set[str] = set()
    stack = [name]
    while stack:
        children = set(network.children[stack.pop()]) - below
        below |= children
        stack.extend(children)
    return below


def _reversals(case: Case) -> tuple[Reversal, ...]:
    """Findings that would put another cause first in another state; one for each finding."""
    model, nodes = case.model, case.model.nodes
    ranked = [n for n in model.network.ranked if not case.is_observed(n)]
    others = [
        (n, f, s)
        for n, f in case.findings.items()
        if isinstance(f, str)
        for s in nodes[n].states
        if s != f
    ]
    if len(ranked) < 2 or not others:
        return ()
    compiled = model.compiled
    index = [compiled.index[n] for n in ranked]

    def leading(present: Mapping[str, float]) -> str:
        return max(ranked, key=lambda n: (np.nan_to_num(present[n]), n))

    now = leading(case.present(ranked))
    more = [{compiled.index[n]: nodes[n].states.index(s)} for n, _, s in others]
    answer = with_more_findings(compiled, case.observed, more=more, nodes=index)
    reversals: dict[str, Reversal] = {}
    for k, (n, f, s) in enumerate(others):
        if n in reversals or not np.isfinite(answer.log_evidence[k]):
            continue
        present = {
            m: float(answer.posterior[i][1:, k].sum()) for m, i in zip(ranked, index, strict=True)
        }
        if (leader := leading(present)) != now:
            reversals[n] = Reversal(n, f, s, leader)
    return tuple(reversals.values())
