"""What becomes of each record of the evidence stock.

A parameter of the network rests on it, a claim states it, or it is not used, for a reason.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
    """What becomes of a record.

    Attributes:
        record: of the stock.
        use: "number", "claim", "number and claim", or "unused".
        by: the parameters and claims that use it.
        reason: why it is unused.
    """

    record: Record
    use: str
    by: tuple[str, ...]
    reason: str = ""


def read_stock(path: Path) -> dict[str, Record]:
    """The records of a stock of evidence by id. path: a file, or a folder of YAML files.

    Raises:
        NetworkFileError: a file is not YAML.
        SpinelinkError: it holds no records, or one twice.
    """
    stock: dict[str, Record] = {}
    for file in sorted(path.glob("*.yaml")) if path.is_dir() else [path]:
        for record in _records(file):
            if record.id in stock:
                raise SpinelinkError(f"{file}: record {record.id} stands there twice")
            stock[record.id] = record
    if not stock:
        raise SpinelinkError(f"{path}: a stock of evidence has records")
    return stock


def _records(file: Path) -> list[Record]:
    document = read_document(read_source(file))
    if document.problems:
        raise NetworkFileError(document.problems)
    records = document.value.get("records") if isinstance(document.value, dict) else None
    if not isinstance(records, list):
        raise SpinelinkError(f"{file}: a stock of evidence has a list of records")
    return [_record(entry) for entry in records]


def _record(entry: Mapping[str, Any]) -> Record:
    source = entry.get("source") or {}
    pmid = source.get("pmid")
    return Record(
        str(entry["id"]),
        entry["quantity"],
        entry["setting"],
        source.get("doi"),
        None if pmid is None else str(pmid),
        bool(entry.get("secondhand")),
    )


def evidence_uses(
    network: Network, claims: ClaimFile, *, stock: Mapping[str, Record]
) -> tuple[Use, ...]:
    """The use of every record, in the stock's order.

    Args:
        network: whose parameters name records.
        claims: which name records too, and list those that are unused.
        stock: the records by id.

    Raises:
        SpinelinkError: it lists the records that are nowhere, in two lists, or not in the stock.
    """
    by_parameters = _parameters_by_record(network)
    by_claims: dict[str, list[str]] = {}
    for name, claim in claims.claims.items():
        for record in claim.evidence:
            by_claims.setdefault(record, []).append(f"claim {name}")
    used, unused = {*by_parameters, *by_claims}, claims.unused.keys()
    wrong = [
        *(f"record {r} is not in the stock" for r in sorted({*used, *unused} - stock.keys())),
        *(f"record {r} is called unused, and is used" for r in sorted(unused & used)),
        *(
            f"record {r} is neither used nor listed as unused"
            for r in stock
            if r not in used and r not in unused
        ),
    ]
    if wrong:
        lines = "\n  ".join(wrong)
        raise SpinelinkError(f"the evidence stock and its uses do not match:\n  {lines}")
    return tuple(
        _use(
            record,
            claims.unused.get(name, ""),
            by_parameters=by_parameters.get(name, []),
            by_claims=by_claims.get(name, []),
        )
        for name, record in stock.items()
    )


def _parameters_by_record(network: Network) -> dict[str, list[str]]:
    """The parameters, overrides of settings included, that rest on each record."""
    overrides = [
        (f"{s}:{name}", p)
        for s, setting in network.settings.items()
        for name, p in setting.overrides.items()
    ]
    by_record: dict[str, list[str]] = {}
    for name, p in [*parameters(network).items(), *overrides]:
        for record in p.evidence:
            by_record.setdefault(record, []).append(name)
    return by_record


def _use(record: Record, reason: str, *, by_parameters: list[str], by_claims: list[str]) -> Use:
    users = (("number", by_parameters), ("claim", by_claims))
    use = " and ".join(word for word, by in users if by) or "unused"
    return Use(record, use, (*by_parameters, *by_claims), reason)


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
