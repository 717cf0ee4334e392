"""Cases to compare rankings on: findings that a caller gives, or a file of published cases."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from spinelink.adjust.rankings import NamedCase
from spinelink.case import Case, Model
from spinelink.errors import SpinelinkError, shown
from spinelink.evaluate.cases import read_case, read_cases, read_vocabulary
from spinelink.io.companion_file import companion_file
from spinelink.options import path_of
from spinelink.typing import Findings, PathLike


def named_cases(
    model: Model, cases: PathLike | Mapping[str, Findings] | Iterable[Findings] | None
) -> list[NamedCase]:
    """Cases to compare rankings on.

    Args:
        model: the network.
        cases: findings of one case, of several (by name, or in a row), or a file of cases; the one
            beside the model's network file where None.

    Returns:
        The cases; none where there is no file.

    Raises:
        NetworkFileError: the file is bad.
        EvidenceError: a finding does not fit its node.
        SpinelinkError: it is nothing of this.
    """
    if cases is None or isinstance(cases, str | os.PathLike):
        path = companion_file(model.origin, "cases") if cases is None else path_of(cases, "cases")
        return [] if path is None else _cases_of_file(model, path)
    if isinstance(cases, Mapping):
        if not all(isinstance(findings, Mapping) for findings in cases.values()):
            return [NamedCase("case 1", None, model.observe(cases).evidence)]
        return [NamedCase(str(n), None, model.observe(f).evidence) for n, f in cases.items()]
    try:
        listed = list(cases)
    except (TypeError, ValueError):
        raise SpinelinkError(
            f"cases are findings, several of them, or a file of cases; not {shown(cases)}."
        ) from None
    evidence = [c.evidence if isinstance(c, Case) else model.observe(c).evidence for c in listed]
    return [NamedCase(f"case {k}", None, e) for k, e in enumerate(evidence, 1)]


def _cases_of_file(model: Model, path: Path) -> list[NamedCase]:
    words = companion_file(model.origin, "vocabulary")
    vocabulary = read_vocabulary(words, model.network) if words else None
    readings = [read_case(case, model.network, vocabulary=vocabulary) for case in read_cases(path)]
    return [NamedCase(r.case.id, r.setting, r.as_given) for r in readings]
