"""Every parameter with its uncertainty, grade and source, as a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from spinelink.case import Model
from spinelink.inference.sampled_parameters import stated_interval
from spinelink.network.fitted import standing
from spinelink.network.parameter import Distribution, Parameter, Probability
from spinelink.result import Result
from spinelink.view.text import frame_text

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = [
    *("id", "estimate", "low", "high", "level", "equivalent_sample_size"),
    *("grade", "source", "evidence", "note", "prior", "informed", "standing", "studies"),
]
FIRST = 15
"""Rows that are printed."""


@dataclass(frozen=True, repr=False)
class ParameterTable(Result):
    """The parameters in force, one row each.

    A distribution has one row a state, its id followed by [state].
    """

    rows: tuple[tuple[object, ...], ...]

    def __len__(self) -> int:
        return len(self.rows)

    def to_frame(self) -> pd.DataFrame:
        """One row a parameter.

        Columns: id, estimate, low, high, level, equivalent_sample_size, grade, source, evidence, note;
        prior, informed, standing, studies. low and high are what the file writes; NaN where it writes
        counts, a Beta, a word or an equivalent sample size. Where figures were fitted, estimate, low
        and high are the fitted ones. prior is the value before; informed the fraction of the prior
        variance that figures removed; standing what that means: informed, touched or judged.
        """
        import pandas as pd

        return pd.DataFrame(list(self.rows), columns=COLUMNS)

    def shown(self) -> pd.DataFrame:
        """The columns that fit beside each other."""
        return self.to_frame()[
            ["id", "estimate", "low", "high", "equivalent_sample_size", "grade", "source"]
        ]

    def title(self) -> str:
        """What stands above the table."""
        grades = [str(row[6]) for row in self.rows]
        counts = ", ".join(f"{grades.count(g)} {g}" for g in dict.fromkeys(grades))
        return f"{self.question}\n{len(self.rows)} numbers: {counts}"

    def __str__(self) -> str:
        """A summary and the first rows; `to_frame` has all."""
        shown = self.shown().head(FIRST)
        text = frame_text(shown, widest=44)
        left = len(self.rows) - len(shown)
        rest = [f"... and {left} more rows: .to_frame() has them all."] if left > 0 else []
        return "\n".join([self.title(), text, *rest])


def parameters(model: Model) -> ParameterTable:
    """Every parameter in force: its estimate, how sure it is, and where it comes from.

    Args:
        model: a network in one of its settings.

    Returns:
        One row a parameter, in the order of the file; one row a state of a distribution.

    Example:
        >>> import spinelink as sl
        >>> table = sl.load("minimal").parameters().to_frame().set_index("id")
        >>> float(table.loc["lumbar_disc_herniation.prior", "estimate"])
        0.02
    """
    rows = [row for name, p in model.in_force.items() for row in _rows(name, p)]
    return ParameterTable(model.question(), tuple(rows))


def _rows(name: str, p: Parameter) -> list[tuple[object, ...]]:
    cited = (p.grade, ", ".join(p.source), ", ".join(p.evidence), p.note)
    nan = float("nan")
    fitted = p.fitted
    prior = nan if fitted is None else fitted.prior
    said = (
        (nan, "", "")
        if fitted is None
        else (fitted.informed, standing(fitted.informed), ", ".join(fitted.studies))
    )
    about = (*cited, prior, *said)
    if isinstance(p, Distribution):
        by_state = prior if isinstance(prior, dict) else dict.fromkeys(p.estimate, nan)
        size = p.equivalent_sample_size or (sum(p.counts.values()) if p.counts else nan)
        return [
            (f"{name}[{state}]", value, nan, nan, nan, size, *cited, by_state[state], *said)
            for state, value in p.estimate.items()
        ]
    low, high = p.interval or (nan, nan)
    level = p.level if p.interval else nan
    size = nan
    if fitted is not None:
        return [(name, p.value, *stated_interval(p), 0.95, nan, *about)]
    if isinstance(p, Probability):
        size = p.equivalent_sample_size or (
            sum(p.beta) if p.beta else p.counts[1] if p.counts else nan
        )
    return [(name, p.value, low, high, level, size, *about)]
