"""Several worlds in one network: what is, and what would be had some nodes been otherwise, everything else as it was (Balke and Pearl 1994).

Every family becomes a deterministic function of its parents and of an exogenous variable that all worlds share. A noisy-MAX has one for its leak and one
for each link, as its mechanisms are independent: that is what the model says, and counterfactuals follow from it. A table does not say how its rows hang
together; two couplings bracket it: all rows respond to the same quantile (nobody is harmed by what helps others), or the other world to the
opposite one. The result is an ordinary network for the ordinary engine.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from spinelink.errors import TooLargeError
from spinelink.inference.compiled import CompiledNetwork, Factor, NoisyFactor, TableFactor

Array = NDArray[np.float64]
Coupling = Literal["same", "opposite"]

WIDEST = 1 << 16  # entries of one response table


@dataclass(frozen=True, eq=False)
class Worlds:
    """network: nodes of the factual world first as they are numbered in the model (those not needed left out), then the others'.

    at[k]: node of the model -> its index in the network in world k; world 0 is the factual one. fixed: index -> state, of what the worlds change.
    identified: whether every node that differs between worlds is a noisy-MAX or deterministic.
    """

    network: CompiledNetwork
    at: tuple[dict[int, int], ...]
    fixed: dict[int, int]
    identified: bool


def worlds(
    compiled: CompiledNetwork,
    changes: Sequence[Mapping[int, int]],
    needed: Iterable[int],
    effects: Sequence[Iterable[int]],
    *,
    coupling: Coupling = "same",
    held: Container[tuple[int, int]] = (),
) -> Worlds:
    """The factual world and one for each change (node -> the state it is set to).

    needed: nodes that the findings speak of; effects: for each change, the nodes asked for in that world. held: edges (parent, child) along
    which no world differs: the child responds to the parent as it was. Raises TooLargeError where a table's responses are too many.
    """
    asked = [list(each) for each in effects]
    kept = compiled.ancestors([*needed, *(i for each in asked for i in each)])
    order = [i for i in compiled.order if i in kept]
    affected = [_affected(compiled, change, compiled.ancestors(each), order, held) for change, each in zip(changes, asked, strict=True)]
    split = {i for each in affected for i in each}  # nodes that some world holds twice
    return _Builder(compiled, order, changes, affected, split, coupling, held).build()


def _affected(
    compiled: CompiledNetwork, change: Mapping[int, int], relevant: set[int], order: list[int], held: Container[tuple[int, int]]
) -> set[int]:
    """What is set, and what lies below it and above an effect."""
    found: set[int] = set()
    for i in order:
        if i in relevant and (i in change or any(p in found and (p, i) not in held for p in compiled.parents[i])):
            found.add(i)
    return found


class _Builder:
    def __init__(
        self,
        compiled: CompiledNetwork,
        order: list[int],
        changes: Sequence[Mapping[int, int]],
        affected: Sequence[set[int]],
        split: set[int],
        coupling: Coupling,
        held: Container[tuple[int, int]],
    ) -> None:
        self.compiled, self.order, self.changes, self.affected, self.split = compiled, order, changes, affected, split
        self.coupling, self.held = coupling, held
        self.names: list[str] = []
        self.states: list[tuple[str, ...]] = []
        self.factors: list[Factor] = []
        self.at: list[dict[int, int]] = [{} for _ in range(len(changes) + 1)]
        self.fixed: dict[int, int] = {}
        self.identified = True

    def build(self) -> Worlds:
        for i in self.order:
            if self._responds(i):
                self._family(i)
            else:
                self._plain(i)
        network = CompiledNetwork(tuple(self.names), tuple(self.states), tuple(self.factors), budget=self.compiled.budget)
        return Worlds(network, tuple(self.at), self.fixed, self.identified)

    def _add(self, name: str, states: tuple[str, ...], factor: Factor) -> int:
        self.names.append(name)
        self.states.append(states)
        self.factors.append(factor)
        return len(self.names) - 1

    def _responds(self, i: int) -> bool:
        """Whether the node has a copy that is not set, so that its family's exogenous variables are shared between worlds."""
        return any(i in each and i not in change for each, change in zip(self.affected, self.changes, strict=True))

    def _parent(self, k: int, p: int, i: int) -> int:
        """The parent as the node meets it in world k."""
        return self.at[0 if (p, i) in self.held else k][p]

    def _copies(self, i: int) -> list[int]:
        """Worlds in which the node may differ from what it is."""
        return [k for k, each in enumerate(self.affected, start=1) if i in each]

    def _set(self, i: int, k: int) -> None:
        """A copy that is set."""
        state = self.changes[k - 1][i]
        sure = np.eye(self.compiled.cards[i])[state][:, np.newaxis]
        index = self._add(f"{self.compiled.names[i]}'{k}", self.compiled.states[i], TableFactor((), sure))
        self.fixed[index] = state
        self.at[k][i] = index

    def _plain(self, i: int) -> None:
        factor = self.compiled.factors[i]
        parents = tuple(self.at[0][p] for p in factor.parents)
        own = TableFactor(parents, factor.table) if isinstance(factor, TableFactor) else NoisyFactor(parents, factor.leak, factor.links)
        index = self._add(self.compiled.names[i], self.compiled.states[i], own)
        for k in range(len(self.at)):
            self.at[k][i] = index
        for k in self._copies(i):
            self._set(i, k)

    def _family(self, i: int) -> None:
        factor = self.compiled.factors[i]
        if isinstance(factor, NoisyFactor):
            self._noisy(i, factor)
        else:
            self._table(i, factor)

    def _worlds_of(self, i: int) -> list[int]:
        """The factual world, and those in which the node is not set but may differ."""
        return [0, *(k for k in self._copies(i) if i not in self.changes[k - 1])]

    def _finish(self, i: int, made: Mapping[int, int]) -> None:
        for k in range(len(self.at)):
            self.at[k][i] = made.get(k, made[0])
        for k in self._copies(i):
            if i in self.changes[k - 1]:
                self._set(i, k)

    def _noisy(self, i: int, factor: NoisyFactor) -> None:
        """The maximum of what does not differ between worlds, and of each link that may: a function of its parent and its exogenous variable."""
        name, states = self.compiled.names[i], self.compiled.states[i]
        here = self._worlds_of(i)
        differing = [p in self.split and any(self._parent(k, p, i) != self.at[0][p] for k in here) for p in factor.parents]
        calm = [n for n, d in enumerate(differing) if not d]
        base = self._add(
            f"{name}^",
            states,
            NoisyFactor(tuple(self.at[0][factor.parents[n]] for n in calm), factor.leak, tuple(factor.links[n] for n in calm)),
        )
        inputs: dict[int, list[int]] = {k: [base] for k in here}
        for n, differs in enumerate(differing):
            if not differs:
                continue
            p, link = factor.parents[n], factor.links[n][..., 0]
            cuts, levels = _responses(link)
            exogenous = self._add(
                f"{name}<{self.compiled.names[p]}", tuple(map(str, range(len(cuts)))), TableFactor((), cuts[:, np.newaxis])
            )
            response = np.eye(len(states))[levels]  # (quantiles, parent's states, levels)
            made: dict[int, int] = {}
            for k in here:
                parent = self._parent(k, p, i)
                if parent not in made:
                    made[parent] = self._add(
                        f"{name}<{self.compiled.names[p]}'{k}", states, TableFactor((exogenous, parent), response[..., np.newaxis])
                    )
                inputs[k].append(made[parent])
        sure, nothing = np.eye(len(states))[..., np.newaxis], np.eye(len(states))[0][:, np.newaxis]
        result: dict[int, int] = {}
        known: dict[tuple[int, ...], int] = {}
        for k in here:
            key = tuple(inputs[k])
            if key not in known:
                own = NoisyFactor(key, nothing, (sure,) * len(key))
                known[key] = self._add(name if k == 0 else f"{name}'{k}", states, own)
            result[k] = known[key]
        self._finish(i, result)

    def _table(self, i: int, factor: TableFactor) -> None:
        name, states = self.compiled.names[i], self.compiled.states[i]
        here = self._worlds_of(i)
        table = factor.table[..., 0]
        cuts, levels = _responses(table.reshape(-1, len(states)))
        if len(cuts) > 1:
            self.identified = False
        if len(cuts) * table.size > WIDEST:
            raise TooLargeError(f"the responses of {name} to its causes are too many to write down ({len(cuts)} by {table.size})")
        exogenous = self._add(f"{name}?", tuple(map(str, range(len(cuts)))), TableFactor((), cuts[:, np.newaxis]))
        mirrored = _mirrored(cuts, table.reshape(-1, len(states))) if self.coupling == "opposite" else None
        shape = (len(cuts), *table.shape)
        result: dict[int, int] = {}
        known: dict[tuple[int, ...], int] = {}
        for k in here:
            parents = tuple(self._parent(k, p, i) for p in factor.parents)
            if parents not in known:
                response = np.eye(len(states))[levels] if k == 0 or mirrored is None else mirrored
                known[parents] = self._add(
                    name if k == 0 else f"{name}'{k}", states, TableFactor((exogenous, *parents), response.reshape(*shape, 1))
                )
            result[k] = known[parents]
        self._finish(i, result)


