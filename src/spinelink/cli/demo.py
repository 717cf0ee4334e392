"""`spinelink demo`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from spinelink.cli.output import load_model, network_option, print_alerts, print_causes
from spinelink.cli.screen import say
from spinelink.errors import SpinelinkError, UnknownNameError
from spinelink.view.text import NOTICE

if TYPE_CHECKING:
    from spinelink.diagnosis import Case, Model
    from spinelink.evaluate.cases import Reading

DEFAULT_CASE = "ces-edwards-33m"
SHOWN = 10
STYLE = (
    "body{font-family:sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
    "td,th{padding:.2em .8em;text-align:left}"
)


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
def demo(*, case_id: str, network: str | None, folder: Path) -> None:
    """The main job on a published case: its findings, red flags and ranked causes.

    CASE is an id in the file of cases beside the network. The page and the table are written to a
    folder.
    """
    model = load_model(network)
    reading = _read(model, case_id)
    findings = {n: f if isinstance(f, str) else dict(f) for n, f in reading.findings.items()}
    case = (model.in_setting(reading.setting) if reading.setting else model).observe(findings)
    _print_case(case, reading)
    print_alerts(case)
    print_causes(case, limit=SHOWN)
    say(f"What it turned out to be: {_diagnosis(reading)}\n")
    for path in _write(case, reading, stem=folder / case_id):
        say(f"Written: {path}")
    say(NOTICE)


def _read(model: Model, case_id: str) -> Reading:
    """A published case, read as findings. Raises SpinelinkError where there is none of this id."""
    from spinelink.evaluate.cases import read_case, read_cases, read_vocabulary

    assert model.origin is not None
    cases = model.origin.with_suffix(".cases.yaml")
    vocabulary = model.origin.with_suffix(".vocabulary.yaml")
    if not cases.exists():
        raise SpinelinkError(f"network {model.name!r} has no file of cases beside it ({cases}).")
    by_id = {case.id: case for case in read_cases(cases)}
    if case_id not in by_id:
        raise UnknownNameError(case_id, kind="case", allowed=by_id, where=cases.name)
    words = read_vocabulary(vocabulary, model.network) if vocabulary.exists() else None
    return read_case(by_id[case_id], model.network, vocabulary=words)


def _diagnosis(reading: Reading) -> str:
    return reading.case.final_diagnosis or reading.case.diagnosis


def _print_case(case: Case, reading: Reading) -> None:
    model = case.model
    version = f"{model.name} {model.network.version} ({model.fingerprint})"
    say(f"Case {reading.case.id}", style="bold")
    say(f"Source: {reading.case.source}", indent=2)
    say(f"Network {version}, setting {model.setting}\n", indent=2)
    say("Findings", style="bold")
    for line in (*_findings(case), *_not_expressed(reading)):
        say(line, indent=2)
    say()


def _findings(case: Case) -> list[str]:
    """Each finding for people: the node's label and its state."""
    from spinelink.network.labels import finding_words

    return [
        f"{case.model.nodes[n].label}: {finding_words(case.findings[n])}" for n in case.findings
    ]


def _not_expressed(reading: Reading) -> list[str]:
    """What the case report says and the network cannot express."""
    return [f"not expressed: {text}" for text in reading.unexpressed]


def _write(case: Case, reading: Reading, *, stem: Path) -> list[Path]:
    """A page to read and a table of all causes."""
    ranking = case.differential(limit=None)
    page, table = stem.with_name(stem.name + ".html"), stem.with_name(stem.name + ".csv")
    stem.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(_page(case, reading), encoding="utf-8")
    table.write_text(ranking.to_frame().to_csv(index=False), encoding="utf-8")
    return [page, table]


def _page(case: Case, reading: Reading) -> str:
    """The case as a page that stands alone."""
    from spinelink.view.html import bullets, document, element, paragraph, section

    title = f"Case {reading.case.id}"
    missing = (element("i", line) for line in _not_expressed(reading))
    return document(
        title,
        element("h1", title),
        paragraph(f"Source: {reading.case.source}"),
        section("Findings", bullets([*_findings(case), *missing])),
        section("Red flags", case.alerts()._repr_html_()),
        section("Causes", case.differential(limit=SHOWN)._repr_html_()),
        paragraph(f"What it turned out to be: {_diagnosis(reading)}"),
        style=STYLE,
    )
