"""What a node is, and its table, which agrees with the engine."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import spinelink as sl
from spinelink.errors import SpinelinkError, UnknownNameError
from spinelink.query.description import LARGE, LARGEST, LEAK

MODEL = sl.load("minimal")
LARGER = sl.load("back-leg-pain")


@pytest.mark.parametrize("name", list(MODEL.nodes))
def test_each_row_is_what_the_engine_answers_given_the_parents(name):
    table = MODEL.cpt(name)
    assert list(table.columns) == list(MODEL.nodes[name].states)
    parents = MODEL.network.parents[name]
    for key, row in table.iterrows():
        states = key if isinstance(key, tuple) else (key,)
        given = dict(zip(parents, states, strict=True)) if parents else {}
        expected = MODEL.observe(given).posterior(name)
        np.testing.assert_allclose(row.to_numpy(), expected.to_numpy(), rtol=1e-9)


@pytest.mark.parametrize("name", list(LARGER.nodes))
def test_every_node_of_the_larger_network_has_a_table_and_a_description(name):
    table = LARGER.cpt(name)
    np.testing.assert_allclose(table.sum(axis=1), 1.0, rtol=1e-9)
    assert len(table) <= LARGEST
    about = LARGER.describe(name)
    assert about.states == LARGER.nodes[name].states
    assert list(about.parents) == list(LARGER.network.parents[name])
    assert list(about.children) == list(LARGER.network.children[name])
    assert LARGER.nodes[name].label in str(about)
    assert set(about.sources) <= set(LARGER.network.sources)


def test_a_large_noisy_family_is_shown_by_its_links():
    table = LARGER.cpt("leg_pain")
    assert table.index.names == ["parent", "state"]
    assert table.index[0] == (LEAK, "")
    assert len(table) < LARGE
    alone = table.loc[("hip_osteoarthritis", "present")]
    stated = LARGER.in_force["leg_pain.link.hip_osteoarthritis"].estimate
    assert alone["none"] == pytest.approx(stated["none"])


def test_codes_name_a_node_and_unknown_names_are_refused():
    assert LARGER.describe("HP:0001945").name == "fever"
    pd.testing.assert_frame_equal(LARGER.cpt("HP:0001945"), LARGER.cpt("fever"))
    with pytest.raises(UnknownNameError, match="foot_drop"):
        LARGER.describe("drop foot")
    for wrong in (None, 3, ["fever"]):
        with pytest.raises(SpinelinkError):
            LARGER.cpt(wrong)


def test_the_numbers_are_those_in_force():
    emergency = LARGER.in_setting("emergency").describe("sex").parameters["sex.prior"]
    assert emergency.startswith("0.480")
    assert not LARGER.describe("sex").parameters["sex.prior"].startswith("0.480")
