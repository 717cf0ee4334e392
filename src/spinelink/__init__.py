"""Probabilistic diagnostic models for back pain and leg pain.

For research, teaching and decision support for professionals. Not a medical device.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from spinelink.version import __version__

if TYPE_CHECKING:
    from spinelink.diagnosis import Case, Model
    from spinelink.errors import (
        EvidenceError,
        ImpossibleEvidenceError,
        NetworkFileError,
        SpinelinkError,
        UnknownNameError,
    )
    from spinelink.library import from_pgmpy, load, networks
    from spinelink.network.beta import Beta
    from spinelink.network.constraint import constraint

_HOME = {
    "load": "library",
    "networks": "library",
    "from_pgmpy": "library",
    "Model": "diagnosis",
    "Case": "diagnosis",
    "Beta": "network.beta",
    "constraint": "network.constraint",
    "SpinelinkError": "errors",
    "NetworkFileError": "errors",
    "ImpossibleEvidenceError": "errors",
    "EvidenceError": "errors",
    "UnknownNameError": "errors",
    "load_ipython_extension": "notebook.completion",
    "unload_ipython_extension": "notebook.completion",
}

__all__ = [
    "Beta",
    "Case",
    "EvidenceError",
    "ImpossibleEvidenceError",
    "Model",
    "NetworkFileError",
    "SpinelinkError",
    "UnknownNameError",
    "__version__",
    "constraint",
    "from_pgmpy",
    "load",
    "networks",
]


def __getattr__(name: str) -> Any:
    """Modules are imported when a name is first used, so that `import spinelink` stays quick."""
    if name not in _HOME:
        raise AttributeError(f"module 'spinelink' has no attribute {name!r}")
    value = getattr(import_module(f"spinelink.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
