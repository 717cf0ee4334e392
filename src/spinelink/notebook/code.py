"""How the case of the explorer is had again: a line of Python, or what to do where one line cannot say it, and a line for the command line."""

from __future__ import annotations

import keyword
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from spinelink.errors import SpinelinkError
from spinelink.library import load
from spinelink.network.parameter import Beta, Parameter, Probability
from spinelink.network.setting import parameters_in
from spinelink.networks_folder import bundled

if TYPE_CHECKING:
    from spinelink.case import Case, Model


@dataclass(frozen=True)
class Source:
    """Where a model comes from: `network`, what `sl.load` takes; `python`, the expression that gives the model in its own setting."""

    network: str
    python: str
    plain: bool


def source(model: Model) -> Source | None:
    """Where a model comes from; None where no one line gives it: no file, a file that says something else by now, a fit, changes of changes."""
    if model.origin is None:
        return None
    network = next(
        (name for name, path in bundled().items() if path == model.origin),
        str(model.origin.resolve()),
    )
    default = model.network.default_setting
    try:
        for setting in dict.fromkeys(
            (model.setting, default)
        ):  # the numbers were changed in force, or in the file's own setting
            plain = load(model.origin, setting=setting)
            expression = f"sl.load({network!r}{_setting(plain)})"
            if plain.fingerprint == model.fingerprint:
                return Source(network, expression, True)
            there = replace(model, setting=setting)
            numbers = _differing(plain, there)
            if plain.with_parameters(numbers).fingerprint == model.fingerprint:
                back = f".in_setting({model.setting!r})" if setting != model.setting else ""
                return Source(
                    network, f"{expression}.with_parameters({{{_said(numbers)}}}){back}", False
                )
    except (SpinelinkError, OSError):
        return None
    return None


def _said(numbers: Mapping[str, object]) -> str:
    return ", ".join(
        f"{k!r}: {f'sl.Beta({v.alpha!r}, {v.beta!r})' if isinstance(v, Beta) else repr(v)}"
        for k, v in numbers.items()
    )


def _differing(plain: Model, model: Model) -> dict[str, float | Beta | Mapping[str, float]]:
    """The numbers in which two models of one file differ, as `with_parameters` takes them."""
    before, after = (parameters_in(m.network, m.setting) for m in (plain, model))
    return {name: _change(p) for name, p in after.items() if p != before.get(name)}


def _change(parameter: Parameter) -> float | Beta | Mapping[str, float]:
    if isinstance(parameter, Probability) and parameter.beta is not None:
        return Beta(*parameter.beta)
    return parameter.value


def _setting(model: Model) -> str:
    return (
        f", setting={model.setting!r}"
        if model.setting and model.setting != model.network.default_setting
        else ""
    )


def python(original: Model, where: Source | None, case: Case, changed: Mapping[str, object]) -> str:
    """A line of Python that gives this case. original: the model before the sliders moved; where: its source."""
    observed = f".observe({_findings(case)})"
    if where is None:
        file = f"{case.model.name}-changed.yaml"
        return (
            "# No line of code gives the numbers of this model: they were fitted, imported, or changed twice, or its file is another by now.\n"
            f"# Keep the model first: explorer.case.model.save({file!r})\n"
            f"case = sl.load({file!r}{_setting(case.model)}){observed}"
        )
    setting = (
        f".in_setting({case.model.setting!r})" if case.model.setting != original.setting else ""
    )
    python = where.python
    if setting and where.plain:  # the short way
        python, setting = f"sl.load({where.network!r}{_setting(case.model)})", ""
    numbers = f".with_parameters({dict(changed)!r})" if changed else ""
    return f"case = {python}{setting}{numbers}{observed}"


def _findings(case: Case) -> str:
    findings = case.evidence
    plain = all(n.isidentifier() and not keyword.iskeyword(n) for n in findings)
    return ", ".join(f"{n}={v!r}" for n, v in findings.items()) if plain else repr(findings)


def command(where: Source | None, case: Case, changed: Mapping[str, object], file: str) -> str:
    """The same question on the command line, from the saved findings; empty where the model is not one that a file gives."""
    if where is None or not where.plain or changed:
        return ""
    setting = (
        f" --setting {case.model.setting}"
        if case.model.setting and case.model.setting != case.model.network.default_setting
        else ""
    )
    return f"spinelink query --network {shlex.quote(where.network)} @{file}{setting}"
