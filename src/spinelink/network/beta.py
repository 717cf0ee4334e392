"""A Beta distribution of a probability: from a mean, from counts, from an interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

from spinelink.errors import ParameterError, shown
from spinelink.markup import element
from spinelink.options import is_number, is_real, number_of


@dataclass(frozen=True)
class Beta:
    """A Beta distribution of a probability.

    `Beta(8, 92)` has mean 0.08 and weighs as much as 100 people.
    """

    alpha: float
    beta: float

    def __post_init__(self) -> None:
        for name in ("alpha", "beta"):
            value = getattr(self, name)
            if not is_real(value) or not value > 0:
                raise ParameterError(
                    f"Beta: {name} is a finite number above 0, not {shown(value)}."
                )
            object.__setattr__(
                self, name, number_of(value) if isinstance(value, Decimal) else value
            )

    @property
    def mean(self) -> float:
        """The mean, alpha / (alpha + beta)."""
        return self.alpha / (self.alpha + self.beta)

    @property
    def equivalent_sample_size(self) -> float:
        """The number of people that it weighs as much as, alpha + beta."""
        return self.alpha + self.beta

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """The equal-tailed interval.

        Raises:
            ParameterError: The level does not lie between 0 and 1.
        """
        from scipy.special import betaincinv

        tail = (1.0 - _between(level, "level")) / 2.0
        return float(betaincinv(self.alpha, self.beta, tail)), float(
            betaincinv(self.alpha, self.beta, 1.0 - tail)
        )

    @classmethod
    def from_mean(cls, mean: float, equivalent_sample_size: float) -> Beta:
        """The Beta with this mean, as well known as from so many people.

        Raises:
            ParameterError: The mean does not lie between 0 and 1, or the size is not above 0.
        """
        size = _number(equivalent_sample_size, "the equivalent sample size")
        if not 0.0 < size < math.inf:
            raise ParameterError(
                f"the equivalent sample size is a number of people above 0, not {shown(equivalent_sample_size)}."
            )
        m = _between(mean, "a mean")
        return cls(m * size, (1.0 - m) * size)

    @classmethod
    def from_counts(cls, count: float, people: float) -> Beta:
        """The Beta for `count` of `people`: mean count / people, with the weight of the people.

        If none or all had it, half a person is added to each side (Jeffreys).

        Raises:
            ParameterError: The counts are negative, infinite, or more than the people.
        """
        k, n = _number(count, "a count"), _number(people, "how many people")
        if not (0.0 <= k <= n and 0.0 < n < math.inf):
            raise ParameterError(
                f"{shown(count)} of {shown(people)}: the first is 0 or more and at most the second, which is above 0."
            )
        return cls(k + 0.5, n - k + 0.5) if k in (0.0, n) else cls(k, n - k)

    @classmethod
    def from_interval(cls, low: float, high: float, level: float = 0.95) -> Beta:
        """The Beta with this equal-tailed interval.

        Its two equations in log alpha and log beta have one solution. They are solved from the
        normal approximation on the log-odds scale.

        Raises:
            ParameterError: The interval is empty or not inside 0 to 1, or no Beta was found.
        """
        from scipy.optimize import root
        from scipy.special import betainc, ndtri

        a, b = _between(low, "the lower end"), _between(high, "the upper end")
        if not a < b:
            raise ParameterError(
                f"an interval runs from the lower to the higher end; {shown(low)} to {shown(high)} is empty."
            )
        tail = (1.0 - _between(level, "level")) / 2.0
        x, y = math.log(a / (1.0 - a)), math.log(b / (1.0 - b))
        middle, spread = (x + y) / 2.0, (y - x) / (2.0 * float(ndtri(1.0 - tail)))
        p = 1.0 / (1.0 + math.exp(-middle))
        size = max(1.0 / (p * (1.0 - p) * spread * spread), 0.2)
        start = [math.log(max(p * size, 0.05)), math.log(max((1.0 - p) * size, 0.05))]
        target = float(ndtri(tail))

        def off(logs: object) -> list[float]:
            """How far the tails are from their target, in normal quantiles."""
            alpha, beta = (math.exp(min(max(float(v), -20.0), 40.0)) for v in logs)  # type: ignore[attr-defined]
            below, above = (
                min(max(float(betainc(alpha, beta, q)), 1e-300), 1.0 - 1e-16) for q in (a, b)
            )
            return [float(ndtri(below)) - target, float(ndtri(above)) + target]

        found = root(off, start, method="hybr", options={"xtol": 1e-13})
        if not max(abs(v) for v in off(found.x)) < 1e-6:
            raise ParameterError(
                f"no Beta was found whose {level:.0%} interval is {low:g} to {high:g}; give a mean and a sample size instead."
            )
        return cls(math.exp(found.x[0]), math.exp(found.x[1]))

    def __str__(self) -> str:
        low, high = self.interval()
        return (
            f"Beta({self.alpha:.4g}, {self.beta:.4g}): mean {self.mean:.4g}, 95 % interval {low:.4g} to {high:.4g}, "
            f"as from {self.equivalent_sample_size:.4g} people"
        )

    def _repr_html_(self) -> str:
        return element("span", str(self), class_="spinelink")


def _number(value: object, name: str) -> float:
    """A number; raises ParameterError."""
    if not is_number(value):
        raise ParameterError(f"{name} is a number, not {shown(value)}.")
    return number_of(value)


def _between(value: object, name: str) -> float:
    """A number between 0 and 1, both excluded; raises ParameterError."""
    number = _number(value, name)
    if not 0.0 < number < 1.0:
        hint = f" A percentage? Write {number / 100:g}." if 1.0 < number < 100.0 else ""
        raise ParameterError(
            f"{name} lies between 0 and 1, both excluded, not {shown(value)}.{hint}"
        )
    return number
