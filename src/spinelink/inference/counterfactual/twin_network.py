"""Several worlds in one network: the factual one, and others in which some nodes are set.

This is the twin network of Balke and Pearl (1994). Every family becomes a deterministic function of
its parents and of an exogenous variable that all worlds share. A noisy-MAX has one for its leak and
one for each link, as its mechanisms are independent. The model then fixes the counterfactuals,
unless a link compares two states of its parent that both leave something to chance. A table does
not say how its rows respond together. Such mechanisms are unidentified; a coupling is chosen for
them (see `coupling`). The result is an ordinary network, with as many draws as the model.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from spinelink.errors import TooLargeError
from spinelink.inference.arrays import CompiledNetwork, Factor, NoisyFactor, TableFactor
from spinelink.inference.counterfactual.coupling import (
    Coupling,
    Mechanism,
    coupled_responses,
    coupling_matters,
)
from spinelink.inference.counterfactual.factual import Edge, Factual
from spinelink.inference.counterfactual.response import Response, response_table
from spinelink.inference.memory import size_text

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Worlds:
    """A twin network.

    network: nodes of the factual world in the order of the model (those not needed left out), then
    those of the other worlds. at[k]: node of the model -> its index in the network in world k;
    world 0 is the factual one. fixed: index -> state, of the nodes that a world sets. unidentified:
    the mechanisms whose coupling matters and is not fixed by the model.
    """

    network: CompiledNetwork
    at: tuple[dict[int, int], ...]
    fixed: dict[int, int]
    unidentified: tuple[Mechanism, ...]

    @property
    def identified(self) -> bool:
        """Whether the model alone fixes what would have been."""
        return not self.unidentified


def worlds(
    factual: Factual,
    changes: Sequence[Mapping[int, int]],
    *,
    effects: Sequence[Iterable[int]],
    couplings: Mapping[Mechanism, Coupling] | None = None,
) -> Worlds:
    """The factual world and one world for each change.

    Args:
        factual: The factual world. Along its unaffected edges no world differs.
        changes: For each world, node -> the state it is set to.
        effects: For each world, the nodes that are asked about in it.
        couplings: Couplings of unidentified mechanisms; the others take the monotone one.

    Raises:
        TooLargeError: The responses of some table do not fit `limits.response_entries`, or those of
            all tables the memory limit.
    """
    compiled = factual.compiled
    targets = [list(nodes) for nodes in effects]
    relevant = compiled.ancestors([*factual.observed, *(i for nodes in targets for i in nodes)])
    order = [i for i in compiled.order if i in relevant]
    affected = [
        _affected(factual, change, effects=nodes, order=order)
        for change, nodes in zip(changes, targets, strict=True)
    ]
    return _Builder(factual, changes, affected, couplings or {}).build(order)


def reaching(
    compiled: CompiledNetwork, effects: Iterable[int], *, unaffected_edges: Container[Edge]
) -> set[int]:
    """The effects, and all nodes with a path to one of them that has no unaffected edge."""
    found = set(effects)
    stack = list(found)
    while stack:
        i = stack.pop()
        for p in compiled.parents[i]:
            if (p, i) not in unaffected_edges and p not in found:
                found.add(p)
                stack.append(p)
    return found


def _affected(
    factual: Factual, change: Mapping[int, int], *, effects: list[int], order: list[int]
) -> set[int]:
    """Nodes that differ in a world: set to another state, or below one and above an effect."""
    edges = factual.unaffected_edges
    relevant = reaching(factual.compiled, effects, unaffected_edges=edges)
    found: set[int] = set()
    for i in order:
        if i not in relevant:
            continue
        if i in change:
            observed = factual.observed.get(i)
            if not (isinstance(observed, int) and observed == change[i]):
                found.add(i)
        elif any(p in found and (p, i) not in edges for p in factual.compiled.parents[i]):
            found.add(i)
    return found


@dataclass(eq=False)
class _Builder:
    """Adds the families of the model one by one, parents first.

    affected[k - 1]: nodes that differ in world k. known: index -> state, of nodes that are set or
    observed for certain. kept: bytes of the response tables until now.
    """

    factual: Factual
    changes: Sequence[Mapping[int, int]]
    affected: Sequence[set[int]]
    couplings: Mapping[Mechanism, Coupling]
    names: list[str] = field(default_factory=list)
    states: list[tuple[str, ...]] = field(default_factory=list)
    factors: list[Factor] = field(default_factory=list)
    at: list[dict[int, int]] = field(default_factory=list)
    fixed: dict[int, int] = field(default_factory=dict)
    known: dict[int, int] = field(default_factory=dict)
    unidentified: list[Mechanism] = field(default_factory=list)
    kept: float = 0.0

    def build(self, order: Iterable[int]) -> Worlds:
        """The twin network of these nodes."""
        compiled = self.factual.compiled
        self.at = [{} for _ in range(len(self.changes) + 1)]
        for i in order:
            factor, responding = compiled.factors[i], self._responding(i)
            if len(responding) == 1:  # its exogenous variables are not shared between worlds
                parents = tuple(self.at[0][p] for p in factor.parents)
                made = {0: self._add(i, replace(factor, parents=parents))}
            elif isinstance(factor, NoisyFactor):
                made = self._noisy(i, factor, responding=responding)
            else:
                made = self._table(i, factor, responding=responding)
            self._place(i, made)
            if isinstance(state := self.factual.observed.get(i), int):
                self.known[self.at[0][i]] = state
        network = CompiledNetwork(
            tuple(self.names),
            tuple(self.states),
            tuple(self.factors),
            resources=compiled.resources.for_other_structure(),
        )
        return Worlds(network, tuple(self.at), self.fixed, tuple(self.unidentified))

    def _responding(self, i: int) -> list[int]:
        """The factual world, and those in which the node is not set but may differ."""
        others = enumerate(zip(self.affected, self.changes, strict=True), 1)
        return [0, *(k for k, (nodes, set_to) in others if i in nodes and i not in set_to)]

    def _place(self, i: int, made: Mapping[int, int]) -> None:
        """Notes the index of the node in each world, and adds the copies that are set."""
        for k in range(len(self.at)):
            self.at[k][i] = made.get(k, made[0])
        for k, (nodes, set_to) in enumerate(zip(self.affected, self.changes, strict=True), 1):
            if i in nodes and i in set_to:
                certain = np.eye(self.factual.compiled.cards[i])[set_to[i]][:, np.newaxis]
                index = self._add(i, TableFactor((), certain), name=self._name(i, k))
                self.fixed[index] = self.known[index] = set_to[i]
                self.at[k][i] = index

    def _add(
        self,
        i: int,
        factor: Factor,
        *,
        name: str | None = None,
        states: tuple[str, ...] | None = None,
    ) -> int:
        """Adds a node to the network; its name and states are those of the model's node i."""
        self.names.append(self.factual.compiled.names[i] if name is None else name)
        self.states.append(self.factual.compiled.states[i] if states is None else states)
        self.factors.append(factor)
        return len(self.names) - 1

    def _name(self, i: int, k: int) -> str:
        """The name of the node's copy in world k."""
        name = self.factual.compiled.names[i]
        return f"{name}'{k}" if k else name

    def _parent(self, k: int, p: int, *, i: int) -> int:
        """The index of a parent to which the node responds in world k."""
        return self.at[0 if (p, i) in self.factual.unaffected_edges else k][p]

    def _noisy(self, i: int, factor: NoisyFactor, *, responding: list[int]) -> dict[int, int]:
        """The maximum of what all worlds share and of each link that may differ between them."""
        copies = [{k: self._parent(k, p, i=i) for k in responding} for p in factor.parents]
        shared_parents = [n for n, by_world in enumerate(copies) if len({*by_world.values()}) == 1]
        base = self._add(
            i,
            NoisyFactor(
                tuple(self.at[0][factor.parents[n]] for n in shared_parents),
                factor.leak,
                tuple(factor.links[n] for n in shared_parents),
            ),
            name=f"{self._name(i, 0)}^",
        )
        inputs: dict[int, list[int]] = {k: [base] for k in responding}
        for n, p in enumerate(factor.parents):
            if n not in shared_parents:
                for k, index in self._link((p, i), factor.links[n], copies=copies[n]).items():
                    inputs[k].append(index)
        identity = np.eye(self.factual.compiled.cards[i])[..., np.newaxis]
        maxima: dict[tuple[int, ...], int] = {(base,): base}
        for k in responding:
            key = tuple(inputs[k])
            if key not in maxima:
                maximum = NoisyFactor(key, identity[0], (identity,) * len(key))
                maxima[key] = self._add(i, maximum, name=self._name(i, k))
        return {k: maxima[tuple(inputs[k])] for k in responding}

    def _link(self, key: Mechanism, link: Array, *, copies: Mapping[int, int]) -> dict[int, int]:
        """World -> what a parent contributes in it, without worlds in which that is surely nothing.

        link: (parent's states, states, draws). copies: world -> the parent.
        """
        contributing = {
            k: (c,)
            for k, c in copies.items()
            if not (c in self.fixed and (link[self.fixed[c], 0] == 1.0).all())
        }
        parent, child = (self.factual.compiled.names[i] for i in key)
        return self._respond(Response(key, f"{child}<{parent}", link, (), contributing))

    def _table(self, i: int, factor: TableFactor, *, responding: list[int]) -> dict[int, int]:
        copies = [[self._parent(k, p, i=i) for k in responding] for p in factor.parents]
        shared_parents = [n for n, by_world in enumerate(copies) if len(set(by_world)) == 1]
        differing = [n for n in range(len(copies)) if n not in shared_parents]
        array = factor.table.transpose(*shared_parents, *differing, len(copies), len(copies) + 1)
        return self._respond(
            Response(
                (i, i),
                self.factual.compiled.names[i],
                array,
                tuple(copies[n][0] for n in shared_parents),
                {k: tuple(copies[n][j] for n in differing) for j, k in enumerate(responding)},
            )
        )

    def _respond(self, mechanism: Response) -> dict[int, int]:
        """World -> the outcome of a mechanism in it.

        Parents with the same value in every world are conditioned on; one exogenous uniform
        variable drives the rows of the remaining parents.
        """
        copies = dict.fromkeys(mechanism.differing.values())
        child = mechanism.key[1]
        if len(copies) == 1:
            parents = (*mechanism.shared, *next(iter(copies)))
            only = self._add(child, TableFactor(parents, mechanism.array), name=mechanism.name)
            return dict.fromkeys(mechanism.differing, only)
        coupling = self.couplings.get(mechanism.key)
        with self._holding(mechanism, coupled=coupling is not None):
            return self._couple(mechanism, coupling)

    def _couple(self, mechanism: Response, coupling: Coupling | None) -> dict[int, int]:
        """See `_respond`: the exogenous variable, and the response table of each world."""
        copies, child = dict.fromkeys(mechanism.differing.values()), mechanism.key[1]
        pairs = [
            self._compatible_rows(a, b, cards=mechanism.cards) for a, b in combinations(copies, 2)
        ]
        if coupling_matters(mechanism.rows, pairs):
            self.unidentified.append(mechanism.key)
        rows = np.moveaxis(mechanism.rows, 0, 2)
        pieces, here, there = coupled_responses(rows.reshape(*rows.shape[:2], -1), coupling)
        exogenous = self._add(
            child,
            TableFactor(
                mechanism.shared,
                np.moveaxis(pieces.reshape(len(pieces), *mechanism.contexts, -1), 0, -2),
            ),
            name=f"{mechanism.name}?",
            states=tuple(map(str, range(len(pieces)))),
        )
        made: dict[tuple[int, ...], int] = {}
        for k, parents in mechanism.differing.items():
            if parents not in made:
                factor = response_table(mechanism, k, exogenous=exogenous, here=here, there=there)
                name = mechanism.name if k == 0 else f"{mechanism.name}'{k}"
                made[parents] = self._add(child, factor, name=name)
        return {k: made[parents] for k, parents in mechanism.differing.items()}

    def _holding(self, mechanism: Response, *, coupled: bool) -> AbstractContextManager[None]:
        """Holds the memory of all response tables until now, before these are allocated.

        Raises TooLargeError where a table has too many entries, or all tables take more than the
        memory limit. A run over them counts them again, among its inputs.
        """
        compiled = self.factual.compiled
        entries, limit = mechanism.entries(coupled=coupled), compiled.memory_limit
        self.kept += mechanism.kept(coupled=coupled)
        size = self.kept + mechanism.while_made(coupled=coupled)
        if size > limit:
            raise TooLargeError(
                f"how {mechanism.name} responds to its causes in several worlds takes "
                f"{size_text(size)}, and the memory limit is {size_text(limit)}; raise the memory "
                "limit (`memory`), or ask about fewer causes at once"
            )
        if entries > compiled.limits.response_entries:
            raise TooLargeError(
                f"the responses of {mechanism.name} to its causes are too many "
                f"to write down ({entries})"
            )
        return compiled.resources.gate.hold(size, limit)

    def _compatible_rows(
        self, one: tuple[int, ...], other: tuple[int, ...], *, cards: tuple[int, ...]
    ) -> NDArray[np.bool_]:
        """Which row can hold in one world with which in another, (rows, rows).

        one, other: the differing parents in the two worlds; some are set or observed.
        """
        masks = []
        for a, b, card in zip(one, other, cards, strict=True):
            possible = [
                np.arange(card) == self.known[n] if n in self.known else np.ones(card, dtype=bool)
                for n in (a, b)
            ]
            pair = np.outer(*possible)
            masks.append(pair & np.eye(card, dtype=bool) if a == b else pair)
        return reduce(np.kron, masks)
