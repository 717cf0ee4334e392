"""YAML as plain values with the place of every key and value.

Reads PyYAML's event stream with a stack of its own, so that no depth of nesting can exhaust the interpreter's. Plain scalars are those
of the YAML 1.2 core schema (https://yaml.org/spec/1.2.2/#103-core-schema): `1e-3` is a number, `no` is text. Keys are always text.
What has no place in a network file is refused: aliases, anchors, tags, duplicate keys, infinite numbers, more than one document.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

import yaml

from spinelink.errors import Problem
from spinelink.io.source_text import SourceText

DEPTH_LIMIT = 30
PROBLEM_LIMIT = 1000

Path = tuple[str | int, ...]

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS: dict[str, object] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_HINTS = {
    "mapping values are not allowed": "text that contains ': ' needs quotes; or the line is indented wrongly",
    "tab character": "indent with spaces, not tabs",
    "cannot start any token": "indent with spaces, not tabs; text that starts with a special character needs quotes",
    "did not find expected key": "is the line indented like the ones around it?",
    "did not find expected '-' indicator": "is the line indented like the ones around it?",
    "could not find expected ':'": "write KEY: VALUE",
    "unexpected end of stream": "a quote is never closed",
    "did not find expected ',' or": "a comma is missing, or a bracket is never closed",
}


@dataclass(frozen=True)
class Span:
    """Where a key or value stands: the indices of its first character and of the one after its last.

    A collection is in `flow` style, within brackets, or in `block` style, by indentation.
    """

    start: int
    end: int
    style: Literal["scalar", "flow", "block"] = "scalar"


@dataclass
class Document:
    """What a YAML file holds: plain values, the place of every key and value by path, and what was refused."""

    source: SourceText
    value: object = None
    keys: dict[Path, Span] = field(default_factory=dict)
    values: dict[Path, Span] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    broken: set[Path] = field(default_factory=set)

    def span(self, path: Path, *, key: bool = False) -> Span:
        """The place of a key or value; of the key where the value fills indented lines; of what is around it where it is missing."""
        value = self.values.get(path)
        if (
            value is not None
            and path
            and not key
            and (value.style != "block" or path not in self.keys)
        ):
            return value
        while path:
            if (found := self.keys.get(path) or self.values.get(path)) is not None:
                return found
            path = path[:-1]
        return Span(0, 0)

    def refuse(self, span: Span, message: str, *, hint: str = "", path: Path | None = None) -> None:
        """Note a problem; `path` is then known to hold no usable value."""
        if len(self.problems) >= PROBLEM_LIMIT:
            raise _GiveUp
        self.problems.append(self.source.problem(span.start, message, hint=hint, end=span.end))
        if path is not None:
            self.broken.add(path)


class _GiveUp(Exception):
    """Reading further makes no sense."""


@dataclass
class _Open:
    """A mapping or list whose end has not come yet."""

    path: Path
    start: int
    flow: bool
    container: dict[str, object] | list[object]
    key: str | None = None
    drop: bool = False
    end: int = 0


def read_document(source: SourceText) -> Document:
    """The values and places of a YAML file. Never raises for what the file says: the problems are in the document."""
    document = Document(source)
    try:
        _read(_events(source.text), document)
    except _GiveUp:
        if document.value is None:
            document.broken.add(())
    except yaml.MarkedYAMLError as error:
        _refuse_syntax(document, error)
    except (yaml.YAMLError, ValueError) as error:
        document.refuse(Span(0, 0), f"not YAML: {error}", path=())
    return document


def _events(text: str) -> Iterator[Any]:
    """Libyaml looks ahead, and from 0.2.6 on gives up beyond a thousand levels before it says what comes first: that is then read without what lies beyond."""
    done = 0
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            done += 1
            yield event
    except yaml.MarkedYAMLError as error:
        if "nesting depth" not in (error.problem or "") or error.problem_mark is None:
            raise
        yield from islice(
            yaml.parse(text[: error.problem_mark.index - 1], Loader=_LOADER), done, None
        )


def _read(events: Iterator[Any], document: Document) -> None:
    """Build the values with a stack of open mappings and lists."""
    stack: list[_Open] = []
    documents = 0
    for event in events:
        span = Span(event.start_mark.index, event.end_mark.index)
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                document.refuse(
                    span, "a second document; a network file holds one", hint="delete the '---'"
                )
                raise _GiveUp
        elif isinstance(event, yaml.CollectionEndEvent):
            _close(stack, span, document=document)
        elif isinstance(event, yaml.NodeEvent):
            _refuse_extras(event, span, document=document)
            _open_or_add(event, span, stack=stack, document=document)
    if not documents:
        document.refuse(
            Span(0, 0),
            "the file is empty",
            hint="a network file begins with 'spinelink: 1'",
            path=(),
        )


def _refuse_extras(event: Any, span: Span, *, document: Document) -> None:
    if isinstance(event, yaml.AliasEvent):
        return
    if event.anchor is not None:
        document.refuse(
            span,
            f"anchor &{event.anchor}; a network file has none",
            hint="write each value out where it is used",
        )
    if event.tag is not None:
        document.refuse(span, f"tag {event.tag}; a network file has none", hint="delete it")


def _open_or_add(event: Any, span: Span, *, stack: list[_Open], document: Document) -> None:
    top = stack[-1] if stack else None
    if top is not None and isinstance(top.container, dict) and top.key is None:
        _take_key(event, span, top=top, document=document)
        return
    path = _path_of_next(top)
    if isinstance(event, yaml.CollectionStartEvent):
        if len(stack) >= DEPTH_LIMIT:
            document.refuse(span, f"nested more than {DEPTH_LIMIT} levels deep", path=path)
            raise _GiveUp
        container: dict[str, object] | list[object] = (
            {} if isinstance(event, yaml.MappingStartEvent) else []
        )
        stack.append(_Open(path, span.start, bool(event.flow_style), container))
        return
    value = None
    if isinstance(event, yaml.AliasEvent):
        document.refuse(
            span,
            f"alias *{event.anchor}; a network file has none",
            hint="write the value out",
            path=path,
        )
    else:
        value = event.value
        if not event.style:
            value = _plain(event.value, span, path, document)
    _add(top, path, value, Span(span.start, _trimmed(document, span)), document)


def _path_of_next(top: _Open | None) -> Path:
    if top is None:
        return ()
    return (*top.path, len(top.container) if isinstance(top.container, list) else str(top.key))


def _take_key(event: Any, span: Span, *, top: _Open, document: Document) -> None:
    """The next event of a mapping is a key: text, and not seen before."""
    if not isinstance(event, yaml.ScalarEvent):
        document.refuse(
            span,
            "a key must be plain text, not a list, mapping or alias",
            hint="text with brackets or braces needs quotes",
        )
        raise _GiveUp
    path = (*top.path, event.value)
    top.key, top.drop = event.value, path in document.keys
    if not top.drop:
        document.keys[path] = span
        return
    line, column = document.source.place(document.keys[path].start)
    inside = f" in {top.path[-1]}" if top.path else ""
    document.refuse(
        span, f"key {event.value!r} appears twice{inside}; first at line {line}, column {column}"
    )
    top.key = f"\0{span.start}"  # The second value is read for its problems, under a name of its own, and then dropped.


def _add(top: _Open | None, path: Path, value: object, span: Span, document: Document) -> None:
    document.values[path] = span
    if top is None:
        document.value = value
        return
    top.end = max(top.end, span.end)
    if isinstance(top.container, list):
        top.container.append(value)
        return
    if not top.drop:
        top.container[str(top.key)] = value
    top.key = None


def _close(stack: list[_Open], span: Span, *, document: Document) -> None:
    done = stack.pop()
    place = (
        Span(done.start, span.end, "flow")
        if done.flow
        else Span(done.start, max(done.end, done.start), "block")
    )
    _add(stack[-1] if stack else None, done.path, done.container, place, document)


def _trimmed(document: Document, span: Span) -> int:
    """The end of a value without the line breaks that a block scalar's end mark includes."""
    return span.start + len(document.source.text[span.start : span.end].rstrip())