def _responses(rows: Array) -> tuple[Array, NDArray[np.int64]]:
    """Quantiles at which any row changes its state: their probabilities, (quantiles,), and each row's state, (quantiles, rows). rows: (rows, states).

    An end of a row is kept as what lies below it and what lies above it, each summed by itself, so that rare states at either end keep their digits.
    """
    below, above = np.cumsum(rows, axis=1)[:, :-1], np.cumsum(rows[:, ::-1], axis=1)[:, ::-1][:, 1:]  # (rows, states - 1)
    lower = below <= above
    ends = [
        *sorted({float(v) for v in below[lower] if v > 0.0}),
        *sorted({-float(v) for v in above[~lower] if v > 0.0}),  # above the middle: minus what lies above
    ]
    ends = [e for k, e in enumerate(ends) if k == 0 or e * ends[k - 1] < 0.0 or abs(e - ends[k - 1]) > 1e-14 * abs(e)]
    lows = [0.0, *(e if e > 0.0 else 1.0 + e for e in ends)]  # what lies below each end, and above it
    tops = [1.0, *(1.0 - e if e > 0.0 else -e for e in ends), 0.0]
    cuts = [
        (lows[k + 1] if k < len(ends) else 1.0) - lows[k] if k < len(ends) and ends[k] > 0.0 else tops[k] - tops[k + 1]
        for k in range(len(ends) + 1)
    ]
    # where each end of each row stands among all ends: the row is beyond its k-th state in the quantiles from there on
    place = np.empty(below.shape, dtype=np.int64)
    for index in np.ndindex(*below.shape):
        e = float(below[index]) if lower[index] else -float(above[index])
        if lower[index] and e <= 0.0:
            place[index] = 0
        elif not lower[index] and e >= 0.0:
            place[index] = len(cuts)
        else:
            place[index] = 1 + next(k for k, other in enumerate(ends) if other * e > 0.0 and abs(other - e) <= 1e-13 * abs(e))
    states = (np.arange(len(cuts))[:, np.newaxis, np.newaxis] >= place).sum(axis=2)
    return np.array(cuts), states.astype(np.int64)


def _mirrored(cuts: Array, rows: Array) -> Array:
    """Each row's distribution over states within each quantile of the factual world, where it responds to 1 - that quantile, (quantiles, rows, states)."""
    edges = np.concatenate([[0.0], np.cumsum(cuts)])
    ends = np.concatenate([np.zeros((len(rows), 1)), np.minimum(np.cumsum(rows, axis=1), 1.0)], axis=1)
    ends[:, -1] = 1.0
    found = np.zeros((len(cuts), len(rows), rows.shape[1]))
    for q, r, s in product(range(len(cuts)), range(len(rows)), range(rows.shape[1])):
        low, high = max(1.0 - edges[q + 1], ends[r, s]), min(1.0 - edges[q], ends[r, s + 1])
        found[q, r, s] = max(high - low, 0.0)
    total = found.sum(axis=2, keepdims=True)
    return np.asarray(found / np.where(total > 0.0, total, 1.0))
