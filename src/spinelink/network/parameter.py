"""Parameters: the numbers of a network, each with its uncertainty and its source.

There are three kinds. A `Probability` varies as a Beta, a `Ratio` (an odds ratio) as a log-normal,
a `Distribution` over several states as a Dirichlet. Each states its uncertainty in exactly one way:
an interval, counts, a Beta or an equivalent sample size.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Discriminator, Field, Tag, model_validator
from pydantic.json_schema import SkipJsonSchema

from spinelink.network.base import StateName, Value
from spinelink.network.beta import Beta
from spinelink.network.scale import WORDS

Grade = Literal["measured", "derived", "judged"]
Unit = Annotated[float, Field(ge=0.0, le=1.0, strict=True)]
Positive = Annotated[float, Field(gt=0.0, strict=True)]


BEFORE_FIT = "The estimate before the network was fitted to claims: what the sources, counts and note speak of."


def _as_tuple(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _known_word(value: object) -> object:
    if isinstance(value, str) and value not in WORDS:
        raise ValueError(f"{value!r} is no word of the scales: {', '.join(WORDS)}")
    return value


Word = Annotated[str, BeforeValidator(_known_word)]
"""A word of the scales in `scale`."""

Keys = Annotated[
    tuple[str, ...], BeforeValidator(_as_tuple, json_schema_input_type=str | tuple[str, ...])
]
"""One key or a list of keys."""


ParameterValue = float | Beta | Mapping[str, float]
"""What a caller may give for a parameter."""


class Fitted(Value):
    """What published figures made of a parameter; kept in the companion file of fitted values.

    prior: the value before any figure. deviation: of the fitted value, in log odds or log ratio;
    None for a distribution. weight: the equivalent sample size of a fitted distribution. informed:
    the fraction of the prior variance that figures removed. studies: those that removed most of it.
    """

    prior: float | dict[StateName, float]
    deviation: float | None = None
    weight: float | None = None
    informed: float = 0.0
    studies: tuple[str, ...] = ()


def _only_fitted(value: object) -> object:
    if value is not None and not isinstance(value, Fitted):
        raise ValueError("fitted values stand in their own file, which `spinelink fit` writes")
    return value


class Quantity(Value):
    """What every parameter states besides its estimate."""

    word: Word | None = Field(
        default=None, description="A place on a scale of words, in place of an estimate."
    )
    fitted: SkipJsonSchema[Annotated[Fitted | None, BeforeValidator(_only_fitted)]] = Field(
        default=None, exclude=True
    )
    grade: Grade = Field(
        description="measured: this figure in this population; derived: computed or another population; judged: no figure.",
    )
    source: Keys = Field(
        default=(), description="Key, or keys, in `sources`. Needed unless judged."
    )
    evidence: Keys = Field(
        default=(),
        description="Ids of the records in the evidence stock that the number comes from.",
    )
    note: str = Field(
        default="", max_length=2000, description="Needed where judged: what it was judged from."
    )
    level: Annotated[float, Field(gt=0.0, lt=1.0, strict=True)] = Field(
        default=0.95, description="Probability inside the interval."
    )


class Probability(Quantity):
    """A probability between 0 and 1."""

    estimate: Unit | None = Field(
        default=None, description="May be left out where `counts` or `beta` give it."
    )
    before_fit: Unit | None = Field(default=None, description=BEFORE_FIT)
    interval: tuple[Unit, Unit] | None = None
    counts: (
        tuple[
            Annotated[float, Field(ge=0, strict=True)], Annotated[float, Field(gt=0, strict=True)]
        ]
        | None
    ) = Field(default=None, description="[k, n]: k of n people.")
    equivalent_sample_size: Positive | None = None
    beta: tuple[Positive, Positive] | None = Field(
        default=None, description="[alpha, beta] of a Beta distribution."
    )

    @model_validator(mode="before")
    @classmethod
    def _from_word(cls, value: object) -> object:
        return from_word(value)

    @model_validator(mode="after")
    def _complete(self) -> Probability:
        if self.counts is not None and self.counts[0] > self.counts[1]:
            raise ValueError(
                f"counts {self.counts[0]:g} of {self.counts[1]:g}: the first may not exceed the second"
            )
        if self.estimate is None and self.counts is None and self.beta is None:
            raise ValueError("an estimate is missing; write estimate, counts or beta")
        return self

    @property
    def value(self) -> float:
        """The estimate; else the mean of counts (Jeffreys' for 0 or n of n) or Beta."""
        if self.estimate is not None:
            return self.estimate
        if self.beta is not None:
            return self.beta[0] / (self.beta[0] + self.beta[1])
        assert self.counts is not None
        k, n = self.counts
        return (k + 0.5) / (n + 1.0) if k in (0, n) else k / n


class Ratio(Quantity):
    """An odds ratio, above 0."""

    estimate: Positive
    before_fit: Positive | None = Field(default=None, description=BEFORE_FIT)
    interval: tuple[Positive, Positive] | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_word(cls, value: object) -> object:
        return from_word(value)

    @property
    def value(self) -> float:
        """The estimate."""
        return self.estimate


class Distribution(Quantity):
    """One probability for each state; they sum to 1."""

    estimate: dict[StateName, Unit]
    words: dict[StateName, Word] | None = Field(
        default=None, description="A word for each state, in place of an estimate."
    )
    before_fit: dict[StateName, Unit] | None = Field(default=None, description=BEFORE_FIT)
    counts: dict[StateName, Annotated[float, Field(ge=0, strict=True)]] | None = None
    equivalent_sample_size: Positive | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_words(cls, value: object) -> object:
        """The places of the words, made to sum to 1."""
        words = value.get("words") if isinstance(value, Mapping) else None
        if not isinstance(value, Mapping) or not isinstance(words, Mapping) or "estimate" in value:
            return value
        places = {s: WORDS[w] for s, w in words.items() if isinstance(w, str) and w in WORDS}
        total = sum(places.values()) or 1.0
        estimate = {s: p / total for s, p in places.items()}
        return {"grade": "judged", **value, "estimate": estimate}

    @property
    def value(self) -> dict[str, float]:
        """The probabilities by state."""
        return self.estimate


def from_word(value: object) -> object:
    """A parameter stated as a word, `rarely` or `{word: rarely, note: ...}`, with the word's place."""
    fields: Mapping[str, object] = (
        {"word": value} if isinstance(value, str) else value if isinstance(value, Mapping) else {}
    )
    word = fields.get("word")
    if not isinstance(word, str):
        return value
    fields = {"grade": "judged", **fields}
    if word not in WORDS or fields.get("estimate") is not None:
        return fields
    return {**fields, "estimate": WORDS[word]}


class RatioFields(dict[str, object]):
    """Fields of a parameter known to be an odds ratio; `{estimate: 0.5, ...}` does not say so."""


def _is_fields(value: object) -> bool:
    return isinstance(value, (Mapping, BaseModel))


def quantity_kind(value: object) -> str:
    """Which kind of parameter a value is meant to be.

    A mistake in it so gives one message, not one for each kind.
    """
    if isinstance(value, (Ratio, RatioFields)):
        return "|ratio|"
    if isinstance(value, Distribution):
        return "|distribution|"
    if isinstance(value, Mapping) and any(
        _is_fields(value.get(key)) for key in ("estimate", "counts", "words")
    ):
        return "|distribution|"
    return "|probability|"


def family_kind(value: object) -> str:
    """Whether a value is one parameter, or a mapping from states to parameters."""
    if not isinstance(value, Mapping):
        return "|one|"
    known = {*Probability.model_fields, *Distribution.model_fields}
    if not value or any(key in known and not _is_fields(item) for key, item in value.items()):
        return "|one|"
    for key in ("estimate", "words"):
        estimate = value.get(key)
        if isinstance(estimate, Mapping) and not any(map(_is_fields, estimate.values())):
            return "|one|"
    return "|each|"


Parameter = Probability | Ratio | Distribution

Chance = Annotated[
    Annotated[Probability, Tag("|probability|")] | Annotated[Distribution, Tag("|distribution|")],
    Discriminator(quantity_kind),
]
"""A probability or a distribution, by the form of its estimate."""

AnyParameter = Annotated[
    Annotated[Probability, Tag("|probability|")]
    | Annotated[Ratio, Tag("|ratio|")]
    | Annotated[Distribution, Tag("|distribution|")],
    Discriminator(quantity_kind),
]

Probabilities = Annotated[
    Annotated[Probability, Tag("|one|")] | Annotated[dict[StateName, Probability], Tag("|each|")],
    Discriminator(family_kind),
]
"""One probability, or one for each of several states."""

Distributions = Annotated[
    Annotated[Distribution, Tag("|one|")] | Annotated[dict[StateName, Distribution], Tag("|each|")],
    Discriminator(family_kind),
]
"""One distribution, or one for each of several states."""

Ratios = Annotated[
    Annotated[Ratio, Tag("|one|")] | Annotated[dict[StateName, Ratio], Tag("|each|")],
    Discriminator(family_kind),
]
"""One odds ratio, or one for each of several states."""
