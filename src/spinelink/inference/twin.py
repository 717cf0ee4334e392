"""Several worlds in one network: what is, and what would be had some nodes been otherwise, everything else as it was (Balke and Pearl 1994).

Every family becomes a deterministic function of its parents and of an exogenous variable that all worlds share. A noisy-MAX has one for its leak and one
for each link, as its mechanisms are independent: that is what the model says, and counterfactuals follow from it. A table does not say how its rows hang
together; two couplings bracket it: all rows respond to the same quantile (nobody is harmed by what helps others), or the other world to the
opposite one. The result is an ordinary network for the ordinary engine, with as many draws
of the numbers as the model has.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
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
            p = factor.parents[n]
            cuts, response = _responses(factor.links[n])  # (quantiles, draws), (quantiles, parent's states, levels, draws)
            exogenous = self._add(f"{name}<{self.compiled.names[p]}", tuple(map(str, range(len(cuts)))), TableFactor((), cuts))
            made: dict[int, int] = {}
            for k in here:
                parent = self._parent(k, p, i)
                if parent not in made:
                    made[parent] = self._add(f"{name}<{self.compiled.names[p]}'{k}", states, TableFactor((exogenous, parent), response))
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
        table = factor.table
        rows = table.reshape(-1, *table.shape[-2:])
        cuts, response = _responses(rows)
        if len(cuts) > 1:
            self.identified = False
        if len(cuts) * table[..., 0].size > WIDEST:
            raise TooLargeError(f"the responses of {name} to its causes are too many to write down ({len(cuts)} by {table[..., 0].size})")
        exogenous = self._add(f"{name}?", tuple(map(str, range(len(cuts)))), TableFactor((), cuts))
        mirrored = _mirrored(cuts, rows) if self.coupling == "opposite" else None
        result: dict[int, int] = {}
        known: dict[tuple[int, ...], int] = {}
        for k in here:
            parents = tuple(self._parent(k, p, i) for p in factor.parents)
            if parents not in known:
                chosen = response if k == 0 or mirrored is None else mirrored
                known[parents] = self._add(
                    name if k == 0 else f"{name}'{k}",
                    states,
                    TableFactor((exogenous, *parents), chosen.reshape(len(cuts), *table.shape[:-1], chosen.shape[-1])),
                )
            result[k] = known[parents]
        self._finish(i, result)


def _responses(rows: Array) -> tuple[Array, Array]:
    """Quantiles at which any row changes its state: their probabilities, (quantiles, draws), and each row's state in them, one for the state it takes and
    else zero, (quantiles, rows, states, draws or 1). rows: (rows, states, draws).

    An end of a row is kept as what lies below it, or, beyond the middle, as minus what lies above it, each summed by itself, so that rare states at either
    end keep their digits.
    """
    below = np.cumsum(rows, axis=1)[:, :-1]
    above = np.cumsum(rows[:, ::-1], axis=1)[:, ::-1][:, 1:]
    ends = np.where(below <= above, below, -above).reshape(-1, rows.shape[2])  # (rows * (states - 1), draws)
    upper = np.where(below <= above, False, True).reshape(ends.shape)
    order = np.lexsort((ends, upper), axis=0)
    rank = np.argsort(order, axis=0, kind="stable")
    e, far = np.take_along_axis(ends, order, axis=0), np.take_along_axis(upper, order, axis=0)
    first = np.where(far[:1], 1.0 + e[:1], e[:1])
    between = np.where(far[1:] & ~far[:-1], 1.0 + e[1:] - e[:-1], e[1:] - e[:-1])
    between = np.where(between <= 1e-14 * np.abs(e[1:]), 0.0, between)
    cuts = np.concatenate([first, between, np.where(far[-1:], -e[-1:], 1.0 - e[-1:])])
    # a row is beyond its k-th state in the quantiles after that end
    state = (np.arange(len(cuts))[:, np.newaxis, np.newaxis, np.newaxis] > rank.reshape(below.shape)).sum(
        axis=2
    )  # (quantiles, rows, draws)
    kept = (cuts > 0.0).any(axis=1)
    cuts, state = cuts[kept], state[kept]
    if (state == state[..., :1]).all():
        state = state[..., :1]
    return cuts, np.moveaxis(np.eye(rows.shape[1])[state], -1, 2)


def _mirrored(cuts: Array, rows: Array) -> Array:
    """Each row's distribution over states within each quantile of the factual world, where it responds to 1 - that quantile, (quantiles, rows, states, draws)."""
    draws = cuts.shape[1]
    edges = np.concatenate([np.zeros((1, draws)), np.cumsum(cuts, axis=0)])[:, np.newaxis, np.newaxis]
    ends = np.concatenate([np.zeros((len(rows), 1, rows.shape[2])), np.minimum(np.cumsum(rows, axis=1), 1.0)], axis=1)
    ends[:, -1] = 1.0
    found = np.clip(np.minimum(1.0 - edges[:-1], ends[:, 1:]) - np.maximum(1.0 - edges[1:], ends[:, :-1]), 0.0, None)
    total = found.sum(axis=2, keepdims=True)
    return np.asarray(found / np.where(total > 0.0, total, 1.0))
