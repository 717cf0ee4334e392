"""`spinelink demo`"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import click

from spinelink.cli.output import NOTICE, network_option, print_alerts, print_causes
from spinelink.cli.query import DEFAULT_NETWORK
from spinelink.errors import SpinelinkError, UnknownNameError

if TYPE_CHECKING:
    from spinelink.diagnosis import Case, Model
    from spinelink.evaluate.cases import Reading

DEFAULT_CASE = "ces-edwards-33m"
SHOWN = 10


@click.command()
@click.argument("case_id", default=DEFAULT_CASE, metavar="[CASE]")
@network_option
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build/demo"),
    show_default=True,
)
def demo(case_id: str, network: str | None, folder: Path) -> None:
    """The main job on a published case: its findings, red flags and ranked causes.

    CASE is an id in the file of cases beside the network. The page and the table are written to a folder.
    """
    from spinelink.library import load

    model = load(network or DEFAULT_NETWORK)
    reading = _read(model, case_id)
    findings = {
        name: found if isinstance(found, str) else dict(found)
        for name, found in reading.findings.items()
    }
    case = (model.in_setting(reading.setting) if reading.setting else model).observe(findings)
    _print_case(case, reading)
    print_alerts(case)
    print_causes(case, limit=SHOWN)
    click.echo(
        f"What it turned out to be: {reading.case.final_diagnosis or reading.case.diagnosis}\n"
    )
    for path in _write(case, reading, folder / case_id):
        click.echo(f"Written: {path}")
    click.echo(NOTICE)


def _read(model: Model, case_id: str) -> Reading:
    from spinelink.evaluate.cases import read_case, read_cases, read_vocabulary

    assert model.origin is not None
    cases, vocabulary = (
        model.origin.with_suffix(f".{kind}.yaml") for kind in ("cases", "vocabulary")
    )
    if not cases.exists():
        raise SpinelinkError(f"network {model.name!r} has no file of cases beside it ({cases}).")
    by_id = {each.id: each for each in read_cases(cases)}
    if case_id not in by_id:
        raise UnknownNameError(case_id, kind="case", allowed=by_id, where=cases.name)
    return read_case(
        by_id[case_id],
        model.network,
        vocabulary=read_vocabulary(vocabulary, model.network) if vocabulary.exists() else None,
    )


def _print_case(case: Case, reading: Reading) -> None:
    model, published = case.model, reading.case
    click.secho(f"Case {published.id}", bold=True)
    click.echo(
        f"  Source: {published.source}\n  Network {model.name} {model.network.version} ({model.fingerprint}), setting {model.setting}\n"
    )
    click.secho("Findings", bold=True)
    for line in _findings(case):
        click.echo(f"  {line}")
    for text in reading.unexpressed:
        click.echo(f"  not expressed: {text}")
    click.echo()


def _findings(case: Case) -> list[str]:
    """Each finding for people: the node's label and its state."""
    labels = {name: case.model.nodes[name].label for name in case.evidence}
    return [
        f"{labels[name]}: {value if isinstance(value, str) else _uncertain(value)}"
        for name, value in case.evidence.items()
    ]


def _uncertain(likelihoods: dict[str, float]) -> str:
    return "uncertain, likelihoods " + ", ".join(
        f"{state} {value:.3g}" for state, value in likelihoods.items()
    )


def _write(case: Case, reading: Reading, stem: Path) -> list[Path]:
    """A page to read and a table of all causes."""
    ranking = case.differential(limit=None)
    page, table = stem.with_name(stem.name + ".html"), stem.with_name(stem.name + ".csv")
    stem.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(_page(case, reading), encoding="utf-8")
    table.write_text(ranking.to_frame().to_csv(index=False), encoding="utf-8")
    return [page, table]


def _page(case: Case, reading: Reading) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in _findings(case))
    items += "".join(
        f"<li><i>not expressed: {escape(text)}</i></li>" for text in reading.unexpressed
    )
    title = escape(f"Case {reading.case.id}")
    return (
        f"<!doctype html>\n<html lang='en'><head><meta charset='utf-8'><title>{title}</title>"
        "<style>body{font-family:sans-serif;max-width:60em;margin:2em auto;padding:0 1em}td,th{padding:.2em .8em;text-align:left}</style>"
        f"</head>\n<body><h1>{title}</h1><p>Source: {escape(reading.case.source)}</p>\n<h2>Findings</h2><ul>{items}</ul>"
        f"\n<h2>Red flags</h2>{case.alerts()._repr_html_()}\n<h2>Causes</h2>{case.differential(limit=SHOWN)._repr_html_()}"
        f"\n<p>What it turned out to be: {escape(reading.case.final_diagnosis or reading.case.diagnosis)}</p></body></html>\n"
    )
