"""Tables of patients, all causes: spinelink with one and four threads, pyAgrum LazyPropagation with four processes, rows a second to tables.csv.

A table in which every row has its own pattern of findings, and one with the same pattern in all rows. Run alone on a machine with four cores:
    OMP_NUM_THREADS=1 python benchmarks/tables.py [network ...]
Named networks alone are measured anew; the others keep their rows.
"""

from __future__ import annotations

import csv
import multiprocessing
import os
import platform
import resource
import sys
import threading
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

from spinelink.table.cells import TableFindings
from spinelink.table.engine import answer

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
from generated import findings, read  # noqa: E402

from tests.inference.test_peers import agrum_of  # noqa: E402

NETWORKS = ("local-70", "random-70", "local-140", "random-140")
ROWS = {"own": 30_000, "fixed": 150_000}
FEWER = {"random-140": 100}  # times fewer rows, where a row takes that much longer
PEER_ROWS = {"own": 60, "fixed": 60}  # for each process
PROCESSES = 4
CSV = Path(__file__).parent / "tables.csv"
COLUMNS = (
    "network",
    "pattern",
    "rows_a_second_1_thread",
    "rows_a_second_4_threads",
    "efficiency",
    "pyagrum_4_processes",
    "times_faster",
    "versions",
)
WAIT = 150  # seconds for the peer
MEMORY = 5 * 10**9  # bytes for each of its processes


def peer(name: str, pattern: str, part: int, start: object) -> None:
    """One process of pyAgrum: reads, says that it is ready, waits for the others, and works."""
    import pyagrum as gum

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    network, layers = read(name)
    codes = findings(network, layers, PEER_ROWS[pattern] * PROCESSES, pattern, seed=1)[
        part::PROCESSES
    ]
    causes = [network.names[i] for i, layer in enumerate(layers) if layer == "cause"]
    engine = gum.LazyPropagation(agrum_of(network))
    engine.setTargets(set(causes))
    start.wait(WAIT)  # type: ignore[attr-defined]
    for row in codes:
        engine.setEvidence({network.names[i]: int(s) for i, s in enumerate(row) if s >= 0})
        engine.makeInference()
        for cause in causes:
            engine.posterior(cause)
    start.wait(WAIT)  # type: ignore[attr-defined]


def peer_rate(name: str, pattern: str) -> float:
    """Rows a second; not a number where a process ran out of memory or time."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(PROCESSES + 1)
    workers = [
        context.Process(target=peer, args=(name, pattern, k, barrier)) for k in range(PROCESSES)
    ]
    for w in workers:
        w.start()
    try:
        barrier.wait(WAIT)
        begin = time.perf_counter()
        barrier.wait(WAIT)
        taken = time.perf_counter() - begin
    except threading.BrokenBarrierError:
        return float("nan")
    finally:
        for w in workers:
            w.terminate()
            w.join()
    return PROCESSES * PEER_ROWS[pattern] / taken


def write(measured: list[tuple[str, str, float, float, float, float, float]]) -> None:
    """What is measured so far, and what the file holds of other networks."""
    versions = (
        ", ".join(f"{p} {version(p)}" for p in ("spinelink", "numpy", "numba", "pyagrum"))
        + f", Python {platform.python_version()}, {os.cpu_count()} cores"
    )
    new = [
        [*row[:2], *("" if np.isnan(v) else f"{v:.4g}" for v in row[2:]), versions]
        for row in measured
    ]
    with CSV.open(newline="") as file:
        kept = [row for row in list(csv.reader(file))[1:] if row[:2] not in [r[:2] for r in new]]
    with CSV.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(
            sorted(kept + new, key=lambda r: (NETWORKS.index(r[0]), ("own", "fixed").index(r[1])))
        )


def main() -> None:
    rows = []
    for name in sys.argv[1:] or NETWORKS:
        network, layers = read(name)
        causes = [network.names[i] for i, layer in enumerate(layers) if layer == "cause"]
        for pattern in ("own", "fixed"):
            codes = findings(network, layers, ROWS[pattern] // FEWER.get(name, 1), pattern)
            table = TableFindings(
                len(codes),
                {n: codes[:, i] for i, n in enumerate(network.names) if (codes[:, i] >= 0).any()},
                {},
            )
            answer(
                network, table.part(slice(0, 64)), nodes=causes, threads=1, engine="fast"
            )  # compiled before the clock starts
            rates = {}
            for threads in (1, 4):
                begin = time.perf_counter()
                found = answer(network, table, nodes=causes, threads=threads)
                rates[threads] = len(codes) / (time.perf_counter() - begin)
                assert np.isfinite(found.log_evidence).all()
            other = peer_rate(name, pattern)
            rows.append(
                (
                    name,
                    pattern,
                    rates[1],
                    rates[4],
                    rates[4] / rates[1] / 4,
                    other,
                    rates[4] / other,
                )
            )
            print(*rows[-1][:2], *(f"{v:,.2f}" for v in rows[-1][2:]), sep="\t", flush=True)
            write(rows)


if __name__ == "__main__":
    main()
