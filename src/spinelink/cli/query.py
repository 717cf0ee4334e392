"""`spinelink query`"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from spinelink.cli.findings import read_findings
from spinelink.cli.output import (
    NOTICE,
    json_option,
    network_option,
    print_alerts,
    print_answer,
    print_causes,
    setting_option,
)

if TYPE_CHECKING:
    from spinelink.diagnosis import Case

DEFAULT_NETWORK = "back-leg-pain"


@click.command()
@click.argument("words", nargs=-1, metavar="[NETWORK] [FINDING]...")
@network_option
@setting_option
@click.option(
    "--limit",
    "-l",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="How many causes to list.",
)
@json_option
def query(
    words: tuple[str, ...], network: str | None, setting: str | None, limit: int, as_json: bool
) -> int:
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
    """
    from spinelink.library import load

    network, words = _split(network, words)
    case = load(network, setting=setting).observe(read_findings(words))
    return _answer_json(case, limit=limit) if as_json else _answer(case, limit=limit)


def _split(network: str | None, words: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The network, by option or as the first word, and the findings."""
    if words and _names_network(words[0]):
        if network is not None:
            raise click.UsageError(f"the network is given twice: {network} and {words[0]}.")
        return words[0], tuple(words[1:])
    return network or DEFAULT_NETWORK, tuple(words)


def _names_network(word: str) -> bool:
    """Node names are letters, digits and underscores: a bare word with anything else is a network's name or its path."""
    from spinelink.networks_folder import bundled

    return word in bundled() or (
        "=" not in word and not word.startswith("@") and not word.isidentifier()
    )


def _answer(case: Case, *, limit: int) -> int:
    _print_question(case)
    print_alerts(
        case
    )  # before any probability is computed: a contradiction among the findings does not silence them
    print_causes(case, limit=limit)
    click.echo(f"log P(findings) = {case.log_evidence:.4f}\n{NOTICE}")
    return 0


def _print_question(case: Case) -> None:
    from spinelink.network.evidence import describe

    model = case.model
    population = model.network.settings[model.setting].label if model.setting else "one population"
    click.echo(
        f"{model.network.title} ({model.name} {model.network.version}, {model.fingerprint}); {population}"
    )
    click.echo(
        "Findings: "
        + (
            ", ".join(describe(n, f) for n, f in case.findings.items())
            or "none, so these are the priors"
        )
    )
    click.echo()


def _answer_json(case: Case, *, limit: int) -> int:
    def answer() -> dict[str, object]:
        ranking = case.differential(limit=limit)
        return {
            "question": ranking.question.to_dict(),
            "causes": ranking.to_frame().to_dict("records"),
        }

    print_answer(case, answer, failed={"causes": []})
    return 0
