"""`spinelink link`"""

from __future__ import annotations

import click

from spinelink.cli.findings import read_findings
from spinelink.cli.output import json_option, network_option, print_json, print_table, setting_option
from spinelink.cli.query import DEFAULT_NETWORK


@click.command()
@click.argument("words", nargs=-1, metavar="[FINDING]...")
@network_option
@setting_option
@click.option("--between", nargs=2, default=("leg_pain", "back_pain"), show_default=True, help="The two findings.")
@click.option(
    "--interval", type=click.FloatRange(0, 1, min_open=True, max_open=True), help="Level of credible intervals, as 0.95 (half a minute)."
)
@json_option
def link(
    words: tuple[str, ...], network: str | None, setting: str | None, between: tuple[str, str], interval: float | None, as_json: bool
) -> None:
    """Are two findings linked, and which way. What was not assessed is taken as present."""
    from spinelink.library import load
    from spinelink.result import show_number

    found = load(network or DEFAULT_NETWORK, setting=setting).observe(read_findings(words)).link(*between, interval=interval)
    frame = found.to_frame()
    if as_json:
        print_json({"question": found.question.to_dict(), "linked": found.probability, "links": frame.to_dict("records")})
        return
    click.secho(f"Linked with probability {show_number(found.probability)}", bold=True)
    ends = ["low", "high"] if interval else []
    rows = [
        [str(r["meaning"]), *(show_number(float(r[k])) for k in ["share", *ends]), str(r["carried_by"])] for r in frame.to_dict("records")
    ]
    print_table(["", "share", *ends, "carried by"], rows, right=["share", *ends])
    click.echo(f"Asked in {found.population}." if found.population else "")
