"""Published cases of back-leg-pain, each ranked in its setting, to networks/NAME.case-scores.csv.

Some 15 minutes for back-leg-pain: OMP_NUM_THREADS=1 python benchmarks/case_scores.py [NAME]
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

import spinelink as sl
from spinelink.evaluate.case_score import CaseScore
from spinelink.evaluate.score import SCORES, score

NETWORKS = Path(__file__).parents[1] / "networks"


def table(found: CaseScore, stamp: str) -> pd.DataFrame:
    """One row a case, probabilities with three digits. stamp: the fingerprint of the fitted network."""
    frame = found.to_frame()
    for column in frame.select_dtypes("float").columns:
        frame[column] = [float(f"{value:.3g}") for value in frame[column]]
    frame.insert(0, "fingerprint", stamp)
    return frame


def main(name: str = "back-leg-pain") -> None:
    model = sl.load(name)
    found = score(model, links=True)
    path = NETWORKS / f"{name}{SCORES}"
    table(found, model.fingerprint).to_csv(path, index=False, lineterminator="\n")
    print(found.title())


if __name__ == "__main__":
    main(*sys.argv[1:2])
