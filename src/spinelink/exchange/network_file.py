"""The network as its own file, and its sources as BibTeX."""

from __future__ import annotations

from pathlib import Path

from spinelink.case import Model
from spinelink.io.bibtex import bibtex
from spinelink.io.save import save_network
from spinelink.options import path_of
from spinelink.typing import PathLike


def save(model: Model, path: PathLike) -> Path:
    """Writes the network file. Where it came from a file, only what changed is changed.

    Comments and layout survive. The file appears whole or not at all.

    Args:
        model: the network.
        path: where to write.

    Returns:
        The path.

    Raises:
        SaveError: what would be written does not read as the same network.

    Example:
        >>> import tempfile, pathlib, spinelink as sl
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     print(sl.load("minimal").save(pathlib.Path(folder) / "mine.yaml").name)
        mine.yaml
    """
    return save_network(model.origin, model.network, destination=path_of(path, "path"))


def to_bibtex(model: Model) -> str:
    """All sources of the network file as BibTeX.

    Args:
        model: the network.

    Returns:
        One entry a source.

    Example:
        >>> import spinelink as sl
        >>> sl.load("minimal").to_bibtex().startswith("@")
        True
    """
    return bibtex(model.network.sources)
