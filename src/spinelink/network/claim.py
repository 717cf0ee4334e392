"""Claims: published figures, asked of a network, with the answer that was published.

A claim names a condition and, except for a prevalence, a finding. Both are events: states of nodes
that hold together, or any of several such restrictions. The claim is about one number of the
two-by-two table of finding and condition among the people that it describes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from spinelink.network.base import NAME_PATTERN, Name, Number, StateName, Text, Value
from spinelink.network.parameter import Keys
from spinelink.network.provenance import Source

ClaimKind = Literal[
    "prevalence",
    "p_finding_given_condition",
    "p_finding_given_no_condition",
    "sensitivity",
    "specificity",
    "lr_positive",
    "lr_negative",
    "odds_ratio",
    "relative_risk",
    "post_test_probability",
]
Fit = Literal["same population", "near", "far"]
IntervalKind = Literal["published", "range over studies", "from n", "assumed"]

RATIOS = ("lr_positive", "lr_negative", "odds_ratio", "relative_risk")
ASSUMED_PEOPLE = 15.0
"""Weight of a proportion without interval or n, in people (evidence/README.md: 10 to 20)."""
ASSUMED_FACTOR = 2.0
"""A ratio without interval may be larger or smaller by this factor."""
NORMAL = 1.959963984540054
"""Half of a 95 % interval in standard errors."""


ClaimName = Annotated[str, Field(pattern=NAME_PATTERN, max_length=120)]


def _states(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Restriction = Annotated[
    dict[
        Name,
        Annotated[
            tuple[StateName, ...],
            BeforeValidator(_states, json_schema_input_type=str | tuple[str, ...]),
            Field(min_length=1),
        ],
    ],
    Field(min_length=1),
]
"""Node -> the states of which one holds; all nodes of a restriction hold together."""


def _alternatives(value: object) -> object:
    return (value,) if isinstance(value, Mapping) else value


Event = Annotated[
    tuple[Restriction, ...],
    BeforeValidator(_alternatives, json_schema_input_type=Restriction | tuple[Restriction, ...]),
    Field(min_length=1),
]
"""Any of some restrictions; a single one is written without a list."""


class Claim(Value):
    """A published figure that the network should reproduce."""

    kind: ClaimKind
    condition: Event = Field(
        description="Who has it: states of nodes, or a list of which any holds. Of an odds ratio: the exposure."
    )
    finding: Event | None = Field(
        default=None, description="What is found in them; left out of a prevalence."
    )
    comparator: Event | None = Field(
        default=None,
        description="Who the people without the condition were; all others where left out.",
    )
    population: Event | None = Field(
        default=None, description="The evidence that describes the people of the study."
    )
    setting: Name | None = None
    value: Number | None = Field(
        default=None, ge=0.0, description="Left out where only an interval was published."
    )
    interval: tuple[Number, Number] | None = None
    interval_kind: Literal["published", "range over studies"] = "published"
    n: Number | None = Field(
        default=None,
        gt=0.0,
        description="People behind the proportion (its denominator); gives an interval where none is.",
    )
    source: Annotated[Keys, Field(min_length=1)]
    evidence: Keys = Field(default=(), description="Ids of the records in the evidence stock.")
    secondhand: bool = False
    fit: Fit = Field(
        description="How well the question fits the study: the same people and definitions, near, or far."
    )
    missed: Text | None = Field(
        default=None, description="Why the network does not reproduce it, where it does not."
    )
    note: Text | None = None

    @model_validator(mode="after")
    def _complete(self) -> Claim:
        if self.kind == "prevalence":
            if self.finding is not None or self.comparator is not None:
                raise ValueError("a prevalence has a condition, and neither finding nor comparator")
        elif self.finding is None:
            raise ValueError(f"a {self.kind} has a finding")
        if self.value is None and self.interval is None:
            raise ValueError("a claim has a value, an interval, or both")
        top = math.inf if self.is_ratio else 1.0
        for number in (self.value, *(self.interval or ())):
            if number is not None and not 0.0 <= number <= top:
                raise ValueError(f"{number:g} is no {'ratio' if self.is_ratio else 'probability'}")
        if self.interval is not None:
            low, high = self.interval
            if not low < high:
                raise ValueError(f"the interval from {low:g} to {high:g} is empty")
            if self.value is not None and not low <= self.value <= high:
                raise ValueError(
                    f"the value {self.value:g} lies outside its interval from {low:g} to {high:g}"
                )
        elif self.is_ratio and not self.value:
            raise ValueError("a ratio of 0 without an interval says nothing")
        return self

    @property
    def is_ratio(self) -> bool:
        """Whether the figure is a ratio, compared as a logarithm, or a probability, as log odds."""
        return self.kind in RATIOS

    @property
    def bounds(self) -> tuple[float, float]:
        """The published interval; else Wilson's from n (Wilson 1927); else an assumed one."""
        if self.interval is not None:
            return self.interval
        assert self.value is not None
        if self.is_ratio:
            return self.value / ASSUMED_FACTOR, self.value * ASSUMED_FACTOR
        return _wilson(self.value, ASSUMED_PEOPLE if self.n is None else self.n)

    @property
    def bounds_kind(self) -> IntervalKind:
        """Where `bounds` come from."""
        if self.interval is not None:
            return self.interval_kind
        return "assumed" if self.n is None or self.is_ratio else "from n"

    def scaled(self, number: float) -> float:
        """A figure on the scale of comparison: log of a ratio, log odds of a probability.

        It is infinite at the ends.
        """
        if number <= 0.0:
            return -math.inf
        if self.is_ratio:
            return math.log(number)
        return math.inf if number >= 1.0 else math.log(number) - math.log1p(-number)

    @property
    def centre_and_error(self) -> tuple[float, float]:
        """The figure and its standard error on the scale of comparison.

        The error is the interval's length over 3.92. A bound of 0 or 1 is moved a fiftieth of the
        way to the other bound. A figure without a value, or with the value 0 or 1, is the middle of
        its interval.
        """
        low, high = self.bounds
        low = low if low > 0.0 else high / 50.0
        if not self.is_ratio and high >= 1.0:
            high = 1.0 - (1.0 - low) / 50.0
        a, b = self.scaled(low), self.scaled(high)
        middle = self.scaled(self.value) if self.value is not None else math.nan
        return (middle if math.isfinite(middle) else (a + b) / 2.0), (b - a) / (2.0 * NORMAL)


class ClaimFile(Value):
    """The claims on one network, and the records of the evidence stock that are not used."""

    network: str
    claims: dict[ClaimName, Claim]
    sources: dict[str, Source] = Field(
        default_factory=dict,
        description="Publications that the claims cite and the network file does not.",
    )
    unused: dict[str, Text] = Field(
        default_factory=dict,
        description="Record of the stock -> why it is neither a parameter's figure nor a claim.",
    )


def _wilson(p: float, n: float) -> tuple[float, float]:
    """Wilson's 95 % interval of a proportion p among n people."""
    z2 = NORMAL * NORMAL
    centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n)
    half = NORMAL / (1.0 + z2 / n) * math.sqrt(p * (1.0 - p) / n + z2 / (4.0 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)
