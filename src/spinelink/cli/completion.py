"""What the shell completes: networks, settings, names of nodes, and findings with their states."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from spinelink.errors import SpinelinkError
from spinelink.networks_folder import bundled

if TYPE_CHECKING:
    from spinelink.network.network import Network
    from spinelink.network.node import Node

DEFAULT_NETWORK = "back-leg-pain"


def complete_network(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Bundled networks; files are completed by the shell."""
    files = CompletionItem(incomplete, type="file")
    names = [CompletionItem(name) for name in bundled() if name.startswith(incomplete)]
    return names or [files]


def complete_setting(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Settings of the network that the command names."""
    network = _network(context)
    settings = network.settings.items() if network else ()
    return _items(((name, setting.label) for name, setting in settings), incomplete)


def complete_node(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Names of nodes."""
    return _items(_labels(_nodes(context)), incomplete)


def complete_finding(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Names of nodes that can be observed, and after `name=` its states."""
    nodes = _observable(_nodes(context))
    written = _before(context)
    # Bash cuts a word at "=" and replaces only what stands behind it; others give the whole word.
    if written.endswith("=") and written[:-1] in nodes:
        return _items(((s, "") for s in nodes[written[:-1]].states), incomplete)
    name, equals, state = incomplete.partition("=")
    if equals and name in nodes:
        found = [s for s in nodes[name].states if s.startswith(state)]
        return [CompletionItem(f"{name}={s}") for s in found]
    return _items(_labels(nodes), incomplete)


def complete_query(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Findings, and networks too while no word is written: `query minimal numbness`."""
    networks = [] if context.params.get("words") else list(bundled())
    found = [CompletionItem(name) for name in networks if name.startswith(incomplete)]
    return [*found, *complete_finding(context, parameter, incomplete)]


def _before(context: click.Context) -> str:
    """The finding in front of the cursor where the shell cut it at "=", else nothing."""
    words = list(context.params.get("words") or ())
    if words and words[-1] == "=":
        return "".join(words[-2:])
    if os.environ.get("COMP_WORDS", "").endswith("=") and words:
        return f"{words[-1]}="
    return ""


def _network(context: click.Context) -> Network | None:
    """The network of the command so far; None where it cannot be read."""
    from spinelink.library import load

    words = context.params.get("words") or ()
    first = words[0] if words and words[0] in bundled() else None
    try:
        return load(context.params.get("network") or first or DEFAULT_NETWORK).network
    except (SpinelinkError, OSError):
        return None


def _nodes(context: click.Context) -> Mapping[str, Node]:
    network = _network(context)
    return network.nodes if network else {}


def _observable(nodes: Mapping[str, Node]) -> dict[str, Node]:
    from spinelink.network.node import OBSERVABLE

    return {name: node for name, node in nodes.items() if node.role in OBSERVABLE}


def _labels(nodes: Mapping[str, Node]) -> list[tuple[str, str]]:
    return [(name, node.label) for name, node in nodes.items()]


def _items(named: Iterable[tuple[str, str]], incomplete: str) -> list[CompletionItem]:
    """What begins with the letters typed; zsh and fish show the label beside it."""
    begun = ((name, label) for name, label in named if name.startswith(incomplete))
    return [CompletionItem(name, help=label or None) for name, label in begun]
