"""Large two-layer noisy-OR networks: 200 to 1,000 variables, findings with up to 20 parents."""

from __future__ import annotations

import numpy as np
import pytest

from spinelink.inference.interpreted.marginals import largest_plan, marginals
from spinelink.table.cells import TableFindings
from spinelink.table.engine import answer
from tests.qmr import patient, quickscore, two_layers


@pytest.mark.parametrize(("variables", "positive"), [(200, 2), (200, 8), (500, 6), (1000, 8)])
def test_large_networks_equal_quickscore(variables, positive):
    network = two_layers(variables, seed=variables)
    observed = patient(network, positive, 20, seed=positive)
    diseases = list(range(variables // 3))
    total, joint = quickscore(network, observed)
    found = marginals(network, observed, diseases)
    assert found.log_evidence[0] == pytest.approx(float(np.log(total)), rel=1e-9)
    np.testing.assert_allclose(
        [found.posterior[i][1, 0] for i in diseases], (joint / total).astype(float), rtol=1e-7
    )
    assert largest_plan(network, observed, nodes=diseases) < 1e8


@pytest.mark.xdist_group("numba")
def test_the_kernel_takes_them_too():
    pytest.importorskip("numba")
    network = two_layers(300, seed=1)
    rows = [patient(network, 2 + k % 5, 15, seed=k) for k in range(20)]
    codes = {n: np.array([row.get(i, -1) for row in rows]) for i, n in enumerate(network.names)}
    table = TableFindings(len(rows), {n: c for n, c in codes.items() if (c >= 0).any()}, {})
    diseases = [f"d{i}" for i in range(100)]
    fast, slow = (
        answer(network, table, nodes=diseases, engine=engine) for engine in ("fast", "numpy")
    )
    np.testing.assert_allclose(fast.log_evidence, slow.log_evidence, rtol=1e-12)
    for n in diseases:
        np.testing.assert_allclose(fast.posterior[n], slow.posterior[n], rtol=1e-11, atol=1e-13)
