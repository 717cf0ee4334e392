"""`spinelink networks`"""

from __future__ import annotations

import click

from spinelink.cli.output import json_option, print_json, print_table


@click.command()
@json_option
def networks(as_json: bool) -> None:
    """The bundled networks."""
    from spinelink.library import networks as listed

    rows = listed().to_frame().to_dict("records")
    if as_json:
        print_json({"networks": rows})
        return
    columns = ["name", "title", "version", "nodes", "numbers", "figures_cited"]
    print_table(
        [c.replace("_", " ") for c in columns],
        [[str(row[c]) for c in columns] for row in rows],
        right=["nodes", "numbers", "figures cited"],
    )
