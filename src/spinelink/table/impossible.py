"""Rows of a table whose findings cannot occur together: what to say of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from spinelink.errors import ImpossibleEvidenceError
from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.contradiction import smallest_contradiction
from spinelink.network.evidence import describe

Array = NDArray[np.float64]


def impossible_row(
    compiled: CompiledNetwork,
    observed: Mapping[int, int | Array],
    *,
    row: int,
    more: str = "",
    instead: str,
) -> ImpossibleEvidenceError:
    """The error about a row, which names its smallest contradiction.

    Args:
        compiled: the network.
        observed: the row's findings by node: a state, or likelihoods, (states, 1).
        row: its number.
        more: words on other rows.
        instead: the option that accepts such rows.
    """
    texts = []
    for node in smallest_contradiction(compiled, observed):
        value, states = observed[node], compiled.states[node]
        if isinstance(value, int):
            texts.append(describe(compiled.names[node], states[value]))
        else:
            pairs = zip(states, value[:, 0], strict=True)
            likelihoods = tuple((s, float(v)) for s, v in pairs)
            texts.append(describe(compiled.names[node], likelihoods))
    cannot = "cannot occur together" if len(texts) > 1 else "cannot occur in this network"
    others = f" ({more})" if more else ""
    return ImpossibleEvidenceError(
        f"row {row}: {', '.join(texts)} {cannot}{others}. "
        f"Correct the row, or say on_impossible='{instead}'.",
        findings=texts,
    )
