"""Where models come from: the bundled networks, a file, a pgmpy network."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from spinelink.diagnosis import Model
from spinelink.errors import SpinelinkError, UnknownNameError, shown
from spinelink.exchange import pgmpy
from spinelink.inference.limits import MEMORY_LIMIT
from spinelink.io.fitted_file import with_fitted_values
from spinelink.io.network_file import read_network
from spinelink.network.network import Network
from spinelink.network.parameter_ids import parameters
from spinelink.networks_folder import bundled
from spinelink.options import path_of
from spinelink.typing import EngineChoice, PathLike
from spinelink.view.html import in_notebook, table

if TYPE_CHECKING:
    import pandas as pd


def load(
    network: PathLike,
    *,
    setting: str | None = None,
    engine: EngineChoice = "auto",
    memory: float = MEMORY_LIMIT,
) -> Model:
    """The model of a bundled network, or of a network file.

    Args:
        network: the name of a bundled network, or the path of a file.
        setting: the population; the file's default where None.
        engine: "numpy" interprets every run. "fast" runs compiled code, the extra `fast`, with the
            same digits to 1e-12; it is loaded in a second, and compiled once a machine in ten.
            "auto" takes "fast" where it is installed.
        memory: bytes that the tables of one run may hold. A question that needs more is answered
            by conditioning on one more node, again and again, or refused.

    Returns:
        A model, ready to answer.

    Raises:
        UnknownNameError: there is no bundled network or setting of that name.
        NetworkFileError: the file has problems; the error lists all of them.
        SpinelinkError: there is no such file, or an option is out of range.

    Example:
        >>> import spinelink as sl
        >>> model = sl.load("minimal", engine="auto", memory=2e9)
        >>> model.setting
        'primary_care'
    """
    path = _path(network)
    stated = read_network(path)
    fitted, covariance = with_fitted_values(stated, path)
    model = Model(fitted, setting, path, engine, memory)
    return model if fitted is stated else replace(model, stated=stated, covariance=covariance)


def load_as_stated(network: PathLike) -> Model:
    """The model of a network file at its priors, whatever fitted values stand beside it."""
    path = _path(network)
    return Model(read_network(path), None, path)


def _path(network: PathLike) -> Path:
    """The file of a network. Raises SpinelinkError where there is none."""
    known = bundled()
    if not isinstance(network, (str, os.PathLike)):
        words = "network is the name of a bundled network or a path, not"
        raise SpinelinkError(f"{words} {shown(network)}.")
    if isinstance(network, str) and network in known:
        return known[network]
    path = path_of(network, "network", what="the name of a bundled network, or the path of a file")
    if path.is_dir():
        raise SpinelinkError(f"{path} is a folder; name a network file in it.")
    if path.exists():
        return path
    if path.suffix or len(path.parts) > 1:
        raise SpinelinkError(f"there is no file {path}; bundled networks are {', '.join(known)}.")
    raise UnknownNameError(str(path), kind="bundled network", allowed=known)


class BundledNetwork(NamedTuple):
    """A bundled network. numbers: its parameters; figures_cited: published figures behind them."""

    name: str
    title: str
    version: str
    nodes: int
    numbers: int
    figures_cited: int


@dataclass(frozen=True, repr=False)
class NetworkList:
    """The bundled networks: iterate over their names, or show them as a table."""

    rows: tuple[BundledNetwork, ...]

    def __iter__(self) -> Iterator[str]:
        return (row.name for row in self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __contains__(self, name: object) -> bool:
        return any(row.name == name for row in self.rows)

    def to_frame(self) -> pd.DataFrame:
        """Columns: name, title, version, nodes, numbers, figures_cited."""
        import pandas as pd

        return pd.DataFrame(list(self.rows), columns=list(BundledNetwork._fields))

    def __str__(self) -> str:
        return self.to_frame().to_string(index=False)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return in_notebook("Bundled networks", table(self.to_frame()))


def networks() -> NetworkList:
    """The bundled networks.

    Returns:
        For each network name, title, version, nodes, parameters and published figures cited.

    Example:
        >>> import spinelink as sl
        >>> "back-leg-pain" in sl.networks()
        True
    """
    return NetworkList(tuple(_describe(name, load(name).network) for name in bundled()))


def _describe(name: str, network: Network) -> BundledNetwork:
    in_settings = (p for s in network.settings.values() for p in s.overrides.values())
    every = [*parameters(network).values(), *in_settings]
    cited = {figure for parameter in every for figure in parameter.evidence}
    nodes = len(network.nodes)
    return BundledNetwork(name, network.title, network.version, nodes, len(every), len(cited))


def from_pgmpy(
    network: Any,
    *,
    name: str = "from-pgmpy",
    roles: Mapping[str, str] | None = None,
) -> Model:
    """A model of any pgmpy network: same engine, same questions.

    Args:
        network: a pgmpy `DiscreteBayesianNetwork` whose tables are complete.
        name: of the model.
        roles: node -> role, as "cause"; "other" where not given.

    Returns:
        A model without settings, sources and uncertainty.

    Raises:
        SpinelinkError: the network cannot be converted, or a role is not known.

    Example:
        >>> import spinelink as sl
        >>> model = sl.from_pgmpy(sl.load("minimal").to_pgmpy(), roles={"scoliosis": "cause"})
        >>> [cause.cause for cause in model.observe().differential().causes]
        ['scoliosis']
    """
    return Model(pgmpy.from_pgmpy(network, name=name, roles=roles))
