"""What the engine returns: P(evidence), marginals of nodes, joints of a few."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Marginals:
    """log P(evidence), (batch,), and the posterior of each node asked for, (states, batch)."""

    log_evidence: Array
    of: dict[int, Array]


@dataclass(frozen=True, eq=False)
class Joint:
    """log P(evidence), (batch,), and the joint posterior, axes (nodes in the order asked for..., batch)."""

    log_evidence: Array
    table: Array
