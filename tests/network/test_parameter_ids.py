"""Laws of parameter ids, on random networks of every CPD kind."""

from __future__ import annotations

from hypothesis import given

from spinelink.network.parameter_ids import locate_in_cpd, owner
from tests.inference.test_exact import RELAXED
from tests.strategies import networks


@given(networks())
@RELAXED
def test_every_parameter_belongs_to_its_node(network):
    for name, node in network.nodes.items():
        assert {owner(item.id) for item in locate_in_cpd(name, node.cpd)} <= {name}
