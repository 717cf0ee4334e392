"""A node: its role, its states, what it costs to observe, and its CPD."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field

from spinelink.network.base import Name, StateName, Text, Value
from spinelink.network.cpd import Cpd
from spinelink.network.provenance import Care, Codes

Role = Literal["context", "cause", "mechanism", "symptom", "sign", "test", "other", "selection"]
ROLES: tuple[Role, ...] = get_args(Role)
Origin = Literal["back", "hip", "leg", "foot", "neck", "systemic", "vascular", "nerve"]
Urgency = Literal["emergency", "urgent", "soon", "routine"]

OBSERVABLE: frozenset[str] = frozenset({"context", "symptom", "sign", "test", "other"})


Called = Annotated[str, Field(min_length=1, max_length=80)]
"""A word or two that people use for a node."""


class Bins(Value):
    """How a number becomes a state: state i for edges[i] <= number < edges[i + 1].

    The last edge belongs to the last state.
    """

    unit: Text
    edges: tuple[Annotated[float, Field(strict=True)], ...] = Field(min_length=3)


class Cost(Value):
    """What observing costs."""

    minutes: Annotated[float, Field(ge=0, strict=True)] = 0.0
    money: Literal["none", "low", "medium", "high"] = "none"
    invasiveness: Literal["none", "low", "medium", "high"] = "none"


class Node(Value):
    """One variable of the network."""

    role: Role
    origin: Origin | None = Field(
        default=None, description="Where a cause, or a mechanism, lies. Needed for causes."
    )
    region: str = Field(
        default="", description="Where a finding is felt or examined: groups findings for people."
    )
    label: Text = Field(description="A short name for people.")
    description: str = Field(
        default="", max_length=2000, description="The definition: when does the state hold?"
    )
    question: str = Field(default="", description="How to ask a patient.")
    synonyms: tuple[Called, ...] = Field(
        default=(), description="Clinical terms under which the node is looked for."
    )
    lay: tuple[Called, ...] = Field(
        default=(), description="Everyday words under which the node is looked for."
    )
    states: tuple[StateName, ...] = Field(default=("absent", "present"), min_length=2)
    bins: Bins | None = None
    cost: Cost | None = None
    procedure: Name | None = Field(
        default=None, description="One procedure reveals all nodes that name it."
    )
    codes: Codes | None = None
    urgency: Urgency | None = Field(default=None, description="How soon a cause needs a clinician.")
    diagnosis: bool = Field(
        default=False,
        strict=True,
        description="A mechanism that is also a diagnosis of its own is ranked among the causes.",
    )
    care: tuple[Care, ...] = ()
    note: str = Field(default="", max_length=2000)
    cpd: Cpd
