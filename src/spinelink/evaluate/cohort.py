"""Simulated cohorts as tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from spinelink.errors import SpinelinkError, UnknownNameError
from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.findings import Observed
from spinelink.inference.interpreted.sampling import sample

if TYPE_CHECKING:
    import pandas as pd

PIECE = 10_000  # patients drawn side by side


def cohort(
    compiled: CompiledNetwork,
    observed: Observed,
    names: Sequence[str],
    size: int,
    *,
    seed: int | np.random.Generator,
    missing: float | Mapping[str, float],
    kept: Collection[str],
) -> pd.DataFrame:
    """See `Case.sample`. kept: columns that are never blanked."""
    import pandas as pd

    rates = _rates(names, missing)
    try:
        rng = np.random.default_rng(seed)
    except (TypeError, ValueError):
        raise SpinelinkError(
            f"a seed is a whole number, 0 or more, or a NumPy Generator; not {seed!r}."
        ) from None
    parts = [
        sample(compiled, observed, size=min(PIECE, size - k), rng=rng)
        for k in range(0, size, PIECE)
    ]
    codes = np.concatenate(parts) if parts else np.empty((0, len(compiled.names)), dtype=np.int64)
    columns = {}
    for name in names:
        own = codes[:, compiled.index[name]].copy()
        if name not in kept and rates[name] > 0.0:
            own[rng.random(size) < rates[name]] = -1
        columns[name] = pd.Categorical.from_codes(
            own, categories=pd.Index(compiled.states[compiled.index[name]]), ordered=True
        )
    return pd.DataFrame(columns)


def _rates(names: Sequence[str], missing: float | Mapping[str, float]) -> dict[str, float]:
    if not isinstance(missing, Mapping):
        missing = dict.fromkeys(names, missing)
    for name, rate in missing.items():
        if name not in names:
            raise UnknownNameError(str(name), kind="column", allowed=names)
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0.0 <= rate <= 1.0:
            raise SpinelinkError(f"missing is a share of cells, from 0 to 1, not {rate!r}.")
    return {name: float(missing.get(name, 0.0)) for name in names}
