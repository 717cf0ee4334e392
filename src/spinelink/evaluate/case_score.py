"""How often the library is right on published cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from spinelink.evaluate.cases import Reading
from spinelink.evaluate.metrics import wilson
from spinelink.query.ranking import RankedCause
from spinelink.result import Result
from spinelink.view.text import frame_text

if TYPE_CHECKING:
    import pandas as pd

Measure = Literal[
    "first",
    "top_three",
    "raised_first",
    "raised_top_three",
    "urgent_flagged",
    "calm_unflagged",
    "way",
    "link",
]

MEASURES: Mapping[Measure, str] = {
    "first": "right cause first",
    "top_three": "right cause in the top three",
    "raised_first": "findings point most to the right cause",
    "raised_top_three": "right cause in the top three of what the findings point to",
    "urgent_flagged": "urgent case raises an alert",
    "calm_unflagged": "non-urgent case raises no emergency alert",
}
LINK_MEASURES: Mapping[Measure, str] = {
    "way": "link runs the way it was coded rather than the other",
    "link": "link of the coded way has more than half",
}


@dataclass(frozen=True)
class Outcome:
    """What the library said of one case.

    Attributes:
        reading: the case as the network sees it.
        rank: of the right cause by posterior; 0 where it is not ranked.
        raised_rank: likewise by what the findings point to.
        right: the nodes that count as right.
        leading: the first three causes with their posteriors.
        alerts: urgency and rule of each that fired.
        posterior: of the right cause.
        ways: the shares of leg pain because of the back, and of back pain because of hip, leg and
            foot; None where links were not asked for.
    """

    reading: Reading
    rank: int
    raised_rank: int
    right: tuple[str, ...]
    leading: tuple[tuple[str, float], ...]
    alerts: tuple[tuple[str, str], ...]
    posterior: float
    ways: tuple[float, float] | None = None

    @property
    def coded_way(self) -> tuple[float, float]:
        """The share of the way that the case was coded, and of the other."""
        assert self.ways is not None
        return self.ways if self.reading.case.link == "back_to_leg" else self.ways[::-1]


def outcome(
    reading: Reading,
    right: tuple[str, ...],
    *,
    ranking: Sequence[RankedCause],
    alerts: Sequence[tuple[str, str]],
) -> Outcome:
    """How a case was answered.

    Args:
        reading: the case as the network sees it.
        right: the nodes that count as right.
        ranking: all causes, the most probable first; none where the case was too large.
        alerts: urgency and rule of each that fired.
    """
    names = [c.cause for c in ranking]
    raised = [c.cause for c in sorted(ranking, key=lambda c: -c.raised)]
    return Outcome(
        reading,
        _place(right, names),
        _place(right, raised),
        right,
        tuple((c.cause, c.posterior) for c in ranking[:3]),
        tuple(alerts),
        max((c.posterior for c in ranking if c.cause in right), default=0.0),
    )


def _place(right: tuple[str, ...], names: Sequence[str]) -> int:
    """Where the first right cause stands, from 1 on; 0 where there is none."""
    return min((names.index(n) + 1 for n in right if n in names), default=0)


@dataclass(frozen=True, repr=False)
class CaseScore(Result):
    """How the library does on published cases."""

    outcomes: tuple[Outcome, ...]

    @property
    def _with_links(self) -> bool:
        return any(o.ways is not None for o in self.outcomes)

    def share(self, measure: Measure) -> tuple[int, int]:
        """Successes and total of a measure.

        Args:
            measure: "first" and "top_three": where the right cause is ranked by posterior.
                "raised_first" and "raised_top_three": likewise by what the findings point to.
                "urgent_flagged": urgent cases with an alert.
                "calm_unflagged": the others without an emergency alert.
                "way": of cases coded as linked one way, those in which that way has the larger
                share; "link": those in which its share exceeds one half.
        """
        return share_of(self.to_frame(), measure)

    def to_frame(self) -> pd.DataFrame:
        """One row a case.

        Columns: case, setting, diagnosis, rank, raised_rank, posterior, leading, urgent, alerts, unexpressed
        (how many words); where links were asked for, link (as coded), back_to_leg, leg_to_back (the
        shares of both ways).
        """
        import pandas as pd

        frame = pd.DataFrame([_row(o) for o in self.outcomes], columns=[*COLUMNS, *LINK_COLUMNS])
        return frame if self._with_links else frame[list(COLUMNS)]

    def summary(self) -> list[tuple[str, int, int, float, float]]:
        """(measure, successes, total, low, high) with Wilson's 95 % interval."""
        return summary_of(self.to_frame())

    def __str__(self) -> str:
        frame = self.to_frame().drop(columns=["alerts"])
        text = frame_text(frame)
        return "\n".join([text, "", *self._lines()])

    def title(self) -> str:
        """What stands above the table."""
        return "\n".join(line for line in self._lines() if line)

    def _lines(self) -> list[str]:
        lines = [
            f"{words}: {k} of {n} ({k / max(n, 1):.0%}, 95 % interval {low:.0%} to {high:.0%})"
            for words, k, n, low, high in self.summary()
        ]
        left = [
            f"  {o.reading.case.id}: {text}"
            for o in self.outcomes
            for text in o.reading.unexpressed
        ]
        return [*lines, *(["", f"Not expressed ({len(left)}):", *left] if left else [])]


