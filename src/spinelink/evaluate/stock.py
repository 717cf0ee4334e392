"""What becomes of each record of the evidence stock: a number of the network rests on it, a claim states it, or it is not used, for a reason."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from spinelink.errors import NetworkFileError, SpinelinkError
from spinelink.io.source_text import read_source
from spinelink.io.yaml_events import read_document
from spinelink.network.claim import ClaimFile
from spinelink.network.network import Network
from spinelink.network.parameter_ids import parameters

COLUMNS = ("record", "quantity", "setting", "use", "by", "reason")


@dataclass(frozen=True)
class Record:
    """One published figure of the stock, as far as a table of uses needs it."""

    id: str
    quantity: str
    setting: str
    doi: str | None
    pmid: str | None
    secondhand: bool


@dataclass(frozen=True)
class Use:
    """What becomes of a record. use: "number", "claim", "number and claim", or "unused"; by: the numbers and claims; reason: where unused."""

    record: Record
    use: str
    by: tuple[str, ...]
    reason: str = ""


def read_stock(path: Path) -> dict[str, Record]:
    """The records of a stock of evidence by id. Raises NetworkFileError where the file is not YAML, SpinelinkError where it holds no records."""
    document = read_document(read_source(path))
    if document.problems:
        raise NetworkFileError(document.problems)
    records = document.value.get("records") if isinstance(document.value, dict) else None
    if not isinstance(records, list):
        raise SpinelinkError(f"{path}: a stock of evidence has a list of records")
    found: dict[str, Record] = {}
    for each in records:
        source = each.get("source") or {}
        name = str(each["id"])
        if name in found:
            raise SpinelinkError(f"{path}: record {name} stands there twice")
        pmid = source.get("pmid")
        found[name] = Record(
            name,
            each["quantity"],
            each["setting"],
            source.get("doi"),
            None if pmid is None else str(pmid),
            bool(each.get("secondhand")),
        )
    return found


def evidence_uses(
    network: Network, claims: ClaimFile, *, stock: Mapping[str, Record]
) -> tuple[Use, ...]:
    """The use of every record, in the stock's order.

    Raises SpinelinkError that lists what does not add up: records that are nowhere, in two lists, or not in the stock.
    """
    numbers: dict[str, list[str]] = {}
    overrides = [
        (f"{s}:{name}", p)
        for s, setting in network.settings.items()
        for name, p in setting.overrides.items()
    ]
    for name, p in [*parameters(network).items(), *overrides]:
        for record in p.evidence:
            numbers.setdefault(record, []).append(name)
    stated: dict[str, list[str]] = {}
    for name, claim in claims.claims.items():
        for record in claim.evidence:
            stated.setdefault(record, []).append(f"claim {name}")
    wrong = [
        f"record {r} is not in the stock"
        for r in sorted({*numbers, *stated, *claims.unused} - stock.keys())
    ]
    wrong += [
        f"record {r} is called unused, and is used"
        for r in sorted(claims.unused.keys() & {*numbers, *stated})
    ]
    wrong += [
        f"record {r} is neither used nor listed as unused"
        for r in stock
        if r not in numbers and r not in stated and r not in claims.unused
    ]
    if wrong:
        raise SpinelinkError(
            "the evidence stock and its uses do not match:\n  " + "\n  ".join(wrong)
        )
    return tuple(
        _use(
            record,
            numbers.get(name, []),
            stated=stated.get(name, []),
            reason=claims.unused.get(name, ""),
        )
        for name, record in stock.items()
    )


def _use(record: Record, numbers: list[str], *, stated: list[str], reason: str) -> Use:
    use = (
        " and ".join(word for word, by in (("number", numbers), ("claim", stated)) if by)
        or "unused"
    )
    return Use(record, use, (*numbers, *stated), reason)


def uses_table(uses: tuple[Use, ...]) -> str:
    """The table of uses as CSV, sorted by record."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for u in sorted(uses, key=lambda u: u.record.id):
        writer.writerow(
            (u.record.id, u.record.quantity, u.record.setting, u.use, "; ".join(u.by), u.reason)
        )
    return text.getvalue()
