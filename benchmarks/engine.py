"""The engine on the generated networks, beside pyAgrum LazyPropagation and pgmpy VariableElimination, one core; to engine.csv.

One patient with 8 findings (all causes, all nodes; first time and again), 10,000 parameter draws and all derivatives with 7 positive findings. Medians
over patients. Of the peers only inference is timed: networks are built and numbers set beforehand; peers' draws and derivatives are one inference
times their number. Run alone on a machine: OMP_NUM_THREADS=1 taskset -c 0 python benchmarks/engine.py
"""

from __future__ import annotations

import csv
import platform
import resource
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from spinelink.inference.answer import marginals
from spinelink.inference.arrays import CompiledNetwork, TableFactor
from spinelink.inference.draws import draw_marginals
from spinelink.inference.gradient.by_entry import derivatives

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
from generated import findings, read  # noqa: E402

from tests.inference.test_peers import agrum_of  # noqa: E402

NETWORKS = ("local-70", "random-70", "local-140", "random-140")
PATIENTS = 20
PGMPY_PATIENTS = 3
DRAWS = 10_000
MEMORY = 12 * 10**9  # bytes


def seconds(run: Callable[[], object], repeats: int = 1) -> float:
    """The shortest of a few runs: what else the machine does only adds."""
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return best


def fresh(network: CompiledNetwork) -> CompiledNetwork:
    """The same network without plans."""
    return CompiledNetwork(network.names, network.states, network.factors)


def patients(
    network: CompiledNetwork, layers: list[str], size: int, *, positive: int | None = None
) -> list[dict[int, int]]:
    """Patients sampled from the network, each with `size` findings or tests seen, or with as many as make `positive` of them positive."""
    generator = np.random.default_rng(1)
    found: list[dict[int, int]] = []
    for row in findings(network, layers, 5000, "all", seed=1):
        shown = generator.permutation(np.flatnonzero(row >= 0))
        if positive is None or (row[shown[:size]] > 0).sum() == positive:
            found.append({int(i): int(row[i]) for i in shown[:size]})
        if len(found) == PATIENTS:
            break
    return found


def jittered(network: CompiledNetwork) -> CompiledNetwork:
    generator = np.random.default_rng(2)

    def jitter(array: np.ndarray) -> np.ndarray:
        spread = np.repeat(array, DRAWS, axis=-1) * np.exp(
            0.3 * generator.standard_normal((*array.shape[:-1], DRAWS))
        )
        return spread / spread.sum(axis=-2, keepdims=True)

    return network.map_arrays(jitter)


def free_numbers(network: CompiledNetwork) -> int:
    """How many numbers can be moved: entries of distributions that are not certain, less one for each distribution."""
    count = 0
    for f in network.factors:
        for a in (f.table,) if isinstance(f, TableFactor) else (f.leak, *f.links):
            rows = a[..., 0].reshape(-1, a.shape[-2])
            count += int(((rows > 0) & (rows < 1)).any(axis=1).sum()) * (a.shape[-2] - 1)
    return count


