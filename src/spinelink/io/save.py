"""Write a network file: whole or not at all, and with the comments and layout of the file that it came from."""

from __future__ import annotations

import os
from pathlib import Path

from spinelink.errors import NetworkFileError, SpinelinkError, shown
from spinelink.files import write_text
from spinelink.io.dump import dump_network
from spinelink.io.network_file import inspect, parse_network
from spinelink.io.patch import patch_text
from spinelink.io.source_text import SourceText, read_source
from spinelink.network.network import Network


class SaveError(SpinelinkError, ValueError):
    """A network that could not be written so that reading it gives the same network."""


class UnwritableError(SaveError, OSError):
    """A place where no file can be written; it says why."""


def save_network(
    original: str | os.PathLike[str] | SourceText | None,
    network: Network,
    *,
    destination: str | os.PathLike[str],
) -> Path:
    """Write a network file and return its path.

    `original` is the file that the network came from (or its text): where only numbers differ, only their text is changed; else, or
    without it, the file is written in canonical layout. What is written is read again, and must say the same, before it replaces an
    existing file; on any failure that file stays as it was.
    """
    target = Path(destination)

    def same(data: bytes) -> None:
        _require_same(parse_network(data, file=str(target)), network, target=target)

    if target.is_dir():
        raise UnwritableError(
            f"{target} is a folder; name a file in it, as {target / 'mine.yaml'}."
        )
    text = network_text(original, network)
    try:
        return write_text(target, text, same)
    except OSError as error:
        missing = not target.parent.is_dir()
        reason = f"there is no folder {target.parent}" if missing else error.strerror or str(error)
        raise UnwritableError(f"{shown(str(target))} cannot be written: {reason}.") from None


def network_text(original: str | os.PathLike[str] | SourceText | None, network: Network) -> str:
    """The text of a network file: the original's with the numbers changed, where that is enough, else in canonical layout."""
    if original is not None:
        patched = _patched(original, network)
        if patched is not None:
            return patched
    return dump_network(network)


def _patched(original: str | os.PathLike[str] | SourceText, network: Network) -> str | None:
    """The original's text with the numbers changed, or None where that does not give the network asked for."""
    try:
        source = original if isinstance(original, SourceText) else read_source(original)
        old, _, document = inspect(source)
        if old is None:
            return None
        text = source.text if old == network else patch_text(document, old, new=network)
        return text if parse_network(text, file=source.file) == network else None
    except (NetworkFileError, LookupError):
        return None  # No longer readable, or laid out in a way that cannot be patched: the canonical layout is always right.


def _require_same(written: Network, network: Network, *, target: Path) -> None:
    if written != network:
        raise SaveError(
            f"{target}: what would be written does not read as the same network; nothing was written."
        )
