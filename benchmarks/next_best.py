"""What to ask next: the expected information about all causes of 60 candidates, one by one, beside a loop over pyAgrum; to next_best.csv.

One patient with eight findings (four positive). spinelink: `Asker.values`, all candidates in one batched run, with one thread and with all cores. pyAgrum: LazyPropagation,
for each state of each candidate the evidence is set and the posteriors of all causes are read; one thread. Both give the same information to 1e-9, or the
script stops. Run alone: OMP_NUM_THREADS=1 python benchmarks/next_best.py
"""

from __future__ import annotations

import csv
import os
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path
from unittest import mock

import numpy as np

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
from generated import findings, read  # noqa: E402

import spinelink as sl  # noqa: E402
from spinelink.inference.arrays import CompiledNetwork  # noqa: E402
from spinelink.inference.variants.likelihood_events import with_events  # noqa: E402
from spinelink.query.next_best import Asker  # noqa: E402
from tests.inference.test_peers import agrum_of  # noqa: E402

NETWORKS = ("local-70", "random-70", "local-140", "random-140")
TOO_LARGE = {"random-140": "killed: out of memory"}  # for pyAgrum, on a machine with 24 GB
CANDIDATES = 60
FEW = {
    "leg_pain": "below_knee",
    "numbness": True,
    "age_group": 47,
    "back_pain": True,
    "fever": False,
    "weight_loss": False,
}
MORE = {
    **FEW,
    "shooting_leg_pain": True,
    "leg_weakness": True,
    "worse_on_sitting": True,
    "morning_stiffness": True,
}
MANY = {
    **MORE,
    "tingling": True,
    "worse_on_coughing": True,
    "straight_leg_raise": True,
    "reflex_loss": True,
    "saddle_numbness": False,
}
CASES = {f"back-leg-pain, {len(f)} findings": f for f in (FEW, MORE, MANY)}


def patient(name: str) -> tuple[CompiledNetwork, dict[int, int], list[int], list[int]]:
    """Network, findings, causes, and candidates."""
    if name in CASES:
        model = sl.load(name.split(",")[0])
        compiled = model.compiled
        asked = [
            compiled.index[n]
            for n, v in model.nodes.items()
            if v.role in ("symptom", "sign") and n not in CASES[name]
        ]
        causes = [compiled.index[n] for n in model.network.ranked]
        return (
            compiled,
            {k: v for k, v in model.observe(CASES[name]).observed.items() if isinstance(v, int)},
            causes,
            asked[:CANDIDATES],
        )
    compiled, layers = read(name)
    row = findings(compiled, layers, 1, "all", seed=3)[0]
    shown = [i for i, layer in enumerate(layers) if layer in ("find", "test")]
    positive, negative = [i for i in shown if row[i] > 0][:4], [i for i in shown if row[i] == 0][:4]
    observed = {i: int(row[i]) for i in (*positive, *negative)}
    asked = [i for i, layer in enumerate(layers) if i not in observed and layer != "cause"][
        -CANDIDATES:
    ]
    return compiled, observed, [i for i, layer in enumerate(layers) if layer == "cause"], asked


def by_agrum(
    compiled: CompiledNetwork,
    observed: dict[int, int],
    causes: list[int],
    asked: list[int],
    most: float,
) -> tuple[float, int, list[float]]:
    """Seconds, how many candidates were done within `most` seconds, and their information."""
    import pyagrum as gum

    engine = gum.LazyPropagation(agrum_of(compiled))
    names = compiled.names
    engine.setTargets({names[i] for i in causes} | {names[i] for i in asked})
    engine.setEvidence({names[i]: s for i, s in observed.items()})
    engine.makeInference()
    start = time.perf_counter()
    found = []
    before = [engine.posterior(names[t]).toarray() for t in causes]
    chances = [engine.posterior(names[i]).toarray() for i in asked]
    for i, chance in zip(asked, chances, strict=True):
        total = 0.0
        for s in range(compiled.cards[i]):
            engine.setEvidence({**{names[j]: v for j, v in observed.items()}, names[i]: s})
            engine.makeInference()
            for t, prior in zip(causes, before, strict=True):
                after = engine.posterior(names[t]).toarray()
                kept = after > 0.0
                total += float(chance[s] * (after[kept] * np.log2(after[kept] / prior[kept])).sum())
        found.append(total)
        if time.perf_counter() - start > most:
            break
    return time.perf_counter() - start, len(found), found


def ours(
    compiled: CompiledNetwork,
    observed: dict[int, int],
    causes: list[int],
    asked: list[int],
    threads: int,
) -> tuple[float, list[float]]:
    ask = Asker(compiled, causes, [1.0] * len(causes), [1.0] * len(causes), None)
    groups = {compiled.names[i]: (compiled.names[i],) for i in asked}
    best, values = float("inf"), []
    with mock.patch("os.cpu_count", return_value=threads):
        for _ in range(4):
            start = time.perf_counter()
            values = [
                t.value
                for t in ask.each(observed, with_events(compiled, observed, [{}], causes), groups)
            ]
            best = min(best, time.perf_counter() - start)
    return best, values


def main() -> None:
    versions = ", ".join(f"{p} {version(p)}" for p in ("spinelink", "numpy", "numba", "pyagrum"))
    with (Path(__file__).parent / "next_best.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            [
                "network",
                "candidates",
                "seconds_1_thread",
                "seconds_all_cores",
                "pyagrum_seconds",
                "times_faster_1_thread",
                "times_faster",
                "versions",
            ]
        )
        for name in (*NETWORKS, *CASES):
            compiled, observed, causes, asked = patient(name)
            one, values = ours(compiled, observed, causes, asked, 1)
            every, _ = ours(compiled, observed, causes, asked, os.cpu_count() or 1)
            line = [name, len(asked), f"{one:.3g}", f"{every:.3g}"]
            if name in CASES:
                line += [
                    "no answer in 60 s (one_case.csv)",
                    "",
                    f"{60 * 2 * len(asked) / every:.3g} at least",
                ]
            elif name in TOO_LARGE:
                line += [TOO_LARGE[name], "", ""]
            else:
                taken, done, peer = by_agrum(compiled, observed, causes, asked, 60.0)
                worst = float(np.abs(np.array(values[:done]) - np.array(peer)).max())
                assert worst < 1e-9, worst
                taken *= len(asked) / done
                line += [f"{taken:.3g}", f"{taken / one:.3g}", f"{taken / every:.3g}"]
            print(*line, sep="\t", flush=True)
            writer.writerow(
                [*line, f"{versions}, Python {platform.python_version()}, {os.cpu_count()} cores"]
            )


if __name__ == "__main__":
    main()
