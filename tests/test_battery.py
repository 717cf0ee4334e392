"""The battery: bad inputs as data, each with what it should give (issue 17).

Five sorts: network files, findings, tables, command lines, parameters and options. Each input is
refused with the words that stand beside it, or accepted as what stands there.
"""

from __future__ import annotations

import contextlib
import copy
import csv
import datetime as dt
import io
import math
import re
import traceback
import warnings
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import yaml

import spinelink as sl
from spinelink.cli import main
from spinelink.errors import SpinelinkError
from spinelink.io.network_file import check_file, parse_network, read_network
from spinelink.network.question import fingerprint

DATA = Path(__file__).parent / "data"
GOOD = (DATA / "good.yaml").read_text(encoding="utf-8")
LEAST_CASES, LEAST_KINDS = 600, 60
WRONG = ("silent-wrong", "silently accepted", "raw traceback", "misleading")


class Entry(NamedTuple):
    """One input. given: as the sort reads it. wanted: words of the error, or what it is read as."""

    sort: str
    kind: str
    given: Any
    refused: tuple[str, ...] | None
    accepted: Any
    about: dict[str, Any]


class Refused(NamedTuple):
    """What came of an input that was refused: its words, and whether the error is one of ours."""

    words: str
    raw: str = ""


@cache
def model(name: str = "minimal") -> sl.Model:
    return sl.load(name)


def entries(sort: str) -> list[Entry]:
    """The inputs of one file of the battery."""
    document = yaml.safe_load((DATA / "battery" / f"{sort}.yaml").read_text(encoding="utf-8"))
    found = []
    for group in document:
        about = {
            k: v
            for k, v in group.items()
            if k not in ("kind", "given", "python", "refused", "accepted")
        }
        words = group.get("refused", group.get("warned"))
        refused = None if words is None else tuple(words)
        for given in group.get("given", []):
            found.append(Entry(sort, group["kind"], given, refused, group.get("accepted"), about))
        for text in group.get("python", []):
            about_python = {**about, "python": True}
            found.append(
                Entry(sort, group["kind"], text, refused, group.get("accepted"), about_python)
            )
    return found


def names(folder: Path) -> dict[str, Any]:
    """What the expressions of the battery may use."""
    return {
        "sl": sl,
        "np": np,
        "pd": pd,
        "pl": pl,
        "pa": pa,
        "datetime": dt,
        "math": math,
        "Decimal": Decimal,
        "Fraction": Fraction,
        "Path": Path,
        "folder": folder,
        "model": model(),
        "case": model().observe(numbness=True, leg_pain="below_knee"),
        "frame": model().sample(20, seed=1),
        "Case": sl.Case,
        "Model": sl.Model,
    }


def evaluated(entry: Entry, folder: Path) -> Any:
    return (
        eval(entry.given, names(folder))
        if entry.about.get("python")
        else copy.deepcopy(entry.given)
    )


