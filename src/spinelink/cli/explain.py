"""`spinelink explain`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from spinelink.cli.findings import read_findings
from spinelink.cli.output import (
    json_option,
    network_option,
    print_alerts,
    print_answer,
    setting_option,
)
from spinelink.cli.query import DEFAULT_NETWORK

if TYPE_CHECKING:
    from spinelink.query.reasons import Reasons


@click.command()
@click.argument("words", nargs=-1, metavar="[FINDING]...")
@network_option
@setting_option
@click.option("--target", help="The cause to explain.  [default: the leading one]")
@click.option("--against", help="Another cause to compare it with.")
@json_option
def explain(
    words: tuple[str, ...],
    network: str | None,
    setting: str | None,
    target: str | None,
    against: str | None,
    as_json: bool,
) -> None:
    """What each finding contributed to a cause, what was expected and is absent, and what would turn the ranking."""
    from spinelink.library import load

    case = load(network or DEFAULT_NETWORK, setting=setting).observe(read_findings(words))
    if as_json:
        print_answer(case, lambda: _document(case.explain(target, against=against)))
        return
    print_alerts(case)
    click.echo(str(case.explain(target, against=against)))


def _document(found: Reasons) -> dict[str, object]:
    from dataclasses import asdict

    return {
        "question": found.question.to_dict(),
        "target": found.target,
        "against": found.against,
        "before": found.before,
        "after": found.after,
        "findings": [asdict(r) for r in found.rows],
        "expected_and_absent": [asdict(e) for e in found.absent],
        "unexplained": [asdict(u) for u in found.unexplained],
        "reversals": [asdict(t) for t in found.reversals],
        "sources": list(found.sources),
    }
