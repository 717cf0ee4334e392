"""The JSON Schemas of the network file and of the file of claims, for editors; `python -m spinelink.io.schema` writes them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from spinelink.network.claim import ClaimFile
from spinelink.network.network import Network
from spinelink.network.scale import SCALE_OF

FOLDER = Path("networks")
NETWORK, CLAIMS = "network.schema.json", "claims.schema.json"


def network_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a network file, from the types in `model/`."""
    return _schema(Network, "spinelink network file")


def claims_schema() -> dict[str, Any]:
    """The JSON Schema of a file of claims."""
    return _schema(ClaimFile, "spinelink file of claims")


def _schema(kind: type[BaseModel], title: str) -> dict[str, Any]:
    schema = _closed(kind.model_json_schema(by_alias=True, mode="validation"))
    definitions = schema.get("$defs", {})
    for name in {"Probability", "Ratio"} & set(definitions):
        # A rate, which is a ratio, may be a frequency too.
        words = [w for w, scale in SCALE_OF.items() if scale != "strength" or name == "Ratio"]
        definitions[name] = {"anyOf": [{"enum": words}, definitions[name]]}  # a word by itself
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        **{key: value for key, value in schema.items() if key != "title"},
    }


def schema_texts() -> dict[str, str]:
    """The schemas as the committed files hold them, by name."""
    schemas = {NETWORK: network_schema(), CLAIMS: claims_schema()}
    return {
        name: json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        for name, schema in schemas.items()
    }


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
    """Write the schemas into the folder given, else to their place in the repository."""
    folder = Path(arguments[0]) if arguments else Path(__file__).parents[3] / FOLDER
    for name, text in schema_texts().items():
        (folder / name).write_text(text, encoding="utf-8")
        sys.stdout.write(f"{folder / name}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
