"""`spinelink batch`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from spinelink.cli.output import existing_file, load_model, network_option, setting_option
from spinelink.cli.screen import say

if TYPE_CHECKING:
    from spinelink.diagnosis import Model

STOPPED = "stopped; finished chunks are kept, and the same command goes on from there."


@click.command()
@click.argument("patients", type=existing_file)
@click.option(
    "--out",
    "-o",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the answers go: .csv or .parquet.",
)
@network_option
@setting_option
@click.option(
    "--of",
    multiple=True,
    metavar="NODE|GROUP",
    help="causes, all, evidence, or a node (again for more).  [default: causes]",
)
@click.option(
    "--keep",
    multiple=True,
    metavar="COLUMN",
    help="A column that is no finding, handed through (again for more).",
)
@click.option(
    "--chunk", type=click.IntRange(min=1), default=10_000, show_default=True, help="Rows in a part."
)
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    help="Work at once.  [default: as many as cores, at most 8]",
)
@click.option(
    "--shard",
    default="1/1",
    show_default=True,
    metavar="I/N",
    help="Only every N-th chunk, from the I-th on: one of N machines.",
)
@click.option(
    "--on-impossible",
    type=click.Choice(["raise", "flag"]),
    default="flag",
    show_default=True,
    help="Rows that contradict the network.",
)
@click.option(
    "--overwrite",
    is_flag=True,
    help="Replace the output where it is there already, and discard parts of another batch.",
)
def batch(
    *,
    patients: Path,
    out: Path,
    network: str | None,
    setting: str | None,
    of: tuple[str, ...],
    keep: tuple[str, ...],
    chunk: int,
    threads: int | None,
    shard: str,
    on_impossible: str,
    overwrite: bool,
) -> None:
    """Posteriors of a whole file of patients (CSV or Parquet), larger than memory.

    One row a patient, one column a node. An empty cell was not assessed, nor one with NA, nan, null,
    None, n/a, - or ?. Columns node=state hold likelihoods. The answers come out in the order of the rows, with log_evidence, the logarithm of
    P(findings). A row that contradicts the network has -inf there and no posteriors.

    Stopped or killed, the same command goes on where it was: finished chunks stand in OUT.parts.
    While it runs, OUT.lock keeps other batches off. A refused command leaves nothing behind.

    Example: spinelink batch patients.parquet --out posteriors.parquet --keep patient_id
    """
    from tqdm import tqdm

    from spinelink.table.files import score_file, shard_of

    model = load_model(network, setting)
    wanted = _wanted(of)
    stamp = {
        "network": model.name,
        "fingerprint": model.fingerprint,
        "setting": model.setting,
        "of": wanted,
        "keep": list(keep),
        "on_impossible": on_impossible,
    }
    score = _scorer(model, wanted, keep=keep, threads=threads, raising=on_impossible == "raise")
    with tqdm(unit="row", unit_scale=True, disable=None) as bar:
        try:
            report = score_file(
                score,
                patients,
                out=out,
                stamp=stamp,
                chunk=chunk,
                shard=shard_of(shard),
                overwrite=overwrite,
                on_progress=bar.update,
            )
        except KeyboardInterrupt:
            bar.close()
            say(f"\nspinelink: {STOPPED}", err=True)
            raise click.Abort from None
    again = f", {report.resumed:,} of {report.chunks:,} chunks from an earlier run"
    say(f"Written: {report.out} ({report.rows:,} rows{again if report.resumed else ''})")


def _wanted(of: tuple[str, ...]) -> str | list[str]:
    """The nodes whose posteriors are computed: a group by name, or a list."""
    from spinelink.table.posteriors import GROUPS

    if not of:
        return "causes"
    return of[0] if len(of) == 1 and of[0] in GROUPS else list(of)


def _scorer(
    model: Model,
    wanted: str | list[str],
    *,
    keep: tuple[str, ...],
    threads: int | None,
    raising: bool,
) -> Callable[[object, int], object]:
    """The function that answers a chunk: its table, and the number of its first row."""
    from spinelink.table.posteriors import posteriors

    def score(frame: object, first_row: int) -> object:
        return posteriors(
            model,
            frame,
            of=wanted,
            keep=keep,
            threads=threads,
            progress=False,
            on_impossible="raise" if raising else "flag",
            first_row=first_row,
        )

    return score
