"""What one node is: its definition, states, question, neighbours and sources, and its CPT."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spinelink.case import Model
from spinelink.errors import SpinelinkError
from spinelink.inference.arrays import NoisyFactor
from spinelink.inference.family import full_table
from spinelink.network.node import Node
from spinelink.network.parameter import Probability
from spinelink.network.parameter_ids import locate_in_cpd
from spinelink.network.search import codes_of, node_named
from spinelink.result import Result
from spinelink.view.text import show_number

if TYPE_CHECKING:
    import pandas as pd

LARGE = 64
"""Combinations of the parents' states; a noisy family with more is shown by its links and leak."""
LARGEST = 4096
"""Combinations that a table may have at all."""
LEAK = "(leak)"

KINDS = {
    "prior": "no parents: a prior",
    "table": "a table, one row for every combination of the parents' states",
    "noisy_or": "noisy-OR: each parent produces it on its own; the leak is everything else",
    "noisy_max": "noisy-MAX: the worst that any parent produces; the leak is everything else",
    "log_odds": "log odds: each risk factor multiplies the odds",
    "accuracy": "a test with its sensitivity and specificity",
    "deterministic": "a function of its parents",
}


@dataclass(frozen=True, repr=False)
class Description(Result):
    """One node as its network file states it, in the setting in force.

    parents, children: name -> label. parameters: id -> estimate. sources: key -> citation.
    """

    name: str
    label: str
    definition: str
    role: str
    region: str
    states: tuple[str, ...]
    asked: str
    procedure: str
    synonyms: tuple[str, ...]
    codes: tuple[str, ...]
    parents: Mapping[str, str]
    children: Mapping[str, str]
    distribution: str
    parameters: Mapping[str, str]
    sources: Mapping[str, str]

    def to_frame(self) -> pd.DataFrame:
        """Columns: item, text. What the network does not say has no row."""
        import pandas as pd

        return pd.DataFrame(self._items(), columns=["item", "text"])

    def title(self) -> str:
        """What stands above the table."""
        return f"{self.label} ({self.name}), {self.question.network} {self.question.version}"

    def __str__(self) -> str:
        items = self._items()
        return "\n".join([self.title(), *(f"  {item}: {text}" for item, text in items)])

    def _items(self) -> list[tuple[str, str]]:
        rows = [
            ("definition", self.definition),
            ("role", self.role + (f", {self.region}" if self.region else "")),
            ("states", ", ".join(self.states)),
            ("question", self.asked),
            ("procedure", self.procedure.replace("_", " ")),
            ("also called", ", ".join(self.synonyms)),
            ("codes", ", ".join(self.codes)),
            ("parents", _labelled(self.parents)),
            ("children", _labelled(self.children)),
            ("distribution", self.distribution),
            *((f"parameter {name}", value) for name, value in self.parameters.items()),
            *((f"source {key}", text) for key, text in self.sources.items()),
        ]
        return [(item, text) for item, text in rows if text]


def _labelled(nodes: Mapping[str, str]) -> str:
    return ", ".join(f"{label} ({name})" for name, label in nodes.items())


def describe(model: Model, node: str) -> Description:
    """What a node is: definition, states, question, neighbours, distribution and sources.

    Args:
        model: a network in one of its settings.
        node: its name, or a public code of it, as "HP:0001945".

    Returns:
        A description. `model.cpt(node)` gives its table.

    Raises:
        UnknownNameError: the network has no such node.
        EvidenceError: several nodes have the code.

    Example:
        >>> import spinelink as sl
        >>> sl.load("minimal").describe("numbness").states
        ('absent', 'present')
    """
    name = node_named(model.network, node)
    network, about = model.network, model.network.nodes[name]
    ids = [item.id for item in locate_in_cpd(name, about.cpd)]
    cited = dict.fromkeys(key for i in ids for key in model.in_force[i].source)
    return Description(
        question=model.question(node=name),
        name=name,
        label=about.label,
        definition=about.description,
        role=about.role,
        region=about.region or about.origin or "",
        states=about.states,
        asked=about.question,
        procedure=about.procedure or "",
        synonyms=(*about.synonyms, *about.lay),
        codes=tuple(codes_of(about)),
        parents={p: network.nodes[p].label for p in network.parents[name]},
        children={c: network.nodes[c].label for c in network.children[name]},
        distribution=KINDS[about.cpd.kind],
        parameters={i: _estimate(model, i) for i in ids},
        sources={key: _citation(model, key) for key in cited},
    )


