"""Parameters fitted to published figures: what `model.fit_claims` does."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from spinelink.adjust.coordinates import Coordinates, layout, with_changed
from spinelink.adjust.evidence.averaged import averaged
from spinelink.adjust.evidence.figures import Figures
from spinelink.adjust.evidence.parallel import shared
from spinelink.adjust.evidence.priors import Priors
from spinelink.adjust.evidence.result import (
    EvidenceFit,
    FittedClaim,
    FittedParameter,
    StudySpread,
)
from spinelink.adjust.evidence.search import Reached, Search, SearchOptions
from spinelink.adjust.vary import Vary, parameters_to_vary
from spinelink.case import Model
from spinelink.claims.file import claims_for
from spinelink.errors import SpinelinkError
from spinelink.network.claim import NORMAL, Claim
from spinelink.network.coordinates import Block, Key, key_of
from spinelink.network.parameter import Distribution, Fitted, Parameter, Ratio
from spinelink.network.scale import WORD_SPREAD
from spinelink.network.setting import parameters_in
from spinelink.network.uncertainty import before_fit
from spinelink.options import whole
from spinelink.progress import bar
from spinelink.typing import PathLike

Array = NDArray[np.float64]
LEAST_SHARE = 0.1
"""A study is named where it removed this share of what all figures removed."""
MOST_STUDIES = 5


def fit_claims(
    model: Model,
    claims: PathLike | None = None,
    *,
    vary: str | Sequence[str] | None = None,
    limit: int = 20,
    processes: int = 1,
    progress: bool | None = None,
) -> EvidenceFit:
    """The parameters that published figures and priors make most probable, hierarchical over studies.

    Every figure is the network's answer, plus an effect of its study, plus a sampling error. The
    spread between studies is estimated for each kind of quantity and grade of fit.

    Args:
        model: the network; each claim is asked in its own setting and selection.
        claims: a file of claims; the one beside the network file where None.
        vary: ids of parameters, or nodes, that may move; all where None.
        limit: the most steps.
        processes: how many share the figures. More than one needs a script that is guarded by
            `if __name__ == "__main__":`, as Python's `multiprocessing` says.
        progress: show a progress bar; None: in a terminal only.

    Returns:
        The fit; `model.fitted(fit)` is the fitted model. On Ctrl-C the best so far.

    Raises:
        UnknownNameError: `vary` names something that the network does not have.
        SpinelinkError: there are no claims, or a claim asks for people who cannot occur.
        NetworkFileError: the file of claims is bad.

    Source:
        docs/evidence-model.md says what is assumed, with formulas and sources.

    Example:
        >>> import spinelink as sl
        >>> model = sl.load("minimal")
        >>> fit = model.fit_claims(limit=2)
        >>> model.fitted(fit).name
        'minimal'
    """
    limit = whole(limit, "limit", least=1, meaning="the most steps")
    processes = whole(processes, "processes", least=1, meaning="how many share the figures")
    published = claims_for(model, claims).claims
    with bar("fit to figures", limit, progress) as on_progress:
        return fit_figures(
            model,
            published,
            vary=vary,
            options=SearchOptions(limit=limit),
            processes=processes,
            on_step=on_progress,
        )


def fit_figures(
    model: Model,
    claims: Mapping[str, Claim],
    *,
    vary: Vary = None,
    options: SearchOptions | None = None,
    processes: int = 1,
    on_step: Callable[[int], object] | None = None,
) -> EvidenceFit:
    """The same for claims by name; see `fit_claims`."""
    search = search_for(model, claims, vary=vary, options=options)
    with shared(search.figures, processes) as figures:
        search = replace(search, figures=figures)
        before = figures.implied_by(search.priors.mean)
        reached = search.run(on_step=on_step)
    return answer_of(model, search, averaged(search, reached), before=before)


def search_for(
    model: Model,
    claims: Mapping[str, Claim],
    *,
    vary: Vary = None,
    leave_out: Collection[str] = (),
    options: SearchOptions | None = None,
) -> Search:
    """The figures, priors and options of a fit. leave_out: names of claims that do not pull.

    Raises:
        UnknownNameError: `vary` names something that the network does not have.
        SpinelinkError: there is no claim.
    """
    if not claims:
        raise SpinelinkError("there is no claim to fit to")
    network = model.network if model.stated is None else model.stated
    parameters: dict[Key, Parameter] = {}
    for setting in dict.fromkeys(c.setting or network.default_setting for c in claims.values()):
        for name, parameter in parameters_in(network, setting).items():
            parameters.setdefault(key_of(network, name, setting=setting), before_fit(parameter))
    chosen = parameters_to_vary(network, (name for _, name in parameters), vary=vary)
    blocks = layout(parameters, [key for key in parameters if key[1] in chosen])
    own = {block.key: parameters[block.key] for block in blocks}
    coordinates = Coordinates(with_changed(network, own), own, blocks)
    used = np.array([k for k, name in enumerate(claims) if name not in leave_out], dtype=np.intp)
    return Search(
        Figures(model, claims, coordinates),
        Priors.of(coordinates),
        SearchOptions() if options is None else options,
        used,
    )


def answer_of(model: Model, search: Search, reached: Reached, *, before: Array) -> EvidenceFit:
    """What was reached, as the answer. before: what the priors imply, (claims,)."""
    figures, coordinates = search.figures, search.figures.coordinates
    prior_variance = reached.prior_variance
    studies = _studies(search, reached)
    fitted: dict[Key, Parameter] = {}
    rows: list[FittedParameter] = []
    for block in coordinates.blocks:
        covariance = reached.covariance[block.slice, block.slice]
        informed = 1.0 - np.diag(covariance) / prior_variance[block.slice]
        said = _by_studies(studies, block, figures.studies)
        old = coordinates.parameters[block.key]
        new = coordinates.parameter_at(reached.theta, block)
        fitted[block.key] = with_fitted(old, new, covariance, float(informed.mean()), said)
        rows += _rows(block, old, new, covariance, informed, said)
    claims = tuple(
        FittedClaim(name, c, c.unscaled(float(a)), c.unscaled(float(b)), float(reached.weights[s]))
        for (name, c), a, b, s in zip(
            figures.claims.items(), before, reached.scaled, figures.study, strict=True
        )
    )
    counts = np.bincount(figures.group, minlength=len(figures.groups))
    spreads = tuple(
        StudySpread(*group, int(n), float(d))
        for group, n, d in zip(figures.groups, counts, reached.spreads.studies, strict=True)
    )
    moved = _words_moved(search, reached)
    return EvidenceFit(
        model.question(claims=len(claims)),
        with_changed(coordinates.network, fitted),
        fitted,
        tuple(rows),
        claims,
        spreads,
        reached.spreads.shared,
        dict(zip(search.priors.kinds, reached.spreads.factors.tolist(), strict=True)),
        dict(zip(search.priors.words, moved.tolist(), strict=True)),
        tuple(_keys(coordinates)),
        reached.covariance,
        len(reached.trace) - 1,
        reached.complete,
        reached.trace,
    )


def _words_moved(search: Search, reached: Reached) -> Array:
    """How far figures moved the place of each word, in log odds or log ratio, (words,)."""
    pulled = reached.slopes[reached.used].T @ reached.solved.weighted
    return np.asarray(WORD_SPREAD * (search.priors.shared.T @ pulled))


def with_fitted(
    old: Parameter, new: Parameter, covariance: Array, informed: float, studies: tuple[str, ...]
) -> Parameter:
    """A parameter with its fitted estimate, and what the fit says of it."""
    prior = old.value
    if isinstance(new, Distribution):
        p = np.array(sorted(new.estimate.values()))
        spread = float(np.trace(covariance)) / len(covariance)
        weight = float(1.0 / (max(spread, 1e-9) * max(float(p[-2]), 1e-9)))
        about = Fitted(prior=prior, weight=weight, informed=max(informed, 0.0), studies=studies)
    else:
        deviation = float(np.sqrt(covariance[0, 0]))
        about = Fitted(
            prior=prior, deviation=deviation, informed=max(informed, 0.0), studies=studies
        )
    return new.model_copy(update={"fitted": about})


def _rows(
    block: Block,
    old: Parameter,
    new: Parameter,
    covariance: Array,
    informed: Array,
    studies: tuple[str, ...],
) -> list[FittedParameter]:
    setting, name = block.key
    if isinstance(old, Distribution):
        assert isinstance(new, Distribution)
        rows = []
        for k, state in enumerate(block.states):
            p = new.estimate[state]
            # Of log(p / p_reference); the reference varies as all others together.
            deviation = float(np.sqrt(covariance[k - 1, k - 1] if k else np.trace(covariance)))
            low, high = _bounds(p, deviation * (1.0 - p) if not k else deviation, is_ratio=False)
            of_state = float(informed[k - 1]) if k else float(informed.mean())
            rows.append(
                FittedParameter(
                    setting, name, state, old.estimate[state], p, low, high, of_state, studies
                )
            )
        return rows
    assert not isinstance(new, Distribution)
    deviation = float(np.sqrt(covariance[0, 0]))
    low, high = _bounds(new.value, deviation, is_ratio=isinstance(new, Ratio))
    before, after = float(old.value), float(new.value)
    return [
        FittedParameter(setting, name, None, before, after, low, high, float(informed[0]), studies)
    ]


def _bounds(value: float, deviation: float, *, is_ratio: bool) -> tuple[float, float]:
    """The 95 % interval on the log or log-odds scale."""
    move = np.exp(NORMAL * deviation)
    if is_ratio:
        return float(value / move), float(value * move)
    if not 0.0 < value < 1.0:
        return value, value
    odds = value / (1.0 - value)
    return float(odds / move / (1.0 + odds / move)), float(odds * move / (1.0 + odds * move))


def _studies(search: Search, reached: Reached) -> Array:
    """The variance of each coordinate that each study removed, (studies, coordinates)."""
    study = search.figures.study[reached.used]
    return np.stack(
        [
            reached.solved.removed_by(np.flatnonzero(study == s))
            for s in range(len(search.figures.studies))
        ]
    )


def _by_studies(removed: Array, block: Block, names: Sequence[str]) -> tuple[str, ...]:
    """The studies that removed most of a parameter's variance, the first most."""
    by_study = removed[:, block.slice].sum(axis=1)
    total = float(by_study.sum())
    if not total > 0.0:
        return ()
    order = [int(k) for k in np.argsort(-by_study, kind="stable")[:MOST_STUDIES]]
    return tuple(names[k] for k in order if by_study[k] > LEAST_SHARE * total)


def _keys(coordinates: Coordinates) -> list[tuple[str | None, str, str | None]]:
    keys: list[tuple[str | None, str, str | None]] = []
    for block in coordinates.blocks:
        states: Sequence[str | None] = block.states[1:] if block.states else (None,)
        keys += [(*block.key, state) for state in states]
    return keys
