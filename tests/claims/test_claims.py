"""Claims: what they mean, against the whole joint distribution; and what a bad file of claims is told."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import spinelink as sl
from spinelink.claims.file import claim_problems, read_claims
from spinelink.claims.implied import implied, implied_slopes
from spinelink.claims.signed_sums import complement, event_sum, times
from spinelink.errors import NetworkFileError, SpinelinkError
from spinelink.inference.compile import point_values
from spinelink.inference.gradient.by_parameter import parameter_slopes
from spinelink.network.claim import Claim
from spinelink.network.setting import parameters_in
from tests.inference.test_exact import RELAXED
from tests.inference.test_selection import RATES, with_selection
from tests.oracle import chance

ABOUT = {"source": "x", "fit": "near"}


@pytest.fixture(scope="module")
def minimal():
    return sl.load("minimal")


@pytest.fixture(scope="module")
def joint(minimal):
    """Every joint state with its probability, from the definitions alone."""
    network = minimal.network
    names = list(network.nodes)
    rows = []
    for states in product(*(network.nodes[n].states for n in names)):
        everything = dict(zip(names, states, strict=True))
        p = 1.0
        for n in names:
            p *= chance(network, n, everything)[everything[n]]
            if p == 0.0:
                break
        if p > 0.0:
            rows.append((everything, p))
    assert sum(p for _, p in rows) == pytest.approx(1.0, abs=1e-9)
    return rows


def holds(event, everything):
    return any(all(everything[n] in states for n, states in part.items()) for part in event)


def share(joint, *events):
    return sum(p for everything, p in joint if all(holds(e, everything) for e in events))


@st.composite
def restrictions(draw):
    network = sl.load("minimal").network
    nodes = draw(
        st.lists(st.sampled_from(list(network.nodes)), min_size=1, max_size=2, unique=True)
    )
    return {
        n: tuple(draw(st.lists(st.sampled_from(network.nodes[n].states), min_size=1, unique=True)))
        for n in nodes
    }


@pytest.mark.slow
@given(
    st.lists(restrictions(), min_size=1, max_size=3),
    st.lists(restrictions(), min_size=1, max_size=2),
)
@RELAXED
def test_events_as_signed_sums(joint, minimal, a, b):
    network = minimal.network

    def total(terms):
        return sum(n * share(joint, (dict(key),)) for key, n in terms.items())

    both = times(network, event_sum(network, a), event_sum(network, b))
    assert total(both) == pytest.approx(share(joint, a, b), abs=1e-12)
    neither = times(network, complement(network, a), complement(network, b))
    expected = sum(
        p for everything, p in joint if not holds(a, everything) and not holds(b, everything)
    )
    assert total(neither) == pytest.approx(expected, abs=1e-12)


CONDITION = {"nerve_root_compression": ["one_side", "both_sides"]}
FINDING = [{"numbness": "present"}, {"leg_pain": "below_knee"}]
PEOPLE = {"back_pain": "present"}
OTHERS = {"scoliosis": "present", "nerve_root_compression": "none"}


def figures(joint, claim):
    """The claim's figure, by counting in the joint."""
    among = claim.population or ({},)
    c = share(joint, claim.condition, among)
    if claim.kind == "prevalence":
        return c / share(joint, among)
    if claim.comparator is None:
        without = [(e, p) for e, p in joint if not holds(claim.condition, e)]
    else:
        without = [(e, p) for e, p in joint if holds(claim.comparator, e)]
    d, fd = share(without, among), share(without, claim.finding, among)
    fc = share(joint, claim.finding, claim.condition, among)
    given_c, given_d = fc / c, fd / d
    return {
        "sensitivity": given_c,
        "p_finding_given_condition": given_c,
        "specificity": 1 - given_d,
        "p_finding_given_no_condition": given_d,
        "lr_positive": given_c / given_d,
        "relative_risk": given_c / given_d,
        "lr_negative": (1 - given_c) / (1 - given_d),
        "odds_ratio": given_c / (1 - given_c) / (given_d / (1 - given_d)),
        "post_test_probability": fc / (fc + fd),
    }[claim.kind]


KINDS = [
    "prevalence", "sensitivity", "specificity", "p_finding_given_condition", "p_finding_given_no_condition", "lr_positive", "lr_negative",
    "odds_ratio", "relative_risk", "post_test_probability",
]  # fmt: skip


def claims():
    found = {}
    for kind in KINDS:
        for people in (None, PEOPLE):
            for others in (None, OTHERS) if kind != "prevalence" else (None,):
                found[kind, people is not None, others is not None] = Claim(
                    kind=kind,
                    condition=CONDITION,
                    finding=None if kind == "prevalence" else FINDING,
                    population=people,
                    comparator=others,
                    value=0.5,
                    **ABOUT,
                )
    return found


def test_every_kind_as_counted_in_the_joint(minimal, joint):
    asked = claims()
    found = implied(minimal.network, minimal.compiled, list(asked.values()))
    for (key, claim), value in zip(asked.items(), found.values, strict=True):
        assert value == pytest.approx(figures(joint, claim), rel=1e-9), key


def test_slopes_answer_the_same_figures(minimal):
    asked = list(claims().values())
    scaled, _ = implied_slopes(minimal.network, minimal.compiled, claims=asked)
    assert np.allclose(scaled, implied(minimal.network, minimal.compiled, asked).scaled, rtol=1e-12)


