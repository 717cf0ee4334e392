"""How cost grows, on one core, and what share of the core's peak the kernel reaches; to growth.csv.

Nodes of the network, rows of a table, findings seen, positive findings: milliseconds a patient (all causes), multiply-adds a patient, peak memory of the
process so far. Run alone on a machine: OMP_NUM_THREADS=1 taskset -c 0 python benchmarks/growth.py
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

from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.plan.patterns import pattern_of
from spinelink.inference.plan.plan import Combine, make_plan
from spinelink.table.cells import TableFindings
from spinelink.table.engine import answer

sys.path.insert(0, str(Path(__file__).parent))
from generated import findings, read, sample

ROWS = 2000
COUNTED = 60  # patients whose multiply-adds are counted


def peak() -> float:
    """Multiply-adds a second on arrays that stay in the first cache."""
    from numba import njit

    @njit(error_model="numpy")
    def run(x, y, z, times):  # type: ignore[no-untyped-def]
        for _ in range(times):
            for k in range(len(x)):
                x[k] += y[k] * z[k]

    x, y, z = np.zeros(1024), np.ones(1024), np.ones(1024)
    run(x, y, z, 1)
    best = 0.0
    for _ in range(20):
        start = time.perf_counter()
        run(x, y, z, 10_000)
        best = max(best, 1024 * 10_000 / (time.perf_counter() - start))
    return best


def multiply_adds(network: CompiledNetwork, codes: np.ndarray, causes: list[int]) -> float:
    """A patient, forwards and backwards (three products for one of the plan), by the plans of the NumPy engine; mean over some patients."""
    total = 0.0
    for row in codes[:COUNTED]:
        observed = {int(i): int(row[i]) for i in np.flatnonzero(row >= 0)}
        noisy = {
            i: ("lowest" if hasattr(network.factors[i], "leak") and s == 0 else "hard")
            for i, s in observed.items()
        }
        plan = make_plan(
            network,
            {**pattern_of(observed), **noisy},
            kept=network.ancestors([*observed, *causes]),
        )  # type: ignore[arg-type]
        for step in plan.steps:
            if isinstance(step, Combine):
                total += (
                    3.0
                    * float(np.prod(np.maximum(step.shape_a, step.shape_b)))
                    * 2.0 ** len(step.deputy_axes)
                )
    return total / min(COUNTED, len(codes))


def shown(
    network: CompiledNetwork, layers: list[str], rows: int, count: int, positive: int | None = None
) -> np.ndarray:
    """Patients with `count` findings seen; `positive` of them positive where given (findings are then set, not sampled)."""
    generator = np.random.default_rng(3)
    observable = np.array([i for i, layer in enumerate(layers) if layer in ("find", "test")])
    codes = np.full((rows, len(layers)), -1)
    truth = sample(network, rows, generator)
    for row in range(rows):
        chosen = generator.permutation(observable)[:count]
        codes[row, chosen] = truth[row, chosen]
        if positive is not None:
            codes[row, chosen] = 0
            codes[row, chosen[:positive]] = 1
    return codes


def main() -> None:
    fastest = peak()
    rows: list[tuple[str, ...]] = []

    def measure(
        name: str,
        dimension: str,
        value: int,
        codes: np.ndarray,
        engine: str = "fast",
        count: bool = True,
    ) -> None:
        network, layers = networks[name]
        causes = [i for i, layer in enumerate(layers) if layer == "cause"]
        table = TableFindings(
            len(codes),
            {n: codes[:, i] for i, n in enumerate(network.names) if (codes[:, i] >= 0).any()},
            {},
        )
        names = [network.names[i] for i in causes]
        answer(network, table.part(slice(0, 16)), nodes=names, threads=1, engine=engine)  # type: ignore[arg-type]
        start = time.perf_counter()
        answer(network, table, nodes=names, threads=1, engine=engine)  # type: ignore[arg-type]
        each = (time.perf_counter() - start) / len(codes)
        work = multiply_adds(network, codes, causes) if count else float("nan")
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        share = "" if not count else f"{100 * work / each / fastest:.1f}"
        rows.append(
            (
                name,
                dimension,
                str(value),
                engine,
                f"{1000 * each:.4g}",
                f"{work:.3g}" if count else "",
                share,
                f"{memory:.0f}",
            )
        )
        print(*rows[-1], sep="\t", flush=True)

    networks = {
        f"{kind}-{size}": read(f"{kind}-{size}")
        for kind in ("local", "random")
        for size in (70, 140, 280)
    }
    for name, (network, layers) in networks.items():
        size = int(name.split("-")[1])
        measure(
            name, "nodes, 8 findings", size, shown(network, layers, 40 if size == 280 else 1000, 8)
        )
        measure(name, "nodes, 8 findings", size, shown(network, layers, 40, 8), "numpy")
    for name in ("local-70", "random-70"):
        network, layers = networks[name]
        for pattern in ("own", "fixed"):
            measure(
                name,
                f"own share of the peak, {pattern}",
                ROWS,
                findings(network, layers, ROWS if pattern == "own" else 10 * ROWS, pattern),
            )
        for count in (2, 4, 8, 16, 32):
            measure(name, "findings seen", count, shown(network, layers, ROWS, count))
        for positive in (0, 2, 4, 6, 8, 10):
            measure(
                name,
                "positive of 16 findings",
                positive,
                shown(network, layers, ROWS // 4, 16, positive),
            )
    network, layers = networks["local-70"]
    for size in (1_000, 10_000, 100_000, 1_000_000):
        measure(
            "local-70",
            "rows, one pattern",
            size,
            findings(network, layers, size, "fixed"),
            count=False,
        )
    versions = (
        ", ".join(f"{p} {version(p)}" for p in ("spinelink", "numpy", "numba"))
        + f", Python {platform.python_version()}, one core"
    )
    with (Path(__file__).parent / "growth.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            [
                "network",
                "dimension",
                "value",
                "engine",
                "ms_a_patient",
                "multiply_adds",
                "percent_of_peak",
                "peak_memory_mb",
                "versions",
            ]
        )
        writer.writerows(
            [*row, f"{versions}, peak {fastest / 1e9:.1f} G multiply-adds a second"] for row in rows
        )


if __name__ == "__main__":
    main()
