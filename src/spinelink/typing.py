"""Types that the public functions share."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal

PathLike = str | os.PathLike[str]

FindingValue = str | bool | float | int | Mapping[str, float] | None
"""What a caller may say of a node; None: not assessed."""

Findings = Mapping[str, Any]

EngineChoice = Literal["auto", "numpy", "fast"]
"""Which engine answers: NumPy, the compiled kernel of the extra `fast`, or the kernel where it pays."""
