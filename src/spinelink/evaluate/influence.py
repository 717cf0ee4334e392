"""Which judged numbers the answers hang on most: where a real study would help most."""

from __future__ import annotations

from collections.abc import Callable

from spinelink.inference.arrays import CompiledNetwork
from spinelink.inference.compile import point_values
from spinelink.inference.gradient.by_entry import derivatives
from spinelink.inference.gradient.by_parameter import moved_by_deviation, parameter_slopes
from spinelink.network.network import Network
from spinelink.network.setting import parameters_in

ASKED = ("symptom", "sign")


def influences(
    network: Network,
    setting: str | None,
    compiled: CompiledNetwork,
    *,
    grade: str = "judged",
    on_progress: Callable[[int], object] | None = None,
) -> tuple[tuple[str, float], ...]:
    """Numbers of a grade and how much the causes' posteriors move when the number moves by one standard deviation of its own uncertainty.

    The sum over the causes of |d P(cause | finding)|, to first order, averaged over cases with one finding, each symptom and sign in each state
    but its first. Largest first. report: called with how many cases are done of `cases(network)`.
    """
    numbers = parameters_in(network, setting)
    values = point_values(network, numbers)
    targets = [(compiled.index[n], compiled.cards[compiled.index[n]] - 1) for n in network.ranked]
    total = {name: 0.0 for name, p in numbers.items() if p.grade == grade}
    asked = cases(network)
    for done, (name, state) in enumerate(asked, 1):
        found = derivatives(compiled, {compiled.index[name]: state}, targets=targets)
        slopes = parameter_slopes(network, compiled, values=values, entries=found.factors)
        for key, slope in slopes.items():
            if key in total:  # column 0 is d log P(finding)
                total[key] += moved_by_deviation(
                    numbers[key], value=values[key], slope=slope[..., 1:]
                ).sum()
        if on_progress is not None:
            on_progress(done)
    return tuple(
        sorted(((n, t / max(len(asked), 1)) for n, t in total.items()), key=lambda each: -each[1])
    )


def cases(network: Network) -> list[tuple[str, int]]:
    """(node, state) of each single finding that is looked at."""
    return [
        (n, s)
        for n, node in network.nodes.items()
        if node.role in ASKED
        for s in range(1, len(node.states))
    ]