def read_scores(path: Path) -> pd.DataFrame:
    """A table of scores from a file; see `score.SCORES`."""
    import pandas as pd

    return pd.read_csv(path, keep_default_na=False, na_values=dict.fromkeys(WAYS, ""))


def share_of(cases: pd.DataFrame, measure: Measure) -> tuple[int, int]:
    """Successes and total of a measure. cases: as `CaseScore.to_frame` gives them."""
    urgent = cases[cases["urgent"]]
    calm = cases[~cases["urgent"]]
    match measure:
        case "first" | "raised_first":
            rank = cases["rank" if measure == "first" else "raised_rank"]
            return int((rank == 1).sum()), len(cases)
        case "top_three" | "raised_top_three":
            rank = cases["rank" if measure == "top_three" else "raised_rank"]
            return int(rank.between(1, 3).sum()), len(cases)
        case "urgent_flagged":
            return int((urgent["alerts"] != "").sum()), len(urgent)
        case "calm_unflagged":
            return int((~calm["alerts"].str.contains("emergency: ")).sum()), len(calm)
        case "way" | "link":
            if "link" not in cases:
                return 0, 0
            linked = cases[cases["link"].isin(WAYS)]  # NaN, too large to ask, is no success
            other = {coded: WAYS[1 - k] for k, coded in enumerate(WAYS)}
            rows = linked.to_dict("records")
            least = [0.5 if measure == "link" else r[other[r["link"]]] for r in rows]
            return sum(r[r["link"]] > x for r, x in zip(rows, least, strict=True)), len(rows)


def summary_of(cases: pd.DataFrame) -> list[tuple[str, int, int, float, float]]:
    """(measure, successes, total, low, high) with Wilson's 95 % interval; see `share_of`."""
    measures = {**MEASURES, **(LINK_MEASURES if "link" in cases else {})}
    shares = {words: share_of(cases, measure) for measure, words in measures.items()}
    return [(words, k, n, *wilson(k, n)) for words, (k, n) in shares.items()]


WAYS = ("back_to_leg", "leg_to_back")
COLUMNS = (
    *("case", "setting", "diagnosis", "rank", "raised_rank", "posterior"),
    *("leading", "urgent", "alerts", "unexpressed"),
)
LINK_COLUMNS = ("link", *WAYS)


def _row(o: Outcome) -> tuple[object, ...]:
    """The values of `COLUMNS` and `LINK_COLUMNS`."""
    case = o.reading.case
    return (
        *(case.id, o.reading.setting, case.diagnosis, o.rank, o.raised_rank),
        o.posterior,
        ", ".join(f"{n} {p:.2f}" for n, p in o.leading),
        case.urgent,
        ", ".join(f"{u}: {r}" for u, r in o.alerts),
        len(o.reading.unexpressed),
        case.link or "",
        *(o.ways or (float("nan"), float("nan"))),
    )
