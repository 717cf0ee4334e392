"""Where models come from: the bundled networks, a file, a pgmpy network."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spinelink.diagnosis import Model
from spinelink.errors import SpinelinkError, UnknownNameError
from spinelink.inference.limits import MEMORY_LIMIT
from spinelink.network.parameter_ids import parameters
from spinelink.networks_folder import bundled
from spinelink.typing import EngineChoice, PathLike
from spinelink.view.html import in_notebook, table

if TYPE_CHECKING:
    import pandas as pd
    from pgmpy.models import DiscreteBayesianNetwork


def load(
    network: PathLike,
    *,
    setting: str | None = None,
    engine: EngineChoice = "auto",
    memory: float = MEMORY_LIMIT,
) -> Model:
    """The model of a bundled network by name, or of a network file by path.

    engine: "fast" answers single cases by the compiled kernel of the extra `fast` (the same digits to 1e-12; the first answer of a process takes a second
    longer, the first on a machine ten). Tables take it wherever it is installed. memory: bytes that the tables of one run may hold; a question that needs
    more is answered by conditioning on one more node, again and again, or refused with TooLargeError.
    Raises UnknownNameError for an unknown name or setting, NetworkFileError for a file with problems (it lists all of them).
    """
    from spinelink.io.network_file import read_network

    path = _path(network)
    return Model(read_network(path), setting, path, engine, memory)


def _path(network: PathLike) -> Path:
    known = bundled()
    if not isinstance(network, (str, os.PathLike)):
        raise SpinelinkError(
            f"load takes the name of a bundled network or a path, not a {type(network).__name__}."
        )
    if isinstance(network, str) and network in known:
        return known[network]
    path = Path(network)
    if path.is_dir():
        raise SpinelinkError(f"{path} is a folder; name a network file in it.")
    if path.exists():
        return path
    if path.suffix or len(path.parts) > 1:
        raise SpinelinkError(f"there is no file {path}; bundled networks are {', '.join(known)}.")
    raise UnknownNameError(str(network), kind="bundled network", allowed=known)


@dataclass(frozen=True)
class NetworkList:
    """The bundled networks."""

    rows: tuple[tuple[str, str, str, int, int, int], ...]

    def __iter__(self):  # type: ignore[no-untyped-def]
        return (row[0] for row in self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __contains__(self, name: object) -> bool:
        return any(row[0] == name for row in self.rows)

    def to_frame(self) -> pd.DataFrame:
        """Columns: name, title, version, nodes, numbers, figures_cited."""
        import pandas as pd

        return pd.DataFrame(
            list(self.rows),
            columns=["name", "title", "version", "nodes", "numbers", "figures_cited"],
        )

    def __str__(self) -> str:
        return self.to_frame().to_string(index=False)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return in_notebook("Bundled networks", table(self.to_frame()))


def networks() -> NetworkList:
    """The bundled networks: name, title, version, nodes, numbers in the file, published figures cited."""
    rows = []
    for name in bundled():
        network = load(name).network
        every = [
            *parameters(network).values(),
            *(p for s in network.settings.values() for p in s.overrides.values()),
        ]
        cited = {e for p in every for e in p.evidence}
        rows.append(
            (name, network.title, network.version, len(network.nodes), len(every), len(cited))
        )
    return NetworkList(tuple(rows))


def from_pgmpy(
    network: DiscreteBayesianNetwork,
    *,
    name: str = "from-pgmpy",
    roles: Mapping[str, str] | None = None,
) -> Model:
    """A Model of any pgmpy network: same engine, same questions. roles: node -> role, 'other' where not given."""
    from spinelink.exchange.pgmpy import from_pgmpy as convert

    return Model(convert(network, name=name, roles=roles))
