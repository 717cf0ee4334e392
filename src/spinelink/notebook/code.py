"""Reproduce the explorer's case as Python code and as a shell command."""

from __future__ import annotations

import keyword
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace

from spinelink.case import Case, Model
from spinelink.errors import SpinelinkError
from spinelink.io.fitted_file import with_fitted_values
from spinelink.io.network_file import read_network
from spinelink.network.beta import Beta
from spinelink.network.parameter import Parameter, Probability
from spinelink.network.setting import parameters_in
from spinelink.networks_folder import bundled


@dataclass(frozen=True)
class Source:
    """Where a model comes from.

    network: what `sl.load` takes; python: the expression that gives the model in its setting;
    plain: whether no parameter differs from the file.
    """

    network: str
    python: str
    plain: bool


def source(model: Model) -> Source | None:
    """Where a model comes from.

    Args:
        model: any model.

    Returns:
        Its source; None if no single line gives it: it has no file, its file changed since, its
        parameters were fitted, or changed twice.
    """
    if model.origin is None:
        return None
    names = (name for name, path in bundled().items() if path == model.origin)
    network = next(names, str(model.origin.resolve()))
    # Parameters were changed in the setting in force, or in the file's default setting.
    settings = dict.fromkeys((model.setting, model.network.default_setting))
    try:
        candidates = (_source_in(model, setting, network=network) for setting in settings)
        return next((found for found in candidates if found is not None), None)
    except (SpinelinkError, OSError):
        return None


def _source_in(model: Model, setting: str | None, *, network: str) -> Source | None:
    """The source, if the model's parameters were changed in this setting, or not at all."""
    assert model.origin is not None
    stated = read_network(model.origin)
    fitted, covariance = with_fitted_values(stated, model.origin)
    plain = Model(fitted, setting, model.origin)
    if fitted is not stated:
        plain = replace(plain, stated=stated, covariance=covariance)
    load = f"sl.load({network!r}{_setting(plain)})"
    if plain.fingerprint == model.fingerprint:
        return Source(network, load, True)
    changes = _differing(plain, replace(model, setting=setting))
    if plain.with_parameters(changes).fingerprint != model.fingerprint:
        return None
    back = f".in_setting({model.setting!r})" if setting != model.setting else ""
    return Source(network, f"{load}.with_parameters({{{_literal(changes)}}}){back}", False)


def _literal(changes: Mapping[str, object]) -> str:
    """Changed parameters as the inside of a dict display."""
    values = {
        name: f"sl.Beta({v.alpha!r}, {v.beta!r})" if isinstance(v, Beta) else repr(v)
        for name, v in changes.items()
    }
    return ", ".join(f"{name!r}: {value}" for name, value in values.items())


def _differing(plain: Model, model: Model) -> dict[str, float | Beta | Mapping[str, float]]:
    """The parameters in which two models of one file differ, as `with_parameters` takes them."""
    before, after = (parameters_in(m.network, m.setting) for m in (plain, model))
    return {name: _change(p) for name, p in after.items() if p != before.get(name)}


def _change(parameter: Parameter) -> float | Beta | Mapping[str, float]:
    if isinstance(parameter, Probability) and parameter.beta is not None:
        return Beta(*parameter.beta)
    return parameter.value


def _is_default(model: Model) -> bool:
    return not model.setting or model.setting == model.network.default_setting


def _setting(model: Model) -> str:
    return "" if _is_default(model) else f", setting={model.setting!r}"


def python(
    case: Case, where: Source | None, *, original: Model, changes: Mapping[str, object]
) -> str:
    """A line of Python that gives the case.

    Args:
        case: as it stands.
        where: the source of `original`.
        original: the model before the sliders moved.
        changes: what the sliders changed.

    Returns:
        One line; if the model has no source, how to save it first.
    """
    observed = f".observe({_findings(case)})"
    if where is None:
        file = f"{case.model.name}-changed.yaml"
        return (
            "# No line of code gives the numbers of this model: they were fitted, imported, or "
            "changed twice, or its file has changed.\n"
            f"# Save the model first: explorer.case.model.save({file!r})\n"
            f"case = sl.load({file!r}{_setting(case.model)}){observed}"
        )
    load, setting = where.python, ""
    if case.model.setting != original.setting:
        setting = f".in_setting({case.model.setting!r})"
    if setting and where.plain:  # the short way
        load, setting = f"sl.load({where.network!r}{_setting(case.model)})", ""
    changed = f".with_parameters({dict(changes)!r})" if changes else ""
    return f"case = {load}{setting}{changed}{observed}"


def _findings(case: Case) -> str:
    """The findings as arguments of `observe`: by keyword where their names allow it."""
    findings = case.evidence
    if all(name.isidentifier() and not keyword.iskeyword(name) for name in findings):
        return ", ".join(f"{name}={value!r}" for name, value in findings.items())
    return repr(findings)


def command(case: Case, where: Source | None, *, changes: Mapping[str, object], file: str) -> str:
    """The same question as a shell command.

    Args:
        case: as it stands.
        where: the source of its model.
        changes: what the sliders changed.
        file: that the findings are saved in.

    Returns:
        One line; empty if the model is not as a file gives it.
    """
    if where is None or not where.plain or changes:
        return ""
    setting = "" if _is_default(case.model) else f" --setting {case.model.setting}"
    return f"spinelink query --network {shlex.quote(where.network)} @{file}{setting}"
