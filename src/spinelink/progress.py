"""A progress bar for long work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def bar(title: str, total: int, shown: bool | None = None) -> Iterator[Callable[..., object]]:
    """A function that is told how much is done, and may be told a word about it. shown: None means in a terminal only."""
    from tqdm.auto import tqdm

    with tqdm(desc=title, total=total, disable=None if shown is None else not shown, delay=0.0 if shown else 1.0) as line:

        def report(done: int, words: str = "") -> None:
            if words:
                line.set_postfix_str(words, refresh=False)
            line.update(done - line.n)

        yield report
