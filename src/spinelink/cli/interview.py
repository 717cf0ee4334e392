"""`spinelink interview`"""

from __future__ import annotations

import click

from spinelink.cli.findings import read_findings
from spinelink.cli.output import network_option, setting_option
from spinelink.cli.query import DEFAULT_NETWORK


@click.command()
@click.argument("words", nargs=-1, metavar="[FINDING]...")
@network_option
@setting_option
@click.option("--target", help="Ask what tells most about this node.  [default: all causes, by urgency]")
def interview(words: tuple[str, ...], network: str | None, setting: str | None, target: str | None) -> None:
    """A dialogue: the next best question, the answer, what it did to the causes; with undo."""
    from spinelink.library import load
    from spinelink.model.evidence import describe

    case = load(network or DEFAULT_NETWORK, setting=setting).observe(read_findings(words)).interview(target, show=click.echo)
    if case.findings:
        click.echo(
            "To go on from here: spinelink interview " + " ".join(describe(n, f) for n, f in case.findings.items() if isinstance(f, str))
        )
