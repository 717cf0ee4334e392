"""The answer of a fit to claims: the parameters that moved, and each claim before and after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from spinelink.adjust.change import ParameterChange
from spinelink.network.claim import Claim, Fit
from spinelink.network.network import Network
from spinelink.result import Result
from spinelink.view.html import text_in_notebook
from spinelink.view.text import frame_text

if TYPE_CHECKING:
    import pandas as pd

FITS: tuple[Fit, ...] = ("same population", "near", "far")
ROWS_SHOWN = 20


@dataclass(frozen=True, eq=False)
class FittedClaim:
    """One claim: what the network implied and implies, and its distances in standard errors."""

    name: str
    claim: Claim
    before: float
    after: float
    error_before: float
    error_after: float

    @property
    def inside_before(self) -> bool:
        """True if the figure before the fit lies in the published interval."""
        return self.claim.bounds[0] <= self.before <= self.claim.bounds[1]

    @property
    def inside_after(self) -> bool:
        """True if the figure after the fit lies in the published interval."""
        return self.claim.bounds[0] <= self.after <= self.claim.bounds[1]


@dataclass(frozen=True, eq=False, repr=False)
class ClaimFit(Result):
    """The network with fitted parameters, and what that moved.

    Attributes:
        network: the fitted network.
        moved: the parameters that changed.
        claims: every claim, those that did not pull included.
        steps: of the search.
        complete: the search ended by itself; it was neither interrupted nor cut off.
        objective: what is minimised, before the first step and after each.
    """

    network: Network
    moved: tuple[ParameterChange, ...]
    claims: tuple[FittedClaim, ...]
    steps: int
    complete: bool
    objective: tuple[float, ...]

    def to_frame(self) -> pd.DataFrame:
        """The parameters that moved, the farthest (in standard deviations) first.

        Columns: setting, parameter, state, before, after, grade, standard_deviations.
        """
        import pandas as pd

        rows = [
            (m.setting, m.id, m.state, m.before, m.after, m.grade, m.deviations) for m in self.moved
        ]
        columns = [
            "setting",
            "parameter",
            "state",
            "before",
            "after",
            "grade",
            "standard_deviations",
        ]
        return _farthest_first(pd.DataFrame(rows, columns=columns), "standard_deviations")

    def claims_frame(self) -> pd.DataFrame:
        """The claims, the farthest off (in standard errors) first.

        Columns: claim, setting, fit, published, low, high (its interval), before, after (implied),
        errors_before, errors_after.
        """
        import pandas as pd

        rows = [
            (
                *(c.name, c.claim.setting, c.claim.fit, c.claim.value, *c.claim.bounds),
                *(c.before, c.after, c.error_before, c.error_after),
            )
            for c in self.claims
        ]
        columns = "claim setting fit published low high before after errors_before errors_after"
        return _farthest_first(pd.DataFrame(rows, columns=columns.split()), "errors_after")

    def title(self) -> str:
        """What stands above the table."""
        ended = (
            ""
            if self.complete
            else " (not finished: interrupted, or the limit of steps was reached)"
        )
        fell = f"what is minimised fell from {self.objective[0]:.1f} to {self.objective[-1]:.1f}"
        return f"{len(self.moved)} parameters moved in {self.steps} steps{ended}; {fell}."

    def __str__(self) -> str:
        lines = [self.title()]
        for fit in FITS:
            claims = [c for c in self.claims if c.claim.fit == fit]
            if claims:
                before = sum(c.inside_before for c in claims)
                after = sum(c.inside_after for c in claims)
                lines.append(
                    f"{fit}: {before} of {len(claims)} claims inside their interval before, "
                    f"{after} after."
                )
        frame = self.to_frame().fillna({"state": "", "setting": ""}).head(ROWS_SHOWN)
        table = frame_text(frame, digits=4, zeros=False)
        return "\n".join([*lines, "", table])

    def _repr_html_(self) -> str:
        return text_in_notebook(str(self))


def _farthest_first(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    return frame.sort_values(column, key=abs, ascending=False, kind="stable", ignore_index=True)
