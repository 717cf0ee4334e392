"""The joint covariance of fitted values, in a file of numbers beside theirs."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from pathlib import Path

import numpy as np

from spinelink.errors import SpinelinkError
from spinelink.files import whole_file
from spinelink.network.joint import JointCovariance

LARGEST = 200_000_000
"""Bytes of such a file."""


class JointFileError(SpinelinkError, ValueError):
    """A joint covariance that is missing, or is not the one that belongs to the fitted values."""


def joint_path(fitted: Path) -> Path:
    """`name.fitted.npz` beside `name.fitted.json`."""
    return fitted.with_suffix(".npz")


def digest(data: bytes) -> str:
    """Twelve hexadecimal digits of the SHA-256."""
    return hashlib.sha256(data).hexdigest()[:12]


def joint_bytes(joint: JointCovariance) -> bytes:
    """A joint covariance as the file has it: float32, compressed, the same bytes each time."""
    stream = io.BytesIO()
    keys = json.dumps(joint.keys, separators=(",", ":")).encode()
    np.savez_compressed(
        stream,
        keys=np.frombuffer(keys, dtype=np.uint8),
        variances=joint.variances.astype(np.float32),
        directions=joint.directions.astype(np.float32),
        strengths=joint.strengths.astype(np.float32),
    )
    return stream.getvalue()


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
        return _from_bytes(data)
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise JointFileError(f"it cannot be read ({type(error).__name__})") from None


def _from_bytes(data: bytes) -> JointCovariance:
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        keys = [tuple(key) for key in json.loads(arrays["keys"].tobytes())]
        names = ("variances", "directions", "strengths")
        variances, directions, strengths = (arrays[n].astype(np.float64) for n in names)
    if not all(len(key) == 3 for key in keys):
        raise ValueError("keys")
    if variances.shape != (len(keys),) or directions.shape != (len(keys), len(strengths)):
        raise ValueError("shapes")
    if not (np.isfinite(directions).all() and np.isfinite(strengths).all()):
        raise ValueError("numbers")
    if not (np.isfinite(variances).all() and (variances > 0.0).all()):
        raise ValueError("variances")
    return JointCovariance(tuple(keys), variances, directions, strengths)
