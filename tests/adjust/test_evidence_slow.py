"""The hierarchical fit against a long chain, and against simulated studies whose truth is known.

The chain is random-walk Metropolis (Roberts, Gelman and Gilks 1997) in many walkers at once. It shares
no code with the search but the network's answers: its density is written out here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest

import spinelink as sl
from spinelink.adjust.evidence.averaged import averaged
from spinelink.adjust.evidence.fit import search_for
from spinelink.adjust.evidence.linear import Spreads
from spinelink.adjust.evidence.predict import predict
from spinelink.adjust.evidence.search import Reached, Search, SearchOptions
from spinelink.claims.file import claims_for
from spinelink.claims.implied import log_terms
from spinelink.inference.answer import log_evidence
from spinelink.inference.compile import compile_network, point_values
from spinelink.network.claim import Claim
from spinelink.network.coordinates import key_of
from spinelink.network.network import Network
from spinelink.network.parameter import Ratio
from spinelink.network.setting import parameters_in

pytestmark = pytest.mark.slow

NR, HERNIATION, PRESENT = "nerve_root_compression", "lumbar_disc_herniation", "present"
VARY = [
    "heavy_lifting.prior",
    f"{HERNIATION}.prior",
    f"{NR}.leak",
    "leg_pain.leak",
    "numbness.leak",
    f"numbness.link.{NR}.one_side",
    "crossed_straight_leg_raise.sensitivity",
    "cauda_equina_compression.leak",
    "back_pain.leak",
]
"""Eleven coordinates: two of these parameters are distributions over three states."""

REPETITIONS, STUDIES, NEW = 200, 12, 2
SPREAD, SHARED = 0.3, 0.5
INSIDE = 1.6448536269514722
"""Half of a 90 % interval in standard deviations."""


def odds(p):
    return np.log(p) - np.log1p(-p)


def chance(x):
    return 1.0 / (1.0 + np.exp(-x))


# --- A long chain ---------------------------------------------------------------------------------


def values_at(figures, thetas):
    """Every parameter of `minimal`, with a column for each row of coordinates."""
    coordinates = figures.coordinates
    network, setting = coordinates.network, coordinates.network.default_setting
    values = point_values(network, parameters_in(network, setting))
    for block in coordinates.blocks:
        assert key_of(network, block.id, setting=setting) == block.key
        x = thetas[:, block.slice].T
        if block.states:
            states = network.nodes[block.id.split(".")[0]].states
            weights = np.exp(np.vstack([np.zeros((1, len(thetas))), x]))
            p = np.zeros((len(states), len(thetas)))
            p[[states.index(s) for s in block.states]] = weights / weights.sum(axis=0)
            values[block.id] = p
        elif isinstance(coordinates.parameters[block.key], Ratio):
            values[block.id] = np.exp(x[0])
        else:
            values[block.id] = chance(x[0])
    return values


def implied_at(figures, thetas):
    """What is implied at many coordinates at once, (rows, claims)."""
    network = figures.coordinates.network
    compiled = compile_network(
        network, values_at(figures, thetas), resources=figures.model.compiled.resources
    )
    known = {(): np.ones(len(thetas))}

    def probability(conjunction):
        if conjunction not in known:
            observed = {}
            for name, states in conjunction:
                node = compiled.index[name]
                holds = [s in states for s in compiled.states[node]]
                one = holds.index(True) if sum(holds) == 1 else None
                observed[node] = np.array(holds, float)[:, np.newaxis] if one is None else one
            known[conjunction] = np.exp(log_evidence(compiled, observed))
        return known[conjunction]

    columns = []
    for claim in figures.claims.values():
        terms = log_terms(network, claim).terms
        columns.append(
            sum(s * np.log(sum(n * probability(c) for c, n in part.items())) for s, part in terms)
        )
    return np.stack(columns, axis=1)


def density_of(search, spreads):
    """Minus the log posterior density of rows of coordinates under some spreads."""
    figures, freedom = search.figures, search.options.freedom
    blocks = []
    for study in range(len(figures.studies)):
        rows = np.flatnonzero(figures.study == study)
        group = figures.group[rows]
        share = np.where(np.eye(len(rows), dtype=bool), 1.0, spreads.shared)
        effects = np.where(group[:, np.newaxis] == group, share, 0.0)
        effects *= np.outer(spreads.studies[group], spreads.studies[group])
        blocks.append((rows, np.linalg.inv(effects + np.diag(figures.variance[rows]))))
    prior = np.linalg.inv(search.priors.covariance(spreads.factors))

    def density(thetas):
        residual = figures.published - implied_at(figures, thetas)
        off = thetas - search.priors.mean
        value = 0.5 * np.einsum("ri,ij,rj->r", off, prior, off)
        for rows, inverse in blocks:
            square = np.einsum("ri,ij,rj->r", residual[:, rows], inverse, residual[:, rows])
            if math.isinf(freedom):
                value += 0.5 * square
            else:
                value += 0.5 * (freedom + len(rows)) * np.log1p(square / freedom)
        return value

    return density


@dataclass(frozen=True)
class Compared:
    """The fit against the chain, (coordinates,).

    shift: of the mean, in standard deviations of the chain. ratio: of standard deviations, the
    fit's over the chain's. error: the largest Monte Carlo standard error of either.
    """

    shift: np.ndarray
    ratio: np.ndarray
    error: float


def compared(claims, freedom, *, vary=VARY) -> Compared:
    model = replace(sl.load("minimal"), engine="numpy")
    options = SearchOptions(freedom=freedom, limit=60)
    search = search_for(model, claims, vary=vary, options=options)
    reached = search.run()
    assert reached.complete
    density = density_of(search, reached.spreads)
    some = reached.theta + 0.3 * np.random.default_rng(2).normal(size=(4, len(reached.theta)))
    expected = [search.minimised(x, search.figures.implied_by(x), reached.spreads) for x in some]
    assert density(some) == pytest.approx(expected, abs=1e-9)
    return _chain(density, reached)


def _chain(density, reached: Reached, *, walkers=512, adapt=400, keep=800) -> Compared:
    """The covariance and length of proposals adapt in the first steps, which are thrown away."""
    rng, size = np.random.default_rng(1), len(reached.theta)
    root, length, taken = np.linalg.cholesky(reached.covariance), 2.38 / math.sqrt(size), 0.0
    x = reached.theta + rng.normal(size=(walkers, size)) @ root.T
    here, sums, squares = density(x), 0.0, 0.0
    for step in range(1, adapt + keep + 1):
        proposed = x + length * rng.normal(size=x.shape) @ root.T
        there = density(proposed)
        accepted = np.log(rng.uniform(size=walkers)) < here - there
        x = np.where(accepted[:, np.newaxis], proposed, x)
        here = np.where(accepted, there, here)
        if step <= adapt:
            taken += accepted.mean() / 50.0
            if step % 50 == 0:
                root = np.linalg.cholesky(np.cov(x.T))
                length, taken = length * math.exp(taken - 0.25), 0.0
        else:
            off = x - reached.theta
            sums, squares = sums + off / keep, squares + off**2 / keep
    mean = sums.mean(axis=0)
    variance = squares - 2.0 * mean * sums + mean**2  # of each walker, about the mean of all
    deviation = np.sqrt(variance.mean(axis=0))
    of_mean = sums.std(axis=0) / deviation / math.sqrt(walkers)
    of_ratio = variance.std(axis=0) / deviation**2 / 2.0 / math.sqrt(walkers)
    ratio = np.sqrt(np.diag(reached.covariance)) / deviation
    return Compared(mean / deviation, ratio, float(max(of_mean.max(), of_ratio.max())))


def figures_about_each():
    """Six studies about every coordinate by itself; they differ with a deviation of 0.3."""
    rng = np.random.default_rng(5)
    asked = [
        ({"heavy_lifting": PRESENT}, None, None, 0.2),
        ({HERNIATION: PRESENT}, None, None, 0.03),
        ({NR: "one_side"}, None, {HERNIATION: "absent"}, 0.03),
        ({NR: "both_sides"}, None, {HERNIATION: "absent"}, 0.02),
        ({"cauda_equina_compression": PRESENT}, None, {HERNIATION: "absent"}, 0.02),
        ({"back_pain": PRESENT}, None, None, 0.8),
        ({"leg_pain": "above_knee"}, None, {NR: "none"}, 0.17),
        ({"leg_pain": "below_knee"}, None, {NR: "none"}, 0.1),
        ({NR: "none"}, {"numbness": PRESENT}, None, 0.08),
        ({NR: "one_side"}, {"numbness": PRESENT}, None, 0.6),
        ({HERNIATION: PRESENT}, {"crossed_straight_leg_raise": PRESENT}, None, 0.3),
    ]
    claims = {}
    for k, (condition, finding, population, p) in enumerate(asked):
        for study in range(6):
            found = int(rng.binomial(600, chance(odds(p) + 0.3 * rng.normal())))
            claims[f"c{k}_{study}"] = Claim(
                kind="prevalence" if finding is None else "p_finding_given_condition",
                condition=condition,
                finding=finding,
                population=population,
                counts=(found, 600),
                source=f"study{study}_{k // 2}",
                fit="near",
            )
    return claims


def test_the_fit_equals_a_long_chain_where_figures_speak_of_each_parameter():
    """With normal effects: means within 5 % of a standard deviation, deviations within 5 %."""
    found = compared(figures_about_each(), math.inf)
    assert found.error < 0.015
    assert np.abs(found.shift).max() < 0.05
    assert found.ratio == pytest.approx(np.ones(11), abs=0.05)


def test_the_same_with_studies_that_may_lie_far_off():
    """With Student's t, deviations agree within 5 % on average, and within 15 % each.

    The covariance holds what studies say on average (Fisher). What these very studies say differs:
    a coordinate has six studies, and one that lies far off says little.
    """
    found = compared(figures_about_each(), 4.0)
    assert found.error < 0.015
    assert np.abs(found.shift).max() < 0.1
    assert found.ratio.mean() == pytest.approx(1.0, abs=0.05)
    assert np.abs(np.log(found.ratio)).max() < 0.15


def test_the_fit_reports_one_of_two_explanations_and_the_chain_both():
    """On the claims of `minimal` the posterior is not normal, and the fit is a peak of it.

    Numbness and pain below the knee are far more common in its figures than by its priors. Either
    they come from elsewhere (`leak`), or root compression on both sides is common. The prior of the
    latter is wide, and about a tenth of the walkers lie there. The fit reports the first alone, so
    it is up to 2.5 times too narrow for three parameters; the other seven coordinates agree.
    """
    model = sl.load("minimal")
    claims = claims_for(model, None).claims
    both = compared(claims, math.inf)
    torn = np.array([3, 6, 7, 8])  # both sides; leg pain above and below the knee; numbness
    rest = np.setdiff1d(np.arange(11), torn)
    assert np.abs(both.shift[rest]).max() < 0.15
    assert np.abs(np.log(both.ratio[rest])).max() < 0.1
    assert 0.2 < both.ratio[torn].min() < 0.75
    assert both.ratio[torn].max() < 1.0
    assert np.abs(both.shift[torn]).max() < 0.7
    # Without the second explanation, most of that is gone.
    one = compared(claims, math.inf, vary=[v for v in VARY if v != f"{NR}.leak"])
    assert np.abs(one.shift).max() < 0.15
    assert np.abs(np.log(one.ratio)).max() < 0.15


# --- Simulated studies ----------------------------------------------------------------------------


def judged(estimate, size=10.0):
    return {
        "estimate": estimate,
        "equivalent_sample_size": size,
        "grade": "judged",
        "note": "Made up for a simulation.",
    }


def small_network() -> Network:
    """Five nodes, nine parameters: two causes, one of them after an exposure; a symptom; a sign."""
    cpds = {
        "exposure": ("context", {"kind": "prior", "prior": judged(0.3)}),
        "one": (
            "cause",
            {"kind": "noisy_or", "leak": judged(0.15, 12.0), "links": {"exposure": judged(0.2)}},
        ),
        "two": ("cause", {"kind": "prior", "prior": judged(0.25)}),
        "symptom": (
            "symptom",
            {
                "kind": "noisy_or",
                "leak": judged(0.15),
                "links": {"one": judged(0.6), "two": judged(0.4)},
            },
        ),
        "sign": (
            "sign",
            {
                "kind": "accuracy",
                "of": "one",
                "sensitivity": judged(0.7),
                "specificity": judged(0.8),
            },
        ),
    }
    nodes = {n: {"role": r, "label": n.capitalize(), "cpd": c} for n, (r, c) in cpds.items()}
    return Network.model_validate(
        {"spinelink": 1, "name": "small", "title": "Small", "version": "0.1.0", "nodes": nodes}
    )


ASKED = (
    ("prevalence", "exposure", None, None),
    ("prevalence", "one", None, None),
    ("prevalence", "two", None, None),
    ("prevalence", "symptom", None, None),
    ("prevalence", "one", None, "exposure"),
    ("p_finding_given_condition", "one", "symptom", None),
    ("p_finding_given_condition", "two", "symptom", None),
    ("p_finding_given_no_condition", "one", "symptom", None),
    ("sensitivity", "one", "sign", None),
    ("specificity", "one", "sign", None),
)


def claim_of(asked, counts, study):
    kind, condition, finding, among = ASKED[asked]
    return Claim(
        kind=kind,
        condition={condition: PRESENT},
        finding=None if finding is None else {finding: PRESENT},
        population=None if among is None else {among: PRESENT},
        counts=counts,
        source=f"study{study}",
        fit="same population",
    )


@dataclass(frozen=True, eq=False)
class KnownSpreads(Search):
    """A search that is told the spreads between studies, and the factor on the priors."""

    def _estimated(self, theta, scaled, slopes, spreads, *, trace):
        known = Spreads(np.full(len(spreads.studies), SPREAD), SHARED, np.ones(1))
        weights = np.ones(len(self.figures.studies))
        solved = self.linear_at(theta, scaled, slopes).solved(known, weights)
        return Reached(theta, scaled, slopes, known, weights, solved, self.used, trace, False)


def simulated(model, seed, freedom, kind=Search):
    """Truth drawn from the priors, three figures a study, and a fit that does not see new studies.

    Returns the truth's place in each parameter's posterior, in standard deviations; the probability
    below each new figure; whether the search ended.
    """
    rng = np.random.default_rng(seed)
    rows = [
        (int(asked), study, int(rng.integers(80, 500)))
        for study in range(STUDIES + NEW)
        for asked in rng.choice(len(ASKED), size=3, replace=False)
    ]
    blank = {f"c{k}": claim_of(a, (n // 2, n), s) for k, (a, s, n) in enumerate(rows)}
    begun = search_for(model, blank)
    figures, priors = begun.figures, begun.priors
    truth = rng.multivariate_normal(priors.mean, priors.covariance(np.ones(len(priors.kinds))))
    common = rng.normal(size=(STUDIES + NEW, len(figures.groups)))[figures.study, figures.group]
    own = rng.normal(size=len(rows))
    effect = SPREAD * (math.sqrt(SHARED) * common + math.sqrt(1.0 - SHARED) * own)
    p = chance(figures.implied_by(truth) + effect)
    claims = {
        f"c{k}": claim_of(a, (int(rng.binomial(n, p[k])), n), s) for k, (a, s, n) in enumerate(rows)
    }
    new = np.array([k for k, (_, study, _) in enumerate(rows) if study >= STUDIES])
    search = search_for(
        model,
        claims,
        leave_out=[f"c{k}" for k in new],
        options=SearchOptions(freedom=freedom, limit=40),
    )
    reached = kind(search.figures, search.priors, search.options, search.used).run()
    if kind is Search:
        reached = averaged(search, reached)
    place = (truth - reached.theta) / np.sqrt(np.diag(reached.covariance))
    expected = predict(search, reached, new)
    published = search.figures.published[new]
    below = [e.below(y) for e, y in zip(expected, published, strict=True)]
    return place, below, reached.complete


def coverage(record, name, freedom, kind=Search):
    """How many 90 % intervals hold the truth, and how many 90 % predictive ones the new figure."""
    model = replace(sl.Model(small_network()), engine="numpy")
    runs = [simulated(model, seed, freedom, kind) for seed in range(REPETITIONS)]
    places, below, complete = (np.array(x) for x in zip(*runs, strict=True))
    of_parameters = float((np.abs(places) < INSIDE).mean())
    of_figures = float(((below > 0.05) & (below < 0.95)).mean())
    said = f"parameters {of_parameters:.1%}, new figures {of_figures:.1%}"
    record(f"measured coverage of 90 % intervals, {name}", said)
    assert complete.mean() > 0.98
    return of_parameters, of_figures


def test_intervals_hold_the_truth_where_the_spreads_are_known(record_property):
    """From 87 to 93 % of 90 % intervals, so that counts and the normal form do no harm.

    The Monte Carlo standard error of each is 0.7 to 0.9 %.
    """
    found = coverage(record_property, "spreads known", math.inf, KnownSpreads)
    assert 0.87 < found[0] < 0.93
    assert 0.87 < found[1] < 0.93


def test_intervals_hold_the_truth_where_the_spreads_are_estimated(record_property):
    """The same: what is not known of the spreads is carried into the intervals.

    Twelve studies leave a spread uncertain by a fifth to a third. Taken as known, it made intervals
    of parameters hold the truth in 86 % only.
    """
    found = coverage(record_property, "normal effects", math.inf)
    assert 0.87 < found[0] < 0.93
    assert 0.87 < found[1] < 0.935


def test_intervals_hold_the_truth_under_tails_that_the_studies_do_not_have(record_property):
    """The default expects studies that lie far off; here all effects are normal.

    New figures lie inside more often, as the interval allows for tails.
    """
    found = coverage(record_property, "the default", 4.0)
    assert 0.87 < found[0] < 0.93
    assert 0.90 < found[1] < 0.97
