"""How functions are compiled; importing this module loads numba."""

from __future__ import annotations

from typing import Any

from numba import njit, types
from numba.extending import intrinsic

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}
kernel = njit(**_OPTIONS)
"""A function that Python calls."""
helper = njit(**_OPTIONS, no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False)
"""A function that only compiled functions call.

It makes no array, so it need not count references; that would cost a fifth of the time."""

inlined = njit(**_OPTIONS, no_cpython_wrapper=True, no_cfunc_wrapper=True, inline="always")
"""A part of one compiled function, written apart to be read; it takes no compilation of its own."""


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
