"""The network as its own file, and its sources as BibTeX."""

from __future__ import annotations

from pathlib import Path

from spinelink.case import Model
from spinelink.io.bibtex import bibtex
from spinelink.io.fitted_file import claims_fingerprint, read_fitted, write_fitted
from spinelink.io.save import save_network
from spinelink.network.fitted import FittedFile, values_of
from spinelink.network.question import fingerprint
from spinelink.options import path_of
from spinelink.typing import PathLike
from spinelink.version import __version__


def save(model: Model, path: PathLike) -> Path:
    """Writes the network file. Where it came from a file, only what changed is changed.

    Comments and layout survive. The file appears whole or not at all. Fitted values go into a file
    of their own beside it, `NAME.fitted.json`, and how they vary together into `NAME.fitted.npz`.

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
    target = path_of(path, "path")
    if model.stated is None:
        return save_network(model.origin, model.network, destination=target)
    written = save_network(model.origin, model.stated, destination=target)
    known = {
        "network": model.stated.name,
        "network_fingerprint": fingerprint(model.stated),
        "claims_fingerprint": claims_fingerprint(written),
        "library": __version__,
        "parameters": values_of(model.network),
    }
    before = read_fitted(model.origin) if model.origin is not None else None
    fitted = FittedFile(**known) if before is None else before.model_copy(update=known)  # type: ignore[arg-type]
    write_fitted(written, fitted, joint=model.covariance)
    return written


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