def test_people_who_cannot_occur(minimal):
    nobody = Claim(
        kind="prevalence",
        condition={"scoliosis": "present"},
        population={"numbness": "present"},
        value=0.5,
        **ABOUT,
    )
    model = minimal.with_parameters(
        {
            "numbness.leak": 0.0,
            "numbness.link.nerve_root_compression.one_side": 0.0,
            "numbness.link.nerve_root_compression.both_sides": 0.0,
        }
    )
    assert np.isnan(implied(model.network, model.compiled, [nobody]).values[0])
    with pytest.raises(
        SpinelinkError,
        match=r"cannot occur in network 'minimal': numbness present",
    ):
        implied_slopes(model.network, model.compiled, claims=[nobody])


GOOD = """
network: minimal
claims:
  one: {kind: prevalence, condition: {scoliosis: present}, setting: primary_care, value: 0.075, n: 671, source: perennou1994, fit: near}
unused:
  two: there is no node for it
sources:
  other1999: {title: A paper, journal: A journal}
"""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("scoliosis: present", "scoliosys: present"), "Did you mean scoliosis (Scoliosis)"),
        (("scoliosis: present", "scoliosis: presnt"), "Did you mean 'present'"),
        (("setting: primary_care", "setting: primary"), "primary_care"),
        (("perennou1994", "perenou1994"), "source perenou1994 is in neither file"),
        (("network: minimal", "network: maximal"), "not 'minimal'"),
        (("value: 0.075", "value: 1.075"), "1.075 is no probability"),
        (("value: 0.075, n: 671", "value: 0.075, interval: [0.1, 0.2]"), "outside its interval"),
        (("value: 0.075, n: 671", "interval: [0.2, 0.2]"), "is empty"),
        (("value: 0.075, n: 671,", ""), "a claim has a value, an interval, counts or a table"),
        (("kind: prevalence", "kind: sensitivity"), "a sensitivity has a finding"),
        (
            ("kind: prevalence", "kind: prevalence, finding: {back_pain: present}"),
            "neither finding nor comparator",
        ),
        (("kind: prevalence", "kind: incidence"), "'prevalence'"),
        (("scoliosis: present", "scoliosis: []"), "at least 1"),
        (("{scoliosis: present}", "{}"), "at least 1"),
        (("scoliosis: present", "scoliosis: [absent, present]"), "all of its states count"),
        (("[perennou1994, other1999]", "[]"), "at least 1"),
        (("fit: near", "fit: nearly"), "'near'"),
        (("fit: near", "fit: near, colour: red"), "colour"),
        (("other1999:", "perennou1994:"), "stands in the network file already"),
        (("  two: there", "  one: there is no\n  one: there"), "twice"),
    ],
)
def test_bad_files_say_what_and_where(tmp_path, minimal, change, message):
    text = GOOD.replace("source: perennou1994, fit", "source: [perennou1994, other1999], fit")
    path = tmp_path / "minimal.claims.yaml"
    path.write_text(text)
    assert read_claims(path, minimal.network).claims["one"].bounds_kind == "from n"
    assert change[0] in text
    path.write_text(text.replace(*change))
    with pytest.raises(NetworkFileError) as error:
        read_claims(path, minimal.network)
    assert message in str(error.value)
    assert "minimal.claims.yaml:" in str(error.value)


def test_a_source_that_no_claim_cites_is_refused(tmp_path, minimal):
    (tmp_path / "c.yaml").write_text(GOOD)
    with pytest.raises(NetworkFileError, match="source other1999 is never cited"):
        read_claims(tmp_path / "c.yaml", minimal.network)


def test_a_part_of_a_claim_that_cannot_occur_counts_nothing(minimal):
    """Of two ways to have the finding one is impossible: the other's derivatives stay as they are."""
    about = {"kind": "prevalence", "value": 0.5, **ABOUT}
    side = {"leg_pain": "none", "nerve_root_compression": "both_sides"}
    model = minimal.with_parameters(
        {
            "leg_pain.link.nerve_root_compression.both_sides": {
                "none": 0,
                "above_knee": 0.3,
                "below_knee": 0.7,
            }
        }
    )
    one = Claim(condition={"numbness": "present"}, **about)
    two = Claim(condition=[{"numbness": "present"}, side], **about)
    values = point_values(model.network, parameters_in(model.network, None))
    scaled, slopes = [], []
    for claim in (one, two):
        figure, entries = implied_slopes(model.network, model.compiled, claims=[claim])
        by_parameter = parameter_slopes(
            model.network, model.compiled, values=values, entries=entries
        )
        scaled.append(figure)
        slopes.append(by_parameter["numbness.leak"])
    assert scaled[0] == pytest.approx(scaled[1])
    np.testing.assert_allclose(slopes[0], slopes[1])
    assert np.abs(slopes[0]).max() > 1.0


@pytest.mark.parametrize("part", ["condition", "finding", "population"])
def test_how_often_people_are_selected_is_no_claim(minimal, part):
    """A selection's rates are known up to a factor: as an event it is refused, as `given` it is not."""
    network = with_selection(minimal.network, RATES)
    events = {"condition": {"numbness": "present"}, "finding": {"back_pain": "present"}}
    about = {"kind": "p_finding_given_condition", "value": 0.5, **ABOUT}
    refused = Claim(**{**events, part: {"seen": "present"}}, **about)
    [(where, said)] = claim_problems(refused, network, sources=("x",))
    assert where == part and "known up to a factor" in said
    assert not claim_problems(Claim(**events, given="seen", **about), network, sources=("x",))
