"""What can be asked or done: single nodes, and procedures that show several at once, with their costs."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from spinelink.case import Case
from spinelink.network.node import Cost

INITIALS = ("mri", "ct", "emg", "hla")
CLASSES = ("none", "low", "medium", "high")
MOST_OUTCOMES = 512
"""Outcomes of a procedure; a larger one is left out, and the answer says so."""
SHORTEST = 0.1
"""Minutes: what is at hand is not free of effort."""


def procedure_label(name: str) -> str:
    """The name of a procedure as people read it: `mri_lumbar` becomes "MRI lumbar"."""
    words = [w.upper() if w in INITIALS else w for w in name.replace("_", " ").split(" ")]
    return " ".join([words[0][:1].upper() + words[0][1:], *words[1:]])


def candidate_groups(
    case: Case, nodes: Sequence[str]
) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """Each node that may be asked, and each procedure that shows several; procedures left out."""
    known = case.model.nodes
    hidden = [n for n in nodes if not case.is_observed(n)]
    groups: dict[str, tuple[str, ...]] = {n: (n,) for n in hidden}
    procedures: dict[str, list[str]] = {}
    for n in hidden:
        if (name := known[n].procedure) is not None:
            procedures.setdefault(name, []).append(n)
    left_out = []
    for name, shown in procedures.items():
        if len(shown) < 2:
            continue
        if float(np.prod([len(known[n].states) for n in shown])) > MOST_OUTCOMES:
            left_out.append(name)
        else:
            groups[name if name not in groups else f"{name} (whole)"] = tuple(shown)
    return groups, left_out


def cost_of(case: Case, nodes: Sequence[str], *, begun: Collection[str]) -> tuple[Cost, bool]:
    """What observing these nodes costs, and whether their procedure is under way.

    A procedure costs as much as the dearest of its parts, once. Under way it costs next to nothing.
    """
    known = case.model.nodes
    parts = [known[n].cost or Cost() for n in nodes]
    procedures = {known[n].procedure for n in nodes} - {None}
    read = {known[n].procedure for n in case.findings}
    if procedures & (read | set(begun)):
        return Cost(minutes=SHORTEST), True
    dearest = Cost(
        minutes=max(p.minutes for p in parts),
        money=max((p.money for p in parts), key=CLASSES.index),
        invasiveness=max((p.invasiveness for p in parts), key=CLASSES.index),
    )
    return dearest, False
