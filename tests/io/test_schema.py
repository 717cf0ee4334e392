"""The committed JSON Schema is current, and agrees with the types."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest

from spinelink.io.schema import FOLDER, claims_schema, main, network_schema, schema_texts
from spinelink.io.source_text import decode_source
from spinelink.io.yaml_events import read_document

ROOT = Path(__file__).parents[2]
GOOD = (ROOT / "tests" / "data" / "good.yaml").read_text(encoding="utf-8")
VALIDATOR = jsonschema.Draft202012Validator(network_schema())


def read(text: str) -> object:
    return read_document(decode_source(text, file="f")).value


def test_committed_schemas_are_current(tmp_path: Path) -> None:
    for name, text in schema_texts().items():
        assert (ROOT / FOLDER / name).read_text(encoding="utf-8") == text, (
            "run: python -m spinelink.io.schema"
        )
    main([str(tmp_path)])
    assert {
        path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()
    } == schema_texts()


def test_schemas_are_schemas() -> None:
    for schema in (network_schema(), claims_schema()):
        jsonschema.Draft202012Validator.check_schema(schema)


def test_committed_claims_are_valid_and_bad_ones_are_not() -> None:
    validator = jsonschema.Draft202012Validator(claims_schema())
    for path in sorted((ROOT / "networks").glob("*.claims.yaml")):
        text = path.read_text(encoding="utf-8")
        validator.validate(read(text))
        assert not validator.is_valid(read(text.replace("kind: prevalence", "kind: prevalance", 1)))


def test_good_files_are_valid() -> None:
    VALIDATOR.validate(read(GOOD))


@pytest.mark.parametrize(
    "path",
    [path for path in sorted((ROOT / "networks").glob("*.yaml")) if "." not in path.stem],
    ids=lambda path: path.stem,
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
