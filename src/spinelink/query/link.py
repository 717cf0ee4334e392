"""Are two findings linked, and which way: probabilities of joint necessity in several worlds.

Source: Pearl 1999, Probabilities of causation; Balke and Pearl 1994 (twin networks).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

import numpy as np
from numpy.typing import NDArray

from spinelink.case import Case
from spinelink.errors import EvidenceError, SpinelinkError, shown
from spinelink.network.node import Origin
from spinelink.options import one_of
from spinelink.progress import bar
from spinelink.query.counterfactual import Counterfactual, Sampling, bounds_note, selection_note
from spinelink.query.link_worlds import EVENTS, LEAST, PARTS, Carrier, Homes, LinkWorlds, Names
from spinelink.result import Result
from spinelink.view.plot.ranking import plot_link
from spinelink.view.text import show_number

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Array = NDArray[np.float64]

LEG = ("hip", "leg", "foot")
HOMES: Mapping[str, Names] = {"leg": LEG, "thigh": LEG, "foot": LEG, "hip": LEG}
"""Region of a finding -> origins of causes that are at home there; a region by itself elsewhere."""


@dataclass(frozen=True, repr=False)
class Link(Result):
    """Are two findings linked, and which way? The five probabilities sum to 1.

    first_from_second: the first is present because of causes where the second is at home, and not the
    other way. second_from_first: the reverse. both_ways. shared: not so, but both because of causes
    elsewhere. separate: none of these; each would be present without the other's causes.

    low, high: bounds over extreme couplings where the model does not determine the answer
    (`identified` says whether it does). They are exact where each such mechanism compares just two rows
    of two states; else only what was tried. They are credible intervals that hold the bounds where
    asked for.
    """

    first: str
    second: str
    homes: tuple[tuple[str, ...], tuple[str, ...]]
    shares: Mapping[str, float]
    low: Mapping[str, float]
    high: Mapping[str, float]
    identified: bool
    carriers: Mapping[str, tuple[Carrier, ...]]
    level: float | None = None

    @property
    def probability(self) -> float:
        """That they are linked, whichever way."""
        return 1.0 - self.shares["separate"]

    @property
    def population(self) -> str | None:
        """The setting in which what would have been was asked."""
        found = dict(self.question.options).get("population")
        return None if found is None else str(found)

    @property
    def ends(self) -> str:
        """What low and high are."""
        return bounds_note(self.level, identified=self.identified)

    @property
    def leading(self) -> str:
        """The largest share."""
        return max(PARTS, key=lambda p: (self.shares[p], p))

    def words(self) -> dict[str, str]:
        """What each share means, in this case's words."""
        a, b = self.first.replace("_", " "), self.second.replace("_", " ")
        places = [
            " or ".join((", ".join(home[:-1]), home[-1])) if len(home) > 1 else home[0]
            for home in self.homes
        ]
        return {
            "first_from_second": f"{a} because of the {places[1]}",
            "second_from_first": f"{b} because of the {places[0]}",
            "both_ways": "both directions: each contributes to the other",
            "shared": "both because of something elsewhere",
            "separate": "side by side: none of these",
        }

    def to_frame(self) -> pd.DataFrame:
        """Columns: link, meaning, share, low, high, carried_by."""
        import pandas as pd

        words = self.words()
        rows = [
            (
                p,
                words[p],
                self.shares[p],
                self.low[p],
                self.high[p],
                ", ".join(f"{c.node} {c.probability:.2f}" for c in self.carriers.get(p, ())[:4]),
            )
            for p in PARTS
        ]
        return pd.DataFrame(rows, columns=["link", "meaning", "share", "low", "high", "carried_by"])

    def shown(self) -> pd.DataFrame:
        """The columns that fit beside each other."""
        frame = self.to_frame()[["meaning", "share", "low", "high", "carried_by"]]
        return frame if self.level or not self.identified else frame.drop(columns=["low", "high"])

    def title(self) -> str:
        """What stands above the table."""
        ends = f"; low, high: {self.ends}" if self.level or not self.identified else ""
        return f"{self.question}\nLinked with probability {show_number(self.probability)}{ends}{selection_note(self.question)}"

    def plot(self, ax: Axes | None = None) -> Axes:
        """The five shares."""
        line = f"{self.level:.0%} credible interval" if self.level else ""
        if not line and not self.identified:
            line = "line: bounds, because the model does not determine this exactly"
        words = self.words()
        return plot_link(
            [words[part] for part in PARTS],
            [self.shares[part] for part in PARTS],
            low=[self.low[part] for part in PARTS],
            high=[self.high[part] for part in PARTS],
            line=line,
            ax=ax,
        )


