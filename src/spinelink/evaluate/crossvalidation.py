"""Figures predicted by fits without their study: how well the knowledge predicts what it has not seen.

Whole studies are left out, and everything is fitted again. Each figure left out gets a predictive
distribution. Beside it stand two baselines: the median of the other figures of that kind of quantity,
with their spread, and the priors alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from spinelink.adjust.evidence.averaged import averaged
from spinelink.adjust.evidence.fit import search_for
from spinelink.adjust.evidence.linear import SPREAD_PRIOR
from spinelink.adjust.evidence.parallel import shared
from spinelink.adjust.evidence.predict import Predictive, predict
from spinelink.adjust.evidence.search import KEPT, Reached, Search, SearchOptions, Start
from spinelink.case import Model
from spinelink.claims.file import claims_for
from spinelink.claims.studies import studies_of
from spinelink.errors import SpinelinkError, shown
from spinelink.evaluate.predicted import SPLIT_YEAR, Baseline, By, CrossValidation, Predicted
from spinelink.network.claim import Claim, ClaimFile
from spinelink.options import flag, one_of, seed_of, whole
from spinelink.progress import bar
from spinelink.typing import PathLike

Ints = NDArray[np.intp]
STEPS_OF_A_FOLD = 4
"""A fold begins at the priors, so that no figure left out can speak of itself. What is left of the way
after these steps lies between prior and fit."""
LEAST_SPREAD = 0.1
"""A baseline of figures that are all alike is still this wide, in log odds or log ratio."""


def cross_validate(
    model: Model,
    claims: PathLike | None = None,
    *,
    folds: int = 10,
    by: By = "study",
    seed: int = 0,
    quick: bool = False,
    processes: int = 1,
    progress: bool | None = None,
) -> CrossValidation:
    """How well figures are predicted by fits without them.

    Args:
        model: the network.
        claims: a file of claims; the one beside the network file where None.
        folds: how many; claims of one study stay together.
        by: "study": folds of whole studies; "year": one fit to studies up to 2014 predicts the rest.
        seed: of the order in which studies are dealt.
        quick: a fold reuses derivatives while they predict well: for networks with costly figures.
        processes: how many share the figures; see `fit_claims`.
        progress: show a progress bar; None: in a terminal only.

    Returns:
        For every figure a predictive distribution, its scores, and those of two baselines.

    Raises:
        SpinelinkError: there are fewer independent studies than folds, or no study is so old.
        NetworkFileError: the file of claims is bad.

    Source:
        Gneiting and Raftery 2007 (scores); Roberts et al. 2017 (whole blocks left out).

    Example:
        >>> import spinelink as sl
        >>> found = sl.load("minimal").cross_validate(folds=2)
        >>> list(found.summary().columns[:3])
        ['figures', 'covered_50', 'covered_90']
    """
    file = claims_for(model, claims)
    one_of(by, "by", get_args(By))
    folds = whole(folds, "folds", least=2, meaning="how many parts")
    quick = flag(quick, "quick")
    processes = whole(processes, "processes", least=1, meaning="how many share the figures")
    fold_of = (
        folds_by_study(file.claims, folds, seed=seed_of(seed))
        if by == "study"
        else _folds_by_year(model, file)
    )
    parts = sorted(set(fold_of.values()) - {-1})
    with bar("cross-validation", len(parts), progress) as on_progress:
        rows = predict_left_out(
            model,
            file.claims,
            fold_of,
            quick=quick,
            processes=processes,
            on_progress=on_progress,
        )
    question = model.question(folds=len(parts), by=by, seed=seed, claims=len(file.claims))
    return CrossValidation(question, tuple(rows), by)


def predict_left_out(
    model: Model,
    claims: Mapping[str, Claim],
    fold_of: Mapping[str, int],
    *,
    options: SearchOptions | None = None,
    quick: bool = False,
    about: Start | None = None,
    processes: int = 1,
    on_progress: Callable[[int], object] | None = None,
) -> list[Predicted]:
    """Each fold predicted by a fit to the others, begun at the priors.

    fold_of: of each claim; -1 for those that always pull. about: figures are taken as linear about
    this point instead, as a network with costly figures needs. That is approximate: figures left
    out do not pull, but helped to choose the point.
    """
    names = list(claims)
    whole_search = search_for(model, claims, options=options)
    kept = KEPT if quick else float("inf")
    few = replace(whole_search.options, limit=STEPS_OF_A_FOLD, kept=kept)
    rows: list[Predicted] = []
    with shared(whole_search.figures, processes) as figures:
        whole_search = replace(whole_search, figures=figures)
        start = whole_search.at_priors()
        priors = _priors_alone(whole_search, start)
        for done, fold in enumerate(sorted(set(fold_of.values()) - {-1}), 1):
            out = np.array([k for k, n in enumerate(names) if fold_of[n] == fold], dtype=np.intp)
            pulling = np.setdiff1d(np.arange(len(names), dtype=np.intp), out)
            search = replace(whole_search, used=pulling, options=few)
            reached = search.run(begin=start) if about is None else search.settled(about)
            found = averaged(search, reached)
            rows += _rows(search, found, out, fold, priors)
            if on_progress is not None:
                on_progress(done)
    return rows


def _rows(
    search: Search, reached: Reached, out: Ints, fold: int, priors: Sequence[Predictive]
) -> list[Predicted]:
    figures = search.figures
    claims = list(figures.claims.items())
    rows = []
    for k, expected in zip(out.tolist(), predict(search, reached, out), strict=True):
        name, claim = claims[k]
        published = float(figures.published[k])
        rows.append(
            Predicted(
                name,
                claim,
                fold,
                published,
                expected.mean,
                expected.interval(0.5),
                expected.interval(0.9),
                expected.log_density(published),
                expected.ranked_probability_score(published),
                expected.below(published),
                _stock(search, k),
                Baseline(priors[k].mean, priors[k].log_density(published)),
            )
        )
    return rows


def _stock(search: Search, k: int) -> Baseline:
    """The median of the figures of that kind of quantity in the other folds, with their spread."""
    figures = search.figures
    quantity = np.array([q for q, _ in figures.groups])[figures.group]
    alike = search.used[quantity[search.used] == quantity[k]]
    values = figures.published[alike if len(alike) > 1 else search.used]
    spread = max(float(values.std()), LEAST_SPREAD)
    expected = Predictive(float(np.median(values)), 1e-6, spread, np.inf)
    return Baseline(expected.mean, expected.log_density(float(figures.published[k])))


def _priors_alone(search: Search, start: Start) -> list[Predictive]:
    """What the priors expect of every figure."""
    scaled, slopes = start.scaled, start.slopes
    covariance = search.priors.covariance(start.spreads.factors)
    variance = np.einsum("ij,ij->i", slopes @ covariance, slopes)
    study = np.sqrt(SPREAD_PRIOR**2 + search.figures.variance)
    return [
        Predictive(float(m), float(np.sqrt(max(v, 1e-12))), float(s), search.options.freedom)
        for m, v, s in zip(scaled, variance, study, strict=True)
    ]


def folds_by_study(claims: Mapping[str, Claim], folds: int, *, seed: int = 0) -> dict[str, int]:
    """A fold for each claim; claims of one study are in the same one.

    Studies are dealt in a seeded order, the largest first, to the emptiest fold.

    Args:
        claims: by name.
        folds: how many.
        seed: of the order.

    Raises:
        SpinelinkError: there are fewer independent studies than folds.
    """
    study = studies_of(claims)
    members: dict[str, list[str]] = {}
    for name in claims:
        members.setdefault(study[name], []).append(name)
    if not 2 <= folds <= len(members):
        raise SpinelinkError(
            f"folds: a number from 2 to {len(members)}, the independent studies; not {shown(folds)}."
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


def _folds_by_year(model: Model, file: ClaimFile) -> dict[str, int]:
    """Fold 0 for claims of studies after the year, -1 for older ones and those without a year."""
    sources = {**model.network.sources, **file.sources}
    years: dict[str, int] = {}
    study = studies_of(file.claims)
    for name, claim in file.claims.items():
        for key in claim.source:
            year = sources[key].year
            if year is not None:
                years[study[name]] = max(year, years.get(study[name], 0))
    found = {n: 0 if years.get(study[n], 0) > SPLIT_YEAR else -1 for n in file.claims}
    if len(set(found.values())) < 2:
        raise SpinelinkError(f"by year: studies up to {SPLIT_YEAR} and later ones are needed.")
    return found
