"""The companion file of fitted values: read beside its network, written by a fit."""

from __future__ import annotations

import hashlib
import json
import warnings
from pathlib import Path

from pydantic import ValidationError

from spinelink.errors import NetworkFileError, SpinelinkError
from spinelink.files import write_text
from spinelink.io.companion_file import companion_file, fitted_path
from spinelink.io.joint_file import (
    JointFileError,
    digest,
    joint_bytes,
    joint_path,
    read_joint,
    write_joint,
)
from spinelink.io.json_file import JsonFileError, read_json
from spinelink.io.network_file import read_network
from spinelink.network.fitted import FittedFile, applied
from spinelink.network.joint import JointCovariance, check_joint
from spinelink.network.network import Network
from spinelink.network.question import fingerprint


class FittedValuesWarning(UserWarning):
    """Fitted values that are not used, because they were made from something else."""


def with_fitted_values(network: Network, path: Path) -> tuple[Network, JointCovariance | None]:
    """The network with the fitted values that stand beside its file; itself where there are none.

    With it comes how these vary together, where that is known.

    A file that was made from other priors, another structure or other claims is not used, and a
    warning says so.
    """
    beside = fitted_path(path)
    if not beside.exists():
        return network, None
    try:
        fitted = FittedFile.model_validate(read_json(beside))
        reason = _stale(fitted, network, path)
        if not reason:
            found = applied(network, fitted)
            return found, _joint(fitted, found, path)
    except (JsonFileError, ValidationError, KeyError) as error:
        reason = f"it cannot be read ({type(error).__name__})"
    warnings.warn(
        f"the fitted values in {beside.name} are not used: {reason}. The network answers from its "
        f"priors. Fit it again with: spinelink fit {path}",
        FittedValuesWarning,
        stacklevel=3,
    )
    return network, None


def _joint(fitted: FittedFile, network: Network, path: Path) -> JointCovariance | None:
    """How the fitted values vary together; None where it is not known, with a warning if it was."""
    if fitted.joint is None:
        return None
    beside = joint_path(fitted_path(path))
    try:
        joint = read_joint(beside, expected=fitted.joint)
        check_joint(joint, network)
        return joint
    except JointFileError as error:
        reason = str(error)
    except KeyError:
        reason = "it is about other parameters"
    warnings.warn(
        f"the joint covariance in {beside.name} is not used: {reason}. Intervals take fitted "
        f"parameters as independent. Fit the network again with: spinelink fit {path}",
        FittedValuesWarning,
        stacklevel=4,
    )
    return None


def state_of(path: Path) -> str:
    """What becomes of the fitted values beside a network file; empty where there are none."""
    if path.name.endswith(".claims.yaml") or not fitted_path(path).exists():
        return ""
    fitted = read_fitted(path)
    if fitted is None:
        return "they cannot be read, so that priors are used"
    try:
        reason = _stale(fitted, read_network(path), path)
    except NetworkFileError:
        return ""
    about = f"{fitted.figures} figures of {fitted.studies} studies"
    return f"not used: {reason}" if reason else f"used, from {about}"


def read_fitted(path: Path) -> FittedFile | None:
    """The fitted values beside a network file; None where there are none that can be read."""
    beside = fitted_path(path)
    if not beside.exists():
        return None
    try:
        return FittedFile.model_validate(read_json(beside))
    except (JsonFileError, ValidationError):
        return None


def _stale(fitted: FittedFile, network: Network, path: Path) -> str:
    """Why the values do not belong to this network; an empty string where they do."""
    if fitted.network != network.name:
        return f"they are of network {fitted.network!r}"
    if fitted.network_fingerprint != fingerprint(network):
        return "the network has changed since"
    claims = claims_fingerprint(path)
    return "the claims have changed since" if fitted.claims_fingerprint != claims else ""


def claims_fingerprint(path: Path) -> str:
    """Twelve hexadecimal digits of the SHA-256 of the claims beside a network file; of nothing else."""
    claims = companion_file(path, "claims")
    data = claims.read_bytes() if claims is not None else b""
    return hashlib.sha256(data.replace(b"\r\n", b"\n")).hexdigest()[:12]


def write_fitted(path: Path, fitted: FittedFile, *, joint: JointCovariance | None = None) -> Path:
    """Writes the companion file of a network file: whole or not at all.

    joint: goes into a file of its own, whose digest the companion file names.

    Raises:
        SpinelinkError: it cannot be written.
    """
    target = fitted_path(path)
    numbers = None if joint is None else joint_bytes(joint)
    name = None if numbers is None else digest(numbers)
    fitted = fitted.model_copy(update={"joint": name})
    data = fitted.model_dump(mode="json")
    parameters = data.pop("parameters")
    lines = ["{"]
    lines += [f" {json.dumps(key)}: {json.dumps(value)}," for key, value in data.items()]
    lines.append(' "parameters": {')
    for k, (setting, values) in enumerate(parameters.items(), 1):
        lines.append(f"  {json.dumps(setting)}: {{")
        rows = [f"   {json.dumps(name)}: {json.dumps(value)}" for name, value in values.items()]
        lines.append(",\n".join(rows))
        lines.append("  }" if k == len(parameters) else "  },")
    lines += [" }", "}"]
    try:
        if numbers is None:
            joint_path(target).unlink(missing_ok=True)
        else:
            write_joint(joint_path(target), numbers)
        return write_text(target, "\n".join(lines) + "\n", lambda written: None)
    except OSError as error:
        raise SpinelinkError(f"{target} cannot be written: {error.strerror or error}.") from None
