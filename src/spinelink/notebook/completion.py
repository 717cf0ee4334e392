"""What IPython and Jupyter complete after `%load_ext spinelink`.

Names of nodes as keys in `observe({"`, states after `observe(node="`, and settings in
`load("network", setting="` and `in_setting("`. Names as keywords complete without it (see
`network.call_signature`). Nothing is evaluated but names and attributes that are there already.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from inspect import getattr_static
from types import ModuleType
from typing import TYPE_CHECKING, Any

from spinelink.case import Case, Model
from spinelink.errors import SpinelinkError
from spinelink.io.network_file import read_network
from spinelink.network.network import Network
from spinelink.network.node import OBSERVABLE
from spinelink.networks_folder import bundled

if TYPE_CHECKING:
    from IPython.core.completer import CompletionContext, SimpleMatcherResult
    from IPython.core.interactiveshell import InteractiveShell

IDENTIFIER = "spinelink.completion"
"""What IPython calls the matcher."""
_CALLEE = re.compile(r"([^\W\d]\w*(?:\.[^\W\d]\w*)*)\s*$")
_KEY = re.compile(r"\s*([^\W\d]\w*)\s*=\s*$")
_DICT_KEY = re.compile(r"""\s*["']([^"']+)["']\s*:\s*$""")
_FIRST_TEXT = re.compile(r"""\s*["']([^"']+)["']""")


def load_ipython_extension(shell: InteractiveShell) -> None:
    """What `%load_ext spinelink` calls."""
    from IPython.core.completer import context_matcher

    def matched(context: CompletionContext) -> SimpleMatcherResult:
        return _matched(shell, context)

    matcher: Any = context_matcher(identifier=IDENTIFIER)
    unload_ipython_extension(shell)
    shell.Completer.custom_matchers.append(matcher(matched))


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """What `%unload_ext spinelink` calls."""
    matchers = shell.Completer.custom_matchers
    matchers[:] = [m for m in matchers if getattr(m, "matcher_identifier", "") != IDENTIFIER]


def _matched(shell: InteractiveShell, context: CompletionContext) -> SimpleMatcherResult:
    """What IPython asks a matcher for. Where this one has an answer, no other is asked."""
    from IPython.core.completer import SimpleCompletion

    lines = context.full_text.split("\n")
    here = lines[context.cursor_line][: context.cursor_position]
    words, typed = completions("\n".join([*lines[: context.cursor_line], here]), shell.user_ns)
    return {
        "completions": [SimpleCompletion(text=word, type="text") for word in words],
        "matched_fragment": typed,
        "suppress": bool(words),
    }


def completions(code: str, names: dict[str, Any]) -> tuple[list[str], str]:
    """What may stand at the end of some code.

    Args:
        code: all that stands in front of the cursor.
        names: the objects that it may name.

    Returns:
        The completions, and what is typed of them. Where no text is open they bring their quotes.
    """
    place = _Place.at_end_of(code)
    typed = "" if place.text is None else code[place.text + 1 :]
    found = [word for word in _words(place, names) if word.startswith(typed)]
    if place.text is None:
        found = [f'"{word}"' for word in found]
    return found, typed


@dataclass
class _Place:
    """Where some code ends. It is read from left to right.

    code: the whole. brackets: each open one, and where the piece after it, or its last comma, begins.
    text: where the text begins that is still open.
    """

    code: str
    brackets: list[tuple[int, int]] = field(default_factory=list)
    text: int | None = None

    @classmethod
    def at_end_of(cls, code: str) -> _Place:
        """The place where the code ends."""
        place = cls(code)
        for k, letter in enumerate(code):
            if place.text is not None:
                if letter == code[place.text] and code[k - 1] != "\\":
                    place.text = None
            elif letter in "\"'":
                place.text = k
            elif letter in "([{":
                place.brackets.append((k, k + 1))
            elif letter in ")]}" and place.brackets:
                place.brackets.pop()
            elif letter == "," and place.brackets:
                place.brackets[-1] = (place.brackets[-1][0], k + 1)
        return place

    def piece(self, depth: int) -> str:
        """What stands since the last comma of a bracket, without what is open within."""
        end = self.text if depth == 1 else self.brackets[1 - depth][0]
        return self.code[self.brackets[-depth][1] : end]

    def bracket(self, depth: int) -> str:
        """A bracket that is open, counted from within; nothing where there are not so many."""
        return self.code[self.brackets[-depth][0]] if depth <= len(self.brackets) else ""

    def callee(self, depth: int) -> str:
        """What stands in front of a bracket, as `model.observe`."""
        found = _CALLEE.search(self.code, 0, self.brackets[-depth][0])
        return found[1] if found else ""

    def first_text(self, depth: int) -> str:
        """The text that a call begins with."""
        found = _FIRST_TEXT.match(self.code, self.brackets[-depth][0] + 1)
        return found[1] if found else ""


def _words(place: _Place, names: dict[str, Any]) -> Iterable[str]:
    """All that may stand there."""
    if place.bracket(1) == "{" and place.bracket(2) == "(":
        return _in_mapping(place, names)
    if place.bracket(1) != "(":
        return ()
    key = _KEY.match(place.piece(1))
    owner, method = _owner(place.callee(1), names)
    if key and method == "observe":
        return _states(_network(owner), key[1])
    if key and key[1] == "setting" and _is_load(owner, method, names):
        return _settings(place.first_text(1))
    if method == "in_setting" and isinstance(owner, Model) and place.text is not None:
        return owner.settings
    return ()


def _in_mapping(place: _Place, names: dict[str, Any]) -> Iterable[str]:
    """In `observe({` names of nodes, and states after `"node":`; in `observe(node={` its states."""
    owner, method = _owner(place.callee(2), names)
    network = _network(owner)
    if method != "observe" or network is None:
        return ()
    likelihoods, key = _KEY.match(place.piece(2)), _DICT_KEY.match(place.piece(1))
    if key and not likelihoods:
        return _states(network, key[1])
    if place.text is None or place.piece(1).strip():
        return ()
    if likelihoods:
        return _states(network, likelihoods[1])
    return [name for name, node in network.nodes.items() if node.role in OBSERVABLE]


def _owner(callee: str, names: dict[str, Any]) -> tuple[object, str]:
    """The object whose method is called, and its name; no property is evaluated on the way."""
    first, *rest = re.findall(r"\w+", callee)
    if not rest:
        return None, first
    owner = names.get(first)
    for name in rest[:-1]:
        owner = getattr_static(owner, name, None)
    return owner, rest[-1]


def _network(owner: object) -> Network | None:
    """The network of a model or a case."""
    if isinstance(owner, Case):
        return owner.model.network
    return owner.network if isinstance(owner, Model) else None


def _is_load(owner: object, method: str, names: dict[str, Any]) -> bool:
    """Whether `load` of this library is called."""
    if isinstance(owner, ModuleType):
        return method == "load" and owner.__name__ == "spinelink"
    return owner is None and getattr(names.get(method), "__module__", "") == "spinelink.library"


def _states(network: Network | None, node: str) -> Iterable[str]:
    """The states of a node; none where there is no such node."""
    return network.nodes[node].states if network and node in network.nodes else ()


def _settings(network: str) -> Iterable[str]:
    """The settings of a bundled network; none where there is no such network."""
    path = bundled().get(network)
    try:
        return read_network(path).settings if path else ()
    except (SpinelinkError, OSError):
        return ()
