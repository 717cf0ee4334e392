"""`spinelink describe`."""

from __future__ import annotations

import click

from spinelink.cli.completion import complete_node
from spinelink.cli.output import (
    json_option,
    load_model,
    network_option,
    print_json,
    print_table,
    setting_option,
)


@click.command()
@click.argument("node", shell_complete=complete_node)
@network_option
@setting_option
@json_option
def describe(*, node: str, network: str | None, setting: str | None, as_json: bool) -> None:
    """What a node is: definition, states, question, neighbours, numbers and sources."""
    about = load_model(network, setting).describe(node)
    if as_json:
        print_json(about.to_dict())
        return
    click.secho(about.title(), bold=True)
    rows = about.to_frame().to_numpy().tolist()
    print_table(["", ""], rows)
