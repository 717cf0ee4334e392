"""`spinelink audit` and `spinelink cite`"""

from __future__ import annotations

from pathlib import Path

import click

from spinelink.cli.findings import read_findings
from spinelink.cli.output import json_option, network_option, print_json, setting_option
from spinelink.cli.query import DEFAULT_NETWORK

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@network_option
@click.option(
    "--claims", type=_FILE, help="A file of claims.  [default: the one beside the network]"
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
    network: str | None, claims: Path | None, influence: bool, html: Path | None, as_json: bool
) -> None:
    """Published figures against what the network implies, worst first."""
    from spinelink.files import write_text
    from spinelink.library import load

    found = load(network or DEFAULT_NETWORK).audit(claims, influence=influence)
    if html is not None:
        write_text(html, found.to_html())
    if as_json:
        print_json(found.to_dict())
    else:
        click.echo(str(found))
        if html is not None:
            click.echo(f"written: {html}")


@click.command()
@click.argument("words", nargs=-1, metavar="[FINDING]...")
@network_option
@setting_option
@click.option(
    "--cause", help="The cause whose probability is asked about.  [default: the leading one]"
)
def cite(
    words: tuple[str, ...], network: str | None, setting: str | None, cause: str | None
) -> None:
    """BibTeX of all sources of a network; with findings or --cause, of those behind that answer, the most influential named first on standard error."""
    from spinelink.library import load

    model = load(network or DEFAULT_NETWORK, setting=setting)
    if not words and cause is None:
        click.echo(model.to_bibtex(), nl=False)
        return
    found = model.observe(read_findings(words)).sources(cause)
    click.echo(found.title(), err=True)
    for each in found.sources[:10]:
        click.echo(
            f"  {each.influence:.4f}  {each.key}: {', '.join(each.numbers[:3])}{' ...' if len(each.numbers) > 3 else ''}",
            err=True,
        )
    click.echo(found.to_bibtex(), nl=False)
