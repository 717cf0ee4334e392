"""Do the findings fit together? Jensen's conflict measure, traced to findings and causes.

conf(e) = log2 of the product of P(each finding), over P(all findings). Above 0 the findings hinder
each other: together they are rarer than if they were independent. That hints at a wrong finding, at
a rare cause, or at one that the network does not know. It proves nothing.

Source: Jensen, Chamberlain, Nordahl and Jensen 1991.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from spinelink.case import Case
from spinelink.inference.variants.one_case import with_some_findings
from spinelink.network.evidence import describe
from spinelink.result import Result
from spinelink.view.text import short_number

if TYPE_CHECKING:
    import pandas as pd

LEAST_CONFLICT = 0.1
"""Bits; less conflict between two findings is not listed."""
CARRIED = 0.9
"""The group that carries a conflict holds at least this fraction of it."""


@dataclass(frozen=True)
class Pair:
    """Two findings and their conflict, in bits."""

    first: str
    second: str
    conflict: float


@dataclass(frozen=True)
class Group:
    """Findings that carry the conflict.

    None can be left out without losing a tenth of the whole. conflict: of these findings alone.
    """

    findings: tuple[str, ...]
    conflict: float


@dataclass(frozen=True)
class Resolution:
    """A cause that, taken as there, leaves no conflict. remaining: the conflict with it, 0 bits or less."""

    cause: str
    prior: float
    posterior: float
    remaining: float


@dataclass(frozen=True, repr=False)
class Conflict(Result):
    """The conflict of all findings in bits; above 0 they hinder each other.

    pairs: those that hinder each other, the worst first. group: the findings that carry a conflict.
    parts: finding -> what the conflict falls by without it. resolutions: causes that would resolve it,
    the likeliest first.
    """

    total: float
    pairs: tuple[Pair, ...]
    group: Group | None
    parts: Mapping[str, float]
    resolutions: tuple[Resolution, ...]

    def to_frame(self) -> pd.DataFrame:
        """Columns: finding, part (bits by which the conflict falls without it), the largest first."""
        import pandas as pd

        rows = sorted(self.parts.items(), key=lambda each: -each[1])
        return pd.DataFrame(rows, columns=["finding", "part"])

    def pairs_frame(self) -> pd.DataFrame:
        """Columns: first, second, conflict (bits)."""
        import pandas as pd

        return pd.DataFrame(
            [(p.first, p.second, p.conflict) for p in self.pairs],
            columns=["first", "second", "conflict"],
        )

    def title(self) -> str:
        """What stands above the table."""
        lines = [str(self.question)]
        if self.total <= 0.0:
            lines.append(
                f"The findings fit together (conflict {self.total:+.2f} bits; above 0 they would hinder each other)."
            )
        else:
            lines.append(
                f"The findings hinder each other: conflict {self.total:+.2f} bits. One may be wrong, or the cause rare, or unknown to the network."
            )
        if self.group is not None:
            lines.append(
                f"Carried by: {', '.join(self.group.findings)} (alone {self.group.conflict:+.2f} bits)."
            )
        lines += [f"  {p.first} with {p.second}: {p.conflict:+.2f} bits" for p in self.pairs[:8]]
        if self.total > 0.0:
            resolved = ", ".join(
                f"{r.cause} (posterior {short_number(r.posterior)}, prior {short_number(r.prior)})"
                for r in self.resolutions[:5]
            )
            lines.append(
                f"Resolved by: {resolved}."
                if resolved
                else "No single cause of the network resolves it."
            )
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.title()


def conflict(case: Case) -> Conflict:
    """Do the findings fit together?

    Args:
        case: the findings.

    Returns:
        Jensen's conflict measure of all findings, in bits: above 0 they hinder each other. With it
        the pairs and the group that carry the conflict, and the causes that would resolve it.

    Raises:
        ImpossibleEvidenceError: the findings cannot occur together at all.

    Source:
        Jensen, Chamberlain, Nordahl and Jensen 1991, Analysis in HUGIN of data conflict.

    Example:
        >>> import spinelink as sl
        >>> case = sl.load("minimal").observe(leg_pain="below_knee", numbness=True)
        >>> case.conflict().total < 0
        True
    """
    question = case.question()
    evidence = case.findings
    names = list(evidence)
    words = {n: describe(n, f) for n, f in evidence.items()}
    pairs = [(a, b) for a, b in combinations(names, 2)]
    without = [tuple(m for m in names if m != n) for n in names]
    subsets = [*((n,) for n in names), *pairs, tuple(names), *without]
    bits = _bits(case, subsets)
    alone = {n: bits[(n,)] for n in names}
    conflicts = {s: sum(alone[n] for n in s) - b for s, b in bits.items()}
    total = conflicts[tuple(names)] if names else 0.0
    listed = [Pair(words[a], words[b], conflicts[a, b]) for a, b in pairs]
    listed = [p for p in listed if p.conflict > LEAST_CONFLICT]
    parts = {words[n]: total - conflicts[rest] for n, rest in zip(names, without, strict=True)}
    return Conflict(
        question,
        total,
        tuple(sorted(listed, key=lambda p: (-p.conflict, p.first, p.second))),
        _group(case, alone, total) if total > 0.0 else None,
        parts,
        _resolutions(case, total) if total > 0.0 else (),
    )


def _bits(case: Case, subsets: Sequence[tuple[str, ...]]) -> dict[tuple[str, ...], float]:
    """log2 P(findings) of each subset of the findings."""
    compiled = case.model.compiled
    rows = [[compiled.index[n] for n in subset] for subset in subsets]
    found = with_some_findings(compiled, case.observed, subsets=rows, nodes=[]).log_evidence
    logs = (found - case.model.log_selected) / np.log(2.0)
    return dict(zip(subsets, logs.tolist(), strict=True))


def _group(case: Case, alone: Mapping[str, float], total: float) -> Group:
    """The smallest group that carries the conflict, found greedily.

    Findings are left out one after the other, each time the one without which most conflict
    remains, as long as nearly all of it does.
    """
    group, carried = tuple(alone), total
    while len(group) > 1:
        rests = [tuple(m for m in group if m != n) for n in group]
        remaining = {r: sum(alone[n] for n in r) - b for r, b in _bits(case, rests).items()}
        best = max(rests, key=lambda r: remaining[r])
        if remaining[best] < CARRIED * total:
            break
        group, carried = best, remaining[best]
    return Group(tuple(describe(n, case.findings[n]) for n in group), carried)


def _resolutions(case: Case, total: float) -> tuple[Resolution, ...]:
    """Causes that the findings make so much likelier that nothing is left of the conflict."""
    causes = [n for n in case.model.network.ranked if n not in case.findings]
    posterior, prior = case.present(causes), case.prior_present(causes)
    resolutions = []
    for cause, p in posterior.items():
        if p > 0.0 and prior[cause] > 0.0:
            remaining = total - float(np.log2(p / prior[cause]))
            if remaining <= 0.0:
                resolutions.append(Resolution(cause, prior[cause], p, remaining))
    return tuple(sorted(resolutions, key=lambda r: (-r.posterior, r.cause)))
