"""How probable the states of nodes are, given the findings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from spinelink.case import Case
from spinelink.errors import SpinelinkError
from spinelink.inference.answer import joint as joint_marginals
from spinelink.network.node import ROLES
from spinelink.options import one_of

if TYPE_CHECKING:
    import pandas as pd


def posterior(case: Case, node: str) -> pd.Series[float]:
    """How probable each state of one node is, given the findings.

    Args:
        case: the findings.
        node: the name of a node.

    Returns:
        P(state | evidence), indexed by state.

    Raises:
        UnknownNameError: the network has no such node.
        ImpossibleEvidenceError: the findings cannot occur together.

    Example:
        >>> import spinelink as sl
        >>> case = sl.load("minimal").observe(leg_pain="below_knee", numbness=True)
        >>> round(float(case.posterior("lumbar_disc_herniation")["present"]), 3)
        0.377
    """
    import pandas as pd

    (name,) = case.model.names([node])
    values = case.marginals([name]).posterior[case.model.compiled.index[name]][:, 0]
    states = pd.Index(case.model.nodes[name].states, name="state")
    series = pd.Series(values, index=states, name=name)
    series.attrs["question"] = case.question()
    return series


def posteriors(
    case: Case, nodes: str | Iterable[str] | None = None, *, role: str | None = None
) -> pd.DataFrame:
    """How probable the states of many nodes are, before and after the findings.

    Args:
        case: the findings.
        nodes: names; every node where None.
        role: only nodes with this role, as "cause".

    Returns:
        One row a state, indexed by (node, state); columns role, label, prior, posterior.

    Raises:
        UnknownNameError: a node or a role is not known.
        ImpossibleEvidenceError: the findings cannot occur together.

    Example:
        >>> import spinelink as sl
        >>> frame = sl.load("minimal").observe(numbness=True).posteriors(role="cause")
        >>> list(frame.columns)
        ['role', 'label', 'prior', 'posterior']
    """
    import pandas as pd

    model = case.model
    if role is not None:
        one_of(role, "role", ROLES)
    names = model.names(model.network.variables if nodes is None else nodes)
    chosen = [n for n in dict.fromkeys(names) if role in (None, model.nodes[n].role)]
    after, before = case.marginals(chosen), model.without_findings.marginals(chosen)
    rows, keys = [], []
    for name in chosen:
        i, node = model.compiled.index[name], model.nodes[name]
        for k, state in enumerate(node.states):
            keys.append((name, state))
            rows.append(
                (
                    node.role,
                    node.label,
                    float(before.posterior[i][k, 0]),
                    float(after.posterior[i][k, 0]),
                )
            )
    index = pd.MultiIndex.from_tuples(keys, names=["node", "state"])
    frame = pd.DataFrame(rows, columns=["role", "label", "prior", "posterior"], index=index)
    frame.attrs["question"] = case.question()
    return frame


def joint(case: Case, nodes: str | Iterable[str]) -> pd.Series[float]:
    """How probable the combinations of states of a few nodes are, given the findings.

    Args:
        case: the findings.
        nodes: one or more different nodes; the table has the product of their states.

    Returns:
        P(states | evidence), indexed by the states, one level a node.

    Raises:
        UnknownNameError: a node is not known.
        SpinelinkError: no node is named, or one is named twice.
        TooLargeError: the table does not fit into memory.
        ImpossibleEvidenceError: the findings cannot occur together.

    Example:
        >>> import spinelink as sl
        >>> table = sl.load("minimal").observe(numbness=True).joint(["leg_pain", "back_pain"])
        >>> table.index.names
        FrozenList(['leg_pain', 'back_pain'])
    """
    import pandas as pd

    names = case.model.names(nodes)
    if len(set(names)) != len(names) or not names:
        raise SpinelinkError("joint() takes one or more different nodes.")
    question = case.question()
    compiled = case.model.compiled
    answer = joint_marginals(compiled, case.observed, [compiled.index[n] for n in names])
    index = pd.MultiIndex.from_product([case.model.nodes[n].states for n in names], names=names)
    series = pd.Series(answer.table[..., 0].reshape(-1), index=index, name="posterior")
    series.attrs["question"] = question
    return series