def _estimate(model: Model, name: str) -> str:
    """A number for people, with its grade."""
    p = model.in_force[name]
    if isinstance(p, Probability) or not isinstance(p.value, Mapping):
        shown = show_number(float(p.value))
    else:
        shown = ", ".join(f"{s} {show_number(float(v))}" for s, v in p.value.items())
    return f"{shown} ({p.grade})"


def _citation(model: Model, key: str) -> str:
    source = model.network.sources[key]
    parts = (source.authors, str(source.year or ""), source.title, source.journal, source.doi or "")
    return ". ".join(part for part in parts if part)


def cpt(model: Model, node: str) -> pd.DataFrame:
    """The conditional probability table of a node: rows are states of its parents, columns its own.

    A noisy family with many parents has no readable table. It gives one row for each parent's state
    alone, and one for the leak; the index then has the levels parent and state.

    Args:
        model: a network in one of its settings.
        node: its name, or a public code of it.

    Returns:
        P(state | parents' states); each row sums to 1.

    Raises:
        UnknownNameError: the network has no such node.
        SpinelinkError: the table has more than 4,096 rows.

    Example:
        >>> import spinelink as sl
        >>> table = sl.load("minimal").cpt("crossed_straight_leg_raise")
        >>> round(float(table.loc["present", "present"]), 2)
        0.29
    """
    import pandas as pd

    name = node_named(model.network, node)
    compiled = model.compiled
    k = compiled.index[name]
    factor = compiled.factors[k]
    parents = [model.network.nodes[compiled.names[p]] for p in factor.parents]
    rows = int(np.prod([float(len(p.states)) for p in parents]))
    columns = pd.Index(compiled.states[k], name=name)
    if isinstance(factor, NoisyFactor) and rows > LARGE:
        names = [compiled.names[p] for p in factor.parents]
        return _by_link(factor, names, parents, columns)
    if rows > LARGEST:
        raise SpinelinkError(f"the table of {name} has {rows} rows; {LARGEST} are the most.")
    table = full_table(factor).reshape(rows, len(columns))
    index = _index([compiled.names[p] for p in factor.parents], parents)
    return pd.DataFrame(table, index=index, columns=columns)


def _index(names: list[str], parents: list[Node]) -> pd.Index[str] | pd.MultiIndex:
    """One row for every combination of the parents' states; a single empty one without parents."""
    import pandas as pd

    if not parents:
        return pd.Index(["(prior)"])
    if len(parents) == 1:
        return pd.Index(parents[0].states, name=names[0])
    return pd.MultiIndex.from_tuples(list(product(*(p.states for p in parents))), names=names)


def _by_link(
    factor: NoisyFactor, names: list[str], parents: list[Node], columns: pd.Index[str]
) -> pd.DataFrame:
    """The leak, and what each state of each parent does alone."""
    import pandas as pd

    labels: list[tuple[str, str]] = [(LEAK, "")]
    rows: list[NDArray[np.float64]] = [factor.leak[:, 0]]
    for name, parent, link in zip(names, parents, factor.links, strict=True):
        for state, row in list(zip(parent.states, link[..., 0], strict=True))[1:]:
            labels.append((name, state))
            rows.append(row)
    index = pd.MultiIndex.from_tuples(labels, names=["parent", "state"])
    return pd.DataFrame(np.array(rows), index=index, columns=columns)
