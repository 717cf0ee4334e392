"""The seventeen claims of the article behind the project, each as a query that shows it at work in back-leg-pain.

Sizes are ranges that a clinician would call plausible, not snapshots. Effects on pain are read in the general population, where not
everyone has pain already.
"""

from __future__ import annotations

import pytest

import spinelink as sl

GENERAL = sl.load("back-leg-pain", setting="general_population")
CARE = sl.load("back-leg-pain")


def p(model, node, state="present", **given):
    """P(node = state | given)."""
    return float(model.observe(given).posterior(node)[state])


def p_not(model, node, state, **given):
    return 1.0 - p(model, node, state, **given)


def raises(cause, finding, *, by=1.0, state="present", model=GENERAL, **given):
    """P(finding | cause) / P(finding | no cause) is above `by`."""
    with_it = p(model, finding, state, **{cause: True}, **given)
    without = p(model, finding, state, **{cause: False}, **given)
    assert with_it > by * without, f"{finding} given {cause}: {with_it:.4f}, without: {without:.4f}"
    return with_it, without


@pytest.mark.parametrize(
    ("cause", "by"),
    [
        ("trunk_muscle_weakness", 1.0),
        ("poor_posture", 1.0),
        ("lumbar_muscle_strain", 2.0),
        ("disc_degeneration", 1.5),
        ("lumbar_disc_herniation", 1.5),
        ("spinal_infection", 2.0),
        ("vertebral_fracture", 2.0),
        ("spinal_malignancy", 2.0),
        ("axial_spondyloarthritis", 2.0),
        ("visceral_referred_pain", 1.5),
    ],
)
def test_row_1_causes_of_back_pain(cause, by):
    raises(cause, "back_pain", by=by)


@pytest.mark.parametrize(
    "cause",
    [
        "leg_muscle_weakness",
        "knee_osteoarthritis",
        "ankle_disorder",
        "leg_injury",
        "incomplete_rehabilitation",
    ],
)
def test_row_2_legs_change_gait_and_gait_loads_the_back(cause):
    raises(cause, "gait_abnormality", by=1.2)
    raises("gait_abnormality", "back_muscle_overload", by=1.1)
    raises("back_muscle_overload", "back_pain", by=1.1)
    with_it, without = raises(cause, "back_pain")
    assert with_it - without < 0.3, "the mechanical link is weak in the evidence"


@pytest.mark.parametrize("cause", ["foot_deformity", "ankle_disorder", "plantar_heel_pain"])
def test_row_3_a_foot_makes_limp_and_the_back_pays(cause):
    raises(cause, "gait_abnormality", by=1.1)
    raises(cause, "limping", by=1.1)
    with_it, without = raises(cause, "back_pain")
    assert with_it - without < 0.2, "feet matter little for the back"
    # The way goes through gait: among people of one age, sex and weight who walk normally, nothing is left of it.
    alike = {"gait_abnormality": False, "age_group": 47, "sex": "female", "body_weight": "normal"}
    assert (
        abs(
            p(GENERAL, "back_pain", **alike, **{cause: True})
            - p(GENERAL, "back_pain", **alike, **{cause: False})
        )
        < 0.01
    )


@pytest.mark.parametrize(
    "cause",
    [
        "leg_injury",
        "knee_osteoarthritis",
        "hip_osteoarthritis",
        "peripheral_artery_disease",
        "lumbar_disc_herniation",
        "deep_gluteal_syndrome",
    ],
)
def test_row_4_causes_of_leg_pain(cause):
    with_it = p_not(GENERAL, "leg_pain", "none", **{cause: True})
    without = p_not(GENERAL, "leg_pain", "none", **{cause: False})
    assert with_it > 1.5 * without


def test_row_5_upper_nerves_serve_the_arms_lower_ones_the_legs():
    raises("cervical_radiculopathy", "arm_pain_or_numbness", by=5.0)
    arm = p_not(GENERAL, "leg_pain", "none", cervical_radiculopathy=True) - p_not(
        GENERAL, "leg_pain", "none", cervical_radiculopathy=False
    )
    assert abs(arm) < 0.02
    root = p(GENERAL, "arm_pain_or_numbness", nerve_root_compression="one_side") - p(
        GENERAL, "arm_pain_or_numbness", nerve_root_compression="none"
    )
    assert abs(root) < 0.02
    assert p_not(GENERAL, "leg_pain", "none", nerve_root_compression="one_side") > 0.6


def test_row_6_a_compressed_root_hurts_along_the_nerve():
    assert p(GENERAL, "leg_pain", "below_knee", nerve_root_compression="one_side") > 0.5
    assert p(GENERAL, "shooting_leg_pain", nerve_root_compression="one_side") > 2 * p(
        GENERAL, "shooting_leg_pain", nerve_root_compression="none"
    )


def test_row_7_sciatica_from_the_disc_or_from_the_hip():
    for cause in ("lumbar_disc_herniation", "deep_gluteal_syndrome"):
        assert p(GENERAL, "leg_pain", "below_knee", **{cause: True}) > 2 * p(
            GENERAL, "leg_pain", "below_knee", **{cause: False}
        )
    raises("deep_gluteal_syndrome", "sciatic_nerve_entrapment", by=10)
    raises("deep_gluteal_syndrome", "fair_test", by=2)


