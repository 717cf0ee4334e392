"""Several worlds in one network: what is, and what would be had some nodes been otherwise, everything else as it was (Balke and Pearl 1994).

Every family becomes a deterministic function of its parents and of an exogenous variable that all worlds share. A noisy-MAX has one for its leak and one
for each link, as its mechanisms are independent: that is what the model says, and counterfactuals follow from it, as long as no link compares two states of
its parent that both leave something to chance. A table does not say how its rows hang together. What is so left open is coupled as asked (see `coupling`).
The result is an ordinary network for the ordinary engine, with as many draws of the numbers as the model has.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from math import prod

import numpy as np
from numpy.typing import NDArray

from spinelink.errors import TooLargeError
from spinelink.inference.arrays import CompiledNetwork, Factor, NoisyFactor, TableFactor
from spinelink.inference.counterfactual.coupling import (
    Coupling,
    Mechanism,
    coupled_responses,
    is_open,
)
from spinelink.inference.findings import Observed

Array = NDArray[np.float64]

WIDEST = 1 << 22  # numbers in one response table


@dataclass(frozen=True, eq=False)
class Worlds:
    """network: nodes of the factual world first as they are numbered in the model (those not needed left out), then the others'.

    at[k]: node of the model -> its index in the network in world k; world 0 is the factual one. fixed: index -> state, of what the worlds change.
    open: the mechanisms of which two rows are compared that the model does not tie together.
    """

    network: CompiledNetwork
    at: tuple[dict[int, int], ...]
    fixed: dict[int, int]
    open: tuple[Mechanism, ...]

    @property
    def identified(self) -> bool:
        """Whether the model alone says what would have been."""
        return not self.open


def worlds(
    compiled: CompiledNetwork,
    changes: Sequence[Mapping[int, int]],
    observed: Observed,
    effects: Sequence[Iterable[int]],
    *,
    couplings: Mapping[Mechanism, Coupling] | None = None,
    held: Container[tuple[int, int]] = (),
) -> Worlds:
    """The factual world and one for each change (node -> the state it is set to).

    seen: the findings, in the factual world; effects: for each change, the nodes asked for in that world. couplings: of mechanisms that are open; all rows of
    the others keep the order of their states. held: edges (parent, child) along which no world differs: the child responds to the parent as it was.
    Raises TooLargeError where a table's responses are too many.
    """
    asked = [list(each) for each in effects]
    kept = compiled.ancestors([*observed, *(i for each in asked for i in each)])
    order = [i for i in compiled.order if i in kept]
    affected = [
        _affected(compiled, change, reaching(compiled, each, held), order, observed, held)
        for change, each in zip(changes, asked, strict=True)
    ]
    return _Builder(compiled, order, changes, affected, observed, couplings or {}, held).build()


def _affected(
    compiled: CompiledNetwork,
    change: Mapping[int, int],
    relevant: set[int],
    order: list[int],
    observed: Observed,
    held: Container[tuple[int, int]],
) -> set[int]:
    """What is set to other than what it was seen to be, and what lies below it and above an effect."""
    found: set[int] = set()
    for i in order:
        if i in change:
            if i in relevant and not _is_state(observed.get(i), change[i]):
                found.add(i)
        elif i in relevant and any(p in found and (p, i) not in held for p in compiled.parents[i]):
            found.add(i)
    return found


def reaching(
    compiled: CompiledNetwork, effects: Iterable[int], held: Container[tuple[int, int]]
) -> set[int]:
    """Nodes from which an effect can be reached along edges that are not held, and the effects themselves."""
    found = set(effects)
    stack = list(found)
    while stack:
        i = stack.pop()
        for p in compiled.parents[i]:
            if (p, i) not in held and p not in found:
                found.add(p)
                stack.append(p)
    return found


def _is_state(value: object, state: int) -> bool:
    return isinstance(value, int) and value == state


class _Builder:
    def __init__(
        self,
        compiled: CompiledNetwork,
        order: list[int],
        changes: Sequence[Mapping[int, int]],
        affected: Sequence[set[int]],
        observed: Observed,
        couplings: Mapping[Mechanism, Coupling],
        held: Container[tuple[int, int]],
    ) -> None:
        self.compiled, self.order, self.changes, self.affected, self.observed = (
            compiled,
            order,
            changes,
            affected,
            observed,
        )
        self.couplings, self.held = couplings, held
        self.names: list[str] = []
        self.states: list[tuple[str, ...]] = []
        self.factors: list[Factor] = []
        self.at: list[dict[int, int]] = [{} for _ in range(len(changes) + 1)]
        self.fixed: dict[int, int] = {}
        self.known: dict[int, int] = {}  # index -> state, of what is fixed or seen for certain
        self.open: list[Mechanism] = []

    def build(self) -> Worlds:
        for i in self.order:
            if self._responds(i):
                self._family(i)
            else:
                self._plain(i)
            if isinstance(state := self.observed.get(i), int):
                self.known[self.at[0][i]] = state
        network = CompiledNetwork(
            tuple(self.names),
            tuple(self.states),
            tuple(self.factors),
            resources=self.compiled.resources.for_other_structure(),
        )
        return Worlds(network, tuple(self.at), self.fixed, tuple(self.open))

    def _add(self, name: str, states: tuple[str, ...], factor: Factor) -> int:
        self.names.append(name)
        self.states.append(states)
        self.factors.append(factor)
        return len(self.names) - 1

    def _responds(self, i: int) -> bool:
        """Whether the node has a copy that is not set, so that its family's exogenous variables are shared between worlds."""
        return any(
            i in each and i not in change
            for each, change in zip(self.affected, self.changes, strict=True)
        )

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
        index = self._add(
            f"{self.compiled.names[i]}'{k}", self.compiled.states[i], TableFactor((), sure)
        )
        self.fixed[index] = self.known[index] = state
        self.at[k][i] = index

    def _plain(self, i: int) -> None:
        factor = self.compiled.factors[i]
        parents = tuple(self.at[0][p] for p in factor.parents)
        own = (
            TableFactor(parents, factor.table)
            if isinstance(factor, TableFactor)
            else NoisyFactor(parents, factor.leak, factor.links)
        )
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
        copies = [{k: self._parent(k, p, i) for k in here} for p in factor.parents]
        calm = [n for n, each in enumerate(copies) if len(set(each.values())) == 1]
        kept = tuple(self.at[0][factor.parents[n]] for n in calm)
        base = self._add(
            f"{name}^", states, NoisyFactor(kept, factor.leak, tuple(factor.links[n] for n in calm))
        )
        inputs: dict[int, list[int]] = {k: [base] for k in here}
        for n, p in enumerate(factor.parents):
            if n not in calm:
                for k, index in self._link(i, p, factor.links[n], copies[n]).items():
                    inputs[k].append(index)
        sure, nothing = np.eye(len(states))[..., np.newaxis], np.eye(len(states))[0][:, np.newaxis]
        known: dict[tuple[int, ...], int] = {(base,): base}
        for k in here:
            key = tuple(inputs[k])
            if key not in known:
                known[key] = self._add(
                    name if k == 0 else f"{name}'{k}",
                    states,
                    NoisyFactor(key, nothing, (sure,) * len(key)),
                )
        self._finish(i, {k: known[tuple(inputs[k])] for k in here})

    def _link(self, i: int, p: int, link: Array, copies: Mapping[int, int]) -> dict[int, int]:
        """World -> what a parent contributes in it; worlds in which it surely contributes nothing are left out. link: (parent's states, levels, draws)."""
        speaking = {
            k: (c,)
            for k, c in copies.items()
            if not (c in self.fixed and (link[self.fixed[c], 0] == 1.0).all())
        }
        return self._mechanism(
            (p, i), f"{self.compiled.names[i]}<{self.compiled.names[p]}", link, (), speaking
        )

    def _table(self, i: int, factor: TableFactor) -> None:
        here = self._worlds_of(i)
        copies = [[self._parent(k, p, i) for k in here] for p in factor.parents]
        calm = [n for n, each in enumerate(copies) if len(set(each)) == 1]
        differing = [n for n in range(len(copies)) if n not in calm]
        table = factor.table.transpose(*calm, *differing, len(copies), len(copies) + 1)
        parents = {k: tuple(copies[n][j] for n in differing) for j, k in enumerate(here)}
        self._finish(
            i,
            self._mechanism(
                (i, i), self.compiled.names[i], table, tuple(copies[n][0] for n in calm), parents
            ),
        )

    def _mechanism(
        self,
        key: Mechanism,
        name: str,
        array: Array,
        calm: tuple[int, ...],
        copies: Mapping[int, tuple[int, ...]],
    ) -> dict[int, int]:
        """World -> the outcome of a mechanism in it. array: (calm parents..., differing parents..., states, draws). copies: the differing parents by world.

        Given the calm parents, which all worlds share, there is one exogenous quantile for the rows of the differing ones.
        """
        states, draws = array.shape[-2:]
        cards, split = array.shape[: len(calm)], array.shape[len(calm) : -2]
        names, coupling = self.compiled.states[key[1]], self.couplings.get(key)
        if len(set(copies.values())) == 1:
            only = self._add(name, names, TableFactor((*calm, *next(iter(copies.values()))), array))
            return dict.fromkeys(copies, only)
        rows = array.reshape(
            prod(cards), prod(split), states, draws
        )  # (contexts, rows, states, draws)
        pairs = [
            self._together(a, b, split) for a, b in combinations(dict.fromkeys(copies.values()), 2)
        ]
        if is_open(rows, pairs):
            self.open.append(key)
        count = (
            prod(split) * (states - 1) * (1 if coupling is None else 2) + 1
        )  # quantiles, at most
        if (size := count * array.size * (1 if coupling is None else prod(split))) > WIDEST:
            raise TooLargeError(
                f"the responses of {name} to its causes are too many to write down ({size})"
            )
        cuts, here, there = coupled_responses(
            np.moveaxis(rows, 0, 2).reshape(*rows.shape[1:3], -1), coupling
        )
        quantile = np.moveaxis(cuts.reshape(len(cuts), *cards, -1), 0, -2)
        exogenous = self._add(
            f"{name}?", tuple(map(str, range(len(cuts)))), TableFactor(calm, quantile)
        )
        made: dict[tuple[int, ...], int] = {}
        for k, parents in copies.items():
            if parents not in made:
                scope, response = (parents, here.reshape(len(cuts), *split, *here.shape[2:]))
                if k and there is not None:
                    scope, response = _beside(copies[0], parents, here, there, split)
                if (
                    response.shape[-1] > 1
                ):  # (quantiles, differing parents..., states, contexts * draws): the contexts go before them
                    response = np.moveaxis(
                        response.reshape(*response.shape[:-1], prod(cards), -1), -2, 1
                    )
                    response = response.reshape(len(cuts), *cards, *response.shape[2:])
                    scope = (*calm, *scope)
                made[parents] = self._add(
                    name if k == 0 else f"{name}'{k}",
                    names,
                    TableFactor((exogenous, *scope), response),
                )
        return {k: made[parents] for k, parents in copies.items()}

    def _together(
        self, one: tuple[int, ...], other: tuple[int, ...], cards: tuple[int, ...]
    ) -> NDArray[np.bool_]:
        """Which row can hold in the one world with which in the other, (rows, rows), by what is fixed and seen."""
        masks = []
        for a, b, card in zip(one, other, cards, strict=True):
            pair = np.outer(
                *(
                    np.arange(card) == self.known[n]
                    if n in self.known
                    else np.ones(card, dtype=bool)
                    for n in (a, b)
                )
            )
            masks.append(pair & np.eye(card, dtype=bool) if a == b else pair)
        return reduce(np.kron, masks)


def _beside(
    before: tuple[int, ...],
    parents: tuple[int, ...],
    here: Array,
    there: Array,
    cards: tuple[int, ...],
) -> tuple[tuple[int, ...], Array]:
    """The response in another world beside the factual parents: as here where the parents' states agree, else as there.

    here, there: (quantiles, rows, states, columns). Returns the parents of the response, and (quantiles, states of these..., states, columns).
    """
    same = np.eye(here.shape[1], dtype=bool)[..., np.newaxis, np.newaxis]
    both = np.where(
        same, here[:, :, np.newaxis], there[:, np.newaxis]
    )  # (quantiles, rows before, rows, states, columns)
    count = len(cards)
    first = list(range(1, count + 1))
    second = [n if a == b else n + count for n, a, b in zip(first, before, parents, strict=True)]
    own = [n for n in second if n > count]
    table = np.einsum(
        both.reshape(len(both), *cards, *cards, *both.shape[3:]),
        [0, *first, *second, 50, 51],
        [0, *first, *own, 50, 51],
    )
    return (*before, *(parents[n - count - 1] for n in own)), table
