"""Figures predicted by fits of network 1.0 without their studies, to network/back-leg-pain.crossvalidation.csv.

Each fold takes the figures as linear about the fitted values. Some 12 minutes:
OMP_NUM_THREADS=1 PYTHONPATH=. python research/back-leg-pain-1.0/crossvalidate.py
"""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.crossvalidation import table
from spinelink.adjust.coordinates import Coordinates
from spinelink.adjust.evidence.fit import search_for
from spinelink.adjust.evidence.search import Spreads, Start
from spinelink.claims.file import claims_for
from spinelink.evaluate.crossvalidation import folds_by_study, predict_left_out
from spinelink.evaluate.predicted import CrossValidation
from spinelink.library import load, load_as_stated
from spinelink.network.setting import parameters_in

FOLDS = 10
NETWORK = Path(__file__).parent / "network" / "back-leg-pain.yaml"


def about_fitted_values() -> Start:
    """What the figures are, and how they move, at the fitted values of a network."""
    stated, fitted = load_as_stated(NETWORK), load(NETWORK)
    search = search_for(stated, claims_for(stated).claims)
    blocks = search.figures.coordinates.blocks
    parameters = {b.key: parameters_in(fitted.network, b.key[0])[b.key[1]] for b in blocks}
    theta = Coordinates(fitted.network, parameters, blocks).start
    spreads = Spreads.start(len(search.figures.groups), len(search.priors.kinds))
    figures = search.figures
    return Start(theta, figures.implied_by(theta), figures.slopes_at(theta), spreads)


def main() -> None:
    model = load_as_stated(NETWORK)
    claims = claims_for(model).claims
    rows = predict_left_out(
        model,
        claims,
        folds_by_study(claims, FOLDS),
        about=about_fitted_values(),
        processes=os.cpu_count() or 1,
    )
    question = model.question(folds=FOLDS, by="study", claims=len(claims))
    found = CrossValidation(question, tuple(rows), "study")
    path = NETWORK.with_suffix(".crossvalidation.csv")
    table(found, model.fingerprint).to_csv(path, index=False, lineterminator="\n")
    print(found)


if __name__ == "__main__":
    main()
