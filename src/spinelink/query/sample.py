"""Simulated patients as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from spinelink.case import Case, Model
from spinelink.errors import SpinelinkError, UnknownNameError, shown
from spinelink.inference.interpreted import sampling
from spinelink.network.node import OBSERVABLE
from spinelink.options import is_real, whole
from spinelink.typing import Findings

if TYPE_CHECKING:
    import pandas as pd

PIECE = 10_000
"""Patients that are drawn together."""


MOST_PATIENTS = 10_000_000
"""Simulated at once; more come from several seeds."""


def sample(
    case: Case,
    size: int,
    *,
    seed: int | np.random.Generator = 0,
    columns: str | Sequence[str] | None = None,
    missing: float | Mapping[str, float] = 0.0,
) -> pd.DataFrame:
    """Simulated patients with these findings, drawn exactly, however rare the findings are.

    Args:
        case: the findings that all of them have.
        size: how many patients.
        seed: the same seed gives the same patients.
        columns: nodes to give; all where None. "observable" leaves causes and mechanisms out.
        missing: the share of cells that are blanked at random (not assessed); one for all columns,
            or by node. Findings of the case stay.

    Returns:
        One row a patient, one categorical column a node.

    Raises:
        UnknownNameError: a node is not known.
        SpinelinkError: an option is out of range.
        ImpossibleEvidenceError: the findings cannot occur together.

    Example:
        >>> import spinelink as sl
        >>> frame = sl.load("minimal").observe(numbness=True).sample(3, columns=["numbness"])
        >>> list(frame["numbness"])
        ['present', 'present', 'present']
    """
    import pandas as pd

    model = case.model
    size = whole(size, "size", most=MOST_PATIENTS, meaning="how many patients")
    names = _columns(case, columns)
    _ = case.log_evidence  # raises where the findings cannot occur
    rates = _rates(names, missing)
    rng = _generator(seed)
    compiled = model.compiled
    parts = [
        sampling.sample(compiled, case.observed, size=min(PIECE, size - k), rng=rng)
        for k in range(0, size, PIECE)
    ]
    states = np.concatenate(parts) if parts else np.empty((0, len(compiled.names)), dtype=np.int64)
    cells = {}
    for name in names:
        column = states[:, compiled.index[name]].copy()
        if name not in case.findings and rates[name] > 0.0:
            column[rng.random(size) < rates[name]] = -1
        categories = pd.Index(model.nodes[name].states)
        cells[name] = pd.Categorical.from_codes(column, categories=categories, ordered=True)
    return pd.DataFrame(cells)


def _columns(case: Case, columns: str | Sequence[str] | None) -> list[str]:
    nodes = case.model.nodes
    if columns is None or (isinstance(columns, str) and columns == "all"):
        return list(case.model.network.variables)
    if isinstance(columns, str) and columns == "observable":
        return [n for n, node in nodes.items() if node.role in OBSERVABLE]
    return case.model.names(columns)


def _generator(seed: int | np.random.Generator) -> np.random.Generator:
    if isinstance(seed, np.random.Generator):
        return seed
    words = "a NumPy Generator, or a whole number"
    return np.random.default_rng(whole(seed, "seed", meaning=words))


def _rates(names: Sequence[str], missing: float | Mapping[str, float]) -> dict[str, float]:
    if not isinstance(missing, Mapping):
        missing = dict.fromkeys(names, missing)
    for name, rate in missing.items():
        if name not in names:
            raise UnknownNameError(name, kind="column", allowed=names)
        if not is_real(rate) or not 0.0 <= rate <= 1.0:
            raise SpinelinkError(f"missing is a share of cells, from 0 to 1, not {shown(rate)}.")
    return {name: float(missing.get(name, 0.0)) for name in names}


def sample_patients(
    model: Model,
    size: int,
    *,
    findings: Findings | None = None,
    seed: int | np.random.Generator = 0,
    columns: str | Sequence[str] | None = None,
    missing: float | Mapping[str, float] = 0.0,
) -> pd.DataFrame:
    """Simulated patients of the setting in force; see `Case.sample`.

    Args:
        model: the network in one of its settings.
        size: how many patients.
        findings: that all of them have.
        seed: the same seed gives the same patients.
        columns: nodes to give; all where None. "observable" leaves causes and mechanisms out.
        missing: the share of cells that are blanked at random; one for all columns, or by node.

    Returns:
        One row a patient, one categorical column a node.

    Raises:
        UnknownNameError: a node is not known.
        SpinelinkError: an option is out of range.

    Example:
        >>> import spinelink as sl
        >>> sl.load("minimal").sample(4, seed=1).shape
        (4, 12)
    """
    case = model.observe(findings)
    return sample(case, size, seed=seed, columns=columns, missing=missing)
