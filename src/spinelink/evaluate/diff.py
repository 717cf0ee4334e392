"""What differs between two networks, and what that does to the answers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from spinelink.adjust.rankings import RankingChange, compare_rankings
from spinelink.case import Model
from spinelink.claims.file import claim_problems, claims_for
from spinelink.errors import SpinelinkError
from spinelink.evaluate.audit import audit_claims
from spinelink.evaluate.compare import (
    ClaimChange,
    ParameterDifference,
    ProbabilityChange,
    Structure,
    compare_claims,
    compare_marginals,
    compare_parameters,
    compare_structure,
)
from spinelink.evaluate.named_cases import named_cases
from spinelink.io.companion_file import companion_file
from spinelink.network.claim import Claim
from spinelink.network.question import Question
from spinelink.options import flag
from spinelink.result import Result
from spinelink.typing import Findings, PathLike
from spinelink.view.html import text_in_notebook

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 15
"""Lines of a section of the text."""


@dataclass(frozen=True, repr=False)
class Difference(Result):
    """Two networks, before (`question`) and after (`other`).

    Attributes:
        other: the network after.
        structure: nodes, edges, alert rules, settings and sources that differ.
        parameters: those that differ, the farthest moved first.
        marginals: that move; empty where effects were not asked for, as are cases and claims.
        cases: every case's ranking before and after.
        claims: what both networks imply for published figures.
        left_out: cases and claims that one network cannot express, with the reason.
    """

    other: Question
    structure: Structure
    parameters: tuple[ParameterDifference, ...]
    marginals: tuple[ProbabilityChange, ...] = ()
    cases: tuple[RankingChange, ...] = ()
    claims: tuple[ClaimChange, ...] = ()
    left_out: tuple[str, ...] = field(default=())

    @property
    def same(self) -> bool:
        """True if neither structure nor parameters differ, nor what is said about them."""
        return not self.structure.lines() and not self.parameters

    def to_frame(self) -> pd.DataFrame:
        """The parameters that differ, the farthest moved first.

        Columns: setting, parameter, state, before, after, moved (log odds), standard_deviations,
        about (what else is said of it differently).
        """
        import pandas as pd

        rows = [
            (n.setting, n.id, n.state, n.before, n.after, n.moved, n.deviations, ", ".join(n.about))
            for n in self.parameters
        ]
        return pd.DataFrame(
            rows,
            columns=[
                "setting",
                "parameter",
                "state",
                "before",
                "after",
                "moved",
                "standard_deviations",
                "about",
            ],
        )

    def marginals_frame(self) -> pd.DataFrame:
        """Marginals that moved, the largest change first: node, state, before, after, change."""
        import pandas as pd

        rows = [(m.node, m.state, m.before, m.after, m.after - m.before) for m in self.marginals]
        return pd.DataFrame(rows, columns=["node", "state", "before", "after", "change"])

    def cases_frame(self) -> pd.DataFrame:
        """One row a case.

        Columns: case, setting, first_before, first_after, reordered (the first three), moved_most
        (the cause), by.
        """
        import pandas as pd

        rows = [
            (c.case, c.setting, c.before[0][0], c.after[0][0], c.reordered, *c.largest)
            for c in self.cases
        ]
        columns = [
            "case",
            "setting",
            "first_before",
            "first_after",
            "reordered",
            "moved_most",
            "by",
        ]
        return pd.DataFrame(rows, columns=columns)

    def claims_frame(self) -> pd.DataFrame:
        """One row a published figure.

        Columns: claim, low, high, before, after, inside_before, inside_after.
        """
        import pandas as pd

        rows = [
            (c.claim, c.low, c.high, c.before, c.after, c.inside_before, c.inside_after)
            for c in self.claims
        ]
        return pd.DataFrame(
            rows,
            columns=["claim", "low", "high", "before", "after", "inside_before", "inside_after"],
        )

    def to_dict(self) -> dict[str, object]:
        """Everything, as plain values."""

        def records(frame: pd.DataFrame) -> Any:
            return json.loads(frame.to_json(orient="records", double_precision=15))

        return {
            **self.head(),
            "before": _name(self.question),
            "after": _name(self.other),
            "same": self.same,
            "structure": {
                k: list(getattr(self.structure, k))
                for k in ("nodes", "edges", "alerts", "settings", "sources")
            },
            "parameters": records(self.to_frame()),
            "marginals": records(self.marginals_frame()),
            "cases": [
                {
                    "case": c.case,
                    "setting": c.setting,
                    "before": dict(c.before),
                    "after": dict(c.after),
                }
                for c in self.cases
            ],
            "claims": records(self.claims_frame()),
            "left_out": list(self.left_out),
        }

    def title(self) -> str:
        """What stands above the table."""
        return f"{_name(self.question)} -> {_name(self.other)}"

    def __str__(self) -> str:
        if self.same:
            return f"{self.title()}\nNothing differs."
        parts = [
            self.title(),
            _section("Structure and sources", self.structure.lines()),
            _section("Parameters, the farthest moved first", self.parameters),
            _section("Marginals", self.marginals),
            *self._case_parts(),
            *self._claim_parts(),
            _section("Left out", self.left_out),
        ]
        return "\n".join(part for part in parts if part)

    def _case_parts(self) -> list[str]:
        reordered = [_case_line(c) for c in self.cases if c.reordered]
        if reordered or not self.cases:
            return [_section("Cases whose first three causes change", reordered)]
        name, by = max((c.largest for c in self.cases), key=lambda move: abs(move[1]))
        stay = f"Cases: the first three causes of all {len(self.cases)} stay"
        return [f"{stay}; the largest move is P({name}) by {by:+.3g}"]

    def _claim_parts(self) -> list[str]:
        if not self.claims:
            return []
        before = sum(c.inside_before for c in self.claims)
        after = sum(c.inside_after for c in self.claims)
        crossing = [c for c in self.claims if c.crosses]
        return [
            f"Published figures inside their interval: {before} -> {after} of {len(self.claims)}",
            _section("Figures that the change brings in or out", crossing),
        ]

    def _repr_html_(self) -> str:
        return text_in_notebook(str(self))


def _name(question: Question) -> str:
    return f"{question.network} {question.version} ({question.fingerprint})"


def _section(title: str, items: Sequence[object]) -> str:
    """A title over lines; empty where there are none."""
    if not items:
        return ""
    more = f"\n  ... and {len(items) - SHOWN} more" if len(items) > SHOWN else ""
    return f"{title} ({len(items)})\n  " + "\n  ".join(map(str, items[:SHOWN])) + more


def _case_line(c: RankingChange) -> str:
    before, after = (
        ", ".join(f"{n} {p:.3g}" for n, p in ranking[:3]) for ranking in (c.before, c.after)
    )
    return f"{c.case}: {before} -> {after}"


def diff(
    before: Model,
    after: Model,
    *,
    cases: PathLike | Mapping[str, Findings] | Iterable[Findings] | None = None,
    claims: PathLike | None = None,
    effects: bool = True,
) -> Difference:
    """What differs from one model to another, and what that does to the answers.

    Args:
        before: one model.
        after: the other.
        cases: findings (by name, or in a row), or a file of cases; the one beside the first model's
            network file where None.
        claims: a file of claims; likewise.
        effects: also compare marginals, rankings of cases, and claims. False compares files only.

    Returns:
        Structure, parameters and sources that differ, and their effects. What one of the networks
        cannot express is listed in `left_out`.

    Raises:
        SpinelinkError: `after` is no model.
        NetworkFileError: a file is bad.

    Example:
        >>> import spinelink as sl
        >>> model = sl.load("minimal")
        >>> model.diff(model.with_parameters({"scoliosis.prior": 0.2})).same
        False
    """
    if not isinstance(after, Model):
        kind = type(after).__name__
        raise SpinelinkError(
            f"diff compares with another Model, not a {kind}; load it first: sl.load(path)."
        )
    effects = flag(effects, "effects")
    questions = before.question(effects=effects), after.question(effects=effects)
    structure = compare_structure(before.network, after.network)
    changed = compare_parameters(before.network, after.network)
    difference = Difference(*questions, structure, changed)
    if not effects:
        return difference
    compared = named_cases(before, cases)
    known: Mapping[str, Claim] = {}
    if claims is not None or companion_file(before.origin, "claims"):
        known = claims_for(before, claims).claims
    if difference.same:
        return difference
    rankings, left_out = compare_rankings(before, after, cases=compared)
    expressible = {n: c for n, c in known.items() if _is_expressible(c, (before, after))}
    left_out += tuple(
        f"claim {name}: about nodes or states that one of the networks has not"
        for name in known
        if name not in expressible
    )
    return replace(
        difference,
        marginals=_compare_marginals(before, after),
        cases=rankings,
        claims=compare_claims(*(audit_claims(m, expressible) for m in (before, after)))
        if known
        else (),
        left_out=left_out,
    )


def _is_expressible(claim: Claim, models: Iterable[Model]) -> bool:
    """True if both networks have the nodes and states that a claim is about."""
    return not any(
        part != "source"
        for model in models
        for part, _ in claim_problems(claim, model.network, sources=claim.source)
    )


def _compare_marginals(before: Model, after: Model) -> tuple[ProbabilityChange, ...]:
    """Marginals of the nodes that both models have with the same states."""
    common = {
        name: node.states
        for name, node in before.nodes.items()
        if node.role != "selection"
        and name in after.nodes
        and after.nodes[name].states == node.states
    }
    old, new = (_marginals(model, common) for model in (before, after))
    return compare_marginals(common, before=old, after=new)


def _marginals(model: Model, nodes: Iterable[str]) -> dict[str, list[float]]:
    names, index = list(nodes), model.compiled.index
    answer = model.without_findings.marginals(names)
    return {n: answer.posterior[index[n]][:, 0].tolist() for n in names}
