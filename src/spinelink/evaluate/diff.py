"""What differs between two networks, and what that does to the answers: structure, numbers, sources; marginals, rankings of cases, the audit."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from spinelink.adjust.rankings import NamedCase, RankingChange, compare_rankings
from spinelink.case import Case, Model
from spinelink.claims.file import claim_problems, claims_for
from spinelink.errors import SpinelinkError
from spinelink.evaluate.audit import Audit, audit_claims
from spinelink.evaluate.cases import read_case, read_cases, read_vocabulary
from spinelink.io.companion_file import companion_file
from spinelink.network.claim import Claim
from spinelink.network.network import Network
from spinelink.network.parameter import Distribution, Parameter, Ratio
from spinelink.network.parameter_ids import parameters
from spinelink.network.uncertainty import log_deviation, spread_weight
from spinelink.typing import Findings, PathLike
from spinelink.view.html import text_in_notebook

if TYPE_CHECKING:
    import pandas as pd

ABOUT = (
    "interval",
    "counts",
    "beta",
    "equivalent_sample_size",
    "level",
    "grade",
    "source",
    "evidence",
    "note",
    "before_fit",
)
LEAST = 1e-6  # a marginal that moves less is not listed
SHOWN = 15


@dataclass(frozen=True)
class NumberChange:
    """One number that differs, or one state of a distribution. setting: whose override it is, None for the node's own number.

    before, after: nan where the number is new, or gone. moved: change in log odds (of an odds ratio: in its logarithm). deviations: the same in standard
    deviations of the uncertainty that it had before. about: what else is said of it differently: interval, counts, grade, source, note, ...
    """

    setting: str | None
    id: str
    state: str | None
    before: float
    after: float
    moved: float
    deviations: float
    about: tuple[str, ...]

    def __str__(self) -> str:
        name = self.id if self.state is None else f"{self.id}[{self.state}]"
        where = f" ({self.setting})" if self.setting else ""
        if math.isnan(self.before):
            return f"{name}{where}: new, {self.after:.4g}"
        if math.isnan(self.after):
            return f"{name}{where}: gone, was {self.before:.4g}"
        also = f"; {', '.join(self.about)} changed" if self.about else ""
        if self.before == self.after:
            return f"{name}{where}: {self.before:.4g}, as before{also}"
        return f"{name}{where}: {self.before:.4g} -> {self.after:.4g} ({self.deviations:+.1f} standard deviations){also}"


@dataclass(frozen=True)
class ProbabilityChange:
    """A marginal, without findings."""

    node: str
    state: str
    before: float
    after: float


@dataclass(frozen=True)
class ClaimChange:
    """One published figure: what each network implies for it."""

    claim: str
    low: float
    high: float
    before: float
    after: float
    inside_before: bool
    inside_after: bool


@dataclass(frozen=True)
class Structure:
    """Lines of words, one a difference; empty where there is none."""

    nodes: tuple[str, ...] = ()
    edges: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    def lines(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.nodes, *self.edges, *self.alerts, *self.settings, *self.sources)


@dataclass(frozen=True, repr=False)
class Difference:
    """Two networks, before and after. Marginals, cases and claims are empty where they were not asked for."""

    before: str
    after: str
    structure: Structure
    numbers: tuple[NumberChange, ...]
    marginals: tuple[ProbabilityChange, ...] = ()
    cases: tuple[RankingChange, ...] = ()
    claims: tuple[ClaimChange, ...] = ()
    left_out: tuple[str, ...] = field(
        default=()
    )  # cases and claims that one of the networks cannot express, with the reason

    @property
    def same(self) -> bool:
        """Whether nothing differs: neither structure nor numbers nor what is said about them."""
        return not self.structure.lines() and not self.numbers

    def to_frame(self) -> pd.DataFrame:
        """The numbers that differ, the farthest moved first: setting, parameter, state, before, after, moved, standard_deviations, about."""
        import pandas as pd

        rows = [
            (n.setting, n.id, n.state, n.before, n.after, n.moved, n.deviations, ", ".join(n.about))
            for n in self.numbers
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
        """One row a case: case, setting, first_before, first_after, reordered (the first three), moved_most, by."""
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
        """One row a published figure: claim, low, high, before, after, inside_before, inside_after."""
        import pandas as pd

        rows = [
            (c.claim, c.low, c.high, c.before, c.after, c.inside_before, c.inside_after)
            for c in self.claims
        ]
        return pd.DataFrame(
            rows,
            columns=["claim", "low", "high", "before", "after", "inside_before", "inside_after"],
        )

    def to_json(self) -> dict[str, Any]:
        """Everything, as plain values."""

        def records(frame: pd.DataFrame) -> Any:
            return json.loads(frame.to_json(orient="records", double_precision=15))

        return {
            "before": self.before,
            "after": self.after,
            "same": self.same,
            "structure": {
                k: list(getattr(self.structure, k))
                for k in ("nodes", "edges", "alerts", "settings", "sources")
            },
            "numbers": records(self.to_frame()),
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

    def __str__(self) -> str:
        parts = [f"{self.before} -> {self.after}"]
        if self.same:
            return f"{parts[0]}\nNothing differs."

        def section(title: str, lines: Iterable[object]) -> None:
            every = [str(line) for line in lines]
            if every:
                more = f"\n  ... and {len(every) - SHOWN} more" if len(every) > SHOWN else ""
                parts.append(f"{title} ({len(every)})\n  " + "\n  ".join(every[:SHOWN]) + more)

        section("Structure and sources", self.structure.lines())
        section("Numbers, the farthest moved first", self.numbers)
        section(
            "Marginals",
            (f"P({m.node}={m.state}): {m.before:.4g} -> {m.after:.4g}" for m in self.marginals),
        )
        section(
            "Cases whose first three causes change",
            (_case_line(c) for c in self.cases if c.reordered),
        )
        if self.cases and not any(c.reordered for c in self.cases):
            name, by = max((c.largest for c in self.cases), key=lambda each: abs(each[1]))
            parts.append(
                f"Cases: the first three causes of all {len(self.cases)} stay; the largest move is P({name}) by {by:+.3g}"
            )
        if self.claims:
            inside = [
                sum(getattr(c, side) for c in self.claims)
                for side in ("inside_before", "inside_after")
            ]
            parts.append(
                f"Published figures inside their interval: {inside[0]} -> {inside[1]} of {len(self.claims)}"
            )
            section(
                "Figures that the change brings in or out",
                (_claim_line(c) for c in self.claims if c.inside_before != c.inside_after),
            )
        section("Left out", self.left_out)
        return "\n".join(parts)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return text_in_notebook(str(self))


def _case_line(c: RankingChange) -> str:
    def three(ranking: Sequence[tuple[str, float]]) -> str:
        return ", ".join(f"{n} {p:.3g}" for n, p in ranking[:3])

    return f"{c.case}: {three(c.before)} -> {three(c.after)}"


def _claim_line(c: ClaimChange) -> str:
    return f"{c.claim} [{c.low:.3g}, {c.high:.3g}]: {c.before:.3g} -> {c.after:.3g}, now {'inside' if c.inside_after else 'outside'}"


def compare_structure(before: Network, after: Network) -> Structure:
    """Nodes, edges, alert rules, settings and sources that were added, removed or changed."""
    nodes = _added_removed("node", before.nodes, after.nodes)
    for name in before.nodes.keys() & after.nodes.keys():
        nodes += _node_changes(name, before, after)
    old = {(p, n) for n in before.nodes for p in before.parents[n]}
    new = {(p, n) for n in after.nodes for p in after.parents[n]}
    edges = [f"edge {p} -> {n} added" for p, n in sorted(new - old)] + [
        f"edge {p} -> {n} removed" for p, n in sorted(old - new)
    ]
    settings = _mapping_changes("setting", _without_overrides(before), _without_overrides(after))
    if before.default_setting != after.default_setting:
        settings.append(f"default setting {before.default_setting} -> {after.default_setting}")
    return Structure(
        tuple(sorted(nodes)),
        tuple(edges),
        tuple(_mapping_changes("alert", before.alerts, after.alerts)),
        tuple(settings),
        tuple(_mapping_changes("source", before.sources, after.sources)),
    )


def _without_overrides(network: Network) -> dict[str, BaseModel]:
    return {name: s.model_copy(update={"overrides": {}}) for name, s in network.settings.items()}


def _added_removed(
    kind: str, before: Mapping[str, object], after: Mapping[str, object]
) -> list[str]:
    return [f"{kind} {n} added" for n in after if n not in before] + [
        f"{kind} {n} removed" for n in before if n not in after
    ]


def _mapping_changes(
    kind: str, before: Mapping[str, BaseModel], after: Mapping[str, BaseModel]
) -> list[str]:
    found = _added_removed(kind, before, after)
    for name in before:
        if name in after and before[name] != after[name]:
            fields = [
                k
                for k in type(before[name]).model_fields
                if getattr(before[name], k) != getattr(after[name], k)
            ]
            found.append(f"{kind} {name}: {', '.join(fields)} changed")
    return found


def _node_changes(name: str, before: Network, after: Network) -> list[str]:
    a, b = before.nodes[name], after.nodes[name]
    found = []
    if a.states != b.states:
        found.append(f"node {name}: states {', '.join(a.states)} -> {', '.join(b.states)}")
    if a.cpd.kind != b.cpd.kind:
        found.append(f"node {name}: {a.cpd.kind} -> {b.cpd.kind}")
    elif (
        a.cpd.kind == "deterministic"
        and a.cpd != b.cpd
        and before.parents[name] == after.parents[name]
    ):
        found.append(f"node {name}: its function changed")
    fields = [
        k
        for k in type(a).model_fields
        if k not in ("cpd", "states") and getattr(a, k) != getattr(b, k)
    ]
    return [*found, f"node {name}: {', '.join(fields)} changed"] if fields else found


def compare_numbers(before: Network, after: Network) -> tuple[NumberChange, ...]:
    """Numbers that differ in value or in what is said of them, overrides of settings included; the farthest moved first."""
    old, new = _every_number(before), _every_number(after)
    found: list[NumberChange] = []
    for key in [*old, *(k for k in new if k not in old)]:
        found += _number_changes(*key, old.get(key), new.get(key))
    return tuple(
        sorted(
            found,
            key=lambda n: (
                -abs(n.deviations) if not math.isnan(n.deviations) else -math.inf,
                n.id,
                n.state or "",
            ),
        )
    )


def _every_number(network: Network) -> dict[tuple[str | None, str], Parameter]:
    found: dict[tuple[str | None, str], Parameter] = {
        (None, name): p for name, p in parameters(network).items()
    }
    return found | {
        (s, name): p
        for s, setting in network.settings.items()
        for name, p in setting.overrides.items()
    }


def _number_changes(
    setting: str | None, name: str, old: Parameter | None, new: Parameter | None
) -> list[NumberChange]:
    about: tuple[str, ...] = ()
    if old is not None and new is not None:
        about = tuple(k for k in ABOUT if getattr(old, k, None) != getattr(new, k, None))
    values = [_values(p) for p in (old, new)]
    found = []
    for state in dict.fromkeys([*values[0], *values[1]]):
        a, b = (v.get(state, math.nan) for v in values)
        if a == b and (not about or state not in (None, next(iter(values[0])))):
            continue
        moved = _moved(a, b, isinstance(old, Ratio))
        found.append(
            NumberChange(
                setting,
                name,
                state,
                a,
                b,
                moved,
                moved / _deviation(old, a) if old is not None else math.nan,
                about,
            )
        )
    return found


def _values(p: Parameter | None) -> dict[str | None, float]:
    if p is None:
        return {}
    if isinstance(p, Distribution):
        return {s: v for s, v in p.estimate.items()}  # noqa: C416 - the keys' type is wider
    return {None: p.value}


def _moved(a: float, b: float, ratio: bool) -> float:
    if a == b:
        return 0.0
    scale = _log if ratio else _logit
    return scale(b) - scale(a)


def _log(x: float) -> float:
    return math.log(x) if x > 0.0 else -math.inf if x == 0.0 else math.nan


def _logit(x: float) -> float:
    return _log(x) - _log(1.0 - x)


def _deviation(p: Parameter, value: float) -> float:
    """Standard deviation of the number's log odds (an odds ratio: of its logarithm)."""
    if isinstance(p, Ratio):
        return log_deviation(p)
    return 1.0 / math.sqrt(max(value * (1.0 - value), 1e-300) * (spread_weight(p) + 1.0))


