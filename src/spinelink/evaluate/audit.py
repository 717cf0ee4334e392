"""The network against the literature: for every claim the published figure, what the network implies, and how far apart they are."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from spinelink.case import Model
from spinelink.claims.file import claims_for
from spinelink.claims.implied import implied
from spinelink.evaluate.influence import cases, influences
from spinelink.network.claim import Claim, Event
from spinelink.network.network import Network
from spinelink.network.parameter import Parameter
from spinelink.network.setting import parameters_in
from spinelink.progress import bar
from spinelink.typing import PathLike
from spinelink.view.html import in_notebook, table

if TYPE_CHECKING:
    import pandas as pd

FITS = ("same population", "near", "far")


@dataclass(frozen=True, eq=False)
class AuditedClaim:
    """One claim: the figure that the network implies, whether it lies inside the interval, and its distance in standard errors."""

    name: str
    claim: Claim
    setting: str | None
    implied: float
    inside: bool
    errors: float


@dataclass(frozen=True, eq=False)
class Contradiction:
    """Two claims that ask the same of the same people and whose intervals do not meet: the network cannot satisfy both."""

    first: str
    second: str
    intervals: tuple[tuple[float, float], tuple[float, float]]


@dataclass(frozen=True, eq=False, repr=False)
class Audit:
    """A network against its claims."""

    network: str
    version: str
    fingerprint: str
    rows: tuple[AuditedClaim, ...]
    contradictions: tuple[Contradiction, ...]
    judged: tuple[
        tuple[str, float], ...
    ]  # judged numbers with their influence on the causes, largest first; empty unless asked for
    without_source: tuple[str, ...]
    secondhand: tuple[str, ...]  # numbers that rest on second-hand sources only

    def to_frame(self) -> pd.DataFrame:
        """One row a claim, worst first: claim, kind, setting, fit, published, low, high, interval, implied, inside, errors, source,
        secondhand, missed, note.
        """
        import pandas as pd

        rows = [
            (
                r.name,
                r.claim.kind,
                r.setting,
                r.claim.fit,
                r.claim.value,
                *r.claim.bounds,
                r.claim.bounds_kind,
                r.implied,
                r.inside,
                r.errors,
                ", ".join(r.claim.source),
                r.claim.secondhand,
                r.claim.missed or "",
                r.claim.note or "",
            )
            for r in self.rows
        ]
        columns = [
            "claim", "kind", "setting", "fit", "published", "low", "high", "interval", "implied", "inside", "errors", "source", "secondhand", "missed",
            "note",
        ]  # fmt: skip
        frame = pd.DataFrame(rows, columns=columns)
        order = frame["errors"].abs().where(~frame["inside"], -1.0 / (1.0 + frame["errors"].abs()))
        return frame.loc[order.sort_values(ascending=False, kind="stable").index].reset_index(
            drop=True
        )

    def summary(self, *by: str) -> pd.DataFrame:
        """Claims, how many inside, their share, and the median distance in standard errors, by columns of `to_frame` (fit and setting where none)
        or "condition", the nodes that the claim is about.
        """
        frame = self.to_frame()
        conditions = {
            r.name: " or ".join(sorted({n for part in r.claim.condition for n in part}))
            for r in self.rows
        }
        frame["condition"] = frame["claim"].map(conditions)
        frame["distance"] = frame["errors"].abs()
        keys = list(by or ("fit", "setting"))
        found = frame.groupby(keys, sort=False, dropna=False).agg(
            claims=("claim", "size"), inside=("inside", "sum"), median_errors=("distance", "median")
        )
        found["share"] = found["inside"] / found["claims"]
        return found[["claims", "inside", "share", "median_errors"]].sort_index()

    def to_json(self) -> dict[str, Any]:
        """Everything, as plain values."""
        return {
            "network": self.network,
            "version": self.version,
            "fingerprint": self.fingerprint,
            "summary": json.loads(self.summary().reset_index().to_json(orient="records")),
            "claims": json.loads(self.to_frame().to_json(orient="records", double_precision=15)),
            "contradictions": [
                {"first": c.first, "second": c.second, "intervals": [list(i) for i in c.intervals]}
                for c in self.contradictions
            ],
            "judged": [{"parameter": name, "influence": value} for name, value in self.judged],
            "without_source": list(self.without_source),
            "secondhand": list(self.secondhand),
        }

    def headline(self) -> str:
        """How many published figures the network reproduces."""
        inside = sum(r.inside for r in self.rows)
        return f"{inside} of {len(self.rows)} published figures lie inside their interval (network fingerprint {self.fingerprint})."

    def __str__(self) -> str:
        def text(frame: pd.DataFrame) -> str:
            return frame.to_string(index=False, float_format=lambda v: f"{v:.3g}", na_rep="")

        failed = (
            self.to_frame()
            .query("not inside")
            .drop(columns=["source", "secondhand", "missed", "note", "inside"])
        )
        parts = [
            self.headline(),
            text(self.summary().reset_index()),
            f"Outside, worst first ({len(failed)}):",
            text(failed.head(40)),
        ]
        if len(failed) > 40:
            parts.append(f"... and {len(failed) - 40} more (to_frame())")
        if self.contradictions:
            parts.append(f"Claims that contradict each other ({len(self.contradictions)}):")
            parts += [
                f"  {c.first} [{c.intervals[0][0]:.3g}, {c.intervals[0][1]:.3g}] and {c.second} [{c.intervals[1][0]:.3g}, {c.intervals[1][1]:.3g}]"
                for c in self.contradictions
            ]
        if self.judged:
            parts.append(
                "Judged numbers with the most influence on the causes (where a study would help most):"
            )
            parts += [f"  {name}: {value:.4f}" for name, value in self.judged[:20]]
        return "\n".join(parts)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return in_notebook(self.headline(), table(self.summary().reset_index()))


def audit(
    model: Model,
    claims: PathLike | None = None,
    *,
    influence: bool = False,
    progress: bool | None = None,
) -> Audit:
    """Does the network reproduce published figures? Every claim in its own setting.

    Args:
        model: the network.
        claims: a file of claims; the one beside the network file where None.
        influence: also rank the judged parameters by their influence on the causes' posteriors (a
            minute on a large network).
        progress: show a progress bar; None: in a terminal only.

    Returns:
        For every claim the published figure, what the network implies, and how far apart they are;
        claims that contradict each other; parameters without a source.

    Raises:
        NetworkFileError: the file of claims is bad.
        SpinelinkError: there is no file of claims.

    Example:
        >>> import spinelink as sl
        >>> len(sl.load("minimal").audit().rows) > 0
        True
    """
    read = claims_for(model, claims).claims
    judged: tuple[tuple[str, float], ...] = ()
    if influence:
        total = len(cases(model.network))
        with bar("influence of judged parameters", total, progress) as on_progress:
            judged = influences(model, on_progress=on_progress)
    return audit_claims(model, read, judged=judged)


def audit_claims(
    model: Model,
    claims: Mapping[str, Claim],
    *,
    judged: Sequence[tuple[str, float]] = (),
    on_progress: Callable[[int], object] | None = None,
) -> Audit:
    """Answers every claim, those of a setting together.

    judged: judged parameters with their influence, to be reported too. on_progress: called with how
    many claims are answered.
    """
    network = model.network
    by_setting: dict[str | None, list[str]] = {}
    for name, claim in claims.items():
        by_setting.setdefault(claim.setting or network.default_setting, []).append(name)
    rows: dict[str, AuditedClaim] = {}
    for setting, names in by_setting.items():
        answers = implied(network, model.compiled_in(setting), [claims[n] for n in names])
        for name, value, scaled in zip(names, answers.values, answers.scaled, strict=True):
            claim = claims[name]
            low, high = claim.bounds
            middle, error = claim.centre_and_error
            inside, distance = bool(low <= value <= high), float((scaled - middle) / error)
            rows[name] = AuditedClaim(name, claim, setting, float(value), inside, distance)
        if on_progress is not None:
            on_progress(len(rows))
    parameters = parameters_in(network, network.default_setting)
    return Audit(
        network.name,
        network.version,
        model.fingerprint,
        tuple(rows[n] for n in claims),
        contradictions(network, claims),
        tuple(judged),
        tuple(name for name, p in parameters.items() if not p.source),
        tuple(name for name, p in parameters.items() if _is_second_hand(network, p)),
    )


def _is_second_hand(network: Network, parameter: Parameter) -> bool:
    """True if a parameter has sources, and all of them report somebody else's figure."""
    known = [network.sources[s] for s in parameter.source if s in network.sources]
    return bool(parameter.source) and all(source.secondhand for source in known)


