"""Claims left out of the fit and predicted by the rest, so that over-fitting shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spinelink.adjust.fit import FITTED, fit_to_claims
from spinelink.errors import SpinelinkError
from spinelink.network.claim import Claim, Fit
from spinelink.network.network import Network
from spinelink.view.html import in_notebook, table

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Predicted:
    """One claim in the fold in which it was left out: before any fit, predicted by the others, and fitted with all."""

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
class CrossValidation:
    """Predictions of claims by fits without them."""

    rows: tuple[Predicted, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row a claim: claim, fold, setting, fit, published, low, high, before, predicted, inside, error_before, error (log odds or log ratio)."""
        import pandas as pd

        rows = [
            (
                r.name, r.fold, r.claim.setting, r.claim.fit, r.claim.value, *r.claim.bounds, r.before, r.predicted, r.inside,
                r.distance(r.before), r.distance(r.predicted),
            )
            for r in self.rows
        ]  # fmt: skip
        columns = [
            "claim", "fold", "setting", "fit", "published", "low", "high", "before", "predicted", "inside", "error_before", "error",
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=columns)

    def summary(self) -> pd.DataFrame:
        """By fit: claims, share inside their interval before any fit and predicted, median absolute error before and predicted."""
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

    def __str__(self) -> str:
        return f"Predicted by fits without them:\n{self.summary().to_string(float_format=lambda v: f'{v:.3g}')}"

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return in_notebook("Predicted by fits without them:", table(self.summary().reset_index()))


def folds_by_source(claims: Mapping[str, Claim], folds: int, *, seed: int = 0) -> dict[str, int]:
    """A fold for each claim, claims that share a source in the same one; sources are dealt in a seeded order, the fullest fold last.

    Raises SpinelinkError where there are fewer independent groups of sources than folds.
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
    network: Network,
    claims: Mapping[str, Claim],
    *,
    folds: int = 5,
    only: Sequence[int] | None = None,
    seed: int = 0,
    fits: Sequence[Fit] = FITTED,
    limit: int = 25,
    on_progress: Callable[[int], object] | None = None,
) -> CrossValidation:
    """Each fold's claims are looked at, and do not pull, while the network is fitted to the others.

    only: the folds to do (for several machines); all where None. report: called with how many folds are done.
    """
    fold_of = folds_by_source(claims, folds, seed=seed)
    rows: list[Predicted] = []
    chosen = range(folds) if only is None else only
    for done, fold in enumerate(chosen, 1):
        left_out = {name for name, f in fold_of.items() if f == fold}
        fit = fit_to_claims(network, claims, fits=fits, leave_out=left_out, limit=limit)
        rows += [
            Predicted(c.name, c.claim, fold, c.before, c.after)
            for c in fit.claims
            if c.name in left_out
        ]
        if on_progress is not None:
            on_progress(done)
    return CrossValidation(tuple(rows))
