"""A dialogue: the next best question, an answer, what it did; with undo. What it asks is `Case.next_best`, red flags first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar

from spinelink.errors import SpinelinkError
from spinelink.model.evidence import Evidence, describe
from spinelink.model.variable import Node
from spinelink.result import NOTICE, show_number

if TYPE_CHECKING:
    from spinelink.query.alerts import Alerts
    from spinelink.query.next_best import NextBest
    from spinelink.query.ranking import Ranking

ENDED = "end"
UNDO = "undo"
HELP = """Answer with a state or its number, y or n; a number where one is asked for. Enter: not assessed (that is not the same as absent).
u: undo the last answer   c: causes and alerts so far   q: end   h: this help"""
LEADING = 3  # causes shown after each answer


class Asked(Protocol):
    """What a dialogue needs of a case."""

    @property
    def findings(self) -> Evidence: ...
    @property
    def model(self) -> Any: ...
    def observe(self, findings: Any = None, /, **more: Any) -> Self: ...
    def alerts(self) -> Alerts: ...
    def differential(self, *, limit: int | None = ...) -> Ranking: ...
    def next_best(self, target: str | None = ..., *, limit: int | None = ..., among: Iterable[str] | None = ...) -> NextBest: ...


C = TypeVar("C", bound=Asked)


@dataclass(frozen=True)
class Step(Generic[C]):
    """Where a dialogue stands: the case, the nodes that were passed over, and the nodes of a procedure that are still to be asked for."""

    case: C
    passed: frozenset[str] = frozenset()
    waiting: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ask:
    """What to ask now: a node, why, and the other nodes of its procedure. stop: why to stop asking, empty where not."""

    node: str
    why: str
    rest: tuple[str, ...] = ()
    stop: str = ""


def next_question(step: Step[C], *, target: str | None = None) -> Ask | None:
    """What one finding would make an emergency is asked first, then what tells most a minute; None where nothing is left."""
    case, nodes = step.case, step.case.model.nodes
    if step.waiting:
        return Ask(step.waiting[0], "the same procedure", step.waiting[1:])
    for p in case.alerts().pending:
        if p.urgency == "emergency" and p.node not in step.passed and nodes[p.node].role in ("context", "symptom"):
            return Ask(p.node, f"would raise an alert: {p.label}")
    left = [n for n, v in nodes.items() if v.role in ("context", "symptom", "sign", "test") and n not in step.passed]
    open_ = [n for n in left if not isinstance(case.findings.get(n), str) and n != target]
    if not open_:
        return None
    found = case.next_best(target, limit=1, among=open_)
    if not found.candidates:
        return None
    best = found[0]
    why = f"{show_number(best.value)} {found.unit}, {best.minutes:g} minutes"
    if best.changes_lead >= 0.005:
        why += f", puts another cause first in {best.changes_lead:.0%}"
    return Ask(best.nodes[0], why, best.nodes[1:], found.stop)


def read_answer(name: str, node: Node, text: str) -> object | None:
    """What a person typed as a finding: a state's position (from 1), a state or how one begins, yes or no; a number for numeric bins. None: not understood."""
    word = text.strip().lower()
    states = [s.lower() for s in node.states]
    if word in states:
        return node.states[states.index(word)]
    if node.bins is not None:
        try:
            return float(word)
        except ValueError:
            return None
    if word.isdigit():
        return node.states[int(word) - 1] if 1 <= int(word) <= len(states) else None
    if len(states) == 2 and word in ("y", "yes", "n", "no"):
        return node.states[word[0] == "y"]
    begun = [s for s in node.states if s.lower().startswith(word)]
    return begun[0] if len(begun) == 1 else None


def interview(case: C, ask: Callable[[str], str], show: Callable[[str], object], *, target: str | None = None) -> C:
    """See `Case.interview`."""
    steps = [Step(case)]
    show(f"{HELP}\n")
    for line in _standing(case, None):
        show(line)
    told_to_stop = False
    try:
        while (question := next_question(steps[-1], target=target)) is not None:
            if question.stop and not told_to_stop:
                show(f"One may stop here: {question.stop}")
                told_to_stop = True
                if ask("Go on asking? [y/n] ").strip().lower() not in ("y", "yes"):
                    break
            answer = _put(steps[-1], question, len(steps), ask, show)
            if answer == ENDED:
                break
            if answer == UNDO:
                if len(steps) == 1:
                    show("There is nothing to undo.")
                else:
                    steps.pop()
                    told_to_stop = False
                    show("Undone. " + _findings(steps[-1].case))
                continue
            assert isinstance(answer, Step)
            if answer.case is not steps[-1].case:
                for line in _standing(answer.case, steps[-1].case):
                    show(line)
            steps.append(answer)
        else:
            show("Nothing is left to ask.")
    except (KeyboardInterrupt, EOFError):
        show("\nEnded.")
    last = steps[-1].case
    show(f"\n{_findings(last)}\n{last.alerts()}\n{NOTICE}")
    return last


def _put(step: Step[C], question: Ask, number: int, ask: Callable[[str], str], show: Callable[[str], object]) -> Step[C] | str:
    """Asks until there is an answer: the next step, or that it was undone or ended."""
    name, node = question.node, step.case.model.nodes[question.node]
    choices = "a number, or " + ", ".join(node.states) if node.bins else "   ".join(f"{k} {s}" for k, s in enumerate(node.states, 1))
    show(f"\n{number}. {node.question or node.label + '?'}   [{question.why}]\n   {choices}")
    passed = step.passed | {name}
    while True:
        text = ask("> ").strip()
        match text.lower():
            case "":
                return Step(step.case, passed, question.rest)
            case "q" | "quit" | "end":
                return ENDED
            case "u" | "undo":
                return UNDO
            case "h" | "help" | "?":
                show(HELP)
            case "c":
                for line in _standing(step.case, None):
                    show(line)
            case _:
                value = read_answer(name, node, text)
                if value is None:
                    show(f"{text!r} is not an answer to this: {choices}. h: help.")
                    continue
                try:
                    case = step.case.observe({name: value})
                    case.differential(limit=1)
                except SpinelinkError as error:
                    show(f"{error} The answer was not taken.")
                    continue
                return Step(case, passed, question.rest)


def _standing(case: C, before: C | None) -> Iterator[str]:
    """Alerts that are new, and the leading causes."""
    known = {a.rule for a in before.alerts()} if before is not None else set()
    for a in case.alerts():
        if a.rule not in known:
            yield f"{a.urgency.upper()}: {a.label}\n  {a.advice}"
    causes = case.differential(limit=LEADING).causes
    yield "   ".join(f"{c.label} {show_number(c.posterior)}" for c in causes)


def _findings(case: Asked) -> str:
    return "Findings: " + (", ".join(describe(n, f) for n, f in case.findings.items()) or "none")
