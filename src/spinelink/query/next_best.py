"""What to ask or test next: what each unasked question, sign and test is expected to tell, and what it costs.

Information is the mutual information of a finding and a cause given what is known (Lindley 1956), in bits; about all causes together it is the sum over them,
each weighed by its urgency where that is asked for. With utilities, or with the loss of missing a cause, it is the expected value of sample information
(Raiffa and Schlaifer 1961).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.answers import Marginals
from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.findings import Observed
from spinelink.inference.variants.likelihood_events import with_events
from spinelink.network.network import Network
from spinelink.network.node import Cost
from spinelink.network.question import Question
from spinelink.result import Result

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Array = NDArray[np.float64]
Utilities = Mapping[str, Mapping[str, float]]
"""Action -> state of the target -> utility."""

INITIALS = ("mri", "ct", "emg", "hla")
CLASSES = ("none", "low", "medium", "high")
MOST_OUTCOMES = 512  # of a procedure; a larger one is left out, and said so
SHORTEST = 0.1  # minutes: what is at hand is not free of effort
THRESHOLD = (
    0.01  # bits (or what else is measured) below which the next question is not worth asking
)
TIE = 1e-9  # posteriors that differ by less are equal
LEAST_CHANCE = 1e-13  # an outcome that is rarer is taken as impossible: differences of probabilities have no digits left there
AHEAD = 5  # first questions that a look two steps ahead follows
ASKED = 90  # characters of a question, in a notebook


@dataclass(frozen=True)
class Candidate:
    """One question, sign or test, or a procedure with all that it shows.

    value: what it is expected to tell. after: the same with the best question after it, where two steps were asked for. changes_lead: the chance that
    another cause leads afterwards. changes_action: the chance that a cause then passes, or no longer passes, the probability from which acting on it costs less
    than missing it, 1 / (1 + its weight). open: the procedure is under way, so it costs next to nothing more.
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
    open: bool

    @property
    def worth(self) -> float:
        """The value with what can follow, where that was looked at."""
        return self.value if np.isnan(self.after) else self.after


