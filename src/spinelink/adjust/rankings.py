"""What a change of the network does to the ranking of cases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from spinelink.case import Model
from spinelink.errors import SpinelinkError


@dataclass(frozen=True)
class RankingChange:
    """One case: its causes with their posteriors before and after, the most probable first."""

    case: str
    setting: str | None
    before: tuple[tuple[str, float], ...]
    after: tuple[tuple[str, float], ...]

    @property
    def reordered(self) -> bool:
        """True if the first three differ, or stand in another order."""
        return [n for n, _ in self.before[:3]] != [n for n, _ in self.after[:3]]

    @property
    def largest(self) -> tuple[str, float]:
        """The cause whose posterior moves most, and by how much."""
        after = dict(self.after)
        moves = {n: after[n] - p for n, p in self.before if n in after}
        name = max(moves, key=lambda n: (abs(moves[n]), n), default="")
        return name, moves.get(name, 0.0)


@dataclass(frozen=True, eq=False)
class NamedCase:
    """Findings of one person, as `Case.observe` takes them; setting None: the model's own."""

    name: str
    setting: str | None
    findings: Mapping[str, object]


def compare_rankings(
    before: Model, after: Model, *, cases: Iterable[NamedCase]
) -> tuple[tuple[RankingChange, ...], tuple[str, ...]]:
    """Each case's ranking under both models.

    Returns:
        The rankings, and lines that name the cases which one of the models cannot express.
    """
    changes, left_out = [], []
    for case in cases:
        try:
            first, second = (_ranking(model, case) for model in (before, after))
            changes.append(RankingChange(case.name, case.setting, first, second))
        except SpinelinkError as problem:
            left_out.append(f"case {case.name}: {problem}")
    return tuple(changes), tuple(left_out)


def _ranking(model: Model, named: NamedCase) -> tuple[tuple[str, float], ...]:
    in_setting = model if named.setting is None else model.in_setting(named.setting)
    present = in_setting.observe(named.findings).present(model.network.ranked)
    return tuple(sorted(present.items(), key=lambda pair: (-pair[1], pair[0])))