def compare_claims(before: Audit, after: Audit) -> tuple[ClaimChange, ...]:
    """Claims that both audits have, those that come in or out first, then by how far the implied figure moves."""
    later = {r.name: r for r in after.rows}
    found = [
        ClaimChange(
            r.name,
            *r.claim.bounds,
            r.implied,
            later[r.name].implied,
            r.inside,
            later[r.name].inside,
        )
        for r in before.rows
        if r.name in later
    ]
    return tuple(
        sorted(found, key=lambda c: (c.inside_before == c.inside_after, -abs(c.after - c.before)))
    )


def compare_marginals(
    states: Mapping[str, Sequence[str]],
    before: Mapping[str, Sequence[float]],
    after: Mapping[str, Sequence[float]],
) -> tuple[ProbabilityChange, ...]:
    """Marginals that moved, the largest change first; of a node with two states its second."""
    found = []
    for name, names in states.items():
        pairs = list(zip(names, before[name], after[name], strict=True))
        found += [
            ProbabilityChange(name, s, a, b)
            for s, a, b in (pairs[1:] if len(pairs) == 2 else pairs)
            if abs(a - b) > LEAST
        ]
    return tuple(sorted(found, key=lambda m: -abs(m.after - m.before)))


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
    names = tuple(f"{m.name} {m.network.version} ({m.fingerprint})" for m in (before, after))
    structure = compare_structure(before.network, after.network)
    changed = compare_numbers(before.network, after.network)
    if not effects:
        return Difference(names[0], names[1], structure, changed)
    named = named_cases(before, cases)
    known = None
    if claims is not None or companion_file(before.origin, "claims"):
        known = claims_for(before, claims).claims
    if not (changed or structure.lines()):
        return Difference(names[0], names[1], structure, changed)
    rankings, left = compare_rankings(before, after, cases=named)
    left_out = list(left)
    compared: tuple[ClaimChange, ...] = ()
    if known:
        expressible = {n: c for n, c in known.items() if _is_expressible(c, (before, after))}
        left_out += [
            f"claim {name}: about nodes or states that one of the networks has not"
            for name in known
            if name not in expressible
        ]
        compared = compare_claims(*(audit_claims(m, expressible) for m in (before, after)))
    common = {
        n: node.states
        for n, node in before.nodes.items()
        if n in after.nodes and after.nodes[n].states == node.states
    }
    marginals = compare_marginals(common, *(_marginals(m, common) for m in (before, after)))
    return Difference(
        names[0], names[1], structure, changed, marginals, rankings, compared, tuple(left_out)
    )


