"""How sure the posteriors and the ranks are, given how sure the network's parameters are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from spinelink.case import Case
from spinelink.errors import EvidenceError, SpinelinkError
from spinelink.inference.joint_parameters import Together, parameters_together
from spinelink.inference.sampled_parameters import posterior_draws
from spinelink.options import draws_of, flag_or_none, one_of, seed_of
from spinelink.options import level as check_level
from spinelink.progress import bar
from spinelink.query.effects import parts_of_variance
from spinelink.result import Result
from spinelink.view.plot.ranking import plot_sampled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Array = NDArray[np.float64]
Method = Literal["draws", "delta"]


@dataclass(frozen=True)
class Interval:
    """P(present) of one node, its credible interval, and its rank under sampled parameters.

    first: how often it ranks first. shares: parameter -> fraction of the variance; less than 0 where a
    parameter that varies together with others narrows the interval. Ranks are NaN by the delta method.
    """

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
        """High - low."""
        return self.high - self.low


@dataclass(frozen=True, repr=False)
class Intervals(Result):
    """Credible intervals of posteriors and of ranks, the highest posterior first.

    impossible: samples under which the findings cannot occur; they are left out. drawn: node -> its
    posterior under each sample, (draws,), NaN where impossible; empty for the delta method. joint: fitted
    parameters vary together.
    """

    level: float
    method: Method
    draws: int
    impossible: int
    rows: tuple[Interval, ...]
    drawn: Mapping[str, Array] = field(default_factory=dict, compare=False)
    joint: bool = False

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, node: str) -> Interval:
        for row in self.rows:
            if row.node == node:
                return row
        raise KeyError(node)

    def to_frame(self) -> pd.DataFrame:
        """Columns: node, label, posterior, low, high, first, rank_low, rank_high.

        first: the fraction of samples in which the node ranks first.
        """
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
        """The columns that fit beside each other."""
        return self.to_frame().drop(columns="node")

    def shares(self, node: str) -> pd.DataFrame:
        """Where the interval comes from: the fraction of variance of each parameter.

        Of the log odds, to first order, the largest first. Columns: parameter, share. Raises
        UnknownNameError.
        """
        import pandas as pd

        return pd.DataFrame(self[node].shares, columns=["parameter", "share"])

    def title(self) -> str:
        """What stands above the table."""
        how = f"{self.draws} sampled parameters" if self.method == "draws" else "delta method"
        left = (
            f"; {self.impossible} draws left out, in which the findings cannot occur"
            if self.impossible
            else ""
        )
        how += ", fitted parameters together" if self.joint else ""
        return f"{self.question}\n{self.level:.0%} credible intervals from the uncertainty of the parameters ({how}{left})"

    def plot(self, ax: Axes | None = None, *, limit: int = 6) -> Axes:
        """The posterior of the leading nodes under sampled parameters.

        Raises SpinelinkError for the delta method, which has none.
        """
        if not self.drawn:
            raise SpinelinkError(
                "the delta method makes no draws to plot; ask with method='draws'."
            )
        rows = [row for row in self.rows if row.node in self.drawn]
        return plot_sampled(
            [row.label for row in rows],
            [self.drawn[row.node] for row in rows],
            posterior=[row.posterior for row in rows],
            level=self.level,
            ax=ax,
            limit=limit,
        )


def intervals(
    case: Case,
    nodes: str | Iterable[str] | None = None,
    *,
    level: float = 0.95,
    method: Method = "draws",
    draws: int = 4096,
    seed: int = 0,
    joint: bool | None = None,
    progress: bool | None = None,
) -> Intervals:
    """How sure a posterior is, given how sure the network's parameters are.

    Args:
        case: the findings.
        nodes: whose P(present) is asked for; the ranked causes where None.
        level: of the credible intervals, as 0.95.
        method: "draws" answers the case under sampled parameters (quasi-Monte Carlo). "delta" uses
            the exact derivatives to first order; it is quick and gives no intervals of ranks.
        draws: how many sampled parameters, 2 or more.
        seed: of the samples. The same seed gives the same intervals.
        joint: let fitted parameters vary together, by the covariance of their fit. False: all are
            independent. None: together where the model has such a covariance.
        progress: show a progress bar; None: in a terminal only.

    Returns:
        Intervals of P(present) and of ranks. `.shares(node)` names the parameters behind the width.

    Raises:
        UnknownNameError: a node or the method is not known.
        EvidenceError: a node is observed, so that its probability has no interval.
        SpinelinkError: an option is out of range, or `joint` is True and there is no covariance.

    Source:
        Sobol points with Owen's scrambling; delta method on log odds.

    Example:
        >>> import spinelink as sl
        >>> case = sl.load("minimal").observe(numbness=True)
        >>> row = case.intervals("lumbar_disc_herniation", draws=64)["lumbar_disc_herniation"]
        >>> row.low < row.posterior < row.high
        True
    """
    level = check_level(level)
    one_of(method, "method", get_args(Method))
    draws, seed = draws_of(draws, least=2), seed_of(seed)
    names = _names(case, nodes)
    posterior = case.present(names)
    together = _together(case, joint)
    is_joint = together is not None
    deviation, shares = _deviations(case, names, posterior=posterior, together=together)
    question = case.question(level=level, method=method, draws=draws, seed=seed, joint=joint)
    rows = _Rows(case, posterior, shares)
    if method == "delta":
        listed = rows.by_delta(deviation, level)
        return Intervals(question, level, method, 0, 0, listed, joint=is_joint)
    model = case.model
    index = [model.compiled.index[n] for n in names]
    with bar("draws", draws, progress) as on_progress:
        answer = posterior_draws(
            model.network,
            model.in_force,
            compiled=model.compiled,
            observed=case.observed,
            nodes=index,
            draws=draws,
            seed=seed,
            together=together,
            on_progress=on_progress,
        )
    drawn = {n: answer.posterior[i][1:].sum(axis=0) for n, i in zip(names, index, strict=True)}
    possible = np.isfinite(np.array(list(drawn.values()))).all(axis=0)
    if not possible.any():
        raise SpinelinkError("under no sampled parameters can these findings occur.")
    listed = rows.by_draws({n: p[possible] for n, p in drawn.items()}, level)
    impossible = int((~possible).sum())
    return Intervals(question, level, method, draws, impossible, listed, drawn, is_joint)


def _together(case: Case, joint: bool | None) -> Together | None:
    """The fitted parameters that vary together, as asked for. Raises SpinelinkError."""
    joint, model = flag_or_none(joint, "joint"), case.model
    if joint is False:
        return None
    together = parameters_together(
        model.covariance, model.network, setting=model.setting, parameters=model.in_force
    )
    if joint and together is None:
        raise SpinelinkError(
            "joint=True needs the covariance of a fit, and this model has none. Take "
            "model.fitted(model.fit_claims()) or a network file after `spinelink fit`; or leave "
            "joint out, and all parameters are independent."
        )
    return together


def _names(case: Case, nodes: str | Iterable[str] | None) -> list[str]:
    if nodes is None:
        names = [n for n in case.model.network.ranked if n not in case.findings]
    else:
        names = case.model.names(nodes)
    for name in names:
        if case.is_observed(name):
            raise EvidenceError(f"{name} is observed: its probability has no interval.")
    if not names:
        raise SpinelinkError("no node to give intervals for; name one")
    return names


Shares = Mapping[str, Sequence[tuple[str, float]]]
"""Node -> parameter ids with their fractions of the variance, largest first."""


def _deviations(
    case: Case,
    names: list[str],
    *,
    posterior: Mapping[str, float],
    together: Together | None,
) -> tuple[dict[str, float], Shares]:
    """The standard deviation of each node's log odds, to first order, and where it comes from."""
    index = case.model.compiled.index
    parts = parts_of_variance(case, [(index[n], 0) for n in names], together=together)
    total = np.maximum(np.sum(list(parts.values()), axis=0), 0.0)
    deviation: dict[str, float] = {}
    shares: dict[str, list[tuple[str, float]]] = {}
    for k, n in enumerate(names):
        p = posterior[n]
        deviation[n] = float(np.sqrt(total[k])) / (p * (1.0 - p)) if 0.0 < p < 1.0 else 0.0
        by_parameter = [
            (name, float(v[k] / total[k])) for name, v in parts.items() if v[k] and total[k]
        ]
        shares[n] = sorted(by_parameter, key=lambda pair: -pair[1])
    return deviation, shares


