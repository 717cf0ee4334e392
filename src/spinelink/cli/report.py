"""`spinelink report`."""

from __future__ import annotations

from pathlib import Path

import click

from spinelink.cli.output import (
    findings_argument,
    limit_option,
    network_option,
    print_alerts,
    read_case,
    setting_option,
)


@click.command()
@findings_argument
@network_option
@setting_option
@click.option(
    "--out", "-o", type=click.Path(path_type=Path), required=True, help="The page, as HTML."
)
@limit_option
def report(
    *, words: tuple[str, ...], network: str | None, setting: str | None, out: Path, limit: int
) -> None:
    """One page about one case: to print or to send, without network access."""
    case = read_case(words, network=network, setting=setting)
    print_alerts(case)
    click.echo(f"written: {case.report(out, limit=limit)}")
    # Findings that contradict each other end as an error; the page shows why, and the alerts.
    _ = case.log_evidence
