"""One batch at a time writes an output: a lock beside it, which ends with its process.

The operating system holds the lock, so that a killed process leaves none: a lock file that nobody
holds is stale. The file says which process holds it, where, and since when.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from spinelink.table.errors import BatchError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

FAR = 1 << 30
"""The byte that is locked on Windows: beyond the text, which others read."""
BOOT = Path("/proc/sys/kernel/random/boot_id")
Holder = Mapping[str, object]


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Holds the lock of an output, and removes it at the end.

    Args:
        out: the file that is to be written; its folder exists.

    Raises:
        BatchError: another process holds the lock, or one of another machine may.
        OSError: the lock cannot be written there.
    """
    path = out.with_name(out.name + ".lock")
    handle = _acquired(path, out)
    try:
        yield
    finally:
        if sys.platform == "win32":  # an open file cannot be removed there
            os.close(handle)
            path.unlink(missing_ok=True)
        else:
            path.unlink(missing_ok=True)
            os.close(handle)


def _acquired(path: Path, out: Path) -> int:
    """The lock file, open and locked, with this process in it."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            holder = _holder(path)
            if not _try_lock(handle):
                raise BatchError(_refusal(out, holder))
            if not _is_still(path, handle):  # its last holder removed it meanwhile
                os.close(handle)
                continue
            holder = _holder(path)
            if holder and _is_elsewhere(holder):
                raise BatchError(
                    f"{_refusal(out, holder)} This machine cannot see whether that run goes on. "
                    f"If it does not, remove {path}."
                )
            os.ftruncate(handle, 0)
            os.write(handle, json.dumps(_ourselves()).encode())
        except BaseException:
            os.close(handle)
            raise
        return handle


def _try_lock(handle: int) -> bool:
    """Locks an open file for this process; False where another holds it."""
    try:
        if sys.platform == "win32":
            os.lseek(handle, FAR, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            os.lseek(handle, 0, os.SEEK_SET)
        else:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError as problem:
        raise BatchError(
            f"the disk of the output gives no locks ({problem.strerror}), so two batches could "
            "write it at once; name an output on another disk."
        ) from None
    return True


def _is_still(path: Path, handle: int) -> bool:
    """Whether the path still leads to the open file."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(handle))
    except FileNotFoundError:
        return False


def _holder(path: Path) -> Holder:
    """What the lock file says; empty where it says nothing."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _ourselves() -> Holder:
    """This process: its number, its machine, and the time."""
    return {
        "process": os.getpid(),
        "host": socket.gethostname(),
        "boot": _boot(),
        "since": datetime.now().astimezone().isoformat(timespec="seconds"),
    }


def _boot() -> str:
    """What tells one running kernel from another, where the system says; else empty."""
    try:
        return BOOT.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def _is_elsewhere(holder: Holder) -> bool:
    """Whether the lock is of another machine, whose locks this one may not see.

    A container has a host name of its own, and the kernel in common.
    """
    same_kernel = bool(_boot()) and holder.get("boot") == _boot()
    return holder.get("host") != socket.gethostname() and not same_kernel


def _refusal(out: Path, holder: Holder) -> str:
    """Which process writes the output, and since when."""
    who = "another process"
    if holder:
        who = (
            f"process {holder.get('process')} on {holder.get('host')}, since {holder.get('since')}"
        )
    return f"{out} is being written by another batch: {who}. Wait for it, or name another output."
