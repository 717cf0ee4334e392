"""Which engine answers: `engine="numpy"` never calls the kernel, `engine="fast"` does."""

from __future__ import annotations

import os

import numpy as np
import pytest

from spinelink.diagnosis import Model
from spinelink.inference.answer import (
    batch_marginals,
    draw_marginals,
    joint,
    log_evidence,
    log_evidence_or_nothing,
    marginals,
)
from spinelink.inference.contradiction import smallest_contradiction
from spinelink.inference.engine import KERNEL, engine_for
from spinelink.inference.findings import EvidenceBatch
from spinelink.inference.gradient.by_entry import derivatives
from spinelink.inference.gradient.counts import TrainingRows, count
from spinelink.inference.interpreted.sampling import sample
from spinelink.inference.kernel import engine as kernel
from spinelink.inference.variants.likelihood_events import with_events
from spinelink.inference.variants.one_case import with_more_findings, with_some_findings
from spinelink.inference.variants.subsets import with_all_subsets
from tests.inference.test_rare import two_layers

ROWS = 40


@pytest.fixture
def calls(monkeypatch):
    """How often the kernel was called."""
    counted = []
    for name in ("solve", "count"):
        real = getattr(kernel, name)

        def spy(*args, _real=real, _name=name, **options):
            counted.append(_name)
            return _real(*args, **options)

        monkeypatch.setattr(kernel, name, spy)
    return counted


@pytest.fixture(scope="module")
def network():
    return Model(two_layers(5, 4, prior=0.1, leak=0.05, link=0.4)).compiled


def draws_of(compiled):
    return compiled.map_arrays(lambda a: np.repeat(a, ROWS, axis=-1))


BATCH = EvidenceBatch(np.tile([-1] * 5 + [1, 0, -1, -1], (ROWS, 1)))
OBSERVED = {5: 1, 6: 1}
QUESTIONS = {
    "marginals": lambda c: marginals(c, OBSERVED, [0, 1, 7], heavy=True),
    "log_evidence": lambda c: log_evidence(c, OBSERVED, heavy=True),
    "log_evidence_or_nothing": lambda c: log_evidence_or_nothing(c, OBSERVED),
    "batch_marginals": lambda c: batch_marginals(c, BATCH, nodes=[0, 1]),
    "draw_marginals": lambda c: draw_marginals(draws_of(c), OBSERVED, nodes=[0]),
    "with_events": lambda c: with_events(c, OBSERVED, [{7: 0}, {8: 0}], nodes=[0]),
    "with_more_findings": lambda c: with_more_findings(
        c, OBSERVED, more=[{7: 0}, {8: 1}], nodes=[0]
    ),
    "with_some_findings": lambda c: with_some_findings(c, OBSERVED, subsets=[[5], [6]], nodes=[0]),
    "with_all_subsets": lambda c: with_all_subsets(c, OBSERVED, findings=[5, 6], nodes=[0]),
    "count": lambda c: count(c, TrainingRows(BATCH, np.ones(ROWS))),
}
INTERPRETED_ONLY = {
    "joint": lambda c: joint(c, OBSERVED, [0, 1]),
    "derivatives": lambda c: derivatives(c, OBSERVED, targets=[(0, 1)]),
    "sample": lambda c: sample(c, OBSERVED, size=5, rng=np.random.default_rng(0)),
    "smallest_contradiction": lambda c: smallest_contradiction(c, OBSERVED),
}


@pytest.mark.parametrize("ask", [*QUESTIONS.values(), *INTERPRETED_ONLY.values()])
def test_numpy_calls_no_kernel(ask, network, calls):
    ask(network.with_engine("numpy"))
    assert not calls


@pytest.mark.xdist_group("numba")
@pytest.mark.parametrize("engine", ["auto", "fast"])
@pytest.mark.parametrize("ask", QUESTIONS.values(), ids=QUESTIONS)
def test_the_kernel_is_called_where_it_may(ask, engine, network, calls):
    pytest.importorskip("numba")
    ask(network.with_engine(engine))
    assert calls


def test_a_single_case_and_a_few_rows_do_not_load_the_kernel(network, calls):
    auto = network.with_engine("auto")
    marginals(auto, OBSERVED, [0, 1])
    batch_marginals(auto, BATCH.part(slice(0, 3)), nodes=[0])
    assert not calls
    assert engine_for(auto, 1) is not KERNEL


def test_all_engines_say_the_same(network):
    pytest.importorskip("numba")
    slow, fast = (
        batch_marginals(network.with_engine(e), BATCH, nodes=list(range(9)))
        for e in ("numpy", "fast")
    )
    np.testing.assert_allclose(fast.log_evidence, slow.log_evidence, rtol=1e-12)
    for n in range(9):
        np.testing.assert_allclose(fast.posterior[n], slow.posterior[n], atol=1e-12)


def test_compiled_code_older_than_a_source_is_forgotten(tmp_path):
    pytest.importorskip("numba")
    from spinelink.inference.kernel.jit import forget_outdated

    cache = tmp_path / "__pycache__"
    cache.mkdir()
    for name, time in (("old.nbi", 100.0), ("new.nbi", 300.0)):
        (cache / name).touch()
        os.utime(cache / name, (time, time))
    (tmp_path / "plan.py").touch()
    os.utime(tmp_path / "plan.py", (200.0, 200.0))
    forget_outdated(tmp_path)
    assert [f.name for f in cache.iterdir()] == ["new.nbi"]
    forget_outdated(tmp_path / "nowhere")
