"""Which publications stand behind one answer, and how much the answer hangs on their parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spinelink.case import Case, Model
from spinelink.claims.file import publications_beside
from spinelink.io.bibtex import bibtex
from spinelink.network.parameter import Parameter
from spinelink.network.provenance import Source
from spinelink.query.effects import effects_of_parameters
from spinelink.query.target import hidden_target
from spinelink.result import Result

if TYPE_CHECKING:
    import pandas as pd

SHARE = (
    1e-3  # of the largest influence: parameters below it do not count as standing behind the answer
)


@dataclass(frozen=True)
class SourceOfAnswer:
    """One publication, the parameters that rest on it, and its influence.

    influence: the sum of |d posterior| when each of them moves by one standard deviation.
    """

    key: str
    source: Source
    parameters: tuple[str, ...]
    influence: float


@dataclass(frozen=True, repr=False)
class Sources(Result):
    """Publications behind an answer, the most influential first.

    judged: parameters without a publication, with their influence.
    """

    target: str
    sources: tuple[SourceOfAnswer, ...]
    judged: tuple[tuple[str, float], ...]

    def __len__(self) -> int:
        return len(self.sources)

    def to_frame(self) -> pd.DataFrame:
        """Columns: source, authors, year, title, doi, pmid, influence, parameters."""
        import pandas as pd

        rows = [
            (
                s.key,
                s.source.authors,
                s.source.year,
                s.source.title,
                s.source.doi,
                s.source.pmid,
                s.influence,
                ", ".join(s.parameters),
            )
            for s in self.sources
        ]
        return pd.DataFrame(
            rows,
            columns=[
                "source",
                "authors",
                "year",
                "title",
                "doi",
                "pmid",
                "influence",
                "parameters",
            ],
        )

    def shown(self) -> pd.DataFrame:
        """The columns that fit beside each other."""
        frame = self.to_frame()[["source", "year", "title", "influence"]]
        frame["parameters"] = [
            ", ".join(s.parameters[:2])
            + (f" and {len(s.parameters) - 2} more" if len(s.parameters) > 2 else "")
            for s in self.sources
        ]
        return frame

    def to_bibtex(self) -> str:
        """The publications as BibTeX."""
        return bibtex({s.key: s.source for s in self.sources})

    def title(self) -> str:
        """What stands above the table."""
        total = sum(s.influence for s in self.sources)
        without = sum(value for _, value in self.judged)
        share = without / (total + without) if total + without > 0.0 else 0.0
        return f"{self.question}\nSources of P({self.target}); {share:.0%} of the influence is of parameters without a publication"


def sources(case: Case, cause: str | None = None) -> Sources:
    """Which publications stand behind one answer, the most influential first.

    A parameter rests on what its file cites, and on the studies that moved it most in a fit.

    Args:
        case: the findings.
        cause: a node, of which the last state is asked; the leading cause where None.

    Returns:
        Sources, each with its influence: how far P(cause | evidence) moves when the parameters from
        it move by one standard deviation. `.to_bibtex()` gives the references.

    Raises:
        UnknownNameError: the network has no such node.
        EvidenceError: the node, or every cause, is observed.
        ImpossibleEvidenceError: the findings cannot occur together.

    Example:
        >>> import spinelink as sl
        >>> case = sl.load("minimal").observe(numbness=True)
        >>> len(case.sources("lumbar_disc_herniation")) > 0
        True
    """
    target = hidden_target(case, cause)
    model = case.model
    node = model.compiled.index[target]
    effects = effects_of_parameters(case, [(node, model.compiled.cards[node] - 1)])
    influence = {name: float(effect[0]) for name, effect in effects.items()}
    least = SHARE * max(influence.values(), default=0.0)
    behind = sorted((n for n, v in influence.items() if v > least), key=lambda n: -influence[n])
    parameters: dict[str, list[str]] = {}
    for name in behind:
        for key in _rests_on(model.in_force[name]):
            parameters.setdefault(key, []).append(name)
    records = _records(model, parameters)
    cited = [
        SourceOfAnswer(key, records[key], tuple(names), sum(influence[n] for n in names))
        for key, names in parameters.items()
    ]
    judged = tuple((n, influence[n]) for n in behind if not _rests_on(model.in_force[n]))
    ordered = tuple(sorted(cited, key=lambda s: -s.influence))
    return Sources(case.question(cause=target), target, ordered, judged)


def _rests_on(parameter: Parameter) -> tuple[str, ...]:
    """The sources that a parameter cites, and the studies that moved it most in a fit."""
    studies = () if parameter.fitted is None else parameter.fitted.studies
    return tuple(dict.fromkeys([*parameter.source, *studies]))


def _records(model: Model, keys: Iterable[str]) -> Mapping[str, Source]:
    """The publications by key: those of the network, and of the claims beside it where they are needed."""
    known = model.network.sources
    missing = [key for key in keys if key not in known]
    if not missing:
        return known
    beside = publications_beside(model)
    nothing = Source(note="no record of it in the network's files")
    return {**known, **{key: beside.get(key, nothing) for key in missing}}
