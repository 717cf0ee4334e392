"""One patient, all causes and all nodes: spinelink, pyAgrum and pgmpy in turn in one process, medians and ratios to one_case.csv.

Run on one core: OMP_NUM_THREADS=1 taskset -c 0 python benchmarks/one_case.py
"""

from __future__ import annotations

import csv
import platform
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import spinelink as sl
from spinelink.inference.numeric import compile_network, point_values
from spinelink.inference.query import marginals
from spinelink.model.settings import parameters_in

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.inference.test_peers import agrum_of

FINDINGS = {
    "back_pain": "present",
    "leg_pain": "below_knee",
    "numbness": "present",
    "leg_weakness": "absent",
    "straight_leg_raise": "present",
    "fever": "absent",
    "night_pain": "absent",
    "age_group": "35-49",
}
REPEATS = 15


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main() -> None:
    import pyagrum as gum

    warnings.simplefilter("ignore")
    model = sl.load("back-leg-pain")
    compiled = model.compiled
    seen = {compiled.index[n]: compiled.states[compiled.index[n]].index(s) for n, s in FINDINGS.items()}
    causes = [compiled.index[n] for n in model.network.ranked]
    every = list(range(len(compiled.names)))
    values = point_values(model.network, parameters_in(model.network, model.setting))
    peer = agrum_of_network(model)

    def agrum(nodes: list[int], engine: object = None) -> None:
        lazy = gum.LazyPropagation(peer)
        lazy.setEvidence(FINDINGS)
        lazy.setTargets({compiled.names[i] for i in nodes})
        lazy.makeInference()
        for i in nodes:
            lazy.posterior(compiled.names[i])

    def ours(nodes: list[int], *, cold: bool) -> None:
        marginals(compile_network(model.network, values) if cold else compiled, seen, nodes)

    rows = []
    for name, nodes in (("all causes", causes), ("all nodes", every)):
        fresh = [compile_network(model.network, values) for _ in range(REPEATS)]
        ours(nodes, cold=False)
        samples: dict[str, list[float]] = {"spinelink cold plan": [], "spinelink warm plan": [], "pyAgrum LazyPropagation": []}
        for k in range(REPEATS):
            samples["spinelink cold plan"].append(seconds(lambda k=k: marginals(fresh[k], seen, nodes)))
            samples["spinelink warm plan"].append(seconds(lambda: ours(nodes, cold=False)))
            samples["pyAgrum LazyPropagation"].append(seconds(lambda: agrum(nodes)))
        base = statistics.median(samples["pyAgrum LazyPropagation"])
        rows += [
            (name, engine, f"{1e3 * statistics.median(times):.2f}", f"{base / statistics.median(times):.2f}")
            for engine, times in samples.items()
        ]
    versions = ", ".join(f"{p} {version(p)}" for p in ("spinelink", "numpy", "pyagrum", "pgmpy")) + f", Python {platform.python_version()}"
    with (Path(__file__).parent / "one_case.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["question", "engine", "median_ms", "times_faster_than_pyagrum", "versions"])
        writer.writerows([*row, versions] for row in rows)
    for row in rows:
        print(*row, sep="\t")


def agrum_of_network(model: sl.Model) -> object:
    """The network in pyAgrum; noisy families too large for a table as chains, through the pgmpy form."""
    return agrum_of(sl.from_pgmpy(model.to_pgmpy()).compiled)


if __name__ == "__main__":
    main()
