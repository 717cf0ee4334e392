"""Red flags: fixed rules over observed findings.

Of certain findings, probabilities have no say. An uncertain one must be likelier than not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spinelink.case import Case
from spinelink.errors import ImpossibleEvidenceError, TooLargeError
from spinelink.inference.answer import is_quick
from spinelink.network.alert import AlertRule
from spinelink.network.evidence import Finding
from spinelink.network.network import Network
from spinelink.result import Result
from spinelink.view.html import Html, bullets, element, fragment, notebook_frame, paragraph

if TYPE_CHECKING:
    import pandas as pd

MORE_LIKELY_THAN_NOT = 0.5
"""A soft finding counts for a rule where the rule's states are likelier than this, given all that was
found, and where it made them likelier."""
ROUNDING = 1e-9
"""A finding that says nothing raises a probability by less."""

URGENCIES = ("emergency", "urgent", "soon")

NONE_FIRED = "No alert rule fired on the findings entered. This does not exclude an emergency: what was not assessed was not considered."

PENDING = "Ask first, as one answer would fire a rule:"
ASKED_FIRST = 5
"""Questions that are shown; `pending` has all rules that one finding would fire."""
BY_ASKING = ("context", "symptom", "sign")
"""Roles of what a question or an examination settles; nobody has asked for a test yet."""


@dataclass(frozen=True)
class Alert:
    """A rule that fired, with the findings that fired it."""

    rule: str
    label: str
    urgency: str
    findings: tuple[str, ...]
    advice: str
    certainty: str
    source: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.urgency.upper()}: {self.label} [{', '.join(self.findings)}]\n  {self.advice}\n  How sure: {self.certainty}\n  {self.cited}"

    @property
    def cited(self) -> str:
        """Where the rule comes from, in words: keys of the network's sources."""
        return f"Source: {', '.join(self.source) or 'none given'}"


@dataclass(frozen=True)
class Pending:
    """A rule that one further finding would fire: worth asking about first.

    node: what was not assessed, or is uncertain. states: any of them would fire the rule.
    """

    rule: str
    label: str
    urgency: str
    node: str
    states: tuple[str, ...]
    question: str

    def __str__(self) -> str:
        return f"{self.urgency.upper()} if {self.node}={' or '.join(self.states)}: {self.label}"

    @property
    def as_question(self) -> str:
        """The urgency, the answer that would fire the rule, and the question."""
        wanted = " or ".join(state.replace("_", " ") for state in self.states)
        answer = "yes" if wanted == "present" else wanted
        return f"{self.urgency.upper()} if {answer}: {self.question or self.label}"


@dataclass(frozen=True, repr=False)
class Alerts(Result):
    """Rules that fired, the most urgent first.

    pending: rules that one more certain finding would fire, the most urgent first. asked_first: at most
    five of these, one for each finding, which a question or an examination settles.
    """

    alerts: tuple[Alert, ...]
    pending: tuple[Pending, ...] = ()
    asked_first: tuple[Pending, ...] = ()

    def __len__(self) -> int:
        return len(self.alerts)

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(self.alerts)

    def __getitem__(self, position: int) -> Alert:
        return self.alerts[position]

    @property
    def urgency(self) -> str | None:
        """The highest urgency among the alerts; None where no rule fired, which is no reassurance."""
        return self.alerts[0].urgency if self.alerts else None

    @property
    def none(self) -> str:
        """What is said where no rule fired; empty where one did."""
        return "" if self.alerts else NONE_FIRED

    def to_frame(self) -> pd.DataFrame:
        """Columns: urgency, label, findings, advice, certainty, rule, source."""
        import pandas as pd

        rows = [
            (
                a.urgency,
                a.label,
                ", ".join(a.findings),
                a.advice,
                a.certainty,
                a.rule,
                ", ".join(a.source),
            )
            for a in self.alerts
        ]
        return pd.DataFrame(
            rows, columns=["urgency", "label", "findings", "advice", "certainty", "rule", "source"]
        )

    def pending_frame(self) -> pd.DataFrame:
        """Columns: urgency, label, node, states, question, rule: what would fire a rule, if it were found."""
        import pandas as pd

        rows = [
            (p.urgency, p.label, p.node, ", ".join(p.states), p.question, p.rule)
            for p in self.pending
        ]
        return pd.DataFrame(
            rows, columns=["urgency", "label", "node", "states", "question", "rule"]
        )

    def __str__(self) -> str:
        lines = [str(a) for a in self.alerts] or [NONE_FIRED]
        if self.asked_first:
            lines += [PENDING, *(f"  {p.as_question}" for p in self.asked_first)]
        return "\n".join(lines)

    def _repr_html_(self) -> Html:
        fired = bullets(_item(a) for a in self.alerts) if self.alerts else paragraph(NONE_FIRED)
        if not self.asked_first:
            return notebook_frame(fired)
        waiting = bullets(p.as_question for p in self.asked_first)
        return notebook_frame(fired, paragraph(PENDING), waiting)


