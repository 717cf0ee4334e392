"""Parameters sampled from their own uncertainties, and one case's answers under each draw.

A probability varies as a Beta, an odds ratio as a log-normal, a distribution as a Dirichlet, all
independent; fitted ones may vary together (`joint_parameters`). Draws are the quantiles of a scrambled Sobol sequence (quasi-Monte Carlo; Owen 1998) or of
independent uniforms. Both are determined by the seed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from spinelink.inference.answers import Marginals
from spinelink.inference.arrays import CompiledNetwork, factor_arrays
from spinelink.inference.compile import compile_network, point_values
from spinelink.inference.draws import draw_marginals, draws_at_once
from spinelink.inference.findings import Observed
from spinelink.inference.joint_parameters import Together
from spinelink.inference.memory import BYTES, check_answer_fits
from spinelink.inference.threads import in_threads, thread_count
from spinelink.network.network import Network
from spinelink.network.parameter import Distribution, Parameter, Ratio
from spinelink.network.parameter_ids import owner
from spinelink.network.uncertainty import log_deviation, spread_weight

Array = NDArray[np.float64]
Sequences = Literal["sobol", "random"]


def draw_values(
    network: Network,
    parameters: Mapping[str, Parameter],
    *,
    draws: int,
    seed: int,
    sequence: Sequences = "sobol",
    only: Collection[str] | None = None,
    together: Together | None = None,
) -> dict[str, Array]:
    """Parameter id -> (draws,), or (states, draws) for a distribution.

    Parameters that cannot vary, or are not in `only`, stay at their estimate, (1,). A probability of
    0 or 1, and a state with probability 0, do not vary. together: those that are not independent.
    """
    values = point_values(network, parameters)
    varying = [n for n, p in parameters.items() if (only is None or n in only) and _can_vary(p)]
    tied = [n for n in varying if together is not None and n in together.blocks]
    free = [n for n in varying if together is None or n not in together.blocks]
    start = together.sizes(tied) if together is not None else 0
    columns = start + sum(_width(values[n]) for n in free)
    uniforms = _uniforms(columns, draws, seed=seed, sequence=sequence)
    if together is not None and tied:
        values |= together.drawn(
            {n: parameters[n] for n in tied}, values, uniforms=uniforms[:, :start]
        )
    for name in free:
        width = _width(values[name])
        values[name] = _quantiles(
            parameters[name], values[name], uniforms=uniforms[:, start : start + width]
        )
        start += width
    return values


def _can_vary(p: Parameter) -> bool:
    return (
        sum(v > 0.0 for v in p.estimate.values()) > 1
        if isinstance(p, Distribution)
        else isinstance(p, Ratio) or 0.0 < p.value < 1.0
    )


def _width(value: Array) -> int:
    return value.shape[0] if value.ndim == 2 else 1


def _uniforms(columns: int, draws: int, *, seed: int, sequence: Sequences) -> Array:
    """(draws, columns), each column uniform between 0 and 1."""
    if sequence == "random" or columns == 0:
        return np.random.default_rng(seed).random((draws, columns))
    from scipy.stats import qmc

    points: Array = qmc.Sobol(columns, scramble=True, seed=seed).random_base2(
        max(int(np.ceil(np.log2(max(draws, 2)))), 1)
    )[:draws]
    return np.clip(points, 1e-12, 1.0 - 1e-12)


def _quantiles(parameter: Parameter, value: Array, *, uniforms: Array) -> Array:
    """The parameter's values at uniform quantiles, (draws, 1) or (draws, states)."""
    from scipy.special import betaincinv, gammaincinv, ndtri

    if isinstance(parameter, Ratio):
        return np.asarray(value[0] * np.exp(log_deviation(parameter) * ndtri(uniforms[:, 0])))
    weight = spread_weight(parameter)
    if isinstance(parameter, Distribution):
        gammas = np.array(
            [
                gammaincinv(weight * p, u) if p > 0.0 else np.zeros(len(u))
                for p, u in zip(value[:, 0], uniforms.T, strict=True)
            ]
        )
        return np.asarray(gammas / gammas.sum(axis=0))
    p = float(value[0])
    return np.asarray(betaincinv(weight * p, weight * (1.0 - p), uniforms[:, 0]))


