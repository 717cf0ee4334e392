"""Figures of a network predicted by fits without their studies, ten folds; to networks/NAME.crossvalidation.csv.

Some 20 minutes for back-leg-pain: OMP_NUM_THREADS=1 python benchmarks/crossvalidation.py [NAME]
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pandas as pd

from spinelink.library import load_as_stated
from spinelink.result import Result

NAME, FOLDS = "back-leg-pain", 10
NETWORKS = Path(__file__).parents[1] / "networks"
DIGITS = 6


def table(found: Result, stamp: str, digits: int = DIGITS) -> pd.DataFrame:
    """An answer as a table with few digits. stamp: the fingerprint of the network as its file says it."""
    frame = found.to_frame()
    for column in frame.select_dtypes("float").columns:
        frame[column] = [float(f"{value:.{digits}g}") for value in frame[column]]
    frame.insert(0, "fingerprint", stamp)
    return frame


def main(name: str = NAME, folds: int = FOLDS) -> None:
    model = load_as_stated(name)
    found = model.cross_validate(folds=folds, processes=os.cpu_count() or 1)
    path = NETWORKS / f"{name}.crossvalidation.csv"
    table(found, model.fingerprint).to_csv(path, index=False, lineterminator="\n")
    print(found)


if __name__ == "__main__":
    main(*sys.argv[1:2])
