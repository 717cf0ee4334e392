"""Files that stand beside a network file and bear its name: cases, a vocabulary, claims."""

from __future__ import annotations

from pathlib import Path
from typing import Literal


def fitted_path(network_file: Path) -> Path:
    """Where the fitted values of a network file stand: `name.fitted.json` beside `name.yaml`."""
    return network_file.with_suffix(".fitted.json")


def companion_file(
    network_file: Path | None, kind: Literal["cases", "vocabulary", "claims"]
) -> Path | None:
    """`name.kind.yaml` beside `name.yaml`, where there is one."""
    path = network_file.with_suffix(f".{kind}.yaml") if network_file is not None else None
    return path if path is not None and path.exists() else None