class Report:
    """Rows of the table, shown as they come."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, ...]] = []

    def add(
        self, name: str, measure: str, ours: float, engine: str, peer: float | None, who: str
    ) -> None:
        other = ("no answer", "") if peer is None else (f"{peer:.4g}", f"{peer / ours:.3g}")
        self.rows.append((name, measure, engine, f"{ours:.4g}", who, *other))
        print(*self.rows[-1], sep="\t", flush=True)


def ask_agrum(lazy: Any, evidence: dict[str, int], names: list[str]) -> None:
    lazy.setEvidence(evidence)
    lazy.makeInference()
    for name in names:
        lazy.posterior(name)


def agrum(bn: Any, evidence: dict[str, int], names: list[str]) -> tuple[float, float] | None:
    """Seconds the first time and again; None where it runs out of memory."""
    import pyagrum as gum

    lazy = gum.LazyPropagation(bn)
    lazy.setTargets(set(names))
    try:
        return seconds(lambda: ask_agrum(lazy, evidence, names)), seconds(
            lambda: ask_agrum(lazy, evidence, names), 3
        )
    except Exception as problem:
        print("pyAgrum:", problem)
        return None


def median(values: list[float]) -> float:
    return statistics.median(values)


def one_case(
    report: Report,
    name: str,
    network: CompiledNetwork,
    bn: Any,
    cases: list[dict[int, int]],
    question: str,
    nodes: list[int],
) -> None:
    names = [network.names[i] for i in nodes]
    peers = []
    for observed in cases:
        peers.append(agrum(bn, {network.names[i]: s for i, s in observed.items()}, names))
        if peers[-1] is None:
            break
    for engine in ("numpy", "fast"):
        first, again = [], []
        for observed in cases:
            new = fresh(network).with_engine(engine)
            marginals(new, {}, [0])  # the network flattened, where the engine does
            first.append(seconds(lambda n=new, s=observed: marginals(n, s, nodes)))
            again.append(seconds(lambda n=new, s=observed: marginals(n, s, nodes), 3))
        for k, (when, ours) in enumerate((("first time", first), ("again", again))):
            peer = None if peers[-1] is None else median([p[k] for p in peers])
            report.add(name, f"one case, {question}, {when}", median(ours), engine, peer, "pyAgrum")
        if name.endswith("70") and question == "causes" and engine == "numpy":
            from pgmpy.inference import VariableElimination

            from spinelink.exchange.pgmpy import to_pgmpy

            elimination = VariableElimination(to_pgmpy(network))
            taken = []
            for observed in cases[:PGMPY_PATIENTS]:
                evidence = {network.names[i]: network.states[i][s] for i, s in observed.items()}
                taken.append(
                    seconds(
                        lambda e=evidence, v=elimination: v.query(
                            names, evidence=e, joint=False, show_progress=False
                        )
                    )
                )
            report.add(
                name, "one case, causes, again", median(again), engine, median(taken), "pgmpy"
            )


def numbers(
    report: Report,
    name: str,
    network: CompiledNetwork,
    bn: Any,
    cases: list[dict[int, int]],
    causes: list[int],
) -> None:
    """Draws and derivatives."""
    names = [network.names[i] for i in causes]
    peer = median(
        [
            agrum(bn, {network.names[i]: s for i, s in observed.items()}, names)[1]
            for observed in cases
        ]
    )  # type: ignore[index]
    drawn = jittered(network)
    for engine in ("numpy", "fast") if name.endswith("70") else ("fast",):
        chosen = drawn.with_engine(engine)
        taken = median(
            [
                seconds(lambda s=s, d=chosen: draw_marginals(d, s, nodes=causes, threads=1))
                for s in cases
            ]
        )
        report.add(name, f"{DRAWS} draws, 7 positive", taken, engine, peer * DRAWS, "pyAgrum")
    targets = [(i, s) for i in causes for s in range(1, network.cards[i])]
    taken = median(
        [seconds(lambda s=s: derivatives(network, s, targets=targets), 3) for s in cases]
    )
    count = free_numbers(network)
    report.add(
        name, f"derivatives by {count} numbers, 7 positive", taken, "numpy", peer * count, "pyAgrum"
    )


def main() -> None:
    warnings.simplefilter("ignore")
    resource.setrlimit(
        resource.RLIMIT_AS, (MEMORY, MEMORY)
    )  # so that a peer that asks for more ends with an error, not the machine
    report = Report()
    for name in NETWORKS:
        network, layers = read(name)
        causes = [i for i, layer in enumerate(layers) if layer == "cause"]
        bn = agrum_of(network)
        cases = patients(network, layers, 8)
        marginals(network.with_engine("fast"), cases[0], causes)  # compiled before the clock starts
        one_case(report, name, network, bn, cases, "causes", causes)
        one_case(report, name, network, bn, cases, "all nodes", list(range(len(layers))))
        numbers(report, name, network, bn, patients(network, layers, 14, positive=7)[:3], causes)
    versions = ", ".join(
        f"{p} {version(p)}" for p in ("spinelink", "numpy", "numba", "pyagrum", "pgmpy")
    )
    with (Path(__file__).parent / "engine.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            [
                "network",
                "measure",
                "engine",
                "seconds",
                "peer",
                "peer_seconds",
                "times_faster",
                "versions",
            ]
        )
        writer.writerows(
            [*row, f"{versions}, Python {platform.python_version()}, one core"]
            for row in report.rows
        )


if __name__ == "__main__":
    main()
