"""Which causes: the most probable first, and those that the findings point to."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

from spinelink.case import Case
from spinelink.deferred import DeferredModule
from spinelink.errors import SpinelinkError
from spinelink.options import flag_or_none, one_of, share, whole_or_none
from spinelink.result import Result
from spinelink.view.html import Html, bar, element, in_notebook, scrolling
from spinelink.view.plot.ranking import Causes, plot_ranking
from spinelink.view.text import show_number

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from spinelink.query import intervals
else:
    intervals = DeferredModule("spinelink.query.intervals")


Order = Literal["posterior", "raised"]

POINTED_TO = 5
"""Causes in the short second list."""
LEAST_RAISED = 1e-3
"""A cause that the findings raised less, in nats, is not in it."""


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
        """Posterior / prior."""
        return self.posterior / self.prior if self.prior > 0.0 else float("nan")

    @property
    def raised(self) -> float:
        """How strongly the findings point to it: posterior x ln(posterior / prior), in nats.

        That is the part of what the findings tell about a cause (Kullback and Leibler 1951) that its
        presence has. A common cause that was likely before has little of it, and so has one that stays
        improbable.
        """
        if not (self.prior > 0.0 and self.posterior > 0.0):
            return 0.0
        return self.posterior * math.log(self.posterior / self.prior)

    @property
    def in_words(self) -> str:
        """How far the findings raised it, in words."""
        return f"{self.label} ({show_number(self.ratio)} times as likely as before)"


@dataclass(frozen=True, repr=False)
class Ranking(Result):
    """Causes by posterior probability, highest first. They are not exclusive: a person may have several.

    Attributes:
        causes: in the order asked for.
        pointed_to: a short list of what the findings point to, most strongly first, whatever the
            order asked for. See `RankedCause.raised`.
    """

    causes: tuple[RankedCause, ...]
    findings: tuple[str, ...] = ()
    pointed_to: tuple[RankedCause, ...] = ()

    def __len__(self) -> int:
        return len(self.causes)

    def __getitem__(self, position: int) -> RankedCause:
        return self.causes[position]

    def to_frame(self) -> pd.DataFrame:
        """One row a cause, the most probable first.

        Columns: cause, label, prior, posterior, ratio (posterior / prior), urgency. With intervals also
        low, high and first (the fraction of sampled parameters under which it ranks first).
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
        """What stands above the table."""
        return f"{self.question}\nP(findings) = exp({self.question.log_evidence:.2f})"

    @property
    def pointed_to_in_words(self) -> str:
        """The second list as one line; empty where the findings raised nothing."""
        words = ", ".join(c.in_words for c in self.pointed_to)
        return f"The findings point to: {words}" if words else ""

    def __str__(self) -> str:
        words = self.pointed_to_in_words
        return f"{super().__str__()}\n{words}" if words else super().__str__()

    def plot(self, ax: Axes | None = None, *, limit: int = 12) -> Axes:
        """Posteriors beside priors, with intervals where they were asked for."""
        columns = Causes(
            [c.label for c in self.causes],
            [c.posterior for c in self.causes],
            [c.prior for c in self.causes],
            [c.urgency for c in self.causes],
            [c.low for c in self.causes],
            [c.high for c in self.causes],
        )
        return plot_ranking(columns, ax=ax, limit=limit)

    def _repr_html_(self) -> Html:
        bounds = ("interval", "ranks first") if self.has_intervals else ()
        names = ("cause", "posterior", "", *bounds, "prior", "ratio", "urgency")
        head = element("tr", *(element("th", name, style="text-align:left") for name in names))
        rows = (_row(c, bounds=bool(bounds)) for c in self.causes)
        second = element("p", self.pointed_to_in_words)
        body = element("div", scrolling(element("table", head, *rows)), second)
        return in_notebook(str(self.question), body)


def _row(c: RankedCause, *, bounds: bool) -> Html:
    """A cause in the table of a notebook; bounds: with its interval."""
    interval = f"{show_number(c.low)} to {show_number(c.high)}" if c.low == c.low else ""
    cells = (
        show_number(c.posterior),
        bar(c.posterior),
        *((interval, show_number(c.first)) if bounds else ()),
        show_number(c.prior),
        show_number(c.ratio),
        c.urgency,
    )
    label = element("td", c.label, style="text-align:left;overflow-wrap:anywhere")
    style = "text-align:left;white-space:nowrap"
    return element(
        "tr", label, *(element("td", cell, style=style) for cell in cells), title=c.cause
    )