def link(
    case: Case,
    first: str = "leg_pain",
    second: str = "back_pain",
    *,
    homes: tuple[str | Sequence[str], str | Sequence[str]] | None = None,
    setting: str | None = None,
    interval: float | None = None,
    draws: int = 128,
    seed: int = 0,
    progress: bool | None = None,
) -> Link:
    """Are two findings linked, and which way?

    Args:
        case: the findings.
        first: a node; it is taken as present where it was not assessed.
        second: another node; likewise.
        homes: origins of causes that are at home with the first and with the second finding; by the
            findings' regions where None. A finding in the leg is at home at hip, leg and foot.
        setting: the population of the question; the unselected one of the network where None.
        interval: the level of credible intervals, as 0.95; none where None.
        draws: sampled parameters behind the intervals.
        seed: of these samples.
        progress: show a progress bar; None: in a terminal only.

    Returns:
        Five probabilities that sum to 1: the first because of what lies where the second is at
        home, the other way round, both directions, both because of something elsewhere, or none
        of these. Each names the causes and mechanisms that carry it.

    Raises:
        EvidenceError: both were found absent, or one cannot be present.
        UnknownNameError: a node, an origin or the setting is not known.
        SpinelinkError: an option is out of range.
        ImpossibleEvidenceError: the findings cannot occur together.

    Source:
        Pearl 1999, Probabilities of causation; Balke and Pearl 1994 (twin networks).

    Example:
        >>> import spinelink as sl
        >>> case = sl.load("minimal").observe(leg_pain="below_knee", back_pain=True)
        >>> answer = case.link("leg_pain", "back_pain")
        >>> round(sum(answer.shares.values()), 9)
        1.0
    """
    model = case.model
    names = model.names([first, second])
    if names[0] == names[1]:
        raise SpinelinkError("a link is between two different findings.")
    if all(case.findings.get(n) == model.nodes[n].states[0] for n in names):
        raise EvidenceError(
            f"{names[0]} and {names[1]} were found absent: there is no link to ask about."
        )
    places = _homes(case, names, homes=homes)
    sampling = Sampling.checked(interval, draws, seed)
    asked = Counterfactual.of(case, names, setting=setting, sampling=sampling)
    total = 7 if sampling.level is None else 14
    with bar("link", total, progress) as on_progress:
        worlds = LinkWorlds.of(asked, places, _counter(on_progress))
        point = worlds.parts(asked.factual, {})
        low, high = worlds.range(point)
    probability = {p: float(v[0]) for p, v in point.probability.items()}
    carried = [p for p in EVENTS if probability[p] > LEAST]
    question = asked.question(
        case, first=names[0], second=names[1], homes=places, interval=interval
    )
    return Link(
        question=question,
        first=names[0],
        second=names[1],
        homes=places,
        shares=probability,
        low=low,
        high=high,
        identified=not worlds.unidentified,
        carriers=worlds.carriers(point, carried),
        level=sampling.level,
    )


def _counter(on_progress: Callable[[int], object]) -> Callable[[], object]:
    """A function that reports one more step each time it is called."""
    steps = iter(range(1, 1000))
    return lambda: on_progress(next(steps))


def _homes(
    case: Case,
    names: Sequence[str],
    *,
    homes: tuple[str | Sequence[str], str | Sequence[str]] | None,
) -> Homes:
    """Origins of causes that are at home with each of two findings."""
    nodes = case.model.nodes
    known = {node.origin for node in nodes.values() if node.origin is not None}
    if homes is None:
        regions = [nodes[n].region for n in names]
        places = [HOMES.get(r, (r,)) for r in regions]
        for name, region, place in zip(names, regions, places, strict=True):
            if not set(place) & known:
                raise SpinelinkError(
                    f"{name} has region {region!r}, at which no cause is at home; "
                    "say homes=(origins, origins)."
                )
    else:
        places = _read_homes(homes)
    if not known:
        raise SpinelinkError(
            f"no node of network {case.model.name!r} says where it lies (origin), so nothing can "
            "be at home anywhere."
        )
    if set(places[0]) & set(places[1]):
        raise SpinelinkError(
            f"{names[0]} and {names[1]} are at home in the same place; "
            "say homes=(origins, origins)."
        )
    return places[0], places[1]


def _read_homes(homes: object) -> list[Names]:
    """The option `homes`, checked."""
    if isinstance(homes, str) or not isinstance(homes, Sequence) or len(homes) != 2:
        raise SpinelinkError(
            "homes is a pair: the origins at home with the first finding, and with the second."
        )
    if not all(isinstance(h, str) or (isinstance(h, Sequence) and h) for h in homes):
        raise SpinelinkError(
            f"each of the homes is an origin or a list of one or more, not {shown(homes)}; origins: "
            f"{', '.join(get_args(Origin))}."
        )
    places = [(h,) if isinstance(h, str) else tuple(h) for h in homes]
    for place in places:
        for origin in place:
            one_of(origin, "origin", get_args(Origin))
    return places
