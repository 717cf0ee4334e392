"""The frozen base of every value that a network file holds."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Value(BaseModel):
    """A frozen value; unknown keys are refused, numbers are finite."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, str_strip_whitespace=True
    )


NAME_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*$"
STATE_PATTERN = r"^[A-Za-z0-9_+\-<>.]+$"

Name = Annotated[str, Field(pattern=NAME_PATTERN, max_length=80)]
"""An identifier: letters, digits and underscores."""

StateName = Annotated[str, Field(pattern=STATE_PATTERN, max_length=60)]
"""A state: no spaces, no '='."""

Number = Annotated[float, Field(strict=True)]
"""A number that is written as one: the text `4_7` is none."""

Text = Annotated[str, Field(min_length=1, max_length=4000)]
