"""The public networks in the pgmpy wheel through `sl.from_pgmpy`: all marginals after a dozen findings, against pyAgrum, to pgmpy_networks.csv.

Findings are sampled from the network itself at nodes without children, then at others. Each network runs in a process of its own, with a time limit.
"""

from __future__ import annotations

import csv
import multiprocessing
import resource
import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np

import spinelink as sl
from spinelink.inference.arrays import CompiledNetwork, TableFactor
from spinelink.inference.interpreted.marginals import marginals

sys.path[:0] = [str(Path(__file__).parents[1])]
from tests.inference.test_peers import agrum_of  # noqa: E402

NAMES = (
    "asia", "cancer", "earthquake", "sachs", "survey", "alarm", "barley", "child", "insurance", "mildew", "water", "hailfinder", "hepar2", "win95pts",
    "andes", "diabetes", "link", "munin1", "munin2", "munin3", "munin4", "pathfinder", "pigs", "munin",
)  # fmt: skip
LIMIT, FINDINGS = 60, 12
HEADER = (
    "network",
    "nodes",
    "findings",
    "seconds_spinelink",
    "seconds_pyagrum",
    "largest_difference",
    "memory_mb",
    "versions",
)


def some_findings(network: CompiledNetwork, generator: np.random.Generator) -> dict[int, int]:
    state: dict[int, int] = {}
    for i in network.order:
        factor = network.factors[i]
        assert isinstance(factor, TableFactor)
        chances = factor.table[(*(state[p] for p in factor.parents), slice(None), 0)]
        state[i] = int(generator.choice(len(chances), p=chances / chances.sum()))
    inner = {p for parents in network.parents for p in parents}
    leaves = [i for i in range(len(network.names)) if i not in inner]
    others = [i for i in range(len(network.names)) if i in inner]
    chosen = [*generator.permutation(leaves), *generator.permutation(others)][
        : min(FINDINGS, len(network.names) // 2)
    ]
    return {int(i): state[int(i)] for i in chosen}


def run(name: str, pipe: object) -> None:
    warnings.simplefilter("ignore")
    from pgmpy.utils import get_example_model

    network = sl.from_pgmpy(get_example_model(name)).compiled
    observed = some_findings(network, np.random.default_rng(0))
    begin = time.perf_counter()
    found = marginals(network, observed, range(len(network.names)))
    ours = time.perf_counter() - begin
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    pipe.send((name, len(network.names), len(observed), f"{ours:.3f}", "", "", f"{memory:.0f}"))  # type: ignore[attr-defined]
    import pyagrum as gum

    engine = gum.LazyPropagation(agrum_of(network))
    begin = time.perf_counter()
    engine.setEvidence({network.names[i]: s for i, s in observed.items()})
    engine.makeInference()
    peer = [engine.posterior(n).toarray() for n in network.names]
    theirs = time.perf_counter() - begin
    worst = max(float(np.abs(found.posterior[i][:, 0] - p).max()) for i, p in enumerate(peer))
    pipe.send(
        (
            name,
            len(network.names),
            len(observed),
            f"{ours:.3f}",
            f"{theirs:.3f}",
            f"{worst:.1e}",
            f"{memory:.0f}",
        )
    )  # type: ignore[attr-defined]


def main(names: tuple[str, ...]) -> None:
    versions = ", ".join(f"{p} {version(p)}" for p in ("spinelink", "numpy", "pyagrum", "pgmpy"))
    with (Path(__file__).parent / "pgmpy_networks.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for name in names:
            mine, theirs = multiprocessing.get_context("spawn").Pipe(duplex=False)
            process = multiprocessing.get_context("spawn").Process(target=run, args=(name, theirs))
            process.start()
            process.join(LIMIT)
            if process.is_alive():
                process.kill()
                process.join()
            row: tuple[object, ...] = (name, "", "", f"no answer in {LIMIT}", "", "", "")
            while mine.poll():
                row = mine.recv()
            writer.writerow([*row, versions])
            file.flush()
            print(*row, sep="\t", flush=True)


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or NAMES)
