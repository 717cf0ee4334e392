"""Claims left out of the fit and predicted by the rest, so that over-fitting shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spinelink.adjust.claim_objective import FITTED
from spinelink.adjust.fit import fit_to_claims
from spinelink.case import Model
from spinelink.errors import SpinelinkError
from spinelink.network.claim import Claim, Fit
from spinelink.result import Result
from spinelink.view.text import frame_text

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Predicted:
    """One claim in the fold in which it was left out: before any fit, and as predicted."""

    name: str
    claim: Claim
    fold: int
    before: float
    predicted: float

    @property
    def inside(self) -> bool:
        """Whether the prediction lies in the published interval."""
        low, high = self.claim.bounds
        return bool(low <= self.predicted <= high)

    def distance(self, value: float) -> float:
        """From the published figure, in log odds or log ratio."""
        return abs(self.claim.scaled(value) - self.claim.centre_and_error[0])


@dataclass(frozen=True, eq=False, repr=False)
class CrossValidation(Result):
    """Predictions of claims by fits without them."""

    rows: tuple[Predicted, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row a claim.

        Columns: claim, fold, setting, fit, published, low, high, before, predicted, inside,
        error_before, error (log odds or log ratio).
        """
        import pandas as pd

        rows = [
            (
                *(r.name, r.fold, r.claim.setting, r.claim.fit, r.claim.value, *r.claim.bounds),
                *(r.before, r.predicted, r.inside),
                *(r.distance(r.before), r.distance(r.predicted)),
            )
            for r in self.rows
        ]
        columns = [
            *("claim", "fold", "setting", "fit", "published", "low", "high"),
            *("before", "predicted", "inside", "error_before", "error"),
        ]
        return pd.DataFrame(rows, columns=columns)

    def summary(self) -> pd.DataFrame:
        """By fit: claims; share inside their interval and median error, before and predicted."""
        frame = self.to_frame()
        frame["inside_before"] = (frame["low"] <= frame["before"]) & (
            frame["before"] <= frame["high"]
        )
        return frame.groupby("fit", sort=False).agg(
            claims=("claim", "size"),
            inside_before=("inside_before", "mean"),
            inside=("inside", "mean"),
            error_before=("error_before", "median"),
            error=("error", "median"),
        )

    def title(self) -> str:
        """What stands above the table."""
        return "Predicted by fits without them:"

    def shown(self) -> pd.DataFrame:
        """The columns that fit beside each other."""
        return self.summary().reset_index()

    def __str__(self) -> str:
        text = frame_text(self.summary(), index=True, zeros=False)
        return f"{self.title()}\n{text}"


def folds_by_source(claims: Mapping[str, Claim], folds: int, *, seed: int = 0) -> dict[str, int]:
    """A fold for each claim; claims that share a source are in the same one.

    Sources are dealt in a seeded order, the fullest fold last.

    Args:
        claims: by name.
        folds: how many.
        seed: of the order.

    Raises:
        SpinelinkError: there are fewer independent groups of sources than folds.
    """
    group: dict[str, str] = {}

    def root(key: str) -> str:
        while group[key] != key:
            key = group[key]
        return key

    for claim in claims.values():
        for key in claim.source:
            group.setdefault(key, key)
        first = root(claim.source[0])
        for key in claim.source[1:]:
            group[root(key)] = first
    members: dict[str, list[str]] = {}
    for name, claim in claims.items():
        members.setdefault(root(claim.source[0]), []).append(name)
    if not 2 <= folds <= len(members):
        raise SpinelinkError(
            f"folds: a number from 2 to {len(members)}, the independent sources; not {folds}."
        )
    order = list(members)
    np.random.default_rng(seed).shuffle(order)
    order.sort(key=lambda key: -len(members[key]))
    sizes = [0] * folds
    found: dict[str, int] = {}
    for key in order:
        fold = sizes.index(min(sizes))
        sizes[fold] += len(members[key])
        found |= dict.fromkeys(members[key], fold)
    return {name: found[name] for name in claims}


def cross_validate(
    model: Model,
    claims: Mapping[str, Claim],
    *,
    folds: int = 5,
    only: Sequence[int] | None = None,
    seed: int = 0,
    fits: Sequence[Fit] = FITTED,
    limit: int = 25,
    on_progress: Callable[[int], object] | None = None,
) -> CrossValidation:
    """Each fold's claims are predicted by a fit to the others.

    Args:
        model: the network.
        claims: by name.
        folds: how many; claims that share a source stay together.
        only: the folds to do (for several machines); all where None.
        seed: of the order in which sources are dealt.
        fits: claims that fit the study otherwise do not pull.
        limit: the most steps of each fit.
        on_progress: called with how many folds are done.

    Returns:
        For every claim what the network implies before any fit, and as predicted.

    Raises:
        SpinelinkError: there are fewer independent sources than folds.
    """
    fold_of = folds_by_source(claims, folds, seed=seed)
    rows: list[Predicted] = []
    chosen = range(folds) if only is None else only
    for done, fold in enumerate(chosen, 1):
        left_out = {name for name, f in fold_of.items() if f == fold}
        fit = fit_to_claims(model, claims, fits=fits, leave_out=left_out, limit=limit)
        rows += [
            Predicted(c.name, c.claim, fold, c.before, c.after)
            for c in fit.claims
            if c.name in left_out
        ]
        if on_progress is not None:
            on_progress(done)
    return CrossValidation(model.question(folds=folds, only=only, seed=seed), tuple(rows))
