"""A dialogue: the next best question, an answer, what it did; with undo.

Questions come from `next_best`, red flags first. Alerts are taken from all answers, whatever the
network makes of them. An answer that contradicts the others is left out of the probabilities only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from spinelink.case import Case
from spinelink.errors import ImpossibleEvidenceError, SpinelinkError, reason, shown
from spinelink.network.evidence import Finding, is_yes_or_no
from spinelink.network.labels import finding_label, finding_words
from spinelink.network.node import OBSERVABLE, Cost, Node
from spinelink.options import decimal_number
from spinelink.query.alerts import PENDING, Alert, alerts
from spinelink.query.next_best import next_best
from spinelink.query.ranking import differential
from spinelink.view.text import NOTICE, show_number, show_percent

ENDED = "end"
UNDO = "undo"
HELP = """Answer with a state or its number, y or n; a number where one is asked for. Enter: not assessed (that is not the same as absent).
u: undo the last answer   c: causes and alerts so far   q: end   h: this help"""
LEADING = 3  # causes shown after each answer


C = TypeVar("C", bound=Case)


@dataclass(frozen=True)
class Step(Generic[C]):
    """Where a dialogue stands.

    passed: nodes that are not asked about again. waiting: nodes of a procedure that are still to be
    asked for. record: the case with every answer, where some contradict each other and `case` is
    without them. Alerts are taken from it.
    """

    case: C
    passed: frozenset[str] = frozenset()
    waiting: tuple[str, ...] = ()
    record: C | None = None

    @property
    def answered(self) -> C:
        """The case with every answer."""
        return self.case if self.record is None else self.record


@dataclass(frozen=True)
class NextQuestion:
    """What to ask now, and why.

    rest: the other nodes of its procedure. stop: why no further question is worth its cost; empty where
    one is.
    """

    node: str
    why: str
    rest: tuple[str, ...] = ()
    stop: str = ""


def next_question(step: Step[C], *, target: str | None = None) -> NextQuestion | None:
    """First any finding that alone would fire an emergency rule, then the best question.

    The best question has the most information per minute. None if nothing is left to ask.
    """
    case, nodes = step.case, step.case.model.nodes
    if step.waiting:
        return NextQuestion(step.waiting[0], "the same procedure", step.waiting[1:])
    if (first := _emergency(step)) is not None:
        return first
    if nothing_to_learn(step, target):
        return None
    left = [
        n for n, v in nodes.items() if v.role in OBSERVABLE and n not in step.passed and n != target
    ]
    open_ = [n for n in left if not isinstance(step.answered.findings.get(n), str)]
    if not open_:
        return None
    try:
        found = next_best(case, target, limit=1, among=open_)
    except Exception as error:
        quickest = min(open_, key=lambda n: (nodes[n].cost or Cost()).minutes)
        return NextQuestion(quickest, f"the quickest: the best one is not known. {reason(error)}")
    if not found.candidates:
        return None
    best = found[0]
    why = f"{show_number(best.value)} {found.unit}, {best.minutes:g} minutes"
    if best.changes_lead >= 0.005:
        why += f", puts another cause first in {best.changes_lead:.0%}"
    return NextQuestion(best.nodes[0], why, best.nodes[1:], found.stop)


def _emergency(step: Step[C]) -> NextQuestion | None:
    """The pending emergency rule that is the quickest to find out about."""
    nodes = step.case.model.nodes
    pending = [p for p in alerts(step.answered).pending if p.urgency == "emergency"]
    open_ = [p for p in pending if p.node not in step.passed and nodes[p.node].role in OBSERVABLE]
    if not open_:
        return None
    first = min(open_, key=lambda p: (nodes[p.node].cost or Cost()).minutes)
    return NextQuestion(
        first.node,
        f"would raise an alert: {first.label}; {_spent(nodes[first.node].cost or Cost())}",
    )


def _spent(cost: Cost) -> str:
    named = [
        f"{word} {level}"
        for word, level in (("money", cost.money), ("invasiveness", cost.invasiveness))
        if level != "none"
    ]
    return ", ".join([f"{cost.minutes:g} minutes", *named])


def nothing_to_learn(step: Step[C], target: str | None) -> str:
    """Why no question about causes is left, whatever is asked; empty where there may be one."""
    model, findings = step.case.model, step.case.findings
    if target is not None:
        return (
            f"{target} is known: nothing is left to learn about it."
            if isinstance(findings.get(target), str)
            else ""
        )
    if not model.network.ranked:
        return f"Network {model.name!r} names no causes, so nothing can be learned about them; name a target to ask about."
    known = all(isinstance(findings.get(n), str) for n in model.network.ranked)
    return "Every cause is known: nothing is left to learn about them." if known else ""


def read_answer(name: str, node: Node, *, text: str) -> object | None:
    """What a person typed, as a finding; None where it was not understood.

    Taken are a state's position (from 1), a state or how one begins, yes or no, and a number for
    numeric bins.
    """
    word = text.strip().lower()
    states = [s.lower() for s in node.states]
    if word in states:
        return node.states[states.index(word)]
    if node.bins is not None:
        return decimal_number(word)
    if word.isdecimal():
        return node.states[int(word) - 1] if 1 <= int(word) <= len(states) else None
    if is_yes_or_no(node) and word in ("y", "yes", "n", "no"):
        return node.states[word[0] == "y"]
    begun = [s for s in node.states if s.lower().startswith(word)]
    return begun[0] if len(begun) == 1 else None


def interview(
    case: C,
    target: str | None = None,
    *,
    ask: Callable[[str], str] | None = None,
    show: Callable[[str], object] | None = None,
) -> C:
    """A dialogue in a terminal or a notebook: the next best question, the answer, what it did.

    Questions of which one answer would make an emergency come first. It says when one may stop, and
    why. An answer can be undone, left out, or end the dialogue (Ctrl-C too). Alerts are shown before
    anything else. An answer that contradicts the others raises its alerts too; only the
    probabilities leave it out.

    Args:
        case: the findings so far.
        target: what to learn about; all causes where None.
        ask: a function in place of `input`.
        show: a function in place of `print`.

    Returns:
        The case with every answer.

    Raises:
        UnknownNameError: the network has no such node.
        ImpossibleEvidenceError: the findings contradict each other from the beginning. The alerts
            of the case are shown before.

    Example:
        >>> import spinelink as sl
        >>> case = sl.load("minimal").observe(leg_pain="below_knee")
        >>> after = case.interview(ask=lambda prompt: "q", show=lambda text: None)
        >>> after == case
        True
    """
    for name, function, instead in (("ask", ask, "input"), ("show", show, "print")):
        if function is not None and not callable(function):
            raise SpinelinkError(
                f"{name} is a function that takes a text, as {instead}, not {shown(function)}."
            )
    show, ask = show or print, ask or input
    for a in alerts(case):
        show(_alert(case, a))
    show(f"{HELP}\n")
    target = None if target is None else case.model.names([target])[0]
    if _contradiction(case):
        _ = case.log_evidence  # raises
    steps = [Step(case)]
    _show_leading(steps[0], target, show=show)
    told_to_stop = False
    try:
        while (question := next_question(steps[-1], target=target)) is not None:
            if (
                question.stop and not told_to_stop and steps[-1].record is None
            ):  # what contradicts is no ground to stop on
                show(f"No further question is worth its cost: {question.stop}")
                told_to_stop = True
                if str(ask("Go on asking? [y/n] ")).strip().lower() not in ("y", "yes"):
                    break
            answer = _put(steps[-1], question, number=len(steps), ask=ask, show=show, target=target)
            if answer == ENDED:
                break
            if answer == UNDO:
                if len(steps) == 1:
                    show("There is nothing to undo.")
                else:
                    steps.pop()
                    told_to_stop = False
                    show("Undone. " + _findings(steps[-1].answered))
                continue
            assert isinstance(answer, Step)
            steps.append(answer)
        else:
            show(nothing_to_learn(steps[-1], target) or "Nothing is left to ask.")
    except (KeyboardInterrupt, EOFError):
        show("\nEnded.")
    last = steps[-1]
    out = "; ".join(_left_out(last))
    contradiction = (
        f"Left out of the probabilities, as these findings contradict each other: {out}\n"
        if out
        else ""
    )
    show(f"\n{_findings(last.answered)}\n{contradiction}{_all_alerts(last.answered)}\n{NOTICE}")
    return last.answered


def _put(
    step: Step[C],
    question: NextQuestion,
    *,
    number: int,
    ask: Callable[[str], str],
    show: Callable[[str], object],
    target: str | None,
) -> Step[C] | str:
    """Asks until there is an answer: the next step, or that it was undone or ended."""
    name, node = question.node, step.case.model.nodes[question.node]
    choices = (
        "a number, or " + ", ".join(node.states)
        if node.bins
        else "   ".join(f"{k} {s}" for k, s in enumerate(node.states, 1))
    )
    show(f"\n{number}. {node.question or node.label + '?'}   [{question.why}]\n   {choices}")
    while True:
        text = str(ask("> ")).strip()
        match text.lower():
            case "":
                return Step(step.case, step.passed | {name}, question.rest, step.record)
            case "q" | "quit" | "end":
                return ENDED
            case "u" | "undo":
                return UNDO
            case "h" | "help" | "?":
                show(HELP)
            case "c":
                for a in alerts(step.answered):
                    show(_alert(step.case, a))
                _show_leading(step, target, show=show)
            case _:
                value = read_answer(name, node, text=text)
                if value is None:
                    show(f"{text!r} is not an answer to this: {choices}. h: help.")
                    continue
                try:
                    record = step.answered.observe({name: value})
                except SpinelinkError as error:
                    show(f"{error} The answer was not taken.")
                    continue
                for a in _new_alerts(record, step.answered):
                    show(_alert(record, a))
                return _taken(step, question, record=record, value=value, show=show, target=target)


def _taken(
    step: Step[C],
    question: NextQuestion,
    *,
    record: C,
    value: object,
    show: Callable[[str], object],
    target: str | None,
) -> Step[C]:
    """The step after an answer.

    One that contradicts the others stays on record, for the alerts, and out of the probabilities.
    """
    passed = step.passed | {question.node}
    trouble = _contradiction(record)
    if trouble and step.record is not None:  # what contradicts may be an earlier answer
        more = step.case.observe({question.node: value})
        trouble = _contradiction(more)
        after = Step(step.case if trouble else more, passed, question.rest, record)
    else:
        after = (
            Step(step.case, passed, question.rest, record)
            if trouble
            else Step(record, passed, question.rest)
        )
    if trouble:
        show(
            f"It is kept for the alerts, and the probabilities leave it out, as {trouble} u: undo it."
        )
    _show_leading(after, target, show=show)
    return after


def _contradiction(case: Case) -> str:
    """Why the network cannot take the findings of a case; empty where it can, or cannot tell."""
    try:
        _ = case.log_evidence
    except ImpossibleEvidenceError as error:
        return str(error)
    except Exception:  # the answer is taken; what shows probabilities says why there are none
        return ""
    return ""


def _new_alerts(case: C, before: C) -> Iterator[Alert]:
    known = {a.rule for a in alerts(before)}
    return (a for a in alerts(case) if a.rule not in known)


def _show_leading(step: Step[C], target: str | None, *, show: Callable[[str], object]) -> None:
    """The leading causes, and what is asked about where it is not among the causes."""
    without = f"Without {'; '.join(_left_out(step))}: " if step.record is not None else ""
    try:
        lines = _leading(step.case, target)
    except Exception as error:
        show(f"There are no probabilities. {reason(error)}")
        return
    if lines:
        show(without + "   ".join(lines))


def _leading(case: Case, target: str | None) -> list[str]:
    """The target, where it is no cause, and the leading causes, with their probabilities."""
    model, lines = case.model, []
    if target is not None and target not in model.network.ranked:
        lines.append(f"{model.nodes[target].label} {show_percent(case.present([target])[target])}")
    if model.network.ranked:
        lines += [
            f"{c.label} {show_percent(c.posterior)}"
            for c in differential(case, limit=LEADING).causes
        ]
    return lines


def _left_out(step: Step[C]) -> list[str]:
    """Answers that contradict the others."""
    kept = step.case.findings
    answered = step.answered.findings.items()
    return [_words(step.case, n, f) for n, f in answered if kept.get(n) != f]


def _findings(case: Case) -> str:
    found = "; ".join(_words(case, n, f) for n, f in case.findings.items())
    return f"Findings: {found or 'none'}"


def _words(case: Case, name: str, finding: Finding) -> str:
    """A finding by its label."""
    return f"{case.model.nodes[name].label}: {finding_words(finding)}"


def _all_alerts(case: Case) -> str:
    """The alerts of a case and what may still raise one."""
    found = alerts(case)
    lines = [_alert(case, a) for a in found] or [found.none]
    pending = [f"  {p.as_question}" for p in found.asked_first]
    return "\n".join([*lines, *([PENDING, *pending] if pending else [])])


def _alert(case: Case, a: Alert) -> str:
    """An alert with its findings by label."""
    found = tuple(finding_label(finding, case.model.network) for finding in a.findings)
    return str(replace(a, findings=found))
