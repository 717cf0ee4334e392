"""A network as the text of a network file, in canonical layout: field order of the types, short mappings on one line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from pydantic import BaseModel

from spinelink.network.network import Network

WIDTH = 140
_HEADER = "# yaml-language-server: $schema=network.schema.json\n"
FIELD_ORDER = (
    "word",
    "words",
    "estimate",
    "before_fit",
    "interval",
    "level",
    "counts",
    "equivalent_sample_size",
    "beta",
    "grade",
    "source",
    "evidence",
    "note",
)
"""The order in which a number is written: how much, how sure, how good, from where."""

_PLAIN = re.compile(r"[A-Za-z0-9_(](?:[A-Za-z0-9_ ./+()%<>=;-]|:(?=[A-Za-z0-9]))*")
_NUMBER_LIKE = re.compile(
    r"[-+]?[0-9._]+([eE][-+]?[0-9]+)?|0[box][0-9A-Fa-f_]+|[0-9][0-9_:.]*|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*"
)
_VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9.]+")
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_+.][A-Za-z0-9_+.<>=/-]*")
_RESERVED = re.compile(r"null|true|false|yes|no|on|off|y|n", re.IGNORECASE)
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_SPECIAL = re.compile(
    '["\\\\]|[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]'
)


def dump_network(network: Network) -> str:
    """The whole text of a network file. Comments and layout of a file that the network came from are not in it."""
    lines: list[str] = []
    for key, value in plain(network).items():
        if key in {"settings", "nodes", "alerts", "sources", "changes"}:
            lines.append("")
        lines.extend(_block(key, value, depth=0))
    return _HEADER + "\n".join(lines) + "\n"


def plain(value: BaseModel) -> dict[str, object]:
    """A value as mappings, lists, text and numbers, without what only repeats a default."""
    data = value.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return cast(dict[str, object], _simple("", data))


def rank(field: str) -> int:
    """Where a field of a number stands in the usual order."""
    return FIELD_ORDER.index(field) if field in FIELD_ORDER else len(FIELD_ORDER)


def _simple(key: str, value: object) -> object:
    """One source is written as a key, not as a list of one; a word stands for what it says."""
    if isinstance(value, Mapping):
        value = _in_words(value)
        if isinstance(value, str):
            return value
        keys = (
            sorted(map(str, value), key=rank)
            if isinstance(value.get("grade"), str) or value.get("word") or value.get("words")
            else list(value)
        )
        return {str(k): _simple(str(k) if key != "given" else "", value[k]) for k in keys}
    if isinstance(value, (list, tuple)):
        if key in {"source", "evidence"} and len(value) == 1 and isinstance(value[0], str):
            return value[0]
        return [_simple("", item) for item in value]
    return value


def _in_words(value: Mapping[str, object]) -> Mapping[str, object] | str:
    """A parameter that is stated in words, without the estimate and the grade that follow."""
    if not isinstance(value.get("grade"), str) or not (value.get("word") or value.get("words")):
        return value
    left = {k: v for k, v in value.items() if k != "estimate" and (k, v) != ("grade", "judged")}
    word = left.get("word")
    return word if isinstance(word, str) and len(left) == 1 else left


def flow(value: object) -> str:
    """A value on one line."""
    if isinstance(value, Mapping):
        return (
            "{"
            + ", ".join(f"{key_text(str(key))}: {flow(item)}" for key, item in value.items())
            + "}"
        )
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    return scalar(value)


def scalar(value: object) -> str:
    """Text, a number, true, false or null."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, int):
        return str(value)
    text = str(value)
    ambiguous = _RESERVED.fullmatch(text) or (
        _NUMBER_LIKE.fullmatch(text) and not _VERSION.fullmatch(text)
    )
    return (
        text
        if _PLAIN.fullmatch(text) and not ambiguous and not text.endswith(" ")
        else quoted(text)
    )


def quoted(text: str) -> str:
    """Text in double quotes, on one line."""
    return (
        '"'
        + _SPECIAL.sub(
            lambda found: _ESCAPES.get(found.group()) or _escape(ord(found.group())), text
        )
        + '"'
    )


def _escape(code: int) -> str:
    return (
        f"\\x{code:02X}"
        if code < 0x100
        else f"\\u{code:04X}"
        if code < 0x10000
        else f"\\U{code:08X}"
    )


def key_text(key: str) -> str:
    """A key; keys are always text, so that 80 and 18-34 need no quotes."""
    return key if _PLAIN_KEY.fullmatch(key) and not _RESERVED.fullmatch(key) else quoted(key)


def _block(key: str, value: object, *, depth: int) -> Iterator[str]:
    """A key and its value: on one line if short and below the second level, else indented."""
    indent = "  " * depth
    line = f"{indent}{key_text(key)}: {flow(value)}"
    if (
        not isinstance(value, (Mapping, Sequence))
        or isinstance(value, str)
        or not value
        or _fits(line, value, depth=depth)
    ):
        yield line
        return
    yield f"{indent}{key_text(key)}:"
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _block(str(name), item, depth=depth + 1)
        return
    for item in value:
        yield f"{indent}  - {flow(item)}"


def _fits(line: str, value: object, *, depth: int) -> bool:
    return depth > 0 and len(line) <= WIDTH and _height(value) <= 2


def _height(value: object) -> int:
    """How many levels of mappings and lists a value has. A network's types bound it."""
    items = (
        value.values()
        if isinstance(value, Mapping)
        else value
        if isinstance(value, (list, tuple))
        else ()
    )
    return (
        1 + max(map(_height, items), default=0)
        if items or isinstance(value, (Mapping, list, tuple))
        else 0
    )