def _item(a: Alert) -> Html:
    """An alert in the list of a notebook."""
    return fragment(
        element("b", f"{a.urgency.upper()}: {a.label}"),
        f" ({', '.join(a.findings)})",
        element("br"),
        a.advice,
        element("br"),
        element("small", f"How sure: {a.certainty}", element("br"), a.cited),
    )


def alerts(case: Case) -> Alerts:
    """Red flags: fixed rules over the findings, whatever the probabilities say.

    Args:
        case: the findings; they may contradict each other.

    Returns:
        The rules that fired, the most urgent first. `.pending` are rules that one finding which was
        not assessed would fire: worth asking about before anything else.

    Example:
        >>> import spinelink as sl
        >>> case = sl.load("minimal").observe(bladder_dysfunction=True, back_pain=True)
        >>> [alert.urgency for alert in case.alerts()]
        ['emergency']
    """
    network, evidence = case.model.network, case.findings
    holds = _Holds(case)
    question = case.model.question(evidence, log_evidence=float("nan"))
    fired = [
        alert
        for name, rule in network.alerts.items()
        if (alert := _fire(name, rule, holds=holds)) is not None
    ]
    done = {a.rule for a in fired}
    waiting = [
        p
        for name, rule in network.alerts.items()
        if name not in done
        for p in _pending(network, name, rule, holds=holds)
    ]
    pending = sorted(waiting, key=lambda p: (URGENCIES.index(p.urgency), p.rule, p.node))
    return Alerts(
        question,
        tuple(sorted(fired, key=lambda a: (URGENCIES.index(a.urgency), a.rule))),
        tuple(pending),
        _asked_first(network, pending),
    )


def _asked_first(network: Network, pending: Sequence[Pending]) -> tuple[Pending, ...]:
    """One rule for each finding that asking settles: at most five.

    The most urgent come first, then what a question settles before what an examination does, then the
    order of the rules in the file.
    """
    rules = list(network.alerts)

    def place(p: Pending) -> tuple[int, bool, int]:
        sign = network.nodes[p.node].role == "sign"
        return URGENCIES.index(p.urgency), sign, rules.index(p.rule)

    first: dict[str, Pending] = {}
    for p in sorted(pending, key=place):
        node = network.nodes[p.node]
        if node.role in BY_ASKING:
            first.setdefault(p.node, replace(p, question=node.question or f"{node.label}?"))
    return tuple(first.values())[:ASKED_FIRST]


