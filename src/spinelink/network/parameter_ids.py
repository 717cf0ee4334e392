"""Every parameter of a network under its id (`numbness.leak`, `sciatica.odds_ratio.smoking`).

docs/network-file.md defines the ids. Each parameter also has a path: the keys and indices that
lead to it in the network file. Positions are looked up and files are patched by these paths.
Functions here neither read files nor change a network; they return new ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, assert_never, cast

from pydantic import BaseModel

from spinelink.errors import ParameterError, UnknownNameError
from spinelink.network.cpd import (
    Accuracy,
    AdditiveRates,
    Cpd,
    Deterministic,
    LogOdds,
    NoisyMax,
    NoisyOr,
    Prior,
    Row,
    Table,
)
from spinelink.network.network import Network
from spinelink.network.parameter import Parameter

Path = tuple[str | int, ...]
"""Keys and indices that lead to a place in a network file."""


@dataclass(frozen=True)
class Located:
    """One parameter of a node: its id, its path in the file, its name for people (`words`)."""

    id: str
    path: Path
    words: str
    parameter: Parameter


def owner(parameter: str) -> str:
    """The node that a parameter belongs to: ids begin with its name, and names hold no dots."""
    return parameter.partition(".")[0]


def parameters(network: Network) -> dict[str, Parameter]:
    """Every parameter by id, in file order; `setting.parameters_in` adds a setting's overrides."""
    return {item.id: item.parameter for item in locate_parameters(network)}


def parameter_paths(network: Network) -> dict[str, Path]:
    """The path in the network file of each parameter, by id."""
    return {item.id: item.path for item in locate_parameters(network)}


def replace_parameters(network: Network, values: Mapping[str, Parameter]) -> Network:
    """The same network with some parameters replaced, by id.

    Raises:
        UnknownNameError: The network has no such parameter.
        ParameterError: A value is of another kind than the parameter, or has other states.
    """
    current = {item.id: item for item in locate_parameters(network)}
    changes: dict[str | int, Any] = {}
    for name, value in values.items():
        if name not in current:
            raise UnknownNameError(
                name, kind="parameter", allowed=current, where=f"network {network.name!r}"
            )
        if problem := kind_mismatch(current[name], value):
            raise ParameterError(f"{problem}.")
        _plant(changes, current[name].path, value=value)
    return cast(Network, _replace(network, changes))


def locate_parameters(network: Network) -> Iterator[Located]:
    """Every parameter of the network, in file order."""
    for name, node in network.nodes.items():
        yield from locate_in_cpd(name, node.cpd)


def locate_in_cpd(name: str, cpd: Cpd) -> Iterator[Located]:
    """Every parameter of the CPD of the node `name`, in file order."""
    at: Path = ("nodes", name, "cpd")
    match cpd:
        case Prior():
            yield Located(f"{name}.prior", (*at, "prior"), f"prior of {name}", cpd.prior)
        case Table():
            for index, row in enumerate(cpd.rows):
                place = (*at, "rows", index, "probability")
                yield Located(
                    f"{name}.row.{row_label(row, cpd.parents)}",
                    place,
                    row_words(name, row, parents=cpd.parents),
                    row.probability,
                )
        case NoisyOr() | NoisyMax():
            yield Located(f"{name}.leak", (*at, "leak"), f"leak of {name}", cpd.leak)
            for parent, link in cpd.links.items():
                words = f"link from {parent} to {name}"
                yield from _of_parent(name, "link", parent, words=words, value=link)
        case LogOdds():
            if cpd.prevalence is not None:
                yield Located(
                    f"{name}.prior", (*at, "prevalence"), f"prevalence of {name}", cpd.prevalence
                )
            if cpd.baseline is not None:
                yield Located(
                    f"{name}.baseline", (*at, "baseline"), f"baseline of {name}", cpd.baseline
                )
            for parent, ratio in cpd.odds_ratios.items():
                words = f"odds ratio of {parent} for {name}"
                yield from _of_parent(name, "odds_ratio", parent, words=words, value=ratio)
        case Accuracy():
            yield from _family(
                f"{name}.sensitivity",
                (*at, "sensitivity"),
                words=f"sensitivity of {name}",
                value=cpd.sensitivity,
            )
            yield Located(
                f"{name}.specificity",
                (*at, "specificity"),
                f"specificity of {name}",
                cpd.specificity,
            )
        case AdditiveRates():
            for parent, rate in cpd.rates.items():
                words = f"rate of {parent} for {name}"
                yield from _of_parent(name, "rate", parent, words=words, value=rate)
        case Deterministic():
            return
        case _:
            assert_never(cpd)


def row_label(row: Row, parents: Sequence[str]) -> str:
    """`P1=S1,P2=S2`, in the order of the table's parents."""
    known = [
        f"{parent}={row.given[parent]}" for parent in dict.fromkeys(parents) if parent in row.given
    ]
    return ",".join(
        [
            *known,
            *(f"{parent}={state}" for parent, state in row.given.items() if parent not in parents),
        ]
    )


def row_words(name: str, row: Row, *, parents: Sequence[str]) -> str:
    """`row (P1=S1, P2=S2) of numbness`."""
    return f"row ({row_label(row, parents).replace(',', ', ')}) of {name}"


def _of_parent(
    name: str, kind: str, parent: str, *, words: str, value: Parameter | Mapping[str, Parameter]
) -> Iterator[Located]:
    """What one parent contributes: `NAME.kind.PARENT`, kept in the CPD's field `kinds`."""
    path = ("nodes", name, "cpd", f"{kind}s", parent)
    yield from _family(f"{name}.{kind}.{parent}", path, words=words, value=value)


def _family(
    name: str, path: Path, *, words: str, value: Parameter | Mapping[str, Parameter]
) -> Iterator[Located]:
    """One parameter, or one for each of several states of the parent."""
    if not isinstance(value, Mapping):
        yield Located(name, path, words, value)
        return
    for state, parameter in value.items():
        yield Located(f"{name}.{state}", (*path, state), f"{words} ({state})", parameter)


def kind_mismatch(located: Located, value: Parameter) -> str:
    """Why `value` cannot replace a parameter; an empty string where it can."""
    if type(value) is not type(located.parameter):
        return f"{located.id} is a {type(located.parameter).__name__}, not a {type(value).__name__}"
    old, new = located.parameter.value, value.value
    if isinstance(old, dict) and isinstance(new, dict) and set(old) != set(new):
        return f"{located.id} is a distribution over {', '.join(old)}, not over {', '.join(new)}"
    return ""


@dataclass(frozen=True)
class _Leaf:
    """Marks a new value in a tree of changes."""

    value: object


def _plant(changes: dict[str | int, Any], path: Path, *, value: object) -> None:
    for key in path[:-1]:
        changes = changes.setdefault(key, {})
    changes[path[-1]] = _Leaf(value)


def _replace(value: object, changes: Mapping[str | int, Any] | _Leaf) -> object:
    """A copy of `value` with the changes made, sharing everything that did not change."""
    if isinstance(changes, _Leaf):
        return changes.value
    if isinstance(value, BaseModel):
        return value.model_copy(
            update={
                str(key): _replace(getattr(value, str(key)), sub) for key, sub in changes.items()
            }
        )
    if isinstance(value, Mapping):
        return {**value, **{key: _replace(value[key], sub) for key, sub in changes.items()}}
    if isinstance(value, tuple):
        return tuple(
            _replace(item, changes[index]) if index in changes else item
            for index, item in enumerate(value)
        )
    raise AssertionError(f"a path leads into {type(value).__name__}")
