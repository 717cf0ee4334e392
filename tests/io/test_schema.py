"""The committed JSON Schema is current, and agrees with the types."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest

from spinelink.io.schema import COMMITTED, main, network_schema, schema_text
from spinelink.io.source_text import decode_source
from spinelink.io.yaml_events import read_document

ROOT = Path(__file__).parents[2]
GOOD = (ROOT / "tests" / "data" / "good.yaml").read_text(encoding="utf-8")
VALIDATOR = jsonschema.Draft202012Validator(network_schema())


def read(text: str) -> object:
    return read_document(decode_source(text, file="f")).value


def test_committed_schema_is_current(tmp_path: Path) -> None:
    assert (ROOT / COMMITTED).read_text(encoding="utf-8") == schema_text(), "run: python -m spinelink.io.schema"
    main([str(tmp_path / "s.json")])
    assert (tmp_path / "s.json").read_bytes().endswith(b"}\n")


def test_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(network_schema())


def test_good_files_are_valid() -> None:
    VALIDATOR.validate(read(GOOD))


@pytest.mark.parametrize(
    "path", [path for path in sorted((ROOT / "networks").glob("*.yaml")) if "." not in path.stem], ids=lambda path: path.stem
)
def test_bundled_networks_are_valid(path: Path) -> None:
    VALIDATOR.validate(read(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("label: Age", "lable: Age"),
        ("estimate: 0.02", "estimate: 85"),
        ("role: mechanism", "role: mechanisms"),
        ("kind: noisy_or", "kind: noisy_ro"),
        ("  pattern:\n", "  pat tern:\n"),
        ("grade: derived, source", "source"),
        ("one_side: {counts: [30, 50], grade: measured, source: li2013}", "one_side: 0.3"),
        ("label: Age", "label: 80"),
    ],
)
def test_bad_files_are_not(old: str, new: str) -> None:
    assert old in GOOD
    assert not VALIDATOR.is_valid(read(GOOD.replace(old, new, 1)))
