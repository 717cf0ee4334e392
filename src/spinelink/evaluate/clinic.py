"""A simulated clinic: how often red flags are raised, in vain or rightly, and what is missed.

Patients are drawn from the network. Of each only what is known at a stage is entered, every finding
with yes or no. The fixed rules of the alerts then run on each patient, and the differential on some.
All rates hold for the network's own patients. They say nothing about whether the network is right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, get_args

import numpy as np
from numpy.typing import NDArray

from spinelink.case import Model
from spinelink.errors import ImpossibleEvidenceError
from spinelink.evaluate.metrics import wilson
from spinelink.evaluate.patients import Flags, Known, Patients, any_of
from spinelink.network.alert import AlertRule
from spinelink.network.node import Node
from spinelink.options import flag_or_none, one_of, seed_of, whole
from spinelink.query.alerts import URGENCIES
from spinelink.query.sample import sample
from spinelink.result import Result
from spinelink.table.posteriors import columns_of, posteriors
from spinelink.view.html import fragment, in_notebook, lines, paragraph, small_print, table
from spinelink.view.text import frame_text, show_percent, show_percents

if TYPE_CHECKING:
    import pandas as pd

URGENT = ("emergency", "urgent")
"""Urgencies of the causes that must not be missed."""
RARE = 50
"""A cause that fewer patients have is rare: further patients are drawn who have it."""
ENOUGH = 200
"""Patients who have a rare cause, with the further ones."""
TOP = 3
"""Places of the differential that count as found."""
CHUNK = 50
"""Patients whose differential is asked before the progress bar moves."""
MOST = 1_000_000
MOST_ASKED = 100_000
CAUTION = (
    "The patients are the network's own: these rates do not show that the network is right. "
    "That no rule fired is no reassurance."
)


@dataclass(frozen=True)
class Rate:
    """A share of patients, with Wilson's 95 % interval; NaN where there is no patient.

    count: patients of whom it is true. patients: all of whom it could be true.
    """

    count: int
    patients: int
    share: float
    low: float
    high: float

    @classmethod
    def of(cls, flags: Flags) -> Rate:
        """The share of patients, (patients,), of whom it is true."""
        count, patients = int(flags.sum()), len(flags)
        if not patients:
            return cls(0, 0, float("nan"), float("nan"), float("nan"))
        return cls(count, patients, count / patients, *wilson(count, patients))

    def columns(self, name: str) -> dict[str, object]:
        """The share and its interval as columns of a table."""
        return {name: self.share, f"{name}_low": self.low, f"{name}_high": self.high}

    def __str__(self) -> str:
        if not self.patients:
            return ""
        return f"{show_percent(self.share)} ({show_percents(self.low, self.high)})"


@dataclass(frozen=True)
class RuleRate:
    """How often a rule fires.

    Attributes:
        rule, label, urgency: as the network file says them.
        fired: patients on whom it fires.
        hits: of these, who has any cause of that urgency or worse (the yield).
    """

    rule: str
    label: str
    urgency: str
    fired: Rate
    hits: Rate


@dataclass(frozen=True)
class CauseRate:
    """How often an urgent cause is seen.

    Attributes:
        cause, label, urgency: as the network file says them.
        had: patients of the clinic who have it.
        further: patients drawn beside the clinic, all of whom have it.
        alerted: of those who have it, who has an alert of at least that urgency.
        top_three: of those who have it and were asked about, in whom it ranks in the top three.
    """

    cause: str
    label: str
    urgency: str
    had: Rate
    further: int
    alerted: Rate
    top_three: Rate


@dataclass(frozen=True)
class Totals:
    """Rates over all rules and causes.

    Attributes:
        emergency: patients with an emergency alert.
        urgent: patients with an urgent or emergency alert.
        false_emergency: of the patients with no emergency cause, who has an emergency alert.
        right_first: of the patients asked about who have exactly one cause, in whom it ranks first.
    """

    emergency: Rate
    urgent: Rate
    false_emergency: Rate
    right_first: Rate


TOTALS = {
    "emergency": "emergency alert",
    "urgent": "urgent or emergency alert",
    "false_emergency": "emergency alert where there is no emergency cause",
    "right_first": "right cause first where exactly one is present",
}
"""What each rate of `Totals` is, in words."""


@dataclass(frozen=True, repr=False)
class Clinic(Result):
    """Rates of alarms and misses among simulated patients.

    Attributes:
        rules: one a rule, the most urgent and the most frequent first.
        causes: one an urgent cause, in file order.
        totals: over all of them.
        known: what was entered of each patient.
        size: patients of the clinic.
        asked: those whose differential was asked; about as many again have urgent causes.
    """

    rules: tuple[RuleRate, ...]
    causes: tuple[CauseRate, ...]
    totals: Totals
    known: Known
    size: int
    asked: int

    @property
    def caution(self) -> str:
        """What such rates do not say."""
        return CAUTION

    def to_frame(self) -> pd.DataFrame:
        """One row a rule.

        Columns: rule, label, urgency; patients (on whom it fires); fired (their share) and yield
        (of them, who has a cause of that urgency or worse), each with _low and _high.
        """
        import pandas as pd

        rows: list[dict[str, object]] = [
            {"rule": r.rule, "label": r.label, "urgency": r.urgency, "patients": r.fired.count}
            | r.fired.columns("fired")
            | r.hits.columns("yield")
            for r in self.rules
        ]
        columns = ["rule", "label", "urgency", "patients", *_three("fired"), *_three("yield")]
        return pd.DataFrame(rows, columns=columns)

    def causes_frame(self) -> pd.DataFrame:
        """One row an urgent cause.

        Columns: cause, label, urgency; patients (of the clinic who have it); further (drawn beside
        the clinic); alerted (share with an alert of at least that urgency) and top_three, each with
        _low and _high; asked (patients behind top_three).
        """
        import pandas as pd

        rows: list[dict[str, object]] = [
            {"cause": c.cause, "label": c.label, "urgency": c.urgency}
            | {"patients": c.had.count, "further": c.further, "asked": c.top_three.patients}
            | c.alerted.columns("alerted")
            | c.top_three.columns("top_three")
            for c in self.causes
        ]
        columns = [*("cause", "label", "urgency", "patients", "further"), *_three("alerted")]
        return pd.DataFrame(rows, columns=[*columns, *_three("top_three"), "asked"])

    def totals_frame(self) -> pd.DataFrame:
        """One row a total. Columns: total, count, patients, share, low, high."""
        import pandas as pd

        rates = {words: getattr(self.totals, name) for name, words in TOTALS.items()}
        rows = [(w, r.count, r.patients, r.share, r.low, r.high) for w, r in rates.items()]
        return pd.DataFrame(rows, columns=["total", "count", "patients", "share", "low", "high"])

    def title(self) -> str:
        """What stands above the tables."""
        asked = f"; differential of {self.asked}" if self.asked else ""
        head = f"{self.size} simulated patients; known: {self.known}{asked}"
        rates = {words: getattr(self.totals, name) for name, words in TOTALS.items()}
        totals = (
            f"{words}: {rate} of {rate.patients}" for words, rate in rates.items() if rate.patients
        )
        return "\n".join([str(self.question), head, *totals])

    def shown(self) -> pd.DataFrame:
        """The rules that fired, in percent."""
        import pandas as pd

        rows = [(r.rule, r.urgency, str(r.fired), str(r.hits)) for r in self.rules if r.fired.count]
        return pd.DataFrame(rows, columns=["rule", "urgency", "fired", "yield"])

    def causes_shown(self) -> pd.DataFrame:
        """The urgent causes, in percent."""
        import pandas as pd

        rows = [
            (c.cause, c.urgency, c.had.count, c.further, str(c.alerted), str(c.top_three))
            for c in self.causes
        ]
        columns = ["cause", "urgency", "patients", "further", "alerted", "top three"]
        return pd.DataFrame(rows, columns=columns)

    def rest(self) -> str:
        """How many rules did not fire; empty where all did."""
        silent = sum(not r.fired.count for r in self.rules)
        return f"{silent} of {len(self.rules)} rules did not fire." if silent else ""

    def __str__(self) -> str:
        tables = [frame_text(f) for f in (self.shown(), self.causes_shown()) if len(f)]
        rest = [self.rest()] if self.rest() else []
        return "\n\n".join([self.title(), *tables[:1], *rest, *tables[1:], self.caution])

    def _repr_html_(self) -> str:
        rules, causes = table(self.shown()), table(self.causes_shown())
        rest = paragraph(lines(self.rest())) if self.rest() else fragment()
        return in_notebook(self.title(), fragment(rules, rest, causes, small_print(self.caution)))


def simulate_clinic(
    model: Model,
    size: int = 1000,
    *,
    known: Known = "history",
    asked: int = 200,
    seed: int = 1,
    progress: bool | None = None,
) -> Clinic:
    """How often red flags are raised and missed among simulated patients of the setting.

    Args:
        model: the network in one of its settings.
        size: how many patients come to the clinic.
        known: what is entered of each, with yes and no. "history": context and symptoms;
            "examination": signs too; "all": tests too.
        asked: how many of them have their differential asked. As many again who have an urgent
            cause are asked about, shared evenly among these causes. Nearly all the time is spent
            here (up to a minute for 200 on a large network); 0 asks about none.
        seed: the same seed gives the same patients.
        progress: show a progress bar; None: in a terminal only.

    Returns:
        For each rule how often it fires, and its yield. For each urgent cause how often an alert,
        and the top three, would have shown it. The causes are those ranked with urgency emergency
        or urgent. If fewer than 50 patients have one, further patients who have it are drawn, so
        that 200 have it. They count only for that cause.

    Raises:
        UnknownNameError: there is no such stage.
        SpinelinkError: an option is out of range.

    Source:
        Dawid 1992 (exact sampling); Wilson 1927 (intervals).

    Example:
        >>> import spinelink as sl
        >>> clinic = sl.load("minimal").simulate_clinic(500, asked=0)
        >>> clinic.causes[0].cause, clinic.causes[0].further > 0
        ('cauda_equina_compression', True)
    """
    size = whole(size, "size", least=1, most=MOST, meaning="how many patients")
    one_of(known, "stage `known`", get_args(Known))
    asked = min(whole(asked, "asked", most=MOST_ASKED, meaning="how many patients"), size)
    seed, progress = seed_of(seed), flag_or_none(progress, "progress")
    rng = np.random.default_rng(seed)
    clinic = Patients(model.network, sample(model.without_findings, size, seed=rng), known)
    urgent = [n for n in model.network.ranked if model.nodes[n].urgency in URGENT]
    further = {n: _further(model, n, clinic=clinic, rng=rng) for n in urgent}
    having = {n: clinic.those(clinic.has(n)).joined(further[n]) for n in urgent}
    groups = [clinic.first(asked), *(p.first(asked // len(urgent)) for p in having.values())]
    everybody, *places = _places(model, groups, progress=progress)
    causes = (
        CauseRate(
            *_named(n, model.nodes[n]),
            Rate.of(clinic.has(n)),
            len(further[n]),
            Rate.of(having[n].alerted(str(model.nodes[n].urgency))),
            Rate.of(places[k][n] < TOP),
        )
        for k, n in enumerate(urgent)
    )
    question = model.question(size=size, known=known, asked=asked, seed=seed)
    totals = _totals(clinic, groups[0], places=everybody)
    return Clinic(question, _rules(clinic), tuple(causes), totals, known, size, asked)


def _named(name: str, thing: Node | AlertRule) -> tuple[str, str, str]:
    """Name, label and urgency of a cause or a rule."""
    return name, thing.label, str(thing.urgency)


def _further(model: Model, cause: str, *, clinic: Patients, rng: np.random.Generator) -> Patients:
    """Further patients who have a cause that few of the clinic have; none where nobody can."""
    count = int(clinic.has(cause).sum())
    states = model.nodes[cause].states
    case = model.observe({cause: {s: float(k > 0) for k, s in enumerate(states)}})
    try:
        frame = sample(case, ENOUGH - count if count < RARE else 0, seed=rng)
    except ImpossibleEvidenceError:
        return clinic.first(0)
    return replace(clinic, frame=frame)


def _places(
    model: Model, groups: Sequence[Patients], *, progress: bool | None
) -> list[dict[str, NDArray[np.intp]]]:
    """For each group the place of each ranked cause in the differential, (patients,), from 0."""
    import pandas as pd

    names = sorted(model.network.ranked)  # the order of causes that are equally probable
    frame = pd.concat([p.entered for p in groups], ignore_index=True)
    if not names or not len(frame):
        return [dict.fromkeys(names, np.empty(0, dtype=np.intp)) for _ in groups]
    answer = posteriors(model, frame, chunk=CHUNK, progress=progress)
    present = [
        sum(answer[column].to_numpy() for column, state in columns_of(model.network, n) if state)
        for n in names
    ]
    order = np.argsort(-np.stack(present, axis=1), axis=1, kind="stable")  # (patients, places)
    place = np.argsort(order, axis=1)  # (patients, causes)
    ends = np.cumsum([len(p) for p in groups])[:-1]
    return [dict(zip(names, part.T, strict=True)) for part in np.split(place, ends)]


def _rules(clinic: Patients) -> tuple[RuleRate, ...]:
    """The rates of every rule, the most urgent and the most frequent first."""
    rates = [
        RuleRate(
            *_named(name, rule),
            Rate.of(clinic.fired[name]),
            Rate.of(clinic.has_any(rule.urgency)[clinic.fired[name]]),
        )
        for name, rule in clinic.network.alerts.items()
    ]
    return tuple(sorted(rates, key=lambda r: (URGENCIES.index(r.urgency), -r.fired.count, r.rule)))


def _totals(clinic: Patients, asked: Patients, *, places: Mapping[str, NDArray[np.intp]]) -> Totals:
    """Rates over all rules and causes. places: of each cause among the patients asked about."""
    emergency = clinic.alerted("emergency")
    single = sum((asked.has(n).astype(int) for n in places), np.zeros(len(asked), int)) == 1
    right = [asked.has(n) & (place == 0) for n, place in places.items()]
    return Totals(
        Rate.of(emergency),
        Rate.of(clinic.alerted("urgent")),
        Rate.of(emergency[~clinic.has_any("emergency")]),
        Rate.of(any_of(right, len(asked))[single]),
    )


def _three(name: str) -> tuple[str, str, str]:
    """The columns of a rate."""
    return name, f"{name}_low", f"{name}_high"
