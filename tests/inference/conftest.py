"""Fixtures of the engine's tests."""

from __future__ import annotations

import pytest

from spinelink.inference.kernel.engine import is_available
from tests.inference.forced import Forced, all_forced


@pytest.fixture(scope="session", params=all_forced())
def forced_limits(request) -> Forced:
    """An engine, and limits that force it onto one of its paths."""
    if request.param.engine == "fast" and not is_available():
        pytest.skip("numba is not installed")
    return request.param
