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


Count = Annotated[float, Field(ge=0.0, strict=True)]

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
    given: Annotated[
        tuple[Name, ...], BeforeValidator(_states, json_schema_input_type=str | tuple[str, ...])
    ] = Field(
        default=(), description="Selection nodes by which the people of the study were selected."
    )
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
    counts: tuple[Count, Count] | None = Field(
        default=None, description="[k, n]: k of n people, for a proportion; stands for value and n."
    )
    table: tuple[Count, Count, Count, Count] | None = Field(
        default=None,
        description="The two-by-two table: finding with and without the condition, no finding with and without; stands for value and interval.",
    )
    source: Annotated[Keys, Field(min_length=1)]
    evidence: Keys = Field(default=(), description="Ids of the records in the evidence stock.")
    secondhand: bool = False
    fit: Fit = Field(
        description="How well the question fits the study: the same people and definitions, near, or far."
    )
    graded_by: Text | None = Field(
        default=None, description="Who graded the fit, from the record alone."
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
        self._check_counts()
        if self.published is None and self.interval is None:
            raise ValueError("a claim has a value, an interval, counts or a table")
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
        elif self.is_ratio and not self.value and self.table is None:
            raise ValueError("a ratio of 0 without an interval says nothing")
        return self

    def _check_counts(self) -> None:
        """Raises ValueError where counts do not fit the kind, or contradict the value."""
        if self.counts is not None:
            if self.is_ratio:
                raise ValueError(f"counts [k, n] are of a proportion; a {self.kind} has a table")
            if self.counts[0] > self.counts[1] or not self.counts[1]:
                raise ValueError("counts [k, n]: k of n people, and n is above 0")
        if self.table is not None and self.kind == "prevalence":
            raise ValueError("a prevalence has counts [k, n] and no two-by-two table")
        if self.counts is not None and self.table is not None:
            raise ValueError("a claim has counts or a table, not both")
        counted = self._counted
        if counted is not None and self.value is not None:
            off = abs(self.scaled(self.value) - self.scaled(counted))
            if not off <= 0.1 and not abs(self.value - counted) <= 0.01:
                raise ValueError(f"the value {self.value:g} contradicts the counts ({counted:.4g})")

    @property
    def published(self) -> float | None:
        """The figure: as printed, else from the counts; None where only an interval was."""
        return self.value if self.value is not None else self._counted

    @property
    def _counted(self) -> float | None:
        if self.counts is not None:
            return self.counts[0] / self.counts[1]
        if self.table is None:
            return None
        a, b, c, d = self.table  # finding with, without; no finding with, without
        if self.is_ratio and min(self.table) == 0.0:
            a, b, c, d = (n + 0.5 for n in self.table)
        with_it, without = a + c, b + d
        ratios = {
            "sensitivity": (a, with_it),
            "p_finding_given_condition": (a, with_it),
            "specificity": (d, without),
            "p_finding_given_no_condition": (b, without),
            "post_test_probability": (a, a + b),
            "lr_positive": (a * without, b * with_it),
            "relative_risk": (a * without, b * with_it),
            "lr_negative": (c * without, d * with_it),
            "odds_ratio": (a * d, b * c),
        }
        above, below = ratios[self.kind]
        return above / below if below else None

    @property
    def _counted_variance(self) -> float | None:
        """The sampling variance from counts, half a person added to each cell."""
        if self.counts is not None:
            k, n = self.counts
            return 1.0 / (k + 0.5) + 1.0 / (n - k + 0.5)
        if self.table is None:
            return None
        a, b, c, d = (n + 0.5 for n in self.table)
        with_it, without = a + c, b + d
        variances = {
            "sensitivity": 1.0 / a + 1.0 / c,
            "p_finding_given_condition": 1.0 / a + 1.0 / c,
            "specificity": 1.0 / b + 1.0 / d,
            "p_finding_given_no_condition": 1.0 / b + 1.0 / d,
            "post_test_probability": 1.0 / a + 1.0 / b,
            "lr_positive": 1.0 / a - 1.0 / with_it + 1.0 / b - 1.0 / without,
            "relative_risk": 1.0 / a - 1.0 / with_it + 1.0 / b - 1.0 / without,
            "lr_negative": 1.0 / c - 1.0 / with_it + 1.0 / d - 1.0 / without,
            "odds_ratio": 1.0 / a + 1.0 / b + 1.0 / c + 1.0 / d,
        }
        return variances[self.kind]

    @property
    def is_ratio(self) -> bool:
        """Whether the figure is a ratio, compared as a logarithm, or a probability, as log odds."""
        return self.kind in RATIOS

    @property
    def bounds(self) -> tuple[float, float]:
        """The published interval; else Wilson's from n (Wilson 1927); else an assumed one."""
        if self.interval is not None:
            return self.interval
        value = self.published
        assert value is not None
        if self.is_ratio:
            variance = self._counted_variance
            factor = ASSUMED_FACTOR if variance is None else math.exp(NORMAL * math.sqrt(variance))
            return value / factor, value * factor
        return _wilson(value, self.people)

    @property
    def bounds_kind(self) -> IntervalKind:
        """Where `bounds` come from."""
        if self.interval is not None:
            return self.interval_kind
        if self.counts is not None or self.table is not None:
            return "from n"
        return "assumed" if self.n is None or self.is_ratio else "from n"

    @property
    def people(self) -> float:
        """The people behind a proportion; an assumed number where none is published."""
        if self.counts is not None:
            return self.counts[1]
        if self.table is not None:
            a, b, c, d = self.table
            if self.kind == "post_test_probability":
                return a + b
            return b + d if self.kind in ("specificity", "p_finding_given_no_condition") else a + c
        return ASSUMED_PEOPLE if self.n is None else self.n

    def scaled(self, number: float) -> float:
        """A figure on the scale of comparison: log of a ratio, log odds of a probability.

        It is infinite at the ends.
        """
        if number <= 0.0:
            return -math.inf
        if self.is_ratio:
            return math.log(number)
        return math.inf if number >= 1.0 else math.log(number) - math.log1p(-number)

    def unscaled(self, scaled: float) -> float:
        """The figure, given its logarithm or log odds: the inverse of `scaled`."""
        if self.is_ratio:
            return math.inf if scaled > 700.0 else math.exp(scaled)
        return 0.0 if scaled < -700.0 else 1.0 / (1.0 + math.exp(-scaled))

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
        value, variance = self.published, self._counted_variance
        middle = self.scaled(value) if value is not None else math.nan
        error = (b - a) / (2.0 * NORMAL) if variance is None else math.sqrt(variance)
        return (middle if math.isfinite(middle) else (a + b) / 2.0), error


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
    # Rounding would put the end of none or all a hair inside, at log odds of 36.
    low = 0.0 if p == 0.0 else max(0.0, centre - half)
    return low, 1.0 if p == 1.0 else min(1.0, centre + half)
