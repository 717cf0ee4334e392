"""Posteriors over a grid of values of one parameter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spinelink.case import Case, Model
from spinelink.errors import ParameterError, SpinelinkError, shown
from spinelink.inference.answers import Marginals
from spinelink.inference.findings import Observed
from spinelink.inference.gradient.linear_fractional import (
    ParameterRef,
    admissible_range,
    marginals_under,
    read_ref,
)
from spinelink.network.network import Network
from spinelink.network.parameter import Distribution, Parameter
from spinelink.result import Result
from spinelink.typing import Findings
from spinelink.view.plot.sensitivity import plot_sweep
from spinelink.view.text import frame_text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Array = NDArray[np.float64]
MOST = 100_000  # values at once
LEADING = 8  # nodes that are shown


@dataclass(frozen=True, repr=False)
class Sweep(Result):
    """P(present) of each node, one row a value of the parameter.

    log_evidence: log P(findings) there.
    """

    parameter: str
    estimate: float
    values: tuple[float, ...]
    nodes: tuple[str, ...]
    posteriors: Array  # (values, nodes)
    log_evidence: Array  # (values,)

    def __len__(self) -> int:
        return len(self.values)

    def to_frame(self) -> pd.DataFrame:
        """Indexed by the number's values; a column a node, and log_evidence."""
        import pandas as pd

        frame = pd.DataFrame(
            self.posteriors,
            index=pd.Index(self.values, name=self.parameter),
            columns=list(self.nodes),
        )
        frame["log_evidence"] = self.log_evidence
        return frame

    def _leading(self) -> list[str]:
        frame = self.to_frame()
        return list(frame[list(self.nodes)].max().sort_values(ascending=False).index[:LEADING])

    def shown(self) -> pd.DataFrame:
        """The columns that fit beside each other."""
        return self.to_frame()[self._leading()].reset_index()

    def __str__(self) -> str:
        shown = frame_text(self.to_frame()[self._leading()], index=True, digits=4, zeros=False)
        return f"{self.title()}\n{shown}"

    def plot(self, ax: Axes | None = None, *, limit: int = 6) -> Axes:
        """Posteriors over the number's values."""
        return plot_sweep(
            self.values,
            self.posteriors,
            nodes=self.nodes,
            parameter=self.parameter,
            estimate=self.estimate,
            ax=ax,
            limit=limit,
        )

    def title(self) -> str:
        """What stands above the table."""
        more = (
            f"; the {LEADING} likeliest of {len(self.nodes)} nodes"
            if len(self.nodes) > LEADING
            else ""
        )
        return f"{self.question}\n{self.parameter} (now {self.estimate:g}) over {len(self.values)} values{more}"


def sweep(
    case: Case,
    parameter: str,
    values: Sequence[float],
    *,
    of: str | Iterable[str] = "causes",
) -> Sweep:
    """What the posteriors become where one parameter takes each of many values.

    Args:
        case: the findings.
        parameter: its id; `id[state]` for one state of a distribution.
        values: one or more, each in the parameter's range.
        of: names of nodes, "causes" or "all".

    Returns:
        P(present | evidence) of each node for each value. All other parameters stay.

    Raises:
        UnknownNameError: the parameter or a node is not known.
        ParameterError: a value is out of range.

    Example:
        >>> import spinelink as sl
        >>> case = sl.load("minimal").observe(numbness=True)
        >>> len(case.sweep("scoliosis.prior", [0.05, 0.1, 0.2]))
        3
    """
    model = case.model
    groups: dict[str, Iterable[str]] = {
        "causes": model.network.ranked,
        "all": model.network.variables,
    }
    chosen = groups[of] if isinstance(of, str) and of in groups else of
    nodes = model.names(chosen)
    ref, grid = read_grid(model.network, model.in_force, parameter=parameter, values=values)
    index = [model.compiled.index[n] for n in nodes]
    settings = [{ref: v} for v in grid]
    network, compiled, values_now = model.network, model.compiled, model.values

    def under(observed: Observed, asked: list[int]) -> Marginals:
        return marginals_under(
            network,
            compiled,
            values=values_now,
            observed=observed,
            nodes=asked,
            assignments=settings,
        )

    answer = under(case.observed, index)
    selected = under(compiled.selected, []).log_evidence if compiled.selected else 0.0
    table = np.array([answer.present(i) for i in index]).T
    p = model.in_force[ref.id]
    estimate = p.estimate[str(ref.state)] if isinstance(p, Distribution) else p.value
    question = case.question(parameter=parameter)
    return Sweep(
        question,
        str(ref),
        float(estimate),
        tuple(grid),
        tuple(nodes),
        table,
        answer.log_evidence - selected,
    )


def sweep_marginals(
    model: Model,
    parameter: str,
    values: Sequence[float],
    *,
    findings: Findings | None = None,
    of: str | Iterable[str] = "causes",
) -> Sweep:
    """What the posteriors become where one parameter takes each of many values; see `Case.sweep`.

    Args:
        model: the network.
        parameter: its id; `id[state]` for one state of a distribution.
        values: one or more, each in the parameter's range.
        findings: those of a case; the nodes' marginals where None.
        of: names of nodes, "causes" or "all".

    Returns:
        P(present | findings) of each node for each value.

    Raises:
        UnknownNameError: the parameter or a node is not known.
        ParameterError: a value is out of range.

    Example:
        >>> import spinelink as sl
        >>> len(sl.load("minimal").sweep("scoliosis.prior", [0.05, 0.1]))
        2
    """
    return sweep(model.observe(findings), parameter, values, of=of)


def read_grid(
    network: Network,
    parameters: Mapping[str, Parameter],
    *,
    parameter: str,
    values: Sequence[float],
) -> tuple[ParameterRef, list[float]]:
    """The parameter and its values, checked.

    parameter: `id`, or `id[state]` for one state of a distribution. Raises UnknownNameError,
    ParameterError.
    """
    ref = read_ref(network, parameters, name=parameter)
    try:
        grid = [float(v) for v in np.asarray(values, dtype=float).ravel()]
    except (TypeError, ValueError, OverflowError, ArithmeticError):
        raise ParameterError(
            f"values is a grid, a sequence of numbers, not {shown(values)}."
        ) from None
    if not 0 < len(grid) <= MOST:
        raise SpinelinkError(f"a grid has 1 to {MOST:,} values, not {len(grid)}.")
    low, high = admissible_range(parameters[ref.id])
    for v in grid:
        if not low <= v <= high or not np.isfinite(v) or (high == np.inf and v == 0.0):
            raise ParameterError(
                f"{ref} is {'an odds ratio, above 0' if high == np.inf else 'a probability, from 0 to 1'}; not {v:g}."
            )
    return ref, grid