def contradictions(network: Network, claims: Mapping[str, Claim]) -> tuple[Contradiction, ...]:
    """Pairs of claims with the same question whose intervals do not meet, the largest gap (on the scale of comparison) first."""
    asked: dict[object, list[str]] = {}
    for name, claim in claims.items():
        asked.setdefault(_question(network, claim), []).append(name)
    found: list[tuple[float, Contradiction]] = []
    for names in asked.values():
        for a, b in combinations(names, 2):
            first, second = _as_finding(claims[a]), _as_finding(claims[b])
            gap = max(
                claims[a].scaled(first[0]) - claims[a].scaled(second[1]),
                claims[a].scaled(second[0]) - claims[a].scaled(first[1]),
            )
            if gap > 0.0:
                found.append((gap, Contradiction(a, b, (first, second))))
    return tuple(c for _, c in sorted(found, key=lambda each: -each[0]))


_SAME_KIND = {
    "sensitivity": "given condition",
    "p_finding_given_condition": "given condition",
    "specificity": "given no condition",
    "p_finding_given_no_condition": "given no condition",
}


def _as_finding(claim: Claim) -> tuple[float, float]:
    """The interval; of a specificity, that of the finding's share."""
    low, high = claim.bounds
    return (1.0 - high, 1.0 - low) if claim.kind == "specificity" else (low, high)


def _question(network: Network, claim: Claim) -> object:
    def key(event: Event | None) -> object:
        return (
            None
            if event is None
            else frozenset(frozenset((n, frozenset(s)) for n, s in part.items()) for part in event)
        )

    parts: Iterable[Event | None] = (
        claim.condition,
        claim.finding,
        claim.comparator,
        claim.population,
    )
    return (
        _SAME_KIND.get(claim.kind, claim.kind),
        claim.setting or network.default_setting,
        *(key(p) for p in parts),
    )


def grades(parameters: Mapping[str, Parameter]) -> dict[str, int]:
    """How many numbers have each grade."""
    counts = dict.fromkeys(("measured", "derived", "judged"), 0)
    for p in parameters.values():
        counts[p.grade] += 1
    return counts
