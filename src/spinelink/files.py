"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from spinelink.errors import SpinelinkError


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """A temporary path in the folder of `target`, which takes its name at the end.

    On any error the temporary file vanishes, and an earlier `target` stays as it was. Raises OSError.
    """
    real = Path(os.path.realpath(target))
    handle, name = tempfile.mkstemp(prefix=f".{real.name}.", suffix=".tmp", dir=real.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with open(temporary, "rb+") as stream:
            os.fsync(stream.fileno())
        os.chmod(temporary, _mode(real))
        os.replace(temporary, real)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(real.parent)


def write_text(
    target: Path, text: str, check: Callable[[bytes], object] = lambda data: None
) -> Path:
    """Write a file whole or not at all, and return its path. check: may look at the bytes first, and raise."""
    with whole_file(target) as temporary:
        temporary.write_bytes(text.encode("utf-8"))
        check(temporary.read_bytes())
    return target


def require_ending(target: Path, *endings: str) -> None:
    """Raises SpinelinkError where the file's name promises another format: endings as `.html`.

    A name without an ending promises nothing.
    """
    if target.suffix and target.suffix.lower() not in endings:
        raise SpinelinkError(
            f"{target}: what is written is {endings[0][1:].upper()}, not {target.suffix[1:]}; "
            f"name it {target.with_suffix(endings[0])}."
        )


def _mode(path: Path) -> int:
    """The permissions of the file to be replaced, else those of any new file."""
    if path.exists():
        return stat.S_IMODE(path.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _sync_folder(folder: Path) -> None:
    """Make the new name durable, where the system can."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)
