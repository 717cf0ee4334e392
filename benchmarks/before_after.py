"""Two source trees side by side: how long the same questions take in each.

    python benchmarks/before_after.py BEFORE/src AFTER/src

Each question runs in a process of its own, the trees in turn, several rounds; the CSV holds the
medians and their ratio (after / before), with the versions of both and of what they ran on.
"""

from __future__ import annotations

import csv
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

ROUNDS = 5
BYTECODE = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": tempfile.mkdtemp()}
"""Python keeps its bytecode, as it does for users."""
OUT = Path(__file__).parent / "before_after.csv"

QUESTIONS = {
    "import spinelink": "",
    "load and first differential, default engine": """
case = sl.load("back-leg-pain").observe(FEW)
case.differential()
""",
}
for engine, rows in (("numpy", 60), ("fast", 500)):
    for name, words in (("FEW", "6 findings"), ("MANY", "12 findings")):
        QUESTIONS[f"differential again, {words}, {engine}"] = f"""
model = sl.load("back-leg-pain", engine="{engine}")
model.observe({name}).differential()
start = clock()
for _ in range(5):
    model.observe({name}).differential()
"""
    QUESTIONS[f"table of {rows} patients, {engine}"] = f"""
model = sl.load("back-leg-pain", engine="{engine}")
frame = model.sample({rows}, seed=1, columns="observable", missing=0.9)
model.posteriors(frame.head(20), engine="{engine}", threads=2, progress=False)
start = clock()
model.posteriors(frame, engine="{engine}", threads=2, progress=False)
"""

PROLOGUE = """
import time
clock = time.perf_counter
start = clock()
import spinelink as sl
FEW = {"age_group": 47, "leg_pain": "below_knee", "numbness": True, "fever": False}
FEW |= {"back_pain": True, "night_pain": False}
MANY = {**FEW, "sex": "male", "weight_loss": False, "straight_leg_raise": True}
MANY |= {"saddle_numbness": False, "foot_drop": True, "leg_weakness": True}
"""


def seconds(tree: str, code: str) -> float:
    """The seconds of one run in a fresh process."""
    program = f"{PROLOGUE}{code}\nprint(clock() - start)"
    environment = {**os.environ, "PYTHONPATH": tree, "OMP_NUM_THREADS": "1", **BYTECODE}
    command = [sys.executable, "-c", program]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(answer.stdout.split()[-1])


def main() -> None:
    before, after = sys.argv[1:3]
    rows = []
    for question, program in QUESTIONS.items():
        taken: dict[str, list[float]] = {before: [], after: []}
        for tree in (before, after):
            seconds(tree, program)  # compiled code and bytecode are made before
        for _ in range(ROUNDS):
            for tree in (before, after):
                taken[tree].append(seconds(tree, program))
        first, second = median(taken[before]), median(taken[after])
        rows.append((question, f"{first:.4f}", f"{second:.4f}", f"{second / first:.2f}"))
        print(*rows[-1], sep="\t", flush=True)
    import numba
    import numpy as np

    versions = (
        f"Python {platform.python_version()}, numpy {np.__version__}, numba {numba.__version__}"
    )
    with OUT.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["question", "before_s", "after_s", "ratio", "versions"])
        writer.writerows([*row, versions] for row in rows)


if __name__ == "__main__":
    main()
