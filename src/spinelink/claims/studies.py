"""Which claims rest on the same study: those that share a source, directly or through others."""

from __future__ import annotations

from collections.abc import Mapping

from spinelink.network.claim import Claim


def studies_of(claims: Mapping[str, Claim]) -> dict[str, str]:
    """The study of each claim, by the key of one of its sources."""
    group: dict[str, str] = {}

    def root(key: str) -> str:
        while group[key] != key:
            key = group[key]
        return key

    for claim in claims.values():
        for key in claim.source:
            group.setdefault(key, key)
        first = root(claim.source[0])
        for key in claim.source[1:]:
            group[root(key)] = first
    return {name: root(claim.source[0]) for name, claim in claims.items()}
