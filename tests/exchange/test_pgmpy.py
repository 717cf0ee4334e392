"""Networks from pgmpy: states in this library's order, names as text, refusals with words, and a file that loads again."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from pgmpy.factors.discrete import TabularCPD
from pgmpy.models import DiscreteBayesianNetwork

import spinelink as sl
from spinelink.errors import EvidenceError, NetworkFileError, SpinelinkError, UnknownNameError


def example(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pgmpy.utils import get_example_model

        return get_example_model(name)


def pair(states_a=None, states_b=None, a="a", b="b"):
    network = DiscreteBayesianNetwork([(a, b)])
    named = {a: states_a or [0, 1], b: states_b or [0, 1]}
    network.add_cpds(
        TabularCPD(a, 2, [[0.7], [0.3]], state_names={a: named[a]}),
        TabularCPD(
            b, 2, [[0.9, 0.2], [0.1, 0.8]], evidence=[a], evidence_card=[2], state_names=named
        ),
    )
    return network


def test_the_state_that_says_no_comes_first():
    """Asia (Lauritzen and Spiegelhalter 1988) lists yes before no: P(lung cancer) = 0.055, and 0.10 in smokers."""
    model = sl.from_pgmpy(example("asia"), roles={"lung": "cause"})
    assert model.nodes["smoke"].states == ("no", "yes")
    smoker = model.observe(smoke=True)
    assert smoker.evidence == {"smoke": "yes"}
    assert smoker.posterior("lung")["yes"] == pytest.approx(0.10)
    found = smoker.differential().causes[0]
    assert (found.prior, found.posterior) == (pytest.approx(0.055), pytest.approx(0.10))


def test_other_orders_stay():
    assert sl.from_pgmpy(pair(["low", "high"])).nodes["a"].states == ("low", "high")
    assert sl.from_pgmpy(pair(["no", "none"])).nodes["a"].states == ("no", "none")
    assert sl.from_pgmpy(pair([True, False])).observe(a=True).evidence == {"a": "True"}


def test_true_says_nothing_where_states_are_neither_yes_nor_no():
    with pytest.raises(
        EvidenceError, match="a is low or high, so True or False does not say which"
    ):
        sl.from_pgmpy(pair(["low", "high"])).observe(a=True)


def test_states_and_nodes_that_are_numbers():
    model = sl.from_pgmpy(pair())
    assert (
        model.observe(b=1).evidence
        == model.observe(b="1").evidence
        == model.observe(b=True).evidence
        == {"b": "1"}
    )
    soft = model.observe(b={0: 0.2, 1: 0.8}).posterior("a")["1"]
    assert soft == pytest.approx(
        0.3
        * (0.2 * 0.2 + 0.8 * 0.8)
        / (0.7 * (0.9 * 0.2 + 0.1 * 0.8) + 0.3 * (0.2 * 0.2 + 0.8 * 0.8))
    )
    numbered = sl.from_pgmpy(pair(a=1, b=2), roles={1: "cause"})
    assert numbered.nodes["1"].role == "cause"
    assert numbered.observe({2: 1}).posterior(1)["1"] == pytest.approx(0.24 / 0.31)


def test_a_file_of_it_loads_again(tmp_path):
    model = sl.from_pgmpy(example("asia"), roles={"lung": "cause"})
    again = sl.load(model.save(tmp_path / "asia.yaml"))
    for name in model.nodes:
        np.testing.assert_allclose(
            again.observe(dysp="yes").posterior(name),
            model.observe(dysp="yes").posterior(name),
            atol=1e-12,
        )


def test_what_cannot_be_a_file_is_said_and_not_written(tmp_path):
    model = sl.from_pgmpy(pair(a="a b", b="c"))
    assert model.observe({"c": 1}).posterior("a b")["1"] == pytest.approx(0.24 / 0.31)
    with pytest.raises(NetworkFileError, match="a b"):
        model.save(tmp_path / "x.yaml")
    assert not list(tmp_path.iterdir())


def test_refusals():
    with pytest.raises(UnknownNameError, match=r"no role 'causes'.*Did you mean 'cause'"):
        sl.from_pgmpy(pair(), roles={"a": "causes"})
    with pytest.raises(UnknownNameError, match="no node 'x'"):
        sl.from_pgmpy(pair(), roles={"x": "cause"})
    with pytest.raises(SpinelinkError, match="not a NoneType"):
        sl.from_pgmpy(None)
    with pytest.raises(SpinelinkError, match="no name for a network"):
        sl.from_pgmpy(pair(), name="<b>x</b>")
    with pytest.raises(NetworkFileError, match="empty name"):
        sl.from_pgmpy(pair(["", "y"]))
    twice = DiscreteBayesianNetwork()
    twice.add_nodes_from([1, "1"])
    twice.add_cpds(TabularCPD(1, 2, [[0.5], [0.5]]), TabularCPD("1", 2, [[0.9], [0.1]]))
    with pytest.raises(NetworkFileError, match="two nodes are called '1'"):
        sl.from_pgmpy(twice)


def test_padded_names_are_trimmed():
    model = sl.from_pgmpy(pair([" n", "y "]))
    assert model.nodes["a"].states == ("n", "y")
    assert model.observe(a=" y").evidence == {"a": "y"}


def test_rare_entries_keep_their_digits_on_the_way_out():
    """1 - (1 - 1e-12)^2 by subtraction has four digits; the table that goes out has all."""
    model = sl.load("minimal").with_parameters({"back_pain.leak": 1e-14})
    table = model.to_pgmpy().get_cpds("back_pain")
    corner = table.values[(1, *(0,) * (table.values.ndim - 1))]
    assert corner == pytest.approx(1e-14, rel=1e-12)
