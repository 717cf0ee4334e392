"""Published cases: their words, what the network makes of them, and how often it is right.

A file of cases holds each case in its own words (or directly as findings). A vocabulary file beside the network says what each word
means as findings; a word that the network cannot express is listed with its reason. Nothing is dropped silently.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, ValidationError

from spinelink.errors import NetworkFileError, SpinelinkError
from spinelink.io.source_text import read_source
from spinelink.io.yaml_events import Document, read_document
from spinelink.network.base import Name, Value
from spinelink.network.evidence import Evidence, Finding, read_finding
from spinelink.network.network import Network
from spinelink.view.html import in_notebook, table

if TYPE_CHECKING:
    import pandas as pd

Said = Literal["present", "absent"]
Answer = str | dict[str, float]
Measure = Literal["first", "top_three", "urgent_flagged", "calm_unflagged", "way", "link"]


class PublishedCase(Value):
    """One case: its source, its words or findings, and what it turned out to be."""

    id: str
    source: str = ""
    source_kind: str = ""
    setting: str | None = None
    age: float | None = None
    sex: Literal["F", "M", "female", "male"] | None = None
    words: dict[Name, Said] = Field(default_factory=dict)
    findings: dict[Name, Answer] = Field(default_factory=dict)
    final_diagnosis: str = ""
    diagnosis: str = Field(description="A class of the vocabulary, or a node.")
    within: int | None = Field(
        default=None, ge=1, description="The right cause is expected among the first so many."
    )
    expected_alerts: tuple[Name, ...] | None = Field(
        default=None, description="Exactly these rules are expected to fire."
    )
    urgent: bool = False
    link: Literal["back_to_leg", "leg_to_back", "both", "none"] | None = None
    coding_confidence: Literal["high", "medium", "low"] = "high"
    note: str = ""
    investigations: str = ""


class Word(Value):
    """What a word means where it is present, and where it is absent."""

    present: dict[Name, Answer] = Field(default_factory=dict)
    absent: dict[Name, Answer] = Field(default_factory=dict)


class Vocabulary(Value):
    """Words of case reports as findings of one network."""

    network: str
    settings: dict[Name, Name] = Field(default_factory=dict)
    diagnoses: dict[Name, tuple[Name, ...]] = Field(default_factory=dict)
    words: dict[Name, Word] = Field(default_factory=dict)
    unexpressed: dict[Name, str] = Field(default_factory=dict)


class CaseFile(Value):
    """A file of published cases."""

    cases: tuple[PublishedCase, ...]


def read_cases(path: Path) -> tuple[PublishedCase, ...]:
    """The cases of a file. Raises NetworkFileError with every problem."""
    cases: tuple[PublishedCase, ...] = _read(path, CaseFile)[0].cases
    return cases


def read_vocabulary(path: Path, network: Network) -> Vocabulary:
    """The vocabulary of a file, checked against the network. Raises NetworkFileError with every problem."""
    vocabulary: Vocabulary
    vocabulary, document = _read(path, Vocabulary)
    for word, meaning in vocabulary.words.items():
        for answer, findings in (("present", meaning.present), ("absent", meaning.absent)):
            for problem in _finding_problems(network, findings):
                document.refuse(document.span(("words", word, answer)), problem)
    for name, nodes in vocabulary.diagnoses.items():
        for node in nodes:
            if node not in network.ranked:
                document.refuse(
                    document.span(("diagnoses", name)),
                    f"{node} is not a cause that {network.name} ranks",
                )
    if document.problems:
        raise NetworkFileError(document.problems)
    return vocabulary


def _finding_problems(network: Network, findings: Mapping[str, Answer]) -> list[str]:
    found = []
    for node, value in findings.items():
        try:
            read_finding(network, node, value)
        except SpinelinkError as problem:
            found.append(str(problem))
    return found


def _read(path: Path, kind: Any) -> tuple[Any, Document]:
    document = read_document(read_source(path))
    if not document.problems:
        try:
            return kind.model_validate(document.value), document
        except ValidationError as error:
            for each in error.errors():
                document.refuse(
                    document.span(tuple(each["loc"])),
                    f"{'.'.join(map(str, each['loc']))}: {each['msg']}",
                )
    raise NetworkFileError(document.problems)


@dataclass(frozen=True)
class Reading:
    """A case as the network sees it: setting, findings, and what could not be said."""

    case: PublishedCase
    setting: str | None
    findings: Evidence
    unexpressed: tuple[str, ...]


def read_case(case: PublishedCase, network: Network, vocabulary: Vocabulary | None) -> Reading:
    """Translates a case. Two words about one node: hard findings win over soft ones, soft ones multiply."""
    left: list[str] = []
    said: list[tuple[str, Answer]] = list(case.findings.items())
    said += _context(case, network, left)
    for word, answer in case.words.items():
        meaning = vocabulary.words.get(word) if vocabulary else None
        if meaning is None:
            reason = (
                vocabulary.unexpressed.get(word, "not in the vocabulary")
                if vocabulary
                else "no vocabulary"
            )
            left.append(f"{word}={answer}: {reason}")
            continue
        findings = meaning.present if answer == "present" else meaning.absent
        if not findings:
            left.append(f"{word}={answer}: nothing follows from it")
        said += findings.items()
    return Reading(case, _setting(case, network, vocabulary), _merge(network, said), tuple(left))


def _context(case: PublishedCase, network: Network, left: list[str]) -> list[tuple[str, Answer]]:
    said: list[tuple[str, Answer]] = []
    if case.age is not None and "age_group" in network.nodes:
        bins = network.nodes["age_group"].bins
        assert bins is not None
        if case.age < bins.edges[0]:
            left.append(
                f"age={case.age:g}: the network is about people from {bins.edges[0]:g} on; taken as its youngest group"
            )
        state = read_finding(
            network, "age_group", min(max(case.age, bins.edges[0]), bins.edges[-1])
        )
        assert isinstance(state, str)
        said.append(("age_group", state))
    if case.sex is not None and "sex" in network.nodes:
        said.append(("sex", {"F": "female", "M": "male"}.get(case.sex, case.sex)))
    return said


def _setting(case: PublishedCase, network: Network, vocabulary: Vocabulary | None) -> str | None:
    if case.setting is None:
        return network.default_setting
    mapped = vocabulary.settings.get(case.setting, case.setting) if vocabulary else case.setting
    return mapped if mapped in network.settings else network.default_setting


def _merge(network: Network, said: Sequence[tuple[str, Answer]]) -> Evidence:
    merged: dict[str, Finding] = {}
    for node, value in said:
        finding = read_finding(network, node, value)
        if finding is None:
            continue
        before = merged.get(node)
        if before is None or (isinstance(finding, str) and not isinstance(before, str)):
            merged[node] = finding
        elif not isinstance(before, str) and not isinstance(finding, str):
            product = {s: a * b for (s, a), (_, b) in zip(before, finding, strict=True)}
            both = read_finding(network, node, product)
            assert both is not None
            merged[node] = both
        elif isinstance(before, str) and isinstance(finding, str) and before != finding:
            merged[node] = finding if before == network.nodes[node].states[0] else before
    return Evidence(merged)


@dataclass(frozen=True)
class Outcome:
    """What the library said of one case: the rank of the right cause (0: not ranked), and the alerts.

    ways: the shares of leg pain because of the back, and of back pain because of hip, leg and foot; None where it was not asked.
    """

    reading: Reading
    rank: int
    right: tuple[str, ...]
    leading: tuple[tuple[str, float], ...]
    alerts: tuple[tuple[str, str], ...]
    posterior: float
    ways: tuple[float, float] | None = None

    @property
    def coded_way(self) -> tuple[float, float]:
        """The share of the way that the case was coded, and of the other."""
        assert self.ways is not None
        return self.ways if self.reading.case.link == "back_to_leg" else self.ways[::-1]


def outcome(
    reading: Reading,
    right: tuple[str, ...],
    ranking: Sequence[tuple[str, float]],
    alerts: Sequence[tuple[str, str]],
) -> Outcome:
    """ranking: (node, posterior), best first. alerts: (urgency, rule)."""
    names = [n for n, _ in ranking]
    position = min((names.index(n) + 1 for n in right if n in names), default=0)
    posterior = max((p for n, p in ranking if n in right), default=0.0)
    return Outcome(reading, position, right, tuple(ranking[:3]), tuple(alerts), posterior)


def wilson(successes: int, total: int, *, z: float = 1.959963984540054) -> tuple[float, float]:
    """Wilson's 95 % interval of a proportion (Wilson 1927)."""
    if total == 0:
        return 0.0, 1.0
    p = successes / total
    centre = (p + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * sqrt(p * (1 - p) / total + z * z / (4 * total * total))
    return max(0.0, centre - half), min(1.0, centre + half)


@dataclass(frozen=True, repr=False)
class CaseScore:
    """How the library does on published cases."""

    network: str
    outcomes: tuple[Outcome, ...]

    def share(self, measure: Measure) -> tuple[int, int]:
        """Successes and total of a measure. calm_unflagged: non-urgent cases without an alert of urgency emergency. way: of cases coded as linked one way,
        those in which that way has the larger share; link: those in which its share exceeds one half.
        """
        urgent = [o for o in self.outcomes if o.reading.case.urgent]
        calm = [o for o in self.outcomes if not o.reading.case.urgent]
        linked = [o.coded_way for o in self.outcomes if o.ways is not None]
        match measure:
            case "first":
                return sum(o.rank == 1 for o in self.outcomes), len(self.outcomes)
            case "top_three":
                return sum(0 < o.rank <= 3 for o in self.outcomes), len(self.outcomes)
            case "urgent_flagged":
                return sum(bool(o.alerts) for o in urgent), len(urgent)
            case "calm_unflagged":
                return sum(all(u != "emergency" for u, _ in o.alerts) for o in calm), len(calm)
            case "way":
                return sum(coded > other for coded, other in linked), len(linked)
            case "link":
                return sum(coded > 0.5 for coded, _ in linked), len(linked)

    def to_frame(self) -> pd.DataFrame:
        """One row a case: id, setting, diagnosis, rank, posterior, leading, urgent, alerts, unexpressed; where links were asked for, the coded link and the
        shares of both ways.
        """
        import pandas as pd

        rows = [
            (
                o.reading.case.id,
                o.reading.setting,
                o.reading.case.diagnosis,
                o.rank,
                o.posterior,
                ", ".join(f"{n} {p:.2f}" for n, p in o.leading),
                o.reading.case.urgent,
                ", ".join(f"{u}: {r}" for u, r in o.alerts),
                len(o.reading.unexpressed),
                o.reading.case.link or "",
                *(o.ways or (float("nan"), float("nan"))),
            )
            for o in self.outcomes
        ]
        columns = [
            "case",
            "setting",
            "diagnosis",
            "rank",
            "posterior",
            "leading",
            "urgent",
            "alerts",
            "unexpressed",
        ]
        frame = pd.DataFrame(rows, columns=[*columns, "link", "back_to_leg", "leg_to_back"])
        return frame if any(o.ways is not None for o in self.outcomes) else frame[columns]

    def summary(self) -> list[tuple[str, int, int, float, float]]:
        """(measure, successes, total, low, high) with Wilson's 95 % interval."""
        names: dict[Measure, str] = {
            "first": "right cause first",
            "top_three": "right cause in the top three",
            "urgent_flagged": "urgent case raises an alert",
            "calm_unflagged": "non-urgent case raises no emergency alert",
        }
        if any(o.ways is not None for o in self.outcomes):
            names |= {
                "way": "link runs the way it was coded rather than the other",
                "link": "link of the coded way has more than half",
            }
        found = []
        for key, words in names.items():
            k, n = self.share(key)
            found.append((words, k, n, *wilson(k, n)))
        return found

    def __str__(self) -> str:
        rows = (
            self.to_frame()
            .drop(columns=["alerts"])
            .to_string(index=False, float_format=lambda v: f"{v:.3f}", na_rep="")
        )
        return "\n".join([rows, "", *self._lines()])

    def _lines(self) -> list[str]:
        lines = [
            f"{words}: {k} of {n} ({k / max(n, 1):.0%}, 95 % interval {low:.0%} to {high:.0%})"
            for words, k, n, low, high in self.summary()
        ]
        left = [
            f"  {o.reading.case.id}: {text}"
            for o in self.outcomes
            for text in o.reading.unexpressed
        ]
        return [*lines, *(["", f"Not expressed ({len(left)}):", *left] if left else [])]

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return in_notebook(
            "\n".join(line for line in self._lines() if line), table(self.to_frame())
        )
