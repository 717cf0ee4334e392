"""A question's module is imported when it is first used, and then stands on the class itself."""

from __future__ import annotations

import subprocess
import sys

import spinelink as sl
from spinelink.query import ranking

PROGRAM = """
import sys
import spinelink as sl
case = sl.load("minimal").observe(numbness=True)
case.differential()
print(sorted(m for m in sys.modules if m.startswith(("spinelink.adjust", "spinelink.evaluate"))))
"""


def test_a_question_is_the_function_of_its_module():
    assert sl.Case.differential is ranking.differential
    assert vars(sl.Case)["differential"] is ranking.differential
    assert sl.load("minimal").observe().differential.__func__ is ranking.differential


def test_a_first_answer_imports_no_fit_and_no_evaluation():
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"
