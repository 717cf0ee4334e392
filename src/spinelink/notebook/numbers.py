"""The parameters of one node as sliders: each within its interval, a distribution by state."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from spinelink.case import Model
from spinelink.errors import UnknownNameError
from spinelink.inference.sampled_parameters import stated_interval
from spinelink.network.labels import labelled
from spinelink.network.network import Network
from spinelink.network.parameter import Distribution, Parameter
from spinelink.network.parameter_ids import Located, locate_in_cpd
from spinelink.network.setting import parameters_in

Changes = dict[str, float | dict[str, float]]
"""Changed parameters by id: a value, or one for each state of a distribution."""


def node_parameters(model: Model, node: str) -> dict[str, Any]:
    """The parameters of a node, as the model gives them before any slider moved.

    Args:
        model: the network in its setting.
        node: its name.

    Returns:
        `node`, `setting`, and `rows`: id, words, state, value, low, high, grade, source, note. A
        distribution has a row for each state.
    """
    in_force = parameters_in(model.network, model.setting)
    rows = [
        row
        for located in locate_in_cpd(node, model.network.nodes[node].cpd)
        for row in _rows(model.network, located, in_force[located.id])
    ]
    return {"node": node, "setting": model.setting or "", "rows": rows}


def _rows(network: Network, located: Located, parameter: Parameter) -> list[dict[str, Any]]:
    about = {
        "id": located.id,
        "words": labelled(located.words, network, every=True),
        "grade": parameter.grade,
        "source": list(parameter.source),
        "note": parameter.note,
    }
    if not isinstance(parameter, Distribution):
        low, high = stated_interval(parameter)
        return [{**about, "state": "", "value": parameter.value, "low": low, "high": high}]
    rows = []
    for state, value in parameter.estimate.items():
        low, high = stated_interval(parameter, state)
        rows.append({**about, "state": state, "value": value, "low": low, "high": high})
    return rows


def with_value(
    model: Model, changes: Changes, *, parameter: str, state: str, value: float
) -> Changes:
    """The changes with one more value.

    Args:
        model: the network before any slider moved.
        changes: what the sliders changed so far.
        parameter: its id.
        state: of a distribution; its other states give way in proportion. Else ignored.
        value: the new value.

    Returns:
        New changes.

    Raises:
        UnknownNameError: there is no such parameter or state.
    """
    known = parameters_in(model.network, model.setting)
    if parameter not in known:
        where = f"network {model.name!r}"
        raise UnknownNameError(parameter, kind="parameter", allowed=known, where=where)
    before = known[parameter]
    if not isinstance(before, Distribution):
        return {**changes, parameter: value}
    changed = changes.get(parameter)
    now = dict(changed) if isinstance(changed, Mapping) else dict(before.estimate)
    if state not in now:
        raise UnknownNameError(state, kind="state", allowed=now, where=parameter)
    others = [s for s in now if s != state]
    rest = sum(now[s] for s in others)
    share = {s: now[s] / rest if rest > 0.0 else 1.0 / len(others) for s in others}
    moved = {s: value if s == state else (1.0 - value) * share[s] for s in now}
    return {**changes, parameter: moved}


def patch(model: Model, changes: Mapping[str, object]) -> str:
    """The changes as JSON, for `model.with_parameters(path)`."""
    about = {
        "network": model.name,
        "version": model.network.version,
        "setting": model.setting,
        "parameters": dict(changes),
    }
    return json.dumps(about, indent=2) + "\n"
