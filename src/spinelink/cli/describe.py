"""`spinelink describe`."""

from __future__ import annotations

import click

from spinelink.cli.completion import complete_node
from spinelink.cli.documents import print_document
from spinelink.cli.output import (
    json_option,
    load_model,
    network_option,
    setting_option,
)
from spinelink.cli.screen import print_table, say


@click.command()
@click.argument("node", shell_complete=complete_node)
@network_option
@setting_option
@json_option
def describe(*, node: str, network: str | None, setting: str | None, as_json: bool) -> None:
    """What a node is: definition, states, question, neighbours, numbers and sources."""
    about = load_model(network, setting).describe(node)
    if as_json:
        print_document(about.to_dict())
        return
    say(about.title(), style="bold")
    rows = about.to_frame().to_numpy().tolist()
    print_table(["", ""], rows)
