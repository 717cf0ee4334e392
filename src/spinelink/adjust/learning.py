"""The answer of learning from a table of patients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from spinelink.adjust.change import ParameterChange
from spinelink.network.network import Network
from spinelink.result import Result
from spinelink.view.html import text_in_notebook
from spinelink.view.plot.validation import plot_learning
from spinelink.view.text import frame_text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

ROWS_SHOWN = 20
SKIPPED_SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class LearnedParameter(ParameterChange):
    """One parameter, or one state of a distribution, as learned.

    Attributes:
        low: lower end of its 95 % credible interval after learning.
        high: upper end.
        patients: how many patients with nothing missing would have said as much about it.
    """

    low: float
    high: float
    patients: float


@dataclass(frozen=True, eq=False, repr=False)
class Learning(Result):
    """The network with learned parameters, and how they were found.

    Attributes:
        network: with the learned parameters.
        patients: in the table.
        parameters: those that the table says something about.
        objective: log likelihood plus log prior after each step; it never falls.
        log_likelihood: the first part alone.
        starts: the objective that each start had reached when the best was chosen.
        converged: the search ended by itself.
        skipped: numbers of the rows that cannot occur and were left out.
    """

    network: Network
    patients: float
    parameters: tuple[LearnedParameter, ...]
    objective: tuple[float, ...]
    log_likelihood: tuple[float, ...]
    starts: tuple[float, ...]
    converged: bool
    skipped: tuple[int, ...]

    def to_frame(self) -> pd.DataFrame:
        """Parameters that moved or became surer, the farthest moved first.

        Columns: parameter, state, before, after, low, high (95 % credible interval), patients,
        standard_deviations (that it moved).
        """
        import pandas as pd

        rows = [
            (n.id, n.state, n.before, n.after, n.low, n.high, n.patients, n.deviations)
            for n in self.parameters
        ]
        columns = [
            "parameter",
            "state",
            "before",
            "after",
            "low",
            "high",
            "patients",
            "standard_deviations",
        ]
        return pd.DataFrame(rows, columns=columns).sort_values(
            "standard_deviations", key=abs, ascending=False, kind="stable", ignore_index=True
        )

    def trace(self) -> pd.DataFrame:
        """One row a step: log_likelihood, objective. Step 0 is the start."""
        import pandas as pd

        index = pd.RangeIndex(len(self.objective), name="step")
        columns = {"log_likelihood": self.log_likelihood, "objective": self.objective}
        return pd.DataFrame(columns, index=index)

    def plot(self, ax: Axes | None = None) -> Axes:
        """The log likelihood step by step."""
        return plot_learning(self.objective, self.log_likelihood, ax=ax)

    def title(self) -> str:
        """What stands above the table."""
        ended = (
            "converged"
            if self.converged
            else "NOT CONVERGED: interrupted, or the limit of steps was reached"
        )
        learned = len({n.id for n in self.parameters})
        return (
            f"{learned} parameters learned from {self.patients:,.0f} patients "
            f"in {len(self.objective) - 1} steps ({ended})."
        )

    def __str__(self) -> str:
        lines = [
            self.title(),
            f"log likelihood {self.log_likelihood[0]:.6g} -> {self.log_likelihood[-1]:.6g}",
            f"with the prior {self.objective[0]:.6g} -> {self.objective[-1]:.6g}",
        ]
        if len(self.starts) > 1:
            reached = ", ".join(f"{s:.6g}" for s in self.starts)
            lines.append(f"starts: {reached} (the first: the file's own parameters)")
        if self.skipped:
            rows = ", ".join(map(str, self.skipped[:SKIPPED_SHOWN]))
            more = " ..." if len(self.skipped) > SKIPPED_SHOWN else ""
            lines.append(
                f"{len(self.skipped)} rows cannot occur in this network and were left out: "
                f"{rows}{more}"
            )
        frame = self.to_frame().fillna({"state": ""}).head(ROWS_SHOWN)
        table = frame_text(frame, digits=4, zeros=False)
        return "\n".join([*lines, "", table])

    def _repr_html_(self) -> str:
        return text_in_notebook(str(self))
