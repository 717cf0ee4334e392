"""The JSON Schema of the network file, for editors; `python -m spinelink.io.schema` writes it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from spinelink.model.network import Network

COMMITTED = Path("networks/network.schema.json")


def network_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a network file, from the types in `model/`."""
    schema = _closed(Network.model_json_schema(by_alias=True, mode="validation"))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "spinelink network file",
        **{key: value for key, value in schema.items() if key != "title"},
    }


def schema_text() -> str:
    """The schema as the committed file holds it."""
    return json.dumps(network_schema(), indent=2, ensure_ascii=False) + "\n"


def _closed(value: Any) -> Any:
    """Mappings refuse keys of a wrong form, and a number that could be of two kinds is of either."""
    if isinstance(value, list):
        return [_closed(item) for item in value]
    if not isinstance(value, dict):
        return value
    result = {key: _closed(item) for key, item in value.items()}
    if "patternProperties" in result:
        result.setdefault("additionalProperties", False)
    if "oneOf" in result and "discriminator" not in result:
        result["anyOf"] = result.pop("oneOf")
    return result


def main(arguments: list[str]) -> None:
    """Write the schema to the path given, else to its place in the repository."""
    path = Path(arguments[0]) if arguments else Path(__file__).parents[3] / COMMITTED
    path.write_text(schema_text(), encoding="utf-8")
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
