"""A progress bar for long work."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from spinelink.options import flag_or_none

if TYPE_CHECKING:
    from tqdm import tqdm


def line_of_progress() -> type[tqdm[Any]]:
    """Tqdm's bar for where we are: a widget in a notebook that has them, else text (without its warning that there are none)."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="IProgress not found")
        from tqdm.auto import tqdm as found

    return found


@contextmanager
def bar(title: str, total: int, shown: bool | None = None) -> Iterator[Callable[..., object]]:
    """A function that is told how much is done, and may be told a word about it.

    Work that ends early, or takes more steps than expected, meets its total at the end: a bar in a
    notebook is then full and green. One that an error or Ctrl-C stops stays red where it was.

    Args:
        title: of the bar.
        total: steps that are expected.
        shown: None means in a terminal only.

    Yields:
        The function.
    """
    shown = flag_or_none(shown, "progress")
    with line_of_progress()(
        desc=title,
        total=total,
        disable=None if shown is None else not shown,
        delay=0.0 if shown else 1.0,
    ) as line:

        def on_progress(done: int, words: str = "") -> None:
            if words:
                line.set_postfix_str(words, refresh=False)
            if done > (line.total or 0):
                _set_total(line, done)
            line.update(done - line.n)

        yield on_progress
        done = int(line.n) or total
        _set_total(line, done)
        line.update(done - line.n)


def _set_total(line: Any, total: int) -> None:
    """Another total, in the bar of a notebook too: tqdm draws that one to its own maximum."""
    line.total = total
    widget: Any = getattr(line, "container", None)
    if widget is not None:
        widget.children[1].max = total
