"""How one mechanism responds in several worlds: its tables, and the memory that these take.

The size is known before anything is allocated: a mechanism of many rows has many pieces of its
quantile, and a table for each world.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.arrays import TableFactor
from spinelink.inference.counterfactual.coupling import Mechanism
from spinelink.inference.memory import BYTES

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Response:
    """A mechanism whose outcome may differ between worlds.

    array: (shared parents..., differing parents..., states, draws). shared: the parents with the
    same value in every world. differing: world -> the other parents, as nodes of the network.
    """

    key: Mechanism
    name: str
    array: Array
    shared: tuple[int, ...]
    differing: Mapping[int, tuple[int, ...]]

    @property
    def contexts(self) -> tuple[int, ...]:
        """Numbers of states of the shared parents."""
        return self.array.shape[: len(self.shared)]

    @property
    def cards(self) -> tuple[int, ...]:
        """Numbers of states of the differing parents."""
        return self.array.shape[len(self.shared) : -2]

    @property
    def rows(self) -> Array:
        """Distributions, (contexts, rows, states, draws)."""
        return self.array.reshape(prod(self.contexts), prod(self.cards), *self.array.shape[-2:])

    def most_pieces(self, *, coupled: bool) -> int:
        """Pieces of the quantile, at most. coupled: the rows of other worlds have an order of their own."""
        return prod(self.cards) * (int(self.array.shape[-2]) - 1) * (2 if coupled else 1) + 1

    def entries(self, *, coupled: bool) -> int:
        """Numbers in the largest response table, at most."""
        rows = prod(self.cards) if coupled else 1
        return self.most_pieces(coupled=coupled) * int(self.array.size) * rows

    def kept(self, *, coupled: bool) -> float:
        """Bytes of the response tables of all worlds, at most."""
        tables = len(set(self.differing.values()))
        return BYTES * tables * self.entries(coupled=coupled)

    def while_made(self, *, coupled: bool) -> float:
        """Bytes that it takes beside them: one table, the states in every piece, pairs of rows."""
        states = self.most_pieces(coupled=coupled) * self.array.size
        pairs = prod(self.cards) ** 2
        return BYTES * (self.entries(coupled=coupled) + (4 if coupled else 1) * states + 2 * pairs)


def response_table(
    mechanism: Response, k: int, *, exogenous: int, here: Array, there: Array | None
) -> TableFactor:
    """The outcome in world k as a function of the exogenous variable and the parents.

    here, there: states of the rows in the pieces of the quantile, in the factual world and in
    others, (pieces, rows, states, columns).
    """
    parents = mechanism.differing[k]
    response = here.reshape(len(here), *mechanism.cards, *here.shape[2:])
    if k and there is not None:
        parents, response = _response_given_factual(mechanism, k, here=here, there=there)
    if response.shape[-1] == 1:
        return TableFactor((exogenous, *parents), response)
    # (pieces, differing parents..., states, contexts * draws): the contexts go before the parents.
    contexts = response.reshape(*response.shape[:-1], prod(mechanism.contexts), -1)
    moved = np.moveaxis(contexts, -2, 1)
    table = moved.reshape(len(moved), *mechanism.contexts, *moved.shape[2:])
    return TableFactor((exogenous, *mechanism.shared, *parents), table)


def _response_given_factual(
    mechanism: Response, k: int, *, here: Array, there: Array
) -> tuple[tuple[int, ...], Array]:
    """The response in another world, given the parents in the factual world too.

    It is that of the factual world where the parents' states agree (consistency), else `there`.

    Returns:
        The parents of the response in both worlds, each once, and the table (pieces, states of
        these..., states, columns).
    """
    factual, parents = mechanism.differing[0], mechanism.differing[k]
    same = np.eye(here.shape[1], dtype=bool)[..., np.newaxis, np.newaxis]
    # (pieces, factual rows, rows, states, columns)
    both = np.where(same, here[:, :, np.newaxis], there[:, np.newaxis])
    count = len(mechanism.cards)
    first = list(range(1, count + 1))
    second = [n if a == b else n + count for n, a, b in zip(first, factual, parents, strict=True)]
    added = [n for n in second if n > count]
    states, columns = 2 * count + 1, 2 * count + 2
    table = np.einsum(
        both.reshape(len(both), *mechanism.cards, *mechanism.cards, *both.shape[3:]),
        [0, *first, *second, states, columns],
        [0, *first, *added, states, columns],
    )
    return (*factual, *(parents[n - count - 1] for n in added)), table
