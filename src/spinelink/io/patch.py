"""Change single numbers in the text of a network file: comments, order and layout stay as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spinelink.io.dump import flow, key_text, plain, rank
from spinelink.io.yaml_events import Document, Path, Span
from spinelink.network.network import Network
from spinelink.network.parameter import Parameter
from spinelink.network.parameter_ids import parameter_paths, parameters


@dataclass(frozen=True)
class Edit:
    """Replace the text from `start` to `end`."""

    start: int
    end: int
    text: str


def patch_text(document: Document, old: Network, *, new: Network) -> str:
    """The file's text with the numbers of `new` where they differ from those of `old`, the network that the file holds.

    Differences other than in numbers are not looked at: the caller compares what the patched text says with what was asked for.
    """
    text = document.source.text
    for edit in sorted(
        _edits(document, old, new=new), key=lambda each: (each.start, each.end), reverse=True
    ):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def _edits(document: Document, old: Network, *, new: Network) -> Iterator[Edit]:
    before, after, paths = parameters(old), parameters(new), parameter_paths(old)
    for key, path in paths.items():
        if key in after and before[key] != after[key]:
            yield from _change_fields(
                document, path, before=plain(before[key]), after=plain(after[key])
            )
    for name, setting in old.settings.items():
        if name in new.settings:
            yield from _change_overrides(
                document,
                ("settings", name, "overrides"),
                before=setting.overrides,
                after=new.settings[name].overrides,
            )


def _change_overrides(
    document: Document, at: Path, *, before: Mapping[str, Parameter], after: Mapping[str, Parameter]
) -> Iterator[Edit]:
    for key in before.keys() & after.keys():
        if before[key] != after[key]:
            yield from _change_fields(
                document, (*at, key), before=plain(before[key]), after=plain(after[key])
            )
    if added := {key: plain(value) for key, value in after.items() if key not in before}:
        yield from _add_overrides(document, at, added=added)
    if removed := [key for key in before if key not in after]:
        yield from (
            _remove(document, at, gone=removed)
            if after
            else _remove(document, at[:-1], gone=["overrides"])
        )


def _change_fields(
    document: Document, path: Path, *, before: object, after: object
) -> Iterator[Edit]:
    """Change one mapping: values in place; a new field stands where one has gone, else before those that usually follow it."""
    if not (isinstance(before, Mapping) and isinstance(after, Mapping)):  # a word by itself
        yield from _change_value(document, path, was=before, value=after)
        return
    present = _fields(document, path)
    for key in present:
        if key in after and before.get(key) != after[key]:
            yield from _change_value(document, (*path, key), was=before.get(key), value=after[key])
    gone = [key for key in present if key in before and key not in after]
    come = sorted((key for key in after if key not in present), key=rank)
    for out, into in zip(gone, come, strict=False):
        yield Edit(
            document.keys[(*path, out)].start,
            document.values[(*path, out)].end,
            f"{key_text(into)}: {flow(after[into])}",
        )
    yield from _remove(document, path, gone=gone[len(come) :])
    kept = [key for key in present if key not in gone]
    yield from _insert(
        document, path, kept=kept, added={key: after[key] for key in come[len(gone) :]}
    )


def _change_value(document: Document, path: Path, *, was: object, value: object) -> Iterator[Edit]:
    """As little as possible: of a distribution, only the probabilities that differ."""
    if isinstance(was, Mapping) and isinstance(value, Mapping) and was.keys() == value.keys():
        yield from _change_fields(document, path, before=was, after=value)
        return
    span = document.values[path]
    yield Edit(span.start, span.end, ("" if span.end > span.start else " ") + flow(value))


def _fields(document: Document, path: Path) -> list[str]:
    """The keys that the mapping has in the file, in their order there."""
    value: Any = document.value
    for key in path:
        value = value[key]
    return list(value)


def _insert(
    document: Document, path: Path, *, kept: Sequence[str], added: Mapping[str, object]
) -> Iterator[Edit]:
    """New fields, each before the first field that the usual order puts behind it."""
    text, block = document.source.text, document.values[path].style == "block"
    for key, value in added.items():
        entry = f"{key_text(key)}: {flow(value)}"
        later = next((each for each in kept if rank(each) > rank(key)), None)
        if later is not None:
            start = document.keys[(*path, later)].start
            yield Edit(
                start,
                start,
                entry + (_newline(text) + " " * _indent(document, start) if block else ", "),
            )
            continue
        last = document.values[(*path, kept[-1])].end
        if block:
            indent = _indent(document, document.keys[(*path, kept[-1])].start)
            yield Edit(
                _line_end(text, last), _line_end(text, last), _newline(text) + " " * indent + entry
            )
        else:
            yield Edit(last, last, f", {entry}")


def _remove(document: Document, path: Path, *, gone: Sequence[str]) -> Iterator[Edit]:
    """Take entries out of a mapping: their lines, or their part between the braces; comments between the braces stay."""
    text, order = document.source.text, _fields(document, path)
    last_kept = max((index for index, key in enumerate(order) if key not in gone), default=-1)
    for key in gone:
        index, start, end = (
            order.index(key),
            document.keys[(*path, key)].start,
            document.values[(*path, key)].end,
        )
        if document.values[path].style == "block":
            stop = _line_end(text, end)
            yield Edit(
                start - _indent(document, start),
                stop + len(_newline(text)) * (stop < len(text)),
                "",
            )
        elif index < last_kept:
            following = document.keys[(*path, order[index + 1])].start
            comma = text.index(",", end) + 1
            yield Edit(start, comma if "#" in text[end:following] else following, "")
        else:
            before = document.values[(*path, order[index - 1])].end if index else start
            yield Edit(start if "#" in text[before:start] else before, end, "")


def _indent(document: Document, index: int) -> int:
    """How far the character stands from the start of its line."""
    return document.source.place(index)[1] - 1


def _add_overrides(
    document: Document, at: Path, *, added: Mapping[str, Mapping[str, object]]
) -> Iterator[Edit]:
    """New overrides of a setting, behind those that it has, in the style in which they stand."""
    text, span = document.source.text, document.values.get(at)
    around = document.values[at[:-1]]
    if span is None and around.style == "flow":
        yield _into_braces(text, around, added={"overrides": added})
    elif span is None:
        indent = _indent(document, document.keys[(*at[:-1], "label")].start)
        end = _line_end(text, around.end)
        yield Edit(
            end, end, f"{_newline(text)}{' ' * indent}overrides:{_lines(text, added, indent + 2)}"
        )
    elif span.style == "block":
        indent = _indent(document, document.keys[(*at, _fields(document, at)[-1])].start)
        end = _line_end(text, span.end)
        yield Edit(end, end, _lines(text, added, indent))
    else:
        yield _into_braces(text, span, added=added)


def _lines(text: str, added: Mapping[str, object], indent: int) -> str:
    return "".join(
        f"{_newline(text)}{' ' * indent}{key_text(key)}: {flow(value)}"
        for key, value in added.items()
    )


def _into_braces(text: str, span: Span, *, added: Mapping[str, object]) -> Edit:
    """New entries in front of the closing brace."""
    inside = text[span.start + 1 : span.end - 1].rstrip().removesuffix(",").rstrip()
    end = span.start + 1 + len(inside)
    return Edit(end, span.end - 1, (", " if inside else "") + flow(added)[1:-1])


def _line_end(text: str, index: int) -> int:
    """The index at which the line of `index` ends, before its line break."""
    ends = [found for found in (text.find("\n", index), text.find("\r", index)) if found >= 0]
    return min(ends, default=len(text))


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
