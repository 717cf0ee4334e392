"""`spinelink report`"""

from __future__ import annotations

from pathlib import Path

import click

from spinelink.cli.findings import read_findings
from spinelink.cli.output import network_option, print_alerts, setting_option
from spinelink.cli.query import DEFAULT_NETWORK


@click.command()
@click.argument("words", nargs=-1, metavar="[FINDING]...")
@network_option
@setting_option
@click.option(
    "--out", "-o", type=click.Path(path_type=Path), required=True, help="The page, as HTML."
)
@click.option(
    "--limit", type=click.IntRange(min=1), default=10, show_default=True, help="How many causes."
)
def report(
    words: tuple[str, ...], network: str | None, setting: str | None, out: Path, limit: int
) -> None:
    """One page about one case: to print or to send, without network access."""
    from spinelink.library import load

    case = load(network or DEFAULT_NETWORK, setting=setting).observe(read_findings(words))
    print_alerts(case)
    click.echo(f"written: {case.report(out, limit=limit)}")
    _ = (
        case.log_evidence
    )  # findings that contradict each other end as an error: the page says so, and has their alerts
