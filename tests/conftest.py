"""Shared fixtures."""

from __future__ import annotations

import pytest

import spinelink as sl
from spinelink.evaluate.case_score import CaseScore
from spinelink.evaluate.score import score


@pytest.fixture(scope="session")
def published_score() -> CaseScore:
    """`spinelink score --links` on the published cases."""
    return score(sl.load("back-leg-pain"), links=True)


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
