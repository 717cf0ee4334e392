"""The hierarchical fit: against a meta-analysis, differences, a long chain, and simulated studies."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

import spinelink as sl
from spinelink.adjust.coordinates import Coordinates
from spinelink.adjust.evidence.figures import Figures
from spinelink.adjust.evidence.fit import fit_figures, search_for
from spinelink.adjust.evidence.linear import Errors, Linear, Spreads
from spinelink.adjust.evidence.parallel import shared
from spinelink.adjust.evidence.predict import Predictive
from spinelink.adjust.evidence.priors import Priors
from spinelink.adjust.evidence.search import GAIN, KEPT, LONGEST, Search, SearchOptions
from spinelink.errors import SpinelinkError, UnknownNameError
from spinelink.network.claim import Claim
from spinelink.network.parameter import Probability

NORMAL = SearchOptions(freedom=math.inf, spread_prior=None, limit=60)


@pytest.fixture(scope="module")
def model():
    return sl.load("minimal")


def prevalence(node, counts, *, source, fit="same population", **more):
    return Claim(
        kind="prevalence",
        condition={node: "present"},
        counts=counts,
        source=source,
        fit=fit,
        **more,
    )


STUDIES = {
    f"s{k}": prevalence("heavy_lifting", counts, source=f"study{k}")
    for k, counts in enumerate([(12, 60), (30, 70), (9, 80), (44, 120), (20, 41), (61, 300)])
}


def without_prior(search: Search) -> Search:
    """The same with priors so wide that they say nothing."""
    priors = search.priors
    flat = Priors(
        priors.mean,
        np.eye(priors.size) * 1e6,
        np.zeros((priors.size, 0)),
        np.full(priors.size, -1),
        (),
        (),
    )
    return Search(search.figures, flat, search.options, search.used)


def test_one_parameter_and_some_studies_are_a_random_effects_meta_analysis(model):
    """Estimate, spread and interval of restricted maximum likelihood, as PyMARE finds them."""
    pymare = pytest.importorskip("pymare")
    search = without_prior(search_for(model, STUDIES, vary=["heavy_lifting.prior"], options=NORMAL))
    reached = search.run()
    assert reached.complete
    claims = list(STUDIES.values())
    y, v = (np.array([c.centre_and_error[k] for c in claims]) for k in (0, 1))
    found = pymare.estimators.VarianceBasedLikelihoodEstimator(method="REML").fit(
        y=y[:, None], v=(v**2)[:, None], X=np.ones((len(y), 1))
    )
    params = found.summary().get_fe_stats()
    assert reached.theta[0] == pytest.approx(float(np.ravel(params["est"])[0]), abs=2e-4)
    tau2 = _reml(y, v**2)
    weights = 1.0 / (v**2 + tau2)
    assert float(reached.spreads.studies[0] ** 2) == pytest.approx(tau2, rel=1e-6)
    assert reached.theta[0] == pytest.approx(float(weights @ y / weights.sum()), abs=1e-6)
    assert float(reached.covariance[0, 0]) == pytest.approx(1.0 / weights.sum(), rel=1e-6)


def _reml(y, v):
    """The variance between studies of restricted maximum likelihood, by bisection of its equation."""

    def equation(tau2):
        w = 1.0 / (v + tau2)
        mean = w @ y / w.sum()
        return (w**2 @ ((y - mean) ** 2)) - w.sum() + (w**2).sum() / w.sum()

    low, high = 0.0, 10.0
    for _ in range(200):
        middle = (low + high) / 2.0
        low, high = (middle, high) if equation(middle) > 0.0 else (low, middle)
    return (low + high) / 2.0


def random_linear(seed):
    rng = np.random.default_rng(seed)
    n, p = 12, 5
    shared = np.zeros((p, 1))
    shared[:2] = 0.5
    priors = Priors(
        np.zeros(p),
        np.diag(rng.uniform(0.2, 1.0, p)),
        shared,
        np.array([0, 0, 1, 1, -1]),
        ("a", "b"),
        ("word",),
    )
    study = np.array([0, 0, 0, 1, 1, 2, 3, 4, 4, 5, 5, 5])
    group = np.array([0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 1, 1])
    errors = Errors(rng.uniform(0.01, 0.1, n), study, group, 6, 2)
    linear = Linear(rng.normal(size=n), rng.normal(size=(n, p)), priors, errors)
    return linear, Spreads(np.array([0.3, 0.6]), 0.4, np.array([1.2, 0.8])), rng


@pytest.mark.parametrize("seed", range(5))
def test_the_likelihood_of_spreads_and_its_derivatives(seed):
    linear, spreads, rng = random_linear(seed)
    weights = rng.uniform(0.5, 1.5, 6)
    vector = spreads.vector()
    value, slopes = linear.evidence(spreads, weights, spread_prior=None)

    def at(x):
        return linear.evidence(Spreads.from_vector(x, 2), weights, spread_prior=0.4)[0]

    # The density itself, written out.
    prior = linear.priors.covariance(spreads.factors)
    errors = np.diag(linear.errors.variance / weights[linear.errors.study])
    for i in range(12):
        for j in range(12):
            if (linear.errors.study[i], linear.errors.group[i]) == (
                linear.errors.study[j],
                linear.errors.group[j],
            ):
                tau2 = spreads.studies[linear.errors.group[i]] ** 2
                share = 1.0 if i == j else spreads.shared
                errors[i, j] += tau2 * share / weights[linear.errors.study[i]]
    whole = linear.slopes @ prior @ linear.slopes.T + errors
    r = linear.residual
    expected = -0.5 * (np.linalg.slogdet(whole)[1] + r @ np.linalg.solve(whole, r))
    assert value == pytest.approx(expected, abs=1e-10)
    by_difference = [(at(vector + 1e-5 * e) - at(vector - 1e-5 * e)) / 2e-5 for e in np.eye(5)]
    assert linear.evidence(spreads, weights)[1] == pytest.approx(by_difference, abs=1e-6)
    assert len(slopes) == 5


def test_what_no_figure_speaks_of_stays_as_it_was(model):
    fit = fit_figures(model, STUDIES)
    rows = fit.to_frame().set_index("parameter")
    untouched = rows.loc["foot_deformity.prior"]
    assert untouched["before"] == untouched["after"]
    assert untouched["informed"] == pytest.approx(0.0, abs=1e-12)
    assert untouched["standing"] == "judged"
    assert untouched["studies"] == ""
    lifting = rows.loc["heavy_lifting.prior"]
    assert lifting["standing"] == "informed"
    assert 0.15 < lifting["low"] < lifting["after"] < lifting["high"] < 0.5
    assert len(lifting["studies"].split("; ")) >= 2
    fitted = model.fitted(fit)
    assert fitted.stated == model.network
    assert fitted.in_force["heavy_lifting.prior"].value == pytest.approx(lifting["after"])


@pytest.mark.parametrize(("people", "moves"), [(900.0, True), (20_000.0, False)])
def test_a_census_is_no_slack_for_figures(model, people, moves):
    """The same prior of a context: elicited it follows the figures, as a census it stays."""
    prior = Probability(
        estimate=0.2, equivalent_sample_size=people, grade="judged", note="as a census says"
    )
    given = model.with_parameters({"heavy_lifting.prior": prior})
    fit = fit_figures(given, STUDIES).to_frame().set_index("parameter")
    moved = abs(fit.loc["heavy_lifting.prior", "after"] - 0.2)
    assert (moved > 0.02) == moves and (moved < 0.002) == (not moves)


def test_about_its_own_optimum_a_linear_fit_stays_there(model):
    """And without some figures it is near the fit without them, which is what a fold asks."""
    whole = search_for(model, STUDIES)
    reached = whole.run()
    assert whole.settled(reached).theta == pytest.approx(reached.theta, abs=0.02)
    fewer = replace(whole, used=np.arange(4))
    assert fewer.settled(reached).theta == pytest.approx(fewer.run().theta, abs=0.1)
    assert np.abs(fewer.run().theta - reached.theta).max() > 0.05


def test_a_study_that_contradicts_the_others_counts_less(model):
    odd = {**STUDIES, "odd": prevalence("heavy_lifting", (4950, 5000), source="odd")}
    plain, with_odd = (fit_figures(model, c) for c in (STUDIES, odd))
    weights = {c.name: c.weight for c in with_odd.claims}
    assert weights["odd"] < 0.5 < min(w for n, w in weights.items() if n != "odd")
    after = [
        f.to_frame().set_index("parameter").loc["heavy_lifting.prior", "after"]
        for f in (plain, with_odd)
    ]
    assert after[1] - after[0] < 0.12


def test_words_share_what_figures_say_of_their_place(model):
    """A figure about one `rarely` moves the other `rarely`, and not `often`."""
    nodes = dict(model.network.nodes)
    for name, word in (
        ("scoliosis", "rare"),
        ("foot_deformity", "rare"),
        ("heavy_lifting", "common"),
    ):
        prior = Probability.model_validate(word)
        cpd = nodes[name].cpd.model_copy(update={"prior": prior})
        nodes[name] = nodes[name].model_copy(update={"cpd": cpd})
    worded = sl.Model(model.network.model_copy(update={"nodes": nodes}))
    figures = {
        f"s{k}": prevalence("scoliosis", (n, 400), source=f"study{k}")
        for k, n in enumerate((20, 24, 30))
    }
    fit = fit_figures(worded, figures)
    after = fit.to_frame().set_index("parameter")["after"]
    assert after["scoliosis.prior"] > 0.03
    assert 0.001 < after["foot_deformity.prior"] < after["scoliosis.prior"]
    assert after["heavy_lifting.prior"] == pytest.approx(0.08)
    assert fit.words["rare"] > 0.0 == fit.words["common"]


def test_it_gives_the_same_each_time_and_what_was_reached_when_interrupted(model):
    one, two = (fit_figures(model, STUDIES) for _ in range(2))
    assert one.objective == two.objective

    def stop(step):
        raise KeyboardInterrupt

    stopped = fit_figures(model, STUDIES, on_step=stop)
    assert not stopped.complete
    assert len(stopped.objective) == 2 and stopped.objective[1] < stopped.objective[0]


def test_errors_say_what_is_wrong(model):
    with pytest.raises(SpinelinkError, match="no claim"):
        fit_figures(model, {})
    with pytest.raises(UnknownNameError):
        fit_figures(model, STUDIES, vary=["heavy_liftin"])
    impossible = prevalence(
        "scoliosis", (3, 40), source="s", population={"heavy_lifting": "absent"}
    )
    certain = model.with_parameters({"heavy_lifting.prior": 1.0})
    with pytest.raises(SpinelinkError, match="cannot occur"):
        fit_figures(certain, {"nobody": impossible})


@pytest.mark.parametrize(("freedom", "parameters"), [(4.0, 0.3), (math.inf, 0.7), (4.0, 1e-6)])
def test_a_predictive_distribution_is_the_sum_of_both(freedom, parameters):
    expected = Predictive(0.4, parameters, 0.5, freedom)
    rng = np.random.default_rng(1)
    noise = rng.standard_t(freedom, 400_000) if math.isfinite(freedom) else rng.normal(size=400_000)
    drawn = 0.4 + parameters * rng.normal(size=400_000) + 0.5 * noise
    for p in (0.05, 0.5, 0.9):
        assert expected.quantile(p) == pytest.approx(float(np.quantile(drawn, p)), abs=0.02)
        assert expected.below(expected.quantile(p)) == pytest.approx(p, abs=1e-9)
    width = 0.2
    inside = float(((drawn > 0.6 - width / 2) & (drawn < 0.6 + width / 2)).mean()) / width
    assert math.exp(expected.log_density(0.6)) == pytest.approx(inside, rel=0.02)
    pairs = np.abs(drawn[:200_000] - drawn[200_000:]).mean()
    crps = np.abs(drawn - 0.6).mean() - 0.5 * pairs
    assert expected.ranked_probability_score(0.6) == pytest.approx(float(crps), abs=0.01)


def figures_of(model, claims):
    search = search_for(model, claims)
    return search.figures, search.priors


def test_derivatives_of_figures_equal_differences(model):
    claims = {
        **STUDIES,
        "numb": Claim(
            kind="lr_positive",
            condition={"lumbar_disc_herniation": "present"},
            finding={"numbness": "present"},
            table=(40, 30, 20, 90),
            source="numb",
            fit="near",
        ),
    }
    figures, priors = figures_of(model, claims)
    assert isinstance(figures, Figures) and isinstance(figures.coordinates, Coordinates)
    slopes = figures.slopes_at(priors.mean)
    for k in range(0, priors.size, 5):
        step = np.zeros(priors.size)
        step[k] = 1e-5
        high, low = figures.implied_by(priors.mean + step), figures.implied_by(priors.mean - step)
        assert slopes[:, k] == pytest.approx((high - low) / 2e-5, abs=1e-5)


@pytest.mark.parametrize("figures", [1, 3])
def test_a_study_of_students_t_is_as_informative_as_fisher_says(figures):
    """The variance of the score of the place, from draws."""
    freedom, rng = 4.0, np.random.default_rng(4)
    normal = rng.normal(size=(400_000, figures))
    drawn = normal / np.sqrt(rng.gamma(freedom / 2.0, 2.0 / freedom, size=(400_000, 1)))
    score = (freedom + figures) / (freedom + (drawn**2).sum(axis=1, keepdims=True)) * drawn
    one = np.zeros(figures, dtype=np.intp)
    errors = Errors(np.ones(figures), one, one, 1, 1)
    assert errors.informative(freedom) == pytest.approx((score**2).mean(axis=0), rel=0.02)
    assert (errors.informative(math.inf) == 1.0).all()


def test_the_covariance_allows_for_the_tails():
    """With one coordinate and studies of one figure, all of them like any other."""
    priors = Priors(np.zeros(1), np.eye(1) * 1e6, np.zeros((1, 0)), np.full(1, -1), (), ())
    each = np.arange(20)
    errors = Errors(np.full(20, 0.1), each, np.zeros(20, dtype=np.intp), 20, 1)
    linear = Linear(np.zeros(20), np.ones((20, 1)), priors, errors)
    spreads = Spreads(np.array([0.3]), 0.5, np.zeros(0))
    normal, tails = (
        float(linear.solved(spreads, np.ones(20), freedom=f).covariance[0, 0])
        for f in (math.inf, 4.0)
    )
    assert normal == pytest.approx(0.19 / 20, rel=1e-5)
    assert tails == pytest.approx(0.19 / 20 * 7.0 / 5.0, rel=1e-5)


class Bent:
    """Two figures of which a network would imply x and x² / 2."""

    published = np.array([0.0, -1.5])
    variance = np.array([0.04, 0.04])
    study, group = np.array([0, 1]), np.array([0, 0])
    studies, groups = ("a", "b"), (("prevalence", "near"),)

    def implied_by(self, theta):
        return np.array([theta[0], theta[0] ** 2 / 2.0])

    def slopes_at(self, theta):
        return np.array([[1.0], [theta[0]]])


def test_a_search_does_not_go_to_and_fro_across_the_optimum():
    priors = Priors(np.array([0.8]), np.eye(1), np.zeros((1, 0)), np.array([-1]), (), ())
    options = SearchOptions(freedom=math.inf)
    search = Search(Bent(), priors, options, np.array([0, 1]))
    reached = search.run()
    assert reached.complete
    grid = np.linspace(-1.0, 1.0, 20_001)
    values = [
        search.minimised(np.array([x]), Bent().implied_by(np.array([x])), reached.spreads)
        for x in grid
    ]
    least = grid[int(np.argmin(values))]
    assert abs(reached.theta[0] - least) < 0.05 * math.sqrt(reached.covariance[0, 0])


class Curved(Bent):
    """Two figures of which a network would imply x and sin(c x)."""

    def __init__(self, c, published):
        self.c, self.published = c, np.array(published)

    def implied_by(self, theta):
        return np.array([theta[0], math.sin(self.c * theta[0])])

    def slopes_at(self, theta):
        return np.array([[1.0], [self.c * math.cos(self.c * theta[0])]])


def test_a_step_that_keeps_little_of_its_promise_gains_more_than_its_half():
    """Whole steps of back-leg-pain 1.0 went to and fro with no gain, where half of one gained 9."""
    rng, halved = np.random.default_rng(0), 0
    for _ in range(150):
        figures = Curved(rng.uniform(0.5, 2.5), rng.normal(size=2) * 1.5)
        mean = rng.normal(size=1)
        priors = Priors(mean, np.eye(1), np.zeros((1, 0)), np.array([-1]), (), ())
        search = Search(figures, priors, SearchOptions(freedom=math.inf), np.array([0, 1]))
        theta = mean + rng.normal(size=1)
        scaled, slopes = figures.implied_by(theta), figures.slopes_at(theta)
        now = search._estimated(theta, scaled, slopes, Spreads.start(1, 0), trace=())
        moved, squares = search._moved(now), search._squares(now)
        if moved is None:
            continue
        whole, step = mean + now.solved.move - theta, moved.theta - theta
        gained, at_half, at_whole = (
            squares.at(now.theta, now.scaled)
            - squares.at(now.theta + s, figures.implied_by(now.theta + s))
            for s in (step, step / 2.0, whole)
        )
        if moved.kept_promise < KEPT:
            assert gained >= at_half
        passes = at_whole >= GAIN * squares.promised(now, whole)
        if passes and abs(whole[0]) < LONGEST and not np.allclose(step, whole):
            halved += 1
            assert gained > at_whole
    assert halved > 0


MANY = {
    f"{node}{k}": prevalence(node, (k + 4, 40), source=f"study{k}")
    for node in ("heavy_lifting", "numbness", "scoliosis", "back_pain")
    for k in range(5)
}


def test_processes_share_the_figures_and_change_none(model):
    """Each process answers its own figures: what is implied and its derivatives are the same."""
    alone = search_for(model, MANY).figures
    theta = alone.coordinates.start
    with shared(alone, 2) as both:
        assert sorted(np.concatenate(both.rows).tolist()) == list(range(len(MANY)))
        np.testing.assert_array_equal(both.implied_by(theta), alone.implied_by(theta))
        np.testing.assert_array_equal(both.slopes_at(theta), alone.slopes_at(theta))


def test_derivatives_that_serve_again_end_at_the_same_place(model):
    """Reusing derivatives saves runs, and the last step is checked with new ones."""
    runs = []

    class Counted(Figures):
        def slopes_at(self, theta):
            runs.append(theta)
            return super().slopes_at(theta)

    found = []
    for kept in (math.inf, 0.3):
        runs.clear()
        search = search_for(model, MANY, options=SearchOptions(limit=60, kept=kept))
        figures = search.figures
        counted = Counted(figures.model, figures.claims, figures.coordinates)
        reached = Search(counted, search.priors, search.options, search.used).run()
        assert reached.complete
        found.append((reached.theta, len(runs)))
    np.testing.assert_allclose(found[0][0], found[1][0], atol=0.01)
    assert found[1][1] < found[0][1]
