"""Fitted values of a network's parameters, as the companion file keeps them.

A person edits priors, structure and claims. A fit writes what follows from them into a file of its
own, as a package manager writes a lock file. It names the fingerprints of what it was made from, and is
never edited by hand.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from spinelink.network.base import StateName, Value
from spinelink.network.network import Network
from spinelink.network.parameter import Distribution, Fitted, Parameter
from spinelink.network.parameter_ids import replace_parameters
from spinelink.network.setting import parameters_in

OWN = ""
"""In place of a setting: the parameters that the nodes state."""


MOSTLY, TOUCHED = 0.5, 0.05


def standing(informed: float) -> str:
    """`informed` where figures removed more than half of the variance, `touched`, or `judged`."""
    if informed > MOSTLY:
        return "informed"
    return "touched" if informed > TOUCHED else "judged"


class FittedValue(Value):
    """One parameter after the fit.

    deviation: of a probability or ratio, in log odds or log ratio. weight: the equivalent sample
    size of a distribution. informed: the fraction of the prior variance that figures removed.
    """

    estimate: float | dict[StateName, float]
    deviation: float | None = None
    weight: float | None = None
    informed: float
    studies: tuple[str, ...] = ()


class FittedSpread(Value):
    """The standard deviation between studies of one kind of quantity and grade of fit."""

    quantity: str
    fit: str
    figures: int
    deviation: float


class FittedFile(Value):
    """What a fit made of a network's priors and of published figures."""

    network: str
    network_fingerprint: str
    claims_fingerprint: str
    library: str
    figures: int = 0
    studies: int = 0
    complete: bool = True
    shared: float = Field(
        default=0.5, description="Of the variance between studies, within one study."
    )
    spreads: tuple[FittedSpread, ...] = ()
    factors: dict[str, float] = Field(default_factory=dict)
    words: dict[str, float] = Field(default_factory=dict)
    joint: str | None = Field(
        default=None, description="Digest of the file that says how the parameters vary together."
    )
    parameters: dict[str, dict[str, FittedValue]]


def applied(network: Network, fitted: FittedFile) -> Network:
    """The network with fitted estimates in its nodes and in the overrides of its settings.

    Raises:
        KeyError: the file speaks of a parameter or setting that the network does not have.
    """
    changed: dict[str, dict[str, Parameter]] = {}
    for setting, values in fitted.parameters.items():
        known = (
            parameters_in(network, None) if setting == OWN else network.settings[setting].overrides
        )
        changed[setting] = {name: _with(known[name], value) for name, value in values.items()}
    return with_parameters_of(network, changed)


def values_of(network: Network) -> dict[str, dict[str, FittedValue]]:
    """The fitted values that stand in a network, by setting (`OWN` for the nodes' own) and id."""
    found: dict[str, dict[str, FittedValue]] = {}
    for place, parameters in _places(network).items():
        values = {
            name: FittedValue(
                estimate=parameter.value,
                deviation=about.deviation,
                weight=about.weight,
                informed=about.informed,
                studies=about.studies,
            )
            for name, parameter in parameters.items()
            if (about := parameter.fitted) is not None
        }
        if values:
            found[place] = values
    return found


def carried_over(network: Network, before: Network, after: Network) -> Network:
    """A fitted network after a change of what its file states: fitted values stay where that did.

    before, after: the network as its file states it.
    """
    old, new = _places(before), _places(after)
    kept = {
        place: {
            name: parameter
            for name, parameter in parameters.items()
            if parameter.fitted is not None
            and old.get(place, {}).get(name) == new.get(place, {}).get(name)
        }
        for place, parameters in _places(network).items()
    }
    return with_parameters_of(after, kept)


def changed_since(before: Network, after: Network) -> dict[str, dict[str, Parameter]]:
    """The parameters in which two networks of one structure differ, without fitted values."""
    old = _places(before)
    return {
        place: {
            name: parameter.model_copy(update={"fitted": None})
            for name, parameter in parameters.items()
            if old.get(place, {}).get(name) != parameter
        }
        for place, parameters in _places(after).items()
    }


def _places(network: Network) -> dict[str, Mapping[str, Parameter]]:
    """The parameters by where they stand: in the nodes (`OWN`), or in a setting's overrides."""
    settings = {name: setting.overrides for name, setting in network.settings.items()}
    return {OWN: parameters_in(network, None), **settings}


def with_parameters_of(network: Network, changed: Mapping[str, Mapping[str, Parameter]]) -> Network:
    """The network with these parameters in its nodes (`OWN`) and in the overrides of its settings."""
    if own := changed.get(OWN):
        network = replace_parameters(network, own)
    settings = {
        name: setting.model_copy(
            update={"overrides": {**setting.overrides, **changed.get(name, {})}}
        )
        for name, setting in network.settings.items()
    }
    return network.model_copy(update={"settings": settings})


def _with(parameter: Parameter, value: FittedValue) -> Parameter:
    about = Fitted(
        prior=parameter.value,
        deviation=value.deviation,
        weight=value.weight,
        informed=value.informed,
        studies=value.studies,
    )
    estimate = value.estimate
    if isinstance(parameter, Distribution) != isinstance(estimate, dict):
        raise KeyError("a distribution and a number")
    return parameter.model_copy(update={"estimate": estimate, "fitted": about})
