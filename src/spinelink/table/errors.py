"""What goes wrong with files of patients."""

from __future__ import annotations

from spinelink.errors import SpinelinkError


class BatchError(SpinelinkError):
    """A batch that cannot be begun or gone on with."""


class UnreadableError(BatchError, OSError):
    """A file of patients that cannot be read; the error names it, and the line where there is one."""
