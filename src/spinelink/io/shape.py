"""What the types refuse, in plain words: unknown keys, missing ones, text where a number belongs."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, Tag
from pydantic_core import ErrorDetails

from spinelink.errors import near_names
from spinelink.io.yaml_events import Path
from spinelink.network.base import NAME_PATTERN, STATE_PATTERN
from spinelink.network.check.issue import Issue, near
from spinelink.network.network import Network

NUMBER_HINT = "a number says where it comes from: {{estimate: {}, interval: [low, high], grade: measured, source: KEY}}"
_KINDS = {"prior", "table", "noisy_or", "noisy_max", "log_odds", "accuracy", "deterministic"}
_PATTERNS = {
    NAME_PATTERN: "a name has letters, digits and underscores only, and no digit first",
    STATE_PATTERN: "a state has letters, digits and _ + - < > . only",
    r"^[a-z0-9][a-z0-9-]*$": "small letters, digits and hyphens only",
    r"^10\.\S+$": "a doi begins with 10.",
    r"^\d{1,9}$": "a pmid has digits only",
    r"^HP:\d{7}$": "written like HP:0008441",
    r"^MONDO:\d{7}$": "written like MONDO:0005178",
}
_FIELD_HINTS = {
    "grade": "measured, derived or judged",
    "kind": ", ".join(sorted(_KINDS)),
    "role": "context, cause, mechanism, symptom, sign, test or other",
    "spinelink": "begin the file with 'spinelink: 1'",
}


def issues_of(errors: Sequence[ErrorDetails]) -> list[Issue]:
    """The refusals of pydantic as issues. A list is not called too short for items that were refused already."""
    around = {error["loc"][:length] for error in errors for length in range(len(error["loc"]))}
    return [
        issue_of(error)
        for error in errors
        if not (error["type"] == "too_short" and error["loc"] in around)
    ]


def issue_of(error: ErrorDetails) -> Issue:
    """One refusal of pydantic as an issue with its path in the file."""
    path = _path(error)
    words = _words(path)
    at_key = "[key]" in error["loc"] or error["type"] in {"extra_forbidden", "missing"}
    message, hint = _TRANSLATIONS.get(error["type"], _other)(error, words)
    if error["type"] == "missing":
        at_key, path = not isinstance(path[-1], int), path[:-1]
    return Issue(path, message, hint, at_key=at_key)


def _path(error: ErrorDetails) -> Path:
    """An unknown key is a key of the file even where it looks like the name of a union arm."""
    loc = error["loc"]
    return (*path_of(loc[:-1]), loc[-1]) if error["type"] == "extra_forbidden" else path_of(loc)


def path_of(loc: tuple[int | str, ...]) -> Path:
    """The keys of the file that a pydantic location stands for: union arms and CPD kinds are not among them."""
    parts = [part for index, part in enumerate(loc) if not _is_tag(loc, index)]
    return tuple(parts)


def _is_tag(loc: tuple[int | str, ...], index: int) -> bool:
    part = loc[index]
    in_cpd = index == 3 and loc[0] == "nodes" and loc[2] == "cpd"
    return (
        part == "[key]"
        or (isinstance(part, str) and part.startswith("|") and part.endswith("|"))
        or (in_cpd and part in _KINDS)
    )


def _words(path: Path) -> str:
    """`leak of numbness`."""
    if not path:
        return "the file"
    last = f"item {path[-1] + 1} of {path[-2]}" if isinstance(path[-1], int) else str(path[-1])
    around = [str(part) for part in path[:-1] if isinstance(part, str)]
    if path[0] in {"nodes", "settings", "alerts", "sources"}:
        inner = [
            str(part)
            for part in path[2:-1]
            if isinstance(part, str) and part not in {"cpd", "estimate", path[-1]}
        ]
        middle = f" of {inner[-1]}" if inner and not isinstance(path[-1], int) else ""
        return f"{last}{middle} of {path[1]}" if len(path) > 2 else last
    return f"{last} of {around[-1]}" if around and not isinstance(path[-1], int) else last


def _shown(value: object) -> str:
    """A value as people would name it."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    if value is None:
        return "empty"
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _missing(error: ErrorDetails, words: str) -> tuple[str, str]:
    field = error["loc"][-1]
    if isinstance(field, int):
        parent = error["loc"][-2]
        return (
            f"{_words(path_of(error['loc'][:-1]))} needs two numbers",
            "[k, n]" if parent == "counts" else "[low, high]",
        )
    return f"{words} is missing", _FIELD_HINTS.get(str(field), "")


