"""A table scorer that travels: pickled to the workers of Dask, Ray, Spark or a process pool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

from spinelink.case import Model
from spinelink.options import one_of, text_list, whole
from spinelink.table.posteriors import COLUMNS, OnImpossible, chosen_nodes, posteriors


@dataclass(frozen=True, eq=False)
class Scorer:
    """Frame -> frame of posteriors.

    Rows do not know each other, so any part of a table may be scored anywhere, in any order.
    """

    model: Model
    of: str | tuple[str, ...]
    keep: tuple[str, ...]
    on_impossible: OnImpossible
    threads: int

    def __call__(self, frame: Any) -> Any:
        """The posteriors of this part; see `Model.posteriors`."""
        return posteriors(
            self.model,
            frame,
            of=self.of,
            keep=self.keep,
            threads=self.threads,
            progress=False,
            on_impossible=self.on_impossible,
        )


def scorer(
    model: Model,
    *,
    of: str | Sequence[str] = "causes",
    keep: str | Sequence[str] = (),
    on_impossible: OnImpossible = "flag",
    threads: int = 1,
) -> Scorer:
    """`posteriors` as a callable that can be pickled.

    Args:
        model: the network.
        of: "causes", "all", "evidence" (only P(findings)), or names of nodes.
        keep: columns that are no findings and are handed through.
        on_impossible: "flag" gives NaN in rows that cannot occur; "raise" names the first.
        threads: how many each call may use.

    Returns:
        A callable frame -> frame, for Dask `map_partitions`, Ray `map_batches` or Spark
        `mapInPandas`.

    Raises:
        UnknownNameError: a node is not known.

    Example:
        >>> import pandas as pd, spinelink as sl
        >>> score = sl.load("minimal").scorer(of="scoliosis")
        >>> list(score(pd.DataFrame({"numbness": ["present"]})).columns)
        ['scoliosis', 'log_evidence']
    """
    of = of if isinstance(of, str) else text_list(of, "of")  # a generator is read once
    chosen_nodes(model.network, of)  # refuses unknown names here, not on a worker
    wanted = of if isinstance(of, str) else tuple(of)
    kept = tuple(text_list(keep, "keep", what=COLUMNS))
    one_of(on_impossible, "on_impossible", get_args(OnImpossible))
    threads = whole(threads, "threads", least=1, most=1024, meaning="how many threads")
    return Scorer(model, wanted, kept, on_impossible, threads)
