"""`spinelink interview`"""

from __future__ import annotations

import shlex

import click

from spinelink.cli.findings import read_findings
from spinelink.cli.output import network_option, setting_option
from spinelink.cli.query import DEFAULT_NETWORK
from spinelink.network.evidence import Finding


@click.command()
@click.argument("words", nargs=-1, metavar="[FINDING]...")
@network_option
@setting_option
@click.option(
    "--target", help="Ask what tells most about this node.  [default: all causes, by urgency]"
)
def interview(
    words: tuple[str, ...], network: str | None, setting: str | None, target: str | None
) -> None:
    """A dialogue: the next best question, the answer, what it did to the causes; with undo."""
    from spinelink.library import load

    case = (
        load(network or DEFAULT_NETWORK, setting=setting)
        .observe(read_findings(words))
        .interview(target, show=click.echo)
    )
    if case.findings:
        options = {"-n": network, "-s": setting, "--target": target}
        again = [
            *map(_word, case.findings.items()),
            *(w for name, value in options.items() if value is not None for w in (name, value)),
        ]
        click.echo(f"To go on from here: spinelink interview {shlex.join(again)}")
    _ = (
        case.log_evidence
    )  # answers that contradict each other end as an error, once everything is said


def _word(finding: tuple[str, Finding]) -> str:
    """A finding as it is written on the command line."""
    name, value = finding
    return f"{name}={value if isinstance(value, str) else ','.join(f'{s}:{v!r}' for s, v in value)}"
