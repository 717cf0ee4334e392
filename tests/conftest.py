"""Shared fixtures."""

from __future__ import annotations

import pytest

import spinelink as sl
from spinelink.evaluate.cases import CaseScore
from spinelink.score import score


@pytest.fixture(scope="session")
def published_score() -> CaseScore:
    """`spinelink score --links` on the published cases."""
    return score(sl.load("back-leg-pain"), links=True)
