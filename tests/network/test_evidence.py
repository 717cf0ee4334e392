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
            {"none": 0, "above_knee": 2, "below_knee": 8},
            (("none", 0.0), ("above_knee", 0.25), ("below_knee", 1.0)),
        ),
        ("leg_pain", {"none": 0, "above_knee": 0, "below_knee": 1e-200}, "below_knee"),
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
        ("age_group", math.inf, "outside 18 to 110 years"),
        ("leg_pain", {"below_knee": -1}, "not negative"),
        ("leg_pain", {"below_knee": math.nan}, "finite"),
        ("leg_pain", {"none": 0, "above_knee": 0, "below_knee": 0}, "all likelihoods are 0"),
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


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"present": 0.8}, (("absent", 0.25), ("present", 1.0))),
        ({"absent": 0.8}, (("absent", 1.0), ("present", 0.25))),
        ({"present": 0.5}, (("absent", 1.0), ("present", 1.0))),
        ({"present": 1}, "present"),
        ({"present": 0}, "absent"),
        ({"absent": 0.2, "present": 0.8}, (("absent", 0.25), ("present", 1.0))),
    ],
)
def test_f2_the_other_of_two_states_gets_the_rest(given, expected):
    found = read_finding(NETWORK, "numbness", given)
    assert type(found) is type(expected)
    if isinstance(expected, str):
        assert found == expected
    else:
        assert dict(found) == pytest.approx(dict(expected), abs=1e-12)


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("leg_pain", {"below_knee": 0.8}, "'none': 0.1, 'above_knee': 0.1, 'below_knee': 0.8"),
        ("leg_pain", {"above_knee": 2, "below_knee": 8}, "no likelihood of 'none'"),
        ("leg_pain", {"below_knee": 0.8}, "leg_pain=none:0.1,above_knee:0.1,below_knee:0.8"),
        ("age_group", {"35-49": 1.0}, "no likelihood of '18-34', '50+'"),
        ("numbness", {"present": 3}, "needs that of absent too"),
    ],
)
def test_f2_half_a_finding_is_refused_with_what_to_write(name, given, words):
    with pytest.raises(EvidenceError) as caught:
        read_finding(NETWORK, name, given)
    assert words in str(caught.value)


MARKS = ["-", "None", "nan", "NaN", "NAN", "n/a", "N/A", "NA", "na", "?", ".", "null", "NULL", "",
         " ", "<NA>", "NaT", "#N/A", " NA "]  # fmt: skip


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("name", ["numbness", "sex", "leg_pain", "age_group"])
def test_f3_a_mark_of_missing_data_is_no_state(name, mark):
    assert read_finding(NETWORK, name, mark) is None


def test_f3_a_state_of_exactly_that_name_is_the_state():
    assert read_finding(NETWORK, "leg_pain", "none") == "none"
    for text, name in (("NONE", "leg_pain"), ("none", "numbness")):
        with pytest.raises(EvidenceError, match="may mean absent or not assessed"):
            read_finding(NETWORK, name, text)


@pytest.mark.parametrize(
    "text", ["4_7", "\uff14\uff17", "inf", "1e400", "0x2F", "47 years", "1e-400"]
)
def test_f6_a_number_is_written_in_digits(text):
    with pytest.raises(EvidenceError, match="has no state"):
        read_finding(NETWORK, "age_group", text)
