"""The main plots as images, with their text, in the font that matplotlib brings along. A new baseline: pytest tests/view/test_images.py
--mpl-generate-path=tests/view/baseline, and look at it."""

from __future__ import annotations

import matplotlib as mpl
import pytest

mpl.use("Agg")

import matplotlib.pyplot as plt

import spinelink as sl

FONT = {"font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"]}
same = pytest.mark.mpl_image_compare(tolerance=15, savefig_kwargs={"dpi": 60}, style=FONT)


@pytest.fixture(scope="module")
def case():
    return sl.load("minimal").observe(numbness=True, leg_pain="below_knee", back_pain=True)


@same
def test_ranking(case):
    return case.differential(interval=0.9, draws=256).plot().figure


@same
def test_tornado(case):
    return case.sensitivity("lumbar_disc_herniation").plot(limit=8).figure


@same
def test_waterfall(case):
    return case.explain("lumbar_disc_herniation").plot().figure


@same
def test_link(case):
    return case.link(interval=0.9, draws=32).plot().figure


@same
def test_next_best(case):
    return case.next_best(limit=None, cost=None).plot().figure


@same
def test_sweep(case):
    return case.sweep("scoliosis.prior", [0.05, 0.1, 0.2, 0.4]).plot(limit=3).figure


@same
def test_draws(case):
    return case.intervals(draws=128).plot(limit=4).figure


@same
def test_four_in_one_figure(case):
    figure, axes = plt.subplots(2, 2, figsize=(9.0, 7.0), layout="constrained")
    found = (
        case.differential(),
        case.link(),
        case.sensitivity("lumbar_disc_herniation"),
        case.next_best(limit=None),
    )
    for ax, result in zip(axes.flat, found, strict=True):
        assert result.plot(ax=ax) is ax
    return figure
