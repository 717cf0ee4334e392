"""The records of the evidence stock, as they stand in its files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml


def records_of(folder: Path) -> dict[str, dict[str, Any]]:
    """By id."""
    files = sorted(folder.glob("*.yaml"))
    texts = [yaml.load(file.read_text(), Loader=yaml.CSafeLoader) for file in files]
    return {record["id"]: record for text in texts for record in text["records"]}