def _plain(text: str, span: Span, path: Path, document: Document) -> object:
    """A plain scalar by the YAML 1.2 core schema."""
    if text in _WORDS:
        return _WORDS[text]
    if _NOT_FINITE.fullmatch(text):
        document.refuse(span, f"{text} is not a finite number", path=path)
        return None
    if _INTEGER.fullmatch(text):
        return _finite(text, span, path=path, document=document, whole=True)
    if _FLOAT.fullmatch(text):
        return _finite(text, span, path=path, document=document, whole=False)
    return text


def _finite(text: str, span: Span, *, path: Path, document: Document, whole: bool) -> object:
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    try:
        number = int(text.removeprefix("0o"), base) if whole else float(text)
        lost = number == 0.0 and re.match(r"[-+.0]*[1-9]", text) is not None
        if abs(float(number)) < float("inf") and not lost:
            return number
    except (OverflowError, ValueError):
        lost = False
    shown = text if len(text) <= 40 else f"{text[:40]}..."
    size = "small to be told from 0" if lost else "large for a number"
    document.refuse(span, f"{shown} is too {size}", path=path)
    return None


def _refuse_syntax(document: Document, error: yaml.MarkedYAMLError) -> None:
    mark = error.problem_mark or error.context_mark
    text = error.problem or "not YAML"
    hint = next((hint for words, hint in _HINTS.items() if words in text), "")
    if error.context and error.context_mark and mark and error.context_mark.index != mark.index:
        line, _ = document.source.place(error.context_mark.index)
        text = f"{text}, {error.context} that starts at line {line}"
    index = mark.index if mark else 0
    if len(document.problems) < PROBLEM_LIMIT:
        document.refuse(Span(index, index + 1), f"not YAML: {text}", hint=hint, path=())
    document.broken.add(())
