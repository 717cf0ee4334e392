"""Which causes, ranked by posterior."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from spinelink.errors import SpinelinkError
from spinelink.network.network import Network
from spinelink.network.question import Question
from spinelink.result import Result, in_notebook, show_number

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class RankedCause:
    """One line of a differential: probabilities that the cause is there, before and after the findings.

    low, high, first: credible interval and share of draws in which it ranks first, where intervals were asked for.
    """

    cause: str
    label: str
    prior: float
    posterior: float
    urgency: str
    low: float = float("nan")
    high: float = float("nan")
    first: float = float("nan")

    @property
    def ratio(self) -> float:
        """posterior / prior."""
        return self.posterior / self.prior if self.prior > 0.0 else float("nan")


@dataclass(frozen=True, repr=False)
class Ranking(Result):
    """Causes by posterior probability, highest first. They are not exclusive: a person may have several."""

    causes: tuple[RankedCause, ...]
    findings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.causes)

    def __getitem__(self, position: int) -> RankedCause:
        return self.causes[position]

    def to_frame(self) -> pd.DataFrame:
        """Columns: cause, label, prior, posterior, ratio (posterior / prior), urgency; one row a cause, best first.

        With intervals also low, high, first (share of the draws of the network's numbers in which the cause ranks first).
        """
        import pandas as pd

        rows = [
            (c.cause, c.label, c.prior, c.posterior, c.low, c.high, c.first, c.ratio, c.urgency)
            for c in self.causes
        ]
        frame = pd.DataFrame(
            rows,
            columns=[
                "cause",
                "label",
                "prior",
                "posterior",
                "low",
                "high",
                "first",
                "ratio",
                "urgency",
            ],
        )
        return frame if self.has_intervals else frame.drop(columns=["low", "high", "first"])

    @property
    def has_intervals(self) -> bool:
        """Whether intervals were asked for."""
        return any(c.low == c.low for c in self.causes)

    def title(self) -> str:
        return f"{self.question}\nP(findings) = exp({self.question.log_evidence:.2f})"

    def plot(self, ax: Axes | None = None, *, limit: int = 12) -> Axes:
        """Posteriors beside priors, with intervals where they were asked for."""
        from spinelink.view.plot.ranking import plot_ranking

        return plot_ranking(self, ax=ax, limit=limit)

    def _repr_html_(self) -> str:
        bounds = ("interval", "ranks first") if self.has_intervals else ()
        head = "".join(
            f"<th style='text-align:left'>{h}</th>"
            for h in ("cause", "posterior", "", *bounds, "prior", "ratio", "urgency")
        )
        rows = "".join(_row(c, bounds=bool(bounds)) for c in self.causes)
        return in_notebook(
            str(self.question),
            f"<div style='overflow-x:auto'><table><tr>{head}</tr>{rows}</table></div>",
        )


def _row(c: RankedCause, *, bounds: bool) -> str:
    bar = (
        "<div style='width:120px;background:rgba(128,128,128,0.2)'>"
        f"<div style='width:{120 * c.posterior:.0f}px;height:0.8em;background:#4477aa'></div></div>"
    )
    interval = f"{show_number(c.low)} to {show_number(c.high)}" if c.low == c.low else ""
    shown = (interval, show_number(c.first)) if bounds else ()
    numbers = (show_number(c.prior), show_number(c.ratio), c.urgency)
    cells = (escape(show_number(c.posterior)), bar, *map(escape, (*shown, *numbers)))
    label = f"<td style='text-align:left;overflow-wrap:anywhere'>{escape(c.label)}</td>"
    return (
        f"<tr title='{escape(c.cause)}'>{label}"
        + "".join(f"<td style='text-align:left;white-space:nowrap'>{cell}</td>" for cell in cells)
        + "</tr>"
    )


def rank(
    network: Network,
    question: Question,
    prior: Mapping[str, float],
    posterior: Mapping[str, float],
    *,
    limit: int | None,
    intervals: Mapping[str, tuple[float, float, float]] | None = None,
) -> Ranking:
    """Ranks by posterior, then by name. prior, posterior: P(node is not in its first state). intervals: node -> low, high, share of draws first."""
    if limit is not None and (isinstance(limit, bool) or limit < 1):
        raise SpinelinkError(
            f"limit is how many causes to list, at least 1 (or None for all), not {limit!r}."
        )
    order = sorted(posterior, key=lambda n: (-posterior[n], n))[:limit]
    causes = tuple(
        RankedCause(
            n,
            network.nodes[n].label,
            prior[n],
            posterior[n],
            network.nodes[n].urgency or "routine",
            *(intervals or {}).get(n, ()),
        )
        for n in order
    )
    return Ranking(question, causes)