def attempt(action: Callable[[], Any]) -> Any:
    """What an action gives, or how it was refused."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return action()
    except SpinelinkError as error:
        return Refused(str(error))
    except (TypeError, ValueError) as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        ours = "spinelink" in last.filename and "raise" in (last.line or "")
        bound = "argument" in str(error)  # Python's own sentence about a call
        return Refused(str(error), "" if ours or bound else f"{type(error).__name__}: {error}")
    except Exception as error:
        return Refused(str(error), f"{type(error).__name__}: {error}")


def finding(entry: Entry, folder: Path) -> Any:
    asked = model(entry.about.get("network", "minimal"))
    return attempt(lambda: asked.observe(evaluated(entry, folder)).evidence)


def network_file(entry: Entry, folder: Path) -> Any:
    old, new = entry.given
    assert GOOD.count(old) >= 1, f"good.yaml has no {old!r}"
    text = GOOD.replace(old, new, 1)
    if "warned" in entry.about:
        file = folder / "bad.yaml"
        file.write_text(text, encoding="utf-8")
        found = check_file(file)
        assert all(p.severity == "warning" for p in found)
        return Refused("\n".join(map(str, found))) if found else fingerprint(read_network(file))
    found = attempt(lambda: fingerprint(parse_network(text, file="bad.yaml")))
    if isinstance(found, Refused) and entry.refused == ("bad.yaml",):
        first = GOOD[: GOOD.index(old)].count("\n") + 1
        last = first + max(old.count("\n"), new.count("\n"))
        lines = [int(n) for n in re.findall(r"^bad\.yaml:(\d+):", found.words, re.MULTILINE)]
        if not any(first - 1 <= n <= last + 1 for n in lines):  # it must say where
            return Refused("")
    return found


def table(entry: Entry, folder: Path) -> Any:
    """P(findings) of each row."""
    asked = model(entry.about.get("network", "minimal"))
    options = entry.about.get("options", {})
    if entry.about.get("python"):
        frame = attempt(lambda: evaluated(entry, folder))
        assert not isinstance(frame, Refused), frame
        return attempt(lambda: logs(asked.posteriors(frame, of="evidence", **options)))
    patients, out = folder / "patients.csv", folder / "out.csv"
    given = entry.given
    patients.write_bytes(given if isinstance(given, bytes) else given.encode("utf-8"))
    keep = [word for column in options.get("keep", []) for word in ("--keep", column)]
    words = [
        "batch",
        str(patients),
        "-o",
        str(out),
        "-n",
        asked.name,
        "--of",
        "evidence",
        "--overwrite",
    ]
    status, _, error = command([*words, *keep])
    if status:
        return Refused(error, error if "Traceback" in error else "")
    with out.open(newline="") as stream:
        return [float(row["log_evidence"]) for row in csv.DictReader(stream)]


def logs(frame: Any) -> list[float]:
    return (
        [float(v) for v in frame["log_evidence"].to_numpy()]
        if hasattr(frame["log_evidence"], "to_numpy")
        else frame["log_evidence"].to_pylist()
    )


def command(words: list[str]) -> tuple[int, str, str]:
    """A command in this process: its status, what it wrote, and its errors."""
    out, error = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
        try:
            status = main(words)
        except BaseException:
            return 70, out.getvalue(), f"Traceback {traceback.format_exc()}"
    return status, out.getvalue(), error.getvalue()


def command_line(entry: Entry, folder: Path) -> Any:
    words = [str(word).replace("FOLDER", str(folder)) for word in entry.given]
    for name, text in entry.about.get("files", {}).items():
        (folder / name).write_text(text, encoding="utf-8")
    status, out, error = command(words)
    if status:
        wanted = entry.about.get("status", 2)
        raw = error if "Traceback" in error else ""
        return Refused(error if status == wanted else f"wrong status {status}", raw)
    return out


def option(entry: Entry, folder: Path) -> Any:
    return attempt(lambda: eval(entry.given, names(folder)))


RUN: dict[str, Callable[[Entry, Path], Any]] = {
    "networks": network_file,
    "findings": finding,
    "tables": table,
    "commands": command_line,
    "options": option,
}


def as_wanted(entry: Entry, found: Any) -> bool:
    """True where an accepted input was read as what it should be."""
    if entry.sort == "tables":
        asked = model(entry.about.get("network", "minimal"))
        wanted = [asked.observe(row).log_evidence for row in entry.accepted]
        return len(wanted) == len(found) and bool(np.allclose(wanted, found, atol=1e-9))
    if entry.sort == "commands":
        return all(words in " ".join(found.split()) for words in entry.accepted)
    if entry.sort == "findings":
        return set(found) == set(entry.accepted) and all(
            _close(found[n], v) for n, v in entry.accepted.items()
        )
    if entry.sort == "networks":
        return True
    return bool(eval(entry.accepted, {"found": found, **names(Path())}))


def _close(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        return set(found) == set(wanted) and all(
            math.isclose(found[s], w) for s, w in wanted.items()
        )
    return bool(found == wanted)


def judged(entry: Entry, found: Any) -> str:
    """Which of the four faults an outcome is; empty where it is right."""
    if isinstance(found, Refused):
        if found.raw:
            return "raw traceback"
        if entry.refused is None:
            return "misleading"
        text = " ".join(found.words.replace("│", " ").split()).casefold()
        return "" if all(w.casefold() in text for w in entry.refused) else "misleading"
    if entry.refused is not None:
        return "silently accepted"
    return "" if as_wanted(entry, found) else "silent-wrong"


@pytest.fixture
def outcomes(tmp_path, monkeypatch) -> Iterator[Callable[[str], list[tuple[Entry, str, Any]]]]:
    monkeypatch.chdir(tmp_path)

    def run(sort: str) -> list[tuple[Entry, str, Any]]:
        rows = []
        for number, entry in enumerate(entries(sort)):
            folder = tmp_path / f"{sort}{number}"
            folder.mkdir()
            found = RUN[sort](entry, folder)
            rows.append((entry, judged(entry, found), found))
        return rows

    yield run


@pytest.mark.parametrize("sort", sorted(RUN))
def test_the_battery(sort, outcomes, record_property):
    """Each bad input is refused in the words that help, and each odd one is read as what it means."""
    rows = outcomes(sort)
    later = [r for r in rows if r[1] and "after" in r[0].about]
    wrong = [r for r in rows if r[1] and "after" not in r[0].about]
    figures = ", ".join(f"{name} {sum(r[1] == name for r in wrong)}" for name in WRONG)
    kinds = len({r[0].kind for r in rows})
    waiting = f"; {len(later)} wait for another mend" if later else ""
    record_property(
        f"measured battery {sort}", f"{len(rows)} inputs of {kinds} kinds: {figures}{waiting}"
    )
    assert not wrong, "\n".join(
        f"{fault}: {entry.kind}: {entry.given!r} -> {str(found)[:300]!r}"
        for entry, fault, found in wrong
    )


def test_the_battery_is_large_and_varied(record_property):
    every = [entry for sort in RUN for entry in entries(sort)]
    kinds = {(entry.sort, entry.kind) for entry in every}
    record_property("measured battery", f"{len(every)} inputs of {len(kinds)} kinds")
    assert len(every) >= LEAST_CASES and len(kinds) >= LEAST_KINDS
    distinct = {(e.sort, repr(e.given), repr(sorted(e.about.items(), key=str))) for e in every}
    assert len(distinct) == len(every), "no input stands there twice"
