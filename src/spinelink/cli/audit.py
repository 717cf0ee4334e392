"""`spinelink audit`."""

from __future__ import annotations

from pathlib import Path

import click

from spinelink.cli.documents import print_document
from spinelink.cli.output import (
    existing_file,
    json_option,
    load_model,
    network_option,
)
from spinelink.cli.screen import say
from spinelink.files import require_ending, write_text


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
@json_option
def audit(
    *, network: str | None, claims: Path | None, influence: bool, html: Path | None, as_json: bool
) -> None:
    """Published figures against what the network implies, worst first."""
    from spinelink.report.audit_page import audit_page

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
