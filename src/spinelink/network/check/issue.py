"""Issues: what is wrong with a network, and where it stands in the file."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from spinelink.errors import near_names
from spinelink.network.parameter_ids import Path

COMPARED_NAMES = 500
"""Names that a misspelt one is compared with; comparing all takes minutes in a large file."""


@dataclass(frozen=True)
class Issue:
    """One thing wrong with a network.

    path: leads to it in the file. at_key: whether the key itself is wrong, not its value.
    """

    path: Path
    message: str
    hint: str = ""
    severity: str = "error"
    at_key: bool = False


class Place(NamedTuple):
    """Something in the file: the path that leads to it, and what people call it."""

    path: Path
    words: str


@dataclass(frozen=True)
class Sources:
    """Keys that may be cited: those defined, and those whose entry could not be read."""

    defined: Collection[str]
    unreadable: frozenset[str]


def near(name: str, allowed: Iterable[str]) -> str:
    """A hint that suggests near names; without any it lists what there is, if that is short."""
    names = list(allowed)
    if len(names) > COMPARED_NAMES:
        names = [each for each in names if each[:3] == name[:3]][:COMPARED_NAMES]
    if found := near_names(name, names):
        return "did you mean " + " or ".join(map(repr, found)) + "?"
    return f"there are: {', '.join(names)}" if 0 < len(names) <= 8 else ""


def check_sources(place: Place, keys: Iterable[str], *, sources: Sources) -> Iterator[Issue]:
    """Source keys that the file does not define."""
    for key in keys:
        if key not in sources.defined and key not in sources.unreadable:
            yield Issue(
                (*place.path, "source"),
                f"{place.words} cites {key!r}, which is not in sources",
                near(key, sources.defined),
            )
