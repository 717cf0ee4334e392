"""What a caller may say of a node, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from spinelink.errors import EvidenceError, UnknownNameError
from spinelink.network.cpd import Prior
from spinelink.network.evidence import read_finding
from spinelink.network.network import Network
from spinelink.network.node import Bins, Node
from spinelink.network.parameter import Distribution, Probability

HALF = Probability(estimate=0.5, equivalent_sample_size=2.0, grade="judged", note="test")
THIRDS = Distribution(
    estimate={"none": 0.5, "above_knee": 0.25, "below_knee": 0.25},
    equivalent_sample_size=2.0,
    grade="judged",
    note="t",
)
AGES = Distribution(
    estimate={"18-34": 0.5, "35-49": 0.25, "50+": 0.25},
    equivalent_sample_size=2.0,
    grade="judged",
    note="t",
)
NETWORK = Network(
    spinelink=1,
    name="findings",
    title="findings",
    version="0",
    nodes={
        "numbness": Node(role="symptom", label="Numbness", cpd=Prior(kind="prior", prior=HALF)),
        "sex": Node(
            role="context",
            label="Sex",
            states=("female", "male"),
            cpd=Prior(kind="prior", prior=HALF),
        ),
        "leg_pain": Node(
            role="symptom",
            label="Leg pain",
            states=("none", "above_knee", "below_knee"),
            cpd=Prior(kind="prior", prior=THIRDS),
        ),
        "age_group": Node(
            role="context",
            label="Age",
            states=("18-34", "35-49", "50+"),
            bins=Bins(unit="years", edges=(18.0, 35.0, 50.0, 110.0)),
            cpd=Prior(kind="prior", prior=AGES),
        ),
    },
)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("numbness", True, "present"),
        ("numbness", False, "absent"),
        ("numbness", np.bool_(True), "present"),
        ("numbness", "yes", "present"),
        ("numbness", "No", "absent"),
        ("numbness", " present ", "present"),
        ("sex", "Male", "male"),
        ("leg_pain", "below_knee", "below_knee"),
        ("age_group", 18, "18-34"),
        ("age_group", 34.999, "18-34"),
        ("age_group", 35, "35-49"),
        ("age_group", np.int64(47), "35-49"),
        ("age_group", "47", "35-49"),
        ("age_group", 110, "50+"),
        ("age_group", "18-34", "18-34"),
        (
            "leg_pain",
            {"above_knee": 2, "below_knee": 8},
            (("none", 0.0), ("above_knee", 0.25), ("below_knee", 1.0)),
        ),
        ("leg_pain", {"below_knee": 1e-200}, "below_knee"),
        ("numbness", None, None),
        ("numbness", math.nan, None),
        ("numbness", np.nan, None),
        ("numbness", pd.NA, None),
        ("numbness", pd.NaT, None),
        ("numbness", "", None),
    ],
)
def test_values(name, value, expected):
    assert read_finding(NETWORK, name, value) == expected


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("numbness", "radiates", "its states absent, present"),
        ("leg_pain", "below_kneee", "Did you mean 'below_knee'?"),
        ("leg_pain", True, "3 states"),
        ("leg_pain", 2, "takes no number"),
        ("age_group", 17, "outside 18 to 110 years"),
        ("age_group", math.inf, "outside"),
        ("leg_pain", {"below_knee": -1}, "not negative"),
        ("leg_pain", {"below_knee": math.nan}, "finite"),
        ("leg_pain", {"none": 0, "below_knee": 0}, "all likelihoods are 0"),
        ("leg_pain", {"shin": 1}, "no state 'shin'"),
        ("leg_pain", {"below_knee": "much"}, "must be a number"),
        ("numbness", [True], "list is not a finding"),
        ("sex", "yes", "has no state 'yes'"),
    ],
)
def test_refusals(name, value, words):
    with pytest.raises(EvidenceError) as caught:
        read_finding(NETWORK, name, value)
    assert words in str(caught.value)


def test_an_unknown_node_suggests_near_names():
    with pytest.raises(UnknownNameError) as caught:
        read_finding(NETWORK, "numbnes", True)
    assert "Did you mean numbness (Numbness)?" in str(caught.value)