def differential(
    case: Case,
    *,
    limit: int | None = 10,
    order: Order = "posterior",
    interval: float | None = None,
    draws: int = 4096,
    seed: int = 0,
    joint: bool | None = None,
    progress: bool | None = None,
) -> Ranking:
    """Which causes may explain the findings, and which the findings point to.

    The most probable cause is often a common one that was likely before. What the findings point to
    is ordered by posterior x ln(posterior / prior), so that a rare cause is not overlooked.

    Args:
        case: the findings.
        limit: how many causes to list; None for all.
        order: "posterior": the most probable first; "raised": what the findings point to first.
        interval: the level of credible intervals, as 0.95; no intervals where None.
        draws: sampled parameters behind the intervals; see `intervals`.
        seed: of these samples.
        joint: whether fitted parameters vary together in them; see `intervals`.
        progress: show a progress bar; None: in a terminal only.

    Returns:
        Causes with prior, posterior, their ratio and urgency. Causes are not exclusive.

    Raises:
        SpinelinkError: an option is out of range, or the network has no causes.
        ImpossibleEvidenceError: the findings cannot occur together.

    Example:
        >>> import spinelink as sl
        >>> case = sl.load("minimal").observe(leg_pain="below_knee", numbness=True)
        >>> case.differential(limit=1).causes[0].label
        'Lumbar disc herniation'
    """
    limit = whole_or_none(limit, "limit", meaning="how many causes to list")
    joint = flag_or_none(joint, "joint")
    names = list(case.model.network.ranked)
    if not names:
        raise SpinelinkError(
            f"network {case.model.name!r} has no node with role 'cause', so there is nothing to "
            "rank; give roles with sl.from_pgmpy(network, roles={'node': 'cause'}), or ask "
            "posteriors()."
        )
    one_of(order, "order", get_args(Order))
    options: dict[str, object] = {"limit": limit, "order": order}
    bounds: dict[str, tuple[float, float, float]] = {}
    if interval is not None:
        options |= {"interval": interval, "draws": draws, "seed": seed, "joint": joint}
        asked = intervals.intervals(
            case, level=interval, draws=draws, seed=seed, joint=joint, progress=progress
        )
        rows = asked.rows
        bounds = {row.node: (row.low, row.high, row.first) for row in rows}
    posterior, prior = case.present(names), case.prior_present(names)
    nodes = case.model.nodes
    by_posterior = [
        RankedCause(
            n,
            nodes[n].label,
            prior[n],
            posterior[n],
            nodes[n].urgency or "routine",
            *bounds.get(n, ()),
        )
        for n in sorted(names, key=lambda n: (-posterior[n], n))
    ]
    by_raised = sorted(by_posterior, key=lambda c: -c.raised)
    causes = by_posterior if order == "posterior" else by_raised
    pointed_to = tuple(c for c in by_raised if c.raised > LEAST_RAISED)[:POINTED_TO]
    return Ranking(case.question(**options), tuple(causes[:limit]), pointed_to=pointed_to)


def urgent_causes(case: Case, threshold: float = 0.05) -> Ranking:
    """Which causes need a clinician soon, urgently or as an emergency, and are not improbable.

    They stand beside the alerts, never in their place: that none is listed is no reassurance.

    Args:
        case: the findings.
        threshold: the least posterior, between 0 and 1.

    Returns:
        A ranking; empty where the network has no causes.

    Raises:
        SpinelinkError: the threshold does not lie between 0 and 1.
        ImpossibleEvidenceError: the findings cannot occur together.

    Example:
        >>> import spinelink as sl
        >>> case = sl.load("minimal").observe(bladder_dysfunction=True, numbness=True)
        >>> [(c.cause, c.urgency) for c in case.urgent_causes().causes]
        [('cauda_equina_compression', 'emergency')]
    """
    least = share(threshold, "threshold")
    if not case.model.network.ranked:
        return Ranking(case.question(), ())
    ranking = differential(case, limit=None)
    urgent = [c for c in ranking.causes if c.urgency != "routine" and c.posterior >= least]
    return replace(ranking, causes=tuple(urgent), pointed_to=())
