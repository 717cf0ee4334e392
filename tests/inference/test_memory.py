"""F9: the memory that a question takes, measured in a process of its own, stays near the limit or it is refused."""

from __future__ import annotations

import json
import os
import pickle
import re
import subprocess
import sys
import threading
import tracemalloc
import warnings
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import spinelink as sl
from spinelink.errors import TooLargeError
from spinelink.inference.answer import joint, marginals
from spinelink.inference.arrays import CompiledNetwork, TableFactor
from spinelink.inference.batches import batch_marginals
from spinelink.inference.counterfactual.factual import Factual
from spinelink.inference.counterfactual.twin_network import worlds
from spinelink.inference.findings import EvidenceBatch
from spinelink.inference.interpreted import lanes as lanes_module
from spinelink.inference.interpreted.marginals import by_cases
from spinelink.inference.kernel.workspace import workspace, workspace_bytes
from spinelink.inference.memory import SMALL, MemoryGate, check_answer_fits, size_text

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
    "next finding": f"model.observe({HARD!r}).next_best()",
    "most probable": f"model.observe({HARD!r}).most_probable_explanation()",
    "attribution": f"model.observe({HARD!r}).attribute('leg_pain', 'lumbar_disc_herniation')",
}
PUBLIC = {
    "posteriors": "model.observe(findings).posteriors()",
    "prior": "model.observe().posteriors()",
    "batch": "model.posteriors(pd.DataFrame([findings] * 8))",
    "joint": "model.observe(findings).joint(list(model.nodes)[:2])",
    "sample": "model.observe(findings).sample(500, seed=1)",
}
CHILD = """
import json, pickle, resource, sys, warnings
from contextlib import suppress
from dataclasses import replace
warnings.simplefilter("ignore")
import pandas as pd
import spinelink as sl
from spinelink.errors import TooLargeError

def peak():
    # In kB, of this program alone: ru_maxrss begins with the peak of the one that started it.
    with suppress(OSError), open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

network, findings, question, engine, limit = json.loads(sys.argv[1])
if network.endswith(".pickle"):
    with open(network, "rb") as file:
        model = replace(pickle.load(file), engine=engine, memory=limit)
    model.compiled
else:
    model = sl.load(network, engine=engine, memory=limit)
# What the engine itself takes to load and to compile is no table of a run.
sl.load("minimal", engine=engine).observe(numbness=True).posteriors()
with suppress(OSError), open("/proc/self/clear_refs", "w") as file:
    file.write("5")  # from here on: what loading took for a while counts no more
base = peak()
outcome = "answered"
try:
    eval(question)
except TooLargeError as error:
    outcome = str(error)
print(json.dumps({"outcome": outcome, "megabytes": (peak() - base) / 1024}))
"""
PATIENCE = 1800
"""Seconds after which a child is taken to hang: no test fails before."""


def measured(network, findings, *, question, engine, limit):
    """What a question comes to in a process of its own, and the megabytes that it takes."""
    if engine == "fast" and find_spec("numba") is None:
        pytest.skip("numba is not installed")
    child = subprocess.run(
        [sys.executable, "-c", CHILD, json.dumps([network, findings, question, engine, limit])],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
        timeout=PATIENCE,
    )
    assert child.returncode == 0, child.stderr
    return json.loads(child.stdout)


def check_kept(found, limit):
    assert found["megabytes"] * 2**20 <= 1.3 * limit, found
    if found["outcome"] != "answered":
        assert f"memory limit is {size_text(limit)}" in found["outcome"]


