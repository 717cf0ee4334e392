"""All subsets of some findings side by side, against enumeration of each."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from spinelink.diagnosis import Model
from spinelink.inference.variants.subsets import with_all_subsets
from tests.enumeration import enumerate_marginals
from tests.inference.test_exact import RELAXED
from tests.strategies import evidence_for, networks, with_limits


@st.composite
def questions(draw):
    network = draw(networks(max_nodes=6, max_parents=4))
    case = Model(network).observe(draw(evidence_for(network)))
    compiled, observed = case.model.compiled, case.observed
    hidden = [i for i in range(len(compiled.names)) if not isinstance(observed.get(i), int)]
    assume(observed and hidden)
    varied = draw(st.lists(st.sampled_from(sorted(observed)), unique=True, min_size=1, max_size=4))
    return (
        compiled,
        observed,
        varied,
        draw(st.lists(st.sampled_from(hidden), unique=True, max_size=2)),
    )


@pytest.mark.xdist_group("numba")
@pytest.mark.parametrize("fast", [True, False])
@given(questions())
@RELAXED
def test_every_subset_equals_enumeration(fast, question):
    if fast:
        pytest.importorskip("numba")
    compiled, observed, varied, nodes = question
    engine = "fast" if fast else "numpy"
    found = with_all_subsets(compiled.with_engine(engine), observed, findings=varied, nodes=nodes)
    for place in np.ndindex(*(2,) * len(varied)):
        left = {i for i, kept in zip(varied, place, strict=True) if not kept}
        total, by_node = enumerate_marginals(
            compiled, {i: v for i, v in observed.items() if i not in left}
        )
        if np.isnan(
            found.log_evidence[place]
        ):  # said to be unsure: then it is rare, or a state together with it is
            assert min(total[0], *(by_node[n].min() for n in nodes), 1.0) < 1e-4
            continue
        with np.errstate(divide="ignore"):
            assert found.log_evidence[place] == pytest.approx(float(np.log(total[0])), abs=1e-8)
        for n in nodes:
            np.testing.assert_allclose(
                found.posterior[n][(slice(None), *place)], by_node[n][:, 0], atol=1e-8
            )


def test_too_many_products_are_left_to_others():
    from tests.inference.test_rare import two_layers

    model = Model(two_layers(3, 4, prior=0.1, leak=0.1, link=0.5))
    compiled = with_limits(model.compiled, subset_rows=4)
    observed = {compiled.index[f"f{j}"]: 1 for j in range(3)}
    assert with_all_subsets(compiled, observed, findings=list(observed), nodes=[]) is None
