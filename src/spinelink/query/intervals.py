"""How sure the posteriors and the ranks are, given how sure the network's numbers are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from spinelink.errors import SpinelinkError
from spinelink.network.network import Network
from spinelink.network.question import Question
from spinelink.result import Result

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Array = NDArray[np.float64]
Method = Literal["draws", "delta"]


@dataclass(frozen=True)
class Interval:
    """One node: P(it is not in its first state), its credible interval, and where it ranks over the draws (not a number by the delta method)."""

    node: str
    label: str
    posterior: float
    low: float
    high: float
    first: float
    rank_low: float
    rank_high: float
    shares: tuple[tuple[str, float], ...]

    @property
    def width(self) -> float:
        """high - low."""
        return self.high - self.low


@dataclass(frozen=True, repr=False)
class Intervals(Result):
    """Credible intervals of posteriors and of ranks, highest posterior first. impossible: draws under which the findings cannot occur (left out).

    drawn: node -> its posterior under each draw, (draws,), not a number where a draw is impossible; empty for the delta method.
    """

    level: float
    method: Method
    draws: int
    impossible: int
    rows: tuple[Interval, ...]
    drawn: Mapping[str, Array] = field(default_factory=dict, compare=False)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, node: str) -> Interval:
        for row in self.rows:
            if row.node == node:
                return row
        raise KeyError(node)

    def to_frame(self) -> pd.DataFrame:
        """Columns: node, label, posterior, low, high, first (share of draws in which it ranks first), rank_low, rank_high."""
        import pandas as pd

        rows = [
            (r.node, r.label, r.posterior, r.low, r.high, r.first, r.rank_low, r.rank_high)
            for r in self.rows
        ]
        return pd.DataFrame(
            rows,
            columns=["node", "label", "posterior", "low", "high", "first", "rank_low", "rank_high"],
        )

    def shown(self) -> pd.DataFrame:
        return self.to_frame().drop(columns="node")

    def shares(self, node: str) -> pd.DataFrame:
        """Where the interval comes from: the share of the variance (of the log odds, to first order) that each number brings, largest first."""
        import pandas as pd

        return pd.DataFrame(self[node].shares, columns=["parameter", "share"])

    def title(self) -> str:
        how = f"{self.draws} draws of the numbers" if self.method == "draws" else "delta method"
        left = (
            f"; {self.impossible} draws left out, in which the findings cannot occur"
            if self.impossible
            else ""
        )
        return f"{self.question}\n{self.level:.0%} credible intervals from the uncertainty of the numbers ({how}{left})"

    def plot(self, ax: Axes | None = None, *, limit: int = 6) -> Axes:
        """The posterior of the leading nodes over the draws. Raises SpinelinkError for the delta method, which has none."""
        from spinelink.view.plot.ranking import plot_draws

        if not self.drawn:
            raise SpinelinkError(
                "the delta method makes no draws to plot; ask with method='draws'."
            )
        return plot_draws(self, ax=ax, limit=limit)


def check_level(level: float) -> float:
    """The level as a number between 0 and 1; raises SpinelinkError."""
    if isinstance(level, bool) or not isinstance(level, int | float) or not 0.0 < level < 1.0:
        raise SpinelinkError(f"an interval's level lies between 0 and 1, as 0.95; not {level!r}.")
    return float(level)


def by_draws(
    network: Network,
    question: Question,
    posterior: Mapping[str, float],
    drawn: Mapping[str, Array],
    shares: Mapping[str, Sequence[tuple[str, float]]],
    *,
    level: float,
) -> Intervals:
    """Equal-tailed intervals. posterior: under the estimates; drawn: (draws,) for each node, not a number where a draw is impossible."""
    names = sorted(posterior, key=lambda n: (-posterior[n], n))
    table = np.array([drawn[n] for n in names])  # (nodes, draws)
    possible = np.isfinite(table).all(axis=0)
    if not possible.any():
        raise SpinelinkError("under no draw of the numbers can these findings occur")
    kept = table[:, possible]
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(kept, [tail, 1.0 - tail], axis=1)
    ranks = np.argsort(np.argsort(-kept, axis=0, kind="stable"), axis=0) + 1
    rank_low, rank_high = np.quantile(ranks, [tail, 1.0 - tail], axis=1, method="inverted_cdf")
    first = (ranks == 1).mean(axis=1)
    rows = tuple(
        Interval(
            n, network.nodes[n].label, posterior[n], float(low[k]), float(high[k]), float(first[k]), float(rank_low[k]), float(rank_high[k]),
            tuple(shares.get(n, ())),
        )
        for k, n in enumerate(names)
    )  # fmt: skip
    return Intervals(
        question, level, "draws", table.shape[1], int((~possible).sum()), rows, dict(drawn)
    )


def by_delta(
    network: Network,
    question: Question,
    posterior: Mapping[str, float],
    deviation: Mapping[str, float],
    shares: Mapping[str, Sequence[tuple[str, float]]],
    *,
    level: float,
) -> Intervals:
    """Normal intervals of the log odds. deviation: standard deviation of each posterior's log odds, to first order."""
    from statistics import NormalDist

    z = NormalDist().inv_cdf(0.5 + level / 2.0)
    nan = float("nan")
    rows = []
    for n in sorted(posterior, key=lambda n: (-posterior[n], n)):
        p = posterior[n]
        low, high = (
            (p, p)
            if p in (0.0, 1.0)
            else (_shifted(p, -z * deviation[n]), _shifted(p, z * deviation[n]))
        )
        rows.append(
            Interval(
                n, network.nodes[n].label, p, low, high, nan, nan, nan, tuple(shares.get(n, ()))
            )
        )
    return Intervals(question, level, "delta", 0, 0, tuple(rows))


def _shifted(p: float, by: float) -> float:
    """p with its log odds moved."""
    return float(1.0 / (1.0 + np.exp(-(np.log(p) - np.log1p(-p) + by))))
