"""`spinelink interview`."""

from __future__ import annotations

import shlex

import click

from spinelink.cli.completion import complete_node
from spinelink.cli.output import findings_argument, network_option, read_case, setting_option
from spinelink.cli.screen import say
from spinelink.network.evidence import Finding


@click.command()
@findings_argument
@network_option
@setting_option
@click.option(
    "--target",
    shell_complete=complete_node,
    help="Ask what tells most about this node.  [default: all causes, by urgency]",
)
def interview(
    *, words: tuple[str, ...], network: str | None, setting: str | None, target: str | None
) -> None:
    """A dialogue: the next best question, the answer, what it did to the causes; with undo."""
    case = read_case(words, network=network, setting=setting).interview(target, show=say)
    if case.findings:
        options = {"-n": network, "-s": setting, "--target": target}
        again = [_word(name, finding) for name, finding in case.findings.items()]
        for name, value in options.items():
            again += [] if value is None else [name, value]
        say(f"To go on from here: spinelink interview {shlex.join(again)}")
    # Answers that contradict each other end as an error, once everything is printed.
    _ = case.log_evidence


def _word(name: str, finding: Finding) -> str:
    """A finding as it is written on the command line."""
    if isinstance(finding, str):
        return f"{name}={finding}"
    return f"{name}={','.join(f'{state}:{likelihood!r}' for state, likelihood in finding)}"
