"""F9: the memory that a question takes, measured in a process of its own, stays near the limit or it is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from spinelink.errors import TooLargeError
from spinelink.inference.answer import joint, marginals
from spinelink.inference.interpreted import lanes as lanes_module
from spinelink.inference.kernel.workspace import workspace, workspace_bytes
from spinelink.inference.memory import MemoryGate, check_answer_fits, size_text

ROOT = Path(__file__).parents[2]
HARD = {"thigh_pain": True, "sacroiliac_tenderness": True, "leg_pain": "above_knee"}
PRESENT = {**HARD, "xray_sacroiliitis": False}
QUESTIONS = {
    "posteriors": f"model.observe({PRESENT!r}).posteriors()",
    "one posterior": f"model.observe({HARD!r}).posteriors(['numbness'])",
    "batch": f"model.posteriors(pd.DataFrame([{PRESENT!r}] * 64))",
    "joint": f"model.observe({HARD!r}).joint(['sacroiliac_joint_pain', 'lumbar_disc_herniation'])",
    "draws": f"model.observe({HARD!r}).intervals(['lumbar_disc_herniation'], draws=64)",
    "gradients": f"model.observe({HARD!r}).sensitivity('lumbar_disc_herniation')",
    "sample": f"model.observe({HARD!r}).sample(2000, seed=1)",
}
CHILD = """
import json, resource, sys, warnings
warnings.simplefilter("ignore")
import pandas as pd
import spinelink as sl
from spinelink.errors import TooLargeError

question, engine, limit = sys.argv[1], sys.argv[2], float(sys.argv[3])
model = sl.load("back-leg-pain", engine=engine, memory=limit)
# What the engine itself takes to load and to compile is no table of a run.
sl.load("minimal", engine=engine).observe(numbness=True).posteriors()
base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
outcome = "answered"
try:
    eval(question)
except TooLargeError as error:
    outcome = str(error)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"outcome": outcome, "megabytes": (peak - base) / 1024}))
"""
PATIENCE = 1800
"""Seconds after which a child is taken to hang: no test fails before."""


@pytest.mark.slow
@pytest.mark.parametrize("limit", [200e6])
@pytest.mark.parametrize("engine", ["numpy", "fast"])
@pytest.mark.parametrize("name", QUESTIONS)
def test_f9_peak_memory(name, engine, limit, record_property):
    if engine == "fast" and find_spec("numba") is None:
        pytest.skip("numba is not installed")
    child = subprocess.run(
        [sys.executable, "-c", CHILD, QUESTIONS[name], engine, str(limit)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
        timeout=PATIENCE,
    )
    assert child.returncode == 0, child.stderr
    found = json.loads(child.stdout)
    record_property(
        f"measured back-leg-pain, {name}, {engine}",
        f"{found['megabytes']:.0f} MB of {limit / 1e6:.0f}, {found['outcome'][:60]}",
    )
    assert found["megabytes"] * 2**20 <= 1.3 * limit, found
    if found["outcome"] != "answered":
        assert "memory limit is 200 MB" in found["outcome"]


def test_f9_a_gate_lets_runs_begin_only_within_the_limit():
    gate, held, most = MemoryGate(), [], []
    ready = threading.Barrier(8)

    def run():
        ready.wait()
        for _ in range(50):
            with gate.hold(40.0, 100.0):
                held.append(1)
                most.append(len(held))
                held.pop()

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) <= 2
    with gate.hold(1e9, 100.0):  # nothing else is under way
        pass


def test_f9_a_run_within_a_run_does_not_wait_for_itself():
    gate, done = MemoryGate(), []

    def run():
        with gate.hold(80.0, 100.0), gate.hold(80.0, 100.0):
            done.append(True)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(timeout=20)
    assert done == [True]


def test_f9_rows_of_a_run_are_cut_to_fit(back_leg_pain_like, monkeypatch):
    """Cut row by row or not, the answers are the same."""
    compiled = back_leg_pain_like
    rows = 5
    weights = np.random.default_rng(0).random((compiled.cards[0], rows)) + 0.1
    observed = {0: weights}
    whole = marginals(compiled, observed, range(len(compiled.names)))
    both = joint(compiled, observed, [1, 2])
    monkeypatch.setattr(lanes_module, "thread_count", lambda threads: 10**12)
    cut = marginals(compiled, observed, range(len(compiled.names)))
    assert np.abs(cut.log_evidence - whole.log_evidence).max() < 1e-12
    for n, p in whole.posterior.items():
        assert np.abs(cut.posterior[n] - p).max() < 1e-12
    assert np.abs(joint(compiled, observed, [1, 2]).table - both.table).max() < 1e-12


@pytest.fixture
def back_leg_pain_like():
    import spinelink as sl

    return sl.load("minimal", engine="numpy").compiled


def test_f9_what_a_refusal_says():
    assert [size_text(s) for s in (10.0, 2e3, 3.7e9, 5e13)] == [
        "0.01 kB",
        "2 kB",
        "3.7 GB",
        "50 TB",
    ]
    check_answer_fits(10.0, 10.0, what="it")
    with pytest.raises(TooLargeError, match=r"the answer takes 20 MB.*memory limit of 10 MB"):
        check_answer_fits(2e7, 1e7, what="the answer")


def test_f9_the_size_of_the_kernels_workspace_is_known_before():
    cards = np.array([2, 3, 2, 21, 2] * 30, dtype=np.int64)
    made = workspace(cards, 200, lanes=64, pairs=1 << 10)
    size = sum(a.nbytes for part in made for a in part)
    assert size <= workspace_bytes(cards, 200, lanes=64, pairs=1 << 10) <= 1.5 * size
