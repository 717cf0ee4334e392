"""One patient, all causes and all nodes: spinelink, pyAgrum and pgmpy in turn, median seconds to one_case.csv.

Run on one core: OMP_NUM_THREADS=1 taskset -c 0 python benchmarks/one_case.py
"""

from __future__ import annotations

import csv
import multiprocessing
import platform
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import spinelink as sl
from spinelink.inference.answer import marginals
from spinelink.inference.compile import compile_network, point_values
from spinelink.network.setting import parameters_in

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
REPEATS = 3
LIMIT = 60  # seconds for a peer


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def ask_agrum(nodes: list[str]) -> None:
    import pyagrum as gum

    lazy = gum.LazyPropagation(agrum_of_network(sl.load("back-leg-pain")))
    lazy.setEvidence(FINDINGS)
    lazy.setTargets(set(nodes))
    lazy.makeInference()
    for name in nodes:
        lazy.posterior(name)


def ask_pgmpy(nodes: list[str]) -> None:
    from pgmpy.inference import VariableElimination

    engine = VariableElimination(sl.load("back-leg-pain").to_pgmpy())
    for name in nodes:
        engine.query([name], evidence=FINDINGS, show_progress=False)


def ask_peer(ask: Callable[[list[str]], None], nodes: list[str]) -> str:
    """Wall-clock seconds in a process of its own, building the network included; or how it ended."""
    process = multiprocessing.get_context("spawn").Process(target=ask, args=(nodes,))
    start = time.perf_counter()
    process.start()
    process.join(LIMIT)
    taken = time.perf_counter() - start
    if process.is_alive():
        process.kill()
        process.join()
        return f"no answer in {LIMIT}"
    return f"{taken:.3f}" if process.exitcode == 0 else f"ended with exit code {process.exitcode}"


def main() -> None:
    warnings.simplefilter("ignore")
    model = sl.load("back-leg-pain")
    compiled = model.compiled
    observed = {
        compiled.index[n]: compiled.states[compiled.index[n]].index(s) for n, s in FINDINGS.items()
    }
    values = point_values(model.network, parameters_in(model.network, model.setting))
    marginals(compiled.with_engine("fast"), observed, [0])  # compiled before the clock starts
    rows: list[tuple[str, str, str]] = []
    for question, names in (
        ("all causes", list(model.network.ranked)),
        ("all nodes", list(compiled.names)),
    ):
        nodes = [compiled.index[n] for n in names]
        for engine in ("numpy", "fast"):
            cold, warm = [], []
            for _ in range(REPEATS):
                fresh = compile_network(model.network, values).with_engine(engine)
                cold.append(seconds(lambda c=fresh, n=nodes: marginals(c, observed, n)))
                warm.append(seconds(lambda c=fresh, n=nodes: marginals(c, observed, n)))
            rows.append(
                (question, f"spinelink, {engine}, first time", f"{statistics.median(cold):.4f}")
            )
            rows.append(
                (
                    question,
                    f"spinelink, {engine}, same findings again",
                    f"{statistics.median(warm):.4f}",
                )
            )
        for engine, ask in (
            ("pyAgrum LazyPropagation", ask_agrum),
            ("pgmpy VariableElimination", ask_pgmpy),
        ):
            rows.append((question, engine, ask_peer(ask, [n for n in names if n not in FINDINGS])))
    versions = (
        ", ".join(f"{p} {version(p)}" for p in ("spinelink", "numpy", "numba", "pyagrum", "pgmpy"))
        + f", Python {platform.python_version()}"
    )
    with (Path(__file__).parent / "one_case.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["question", "engine", "seconds", "versions"])
        writer.writerows([*row, versions] for row in rows)
    for row in rows:
        print(*row, sep="\t")


def agrum_of_network(model: sl.Model) -> object:
    """The network in pyAgrum; noisy families too large for a table as chains, through the pgmpy form."""
    return agrum_of(sl.from_pgmpy(model.to_pgmpy()).compiled)


if __name__ == "__main__":
    main()
