"""Which nodes a word may mean: the list of what can be found in a patient, and its search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from spinelink.case import Model
from spinelink.errors import SpinelinkError
from spinelink.network.node import OBSERVABLE, ROLES
from spinelink.network.search import search_nodes
from spinelink.options import one_of, whole_or_none
from spinelink.result import Result

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("name", "label", "question", "states", "role", "region", "synonyms")


@dataclass(frozen=True)
class FoundNode:
    """One node with what it is called; synonyms holds its everyday names too."""

    name: str
    label: str
    question: str
    states: tuple[str, ...]
    role: str
    region: str
    synonyms: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class FindingList(Result):
    """Nodes by name, the best match first; in file order where nothing was searched.

    words: what was searched for; empty where all were listed. total: how many match in all.
    """

    words: str
    total: int
    rows: tuple[FoundNode, ...]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def names(self) -> tuple[str, ...]:
        """The names alone, best match first."""
        return tuple(row.name for row in self.rows)

    def to_frame(self) -> pd.DataFrame:
        """Columns: name, label, question, states, role, region, synonyms."""
        import pandas as pd

        cells = [
            (
                row.name,
                row.label,
                row.question,
                ", ".join(row.states),
                row.role,
                row.region,
                ", ".join(row.synonyms),
            )
            for row in self.rows
        ]
        return pd.DataFrame(cells, columns=list(COLUMNS))

    def shown(self) -> pd.DataFrame:
        """The columns that fit beside each other."""
        return self.to_frame()[["name", "label", "role", "states"]]

    def title(self) -> str:
        """What stands above the table."""
        network = f"{self.question.network} {self.question.version}"
        if not self.words:
            return f"{self.total} findings of {network}"
        if not self.rows:
            return (
                f"Nothing in {network} is called {self.words!r}. "
                "Try another word; without a word all findings are listed."
            )
        shown = f", the best {len(self)} of them" if self.total > len(self) else ""
        return f"{self.words!r} in {network}: {self.total} matches{shown}"

    def __str__(self) -> str:
        """The columns that fit on a screen; `to_frame` has all."""
        if not self.rows:
            return self.title()
        return f"{self.title()}\n{self.shown().to_string(index=False, max_colwidth=40)}"


def findings(
    model: Model, words: str | None = None, *, limit: int | None = None, role: str | None = None
) -> FindingList:
    """The names of findings: all of them, or those that some words may mean.

    The search reads names, labels, synonyms, everyday names, questions, states and public codes. It
    forgives typos. With words it finds causes and mechanisms too; the column role tells them apart.

    Args:
        model: a network in one of its settings.
        words: what it may be called, as "drop foot"; None for all that can be observed.
        limit: how many; None for ten where words are given, for all where not.
        role: only nodes with this role, as "symptom" or "cause".

    Returns:
        One row a node, the best match first.

    Raises:
        UnknownNameError: there is no such role.
        SpinelinkError: words is no text, or limit is no whole number of 1 or more.

    Example:
        >>> import spinelink as sl
        >>> sl.load("back-leg-pain").findings("drop foot").names[0]
        'foot_drop'
    """
    if words is not None and not isinstance(words, str):
        raise SpinelinkError(f"words are a text, as 'drop foot', not a {type(words).__name__}.")
    most = whole_or_none(limit, "limit")
    wanted = None if role is None else {one_of(role, "role", ROLES)}
    text = (words or "").strip()
    nodes = {name: model.network.nodes[name] for name in model.network.variables}
    if text:
        found = [name for name, _ in search_nodes(nodes, text)]
        most = most or 10
    else:
        found = list(nodes)
        wanted = wanted or set(OBSERVABLE)
    chosen = [name for name in found if wanted is None or nodes[name].role in wanted]
    rows = tuple(_row(model, name) for name in chosen[:most])
    return FindingList(model.question(), text, len(chosen), rows)


def _row(model: Model, name: str) -> FoundNode:
    node = model.network.nodes[name]
    return FoundNode(
        name,
        node.label,
        node.question,
        node.states,
        node.role,
        node.region,
        (*node.synonyms, *node.lay),
    )
