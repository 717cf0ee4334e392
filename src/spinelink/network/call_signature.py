"""The signature of a method that takes findings by keyword: it lists the nodes of its network.

IPython, with jedi and without, and other tools complete keywords from the signature of the live
object. Python leaves it in `__signature__` (PEP 362).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from inspect import Parameter, Signature, signature
from keyword import iskeyword
from types import MethodType
from typing import Any, TypeVar, cast

from spinelink.network.network import Network
from spinelink.network.node import OBSERVABLE

Method = TypeVar("Method", bound=Callable[..., Any])


def naming_findings(method: Method) -> Method:
    """A method whose signature on an object lists what can be observed there.

    The object has a `network`, or a `model` that has one. On the class it is the method itself.
    """
    return cast(Method, _NamingFindings(method))


class _NamingFindings:
    """What stands in the class (a descriptor)."""

    def __init__(self, method: Callable[..., Any]) -> None:
        self.method = method
        update_wrapper(cast(Any, self), method)

    def __get__(self, owner: object, kind: type | None = None) -> Callable[..., Any]:
        if owner is None:
            return self.method
        return MethodType(_Function(self.method, owner), owner)


class _Function:
    """The method as a function of one object, whose signature is made when it is asked for."""

    def __init__(self, method: Callable[..., Any], owner: object) -> None:
        self._method = method
        self._owner = owner
        update_wrapper(self, method)

    def __call__(self, *positional: Any, **named: Any) -> Any:
        return self._method(*positional, **named)

    @property
    def __signature__(self) -> Signature:
        whole = signature(self._method)
        own = list(whole.parameters.values())
        network: Network = getattr(self._owner, "model", self._owner).network  # type: ignore[attr-defined]
        names = [
            name
            for name, node in network.nodes.items()
            if node.role in OBSERVABLE
            and name.isidentifier()
            and not iskeyword(name)
            and name not in whole.parameters
        ]
        listed = [Parameter(name, Parameter.KEYWORD_ONLY, default=None) for name in names]
        return whole.replace(parameters=[*own[:-1], *listed, own[-1]])
