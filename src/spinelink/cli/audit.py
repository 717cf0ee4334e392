"""`spinelink audit`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from spinelink.cli.completion import complete_setting
from spinelink.cli.documents import print_document
from spinelink.cli.output import (
    existing_file,
    json_option,
    load_model,
    network_option,
)
from spinelink.cli.screen import print_table, say
from spinelink.files import require_ending, write_text

if TYPE_CHECKING:
    from spinelink.evaluate.clinic import Clinic


@click.command()
@network_option
@click.option(
    "--claims", type=existing_file, help="A file of claims.  [default: the one beside the network]"
)
@click.option(
    "--influence",
    is_flag=True,
    help="Rank the judged numbers by their influence on the causes (about a minute).",
)
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write one page that stands alone.",
)
@click.option(
    "--alerts",
    is_flag=True,
    help="Instead: how often each red flag fires among 1000 simulated patients of each setting.",
)
@click.option(
    "--setting",
    "-s",
    default=None,
    shell_complete=complete_setting,
    help="With --alerts: the population; each of the network's where left out.",
)
@json_option
def audit(
    *,
    network: str | None,
    claims: Path | None,
    influence: bool,
    html: Path | None,
    alerts: bool,
    setting: str | None,
    as_json: bool,
) -> None:
    """Published figures against what the network implies, worst first.

    With --alerts: how often red flags are raised among simulated patients.
    """
    from spinelink.report.audit_page import audit_page

    if alerts:
        if claims or influence or html:
            raise click.UsageError("--alerts goes with --network, --setting and --json only.")
        _audit_alerts(network, setting, as_json=as_json)
        return
    if setting is not None:
        raise click.UsageError("--setting goes with --alerts: each claim names its own setting.")
    if html is not None:
        require_ending(html, ".html", ".htm", ".xhtml")
    audited = load_model(network).audit(claims, influence=influence)
    if html is not None:
        write_text(html, audit_page(audited))
    if as_json:
        print_document(audited.to_dict())
        return
    say(audited)
    if html is not None:
        say(f"written: {html}")


def _audit_alerts(network: str | None, setting: str | None, *, as_json: bool) -> None:
    """Prints how often red flags are raised and missed in one setting, or in each."""
    model = load_model(network, setting)
    models = [model] if setting or not model.settings else map(model.in_setting, model.settings)
    clinics = {str(m.setting or m.name): m.simulate_clinic(asked=0) for m in models}
    if as_json:
        print_document({name: clinic.to_dict() for name, clinic in clinics.items()})
        return
    for clinic in clinics.values():
        _print_clinic(clinic)


def _print_clinic(clinic: Clinic) -> None:
    """Prints the rates of one setting."""
    say(clinic.title())
    for frame in (clinic.shown(), clinic.causes_shown().drop(columns="top three")):
        rows = [list(map(str, row)) for row in frame.itertuples(index=False)]
        print_table(list(frame.columns), rows, right=["patients", "further"])
    say(f"{clinic.rest()} {clinic.caution}\n".lstrip())