def _is_expressible(claim: Claim, models: Iterable[Model]) -> bool:
    """True if both networks have the nodes and states that a claim is about."""
    return not any(
        part != "source"
        for model in models
        for part, _ in claim_problems(claim, model.network, sources=claim.source)
    )


def _marginals(model: Model, nodes: Iterable[str]) -> dict[str, list[float]]:
    names, index = list(nodes), model.compiled.index
    answer = model.without_findings.marginals(names)
    return {n: answer.posterior[index[n]][:, 0].tolist() for n in names}


def named_cases(
    model: Model, cases: PathLike | Mapping[str, Findings] | Iterable[Findings] | None
) -> list[NamedCase]:
    """Cases to compare rankings on: of a file (the one beside the network file where None), or findings.

    Raises NetworkFileError for a bad file, EvidenceError for bad findings.
    """
    if cases is None or isinstance(cases, str | os.PathLike):
        path = companion_file(model.origin, "cases") if cases is None else Path(cases)
        return [] if path is None else _cases_of_file(model, path)
    if isinstance(cases, Mapping):
        if not all(isinstance(findings, Mapping) for findings in cases.values()):
            return [NamedCase("case 1", None, model.observe(cases).evidence)]
        return [NamedCase(str(n), None, model.observe(f).evidence) for n, f in cases.items()]
    if not isinstance(cases, Iterable):
        raise SpinelinkError(
            f"cases are findings, several of them, or a file of cases; not {cases!r}."
        )
    evidence = [c.evidence if isinstance(c, Case) else model.observe(c).evidence for c in cases]
    return [NamedCase(f"case {k}", None, e) for k, e in enumerate(evidence, 1)]


def _cases_of_file(model: Model, path: Path) -> list[NamedCase]:
    words = companion_file(model.origin, "vocabulary")
    vocabulary = read_vocabulary(words, model.network) if words else None
    readings = [read_case(case, model.network, vocabulary) for case in read_cases(path)]
    return [
        NamedCase(
            r.case.id,
            r.setting,
            {n: f if isinstance(f, str) else dict(f) for n, f in r.findings.items()},
        )
        for r in readings
    ]
