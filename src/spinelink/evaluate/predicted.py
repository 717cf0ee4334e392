"""Predicted figures as an answer: each with its predictive distribution, scores, and baselines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from spinelink.errors import SpinelinkError
from spinelink.network.claim import Claim
from spinelink.options import text_list
from spinelink.result import Result, plain
from spinelink.view.html import text_in_notebook
from spinelink.view.plot.prediction import plot_coverage, plot_predicted
from spinelink.view.text import frame_text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Array = NDArray[np.float64]
By = Literal["study", "year"]
SPLIT_YEAR = 2014
"""Studies up to this year predict the later ones, where figures are left out by year."""
LEVELS = tuple(k / 100.0 for k in range(10, 100, 5))
"""Nominal coverages of the coverage curve."""
GROUPS = ("fit", "kind", "setting", "given", "study", "fold")
"""Columns by which predicted figures are summed up."""


@dataclass(frozen=True)
class Baseline:
    """A simpler prediction: its mean, and the log density that it gave to the figure."""

    mean: float
    log_score: float


@dataclass(frozen=True, eq=False)
class Predicted:
    """One figure that was left out.

    Attributes:
        name: of the claim.
        claim: as published.
        fold: in which it was left out.
        published: on the log-odds or log scale.
        mean: as predicted, on that scale.
        interval_50, interval_90: predictive intervals on that scale.
        log_score: logarithm of the predictive density at the published figure; larger is better.
        rank_score: the continuous ranked probability score; smaller is better.
        below: the predictive probability of a smaller figure than the published one. Over many
            figures it is spread evenly from 0 to 1 where predictions are as uncertain as they say.
        stock: the median of the other figures of its kind of quantity.
        priors: the network before any figure.
    """

    name: str
    claim: Claim
    fold: int
    published: float
    mean: float
    interval_50: tuple[float, float]
    interval_90: tuple[float, float]
    log_score: float
    rank_score: float
    below: float
    stock: Baseline
    priors: Baseline

    def row(self) -> tuple[object, ...]:
        """As a row of the table; see `COLUMNS`."""
        c, low, high = self.claim, *self.interval_90
        inside = [a <= self.published <= b for a, b in (self.interval_50, self.interval_90)]
        return (
            *(self.name, self.fold, c.setting, "; ".join(c.given), c.kind, c.fit, c.source[0]),
            *(
                c.published,
                c.unscaled(float(self.mean)),
                c.unscaled(float(low)),
                c.unscaled(float(high)),
            ),
            *(self.published, self.mean, *inside, abs(self.mean - self.published)),
            *(self.log_score, self.rank_score, self.below),
            *(abs(self.stock.mean - self.published), self.stock.log_score),
            *(abs(self.priors.mean - self.published), self.priors.log_score),
        )


COLUMNS = (
    *("claim", "fold", "setting", "given", "kind", "fit", "study"),
    *("published", "predicted", "low", "high"),
    *("scaled_published", "scaled_predicted", "inside_50", "inside_90", "error"),
    *("log_score", "rank_score", "below", "stock_error", "stock_log_score"),
    *("priors_error", "priors_log_score"),
)


@dataclass(frozen=True, eq=False, repr=False)
class CrossValidation(Result):
    """Figures predicted by fits without their studies.

    Attributes:
        rows: one a figure that was left out.
        by: "study" or "year".
    """

    rows: tuple[Predicted, ...]
    by: By

    def to_frame(self) -> pd.DataFrame:
        """One row a figure.

        Columns: claim, fold, setting, given, kind, fit, study; published, predicted, low, high (90 %
        predictive interval); scaled_published, scaled_predicted (log odds or log ratio); inside_50,
        inside_90; error; log_score, rank_score; below (predictive probability of a smaller figure);
        and error and log_score of both baselines.
        """
        import pandas as pd

        return pd.DataFrame([r.row() for r in self.rows], columns=list(COLUMNS))

    def summary(self, by: str | Sequence[str] = "fit") -> pd.DataFrame:
        """Scores by group.

        Args:
            by: one or more of the columns fit, kind, setting, given, study, fold.

        Returns:
            figures; covered_50 and covered_90 (fractions in the predictive intervals); log_score and
            rank_score (means); gain (mean log score above the better baseline); error, stock_error
            and priors_error (medians); nearer (fraction nearer than the stock's median).

        Raises:
            SpinelinkError: there is no such column.
        """
        columns = text_list(by, "by", what="a column or a list of columns")
        odd = [name for name in columns if name not in GROUPS]
        if odd or not columns:
            raise SpinelinkError(f"by: one or more of {', '.join(GROUPS)}; not {odd or columns}.")
        frame = self.to_frame()
        frame["setting"] = frame["setting"].fillna("")
        return scores(frame, columns)

    def total(self) -> pd.DataFrame:
        """The same for all figures, as one row."""
        frame = self.to_frame().assign(figures="all")
        return scores(frame, "figures")

    def coverage(self) -> pd.DataFrame:
        """How many figures lie inside predictive intervals of each level.

        Returns:
            nominal (the level, 0.10 to 0.95) and observed (the fraction of figures inside).
        """
        import pandas as pd

        reached = np.abs(2.0 * np.array([r.below for r in self.rows]) - 1.0)
        observed = [float((reached <= level).mean()) for level in LEVELS]
        return pd.DataFrame({"nominal": LEVELS, "observed": observed})

    def plot(self, ax: Axes | None = None) -> Axes:
        """Predicted against published figures, with 90 % predictive intervals.

        Args:
            ax: where to draw; new Axes where None.

        Returns:
            The Axes.
        """
        rows = self.rows
        return plot_predicted(
            np.array([r.published for r in rows]),
            np.array([r.mean for r in rows]),
            intervals=np.array([r.interval_90 for r in rows]),
            kinds=[r.claim.kind for r in rows],
            has_ratios=any(r.claim.is_ratio for r in rows),
            ax=ax,
        )

    def plot_coverage(self, ax: Axes | None = None) -> Axes:
        """The fraction of figures inside predictive intervals, over the level of the intervals.

        Args:
            ax: where to draw; new Axes where None.

        Returns:
            The Axes.
        """
        curve = self.coverage()
        return plot_coverage(
            curve["nominal"].to_numpy(), curve["observed"].to_numpy(), figures=len(self.rows), ax=ax
        )

    def to_dict(self) -> dict[str, object]:
        """The answer as plain values: how figures were left out, the total, and one row a figure."""
        return {
            **self.head(),
            "by": self.by,
            "total": plain(self.total().to_dict(orient="records")[0]),
            "summary": plain(self.summary().reset_index().to_dict(orient="records")),
            "rows": plain(self.to_frame().to_dict(orient="records")),
        }

    def title(self) -> str:
        """What stands above the table."""
        how = (
            "whole studies left out"
            if self.by == "study"
            else f"those of studies after {SPLIT_YEAR}"
        )
        many = len(self.rows) != 1
        words = "figures predicted by fits without them" if many else "figure predicted without it"
        return f"{len(self.rows)} {words} ({how}):"

    def __str__(self) -> str:
        import pandas as pd

        table = pd.concat([self.summary(), self.total()])
        return f"{self.title()}\n\n{frame_text(table, index=True, digits=3, zeros=False)}"

    def _repr_html_(self) -> str:
        return text_in_notebook(str(self))


def scores(frame: pd.DataFrame, by: str | Sequence[str]) -> pd.DataFrame:
    """Scores of predicted figures by group; see `CrossValidation.summary`. frame: as `to_frame`."""
    columns = [by] if isinstance(by, str) else list(by)
    nearer = frame["error"] < frame["stock_error"]
    groups = frame.assign(nearer=nearer).groupby(columns, sort=False)
    found = groups.agg(
        figures=("claim", "size"),
        covered_50=("inside_50", "mean"),
        covered_90=("inside_90", "mean"),
        log_score=("log_score", "mean"),
        rank_score=("rank_score", "mean"),
        stock_log_score=("stock_log_score", "mean"),
        priors_log_score=("priors_log_score", "mean"),
        error=("error", "median"),
        stock_error=("stock_error", "median"),
        priors_error=("priors_error", "median"),
        nearer=("nearer", "mean"),
    )
    better = found[["stock_log_score", "priors_log_score"]].max(axis=1)
    found.insert(4, "gain", found["log_score"] - better)
    return found
