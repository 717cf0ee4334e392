"""`spinelink networks`."""

from __future__ import annotations

import click

from spinelink.cli.output import json_option, print_json, print_table


@click.command()
@json_option
def networks(*, as_json: bool) -> None:
    """The bundled networks."""
    from spinelink.library import networks as bundled_networks

    rows = bundled_networks().to_frame().to_dict("records")
    if as_json:
        print_json({"networks": rows})
        return
    columns = ["name", "title", "version", "nodes", "numbers", "figures_cited"]
    print_table(
        [column.replace("_", " ") for column in columns],
        [[str(row[column]) for column in columns] for row in rows],
        right=["nodes", "numbers", "figures cited"],
    )