def posterior_draws(
    network: Network,
    parameters: Mapping[str, Parameter],
    *,
    compiled: CompiledNetwork,
    observed: Observed,
    nodes: Sequence[int],
    draws: int,
    seed: int = 0,
    sequence: Sequences = "sobol",
    together: Together | None = None,
    threads: int | None = None,
    on_progress: Callable[[int], object] | None = None,
) -> Marginals:
    """Posteriors of one case, each draw with parameters of its own.

    Only parameters of nodes above the findings and the nodes asked for are drawn: no other moves the
    answer.

    Args:
        network: The network.
        parameters: Its parameters in force.
        compiled: The network at its estimates.
        observed: The findings of one case.
        nodes: The nodes asked for.
        draws: How many draws.
        seed: Determines the draws.
        sequence: "sobol" or "random".
        together: Parameters that are not independent of each other.
        threads: How many work at once; as many as cores, at most 8, where None.
        on_progress: Called with how many draws are done.

    Returns:
        log P(evidence), (draws,), and posteriors, (states, draws).
    """
    values = _relevant_values(
        network,
        parameters,
        compiled=compiled,
        nodes=[*observed, *nodes],
        draws=draws,
        seed=seed,
        sequence=sequence,
        together=together,
    )
    workers = thread_count(threads)
    size = draws_at_once(compiled, compiled.limits.draws_at_once, workers=workers)
    starts = range(0, draws, size)

    def run(start: int) -> Marginals:
        piece = {
            k: v if v.shape[-1] == 1 else v[..., start : start + size] for k, v in values.items()
        }
        part = compile_network(
            network, piece, resources=compiled.resources, selected=compiled.selected_by
        )
        answer = draw_marginals(part, observed, nodes=nodes, threads=1)
        return answer.with_rows(min(size, draws - start))

    parts: list[Marginals] = []
    for start, part in zip(starts, in_threads(run, starts, threads=threads), strict=True):
        parts.append(part)
        if on_progress is not None:
            on_progress(min(start + size, draws))
    return Marginals.concatenated(parts)


def drawn_network(
    network: Network,
    parameters: Mapping[str, Parameter],
    *,
    compiled: CompiledNetwork,
    nodes: Iterable[int],
    draws: int,
    seed: int = 0,
) -> CompiledNetwork:
    """The network with a batch axis of draws of the parameters that matter to some nodes.

    nodes: those observed and those asked for.
    """
    relevant = compiled.ancestors(nodes)
    numbers = sum(a.size for i in relevant for a in factor_arrays(compiled.factors[i]))
    what = f"the network under {draws:,} draws of its parameters"
    check_answer_fits(BYTES * numbers * draws, compiled.memory_limit, what=what)
    values = _relevant_values(
        network, parameters, compiled=compiled, nodes=relevant, draws=draws, seed=seed
    )
    return compile_network(
        network, values, resources=compiled.resources, selected=compiled.selected_by
    )


def _relevant_values(
    network: Network,
    parameters: Mapping[str, Parameter],
    *,
    compiled: CompiledNetwork,
    nodes: Iterable[int],
    draws: int,
    seed: int,
    sequence: Sequences = "sobol",
    together: Together | None = None,
) -> dict[str, Array]:
    relevant = {compiled.names[i] for i in compiled.ancestors(nodes)}
    only = {name for name in parameters if owner(name) in relevant}
    return draw_values(
        network,
        parameters,
        draws=draws,
        seed=seed,
        sequence=sequence,
        only=only,
        together=together,
    )


def stated_interval(
    parameter: Parameter, state: str | None = None, *, level: float = 0.95
) -> tuple[float, float]:
    """The parameter's own interval: the one it states, else the equal-tailed one of its distribution.

    state: that of a distribution. level: its probability.
    """
    from scipy.special import betaincinv, ndtri

    tail = (1.0 - level) / 2.0
    about = parameter.fitted
    if not isinstance(parameter, Distribution) and about is not None and about.deviation:
        move = float(np.exp(about.deviation * ndtri(1.0 - tail)))
        if isinstance(parameter, Ratio):
            return parameter.value / move, parameter.value * move
        odds = parameter.value / max(1.0 - parameter.value, 1e-300)
        return odds / move / (1.0 + odds / move), odds * move / (1.0 + odds * move)
    if not isinstance(parameter, Distribution) and parameter.interval is not None:
        return parameter.interval
    if isinstance(parameter, Ratio):
        factor = float(np.exp(log_deviation(parameter) * ndtri(1.0 - tail)))
        return parameter.value / factor, parameter.value * factor
    p = (
        parameter.value
        if not isinstance(parameter, Distribution)
        else parameter.estimate[str(state)]
    )
    if not 0.0 < p < 1.0:
        return p, p
    weight = spread_weight(parameter)
    return float(betaincinv(weight * p, weight * (1.0 - p), tail)), float(
        betaincinv(weight * p, weight * (1.0 - p), 1.0 - tail)
    )