@dataclass(frozen=True, repr=False)
class NextBest(Result):
    """Candidates, the best first. stop: whether to stop asking, and why (empty where not). left_out: procedures with too many outcomes to weigh."""

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
        """Columns: name, label, value, after (two steps), per_minute, minutes, money, invasiveness, changes_lead, changes_action, question, nodes."""
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
        frame = self.to_frame()
        asked = [q or label for q, label in zip(frame["question"], frame["label"], strict=True)]
        frame["ask or look for"] = [
            text if len(text) <= ASKED else f"{text[: ASKED - 3].rstrip()}..." for text in asked
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
        stop = f"\nStop: {self.stop}" if self.stop else ""
        return f"{self.question}\n{self.measure} ({self.unit}), of {self.asked} questions and procedures{stop}"

    def plot(self, ax: Axes | None = None, *, limit: int = 12) -> Axes:
        """What each candidate tells against the minutes it takes."""
        from spinelink.view.plot.ranking import plot_next_best

        return plot_next_best(self, ax=ax, limit=limit)


def next_best(
    network: Network,
    question: Question,
    compiled: CompiledNetwork,
    observed: Observed,
    prior: Marginals,
    targets: Sequence[str],
    *,
    weights: Mapping[str, float],
    utilities: Utilities | None,
    among: Sequence[str],
    cost: str | None,
    limit: int | None,
    horizon: int,
    threshold: float,
    measure: str,
    loss: bool = False,
    under_way: Collection[str] = (),
) -> NextBest:
    """See `Case.next_best`. prior: posteriors now. among: nodes that may be asked. loss: in place of information. under_way: procedures that are begun."""
    groups, left_out = _groups(network, compiled, observed, among)
    index = [compiled.index[t] for t in targets]
    acting = [network.urgency_weights.of(network.nodes[t]) for t in targets]
    ask = Asker(compiled, index, [weights[t] for t in targets], acting, utilities, loss)
    found = []
    for (name, nodes), told in zip(groups.items(), ask.each(observed, prior, groups), strict=True):
        spent, is_open = _cost(network, compiled, observed, nodes, under_way)
        label = network.nodes[nodes[0]].label if len(nodes) == 1 else _procedure_label(name)
        words = network.nodes[nodes[0]].question if len(nodes) == 1 else ""
        found.append(
            Candidate(
                name, label, nodes, words, told.value, float("nan"), told.value / max(spent.minutes, SHORTEST), spent.minutes, spent.money,
                spent.invasiveness, told.changes_lead, told.changes_action, is_open,
            )
        )  # fmt: skip

    def key(c: Candidate) -> tuple[float, str]:
        return (-(c.per_minute if cost == "minutes" else c.worth), c.name)

    found.sort(key=key)
    if horizon == 2:
        found = _two_steps(ask, observed, prior, groups, found)
        found.sort(key=key)
    unit = "loss" if loss else "bits" if utilities is None else "utility"
    single = len(targets) == 1
    stop = _stop(found, threshold, unit, network.nodes[targets[0]].label if single else None)
    return NextBest(
        question, measure, unit, tuple(found[:limit]), stop, tuple(left_out), len(found)
    )


def _stop(found: Sequence[Candidate], threshold: float, unit: str, target: str | None) -> str:
    """Why to stop asking; empty where there is reason to go on.

    That no question can change the leading cause is a reason only where none can lift a cause, an emergency say, over the probability from which one acts on it.
    """
    if not found:
        return "nothing is left to ask."
    if max(c.worth for c in found) < threshold:
        return f"no remaining question is worth {threshold:g} {'of ' if unit != 'bits' else ''}{unit}. What was not asked was not considered."
    if (
        unit == "bits"
        and max(max(c.changes_lead, c.changes_action) for c in found) <= 0.0
        and not any(c.after > c.value for c in found)
    ):
        what = (
            "the leading cause, or whether to act on any"
            if target is None
            else f"whether {target} is likelier than not, or whether to act on it"
        )
        return f"no remaining question by itself can change {what}. What was not asked was not considered, and red flags are asked about all the same."
    return ""


def _procedure_label(name: str) -> str:
    words = [w.upper() if w in INITIALS else w for w in name.replace("_", " ").split(" ")]
    return " ".join([words[0][:1].upper() + words[0][1:], *words[1:]])


def _groups(
    network: Network, compiled: CompiledNetwork, observed: Observed, among: Sequence[str]
) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """Each node that may be asked, and each procedure that shows several of them."""
    hidden = [n for n in among if not isinstance(observed.get(compiled.index[n]), int)]
    found: dict[str, tuple[str, ...]] = {n: (n,) for n in hidden}
    procedures: dict[str, list[str]] = {}
    for n in hidden:
        if (name := network.nodes[n].procedure) is not None:
            procedures.setdefault(name, []).append(n)
    left_out = []
    for name, nodes in procedures.items():
        if len(nodes) < 2:
            continue
        if float(np.prod([len(network.nodes[n].states) for n in nodes])) > MOST_OUTCOMES:
            left_out.append(name)
        else:
            found[name if name not in found else f"{name} (whole)"] = tuple(nodes)
    return found, left_out


def _cost(
    network: Network,
    compiled: CompiledNetwork,
    observed: Observed,
    nodes: Sequence[str],
    under_way: Collection[str],
) -> tuple[Cost, bool]:
    """What observing these nodes costs: of one procedure the dearest of its parts, once; next to nothing where it is under way: begun, or a part is seen."""
    parts = [network.nodes[n].cost or Cost() for n in nodes]
    procedures = {network.nodes[n].procedure for n in nodes} - {None}
    open_ = bool(procedures & set(under_way)) or any(
        node.procedure in procedures and compiled.index[n] in observed
        for n, node in network.nodes.items()
    )
    if open_:
        return Cost(minutes=SHORTEST), True
    whole = Cost(
        minutes=max(p.minutes for p in parts),
        money=max((p.money for p in parts), key=CLASSES.index),
        invasiveness=max((p.invasiveness for p in parts), key=CLASSES.index),
    )
    return whole, False


@dataclass(frozen=True)
class Told:
    """What a candidate tells: its value, the chances that the lead and that an action changes; its outcomes, node -> state, and their probabilities."""

    value: float
    changes_lead: float
    changes_action: float
    outcomes: Sequence[Mapping[int, int]]
    chances: Array


@dataclass(frozen=True, eq=False)
class Asker:
    """What each candidate (name -> nodes) tells about the targets. weights: of which each counts; acting: what missing each costs, acting without need being 1."""

    compiled: CompiledNetwork
    targets: Sequence[int]
    weights: Sequence[float]
    acting: Sequence[float]
    utilities: Utilities | None
    loss: bool = False

    def each(
        self, observed: Observed, prior: Marginals, groups: Mapping[str, tuple[str, ...]]
    ) -> list[Told]:
        """What each candidate tells; all outcomes of all of them in one run."""
        told = []
        before = np.concatenate([prior.posterior[t][:, :1] for t in self.targets])
        for nodes, (p, after) in zip(
            groups.values(), self._after(observed, prior, list(groups.values())), strict=True
        ):
            p = p / p.sum() if p.sum() > 0.0 else p
            there = p > 0.0
            lead = float(p[self._other_leads(before, after) & there].sum())
            action = float(p[(self._acts(after) != self._acts(before)).any(axis=0) & there].sum())
            told.append(Told(self._value(before, after, p), lead, action, self._outcomes(nodes), p))
        return told

    @cached_property
    def _starts(self) -> NDArray[np.intp]:
        """Where each target's states begin among the states of all targets."""
        return np.cumsum([0, *(self.compiled.cards[t] for t in self.targets)])[:-1]

    def _outcomes(self, nodes: Sequence[str]) -> list[dict[int, int]]:
        """All states of the nodes together."""
        index = [self.compiled.index[n] for n in nodes]
        return [
            dict(zip(index, states, strict=True))
            for states in product(*(range(self.compiled.cards[i]) for i in index))
        ]

    def _after(
        self, observed: Observed, prior: Marginals, groups: Sequence[Sequence[str]]
    ) -> list[tuple[Array, Array]]:
        """For each candidate the probabilities of its outcomes, (outcomes,), and posteriors after each, (states of all targets, outcomes); all in one run.

        Of each node every level but the highest is run (that it is at most there, see `inference.events`), beside the node left unseen; a state is the difference
        of two levels. As a difference an outcome of probability p has about 16 + log10(p) digits. What cannot be is 0 throughout.
        """
        asked: dict[frozenset[tuple[int, int]], int] = {}
        wanted: list[
            list[int]
        ] = []  # by candidate: the runs of all its combinations, -1 for none of its nodes seen
        for nodes in groups:
            index = [self.compiled.index[n] for n in nodes]
            combinations = product(
                *([*((i, s) for s in range(self.compiled.cards[i] - 1)), None] for i in index)
            )
            keys = [frozenset(pair for pair in each if pair is not None) for each in combinations]
            wanted.append([asked.setdefault(key, len(asked)) if key else -1 for key in keys])
        answer = with_events(
            self.compiled, observed, [dict(key) for key in asked], nodes=self.targets
        )
        with np.errstate(invalid="ignore"):
            p = np.append(
                np.nan_to_num(np.exp(answer.log_evidence - float(np.ravel(prior.log_evidence)[0]))),
                1.0,
            )
        joint = np.concatenate(
            [
                np.append(
                    np.nan_to_num(answer.posterior[t]) * p[:-1], prior.posterior[t][:, :1], axis=1
                )
                for t in self.targets
            ]
        )
        found = []
        for nodes, runs in zip(groups, wanted, strict=True):
            cards = [self.compiled.cards[self.compiled.index[n]] for n in nodes]
            chance = _differences(p[runs].reshape(cards), 0).ravel()
            chance = np.where(chance > LEAST_CHANCE, chance, 0.0)
            together = np.clip(
                _differences(joint[:, runs].reshape(-1, *cards), 1), 0.0, None
            ).reshape(len(joint), -1)
            found.append(
                (
                    chance,
                    np.divide(together, chance, out=np.zeros_like(together), where=chance > 0.0),
                )
            )
        return found

    def _present(self, of: Array) -> Array:
        """Of several targets, that each is there, (targets, outcomes); of one, each of its states."""
        return (
            of
            if len(self.targets) == 1
            else np.asarray(np.add.reduceat(of, self._starts) - of[self._starts])
        )

    def _other_leads(self, before: Array, after: Array) -> NDArray[np.bool_]:
        """Whether under each outcome another target is likelier than the one that leads now; of a single target, another state. Equals do not count."""
        now = self._present(before)[:, 0]
        ahead = self._present(after)
        leaders = np.flatnonzero(now >= now.max() - TIE)
        return np.asarray(ahead.max(axis=0) > ahead[leaders].max(axis=0) + TIE)

    def _acts(self, of: Array) -> NDArray[np.bool_]:
        """Whether each target is likely enough to act on it: missing it is expected to cost more, (targets, outcomes)."""
        absent = of[self._starts]
        return np.asarray(np.array(self.acting)[:, np.newaxis] * (1.0 - absent) > absent + TIE)

    def _value(self, before: Array, after: Array, p: Array) -> float:
        if self.loss:
            return self._spared(before, after, p)
        return (
            self._information(before, after, p)
            if self.utilities is None
            else self._worth(before, after, p)
        )

    def _spared(self, before: Array, after: Array, p: Array) -> float:
        """How much less is expected to be lost: of each target one acts or does not, to act without need costs 1, not to act where it is there its weight."""
        weights = np.array(self.weights)[:, np.newaxis]

        def lost(absent: Array) -> Array:
            return np.asarray(np.minimum(absent, weights * (1.0 - absent)).sum(axis=0))

        return max(float(lost(before[self._starts])[0] - p @ lost(after[self._starts])), 0.0)

    def _information(self, before: Array, after: Array, p: Array) -> float:
        weights = np.repeat(self.weights, [self.compiled.cards[t] for t in self.targets])
        there = after > 0.0
        logs = np.log2(np.where(there, after, 1.0)) - np.log2(np.where(there, before, 1.0))
        return max(float(weights @ (after * logs) @ p), 0.0)

    def _worth(self, before: Array, after: Array, p: Array) -> float:
        """How much better the best action is expected to be once the outcome is known."""
        assert self.utilities is not None
        t = self.targets[0]
        table = np.array(
            [[each[s] for s in self.compiled.states[t]] for each in self.utilities.values()]
        )  # (actions, states)
        return float(p @ (table @ after).max(axis=0)) - float((table @ before).max())


def _two_steps(
    ask: Asker,
    observed: Observed,
    prior: Marginals,
    groups: Mapping[str, tuple[str, ...]],
    found: Sequence[Candidate],
) -> list[Candidate]:
    """The best candidates with the best that can follow each of their outcomes, and what both together tell per minute; then the rest."""
    minutes = {c.name: c.minutes for c in found}
    done = []
    for c in found[:AHEAD]:
        [told] = ask.each(observed, prior, {c.name: c.nodes})
        rest = {f.name: groups[f.name] for f in found if not set(f.nodes) & set(c.nodes)}
        rest = {name: rest[name] for name in list(rest)[: 3 * AHEAD]}
        after, spent = c.value, c.minutes
        for outcome, share in zip(told.outcomes, told.chances, strict=True):
            if share <= 1e-9 or not rest:
                continue
            there = {**observed, **outcome}
            values = [
                t.value
                for t in ask.each(
                    there, with_events(ask.compiled, there, [{}], nodes=ask.targets), rest
                )
            ]
            best = max(range(len(values)), key=values.__getitem__)
            after += float(share) * values[best]
            spent += float(share) * minutes[list(rest)[best]]
        done.append(replace(c, after=after, per_minute=after / max(spent, SHORTEST)))
    return [*done, *found[AHEAD:]]


def _differences(values: Array, first: int) -> Array:
    """Of each axis, from the first-th on, each place less the one before: levels become states."""
    for axis in range(first, values.ndim):
        values = np.diff(values, axis=axis, prepend=0.0)
    return values


def weights_of(network: Network, targets: Sequence[str], by_urgency: bool) -> dict[str, float]:
    """What information about each target counts."""
    return {t: network.urgency_weights.of(network.nodes[t]) if by_urgency else 1.0 for t in targets}