@dataclass(frozen=True)
class _Rows:
    """Makes the rows of `Intervals`, the highest posterior first."""

    case: Case
    posterior: Mapping[str, float]
    shares: Shares

    @property
    def order(self) -> list[str]:
        return sorted(self.posterior, key=lambda n: (-self.posterior[n], n))

    def _row(
        self, node: str, low: float, high: float, ranks: tuple[float, float, float]
    ) -> Interval:
        """ranks: how often it ranks first, and the interval of its rank."""
        label, shares = self.case.model.nodes[node].label, tuple(self.shares[node])
        return Interval(node, label, self.posterior[node], low, high, *ranks, shares)

    def by_draws(self, drawn: Mapping[str, Array], level: float) -> tuple[Interval, ...]:
        """Equal-tailed intervals. drawn: node -> posterior under each possible sample, (draws,)."""
        table = np.array([drawn[n] for n in self.order])  # (nodes, draws)
        tails = [(1.0 - level) / 2.0, (1.0 + level) / 2.0]
        low, high = np.quantile(table, tails, axis=1)
        ranks = np.argsort(np.argsort(-table, axis=0, kind="stable"), axis=0) + 1
        rank_low, rank_high = np.quantile(ranks, tails, axis=1, method="inverted_cdf")
        first = (ranks == 1).mean(axis=1)
        return tuple(
            self._row(
                n,
                float(low[k]),
                float(high[k]),
                (float(first[k]), float(rank_low[k]), float(rank_high[k])),
            )
            for k, n in enumerate(self.order)
        )

    def by_delta(self, deviation: Mapping[str, float], level: float) -> tuple[Interval, ...]:
        """Normal intervals of the log odds; deviation: node -> standard deviation."""
        z = NormalDist().inv_cdf(0.5 + level / 2.0)
        nan = float("nan")
        rows = []
        for n in self.order:
            p, by = self.posterior[n], z * deviation[n]
            low, high = (p, p) if p in (0.0, 1.0) else (_shifted(p, -by), _shifted(p, by))
            rows.append(self._row(n, low, high, (nan, nan, nan)))
        return tuple(rows)


def _shifted(p: float, by: float) -> float:
    """P with its log odds moved."""
    return float(1.0 / (1.0 + np.exp(-(np.log(p) - np.log1p(-p) + by))))
