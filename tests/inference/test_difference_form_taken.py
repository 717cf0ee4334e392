"""The difference form answers where it keeps its digits: the fall-back must not hide that it broke."""

from __future__ import annotations

import spinelink as sl
from spinelink.inference.interpreted import marginals as module


def test_findings_that_are_present_are_answered_in_difference_form(monkeypatch):
    taken = []
    answer = module.difference_form
    monkeypatch.setattr(
        module, "difference_form", lambda *given: taken.append(answer(*given)) or taken[-1]
    )
    case = sl.load("back-leg-pain", engine="numpy").observe(
        age_group=47, leg_pain="below_knee", numbness=True, fever=False, back_pain=True,
        night_pain=False, sex="male", weight_loss=False, straight_leg_raise=True,
        saddle_numbness=False, foot_drop=True, leg_weakness=True,
    )  # fmt: skip
    case.differential()
    assert taken[0] is not None and len(taken[0][1]) == 0
