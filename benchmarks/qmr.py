"""Large two-layer noisy-OR networks (QMR, Promedus): one patient, all diseases, with more and more positive findings; to qmr.csv.

width: log2 of the largest table of the plan. Run on one core: OMP_NUM_THREADS=1 taskset -c 0 python benchmarks/qmr.py
"""

from __future__ import annotations

import csv
import platform
import resource
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

from spinelink.errors import TooLargeError
from spinelink.inference.interpreted.marginals import marginals
from spinelink.inference.plan.patterns import pattern_of
from spinelink.inference.plan.plan import make_plan

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.qmr import patient, quickscore, two_layers

SIZES = (200, 500, 1000)
POSITIVE = (2, 4, 6, 8, 10, 12, 15)
NEGATIVE = 20
QUICKSCORE_UP_TO = 10  # positives for which the oracle's 2^n terms are waited for


def main() -> None:
    rows = []
    for size in SIZES:
        network = two_layers(size, seed=size)
        diseases = list(range(size // 3))
        for positive in POSITIVE:
            observed = patient(network, positive, NEGATIVE, seed=positive)
            width = np.log2(
                make_plan(
                    network,
                    pattern_of(observed),
                    kept=network.ancestors([*observed, *diseases]),
                ).width
            )
            start = time.perf_counter()
            try:
                found = marginals(network, observed, diseases)
                taken, error = f"{time.perf_counter() - start:.3f}", ""
                if positive <= QUICKSCORE_UP_TO:
                    total, joint = quickscore(network, observed)
                    error = f"{max(abs(found.posterior[i][1, 0] - float(joint[i] / total)) for i in diseases):.1e}"
            except TooLargeError:
                taken, error = f"refused after {time.perf_counter() - start:.1f}", ""
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            rows.append((size, positive, NEGATIVE, f"{width:.1f}", taken, error, f"{memory:.0f}"))
            print(*rows[-1], sep="\t", flush=True)
    versions = (
        ", ".join(f"{p} {version(p)}" for p in ("spinelink", "numpy"))
        + f", Python {platform.python_version()}"
    )
    with (Path(__file__).parent / "qmr.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            [
                "variables",
                "positive",
                "negative",
                "width_log2",
                "seconds",
                "largest_error_against_quickscore",
                "peak_memory_mb",
                "versions",
            ]
        )
        writer.writerows([*row, versions] for row in rows)


if __name__ == "__main__":
    main()
