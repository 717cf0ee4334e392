"""How functions are compiled; importing this module loads numba.

numba keeps what it compiled beside the file of the function that Python called. It does not see that
a function in another file has changed. So compiled code that is older than any file of the kernel is
forgotten before it is used. Where nothing can be kept, or what was kept is corrupt, functions are
compiled in memory, with one warning.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from numba import njit, types
from numba.extending import intrinsic

_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
_INNER: dict[str, Any] = {**_OPTIONS, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
_UNCOUNTED: dict[str, Any] = {**_INNER, "_nrt": False}
_INLINED: dict[str, Any] = {**_INNER, "inline": "always"}


@cache
def _warn() -> None:
    """Says once in a process that compiled code is not kept."""
    warnings.warn(
        "the kernel is compiled in memory, as its cache cannot be used; set NUMBA_CACHE_DIR to a "
        "folder that can be written to, and it is compiled only once",
        RuntimeWarning,
        stacklevel=2,
    )


class ForgivingCache:
    """numba's cache of one function. What it cannot read or write is compiled in memory."""

    def __init__(self, kept: Any) -> None:
        self.kept = kept

    def __getattr__(self, name: str) -> Any:
        """Everything else is numba's own."""
        return getattr(self.kept, name)

    def load_overload(self, signature: Any, context: Any) -> Any:
        """The compiled code of a signature; None where there is none, or it cannot be read."""
        try:
            return self.kept.load_overload(signature, context)
        except Exception:  # unpickling a corrupt file raises anything
            _warn()
            with suppress(Exception):
                self.kept.flush()  # an empty index in place of a corrupt one
            return None

    def save_overload(self, signature: Any, compiled: Any) -> None:
        """Keeps compiled code where that is possible."""
        try:
            self.kept.save_overload(signature, compiled)
        except Exception:  # a full disk, a corrupt index, a folder that went away
            _warn()


def _compiling(options: dict[str, Any]) -> Callable[[Callable[..., Any]], Any]:
    """A decorator that compiles a function when it is first called, and keeps the code on disk."""

    def compile_function(function: Callable[..., Any]) -> Any:
        try:
            dispatcher = njit(cache=True, **options)(function)
        except (RuntimeError, OSError):  # numba finds no folder that it can write to
            _warn()
            return njit(**options)(function)
        dispatcher._cache = ForgivingCache(dispatcher._cache)  # noqa: SLF001  # numba has no other way
        return dispatcher

    return compile_function


def forget_outdated(folder: Path) -> None:
    """Remove numba's index of compiled code where a source file in the folder is newer.

    A folder that cannot be read or written stays as it is.
    """
    with suppress(OSError):
        newest = max((source.stat().st_mtime for source in folder.glob("*.py")), default=0.0)
        for index in (folder / "__pycache__").glob("*.nbi"):
            with suppress(FileNotFoundError):  # another process was quicker
                if index.stat().st_mtime < newest:
                    index.unlink()


forget_outdated(Path(__file__).parent)

kernel = _compiling(_OPTIONS)
"""A function that Python calls."""
allocating = _compiling(_INNER)
"""A function that only compiled functions call, and that makes arrays."""
helper = _compiling(_UNCOUNTED)
"""The same for one that makes none. It counts no references, which saves a fifth of the time.
It cannot return an array either."""
inlined = _compiling(_INLINED)
"""A part of one compiled function, written apart to be read. It costs no compilation of its own."""


@intrinsic
def bits_set(typing_context, x):
    """How many bits are set."""

    def generate(context, builder, signature, arguments):
        return builder.ctpop(arguments[0])

    return types.int64(types.uint64), generate


@intrinsic
def lowest_bit(typing_context, x):
    """The position of the lowest bit set; x is not 0."""

    def generate(context, builder, signature, arguments):
        return builder.cttz(arguments[0], context.get_constant(types.boolean, True))

    return types.int64(types.uint64), generate
