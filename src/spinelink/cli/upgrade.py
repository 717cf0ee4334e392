"""`spinelink upgrade`: a network file of the former design as one with priors and claims."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from spinelink.cli.output import existing_file
from spinelink.cli.screen import say
from spinelink.deferred import DeferredModule

if TYPE_CHECKING:
    from spinelink.report import upgraded
else:
    upgraded = DeferredModule("spinelink.report.upgraded")


@click.command()
@click.argument("network", type=existing_file)
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write.  [default: NETWORK itself]",
)
def upgrade(*, network: Path, output: Path | None) -> None:
    """Gives parameters priors that do not count twice the figures which are claims.

    Parameters that an earlier fit moved get back their value from before. Parameters whose figures
    are claims beside the network get wider priors. Then say `spinelink fit`.
    """
    done = upgraded.upgrade_file(network, output or network)
    say(f"{done.restored} parameters as before their fit, {done.widened} with wider priors.")
    say(f"written: {output or network}")
