"""What a researcher waits for on the bundled networks, beside doing it the plain way; to research.csv.

Sensitivity: all numbers' influence on one posterior in one pass (`derivatives` and `parameter_slopes`), and the whole answer with tornado and admissible values
(`Case.sensitivity`), beside one inference for each end of each number's interval. Draws: 10,000 draws of all numbers, all causes, beside pyAgrum
draw by draw (one inference timed; on back-leg-pain it gave no answer in 60 s, so there the ratio is a lower bound). Learning: one E step of 2,000
patients with 40 % of cells missing, beside as many single cases by NumPy. Run alone: OMP_NUM_THREADS=1 python benchmarks/research.py
"""

from __future__ import annotations

import csv
import os
import platform
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).parents[1])]

import spinelink as sl  # noqa: E402
from spinelink.inference.answer import case_marginals  # noqa: E402
from spinelink.inference.compile import compile_network, point_values  # noqa: E402
from spinelink.inference.gradient.by_entry import derivatives, expected_counts  # noqa: E402
from spinelink.inference.gradient.by_parameter import parameter_slopes  # noqa: E402
from spinelink.inference.gradient.counts import count  # noqa: E402
from spinelink.inference.sampled_parameters import posterior_draws  # noqa: E402
from spinelink.network.setting import parameters_in  # noqa: E402
from spinelink.table.cells import read_patients  # noqa: E402

DRAWS = 10_000
PEER_SECONDS = {
    "minimal": None,
    "back-leg-pain": 60.0,
}  # what pyAgrum was given without an answer (one_case.csv)
FINDINGS = {
    "minimal": {"numbness": True, "leg_pain": "below_knee", "back_pain": True},
    "back-leg-pain": {
        "age_group": 47,
        "leg_pain": "below_knee",
        "numbness": True,
        "fever": False,
        "back_pain": True,
    },
}


def seconds(run: Callable[[], object], repeats: int = 3) -> float:
    """The shortest of a few runs."""
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return best


def agrum_seconds(name: str) -> float:
    """One inference of all causes by pyAgrum; the time it was given where it gave no answer."""
    given = PEER_SECONDS[name]
    if given is not None:
        return given
    import pyagrum

    from tests.inference.test_peers import agrum_of

    model = sl.load(name)
    lazy = pyagrum.LazyPropagation(agrum_of(model.compiled))
    lazy.setEvidence({k: str(v) for k, v in model.observe(FINDINGS[name]).evidence.items()})
    for cause in model.network.ranked:
        lazy.addTarget(cause)

    def ask() -> None:
        lazy.eraseAllEvidence()
        lazy.setEvidence({k: str(v) for k, v in model.observe(FINDINGS[name]).evidence.items()})
        lazy.makeInference()
        for cause in model.network.ranked:
            lazy.posterior(cause)

    return seconds(ask, 20)


def rows_of(name: str) -> list[tuple[str, str, float, str, float]]:
    model = sl.load(name)
    case = model.observe(FINDINGS[name])
    network, compiled, parameters = (
        model.network,
        model.compiled,
        parameters_in(model.network, model.setting),
    )
    values = point_values(network, parameters)
    target = compiled.index["lumbar_disc_herniation"]
    case.log_evidence  # noqa: B018 - plans are made before the clock starts

    def one_pass() -> None:
        found = derivatives(compiled, case.observed, [(target, 0)])
        parameter_slopes(network, values, compiled, found.factors)

    numbers = [r.parameter for r in case.sensitivity("lumbar_disc_herniation").rows]

    def one_inference() -> None:
        changed = compile_network(network, values, resources=compiled.resources)
        case_marginals(changed, case.observed, [target], engine="fast")

    one_inference()
    each = seconds(one_inference, 10)
    found = [
        (
            name,
            f"sensitivity of one posterior to {len(numbers)} numbers: the pass",
            seconds(one_pass),
            "two inferences a number",
            2 * len(numbers) * each,
        )
    ]
    whole = seconds(lambda: case.sensitivity("lumbar_disc_herniation"), 2)
    found.append(
        (
            name,
            "the same with functions, tornado, admissible values",
            whole,
            "two inferences a number, the tornado alone",
            2 * len(numbers) * each,
        )
    )

    nodes = [compiled.index[n] for n in network.ranked]
    posterior_draws(
        network, parameters, compiled=compiled, observed=case.observed, nodes=nodes, draws=512
    )
    taken = seconds(
        lambda: posterior_draws(
            network, parameters, compiled=compiled, observed=case.observed, nodes=nodes, draws=DRAWS
        ),
        1,
    )
    peer = (
        "pyAgrum, draw by draw"
        if PEER_SECONDS[name] is None
        else "pyAgrum, draw by draw (no answer in 60 s: a lower bound)"
    )
    found.append(
        (
            name,
            f"{DRAWS} draws of all numbers, {len(nodes)} causes, {os.cpu_count()} threads",
            taken,
            peer,
            DRAWS * agrum_seconds(name),
        )
    )

    frame = model.sample(2000, seed=1, missing=0.4)
    rows, _ = read_patients(model, frame)
    count(compiled, rows)
    taken = seconds(lambda: count(compiled, rows), 2)
    few = np.random.default_rng(0).choice(len(rows), 20, replace=False)
    single = seconds(lambda: [expected_counts(compiled, rows.case(int(k))) for k in few], 1) / len(
        few
    )
    found.append(
        (
            name,
            f"expected counts of 2000 patients, 40 % missing, {os.cpu_count()} threads",
            taken,
            "one case after another, NumPy",
            len(rows) * single,
        )
    )
    return found


def main() -> None:
    versions = ", ".join(f"{p} {version(p)}" for p in ("spinelink", "numpy", "numba", "pyagrum"))
    with (Path(__file__).parent / "research.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            [
                "network",
                "measure",
                "seconds",
                "beside",
                "beside_seconds",
                "times_faster",
                "versions",
            ]
        )
        for name in FINDINGS:
            for network, measure, taken, beside, peer in rows_of(name):
                print(
                    network,
                    measure,
                    f"{taken:.4g}",
                    beside,
                    f"{peer:.4g}",
                    f"{peer / taken:.3g}",
                    sep="\t",
                    flush=True,
                )
                writer.writerow(
                    [
                        network,
                        measure,
                        f"{taken:.4g}",
                        beside,
                        f"{peer:.4g}",
                        f"{peer / taken:.3g}",
                        f"{versions}, Python {platform.python_version()}",
                    ]
                )


if __name__ == "__main__":
    main()