@pytest.mark.parametrize("cause", ["hyperkyphosis", "scoliosis", "spinal_cord_lesion"])
def test_row_8_deformity_and_cord(cause):
    raises(cause, "gait_abnormality", by=1.1)
    raises(cause, "back_muscle_overload")
    for pain in ("hip_or_buttock_pain", "thigh_pain", "calf_pain"):
        raises(cause, pain)


def test_row_8_degenerated_joints_give_lasting_leg_pain():
    raises("scoliosis", "secondary_joint_degeneration")
    assert p_not(GENERAL, "leg_pain", "none", secondary_joint_degeneration=True) > p_not(
        GENERAL, "leg_pain", "none", secondary_joint_degeneration=False
    )


@pytest.mark.parametrize(
    "finding",
    [
        "worse_on_back_movement",
        "worse_on_bending",
        "worse_on_sitting",
        "shooting_leg_pain",
        "burning_leg_pain",
        "numbness",
        "tingling",
    ],
)
def test_row_9_how_a_herniation_feels(finding):
    raises("lumbar_disc_herniation", finding, by=1.3)


def test_row_10_one_root_one_side_both_roots_both_sides():
    one = CARE.observe(nerve_root_compression="one_side").posterior("leg_pain_side")
    both = CARE.observe(nerve_root_compression="both_sides").posterior("leg_pain_side")
    assert one["one_side"] > 3 * one["both_sides"]
    assert both["both_sides"] > 1.5 * both["one_side"]
    assert p(CARE, "nerve_root_compression", "both_sides", leg_pain_side="both_sides") > p(
        CARE, "nerve_root_compression", "both_sides", leg_pain_side="one_side"
    )


@pytest.mark.parametrize(
    "finding",
    ["worse_on_back_movement", "worse_on_lifting", "worse_on_bending", "numbness_after_sitting"],
)
def test_row_11_what_makes_it_worse(finding):
    assert p(GENERAL, finding, lumbar_disc_herniation=True) > p(
        GENERAL, finding, lumbar_disc_herniation=False
    )


def test_row_12_weak_legs():
    assert p(GENERAL, "leg_weakness", nerve_root_dysfunction="severe") > 0.4
    raises("lumbar_disc_herniation", "leg_weakness", by=1.3)


def test_row_13_bladder_and_bowel_are_an_emergency():
    for finding in ("saddle_numbness", "bowel_dysfunction"):
        raises("cauda_equina_compression", finding, by=5, model=CARE)
    assert p_not(CARE, "bladder_dysfunction", "none", cauda_equina_compression=True) > 0.5
    alerts = CARE.observe(
        back_pain=True, bladder_dysfunction="retention", saddle_numbness=True
    ).alerts()
    assert alerts.urgency == "emergency"


def test_row_14_a_herniation_with_leg_symptoms_alone():
    joint = CARE.observe(lumbar_disc_herniation=True).joint(["back_pain", "leg_pain"])
    alone = joint["absent"]["above_knee"] + joint["absent"]["below_knee"]
    assert 0.02 < alone < 0.5
    ranking = CARE.observe(
        back_pain=False, leg_pain="below_knee", numbness=True, straight_leg_raise=True
    ).differential(limit=3)
    assert "lumbar_disc_herniation" in [c.cause for c in ranking.causes]


@pytest.mark.parametrize(
    ("test", "state", "cause"),
    [
        ("crp", "high", "spinal_infection"),
        ("xray_fracture", "present", "vertebral_fracture"),
        ("mri_disc_herniation", "present", "lumbar_disc_herniation"),
        ("ct_disc_herniation", "present", "lumbar_disc_herniation"),
        ("mri_infection", "present", "spinal_infection"),
        ("nerve_conduction_study", "present", "peripheral_neuropathy"),
    ],
)
def test_row_15_tests_find_causes(test, state, cause):
    assert p(CARE, cause, **{test: state}) > 1.5 * p(CARE, cause)


def test_row_16_care_is_information_with_a_source():
    with_care = {n: node.care for n, node in CARE.nodes.items() if node.care}
    assert {"lumbar_disc_herniation", "lumbar_muscle_strain"} <= set(with_care)
    words = " ".join(c.text.casefold() for care in with_care.values() for c in care)
    for named in ("anti-inflammator", "muscle relaxant", "ice", "heat", "physiotherapy", "surgery"):
        assert named in words
    assert all(c.source in CARE.network.sources for care in with_care.values() for c in care)


def test_row_17_linked_or_not():
    """Leg pain that a compressed root explains makes a spinal cause likelier, and a knee that explains it makes it less likely."""
    spine = p(CARE, "nerve_root_compression", "none", back_pain=True, leg_pain="below_knee")
    knee = p(
        CARE,
        "nerve_root_compression",
        "none",
        back_pain=True,
        leg_pain="below_knee",
        knee_osteoarthritis=True,
    )
    assert spine < p(CARE, "nerve_root_compression", "none", back_pain=True)
    assert knee >= spine - 1e-12
