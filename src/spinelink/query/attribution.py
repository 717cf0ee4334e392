"""Because of what a finding is there: probabilities of necessity in twin networks (Pearl 1999).

They explain findings; they do not rank diseases. Which disease a person has is a question for the
posterior.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spinelink.case import Case
from spinelink.errors import EvidenceError, SpinelinkError
from spinelink.inference.counterfactual.factual import any_present, posteriors_present
from spinelink.inference.counterfactual.necessity import necessity
from spinelink.progress import bar
from spinelink.query.counterfactual import Counterfactual, Sampling, bounds_note, selection_note
from spinelink.result import Result

if TYPE_CHECKING:
    import pandas as pd

TINY = 1e-4
"""Couplings that move a probability by less do not matter."""


@dataclass(frozen=True)
class Necessity:
    """The probability of necessity of one cause, or of a group of causes.

    It is the probability that the effect would be absent if they had been absent, with everything
    else as it was. low, high: bounds over all couplings compatible with the CPTs (equal to
    `probability` if identified), or a credible interval that holds them. For which networks they are
    sharp is said at `inference.counterfactual.necessity`.
    """

    cause: str
    nodes: tuple[str, ...]
    posterior: float
    probability: float
    low: float
    high: float
    identified: bool


@dataclass(frozen=True, repr=False)
class Attribution(Result):
    """What an effect is present because of, the likeliest first.

    Several causes may each be necessary, or none: the probabilities need not sum to 1.
    """

    effect: str
    rows: tuple[Necessity, ...]
    level: float | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, cause: str) -> Necessity:
        for row in self.rows:
            if row.cause == cause:
                return row
        raise KeyError(cause)

    def to_frame(self) -> pd.DataFrame:
        """Columns: cause, posterior, probability (of necessity), low, high, identified.

        posterior: that at least one node of the group is present.
        """
        import pandas as pd

        rows = [
            (r.cause, r.posterior, r.probability, r.low, r.high, r.identified) for r in self.rows
        ]
        return pd.DataFrame(
            rows, columns=["cause", "posterior", "probability", "low", "high", "identified"]
        )

    def title(self) -> str:
        """What stands above the table."""
        identified = all(r.identified for r in self.rows)
        ends = (
            f"; low, high: {bounds_note(self.level, identified=identified)}"
            if self.level or not identified
            else ""
        )
        return f"{self.question}\n{self.effect} would be absent, had this been absent and everything else as it was{ends}{selection_note(self.question)}"


def attribute(
    case: Case,
    effect: str,
    cause: str | Iterable[str] | None = None,
    *,
    setting: str | None = None,
    interval: float | None = None,
    draws: int = 128,
    seed: int = 0,
    progress: bool | None = None,
) -> Attribution:
    """Because of what a finding is there: would it be gone without a cause, all else as it was?

    Args:
        case: the findings. This explains one; which disease is likely is what the posterior says.
        effect: a node; it is taken as present where it was not assessed.
        cause: a node, several that are taken away together, or an origin ("back", "hip", ...).
            Where None, every origin and every ranked cause that can reach the effect.
        setting: the population of the question; the unselected one of the network where None.
        interval: the level of credible intervals, as 0.95; none where None.
        draws: sampled parameters behind the intervals.
        seed: of these samples.
        progress: show a progress bar; None: in a terminal only.

    Returns:
        The probability of necessity of each cause, with bounds where the network does not
        determine it.

    Raises:
        EvidenceError: the effect was found absent, or cannot be present.
        UnknownNameError: a node or the setting is not known.
        SpinelinkError: an option is out of range.
        ImpossibleEvidenceError: the findings cannot occur together.

    Source:
        Pearl 1999, Probabilities of causation; Balke and Pearl 1994 (twin networks); Tian and Pearl
        2000 (bounds).

    Example:
        >>> import spinelink as sl
        >>> case = sl.load("minimal").observe(leg_pain="below_knee", numbness=True)
        >>> answer = case.attribute("leg_pain", "lumbar_disc_herniation")
        >>> 0.0 < answer.rows[0].probability < 1.0
        True
    """
    (name,) = case.model.names([effect])
    if case.findings.get(name) == case.model.nodes[name].states[0]:
        raise EvidenceError(f"{name} was found {case.findings[name]}: there is nothing to explain.")
    _ = case.log_evidence  # raises where the findings cannot occur
    groups = _groups(case, name, cause)
    sampling = Sampling.checked(interval, draws, seed)
    asked = Counterfactual.of(case, [name], setting=setting, sampling=sampling)
    index = asked.compiled.index
    nodes = {group: [index[n] for n in names] for group, names in groups.items()}
    posterior = _posteriors(asked, nodes)
    rows = []
    with bar("attribution", len(groups), progress) as on_progress:
        for done, (group, names) in enumerate(groups.items(), 1):
            p, low, high, identified = _necessity(asked, nodes[group])
            rows.append(Necessity(group, tuple(names), posterior[group], p, low, high, identified))
            on_progress(done)
    rows.sort(key=lambda r: (-r.probability, -r.posterior, r.cause))
    question = asked.question(case, effect=name, interval=interval)
    return Attribution(question, name, tuple(rows), sampling.level)


def _groups(case: Case, effect: str, cause: str | Iterable[str] | None) -> dict[str, list[str]]:
    """Groups of causes to take away, by name."""
    model = case.model
    origins: dict[str, list[str]] = {}
    for n, node in model.nodes.items():
        if node.role in ("cause", "mechanism") and node.origin is not None and n != effect:
            origins.setdefault(node.origin, []).append(n)
    if isinstance(cause, str) and cause in origins and cause not in model.nodes:
        return {cause: origins[cause]}
    if cause is not None:
        names = model.names(cause)
        if effect in names or not names:
            raise SpinelinkError(f"name one or more causes of {effect}, other than itself.")
        return {", ".join(names): names}
    compiled = model.compiled
    above = {compiled.names[i] for i in compiled.ancestors([compiled.index[effect]])} - {effect}
    groups = {o: [n for n in names if n in above] for o, names in origins.items()}
    return {o: names for o, names in groups.items() if names} | {
        n: [n] for n in model.network.ranked if n in above
    }


def _necessity(asked: Counterfactual, causes: Sequence[int]) -> tuple[float, float, float, bool]:
    """The probability of necessity, its ends, and whether the network determines it."""
    (effect,) = asked.effects
    p, lowest, highest, identified = necessity(asked.factual, effect, causes=causes)
    low, high = float(lowest[0]), float(highest[0])
    if asked.sampled is not None:
        bounds = necessity(asked.sampled, effect, causes=causes, bounded=high - low > TINY)
        low, high = asked.sampling.interval(bounds.low, bounds.high)
    return float(p[0]), low, high, identified


def _posteriors(asked: Counterfactual, groups: Mapping[str, Sequence[int]]) -> dict[str, float]:
    """P(at least one node of a group is present | findings, effect present)."""
    single = {
        name: nodes[0]
        for name, nodes in groups.items()
        if len(nodes) == 1 and not isinstance(asked.factual.observed.get(nodes[0]), int)
    }
    present = posteriors_present(
        asked.compiled, asked.factual.observed, nodes=list(single.values())
    )
    posterior = dict(zip(single, present, strict=True))
    for name, nodes in groups.items():
        if name not in posterior:
            p = any_present(asked.factual, nodes)
            posterior[name] = float(p[0])
    return posterior
