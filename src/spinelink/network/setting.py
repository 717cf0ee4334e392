"""Settings: which parameters hold in which population."""

from __future__ import annotations

from collections.abc import Mapping

from spinelink.errors import ParameterError, UnknownNameError
from spinelink.network.network import Network
from spinelink.network.parameter import Beta, Distribution, Parameter, Probability, Quantity, Ratio
from spinelink.network.parameter_ids import parameters, replace_parameters
from spinelink.network.uncertainty import weight


def check_setting(network: Network, setting: str | None) -> str | None:
    """The setting's name; the file's default for None.

    Raises:
        UnknownNameError: The network has no such setting.
    """
    if setting is None:
        return network.default_setting
    if not isinstance(setting, str) or setting not in network.settings:
        raise UnknownNameError(
            str(setting),
            kind="setting",
            allowed=network.settings,
            where=f"network {network.name!r}",
        )
    return setting


def parameters_in(network: Network, setting: str | None) -> dict[str, Parameter]:
    """Every parameter by id, as it holds in the setting (None: as the nodes state it)."""
    overrides = network.settings[setting].overrides if setting is not None else {}
    return {**parameters(network), **overrides}


def with_parameters(
    network: Network, setting: str | None, changes: Mapping[str, object]
) -> Network:
    """A network in which some parameters differ in one setting.

    In the file's default setting the change is made in the node itself, unless the setting
    overrides that parameter already.

    Args:
        network: The network; it is not changed.
        setting: The setting, or None for the parameters that the nodes state.
        changes: Parameter id -> a number, a `Beta`, a parameter of the same kind, or for several
            states a mapping state -> probability.

    Raises:
        UnknownNameError: The network has no such parameter.
        ParameterError: A change does not fit its parameter.
    """
    if not isinstance(changes, Mapping):
        raise ParameterError(
            f"changes are a mapping parameter id -> number, not a {type(changes).__name__}."
        )
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
    if isinstance(change, bool) or (
        not isinstance(change, (int, float)) and not hasattr(change, "__float__")
    ):
        raise ParameterError(f"{name}: give a number or a Beta, not {change!r}.")
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
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise ParameterError(f"{name}: give a number, not {value!r}.") from None


def _note(old: Quantity) -> str:
    before = f"{old.value:g}" if isinstance(old, Probability | Ratio) else "a distribution"
    return f"Set by hand; before: {before} ({old.grade})."
