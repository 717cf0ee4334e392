"""How functions are compiled; importing this module loads numba.

numba keeps what it compiled beside the file of the function that Python called. It does not see that
a function in another file has changed. So compiled code that is older than any file of the kernel is
forgotten before it is used.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from numba import njit, types
from numba.extending import intrinsic

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}
_INNER: dict[str, Any] = {**_OPTIONS, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
_UNCOUNTED: dict[str, Any] = {**_INNER, "_nrt": False}
_INLINED: dict[str, Any] = {**_INNER, "inline": "always"}


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

kernel = njit(**_OPTIONS)
"""A function that Python calls."""
allocating = njit(**_INNER)
"""A function that only compiled functions call, and that makes arrays."""
helper = njit(**_UNCOUNTED)
"""The same for one that makes none. It counts no references, which saves a fifth of the time.
It cannot return an array either."""
inlined = njit(**_INLINED)
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
