"""A progress bar for long work."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from spinelink.errors import SpinelinkError, shown

if TYPE_CHECKING:
    from tqdm import tqdm


def line_of_progress() -> type[tqdm[Any]]:
    """Tqdm's bar for where we are: a widget in a notebook that has them, else text (without its warning that there are none)."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="IProgress not found")
        from tqdm.auto import tqdm as found

    return found


@contextmanager
def bar(title: str, total: int, visible: bool | None = None) -> Iterator[Callable[..., object]]:
    """A function that is told how much is done, and may be told a word about it. visible: None means in a terminal only."""
    if visible is not None and type(visible).__name__ not in ("bool", "bool_"):
        raise SpinelinkError(f"progress is True, False or None, not {shown(visible)}.")
    with line_of_progress()(
        desc=title,
        total=total,
        disable=None if visible is None else not visible,
        delay=0.0 if visible else 1.0,
    ) as line:

        def on_progress(done: int, words: str = "") -> None:
            if words:
                line.set_postfix_str(words, refresh=False)
            line.total = max(line.total or 0, done)  # more steps than were expected
            line.update(done - line.n)

        yield on_progress
