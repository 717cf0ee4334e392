"""Do the findings fit together: Jensen's conflict measure (Jensen, Chamberlain, Nordahl, Jensen 1991), traced to pairs and to the
group that carries it, and whether a cause resolves it.

conf(e) = log2 of the product of P(each finding), over P(all findings). Above 0 the findings hinder each other: together they are rarer than if they had
nothing to do with each other. That is a hint at a wrong finding, at a rare cause, or at one that the network does not know; it is no proof.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.findings import Observed
from spinelink.inference.variants.one_case import with_some_findings
from spinelink.network.evidence import Evidence, describe
from spinelink.network.network import Network
from spinelink.network.question import Question
from spinelink.result import Result

if TYPE_CHECKING:
    import pandas as pd

WORTH = 0.1  # bits: less conflict between two findings is not listed
CARRIED = 0.9  # share of the whole conflict that the group carrying it holds at least


@dataclass(frozen=True)
class Pair:
    """Two findings and their conflict, in bits."""

    first: str
    second: str
    conflict: float


@dataclass(frozen=True)
class Group:
    """Findings that carry the conflict: none can be left out without losing a tenth of the whole. conflict: that of these findings alone, in bits."""

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
    """The conflict of all findings in bits, above 0 where they hinder each other; pairs that do, the worst first; the group that carries it, where it is
    above 0; each finding's part (what the conflict falls by without it); and causes that would resolve it, the likeliest first."""

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
                f"{r.cause} (posterior {r.posterior:.3g}, prior {r.prior:.3g})"
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


def conflict(
    network: Network,
    question: Question,
    compiled: CompiledNetwork,
    evidence: Evidence,
    observed: Observed,
    prior: Mapping[str, float],
    posterior: Mapping[str, float],
) -> Conflict:
    """See `Case.conflict`. prior, posterior: of each ranked cause that is not observed."""
    names = list(evidence)
    index = {n: compiled.index[n] for n in names}
    words = {n: describe(n, f) for n, f in evidence.items()}
    sets = (
        [[n] for n in names]
        + [list(pair) for pair in combinations(names, 2)]
        + [names]
        + [[m for m in names if m != n] for n in names]
    )
    logs = with_some_findings(
        compiled, observed, [[index[n] for n in each] for each in sets], nodes=[]
    ).log_evidence / np.log(2.0)
    alone = dict(zip(names, logs, strict=False))
    found = {
        frozenset(each): float(sum(alone[n] for n in each) - log)
        for each, log in zip(sets, logs, strict=True)
    }
    total = found[frozenset(names)] if names else 0.0
    pairs = [Pair(words[a], words[b], found[frozenset((a, b))]) for a, b in combinations(names, 2)]
    parts = {words[n]: total - found.get(frozenset(m for m in names if m != n), 0.0) for n in names}
    carried = _group(compiled, observed, names, alone, total) if total > 0.0 else None
    group = None if carried is None else Group(tuple(words[n] for n in carried[0]), carried[1])
    resolutions = []
    if total > 0.0:
        for cause, p in posterior.items():
            if p > 0.0 and prior[cause] > 0.0:
                remaining = total - float(np.log2(p / prior[cause]))
                if remaining <= 0.0:
                    resolutions.append(Resolution(cause, prior[cause], p, remaining))
    return Conflict(
        question,
        total,
        tuple(
            sorted(
                (p for p in pairs if p.conflict > WORTH),
                key=lambda p: (-p.conflict, p.first, p.second),
            )
        ),
        group,
        parts,
        tuple(sorted(resolutions, key=lambda r: (-r.posterior, r.cause))),
    )


def _group(
    compiled: CompiledNetwork,
    observed: Observed,
    names: Sequence[str],
    alone: Mapping[str, float],
    total: float,
) -> tuple[list[str], float]:
    """Findings left out one after the other, each time the one without which most conflict is left, as long as nearly all of it is."""
    kept, own = list(names), total
    while len(kept) > 1:
        rests = [[m for m in kept if m != n] for n in kept]
        logs = with_some_findings(
            compiled, observed, [[compiled.index[n] for n in rest] for rest in rests], nodes=[]
        ).log_evidence / np.log(2.0)
        left = [
            sum(alone[n] for n in rest) - float(log) for rest, log in zip(rests, logs, strict=True)
        ]
        best = int(np.argmax(left))
        if left[best] < CARRIED * total:
            break
        kept, own = rests[best], left[best]
    return kept, own
