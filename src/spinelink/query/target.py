"""Which node a question is about: the one that is named, or the leading cause."""

from __future__ import annotations

from spinelink.case import Case
from spinelink.errors import EvidenceError
from spinelink.options import one_of


def leading_cause(case: Case) -> str:
    """The most probable cause that is not observed for certain.

    Raises EvidenceError where every cause is, ImpossibleEvidenceError.
    """
    present = case.present(case.model.network.ranked)
    hidden = [n for n in present if not case.is_observed(n)]
    if not hidden:
        raise EvidenceError(
            "every cause is observed; name the node that is asked about, or retract one of them."
        )
    return min(hidden, key=lambda n: (-present[n], n))


def hidden_target(case: Case, target: str | None = None, *, state: str | None = None) -> str:
    """The node asked about: hidden, and with that state; the leading cause where None.

    Raises UnknownNameError, EvidenceError where the node is observed, ImpossibleEvidenceError.
    """
    if target is None:
        name = leading_cause(case)
    else:
        (name,) = case.model.names([target])
    if case.is_observed(name):
        raise EvidenceError(f"{name} is observed: no parameter changes its probability.")
    if state is not None:
        one_of(state, f"state of {name}", case.model.nodes[name].states)
    _ = case.log_evidence  # raises where the findings cannot occur
    return name
