"""How one posterior depends on two parameters together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spinelink.case import Case
from spinelink.errors import SpinelinkError
from spinelink.inference.gradient.linear_fractional import (
    ParameterRef,
    marginals_under,
    nonlinear_nodes,
    read_ref,
)
from spinelink.inference.sampled_parameters import stated_interval
from spinelink.network.parameter import Parameter, Ratio
from spinelink.network.parameter_ids import owner
from spinelink.options import whole
from spinelink.query.crossing import places_of
from spinelink.query.target import hidden_target
from spinelink.result import Result
from spinelink.view.plot.sensitivity import plot_two_way
from spinelink.view.text import frame_text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Array = NDArray[np.float64]

ACROSS = 7
"""Values of the second parameter that a notebook shows."""


@dataclass(frozen=True, repr=False)
class TwoWaySensitivity(Result):
    """One posterior over a grid of two parameters.

    posteriors: (values of first, values of second). numerator, denominator: coefficients of 1, a, b, ab
    in P(target, findings) and P(findings), over P(findings) at the estimates; empty where a parameter
    is nonlinear.
    """

    target: str
    first: ParameterRef
    second: ParameterRef
    first_values: Array
    second_values: Array
    posteriors: Array
    numerator: tuple[float, ...]
    denominator: tuple[float, ...]

    def to_frame(self) -> pd.DataFrame:
        """Rows: values of the first parameter; columns: values of the second."""
        import pandas as pd

        return pd.DataFrame(
            self.posteriors,
            index=pd.Index(self.first_values, name=str(self.first)),
            columns=pd.Index(self.second_values, name=str(self.second)),
        )

    def shown(self) -> pd.DataFrame:
        """The columns that fit beside each other."""
        frame = self.to_frame()
        step = -(-frame.shape[1] // ACROSS)
        return frame.iloc[::step, ::step].reset_index()

    def __str__(self) -> str:
        return f"{self.title()}\n{frame_text(self.to_frame(), index=True, digits=4, zeros=False)}"

    def plot(self, ax: Axes | None = None) -> Axes:
        """Filled contours over both parameters."""
        return plot_two_way(
            self.posteriors,
            first=(str(self.first), self.first_values),
            second=(str(self.second), self.second_values),
            target=self.target,
            ax=ax,
        )

    def title(self) -> str:
        """What stands above the table."""
        return f"{self.question}\nP({self.target} | findings) over {self.first} (down) and {self.second} (across)"


def two_way(
    case: Case,
    target: str | None,
    first: str,
    second: str,
    *,
    state: str | None = None,
    points: int = 21,
) -> TwoWaySensitivity:
    """How one posterior depends on two parameters together, over a grid around their intervals.

    Args:
        case: the findings.
        target: a node that is not observed; the leading cause where None.
        first: id of a parameter; `id[state]` for one state of a distribution.
        second: id of another parameter.
        state: the probability of this state is meant; P(present) where None.
        points: values along each side, 2 or more.

    Returns:
        The posterior over the grid, with the coefficients of its bilinear form where it has one.

    Raises:
        UnknownNameError: a node, a state or a parameter is not known.
        EvidenceError: the node is observed.
        SpinelinkError: the parameters are the same, or `points` is out of range.

    Source:
        Chan and Darwiche 2004, Sensitivity analysis in Bayesian networks: from single to multiple
        parameters.

    Example:
        >>> import spinelink as sl
        >>> case = sl.load("minimal").observe(numbness=True)
        >>> grid = case.two_way("scoliosis", "scoliosis.prior", "numbness.leak", points=3)
        >>> grid.posteriors.shape
        (3, 3)
    """
    name = hidden_target(case, target, state=state)
    points = whole(points, "points", least=2, most=1001, meaning="how many values along each side")
    model = case.model
    one, other = (read_ref(model.network, model.in_force, name=n) for n in (first, second))
    if one.id == other.id:
        raise SpinelinkError("a two-way function is of two different parameters.")
    node, position, own = places_of(case, name, state=state)[0]
    a, b = (_grid(model.in_force[n.id], n, points=points) for n in (one, other))
    settings = [{one: float(x), other: float(y)} for x in a for y in b]
    answer = marginals_under(
        model.network,
        model.compiled,
        values=model.values,
        observed=case.observed,
        nodes=[node],
        assignments=settings,
    )
    posterior = answer.posterior[node]
    table = posterior[position] if own else np.delete(posterior, position, axis=0).sum(axis=0)
    grid = table.reshape(points, points)
    numerator: tuple[float, ...] = ()
    denominator: tuple[float, ...] = ()
    nonlinear = nonlinear_nodes(model.network, model.compiled)
    if not {owner(n.id) for n in (one, other)} & nonlinear:
        share = np.exp(answer.log_evidence - case.log_evidence).reshape(points, points)
        numerator, denominator = _bilinear(a, b, posterior=grid, share=share)
    question = case.question(target=name, state=state, first=first, second=second)
    title = f"{name}={state}" if state else name
    return TwoWaySensitivity(question, title, one, other, a, b, grid, numerator, denominator)


def _bilinear(
    a: Array, b: Array, *, posterior: Array, share: Array
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Coefficients of 1, a, b, ab in P(target, findings) and P(findings), from the four corners.

    share: P(findings) over its value at the estimates, (values of a, values of b).
    """
    corners = np.ix_([0, -1], [0, -1])
    matrix = np.array([[1.0, x, y, x * y] for x in a[[0, -1]] for y in b[[0, -1]]])
    evidence = share[corners].reshape(-1)
    both = posterior[corners].reshape(-1) * evidence
    if not np.isfinite(both).all():
        return (), ()
    numerator, denominator = np.linalg.solve(matrix, both), np.linalg.solve(matrix, evidence)
    return tuple(numerator.tolist()), tuple(denominator.tolist())


def _grid(parameter: Parameter, ref: ParameterRef, *, points: int) -> Array:
    """Values over the number's own interval, widened by half on each side and inside its range."""
    low, high = stated_interval(parameter, ref.state)
    if isinstance(parameter, Ratio):
        return np.asarray(np.exp(np.linspace(np.log(low), np.log(high), points)))
    widen = 0.5 * (high - low) if high > low else 0.05
    return np.linspace(max(low - widen, 1e-6), min(high + widen, 1.0 - 1e-6), points)
