"""A network turned into arrays: what the engine runs on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.cache import PlanCache
from spinelink.inference.limits import BYTES_PER_ENTRY, DEFAULT, MEMORY_LIMIT, Limits
from spinelink.inference.memory import MemoryGate
from spinelink.typing import EngineChoice

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TableFactor:
    """P(node | parents) as an array with axes (parents..., node, batch)."""

    parents: tuple[int, ...]
    table: Array


@dataclass(frozen=True, eq=False)
class NoisyFactor:
    """A noisy-MAX (noisy-OR where there are two states): the maximum of independent contributions.

    leak: (states, batch). links: per parent (parent's states, states, batch), each row a distribution.
    """

    parents: tuple[int, ...]
    leak: Array
    links: tuple[Array, ...]


Factor = TableFactor | NoisyFactor


def factor_arrays(factor: Factor) -> tuple[Array, ...]:
    """The arrays of a factor: its table, or its leak and links."""
    if isinstance(factor, TableFactor):
        return (factor.table,)
    return (factor.leak, *factor.links)


def map_factor(change: Callable[..., Array], factor: Factor, *others: Factor) -> Factor:
    """The factor with each array changed; `change` also gets the matching arrays of the others."""
    changed = [
        change(*arrays)
        for arrays in zip(*(factor_arrays(f) for f in (factor, *others)), strict=True)
    ]
    if isinstance(factor, TableFactor):
        return TableFactor(factor.parents, changed[0])
    return NoisyFactor(factor.parents, changed[0], tuple(changed[1:]))


@dataclass(frozen=True, eq=False)
class Resources:
    """What every run over a network may use.

    engine: "fast" is the compiled kernel (numba), "numpy" the interpreted engine, "auto" the kernel
    for questions that make many runs, where numba is installed. memory_limit: bytes that all
    runs at the same time may hold. limits: thresholds at which the engine changes its method.
    plans: the cache of plans, shared by networks of one structure. gate: what the runs hold now.
    """

    engine: EngineChoice = "auto"
    memory_limit: float = MEMORY_LIMIT
    limits: Limits = DEFAULT
    plans: PlanCache = field(default_factory=PlanCache, repr=False)
    gate: MemoryGate = field(default_factory=MemoryGate, repr=False)

    def for_other_structure(self) -> Resources:
        """The same for a network with other nodes or arrows: plans are not shared."""
        return replace(self, plans=PlanCache())


@dataclass(frozen=True, eq=False)
class CompiledNetwork:
    """A network as arrays: names, states and factors by index; parents before children in `order`.

    Every question asks the engine that `resources` name, within its limits.
    """

    names: tuple[str, ...]
    states: tuple[tuple[str, ...], ...]
    factors: tuple[Factor, ...]
    resources: Resources = field(default_factory=Resources, repr=False)
    fits: tuple[int, ...] = ()
    """What selection nodes add: whether a person fits the reason. They stand last."""
    selected: Mapping[int, int] = field(default_factory=dict)
    """Those of them that are observed in everybody: how the population was selected."""

    @cached_property
    def selected_by(self) -> tuple[str, ...]:
        """The selections in force, by name."""
        roots = (self.factors[i].parents[0] for i in self.selected)
        return tuple(dict.fromkeys(self.names[root] for root in roots))

    def within(self, observed: Mapping[int, Any]) -> dict[int, Any]:
        """The findings of one case with what is observed in everybody."""
        return {**self.selected, **observed}

    @property
    def engine(self) -> EngineChoice:
        """The engine that was asked for; `engine_for` says which one answers."""
        return self.resources.engine

    @property
    def memory_limit(self) -> float:
        """Bytes that one run may take."""
        return self.resources.memory_limit

    @property
    def max_entries(self) -> float:
        """Table entries that one run may hold."""
        return self.resources.memory_limit / BYTES_PER_ENTRY

    @property
    def limits(self) -> Limits:
        """Thresholds at which the engine changes its method."""
        return self.resources.limits

    @property
    def plans(self) -> PlanCache:
        """Plans that were made for this structure."""
        return self.resources.plans

    @cached_property
    def index(self) -> dict[str, int]:
        """The index of each node, by name."""
        return {name: i for i, name in enumerate(self.names)}

    @cached_property
    def cards(self) -> tuple[int, ...]:
        """How many states each node has."""
        return tuple(len(s) for s in self.states)

    @cached_property
    def parents(self) -> tuple[tuple[int, ...], ...]:
        """The parents of each node, by index."""
        return tuple(f.parents for f in self.factors)

    @cached_property
    def leaves(self) -> frozenset[int]:
        """Nodes that nothing depends on."""
        return frozenset(range(len(self.names))) - {p for parents in self.parents for p in parents}

    @cached_property
    def order(self) -> tuple[int, ...]:
        """Topological order."""
        return topological_order(dict(enumerate(self.parents)))

    @cached_property
    def draws(self) -> int:
        """Length of the batch axis: parameter draws, 1 where there is one value for each parameter."""
        return max(int(a.shape[-1]) for f in self.factors for a in factor_arrays(f))

    @cached_property
    def numbers(self) -> int:
        """How many numbers the arrays hold under one parameter draw."""
        return sum(a.size // a.shape[-1] for f in self.factors for a in factor_arrays(f))

    def of_draws(self, draws: NDArray[np.intp] | slice) -> CompiledNetwork:
        """The network under some of its parameter draws."""
        return self.map_arrays(lambda a: a if a.shape[-1] == 1 else a[..., draws])

    def with_engine(self, engine: EngineChoice) -> CompiledNetwork:
        """The same network, answered by another engine."""
        if engine == self.engine:
            return self
        return replace(self, resources=replace(self.resources, engine=engine))

    def with_fewer_digits(self, factor: float) -> CompiledNetwork:
        """The same network, whose large runs may lose so many times more; see `limits.fewer_digits`."""
        limits = replace(self.limits, fewer_digits=factor)
        return replace(self, resources=replace(self.resources, limits=limits))

    def with_limits(self, limits: Limits, *, memory_limit: float | None = None) -> CompiledNetwork:
        """The same network, answered within other limits."""
        memory = self.memory_limit if memory_limit is None else memory_limit
        resources = replace(
            self.resources.for_other_structure(), limits=limits, memory_limit=memory
        )
        return replace(self, resources=resources)

    def map_arrays(self, change: Callable[[Array], Array]) -> CompiledNetwork:
        """The same structure with every array changed; plans are shared, as they hold no numbers."""
        return replace(self, factors=tuple(map_factor(change, f) for f in self.factors))

    @cached_property
    def _above(self) -> dict[int, frozenset[int]]:
        return {}

    def above(self, node: int) -> frozenset[int]:
        """The node and everything above it; cached."""
        above = self._above.get(node)
        if above is None:
            above = self._above.setdefault(node, frozenset(self.ancestors([node])))
        return above

    def ancestors(self, nodes: Iterable[int]) -> set[int]:
        """The nodes and everything above them."""
        found: set[int] = set()
        stack = list(nodes)
        while stack:
            node = stack.pop()
            if node not in found:
                found.add(node)
                stack.extend(self.parents[node])
        return found


def topological_order(parents: Mapping[int, tuple[int, ...]]) -> tuple[int, ...]:
    """Parents before children. The graph must have no cycle."""
    done: dict[int, None] = {}
    for root in parents:
        stack = [(root, iter(parents[root]))]
        while stack:
            node, rest = stack[-1]
            if node in done:
                stack.pop()
                continue
            parent = next((p for p in rest if p not in done), None)
            if parent is None:
                done[node] = None
                stack.pop()
            else:
                stack.append((parent, iter(parents[parent])))
    return tuple(done)
