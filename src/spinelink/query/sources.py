"""Which publications stand behind one answer, and how much the answer hangs on their numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spinelink.network.network import Network
from spinelink.network.parameter import Parameter
from spinelink.network.provenance import Source
from spinelink.network.question import Question
from spinelink.result import Result

if TYPE_CHECKING:
    import pandas as pd

SHARE = (
    1e-3  # of the largest influence: numbers below it do not count as standing behind the answer
)


@dataclass(frozen=True)
class SourceOfAnswer:
    """One publication, the numbers that rest on it, and their influence: the sum of |d posterior| for one standard deviation of each."""

    key: str
    source: Source
    numbers: tuple[str, ...]
    influence: float


@dataclass(frozen=True, repr=False)
class Sources(Result):
    """Publications behind an answer, the most influential first, and the share of the influence that no publication supports."""

    target: str
    sources: tuple[SourceOfAnswer, ...]
    judged: tuple[tuple[str, float], ...]

    def __len__(self) -> int:
        return len(self.sources)

    def to_frame(self) -> pd.DataFrame:
        """Columns: source, authors, year, title, doi, pmid, influence, numbers."""
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
                ", ".join(s.numbers),
            )
            for s in self.sources
        ]
        return pd.DataFrame(
            rows,
            columns=["source", "authors", "year", "title", "doi", "pmid", "influence", "numbers"],
        )

    def shown(self) -> pd.DataFrame:
        frame = self.to_frame()[["source", "year", "title", "influence"]]
        frame["numbers"] = [
            ", ".join(s.numbers[:2])
            + (f" and {len(s.numbers) - 2} more" if len(s.numbers) > 2 else "")
            for s in self.sources
        ]
        return frame

    def to_bibtex(self) -> str:
        """The publications as BibTeX."""
        from spinelink.io.bibtex import bibtex

        return bibtex({s.key: s.source for s in self.sources})

    def title(self) -> str:
        total = sum(s.influence for s in self.sources)
        without = sum(value for _, value in self.judged)
        share = without / (total + without) if total + without > 0.0 else 0.0
        return f"{self.question}\nSources of P({self.target}); {share:.0%} of the influence is of numbers without a publication"


def sources_of(
    network: Network,
    question: Question,
    target: str,
    parameters: Mapping[str, Parameter],
    influence: Mapping[str, float],
) -> Sources:
    """influence: number -> how much the answer moves for one standard deviation of it. A number with several sources counts for each of them."""
    largest = max(influence.values(), default=0.0)
    behind = {name: value for name, value in influence.items() if value > SHARE * largest}
    numbers: dict[str, list[str]] = {}
    for name in sorted(behind, key=behind.__getitem__, reverse=True):
        for key in parameters[name].source:
            numbers.setdefault(key, []).append(name)
    found = [
        SourceOfAnswer(key, network.sources[key], tuple(names), sum(behind[n] for n in names))
        for key, names in numbers.items()
    ]
    judged = tuple(
        (n, v)
        for n, v in sorted(behind.items(), key=lambda each: -each[1])
        if not parameters[n].source
    )
    return Sources(question, target, tuple(sorted(found, key=lambda s: -s.influence)), judged)
