"""The judged parameters that the answers depend on most: where a study would help most."""

from __future__ import annotations

from collections.abc import Callable

from spinelink.case import Model
from spinelink.network.network import Network
from spinelink.query.effects import effects_of_parameters

ASKED = ("symptom", "sign")


def influences(
    model: Model,
    *,
    grade: str = "judged",
    on_progress: Callable[[int], object] | None = None,
) -> tuple[tuple[str, float], ...]:
    """Parameters of a grade, and how much the causes' posteriors depend on them.

    The influence is the sum over the causes of |d P(cause | finding)| when the parameter moves by
    one standard deviation of its own uncertainty, to first order. It is averaged over cases with
    one finding: each symptom and sign in each state but its first.

    Args:
        model: the network.
        grade: of the parameters.
        on_progress: called with how many of `cases(network)` are done.

    Returns:
        Ids and influences, the largest first.
    """
    compiled, parameters = model.compiled, model.in_force
    ranked = [compiled.index[n] for n in model.network.ranked]
    targets = [(i, compiled.cards[i] - 1) for i in ranked]
    total = {name: 0.0 for name, p in parameters.items() if p.grade == grade}
    asked = cases(model.network)
    for done, (name, state) in enumerate(asked, 1):
        case = model.observe({name: model.nodes[name].states[state]})
        for key, effect in effects_of_parameters(case, targets).items():
            if key in total:
                total[key] += float(effect.sum())
        if on_progress is not None:
            on_progress(done)
    means = [(name, value / max(len(asked), 1)) for name, value in total.items()]
    return tuple(sorted(means, key=lambda pair: -pair[1]))


def cases(network: Network) -> list[tuple[str, int]]:
    """(node, index of the state) of each single finding that is asked about."""
    return [
        (n, s)
        for n, node in network.nodes.items()
        if node.role in ASKED
        for s in range(1, len(node.states))
    ]
