"""`spinelink cite`."""

from __future__ import annotations

import click

from spinelink.cli.completion import complete_node
from spinelink.cli.findings import observe_words
from spinelink.cli.output import findings_argument, load_model, network_option, setting_option
from spinelink.cli.screen import say

MOST = 10
"""Publications that are listed with their influence."""
NUMBERS = 3
"""Numbers that are named for each."""


@click.command()
@findings_argument
@network_option
@setting_option
@click.option(
    "--cause",
    shell_complete=complete_node,
    help="The cause whose probability is asked about.  [default: the leading one]",
)
def cite(
    *, words: tuple[str, ...], network: str | None, setting: str | None, cause: str | None
) -> None:
    """The sources of a network as BibTeX.

    With findings or --cause, only those behind that answer; the most influential are named first on
    standard error.
    """
    model = load_model(network, setting)
    if not words and cause is None:
        click.echo(model.to_bibtex(), nl=False)
        return
    answer = observe_words(model, words).sources(cause)
    say(answer.title(), err=True)
    for source in answer.sources[:MOST]:
        more = " ..." if len(source.parameters) > NUMBERS else ""
        numbers = ", ".join(source.parameters[:NUMBERS]) + more
        say(f"{source.influence:.4f}  {source.key}: {numbers}", indent=2, err=True)
    click.echo(answer.to_bibtex(), nl=False)
