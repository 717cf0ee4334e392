"""`spinelink query`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from spinelink.cli.output import (
    json_option,
    limit_option,
    network_option,
    print_alerts,
    print_answer,
    print_causes,
    read_case,
    setting_option,
)
from spinelink.networks_folder import bundled
from spinelink.view.text import NOTICE

if TYPE_CHECKING:
    from spinelink.diagnosis import Case


@click.command()
@click.argument("words", nargs=-1, metavar="[NETWORK] [FINDING]...")
@network_option
@setting_option
@limit_option
@json_option
def query(
    *, words: tuple[str, ...], network: str | None, setting: str | None, limit: int, as_json: bool
) -> None:
    """Red flags and ranked causes of one patient.

    \b
    FINDING is one of
      numbness                                  present
      fever=no                                  absent (also yes, true, false, present, absent)
      age_group=47                              a number, where the node has numeric bins
      leg_pain=below_knee                       a state
      leg_pain=above_knee:0.2,below_knee:0.8    uncertain: likelihoods, on any scale
      @case.json                                all findings of a file, as the explorer saves them

    What was not assessed is left out: that is not the same as absent.

    \b
    Example:
      spinelink query numbness leg_pain=below_knee fever=no age_group=47 --setting emergency
    """  # noqa: D301  (click reads the backspace character)
    network, words = _split(network, words)
    case = read_case(words, network=network, setting=setting)
    if as_json:
        print_answer(case, lambda: _document(case, limit=limit), failed={"causes": []})
        return
    _print_question(case)
    # Before any probability is computed: a contradiction does not silence the red flags.
    print_alerts(case)
    print_causes(case, limit=limit)
    click.echo(f"log P(findings) = {case.log_evidence:.4f}\n{NOTICE}")


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


def _print_question(case: Case) -> None:
    from spinelink.network.evidence import describe

    model = case.model
    population = model.network.settings[model.setting].label if model.setting else "one population"
    version = f"{model.name} {model.network.version}, {model.fingerprint}"
    click.echo(f"{model.network.title} ({version}); {population}")
    findings = ", ".join(describe(n, f) for n, f in case.findings.items())
    click.echo(f"Findings: {findings or 'none, so these are the priors'}\n")


def _document(case: Case, *, limit: int) -> dict[str, object]:
    ranking = case.differential(limit=limit)
    causes = ranking.to_frame().to_dict("records")
    return {"question": ranking.question.to_dict(), "causes": causes}
