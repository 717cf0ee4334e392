"""`spinelink audit`."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from spinelink.view.text import frame_text

if TYPE_CHECKING:
    from spinelink.evaluate.clinic import Clinic
    from spinelink.evaluate.predicted import By, CrossValidation
    from spinelink.result import Result

GROUPS = ("fit", "kind", "setting")


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
    "--predictive",
    is_flag=True,
    help="Predict every figure by a fit without its study (minutes on a large network).",
)
@click.option(
    "--folds", type=click.IntRange(min=2), help="With --predictive: how many parts.  [default: 10]"
)
@click.option(
    "--by",
    type=click.Choice(["study", "year"]),
    help="With --predictive: leave out whole studies, or those after 2014.  [default: study]",
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
def audit(**given: Any) -> None:
    """Published figures against what the network implies, worst first.

    With --predictive: against what fits to the other studies predict. With --alerts: how often red
    flags are raised among simulated patients.
    """
    from spinelink.report.audit_page import audit_page
    from spinelink.report.predictive_page import predictive_page

    asked = AuditOptions(**given)
    asked.check()
    html, as_json = asked.html, asked.as_json
    if asked.alerts:
        _audit_alerts(asked.network, asked.setting, as_json=as_json)
        return
    model = load_model(asked.network)
    if asked.predictive:
        way: By = "year" if asked.by == "year" else "study"
        processes = os.cpu_count() or 1
        found = model.cross_validate(
            asked.claims, folds=asked.folds or 10, by=way, processes=processes
        )
        _tell(found, predictive_text(found), lambda: predictive_page(found), html, as_json=as_json)
        return
    audited = model.audit(asked.claims, influence=asked.influence)
    _tell(audited, str(audited), lambda: audit_page(audited), html, as_json=as_json)


@dataclass(frozen=True)
class AuditOptions:
    """The options of the command, as click gives them."""

    network: str | None
    claims: Path | None
    influence: bool
    alerts: bool
    setting: str | None
    predictive: bool
    folds: int | None
    by: str | None
    html: Path | None
    as_json: bool

    def check(self) -> None:
        """Raises click.UsageError where options contradict each other, SpinelinkError by its name."""
        if self.alerts and (self.claims or self.influence or self.html or self.predictive):
            raise click.UsageError("--alerts goes with --network, --setting and --json only.")
        if self.setting is not None and not self.alerts:
            raise click.UsageError(
                "--setting goes with --alerts: each claim names its own setting."
            )
        if self.predictive and self.influence:
            raise click.UsageError("--influence belongs to an audit without --predictive.")
        if not self.predictive and (self.folds is not None or self.by is not None):
            raise click.UsageError("--folds and --by need --predictive.")
        if self.by == "year" and self.folds is not None:
            raise click.UsageError("--folds belongs to --by study; by year there is one part.")
        if self.html is not None:
            require_ending(self.html, ".html", ".htm", ".xhtml")


def _tell(
    answer: Result, text: str, page: Callable[[], str], html: Path | None, *, as_json: bool
) -> None:
    """Prints an answer, and writes its page where one is asked for."""
    if html is not None:
        write_text(html, page())
    if as_json:
        print_document(answer.to_dict())
        return
    say(text)
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


def predictive_text(found: CrossValidation) -> str:
    """Scores of predicted figures by grade of fit, kind and setting, and in total, as text."""
    tables = [found.summary(column) for column in GROUPS]
    shown = (frame_text(t, index=True, zeros=False) for t in [*tables, found.total()])
    return "\n\n".join([found.title(), *shown])
