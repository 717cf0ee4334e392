"""Published cases ranked by network 1.0, to network/back-leg-pain.case-scores.csv; a quarter of an hour.

OMP_NUM_THREADS=1 PYTHONPATH=. python research/back-leg-pain-1.0/score.py
"""

from __future__ import annotations

from pathlib import Path

import spinelink as sl
from benchmarks.crossvalidation import table
from spinelink.evaluate.score import SCORES, score

NETWORK = Path(__file__).parent / "network" / "back-leg-pain.yaml"


def main() -> None:
    model = sl.load(NETWORK)
    found = score(model, links=True)
    frame = table(found, model.fingerprint, digits=3)
    frame.to_csv(NETWORK.with_suffix(SCORES), index=False, lineterminator="\n")
    print(found.title())


if __name__ == "__main__":
    main()
