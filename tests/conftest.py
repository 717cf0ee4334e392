"""Shared fixtures."""

from __future__ import annotations

import pandas as pd
import pytest

from spinelink.evaluate.case_score import read_scores
from spinelink.evaluate.score import SCORES
from spinelink.networks_folder import bundled


@pytest.fixture(scope="session")
def published_cases() -> pd.DataFrame:
    """`spinelink score --links` on the published cases, as `benchmarks/case_scores.py` wrote it."""
    return read_scores(bundled()["back-leg-pain"].with_suffix(SCORES))


def pytest_terminal_summary(terminalreporter):
    """What tests measured without asserting it, as `record_property("measured ...", value)`."""
    found = [
        (k, v)
        for reports in terminalreporter.stats.values()
        for r in reports
        for k, v in getattr(r, "user_properties", ())
        if k.startswith("measured ")
    ]
    for name, value in dict(found).items():
        terminalreporter.write_line(f"{name.removeprefix('measured ')}: {value}")
