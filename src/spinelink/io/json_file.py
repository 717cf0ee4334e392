"""A JSON file that people made or saved: read strictly, with errors that name the file."""

from __future__ import annotations

import json
import os

from spinelink.errors import SpinelinkError, shown
from spinelink.options import path_of

LARGEST_JSON = 5_000_000
"""Bytes of a JSON file."""


class JsonFileError(SpinelinkError, ValueError):
    """A JSON file that cannot be read."""


def read_json(path: str | os.PathLike[str]) -> object:
    """What a JSON file says; no key may stand in an object twice.

    Raises:
        JsonFileError: The file cannot be read, or is not JSON.
    """
    file = path_of(path, "the file")
    try:
        if file.stat().st_size > LARGEST_JSON:
            raise JsonFileError(f"{file} has more than {LARGEST_JSON:,} bytes.")
        return parse_json(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise JsonFileError(
            f"{shown(str(file))} cannot be read: {error.strerror or error}."
        ) from None
    except ValueError as error:
        if isinstance(error, JsonFileError):
            raise
        raise JsonFileError(f"{file} is no JSON file: {error}.") from None
    except RecursionError:
        raise JsonFileError(f"{file} is nested too deep to be read.") from None


def parse_json(text: str) -> object:
    """What a text says. Raises ValueError; RecursionError where it is nested too deep."""
    return json.loads(text, object_pairs_hook=_once)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object whose keys differ. Raises ValueError."""
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {shown(key)} stands there twice")
        found[key] = value
    return found
