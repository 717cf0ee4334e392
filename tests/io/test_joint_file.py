"""The file of a joint covariance: small, the same bytes each time, and exact where that matters."""

from __future__ import annotations

import numpy as np
import pytest

from spinelink.io.joint_file import (
    LOSS,
    JointFileError,
    digest,
    joint_bytes,
    joint_from_bytes,
    read_joint,
)
from spinelink.network.joint import JointCovariance

SIZE, FIGURES = 1203, 595


def keys(size):
    return tuple((None, f"node_{k}.leak", None) for k in range(size))


def after_figures(size, figures, seed=0):
    """The covariance of coordinates after figures that depend on about eight of them each."""
    random = np.random.default_rng(seed)
    slopes = np.zeros((figures, size))
    for row in slopes:
        row[random.choice(size, 8, replace=False)] = random.normal(0.0, 0.5, 8)
    prior = 1.0 / random.uniform(0.2, 2.0, size) ** 2
    errors = random.uniform(0.02, 0.3, figures)
    return np.linalg.inv(np.diag(prior) + (slopes.T / errors) @ slopes)


def worst(before, after):
    """The logarithm of the largest factor between variances."""
    root = np.linalg.inv(np.linalg.cholesky(before))
    return np.abs(np.log(np.linalg.eigvalsh(root @ after @ root.T))).max()


@pytest.mark.slow
def test_as_many_coordinates_as_back_leg_pain_has_take_little():
    joint = JointCovariance(keys(SIZE), after_figures(SIZE, FIGURES))
    data = joint_bytes(joint)
    assert data == joint_bytes(joint)
    assert len(data) < 3_000_000
    again = joint_from_bytes(data)
    assert again.keys == joint.keys
    assert worst(joint.covariance, again.covariance) < LOSS


@pytest.mark.parametrize("rest", [1e-2, 1e-5, 1e-8])
def test_strong_ties_keep_their_digits(rest):
    """What is left of the variance of a sum, however little, is kept."""
    tied = np.array([[1.0, rest - 1.0], [rest - 1.0, 1.0]])
    joint = JointCovariance(keys(2), np.outer([0.3, 2.0], [0.3, 2.0]) * tied)
    again = joint_from_bytes(joint_bytes(joint))
    slopes = np.array([2.0, 0.3])
    left = slopes @ again.covariance @ slopes
    assert left == pytest.approx(slopes @ joint.covariance @ slopes, rel=0.02)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.array([[1.0, np.nan], [np.nan, 1.0]]), "cannot be read"),
        (np.array([[-1.0, 0.0], [0.0, 1.0]]), "cannot be read"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_numbers_that_are_no_covariance_are_refused(tmp_path, values, reason):
    path = tmp_path / "x.npz"
    path.write_bytes(joint_bytes(JointCovariance(keys(2), values)))
    with pytest.raises(JointFileError, match=reason):
        read_joint(path, expected=digest(path.read_bytes()))
