"""Settings: which parameters hold in which population."""

from __future__ import annotations

import math
from collections.abc import Mapping

from spinelink.errors import ParameterError, UnknownNameError, shown
from spinelink.network.beta import Beta
from spinelink.network.network import Network
from spinelink.network.parameter import Distribution, Parameter, Probability, Quantity, Ratio
from spinelink.network.parameter_ids import parameters, replace_parameters
from spinelink.network.uncertainty import weight
from spinelink.options import is_number, mapping, number_of


def check_setting(network: Network, setting: str | None) -> str | None:
    """The setting's name; the file's default for None.

    Raises:
        UnknownNameError: The network has no such setting.
    """
    if not isinstance(network, Network):
        words = "a model is made of a network, as `sl.load(...).network`; not of"
        raise ParameterError(f"{words} {shown(network)}.")
    if setting is None:
        return network.default_setting
    if not isinstance(setting, str) or setting not in network.settings:
        raise UnknownNameError(
            setting,
            kind="setting",
            allowed=network.settings,
            where=f"network {network.name!r}",
        )
    return setting


def parameters_in(network: Network, setting: str | None) -> dict[str, Parameter]:
    """Every parameter by id, as it holds in the setting (None: as the nodes state it)."""
    overrides = network.settings[setting].overrides if setting is not None else {}
    return {**parameters(network), **overrides}


def selected_by(network: Network, setting: str | None) -> tuple[str, ...]:
    """The selection nodes by which everybody in the setting was selected."""
    return tuple(network.settings[setting].selected_by) if setting is not None else ()


def with_parameters(network: Network, setting: str | None, changes: object) -> Network:
    """A network in which some parameters differ in one setting.

    In the file's default setting the change is made in the node itself, unless the setting
    overrides that parameter already.

    Args:
        network: The network; it is not changed.
        setting: The setting, or None for the parameters that the nodes state.
        changes: Parameter id -> a number, a `Beta`, a parameter of the same kind, or for several
            states a mapping state -> probability; or a patch of the explorer with such a mapping
            under `parameters`.

    Raises:
        UnknownNameError: The network has no such parameter.
        ParameterError: A change does not fit its parameter.
    """
    changes = _changes_of(network, setting, changes)
    now = parameters_in(network, setting)
    new = {}
    for name, change in changes.items():
        if name not in now:
            raise UnknownNameError(
                name, kind="parameter", allowed=now, where=f"network {network.name!r}"
            )
        new[name] = _changed(name, now[name], change=change)
    in_setting = setting is not None and setting != network.default_setting
    overridden = network.settings[setting].overrides if setting is not None else {}
    local = {k: v for k, v in new.items() if in_setting or k in overridden}
    if local:
        assert setting is not None
        changed = network.settings[setting].model_copy(
            update={"overrides": {**overridden, **local}}
        )
        network = network.model_copy(update={"settings": {**network.settings, setting: changed}})
    rest = {k: v for k, v in new.items() if k not in local}
    return replace_parameters(network, rest) if rest else network


PATCH_KEYS = ("network", "version", "setting", "parameters")
"""Of the explorer's patch: the changes, and what they were made in."""


def _changes_of(network: Network, setting: str | None, given: object) -> Mapping[str, object]:
    """The changes that a caller gave, out of their patch where they stand in one.

    Raises:
        ParameterError: It is no mapping, or a patch for another network, version or setting.
    """
    changes = mapping(given, "changes", what="parameter id -> number", error=ParameterError)
    if "parameters" not in changes:
        return changes  # type: ignore[return-value]
    odd = [key for key in changes if key not in PATCH_KEYS]
    if odd:
        raise ParameterError(
            f"a patch has the keys {', '.join(PATCH_KEYS)}; {shown(odd[0])} is none of them."
        )
    here = {"network": network.name, "version": network.version, "setting": setting}
    for key, now in here.items():
        if key in changes and changes[key] != now:
            raise ParameterError(
                f"this patch is for {key} {shown(changes[key])}, and this model has {key} "
                f"{shown(now)}; {_MENDED[key]}."
            )
    return mapping(  # type: ignore[return-value]
        changes["parameters"], "parameters", what="parameter id -> number", error=ParameterError
    )


_MENDED = {
    "network": "load the network that it was made for",
    "version": 'check its numbers, and give with_parameters(patch["parameters"]) alone',
    "setting": "take the model in that setting with in_setting(...)",
}


def _changed(name: str, old: Parameter, *, change: object) -> Parameter:
    if isinstance(change, Quantity):
        if type(change) is not type(old):
            raise ParameterError(
                f"{name} is a {type(old).__name__}, not a {type(change).__name__}."
            )
        return change
    if isinstance(change, Beta):
        if not isinstance(old, Probability):
            raise ParameterError(
                f"{name} is a {type(old).__name__.lower()}, so a Beta cannot stand for it."
            )
        return Probability(
            beta=(float(change.alpha), float(change.beta)), grade="judged", note=_note(old)
        )
    if isinstance(old, Distribution):
        return _changed_distribution(name, old, change=change)
    if not is_number(change):
        raise ParameterError(f"{name}: give a number or a Beta, not {shown(change)}.")
    number = _number(name, change)
    if isinstance(old, Ratio):
        if not 0.0 < number < float("inf"):
            raise ParameterError(f"{name} is an odds ratio; {number:g} is not above 0 and finite.")
        return Ratio(
            estimate=number,
            interval=(max(number / 2, 5e-324), min(number * 2, 1.7e308)),
            grade="judged",
            note=_note(old),
        )
    if not 0.0 <= number <= 1.0:
        hint = f" A percentage? Write {number / 100:g}." if 1.0 < number <= 100.0 else ""
        raise ParameterError(f"{name} is a probability; {number:g} is outside 0 to 1.{hint}")
    return Probability(
        estimate=number, equivalent_sample_size=weight(old), grade="judged", note=_note(old)
    )


def _changed_distribution(name: str, old: Distribution, *, change: object) -> Distribution:
    if not isinstance(change, Mapping) or set(change) != set(old.estimate):
        raise ParameterError(
            f"{name} is a distribution; give a mapping with the states {', '.join(old.estimate)}."
        )
    numbers = {s: _number(f"{name}, state {s}", change[s]) for s in old.estimate}
    total = sum(numbers.values())
    if any(not 0.0 <= v <= 1.0 for v in numbers.values()) or abs(total - 1.0) > 1e-6:
        raise ParameterError(
            f"{name}: probabilities lie between 0 and 1 and sum to 1; these sum to {total:g}."
        )
    return Distribution(
        estimate=numbers, equivalent_sample_size=weight(old), grade="judged", note=_note(old)
    )


def _number(name: str, value: object) -> float:
    number = number_of(value)
    if math.isnan(number):
        raise ParameterError(f"{name}: give a number, not {shown(value)}.")
    return number


def _note(old: Quantity) -> str:
    before = f"{old.value:g}" if isinstance(old, Probability | Ratio) else "a distribution"
    return f"Set by hand; before: {before} ({old.grade})."
