"""`spinelink query`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from spinelink.cli.completion import complete_query
from spinelink.cli.documents import print_answer
from spinelink.cli.output import (
    json_option,
    network_option,
    print_alerts,
    print_case,
    print_causes,
    read_case,
    setting_option,
)
from spinelink.cli.screen import say
from spinelink.networks_folder import bundled
from spinelink.view.text import NOTICE

if TYPE_CHECKING:
    pass


FINDINGS = (
    ("numbness", "present"),
    ("fever=no", "absent (also yes, true, false, present, absent)"),
    ("age_group=47", "a number, where the node has numeric bins"),
    ("leg_pain=below_knee", "a state"),
    ("leg_pain=none:0.1,above_knee:0.2,below_knee:0.8", "uncertain: a likelihood of each state"),
    ("@case.json", "all findings of a file, as the explorer saves them"),
)
MOST = 10
"""Causes that are listed for people if the number is left out."""


class _Query(click.Command):
    """The command, whose help lists how findings are written."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list."""
        with formatter.section("FINDING is one of"):
            formatter.write_dl(FINDINGS)


@click.command(cls=_Query)
@click.argument("words", nargs=-1, metavar="[NETWORK] [FINDING]...", shell_complete=complete_query)
@network_option
@setting_option
@click.option(
    "--limit",
    "-l",
    type=click.IntRange(min=1),
    help=f"How many causes to list.  [default: {MOST}; with --json all]",
)
@json_option
def query(
    *,
    words: tuple[str, ...],
    network: str | None,
    setting: str | None,
    limit: int | None,
    as_json: bool,
) -> None:
    """Red flags and ranked causes of one patient.

    What was not assessed is left out: that is not the same as absent.

    Example: spinelink query numbness leg_pain=below_knee fever=no age_group=47 --setting emergency
    """
    network, words = _split(network, words)
    case = read_case(words, network=network, setting=setting)
    if as_json:
        print_answer(case, lambda: case.differential(limit=limit).to_dict())
        return
    print_case(case)
    # Before any probability is computed: a contradiction does not silence the red flags.
    print_alerts(case)
    print_causes(case, limit=limit or MOST)
    say(f"log P(findings) = {case.log_evidence:.4f}\n{NOTICE}")


def _split(network: str | None, words: Sequence[str]) -> tuple[str | None, tuple[str, ...]]:
    """The network, by option or as the first word, and the findings."""
    if not words or not _names_network(words[0]):
        return network, tuple(words)
    if network is not None:
        raise click.UsageError(f"the network is given twice: {network} and {words[0]}.")
    return words[0], tuple(words[1:])


def _names_network(word: str) -> bool:
    """True for the name of a network, or its path.

    Nodes have no hyphen, dot or slash in their names; a list of findings has commas or spaces.
    """
    if word in bundled():
        return True
    if word.startswith("@") or any(mark in word for mark in "=,;: "):
        return False
    return any(mark in word for mark in "-./\\")
