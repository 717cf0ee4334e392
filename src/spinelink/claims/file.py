"""The file of claims: read, and checked against the network that it is about."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError

from spinelink.case import Model
from spinelink.errors import NetworkFileError, SpinelinkError, UnknownNameError
from spinelink.io.companion_file import companion_file
from spinelink.io.source_text import read_source
from spinelink.io.yaml_events import Document, read_document
from spinelink.network.claim import Claim, ClaimFile, Event
from spinelink.network.network import Network
from spinelink.network.provenance import Source
from spinelink.network.search import unknown_node
from spinelink.options import path_of
from spinelink.typing import PathLike


def read_claims(path: Path, network: Network) -> ClaimFile:
    """The claims of a file, checked against the network.

    Raises:
        NetworkFileError: The file has problems; the error lists each with its place.
    """
    document = read_document(read_source(path))
    claims = None if document.problems else _parse(document)
    if claims is None:
        raise NetworkFileError(document.problems)
    if claims.network != network.name:
        document.refuse(
            document.span(("network",)),
            f"these claims are about network {claims.network!r}, not {network.name!r}",
        )
    _check_sources(document, claims, network=network)
    known = {*network.sources, *claims.sources}
    for name, claim in claims.claims.items():
        for part, message in claim_problems(claim, network, sources=known):
            document.refuse(document.span(("claims", name, part)), f"claim {name}: {message}")
    if document.problems:
        raise NetworkFileError(document.problems)
    return claims


def claims_for(model: Model, path: PathLike | None = None) -> ClaimFile:
    """The claims of a file; of the one beside the model's network file where None.

    Raises:
        NetworkFileError: The file has problems; the error lists each with its place.
        SpinelinkError: No file is named, and none stands beside the network file.
    """
    chosen = path_of(path, "claims") if path is not None else companion_file(model.origin, "claims")
    if chosen is None:
        raise SpinelinkError(f"no file of claims beside network {model.name!r}; name one")
    return read_claims(chosen, model.network)


def publications_beside(model: Model) -> Mapping[str, Source]:
    """The publications of the claims beside a model's network file, by key; none where they cannot be read.

    A file is read once, and again when it has changed.
    """
    path = companion_file(model.origin, "claims")
    if path is None:
        return {}
    try:
        about = path.stat()
        return _publications(path, about.st_mtime_ns, about.st_size)
    except (OSError, SpinelinkError):
        return {}


@lru_cache(maxsize=8)
def _publications(path: Path, changed: int, size: int) -> Mapping[str, Source]:
    """changed, size: of the file, so that another one is read anew."""
    document = read_document(read_source(path))
    claims = None if document.problems else _parse(document)
    return {} if claims is None else claims.sources


def _parse(document: Document) -> ClaimFile | None:
    """The file's values; None where they do not fit, with each problem noted in the document."""
    if not isinstance(document.value, dict):
        document.refuse(
            document.span(()), "a file of claims is a mapping: network, claims, unused, sources"
        )
        return None
    try:
        return ClaimFile.model_validate(document.value)
    except ValidationError as error:
        for problem in error.errors():
            where = tuple(problem["loc"])
            document.refuse(
                document.span(where),
                f"{'.'.join(map(str, where))}: {problem['msg'].removeprefix('Value error, ')}",
            )
        return None


def _check_sources(document: Document, claims: ClaimFile, *, network: Network) -> None:
    """Sources that are defined twice, or that no claim cites."""
    for key in claims.sources.keys() & network.sources.keys():
        document.refuse(
            document.span(("sources", key), key=True),
            f"source {key} stands in the network file already",
        )
    cited = {key for claim in claims.claims.values() for key in claim.source}
    for key in sorted(claims.sources.keys() - cited):
        document.refuse(document.span(("sources", key), key=True), f"source {key} is never cited")


def claim_problems(
    claim: Claim, network: Network, *, sources: Collection[str]
) -> list[tuple[str, str]]:
    """What a claim names that neither the network nor the known sources have.

    Returns:
        Pairs (key of the claim, message); empty where nothing is wrong.
    """
    problems: list[tuple[str, str]] = []
    for part in ("condition", "finding", "comparator", "population"):
        event: Event | None = getattr(claim, part)
        for restriction in event or ():
            for name, states in restriction.items():
                messages = _restriction_problems(network, name, states=states)
                problems += [(part, message) for message in messages]
    for name in claim.given:
        if name not in network.nodes or network.nodes[name].role != "selection":
            known = [n for n, node in network.nodes.items() if node.role == "selection"]
            error = UnknownNameError(name, kind="selection", allowed=known)
            problems.append(("given", str(error)))
    if claim.setting is not None and claim.setting not in network.settings:
        error = UnknownNameError(claim.setting, kind="setting", allowed=network.settings)
        problems.append(("setting", str(error)))
    problems += [
        ("source", f"source {key} is in neither file") for key in claim.source if key not in sources
    ]
    return problems


def _restriction_problems(network: Network, name: str, *, states: Sequence[str]) -> list[str]:
    """What is wrong with "node `name` is in one of these states"."""
    if name not in network.nodes:
        return [str(unknown_node(network, name))]
    if network.nodes[name].role == "selection":
        message = (
            f"{name} is a selection, whose rates are known up to a factor only: how often people are "
            f"selected is no figure of the network. Say `given: {name}` for people who were."
        )
        return [message]
    known = network.nodes[name].states
    messages = [
        str(UnknownNameError(state, kind="state", allowed=known, where=f"node {name}"))
        for state in states
        if state not in known
    ]
    if set(states) == set(known):
        messages.insert(0, f"{name}: all of its states count, so that says nothing")
    return messages
