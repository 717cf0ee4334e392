"""The numbers of one node as sliders: each within its own interval, a distribution state by state."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from spinelink.errors import UnknownNameError
from spinelink.inference.sampled_parameters import stated_interval
from spinelink.network.network import Network
from spinelink.network.parameter import Distribution, Parameter
from spinelink.network.parameter_ids import Located, locate_in_cpd
from spinelink.network.setting import parameters_in

if TYPE_CHECKING:
    from spinelink.case import Model

Changes = dict[str, float | dict[str, float]]
"""Changed numbers by id: a number, or one for each state of a distribution."""


def numbers(model: Model, name: str) -> dict[str, Any]:
    """A node's numbers as the model gives them, before any slider moved: id, state, estimate, interval, grade, sources, note."""
    inside = parameters_in(model.network, model.setting)
    rows = [
        row
        for each in locate_in_cpd(name, model.network.nodes[name].cpd)
        for row in _rows(model.network, each, inside[each.id])
    ]
    return {"node": name, "setting": model.setting or "", "rows": rows}


def _rows(network: Network, located: Located, p: Parameter) -> list[dict[str, Any]]:
    same = {
        "id": located.id,
        "words": labelled(located.words, network, every=True),
        "grade": p.grade,
        "source": list(p.source),
        "note": p.note,
    }
    if not isinstance(p, Distribution):
        low, high = stated_interval(p)
        return [{**same, "state": "", "value": p.value, "low": low, "high": high}]
    found = []
    for state, value in p.estimate.items():
        low, high = stated_interval(p, state)
        found.append({**same, "state": state, "value": value, "low": low, "high": high})
    return found


def labelled(text: str, network: Network, *, every: bool = False) -> str:
    """A text with the labels of nodes in place of their names. every: names that may be common words too (one without _ and not before = or ~)."""

    def label(found: re.Match[str]) -> str:
        name = found.group(1)
        if name not in network.nodes or not (every or "_" in name or found.group(2)):
            return found.group(0)
        return network.nodes[name].label + {"=": ": ", "~": ": uncertain "}.get(found.group(2), "")

    return re.sub(r"\b([A-Za-z]\w*)\b([=~]?)", label, text)


def moved(model: Model, changed: Changes, name: str, state: str, value: float) -> Changes:
    """The changes with one number more; where it is a state's, the other states of its distribution give way in proportion."""
    known = parameters_in(model.network, model.setting)
    if name not in known:
        raise UnknownNameError(
            name, kind="parameter", allowed=known, where=f"network {model.name!r}"
        )
    p = known[name]
    if not isinstance(p, Distribution):
        return {**changed, name: value}
    before = changed.get(name)
    now = dict(before) if isinstance(before, Mapping) else dict(p.estimate)
    if state not in now:
        raise UnknownNameError(state, kind="state", allowed=now, where=name)
    rest = sum(v for s, v in now.items() if s != state)
    share = {
        s: v / rest if rest > 0.0 else 1.0 / (len(now) - 1) for s, v in now.items() if s != state
    }
    return {**changed, name: {s: value if s == state else (1.0 - value) * share[s] for s in now}}


def patch(model: Model, changed: Mapping[str, object]) -> str:
    """The changed numbers as JSON, for `model.with_parameters(json.load(file)["parameters"])`."""
    about = {
        "network": model.name,
        "version": model.network.version,
        "setting": model.setting,
        "parameters": dict(changed),
    }
    return json.dumps(about, indent=2) + "\n"
