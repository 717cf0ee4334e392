"""Claims of back-leg-pain predicted by fits without their source, five folds; to networks/back-leg-pain.crossvalidation.csv.

Some 5 minutes a fold, the folds side by side: OMP_NUM_THREADS=1 python benchmarks/crossvalidation.py
"""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import spinelink as sl
from spinelink.claims.file import claims_for
from spinelink.evaluate.crossvalidation import CrossValidation, cross_validate

NAME, FOLDS = "back-leg-pain", 5
TARGET = Path(__file__).parents[1] / "networks" / f"{NAME}.crossvalidation.csv"


def one_fold(fold: int) -> CrossValidation:
    model = sl.load(NAME)
    return cross_validate(model, claims_for(model).claims, folds=FOLDS, only=[fold])


def main() -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        parts = pool.map(one_fold, range(FOLDS), chunksize=1)
    found = CrossValidation(parts[0].question, tuple(row for part in parts for row in part.rows))
    frame = found.to_frame()
    for column in ("before", "predicted", "low", "high", "error_before", "error"):
        frame[column] = frame[column].map(lambda v: float(f"{v:.6g}"))
    frame.to_csv(TARGET, index=False, lineterminator="\n")
    print(found)


if __name__ == "__main__":
    main()
