"""The generated networks in `networks/`: read and sampled.

Each node has a layer, a number of states, parents, and either `cpt` (axes: parents in order, then its states) or a noisy-MAX: `leak` and, for each
parent, one distribution over its states for each state of the parent.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from spinelink.inference.arrays import CompiledNetwork, NoisyFactor, TableFactor

FOLDER = Path(__file__).parent / "networks"


def read(name: str) -> tuple[CompiledNetwork, list[str]]:
    """The network, and the layer of each node."""
    nodes = json.loads((FOLDER / f"{name}.json").read_text())["nodes"]
    index = {n["name"]: i for i, n in enumerate(nodes)}
    factors: list[TableFactor | NoisyFactor] = []
    for n in nodes:
        parents = tuple(index[p] for p in n["parents"])
        if "cpt" in n:
            factors.append(TableFactor(parents, np.array(n["cpt"], float)[..., np.newaxis]))
        else:
            links = (
                [n["links"][p] for p in n["parents"]]
                if isinstance(n["links"], dict)
                else n["links"]
            )
            leak = np.array(n["leak"], float)[:, np.newaxis]
            factors.append(
                NoisyFactor(
                    parents, leak, tuple(np.array(link, float)[..., np.newaxis] for link in links)
                )
            )
    states = tuple(tuple(f"s{k}" for k in range(n["states"])) for n in nodes)
    return CompiledNetwork(tuple(index), states, tuple(factors)), [n["layer"] for n in nodes]


def sample(network: CompiledNetwork, rows: int, generator: np.random.Generator) -> np.ndarray:
    """Patients from the network itself, (rows, nodes)."""
    found = np.zeros((rows, len(network.names)), dtype=np.int64)

    def draw(cumulative: np.ndarray) -> np.ndarray:
        return (generator.random(rows)[:, np.newaxis] > cumulative[..., :-1]).sum(axis=1)

    for i in network.order:
        factor = network.factors[i]
        if isinstance(factor, TableFactor):
            table = factor.table[..., 0][tuple(found[:, p] for p in factor.parents)]
            found[:, i] = draw(np.cumsum(np.broadcast_to(table, (rows, network.cards[i])), axis=1))
            continue
        level = draw(np.broadcast_to(np.cumsum(factor.leak[:, 0]), (rows, network.cards[i])))
        for p, link in zip(factor.parents, factor.links, strict=True):
            level = np.maximum(level, draw(np.cumsum(link[..., 0][found[:, p]], axis=1)))
        found[:, i] = level
    return found


def findings(
    network: CompiledNetwork, layers: list[str], rows: int, pattern: str, seed: int = 0
) -> np.ndarray:
    """A table of patients, (rows, nodes), -1 where not assessed: each finding and test is seen with probability 0.3; "own": independently in each
    row; "fixed": the same for all rows; "all": every one of them is seen."""
    generator = np.random.default_rng(seed)
    observed = np.array([layer in ("find", "test") for layer in layers])
    kept = generator.random((rows if pattern == "own" else 1, len(layers))) < (
        1.0 if pattern == "all" else 0.3
    )
    return np.where(kept & observed, sample(network, rows, generator), -1)
