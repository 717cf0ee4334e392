"""`spinelink card`."""

from __future__ import annotations

from pathlib import Path

import click

from spinelink.cli.completion import complete_network
from spinelink.cli.output import DEFAULT_NETWORK, load_model
from spinelink.cli.screen import say
from spinelink.files import write_text


@click.command()
@click.argument("network", default=DEFAULT_NETWORK, shell_complete=complete_network)
@click.option(
    "--stock",
    type=click.Path(exists=True, readable=False, path_type=Path),
    help="The evidence stock, a file or a folder: also writes what becomes of each record.",
)
@click.option(
    "--check", is_flag=True, help="Write nothing; fail where a file is not what it would be."
)
def card(*, network: str, stock: Path | None, check: bool) -> int:
    """Write the model card of a network file beside it.

    It says what the network is for, and holds its numbers, audit, cases, gaps and safety rules.
    """
    from spinelink.report.card import files_of

    status = 0
    for path, text in files_of(load_model(network), stock).items():
        if not check:
            write_text(path, text)
            say(f"written: {path}")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            command = f"spinelink card {network}{f' --stock {stock}' if stock else ''}"
            say(f"{path} is not up to date; run: {command}", err=True)
            status = 1
    return status
