"""A network file of the former design, read, upgraded and written."""

from __future__ import annotations

from pathlib import Path

from spinelink.adjust.upgrade import Upgrade, upgraded
from spinelink.claims.file import read_claims
from spinelink.io.companion_file import companion_file
from spinelink.io.network_file import read_network
from spinelink.io.save import save_network


def upgrade_file(path: Path, target: Path) -> Upgrade:
    """Writes the upgraded network; its comments and layout survive.

    Args:
        path: of the network file. Claims are read beside it.
        target: where to write; may be the same.

    Returns:
        The network, and what changed.

    Raises:
        NetworkFileError: the network or its claims are bad.
        SaveError: what would be written does not read as the same network.
    """
    network = read_network(path)
    beside = companion_file(path, "claims")
    claims = read_claims(beside, network).claims.values() if beside is not None else ()
    done = upgraded(network, claimed={record for c in claims for record in c.evidence})
    save_network(path, done.network, destination=target)
    return done
