"""The network as a whole, as its file states it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator

from spinelink.markup import element
from spinelink.network.alert import AlertRule
from spinelink.network.base import Name, StateName, Text, Value
from spinelink.network.cpd import parents_of
from spinelink.network.node import ROLES, Node
from spinelink.network.parameter import AnyParameter, Keys, RatioFields
from spinelink.network.provenance import Source


class Setting(Value):
    """A population: which people, and which parameters differ in it."""

    label: Text
    population: Text
    source: Keys = ()
    unselected: bool = Field(
        default=False,
        description="Reference population, not selected by symptoms. Counterfactual questions are evaluated here. At most one setting may set it.",
    )
    selected_by: dict[Name, StateName] = Field(
        default_factory=dict,
        description="Selection nodes by which everybody in it was selected: {consults: present}.",
    )
    overrides: dict[str, AnyParameter] = Field(
        default_factory=dict, description="Parameter id -> the number in this population."
    )

    @field_validator("overrides", mode="before")
    @classmethod
    def _mark_ratios(cls, value: object) -> object:
        """Marks odds ratios by their id: {estimate: 0.5, ...} could be a probability."""
        if not isinstance(value, Mapping):
            return value
        return {
            key: RatioFields(item)
            if ".odds_ratio." in str(key) and isinstance(item, Mapping)
            else item
            for key, item in value.items()
        }


Weight = Annotated[float, Field(gt=0, le=1e6)]


class UrgencyWeights(Value):
    """Cost of missing a cause, by its urgency, relative to the cost 1 of acting unnecessarily.

    It is also the weight of information about the cause.
    """

    emergency: Weight = 20.0
    urgent: Weight = 5.0
    soon: Weight = 2.0
    routine: Weight = 1.0
    note: Text = "judged: a missed emergency counts most"

    def of(self, node: Node) -> float:
        """The weight of a node; one without an urgency counts as routine."""
        return float(getattr(self, node.urgency or "routine"))


class Change(Value):
    """One entry of the file's change log."""

    version: str
    date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    text: Text


class Network(Value):
    """A network file, parsed."""

    format: Literal[1] = Field(alias="spinelink", description="Version of the file format.")
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=60)
    title: Text
    version: str
    license: str = ""
    description: str = ""
    intended_use: str = ""
    default_setting: Name | None = None
    urgency_weights: UrgencyWeights = UrgencyWeights()
    settings: dict[Name, Setting] = Field(default_factory=dict)
    nodes: dict[Name, Node] = Field(min_length=1)
    alerts: dict[Name, AlertRule] = Field(default_factory=dict)
    sources: dict[str, Source] = Field(default_factory=dict)
    changes: tuple[Change, ...] = ()

    @cached_property
    def parents(self) -> dict[str, tuple[str, ...]]:
        """Parents of each node, in the order of its CPD."""
        return {name: parents_of(node.cpd) for name, node in self.nodes.items()}

    @cached_property
    def children(self) -> dict[str, tuple[str, ...]]:
        """Children of each node, in file order."""
        found: dict[str, list[str]] = {name: [] for name in self.nodes}
        for name, parents in self.parents.items():
            for parent in parents:
                found[parent].append(name)
        return {name: tuple(kids) for name, kids in found.items()}

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with some fields changed. What was computed from other nodes is not kept."""
        copy = super().model_copy(update=update, deep=deep)
        if update and "nodes" in update:
            for name in copy.__dict__.keys() - type(copy).model_fields.keys():
                del copy.__dict__[name]
        return copy

    @property
    def unselected(self) -> str | None:
        """The setting that is not selected by symptoms; None if the network has none."""
        return next((name for name, setting in self.settings.items() if setting.unselected), None)

    @cached_property
    def ranked(self) -> tuple[str, ...]:
        """The nodes that a differential ranks: causes, and mechanisms that are diagnoses."""
        return tuple(
            name for name, node in self.nodes.items() if node.role == "cause" or node.diagnosis
        )

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """The nodes that describe a person: all but selections."""
        return tuple(name for name, node in self.nodes.items() if node.role != "selection")

    def counts_by_role(self) -> str:
        """How many nodes have each role, as words."""
        roles = [node.role for node in self.nodes.values()]
        return ", ".join(f"{n} {role}" for role in ROLES if (n := roles.count(role)))

    def __repr__(self) -> str:
        return f"Network({self.name} {self.version}, {len(self.nodes)} nodes, {len(self.settings)} settings, {len(self.alerts)} alert rules, {len(self.sources)} sources)"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        """A summary; `Model(network)` draws it."""
        labels: dict[str, list[str]] = {}
        for node in self.nodes.values():
            labels.setdefault(node.role, []).append(node.label)
        rows = (
            element(
                "tr",
                element("td", f"{role} ({len(names)})"),
                element("td", ", ".join(names), style="text-align:left"),
            )
            for role, names in labels.items()
        )
        about = f"{len(self.alerts)} alert rules, {len(self.sources)} sources"
        if self.settings:
            about += f"; settings: {', '.join(s.label for s in self.settings.values())}"
        name = (element("b", self.title), f" {self.name} {self.version}")
        return element(
            "div",
            element("p", *name, element("br"), about),
            element("table", *rows),
            element("p", element("small", self.intended_use)),
            class_="spinelink",
        )
