"""`spinelink fit`: fitted values of a network, from its priors and published figures."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from spinelink.cli.documents import print_document
from spinelink.cli.output import existing_file, json_option
from spinelink.cli.screen import say
from spinelink.deferred import DeferredModule
from spinelink.errors import SpinelinkError

if TYPE_CHECKING:
    from spinelink import library
    from spinelink.report import fitted
else:
    library = DeferredModule("spinelink.library")
    fitted = DeferredModule("spinelink.report.fitted")


@click.command()
@click.argument("network", default="back-leg-pain")
@click.option(
    "--claims", type=existing_file, help="A file of claims.  [default: the one beside the network]"
)
@click.option("--limit", type=click.IntRange(1, 1000), default=20, help="The most steps.")
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    help="How many share the figures.  [default: as many as there are cores]",
)
@click.option("--dry-run", is_flag=True, help="Show the fit and write nothing.")
@json_option
def fit(
    *,
    network: str,
    claims: Path | None,
    limit: int,
    processes: int | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Fits a network's parameters to published figures, and writes the fitted values beside it.

    NETWORK is a bundled network or a network file. Ctrl-C ends the search and keeps the best so far.
    """
    model = library.load_as_stated(network)
    if model.origin is None:
        raise SpinelinkError("a fit is written beside a network file, and this one has none")
    if claims is not None and not dry_run:
        raise SpinelinkError(
            "fitted values belong to the claims beside the network; give --claims with --dry-run"
        )
    processes = processes or os.cpu_count() or 1
    found = model.fit_claims(claims, limit=limit, processes=processes)
    written = None if dry_run else fitted.write_fit(model, found)
    if as_json:
        print_document(found.to_dict())
        return
    say(found)
    if written is not None:
        say(f"written: {written}")
