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
from spinelink.cli.screen import say


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
    """One page about one case: to print or to send, without network access.

    The page is written twice: at once with the red flags and findings, then in full. It says which
    parts could not be computed.
    """
    from spinelink.report.case_report import write_report

    case = read_case(words, network=network, setting=setting)
    print_alerts(case)
    page, missing = write_report(case, out, limit=limit)
    say(f"written: {page}")
    if missing:
        say(f"The page lacks {', '.join(missing)}, and says why.")
    # Findings that contradict each other end as an error; the page shows why, and the alerts.
    _ = case.log_evidence
