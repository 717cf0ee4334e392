"""What to ask or test next: what is expected to tell most for its cost.

How the expected value is found is said in `query.candidates`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from spinelink.case import Case
from spinelink.errors import SpinelinkError
from spinelink.inference.variants.likelihood_events import with_events
from spinelink.network.node import OBSERVABLE
from spinelink.options import flag, is_real, one_of, real, text_list, whole, whole_or_none
from spinelink.query.candidates import Candidates, Utilities
from spinelink.query.procedures import SHORTEST, candidate_groups, cost_of, procedure_label
from spinelink.query.target import hidden_target
from spinelink.result import Result
from spinelink.view.plot.ranking import Questions, plot_next_best

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

THRESHOLD = 0.01
"""Value (bits, or what else is measured) below which the next question is not worth asking."""
AHEAD = 5
"""First questions that a look two steps ahead follows."""
LEAST_OUTCOME = 1e-9
"""Rarer outcomes are not followed two steps ahead."""
QUESTION_WIDTH = 90
"""Characters of a question, in a notebook."""

Measure = Literal["information", "loss"]


@dataclass(frozen=True)
class Candidate:
    """One question, sign or test, or a procedure with all that it shows.

    value: what it is expected to tell. after: the same with the best question after it, where two steps
    were asked for. changes_lead: the chance that another cause leads afterwards. changes_action: the
    chance that a cause then passes, or no longer passes, the probability from which acting on it costs
    less than missing it, 1 / (1 + its weight). started: the procedure is under way, so it costs next to
    nothing more.
    """

    name: str
    label: str
    nodes: tuple[str, ...]
    question: str
    value: float
    after: float
    per_minute: float
    minutes: float
    money: str
    invasiveness: str
    changes_lead: float
    changes_action: float
    started: bool

    @property
    def value_with_lookahead(self) -> float:
        """The value with what can follow, where that was looked at."""
        return self.value if np.isnan(self.after) else self.after


@dataclass(frozen=True, repr=False)
class NextBest(Result):
    """Candidates, the best first.

    stop: why to stop asking; empty where one should not. left_out: procedures with too many outcomes.
    asked: how many candidates were compared.
    """

    measure: str
    unit: str
    candidates: tuple[Candidate, ...]
    stop: str
    left_out: tuple[str, ...]
    asked: int

    def __len__(self) -> int:
        return len(self.candidates)

    def __iter__(self) -> Iterator[Candidate]:
        return iter(self.candidates)

    def __getitem__(self, position: int) -> Candidate:
        return self.candidates[position]

    def to_frame(self) -> pd.DataFrame:
        """One row a candidate, the best first.

        Columns: name, label, value, after (two steps), per_minute, minutes, money, invasiveness,
        changes_lead, changes_action, question, nodes.
        """
        import pandas as pd

        rows = [
            (
                c.name,
                c.label,
                c.value,
                c.after,
                c.per_minute,
                c.minutes,
                c.money,
                c.invasiveness,
                c.changes_lead,
                c.changes_action,
                c.question,
                ", ".join(c.nodes),
            )
            for c in self.candidates
        ]
        columns = [
            "name",
            "label",
            "value",
            "after",
            "per_minute",
            "minutes",
            "money",
            "invasiveness",
            "changes_lead",
            "changes_action",
            "question",
            "nodes",
        ]
        frame = pd.DataFrame(rows, columns=columns)
        return frame if frame["after"].notna().any() else frame.drop(columns="after")

    def shown(self) -> pd.DataFrame:
        """The columns that fit beside each other."""
        frame = self.to_frame()
        asked = [q or label for q, label in zip(frame["question"], frame["label"], strict=True)]
        frame["ask or look for"] = [
            text if len(text) <= QUESTION_WIDTH else f"{text[: QUESTION_WIDTH - 3].rstrip()}..."
            for text in asked
        ]
        columns = [
            "ask or look for",
            "value",
            "after",
            "per_minute",
            "minutes",
            "invasiveness",
            "changes_lead",
            "changes_action",
        ]
        return frame[[c for c in columns if c in frame.columns]]

    def title(self) -> str:
        """What stands above the table."""
        stop = f"\nStop: {self.stop}" if self.stop else ""
        return f"{self.question}\n{self.measure} ({self.unit}), of {self.asked} questions and procedures{stop}"

    def plot(self, ax: Axes | None = None, *, limit: int = 12) -> Axes:
        """What each candidate tells against the minutes it takes."""
        columns = Questions(
            [c.name for c in self.candidates],
            [c.label for c in self.candidates],
            [c.minutes for c in self.candidates],
            [c.value for c in self.candidates],
            [c.invasiveness for c in self.candidates],
        )
        return plot_next_best(columns, unit=self.unit, ax=ax, limit=limit)


def next_best(
    case: Case,
    target: str | None = None,
    *,
    limit: int | None = 5,
    cost: Literal["minutes"] | None = "minutes",
    horizon: int = 1,
    by_urgency: bool = True,
    measure: Measure = "information",
    utilities: Utilities | None = None,
    among: str | Iterable[str] | None = None,
    under_way: str | Iterable[str] = (),
    threshold: float = THRESHOLD,
) -> NextBest:
    """What to ask or test next: what each question, sign, test and procedure is expected to tell.

    Args:
        case: the findings.
        target: what to learn about; all ranked causes where None.
        limit: how many to list; None for all.
        cost: "minutes" ranks by value per minute, None by value alone.
        horizon: 2 adds the best question that can follow each of the best.
        by_urgency: without a target, information about a cause counts by the cause's urgency.
        measure: "information" in bits. "loss" is the loss that knowing is expected to spare: to act
            without need costs 1, to miss a cause 20, 5, 2 or 1 by its urgency.
        utilities: action -> state of the target -> utility; then the value is the expected gain of
            knowing the answer before acting.
        among: nodes that may be asked; all observable ones where None.
        under_way: procedures that have begun. Their further readings cost next to nothing, as do
            those of a procedure with a reading among the findings.
        threshold: value below which asking on is not worth it.

    Returns:
        Candidates, the best first, and whether to stop asking, with the reason. That is no
        reassurance: what was not asked was not considered.

    Raises:
        UnknownNameError: a node, a procedure or an option is not known.
        EvidenceError: the target is observed.
        SpinelinkError: an option is out of range, or nothing is left to learn about.

    Source:
        Howard 1966 (value of information); Jensen and Nielsen 2007, chapter 11.

    Example:
        >>> import spinelink as sl
        >>> case = sl.load("minimal").observe(leg_pain="below_knee")
        >>> len(case.next_best("lumbar_disc_herniation", limit=2))
        2
    """
    limit = whole_or_none(limit, "limit", meaning="how many to list")
    one_of("None" if cost is None else cost, "cost", ("minutes", "None"))
    horizon = whole(horizon, "horizon", least=1, most=2, meaning="how many steps to look ahead")
    by_urgency = flag(by_urgency, "by_urgency")
    one_of(measure, "measure", get_args(Measure))
    threshold = real(threshold, "threshold")
    model = case.model
    procedures = sorted({v.procedure for v in model.nodes.values() if v.procedure is not None})
    begun = text_list(under_way, "under_way", what="a procedure or a list of procedures")
    for procedure in begun:
        one_of(procedure, "procedure", procedures)
    targets = _targets(case, target)
    if utilities is not None:
        _check_utilities(case, target, measure=measure, utilities=utilities)
    observable = [n for n, v in model.nodes.items() if v.role in OBSERVABLE]
    nodes = [n for n in (observable if among is None else model.names(among)) if n not in targets]
    urgency = by_urgency and (target is None or measure == "loss")
    candidates = Candidates.of(
        case, targets, by_urgency=urgency, utilities=utilities, loss=measure == "loss"
    )
    groups, left_out = candidate_groups(case, nodes)
    listed = _listed(candidates, groups, begun=set(begun))

    def rank(c: Candidate) -> tuple[float, str]:
        return (-(c.per_minute if cost == "minutes" else c.value_with_lookahead), c.name)

    listed.sort(key=rank)
    if horizon == 2:
        listed = _two_steps(candidates, groups, listed=listed)
        listed.sort(key=rank)
    unit = "loss" if measure == "loss" else "bits" if utilities is None else "utility"
    about = target or "the causes"
    words = f"information about {about}" if measure == "information" else f"loss spared at {about}"
    if utilities is not None:
        words = "value of knowing before acting"
    if target is None and by_urgency:
        words += ", counted by urgency"
    single = model.nodes[targets[0]].label if len(targets) == 1 else None
    stop = _stop(listed, threshold, unit=unit, target=single)
    question = case.question(target=target, cost=cost, horizon=horizon)
    return NextBest(
        question, words, unit, tuple(listed[:limit]), stop, tuple(left_out), len(listed)
    )


def _targets(case: Case, target: str | None) -> list[str]:
    if target is not None:
        return [hidden_target(case, target)]
    targets = [n for n in case.model.network.ranked if not case.is_observed(n)]
    if not targets:
        raise SpinelinkError("there is no cause left to learn about; name a target")
    return targets


def _check_utilities(
    case: Case, target: str | None, *, measure: Measure, utilities: Utilities
) -> None:
    if measure == "loss":
        raise SpinelinkError("utilities say what is lost: leave measure out.")
    if target is None:
        raise SpinelinkError("utilities are of one target's states; name it")
    states = set(case.model.nodes[str(target)].states)
    rows = list(utilities.values()) if isinstance(utilities, Mapping) else []
    if not rows or not all(
        isinstance(u, Mapping) and set(u) == states and all(map(is_real, u.values())) for u in rows
    ):
        raise SpinelinkError(
            "utilities are a mapping action -> state -> number, with the states "
            f"{', '.join(sorted(states))}."
        )


def _listed(
    candidates: Candidates, groups: Mapping[str, tuple[str, ...]], *, begun: Collection[str]
) -> list[Candidate]:
    """Every candidate with its value and its cost."""
    case = candidates.case
    gains = candidates.gains(case.observed, candidates.now, groups)
    listed = []
    for (name, nodes), gain in zip(groups.items(), gains, strict=True):
        cost, started = cost_of(case, nodes, begun=begun)
        node = case.model.nodes[nodes[0]]
        single = len(nodes) == 1
        listed.append(
            Candidate(
                name=name,
                label=node.label if single else procedure_label(name),
                nodes=nodes,
                question=node.question if single else "",
                value=gain.value,
                after=float("nan"),
                per_minute=gain.value / max(cost.minutes, SHORTEST),
                minutes=cost.minutes,
                money=cost.money,
                invasiveness=cost.invasiveness,
                changes_lead=gain.changes_lead,
                changes_action=gain.changes_action,
                started=started,
            )
        )
    return listed


def _stop(listed: Sequence[Candidate], threshold: float, *, unit: str, target: str | None) -> str:
    """Why to stop asking; empty where there is reason to go on.

    That no question can change the leading cause is a reason only where none can lift a cause, an
    emergency say, over the probability from which one acts on it.
    """
    if not listed:
        return "nothing is left to ask."
    if max(c.value_with_lookahead for c in listed) < threshold:
        amount = f"{threshold:g} {'of ' if unit != 'bits' else ''}{unit}"
        return f"no remaining question is worth {amount}. What was not asked was not considered."
    if (
        unit == "bits"
        and max(max(c.changes_lead, c.changes_action) for c in listed) <= 0.0
        and not any(c.after > c.value for c in listed)
    ):
        what = (
            "the leading cause, or whether to act on any"
            if target is None
            else f"whether {target} is likelier than not, or whether to act on it"
        )
        return (
            f"no remaining question by itself can change {what}. What was not asked was not "
            "considered, and red flags are asked about all the same."
        )
    return ""


def _two_steps(
    candidates: Candidates, groups: Mapping[str, tuple[str, ...]], *, listed: Sequence[Candidate]
) -> list[Candidate]:
    """The best candidates with the best question after each of their outcomes; then the rest."""
    case = candidates.case
    minutes = {c.name: c.minutes for c in listed}
    ahead = []
    for c in listed[:AHEAD]:
        [gain] = candidates.gains(case.observed, candidates.now, {c.name: c.nodes})
        rest = [f.name for f in listed if not set(f.nodes) & set(c.nodes)][: 3 * AHEAD]
        after, spent = c.value, c.minutes
        for outcome, chance in zip(gain.outcomes, gain.chances.tolist(), strict=True):
            if chance <= LEAST_OUTCOME or not rest:
                continue
            then = {**case.observed, **outcome}
            now = with_events(case.model.compiled, then, [{}], nodes=candidates.targets)
            follow = candidates.gains(then, now, {n: groups[n] for n in rest})
            values = [g.value for g in follow]
            best = max(range(len(values)), key=values.__getitem__)
            after += chance * values[best]
            spent += chance * minutes[rest[best]]
        ahead.append(replace(c, after=after, per_minute=after / max(spent, SHORTEST)))
    return [*ahead, *listed[AHEAD:]]
