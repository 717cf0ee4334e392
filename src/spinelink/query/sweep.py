"""Posteriors over a grid of values of one number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spinelink.errors import ParameterError, SpinelinkError
from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.compile import point_values
from spinelink.inference.findings import Observed
from spinelink.inference.gradient.linear_fractional import (
    Number,
    admissible_range,
    marginals_under,
    read_number,
)
from spinelink.network.network import Network
from spinelink.network.parameter import Distribution, Parameter
from spinelink.network.question import Question
from spinelink.result import Result

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Array = NDArray[np.float64]
MOST = 100_000  # values at once
LEADING = 8  # nodes that are shown


@dataclass(frozen=True, repr=False)
class Sweep(Result):
    """P(node is not in its first state) of each node, one row a value of the number. log_evidence: log P(findings) there."""

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
        return self.to_frame()[self._leading()].reset_index()

    def __str__(self) -> str:
        shown = self.to_frame()[self._leading()].to_string(float_format=lambda v: f"{v:.4g}")
        return f"{self.title()}\n{shown}"

    def plot(self, ax: Axes | None = None, *, limit: int = 6) -> Axes:
        """Posteriors over the number's values."""
        from spinelink.view.plot.sensitivity import plot_sweep

        return plot_sweep(self, ax=ax, limit=limit)

    def title(self) -> str:
        more = (
            f"; the {LEADING} likeliest of {len(self.nodes)} nodes"
            if len(self.nodes) > LEADING
            else ""
        )
        return f"{self.question}\n{self.parameter} (now {self.estimate:g}) over {len(self.values)} values{more}"


def sweep(
    network: Network,
    question: Question,
    parameters: Mapping[str, Parameter],
    compiled: CompiledNetwork,
    observed: Observed,
    parameter: str,
    values: Sequence[float],
    nodes: Sequence[str],
) -> Sweep:
    """See `Case.sweep`. nodes: hidden or seen, in this order."""
    number, grid = read_grid(network, parameters, parameter, values)
    now = point_values(network, parameters)
    index = [compiled.index[n] for n in nodes]
    found = marginals_under(
        network,
        compiled,
        values=now,
        observed=observed,
        nodes=index,
        assignments=[{number: v} for v in grid],
    )
    table = np.array([found.present(i) for i in index]).T
    p = parameters[number.id]
    estimate = p.estimate[str(number.state)] if isinstance(p, Distribution) else p.value
    return Sweep(
        question, str(number), float(estimate), tuple(grid), tuple(nodes), table, found.log_evidence
    )


def read_grid(
    network: Network, parameters: Mapping[str, Parameter], parameter: str, values: Sequence[float]
) -> tuple[Number, list[float]]:
    """The number (`id`, or `id[state]` for one state of a distribution) and its values. Raises UnknownNameError, ParameterError."""
    number = read_number(network, parameters, parameter)
    try:
        grid = [float(v) for v in np.asarray(values, dtype=float).ravel()]
    except (TypeError, ValueError):
        raise ParameterError(f"a grid is a sequence of numbers, not {values!r}.") from None
    if not 0 < len(grid) <= MOST:
        raise SpinelinkError(f"a grid has 1 to {MOST:,} values, not {len(grid)}.")
    low, high = admissible_range(parameters[number.id])
    for v in grid:
        if not low <= v <= high or not np.isfinite(v) or (high == np.inf and v == 0.0):
            raise ParameterError(
                f"{number} is {'an odds ratio, above 0' if high == np.inf else 'a probability, from 0 to 1'}; not {v:g}."
            )
    return number, grid
