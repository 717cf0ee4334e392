"""`spinelink networks`."""

from __future__ import annotations

import click

from spinelink.cli.documents import print_document
from spinelink.cli.output import json_option
from spinelink.cli.screen import print_table


@click.command()
@json_option
def networks(*, as_json: bool) -> None:
    """The bundled networks."""
    from spinelink.library import networks as bundled_networks

    rows = bundled_networks().to_frame().to_dict("records")
    if as_json:
        print_document({"networks": rows})
        return
    columns = ["name", "title", "version", "nodes", "numbers", "figures_cited"]
    print_table(
        [column.replace("_", " ") for column in columns],
        [[str(row[column]) for column in columns] for row in rows],
        right=["nodes", "numbers", "figures cited"],
    )