def _extra(error: ErrorDetails, words: str) -> tuple[str, str]:
    path = _path(error)
    key, around = str(path[-1]), _words(path[:-1])
    if path[0] == "nodes" and path[2:-1] == ("codes",):
        snomed = "snomed" in key.casefold() or "sct" in key.casefold()
        why = "SNOMED CT codes may not be passed on; " if snomed else ""
        return f"codes of {path[1]} has no key {key!r}", f"{why}there are: hpo, mondo, icd10"
    if path[0] == "nodes" and path[2:] == ("cpd", "parents"):
        return (
            f"{path[1]} has parents, but its kind ({error['loc'][3]}) does not take a list of them",
            _parents_hint(str(error["loc"][3])),
        )
    fields = _fields_at(error["loc"][:-1])
    hint = near(key, fields) or f"there are: {', '.join(fields)}"
    return f"{around} has no key {key!r}", hint


def _parents_hint(kind: str) -> str:
    return (
        "a prior node has no parents; use kind: table"
        if kind == "prior"
        else "they are the keys of its links, odds_ratios or of"
    )


def _literal(error: ErrorDetails, words: str) -> tuple[str, str]:
    allowed = error["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", ")
    text = str(error["input"])
    names = near_names(text, allowed)
    hint = f"did you mean {names[0]!r}?" if names else ""
    if len(allowed) == 1:
        return f"{words} is {_shown(error['input'])}; it must be {allowed[0]}", hint
    return f"{words} is {_shown(error['input'])}; it must be one of {', '.join(allowed)}", hint


def _tag(error: ErrorDetails, words: str) -> tuple[str, str]:
    if error["type"] == "union_tag_not_found":
        return f"kind is missing in {words}", f"one of {_FIELD_HINTS['kind']}"
    tag = error["ctx"].get("tag", "")
    return f"{words} has the kind {tag!r}; the kinds are {_FIELD_HINTS['kind']}", near(
        tag, sorted(_KINDS)
    )


def _pattern(error: ErrorDetails, words: str) -> tuple[str, str]:
    rule = _PATTERNS.get(error["ctx"]["pattern"], "")
    what = "a bad name" if "[key]" in error["loc"] else f"{words} is wrong"
    return f"{what}: {_shown(error['input'])}", rule


def _number(error: ErrorDetails, words: str) -> tuple[str, str]:
    value = error["input"]
    hint = ""
    if isinstance(value, str):
        plain = value.replace("_", "").replace(",", ".").rstrip("% ")
        number = _as_number(plain)
        hint = (
            ""
            if number is None
            else f"write {number / 100 if value.rstrip().endswith('%') else number:.15g}"
        )
    return f"{words} must be a number, not {_shown(value)}", hint


def _as_number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < 1e300 else None


def _text(error: ErrorDetails, words: str) -> tuple[str, str]:
    value = error["input"]
    hint = "write it in quotes" if isinstance(value, (bool, int, float)) else ""
    return f"{words} must be text, not {_shown(value)}", hint


def _mapping(error: ErrorDetails, words: str) -> tuple[str, str]:
    value = error["input"]
    name = error.get("ctx", {}).get("class_name", "")
    if (
        name in {"Probability", "Ratio", "Distribution"}
        and isinstance(value, (int, float))
        and not isinstance(value, bool)
    ):
        return f"{words} is a bare number, {value:g}", NUMBER_HINT.format(f"{value:g}")
    if not path_of(error["loc"]):
        return f"a network file is a mapping, not {_shown(value)}", _FIELD_HINTS["spinelink"]
    return f"{words} must be a mapping (key: value), not {_shown(value)}", ""


def _bound(error: ErrorDetails, words: str) -> tuple[str, str]:
    context, value = error["ctx"], error["input"]
    bound = next(context[key] for key in ("ge", "gt", "le", "lt") if key in context)
    side = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}[next(iter(context))]
    percentage = (
        context.get("le") == 1.0 and isinstance(value, (int, float)) and 1.0 < value <= 100.0
    )
    return (
        f"{words} is {_shown(value)}; it must be {side} {bound:g}",
        f"a percentage? write {value / 100:.15g}" if percentage else "",
    )