def fired_rules(
    network: Network, states: Mapping[str, NDArray[np.integer]], *, patients: int
) -> dict[str, NDArray[np.bool_]]:
    """On which of many patients each rule fires: what `alerts` says of each of them.

    Args:
        network: the network.
        states: node -> the index of the state that was found, (patients,); below 0 where the node
            was not assessed, as are nodes that are left out.
        patients: how many.

    Returns:
        By rule, (patients,).
    """
    fired = {}
    for name, rule in network.alerts.items():
        fired[name] = np.zeros(patients, dtype=bool)
        for combination in rule.when:
            if combination.keys() <= states.keys():
                found = [
                    np.isin(states[node], [network.nodes[node].states.index(s) for s in wanted])
                    for node, wanted in combination.items()
                ]
                fired[name] |= np.all(found, axis=0)
    return fired


def _pending(network: Network, name: str, rule: AlertRule, *, holds: _Holds) -> list[Pending]:
    """Combinations of which all but one finding hold.

    That one was not assessed, or is uncertain and may still hold.
    """
    found: dict[str, Pending] = {}
    evidence = holds.case.findings
    for combination in rule.when:
        missing = [n for n, states in combination.items() if not holds(n, states)]
        if (
            len(missing) == 1
            and _is_open(evidence.get(missing[0]), combination[missing[0]])
            and missing[0] not in found
        ):
            node = missing[0]
            found[node] = Pending(
                name,
                rule.label,
                rule.urgency,
                node,
                combination[node],
                network.nodes[node].question,
            )
    return list(found.values())


def _fire(name: str, rule: AlertRule, *, holds: _Holds) -> Alert | None:
    found: dict[str, None] = {}
    evidence = holds.case.findings
    for combination in rule.when:
        if all(holds(node, states) for node, states in combination.items()):
            found |= dict.fromkeys(f"{node}={_shown(evidence[node])}" for node in combination)
    if not found:
        return None
    return Alert(
        name, rule.label, rule.urgency, tuple(found), rule.advice, rule.certainty, rule.source
    )


@dataclass(frozen=True, eq=False)
class _Holds:
    """Whether a node counts as found in one of some states."""

    case: Case

    def __call__(self, node: str, states: tuple[str, ...]) -> bool:
        finding = self.case.findings.get(node)
        if finding is None or isinstance(finding, str):
            return finding in states
        likelihoods: Mapping[str, float] = dict(finding)
        if not any(likelihoods[s] > 0.0 for s in states):
            return False
        return self._is_likely(node, states, likelihoods)

    def _is_likely(
        self, node: str, states: tuple[str, ...], likelihoods: Mapping[str, float]
    ) -> bool:
        every = self.case.model.network.nodes[node].states
        weights = np.array([likelihoods[s] for s in every])
        wanted = np.array([s in states for s in every])
        before = self._without(node)
        total = float(weights @ before[:, 0])
        if not total > 0.0:  # no alert waits for an answer: the finding speaks for itself
            return float(weights[wanted].sum()) > MORE_LIKELY_THAN_NOT * float(weights.sum())
        prior = float(before[wanted, 0].sum())
        likely = float((weights * before[:, 0])[wanted].sum()) / total
        return likely > max(MORE_LIKELY_THAN_NOT, prior + ROUNDING)

    def _without(self, node: str) -> NDArray[np.float64]:
        """P(state) by all other findings, (states, 1); zeros where that is not known at once."""
        case = self.case.retract(node)
        compiled = case.model.compiled
        if is_quick(compiled, case.observed, [compiled.index[node]]):
            with suppress(ImpossibleEvidenceError, TooLargeError):
                (found,) = case.marginals([node]).posterior.values()
                return found
        return np.zeros((len(case.model.network.nodes[node].states), 1))


def _is_open(finding: Finding | None, states: tuple[str, ...]) -> bool:
    """Whether an answer for certain could still be one of these states."""
    return finding is None or (
        not isinstance(finding, str)
        and any(likelihood > 0.0 for s, likelihood in finding if s in states)
    )


def _shown(finding: Finding) -> str:
    return (
        finding
        if isinstance(finding, str)
        else max(finding, key=lambda pair: pair[1])[0] + " (uncertain)"
    )
