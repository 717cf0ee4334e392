"""The network as a picture: which nodes are shown, what is known of them, and how strong arrows are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spinelink.case import Case, Model
from spinelink.files import require_ending, write_text
from spinelink.inference.arc_strength import edge_strengths
from spinelink.network.network import Network
from spinelink.options import flag_or_none, whole
from spinelink.query.boxes import Boxes, folded, neighbourhood, relevant
from spinelink.query.ranking import differential
from spinelink.result import Result
from spinelink.typing import PathLike
from spinelink.view.html import Html, notebook_frame, small_print
from spinelink.view.layout import Arrow, Drawn, Picture
from spinelink.view.svg import ALONE, draw, shown
from spinelink.view.text import NOTICE

if TYPE_CHECKING:
    import pandas as pd

LARGEST = 60
"""Nodes that are shown one by one unless told; a larger network is folded."""
LEADING = 8
"""Leading causes in the picture of a case."""


@dataclass(frozen=True, repr=False)
class Graph(Result):
    """A picture of the network, or of the part that matters: `.svg`, `.save(path)`.

    A notebook shows it. left_out: how many nodes are not in it.
    """

    name: str
    nodes: tuple[Drawn, ...]
    arrows: tuple[Arrow, ...]
    left_out: int

    def __len__(self) -> int:
        return len(self.nodes)

    def to_frame(self) -> pd.DataFrame:
        """Columns: node, label, role, column, members, probability, before, finding."""
        import pandas as pd

        rows = [
            (n.name, n.label, n.role, n.column, len(n.members), n.probability, n.before, n.finding)
            for n in self.nodes
        ]
        return pd.DataFrame(
            rows,
            columns=[
                "node",
                "label",
                "role",
                "column",
                "members",
                "probability",
                "before",
                "finding",
            ],
        )

    def title(self) -> str:
        """What stands above the table."""
        left = f"; {self.left_out} further nodes are not shown" if self.left_out else ""
        return f"{self.question}\n{len(self.nodes)} boxes, {len(self.arrows)} arrows{left}"

    @property
    def _picture(self) -> Picture:
        return Picture(self.name, self.nodes, self.arrows)

    @property
    def svg(self) -> str:
        """The picture, as one SVG element, in the colours of the page that it is put into."""
        return draw(self._picture)

    def save(self, path: PathLike) -> Path:
        """Writes the SVG to a file, dark on white, which appears whole or not at all. Returns its path."""
        require_ending(Path(path), ".svg")
        write_text(Path(path), draw(self._picture, page=ALONE))
        return Path(path)

    def picture(self) -> Html:
        """The SVG as HTML for a notebook, where it shows whether or not the notebook is trusted."""
        return shown(self._picture)

    def _repr_html_(self) -> str:
        left = f"{self.left_out} further nodes are not shown. " if self.left_out else ""
        return notebook_frame(self.picture(), small_print(left, NOTICE))


def graph(
    case: Case,
    *,
    around: str | Iterable[str] | None = None,
    distance: int = 1,
    relevant: bool | None = None,
    fold: bool | None = None,
    probabilities: bool | None = None,
) -> Graph:
    """A picture of the network, with probabilities and findings in the boxes.

    Args:
        case: the findings.
        around: only nodes at most `distance` arrows from these. Else selections of large networks are
            not drawn.
        distance: how many arrows.
        relevant: only the findings, the leading causes, and what lies on strong ways between them;
            where None, of networks with more than 60 nodes.
        fold: groups in place of nodes; where None, when more than 60 would be drawn.
        probabilities: whether they are computed; where None, unless nodes are folded.

    Returns:
        Contexts, causes, mechanisms and findings in columns. `.svg` and `.save(path)` give the
        picture.

    Raises:
        UnknownNameError: a node is not known.
        SpinelinkError: the distance is out of range.
        ImpossibleEvidenceError: the findings cannot occur together.

    Source:
        Koiter 2006 (strength of arrows); Sugiyama, Tagawa and Toda 1981 (layout).

    Example:
        >>> import spinelink as sl
        >>> picture = sl.load("minimal").observe(numbness=True).graph()
        >>> len(picture)
        12
    """
    distance = whole(distance, "distance", meaning="a number of arrows")
    relevant, fold = flag_or_none(relevant, "relevant"), flag_or_none(fold, "fold")
    probabilities = flag_or_none(probabilities, "probabilities")
    model, network = case.model, case.model.network
    names = model.compiled.names
    strengths = {(names[p], names[c]): s for (p, c), s in edge_strengths(model.compiled).items()}
    chosen = _chosen(case, around, distance=distance, limited=relevant, strengths=strengths)
    folds = len(chosen) > LARGEST if fold is None else fold
    groups: dict[str, tuple[str, tuple[str, ...]]] = {
        n: (network.nodes[n].label, (n,)) for n in chosen
    }
    if folds:
        inside = set(chosen)
        parts = {
            name: (label, tuple(m for m in members if m in inside))
            for name, (label, members) in folded(network).items()
        }
        groups = {name: part for name, part in parts.items() if part[1]}
    single = [members[0] for _, members in groups.values() if len(members) == 1]
    drawn = [n for n in single if n in network.variables]
    hidden = [n for n in drawn if not case.is_observed(n)]
    wanted = not folds if probabilities is None else probabilities
    posterior: dict[str, float] = {}
    prior: dict[str, float] = {}
    if hidden and wanted:
        posterior = case.present(hidden)
        prior = case.prior_present(hidden) if len(case.findings) else {}
    nan = float("nan")
    question = case.question() if posterior else model.question(case.findings, log_evidence=nan)
    nodes, arrows = Boxes(network, groups, case.findings, posterior, prior).drawn(strengths)
    shown_nodes = sum(len(members) for _, members in groups.values())
    return Graph(question, network.name, nodes, arrows, len(network.nodes) - shown_nodes)


def _chosen(
    case: Case,
    around: str | Iterable[str] | None,
    *,
    distance: int,
    limited: bool | None,
    strengths: dict[tuple[str, str], float],
) -> list[str]:
    """The nodes that are drawn, in the order of the network."""
    network = case.model.network
    every = list(network.nodes)
    if around is not None:
        near = neighbourhood(network, case.model.names(around), distance=distance)
        return [n for n in every if n in near]
    if len(every) > LARGEST:  # a selection is nothing that a patient has
        every = [n for n in every if n in network.variables]
    if limited is None:
        limited = len(every) > LARGEST and len(case.findings) > 0
    if not limited:
        return every
    leading = _leading(case, network)
    inside = relevant(network, case.findings, leading, strengths=strengths)
    return [n for n in every if n in inside]


def _leading(case: Case, network: Network) -> list[str]:
    """The leading causes; of a network that ranks none, what hangs on the findings directly."""
    if network.ranked:
        return [c.cause for c in differential(case, limit=LEADING).causes]
    near = neighbourhood(network, case.findings, distance=1)
    return [n for n in network.nodes if n in near]


def network_graph(
    model: Model,
    *,
    around: str | Iterable[str] | None = None,
    distance: int = 1,
    fold: bool | None = None,
    probabilities: bool | None = None,
) -> Graph:
    """A picture of the network in its layers; a large network is folded unless told otherwise.

    Args:
        model: the network.
        around: only nodes at most `distance` arrows from these.
        distance: how many arrows.
        fold: groups in place of nodes; where None, when more than 60 would be drawn.
        probabilities: whether they are computed; where None, unless nodes are folded.

    Returns:
        Contexts, causes, mechanisms and findings in columns.

    Raises:
        UnknownNameError: a node is not known.
        SpinelinkError: the distance is out of range.

    Example:
        >>> import spinelink as sl
        >>> sl.load("minimal").graph(around="numbness").left_out
        10
    """
    return graph(
        model.without_findings,
        around=around,
        distance=distance,
        fold=fold,
        probabilities=probabilities,
        relevant=False,
    )