def _length(error: ErrorDetails, words: str) -> tuple[str, str]:
    context = error["ctx"]
    if "min_length" in context:
        count = context["min_length"]
        return (
            (f"{words} is empty", "")
            if count == 1
            else (f"{words} needs at least {count} items", "")
        )
    what = "characters" if error["type"].startswith("string") else "items"
    return f"{words} is too long: at most {context['max_length']} {what}", ""


def _value(error: ErrorDetails, words: str) -> tuple[str, str]:
    return f"{words}: {error['msg'].removeprefix('Value error, ')}", ""


def _other(error: ErrorDetails, words: str) -> tuple[str, str]:
    message = error["msg"].removeprefix("Input should be ")
    return f"{words} should be {message}, not {_shown(error['input'])}", ""


_TRANSLATIONS: dict[str, Callable[[ErrorDetails, str], tuple[str, str]]] = {
    "missing": _missing,
    "extra_forbidden": _extra,
    "literal_error": _literal,
    "union_tag_invalid": _tag,
    "union_tag_not_found": _tag,
    "string_pattern_mismatch": _pattern,
    **dict.fromkeys(
        ("float_type", "int_type", "float_parsing", "int_parsing", "int_from_float"), _number
    ),
    "string_type": _text,
    **dict.fromkeys(("model_type", "dict_type", "model_attributes_type"), _mapping),
    **dict.fromkeys(("greater_than_equal", "greater_than", "less_than_equal", "less_than"), _bound),
    **dict.fromkeys(("too_short", "too_long", "string_too_short", "string_too_long"), _length),
    "tuple_type": lambda error, words: (
        f"{words} must be a list, not {_shown(error['input'])}",
        "write [..., ...]",
    ),
    "bool_type": lambda error, words: (
        f"{words} must be true or false, not {_shown(error['input'])}",
        "",
    ),
    "value_error": _value,
}


def _fields_at(loc: tuple[int | str, ...]) -> list[str]:
    """The keys that a mapping of the file may have, by walking the types along a pydantic location."""
    kind: Any = Network
    for part in loc:
        kind = _step(kind, part)
    kind = _bare(kind)
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return []
    return [field.alias or name for name, field in kind.model_fields.items()]


def _bare(kind: Any) -> Any:
    """A type without its annotations, and without None."""
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    if get_origin(kind) in (Union, types.UnionType):
        arms = [arm for arm in get_args(kind) if arm is not type(None)]
        return _bare(arms[0]) if len(arms) == 1 else kind
    return kind


def _step(kind: Any, part: int | str) -> Any:
    kind = _bare(kind)
    if get_origin(kind) in (Union, types.UnionType):
        return next((arm for arm in get_args(kind) if _is_arm(arm, part)), None)
    if get_origin(kind) is dict:
        return get_args(kind)[1]
    if get_origin(kind) is tuple:
        return get_args(kind)[0]
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return next(
            (
                field.annotation
                for name, field in kind.model_fields.items()
                if part in (name, field.alias)
            ),
            None,
        )
    return None


def _is_arm(arm: Any, part: int | str) -> bool:
    if get_origin(arm) is Annotated:
        return any(isinstance(each, Tag) and each.tag == part for each in get_args(arm)[1:])
    kind = getattr(arm, "model_fields", {}).get("kind")
    return kind is not None and kind.annotation == Literal[part]
