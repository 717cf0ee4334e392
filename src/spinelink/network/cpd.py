"""Conditional probability distributions: a closed union, each kind a frozen value.

The states of a noisy-MAX are ordered as the node lists them, the first meaning "absent". A leak is
one more independent cause that is always active (Henrion 1989). A link is therefore the probability
that the parent *alone* produces the effect; Díez's net parameters are the same. An odds ratio
compares a parent's state with its first state.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from spinelink.network.base import Name, StateName, Value
from spinelink.network.parameter import (
    Chance,
    Distribution,
    Distributions,
    Probabilities,
    Probability,
    Ratios,
)


def _state_or_states(value: object) -> str:
    return "|states|" if isinstance(value, (list, tuple)) else "|state|"


StateOrStates = Annotated[
    Annotated[StateName, Tag("|state|")] | Annotated[tuple[StateName, ...], Tag("|states|")],
    Discriminator(_state_or_states),
]
"""One state, or a list of states."""


class Prior(Value):
    """A node without parents: P(second state), or a distribution over more than two states."""

    kind: Literal["prior"]
    prior: Chance


class Row(Value):
    """One row of a table: the parents' states, and the child's distribution given them."""

    given: dict[Name, StateName]
    probability: Chance


class Table(Value):
    """One row for every combination of the parents' states."""

    kind: Literal["table"]
    parents: tuple[Name, ...] = Field(min_length=1)
    rows: tuple[Row, ...] = Field(min_length=1)


class NoisyOr(Value):
    """A two-state effect of independent causes.

    Links: one probability for a two-state parent, or one for each state but the first.
    """

    kind: Literal["noisy_or"]
    leak: Probability
    links: dict[Name, Probabilities] = Field(min_length=1)


class NoisyMax(Value):
    """An effect with ordered states: the worst that any independent cause produces (Diez 1993)."""

    kind: Literal["noisy_max"]
    leak: Distribution
    links: dict[Name, Distributions] = Field(min_length=1)


class LogOdds(Value):
    """A two-state node whose log-odds add up over risk factors.

    It states either `prevalence` or `baseline`. The prevalence is the marginal probability in the
    setting's population; the intercept is solved so that it holds for any odds ratios and any
    frequencies of the risk factors. The baseline is the probability where every risk factor is in
    its first state.
    """

    kind: Literal["log_odds"]
    prevalence: Probability | None = None
    baseline: Probability | None = None
    odds_ratios: dict[Name, Ratios] = Field(min_length=1)


class Accuracy(Value):
    """A two-state test of one condition: sensitivity and specificity, best taken from one study.

    `of` may have more than two states. Then sensitivity gives one number for each state in which
    the condition holds, and specificity holds for the others.
    """

    kind: Literal["accuracy"]
    of: Name
    sensitivity: Probabilities
    specificity: Probability


class AdditiveRates(Value):
    """How people come to be selected: each reason brings them in at a rate of its own.

    P(selected | person) is proportional to the sum of the rates of the reasons that hold. A reason
    is a state of a parent. Only ratios of rates matter. A parent takes one rate for its last state,
    or one for each of some states; other states are no reason.
    """

    kind: Literal["additive_rates"]
    rates: dict[Name, Ratios] = Field(min_length=1)


class Case(Value):
    """One line of a deterministic function: the child's state, for some states of the parents."""

    given: dict[Name, StateOrStates] = Field(min_length=1)
    state: StateName


class Deterministic(Value):
    """A function of the parents: the first case that matches, else `otherwise`."""

    kind: Literal["deterministic"]
    parents: tuple[Name, ...] = Field(min_length=1)
    cases: tuple[Case, ...] = Field(min_length=1)
    otherwise: StateName


Cpd = Annotated[
    Prior | Table | NoisyOr | NoisyMax | LogOdds | Accuracy | AdditiveRates | Deterministic,
    Field(discriminator="kind"),
]


def parents_of(cpd: Cpd) -> tuple[str, ...]:
    """The parents of a CPD, in the order in which it names them."""
    match cpd:
        case Prior():
            return ()
        case Table() | Deterministic():
            return cpd.parents
        case NoisyOr() | NoisyMax():
            return tuple(cpd.links)
        case LogOdds():
            return tuple(cpd.odds_ratios)
        case Accuracy():
            return (cpd.of,)
        case AdditiveRates():
            return tuple(cpd.rates)