@pytest.mark.slow
def test_f9_what_is_taken_is_measured():
    """Also where the process that starts the child has held more."""
    np.ones(500_000_000 // 8)
    question = "len(bytearray(b'x') * 150_000_000)"
    found = measured("minimal", {}, question=question, engine="numpy", limit=200e6)
    assert found["megabytes"] * 2**20 == pytest.approx(150e6, rel=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("limit", [200e6])
@pytest.mark.parametrize("engine", ["numpy", "fast"])
@pytest.mark.parametrize("name", QUESTIONS)
def test_f9_peak_memory(name, engine, limit, record_property):
    found = measured("back-leg-pain", {}, question=QUESTIONS[name], engine=engine, limit=limit)
    record_property(
        f"measured back-leg-pain, {name}, {engine}",
        f"{found['megabytes']:.0f} MB of {limit / 1e6:.0f}, {found['outcome'][:60]}",
    )
    check_kept(found, limit)


@pytest.fixture(scope="module", params=["munin1", "link"])
def public(request, tmp_path_factory):
    """A public network, read once and left in a file, and a dozen of findings at its leaves.

    pgmpy takes much memory to read it, which would hide what a question takes.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pgmpy.utils import get_example_model

        model = sl.from_pgmpy(get_example_model(request.param))
    path = tmp_path_factory.mktemp("public") / f"{request.param}.pickle"
    path.write_bytes(pickle.dumps(model))
    return request.param, str(path), some_findings(model.compiled)


def some_findings(compiled):
    generator, state = np.random.default_rng(0), {}
    for i in compiled.order:
        chances = compiled.factors[i].table[
            (*(state[p] for p in compiled.parents[i]), slice(None), 0)
        ]
        state[i] = int(generator.choice(len(chances), p=chances / chances.sum()))
    chosen = generator.permutation(sorted(compiled.leaves))[:12]
    return {compiled.names[i]: compiled.states[i][state[i]] for i in chosen}


@pytest.mark.slow
@pytest.mark.parametrize("limit", [200e6])
@pytest.mark.parametrize("engine", ["numpy", "fast"])
@pytest.mark.parametrize("name", PUBLIC)
def test_f9_peak_memory_on_public_networks(public, name, engine, limit, record_property):
    network, path, findings = public
    found = measured(path, findings, question=PUBLIC[name], engine=engine, limit=limit)
    record_property(
        f"measured {network}, {name}, {engine}",
        f"{found['megabytes']:.0f} MB of {limit / 1e6:.0f}, {found['outcome'][:60]}",
    )
    check_kept(found, limit)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["numpy", "fast"])
def test_f9_what_cannot_be_kept_is_refused_with_the_size(public, engine):
    """A megabyte does not do, not even by cases: both sizes are said, and nothing is run for it."""
    _, path, findings = public
    found = measured(path, findings, question=PUBLIC["posteriors"], engine=engine, limit=1e6)
    assert re.search(
        r"takes [\d.]+ [MG]B at once.*memory limit is 1 MB.*case by case", found["outcome"]
    )
    assert found["megabytes"] * 2**20 <= 1.3 * SMALL, found


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


def test_f9_work_by_cases_is_refused_before_it_runs():
    """The refusal names the size of one run, the work of all cases, and both limits."""
    compiled = sl.load("minimal", engine="numpy").compiled
    narrow = compiled.with_limits(compiled.limits, memory_limit=1e3)
    nodes = range(len(compiled.names))
    answer, whole = marginals(narrow, {}, nodes), marginals(compiled, {}, nodes)
    assert all(np.abs(answer.posterior[n] - p).max() < 1e-12 for n, p in whole.posterior.items())
    refusing = replace(compiled.limits, conditioning_entries=10.0)
    with pytest.raises(
        TooLargeError, match=r"takes .* kB at once.*memory limit is 1 kB.*case by case.*limit is 10"
    ):
        marginals(compiled.with_limits(refusing, memory_limit=1e3), {}, nodes)


def test_f9_rows_of_a_batch_count_where_they_are_answered_by_cases():
    compiled = sl.load("minimal", engine="numpy").compiled
    findings = {compiled.index["back_pain"]: 1}
    one = EvidenceBatch.of(compiled, [findings])
    work, _ = by_cases(
        narrow := compiled.with_limits(compiled.limits, memory_limit=1e3), findings, nodes=[]
    )
    allowed = replace(compiled.limits, conditioning_entries=2.5 * work)
    narrow = compiled.with_limits(allowed, memory_limit=1e3)
    two, three = (EvidenceBatch(np.repeat(one.states, k, axis=0), {}) for k in (2, 3))
    assert len(batch_marginals(narrow, two, nodes=[]).log_evidence) == 2
    with pytest.raises(TooLargeError, match="case by case"):
        batch_marginals(narrow, three, nodes=[])


def wide_table(states=4):
    """A node of three parents: 64 rows of three states, which all respond to one quantile."""
    generator = np.random.default_rng(0)
    root = TableFactor((), np.full((states, 1), 1.0 / states))
    table = generator.dirichlet(np.ones(3), size=(states,) * 3)[..., np.newaxis]
    names = tuple("abcd")
    cards = (states, states, states, 3)
    return CompiledNetwork(
        names,
        tuple(tuple(map(str, range(card))) for card in cards),
        (root, root, root, TableFactor((0, 1, 2), table)),
    )


def other_world(compiled, couplings=None):
    return worlds(
        Factual(compiled, {3: 1}), [{0: 0, 1: 0, 2: 0}], effects=[[3]], couplings=couplings
    )


COUPLINGS = {"monotone": None, "reversed": {(3, 3): ((0, 1, 2), (2, 1, 0))}}


@pytest.mark.parametrize("name", COUPLINGS)
def test_f9_response_tables_are_counted_before_they_are_made(name):
    compiled, couplings = wide_table(), COUPLINGS[name]
    tracemalloc.start()
    try:
        other_world(compiled, couplings)
        peak = tracemalloc.get_traced_memory()[1]
        limited = compiled.with_limits(compiled.limits, memory_limit=peak / 1.3)
        with pytest.raises(TooLargeError, match=r"responds to its causes.* takes .* memory limit"):
            other_world(limited, couplings)
        tracemalloc.reset_peak()
        held = tracemalloc.get_traced_memory()[0]
        with pytest.raises(TooLargeError):
            other_world(limited, couplings)
        assert tracemalloc.get_traced_memory()[1] - held < 0.05 * peak  # nothing was made
    finally:
        tracemalloc.stop()


def test_f9_a_counterfactual_question_says_its_size():
    model = sl.load("minimal", engine="numpy", memory=300.0)
    with pytest.raises(TooLargeError, match=r"takes .*kB.*memory limit is 0.3 kB"):
        model.observe(leg_pain="below_knee").attribute("leg_pain", "lumbar_disc_herniation")
