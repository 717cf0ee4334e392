"""A table scorer that travels: pickled to the workers of Dask, Ray, Spark or a process pool, and called with their part of the table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from spinelink.inference.arrays import CompiledNetwork
from spinelink.network.network import Network
from spinelink.table.posteriors import OnImpossible, table_posteriors


@dataclass(frozen=True, eq=False)
class Scorer:
    """Frame -> frame of posteriors. Rows do not know each other, so any part of a table may be scored anywhere, in any order."""

    network: Network
    compiled: CompiledNetwork
    of: tuple[str, ...] | str
    keep: tuple[str, ...]
    on_impossible: OnImpossible
    threads: int

    def __call__(self, frame: Any) -> Any:
        """The posteriors of this part; see `Model.posteriors`."""
        return table_posteriors(
            self.network,
            self.compiled,
            frame,
            of=self.of,
            keep=self.keep,
            threads=self.threads,
            progress=False,
            on_impossible=self.on_impossible,
        )
