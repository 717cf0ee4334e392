"""The joint covariance of fitted values, in a file of numbers beside theirs.

Standard deviations stand there as float32, and the correlations below the diagonal as whole numbers
from -32,767 to 32,767. Most are near 0, so that they compress well: 641 coordinates of back-leg-pain
take 0.3 MB. Where so few digits would move the width of an interval, they are kept as float32 or
float64.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinelink.errors import SpinelinkError
from spinelink.files import whole_file
from spinelink.network.joint import JointCovariance

LARGEST = 100_000_000
"""Bytes of such a file."""
MOST_COORDINATES = 20_000
LOSS = 0.01
"""What is stored leaves the variance of every answer, to first order, within the factor exp(0.01)."""
STEPS = 32_767

Array = NDArray[np.float64]


class JointFileError(SpinelinkError, ValueError):
    """A joint covariance that is missing, or is not the one that belongs to the fitted values."""


def joint_path(fitted: Path) -> Path:
    """`name.fitted.npz` beside `name.fitted.json`."""
    return fitted.with_suffix(".npz")


def digest(data: bytes) -> str:
    """Twelve hexadecimal digits of the SHA-256."""
    return hashlib.sha256(data).hexdigest()[:12]


def joint_bytes(joint: JointCovariance) -> bytes:
    """A joint covariance as the file has it, compressed; the same bytes each time."""
    keys = json.dumps(joint.keys, separators=(",", ":")).encode()
    deviations = np.sqrt(np.diag(joint.covariance))
    correlation = joint.covariance / np.outer(deviations, deviations)
    below = np.clip(correlation[np.tril_indices(len(joint), -1)], -1.0, 1.0)
    stored: NDArray[Any] = np.rint(below * STEPS).astype(np.int16)
    if not _loss(correlation, stored) <= LOSS:
        stored = below.astype(np.float32)
    if not _loss(correlation, stored) <= LOSS:
        stored = below
    stream = io.BytesIO()
    np.savez_compressed(
        stream,
        keys=np.frombuffer(keys, dtype=np.uint8),
        deviations=deviations.astype(np.float32),
        correlations=stored,
    )
    return stream.getvalue()


def _loss(correlation: Array, stored: NDArray[Any]) -> float:
    """The logarithm of the largest factor by which what is stored changes a variance."""
    try:
        root = np.linalg.cholesky(correlation)
    except np.linalg.LinAlgError:
        return float("inf")
    half = np.linalg.solve(root, _correlation(stored, len(correlation)))
    ratios = np.linalg.eigvalsh(np.linalg.solve(root, half.T))
    return float(np.abs(np.log(np.maximum(ratios, 1e-300))).max())


def _correlation(stored: NDArray[Any], size: int) -> Array:
    """The correlations of all pairs, (size, size), from those below the diagonal."""
    found = np.zeros((size, size))
    scale = STEPS if stored.dtype == np.int16 else 1.0
    found[np.tril_indices(size, -1)] = stored.astype(np.float64) / scale
    return np.asarray(found + found.T + np.eye(size))


def write_joint(path: Path, data: bytes) -> None:
    """Writes the file whole or not at all. Raises OSError."""
    with whole_file(path) as temporary:
        temporary.write_bytes(data)


def read_joint(path: Path, *, expected: str) -> JointCovariance:
    """The joint covariance in a file.

    expected: the digest that the fitted values name.

    Raises:
        JointFileError: it is missing, another one, or no such file.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise JointFileError("it is too large")
        data = path.read_bytes()
    except OSError as error:
        raise JointFileError(error.strerror or str(error)) from None
    if digest(data) != expected:
        raise JointFileError("it belongs to other fitted values")
    try:
        return joint_from_bytes(data)
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise JointFileError(f"it cannot be read ({type(error).__name__})") from None


def joint_from_bytes(data: bytes) -> JointCovariance:
    """The joint covariance that `joint_bytes` wrote. Raises ValueError or KeyError for another file."""
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        keys = [tuple(key) for key in json.loads(arrays["keys"].tobytes())]
        deviations, stored = arrays["deviations"].astype(np.float64), arrays["correlations"]
    size = len(keys)
    texts = all(part is None or isinstance(part, str) for key in keys for part in key)
    if size > MOST_COORDINATES or not texts or not all(len(key) == 3 for key in keys):
        raise ValueError("keys")
    if deviations.shape != (size,) or stored.shape != (size * (size - 1) // 2,):
        raise ValueError("shapes")
    correlation = _correlation(stored, size)
    if not (np.isfinite(deviations).all() and (deviations > 0.0).all()):
        raise ValueError("deviations")
    if not (np.abs(correlation) <= 1.0).all():
        raise ValueError("correlations")
    return JointCovariance(tuple(keys), correlation * np.outer(deviations, deviations))
