"""Models with the parameters that a fit, a tuning or a table of patients gave."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

from spinelink.adjust.evidence.result import EvidenceFit, joint_of
from spinelink.adjust.learn import learn
from spinelink.adjust.learning import Learning
from spinelink.adjust.tune import Tuning
from spinelink.case import Model
from spinelink.errors import SpinelinkError, shown
from spinelink.network.fitted import carried_over, changed_since, with_parameters_of
from spinelink.network.joint import joint_of_unchanged
from spinelink.network.network import Network

AnyModel = TypeVar("AnyModel", bound=Model)


def update(model: AnyModel, frame: Any, *, strength: float = 1.0, **options: Any) -> AnyModel:
    """A model with its parameters updated by a table of patients.

    Args:
        model: the network.
        frame: as in `posteriors`.
        strength: what the file's own parameters count; see `learn`.
        **options: all others of `learn`.

    Returns:
        A new model. `learn` also tells how it went.

    Raises:
        EvidenceError: a cell is no finding; the error names row and column.
        SpinelinkError: as in `learn`.

    Example:
        >>> import spinelink as sl
        >>> model = sl.load("minimal")
        >>> model.update(model.sample(200, seed=1), restarts=0).name
        'minimal'
    """
    return _with_network(model, learn(model, frame, strength=strength, **options).network)


def fitted(model: AnyModel, fit: EvidenceFit | Tuning | Learning) -> AnyModel:
    """A model with the parameters of a fit, a tuning, or what was learned.

    Args:
        model: the network that was fitted. `save` writes the parameters into a copy of its file,
            with what they were before and the reason.
        fit: the answer of `fit_claims`, `tune` or `learn`.

    Returns:
        A new model.

    Example:
        >>> import spinelink as sl
        >>> model = sl.load("minimal")
        >>> tuning = model.tune(sl.constraint("P(scoliosis) == 0.1"))
        >>> round(model.fitted(tuning).without_findings.present("scoliosis")["scoliosis"], 3)
        0.1
    """
    if not isinstance(fit, EvidenceFit | Tuning | Learning):
        words = "fit is what `fit_claims`, `tune` or `learn` answered, not"
        raise SpinelinkError(f"{words} {shown(fit)}.")
    if isinstance(fit, EvidenceFit):
        stated = model.network if model.stated is None else model.stated
        return replace(model, network=fit.network, stated=stated, covariance=joint_of(fit))
    return _with_network(model, fit.network)


def _with_network(model: AnyModel, network: Network) -> AnyModel:
    """A model with other parameters. Those that a fit to figures gave stay what they are."""
    if model.stated is None:
        return replace(model, network=network, covariance=None)
    stated = with_parameters_of(model.stated, changed_since(model.network, network))
    now = carried_over(model.network, model.stated, stated)
    covariance = joint_of_unchanged(model.covariance, model.network, now)
    return replace(model, network=now, stated=stated, covariance=covariance)
