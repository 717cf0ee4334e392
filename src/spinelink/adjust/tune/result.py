"""The answer of a tuning: the patch, the constraints before and after, the parameters alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from spinelink.adjust.change import ParameterChange
from spinelink.adjust.rankings import RankingChange
from spinelink.adjust.tune.problem import Minimise
from spinelink.inference.gradient.linear_fractional import ParameterRef
from spinelink.network.network import Network
from spinelink.result import Result
from spinelink.view.html import text_in_notebook
from spinelink.view.text import frame_text

if TYPE_CHECKING:
    import pandas as pd

CASES_SHOWN = 15
ROWS_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class SingleChange(ParameterChange):
    """One parameter that alone satisfies all constraints.

    inside: it stays in its own interval.
    """

    ref: ParameterRef
    inside: bool


@dataclass(frozen=True)
class ConstraintOutcome:
    """One constraint: what it is about, before and after the patch."""

    text: str
    before: float
    after: float
    satisfied: bool


@dataclass(frozen=True, eq=False, repr=False)
class Tuning(Result):
    """A patch that makes the network satisfy the constraints, or comes as near as it can.

    Attributes:
        network: the tuned network.
        constraints: each with what it comes to before and after.
        patch: the parameters that change, the farthest first.
        single: parameters that would do alone, the smallest change first.
        distance: the length of the change of all parameters together, in what was minimised.
        minimised: "standard_deviations" or "log_odds".
        steps: of the search.
        cases: rankings of cases before and after.
    """

    network: Network
    constraints: tuple[ConstraintOutcome, ...]
    patch: tuple[ParameterChange, ...]
    single: tuple[SingleChange, ...]
    distance: float
    minimised: Minimise
    steps: int
    cases: tuple[RankingChange, ...] = ()

    @property
    def feasible(self) -> bool:
        """True if all constraints are satisfied."""
        return all(c.satisfied for c in self.constraints)

    def to_frame(self) -> pd.DataFrame:
        """The patch, the parameter that moves farthest first.

        Columns: parameter, state, before, after, moved (log odds), standard_deviations, grade.
        """
        return _frame(self.patch)

    def single_frame(self) -> pd.DataFrame:
        """Parameters that alone would do: as `to_frame`, with inside (its own interval)."""
        frame = _frame(self.single)
        frame.insert(len(frame.columns) - 1, "inside", [s.inside for s in self.single])
        return frame

    def __str__(self) -> str:
        sections = [[_outcome_line(c) for c in self.constraints]]
        sections += [self._patch_lines(), self._single_lines(), self._case_lines()]
        return "\n\n".join("\n".join(lines) for lines in sections if lines)

    def _patch_lines(self) -> list[str]:
        unit = "standard deviations" if self.minimised == "standard_deviations" else "log odds"
        if self.patch:
            title = f"Patch: {len(self.patch)} parameters, {self.distance:.3g} {unit} in all"
            return [title, _text(self.to_frame())]
        return ["Nothing has to change."] if self.feasible else []

    def _single_lines(self) -> list[str]:
        if self.single:
            title = f"One parameter alone would do ({len(self.single)} ways):"
            return [title, _text(self.single_frame())]
        if all(c.before == c.after and c.satisfied for c in self.constraints):
            return []
        return ["No parameter alone would do."]

    def _case_lines(self) -> list[str]:
        if not self.cases:
            return []
        reordered = [c for c in self.cases if c.reordered]
        title = f"Cases whose first three causes change: {len(reordered)} of {len(self.cases)}"
        moves = [
            f"  {c.case}: {c.before[0][0]} -> {c.after[0][0]}; "
            f"P({c.largest[0]}) by {c.largest[1]:+.3g}"
            for c in reordered[:CASES_SHOWN]
        ]
        return [title, *moves]

    def _repr_html_(self) -> str:
        return text_in_notebook(str(self))


def _frame(changes: tuple[ParameterChange, ...]) -> pd.DataFrame:
    import pandas as pd

    columns = ["parameter", "state", "before", "after", "moved", "standard_deviations", "grade"]
    rows = [(c.id, c.state, c.before, c.after, c.moved, c.deviations, c.grade) for c in changes]
    return pd.DataFrame(rows, columns=columns)


def _outcome_line(outcome: ConstraintOutcome) -> str:
    word = "met" if outcome.satisfied else "NOT MET, the nearest that was reached"
    return f"{word}: {outcome.text}: {outcome.before:.6g} -> {outcome.after:.6g}"


def _text(frame: pd.DataFrame) -> str:
    frame = frame.fillna({"state": ""}).head(ROWS_SHOWN)
    return frame_text(frame, digits=4, zeros=False)
