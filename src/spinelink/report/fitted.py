"""Fitted values written beside their network file."""

from __future__ import annotations

from pathlib import Path

from spinelink.adjust.evidence.result import EvidenceFit, fitted_file, joint_of
from spinelink.case import Model
from spinelink.errors import SpinelinkError
from spinelink.io.fitted_file import claims_fingerprint, write_fitted


def write_fit(model: Model, fit: EvidenceFit) -> Path:
    """Writes the fitted values of a model's network file beside it.

    Args:
        model: that was fitted, with the file that it came from.
        fit: the answer of `fit_claims` to the claims beside that file.

    Returns:
        The path of the companion file.

    Raises:
        SpinelinkError: the model came from no file, or the file cannot be written.
    """
    if model.origin is None:
        raise SpinelinkError("fitted values stand beside a network file, and this model has none.")
    stated = model.network if model.stated is None else model.stated
    claims = claims_fingerprint(model.origin)
    fitted = fitted_file(fit, stated=stated, claims=claims)
    return write_fitted(model.origin, fitted, joint=joint_of(fit))
