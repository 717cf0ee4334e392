"""Published cases: their words, and what the network makes of them.

A file of cases holds each case in its own words (or directly as findings). A vocabulary file beside
the network says what each word means as findings. A word that the network cannot express is listed
with its reason. Nothing is dropped silently.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from spinelink.errors import NetworkFileError, SpinelinkError
from spinelink.io.source_text import read_source
from spinelink.io.yaml_events import Document, read_document
from spinelink.network.base import Name, Number, Value
from spinelink.network.evidence import Evidence, Finding, read_finding
from spinelink.network.network import Network

WordState = Literal["present", "absent"]
Answer = str | dict[str, Number]


class PublishedCase(Value):
    """One case: its source, its words or findings, and what it turned out to be."""

    id: str
    source: str = ""
    source_kind: str = ""
    setting: str | None = None
    age: Number | None = None
    sex: Literal["F", "M", "female", "male"] | None = None
    words: dict[Name, WordState] = Field(default_factory=dict)
    findings: dict[Name, Answer] = Field(default_factory=dict)
    final_diagnosis: str = ""
    diagnosis: str = Field(description="A class of the vocabulary, or a node.")
    within: int | None = Field(
        default=None,
        ge=1,
        strict=True,
        description="The right cause is expected among the first so many.",
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
    """The cases of a file.

    Raises:
        NetworkFileError: with every problem.
    """
    cases: tuple[PublishedCase, ...] = _read(path, CaseFile)[0].cases
    return cases


def read_vocabulary(path: Path, network: Network) -> Vocabulary:
    """The vocabulary of a file, checked against the network.

    Raises:
        NetworkFileError: with every problem.
    """
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

    @property
    def as_given(self) -> dict[str, Answer]:
        """The findings as `Case.observe` takes them."""
        return {n: f if isinstance(f, str) else dict(f) for n, f in self.findings.items()}


def read_case(case: PublishedCase, network: Network, *, vocabulary: Vocabulary | None) -> Reading:
    """A case as the network sees it.

    Args:
        case: in its own words, or as findings.
        network: the network.
        vocabulary: what the words mean; without one no word can be expressed.

    Returns:
        The reading. Where two words are about one node, a state wins over likelihoods, and
        likelihoods multiply.
    """
    answers, left = _context(case, network)
    answers = [*case.findings.items(), *answers]
    for word, answer in case.words.items():
        meaning = vocabulary.words.get(word) if vocabulary else None
        if meaning is None:
            reason = "no vocabulary"
            if vocabulary:
                reason = vocabulary.unexpressed.get(word, "not in the vocabulary")
            left.append(f"{word}={answer}: {reason}")
            continue
        findings = meaning.present if answer == "present" else meaning.absent
        if not findings:
            left.append(f"{word}={answer}: nothing follows from it")
        answers += findings.items()
    setting = _setting(case, network, vocabulary=vocabulary)
    return Reading(case, setting, _merge(network, answers), tuple(left))


def _context(case: PublishedCase, network: Network) -> tuple[list[tuple[str, Answer]], list[str]]:
    """Age and sex as findings, and what could not be said of them."""
    answers: list[tuple[str, Answer]] = []
    left: list[str] = []
    if case.age is not None and "age_group" in network.nodes:
        bins = network.nodes["age_group"].bins
        assert bins is not None
        youngest, oldest = bins.edges[0], bins.edges[-1]
        if case.age < youngest:
            left.append(
                f"age={case.age:g}: the network is about people from {youngest:g} on; "
                "taken as its youngest group"
            )
        state = read_finding(network, "age_group", min(max(case.age, youngest), oldest))
        assert isinstance(state, str)
        answers.append(("age_group", state))
    if case.sex is not None and "sex" in network.nodes:
        answers.append(("sex", {"F": "female", "M": "male"}.get(case.sex, case.sex)))
    return answers, left


def _setting(case: PublishedCase, network: Network, *, vocabulary: Vocabulary | None) -> str | None:
    """The network's word for the case's setting; its default where it has none."""
    if case.setting is None:
        return network.default_setting
    mapped = vocabulary.settings.get(case.setting, case.setting) if vocabulary else case.setting
    return mapped if mapped in network.settings else network.default_setting


def _merge(network: Network, answers: Sequence[tuple[str, Answer]]) -> Evidence:
    """One finding a node. Of two different states the one that is not the first counts."""
    merged: dict[str, Finding] = {}
    for node, value in answers:
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
