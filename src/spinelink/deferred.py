"""Functions whose module is imported when they are first used: the facade lists forty, a session uses a few."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any


class DeferredFunction:
    """A method that stands for `module.name`. Its first use imports the module and puts the function in its place."""

    def __init__(self, module: str, name: str) -> None:
        self._where = (module, name)

    def __set_name__(self, owner: type, name: str) -> None:
        self._holder, self._attribute = owner, name

    def __get__(self, instance: object, owner: type) -> Callable[..., Any]:
        module, name = self._where
        function = getattr(import_module(module), name)
        setattr(self._holder, self._attribute, function)
        bound: Callable[..., Any] = function.__get__(instance, owner)
        return bound


class DeferredModule:
    """A module of which each attribute is a `DeferredFunction`."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> DeferredFunction:
        return DeferredFunction(self._name, name)
