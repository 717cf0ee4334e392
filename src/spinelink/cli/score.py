"""`spinelink score`."""

from __future__ import annotations

from pathlib import Path

import click

from spinelink.cli.documents import print_document
from spinelink.cli.output import existing_file, json_option, load_model, network_option
from spinelink.cli.screen import say


@click.command()
@network_option
@click.option(
    "--cases",
    type=existing_file,
    help="A file of published cases.  [default: the one beside the network]",
)
@click.option(
    "--vocabulary",
    type=existing_file,
    help="What the words of the cases mean as findings.  [default: the one beside the network]",
)
@click.option(
    "--links",
    is_flag=True,
    help="Also whether back pain and leg pain are linked the way the cases were coded (a minute).",
)
@json_option
def score(
    *, network: str | None, cases: Path | None, vocabulary: Path | None, links: bool, as_json: bool
) -> None:
    """How often the library is right on published cases, with 95 % Wilson intervals."""
    from spinelink.evaluate.score import score as score_cases

    model = load_model(network)
    scored = score_cases(model, cases, vocabulary=vocabulary, links=links)
    if not as_json:
        say(scored)
        return
    keys = ("measure", "successes", "total", "low", "high")
    print_document(
        {
            "summary": [dict(zip(keys, row, strict=True)) for row in scored.summary()],
            "cases": scored.to_frame().to_dict("records"),
        }
    )
