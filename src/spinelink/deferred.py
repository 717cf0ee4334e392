"""Functions whose module is imported when they are first used: the facade lists forty, a session uses a few."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any


class DeferredFunction:
    """Stands for `module.name`, as a method or to be called. The first use imports the module."""

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

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """The function itself, called."""
        module, name = self._where
        return getattr(import_module(module), name)(*arguments, **options)


class DeferredModule:
    """A module of which each attribute is a `DeferredFunction`."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> DeferredFunction:
        return DeferredFunction(self._name, name)
