"""The network against the literature: published figures, and what the network implies for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spinelink.case import Model
from spinelink.claims.file import claims_for
from spinelink.claims.implied import implied
from spinelink.evaluate.contradiction import Contradiction, contradictions
from spinelink.evaluate.influence import cases, influences
from spinelink.inference.compile import compile_setting
from spinelink.network.claim import Claim
from spinelink.network.network import Network
from spinelink.network.parameter import Parameter
from spinelink.network.setting import parameters_in
from spinelink.options import flag, flag_or_none
from spinelink.progress import bar
from spinelink.result import Result
from spinelink.typing import PathLike
from spinelink.view.text import frame_text

if TYPE_CHECKING:
    import pandas as pd

FAILURES_SHOWN = 40
JUDGED_SHOWN = 20


@dataclass(frozen=True, eq=False)
class AuditedClaim:
    """One claim against what the network implies.

    Attributes:
        name: of the claim.
        claim: as published.
        setting: in which it was asked.
        implied: the figure that the network implies.
        inside: that figure lies in the published interval.
        errors: its distance from the published figure in standard errors.
    """

    name: str
    claim: Claim
    setting: str | None
    implied: float
    inside: bool
    errors: float


@dataclass(frozen=True, eq=False, repr=False)
class Audit(Result):
    """A network against its claims.

    Attributes:
        rows: one a claim.
        contradictions: pairs of claims of which no network can satisfy both.
        judged: judged parameters with their influence on the causes, largest first; empty unless
            asked for.
        without_source: parameters without any source.
        secondhand: parameters that rest on second-hand sources only.
    """

    rows: tuple[AuditedClaim, ...]
    contradictions: tuple[Contradiction, ...]
    judged: tuple[tuple[str, float], ...]
    without_source: tuple[str, ...]
    secondhand: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row a claim, worst first.

        Columns: claim, kind, setting, fit, published, low, high, interval (where it comes from),
        implied, inside, errors, source, secondhand, missed, note.
        """
        import pandas as pd

        rows = [_row(r) for r in self.rows]
        frame = pd.DataFrame(rows, columns=list(COLUMNS))
        distance = frame["errors"].abs()
        order = distance.where(~frame["inside"], -1.0 / (1.0 + distance))
        index = order.sort_values(ascending=False, kind="stable").index
        return frame.loc[index].reset_index(drop=True)

    def summary(self, *by: str) -> pd.DataFrame:
        """Claims, how many lie inside, their share, the median distance in standard errors.

        Args:
            *by: columns of `to_frame`, or "condition", the nodes that a claim is about; fit and
                setting where none.
        """
        frame = self.to_frame()
        conditions = {
            r.name: " or ".join(sorted({n for part in r.claim.condition for n in part}))
            for r in self.rows
        }
        frame["condition"] = frame["claim"].map(conditions)
        frame["distance"] = frame["errors"].abs()
        groups = frame.groupby(list(by or ("fit", "setting")), sort=False, dropna=False)
        counts = groups.agg(
            claims=("claim", "size"), inside=("inside", "sum"), median_errors=("distance", "median")
        )
        counts["share"] = counts["inside"] / counts["claims"]
        return counts[["claims", "inside", "share", "median_errors"]].sort_index()

    def to_dict(self) -> dict[str, object]:
        """Everything, as plain values."""
        return {
            **self.head(),
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

    def title(self) -> str:
        """What stands above the table."""
        inside = sum(r.inside for r in self.rows)
        return (
            f"{inside} of {len(self.rows)} published figures lie inside their interval "
            f"(network fingerprint {self.question.fingerprint})."
        )

    def shown(self) -> pd.DataFrame:
        """The columns that fit beside each other."""
        return self.summary().reset_index()

    def __str__(self) -> str:
        failed = self.to_frame().query("not inside")
        failed = failed.drop(columns=["source", "secondhand", "missed", "note", "inside"])
        parts = [
            self.title(),
            _text(self.shown()),
            f"Outside, worst first ({len(failed)}):",
            _text(failed.head(FAILURES_SHOWN)),
        ]
        if len(failed) > FAILURES_SHOWN:
            parts.append(f"... and {len(failed) - FAILURES_SHOWN} more (to_frame())")
        if self.contradictions:
            parts.append(f"Claims that contradict each other ({len(self.contradictions)}):")
            parts += [f"  {c}" for c in self.contradictions]
        if self.judged:
            parts.append(
                "Judged parameters with the most influence on the causes "
                "(where a study would help most):"
            )
            parts += [f"  {name}: {value:.4f}" for name, value in self.judged[:JUDGED_SHOWN]]
        return "\n".join(parts)


COLUMNS = (
    *("claim", "kind", "setting", "fit", "published", "low", "high", "interval"),
    *("implied", "inside", "errors", "source", "secondhand", "missed", "note"),
)


def _row(r: AuditedClaim) -> tuple[object, ...]:
    """The values of `COLUMNS`."""
    c = r.claim
    return (
        *(r.name, c.kind, r.setting, c.fit, c.published, *c.bounds, c.bounds_kind),
        *(r.implied, r.inside, r.errors),
        *(", ".join(c.source), c.secondhand, c.missed or "", c.note or ""),
    )


def _text(frame: pd.DataFrame) -> str:
    return frame_text(frame, zeros=False)


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
    influence, progress = flag(influence, "influence"), flag_or_none(progress, "progress")
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
    """Every claim against what the network implies, those about the same people together.

    Args:
        model: the network.
        claims: by name.
        judged: judged parameters with their influence, to be reported too.
        on_progress: called with how many claims are answered.

    Returns:
        As `audit`.
    """
    network = model.network
    by_people: dict[tuple[str | None, tuple[str, ...]], list[str]] = {}
    for name, claim in claims.items():
        people = (claim.setting or network.default_setting, claim.given)
        by_people.setdefault(people, []).append(name)
    rows: dict[str, AuditedClaim] = {}
    for (setting, given), names in by_people.items():
        compiled = model.compiled_in(setting)
        if given:
            compiled = compile_setting(network, setting, given=given, resources=compiled.resources)
        answers = implied(network, compiled, [claims[n] for n in names])
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
        model.question(claims=len(claims)),
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


def grades(parameters: Mapping[str, Parameter]) -> dict[str, int]:
    """How many parameters have each grade."""
    counts = dict.fromkeys(("measured", "derived", "judged"), 0)
    for p in parameters.values():
        counts[p.grade] += 1
    return counts
