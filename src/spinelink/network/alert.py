"""Alert rules: fixed combinations of findings that no probability can override."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from spinelink.network.base import Name, StateName, Text, Value
from spinelink.network.parameter import Keys


def _as_states(value: object) -> object:
    return (value,) if isinstance(value, str) else value


States = Annotated[
    tuple[StateName, ...],
    BeforeValidator(_as_states, json_schema_input_type=str | tuple[StateName, ...]),
    Field(min_length=1),
]


class AlertRule(Value):
    """Fires when any one of the combinations in `when` is observed in full."""

    label: Text
    urgency: Literal["emergency", "urgent", "soon"]
    when: tuple[dict[Name, States], ...] = Field(
        min_length=1, description="Combinations: finding -> state, or list of states."
    )
    advice: Text
    certainty: Text = Field(
        description="How sure the rule is, in words, with its figure where there is one."
    )
    source: Keys = ()
    note: str = ""
