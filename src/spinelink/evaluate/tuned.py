"""Tuning, with what it does to the ranking of cases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from spinelink.adjust.rankings import compare_rankings
from spinelink.adjust.tune import MOST_STEPS, Minimise, Tuning, tune_network
from spinelink.case import Model
from spinelink.evaluate.named_cases import named_cases
from spinelink.network.constraint import Constraint
from spinelink.progress import bar
from spinelink.typing import Findings, PathLike


def tune(
    model: Model,
    constraints: Constraint | Sequence[Constraint],
    *,
    vary: str | Sequence[str] | None = None,
    minimise: Minimise = "standard_deviations",
    most: int | None = None,
    reason: str | None = None,
    cases: PathLike | Mapping[str, Findings] | Iterable[Findings] | None = None,
    progress: bool | None = None,
) -> Tuning:
    """The smallest change of parameters that makes the network satisfy constraints.

    Args:
        model: the network; parameters change in the setting in force.
        constraints: one or more of `sl.constraint`.
        vary: ids of parameters, or nodes, that may move; all where None.
        minimise: how the length of the change is measured: "standard_deviations" of each
            parameter's own uncertainty, or "log_odds" for all alike.
        most: how many parameters may change; any where None.
        reason: what the notes of the parameters will say; the constraints themselves where None.
        cases: whose rankings before and after are compared, as in `diff`.
        progress: show a progress bar; None: in a terminal only.

    Returns:
        The patch, every parameter that alone would do, and where the constraints cannot be met the
        nearest that can be reached. `model.fitted(tuning)` is the tuned model.

    Raises:
        ParameterError: a constraint cannot be read.
        UnknownNameError: a name is not known.
        SpinelinkError: what a constraint is given cannot occur.

    Source:
        Chan and Darwiche 2002 (single solutions); Lawson and Hanson 1974 (least distance
        programming).

    Example:
        >>> import spinelink as sl
        >>> tuning = sl.load("minimal").tune(sl.constraint("P(scoliosis) == 0.1"))
        >>> [change.id for change in tuning.patch]
        ['scoliosis.prior']
    """
    compared = named_cases(model, cases)
    with bar("tuning", MOST_STEPS, progress) as on_progress:
        tuning = tune_network(
            model,
            [constraints] if isinstance(constraints, Constraint) else constraints,
            vary=vary,
            minimise=minimise,
            most=most,
            reason=reason,
            on_progress=on_progress,
        )
    if not tuning.patch:
        return tuning
    tuned = replace(model, network=tuning.network, covariance=None)
    return replace(tuning, cases=compare_rankings(model, tuned, cases=compared)[0])
