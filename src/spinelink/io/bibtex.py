"""Sources as BibTeX entries."""

from __future__ import annotations

import re
from collections.abc import Mapping

from spinelink.network.provenance import Source

_SPECIAL = {"\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}  # fmt: skip


def bibtex(sources: Mapping[str, Source]) -> str:
    """One entry a source, under its key in the network file, in alphabetical order. @article where there is a journal, else @misc."""
    return "\n\n".join(_entry(key, sources[key]) for key in sorted(sources)) + (
        "\n" if sources else ""
    )


def _entry(key: str, source: Source) -> str:
    fields = {
        "author": _authors(source.authors),
        "title": f"{{{_escaped(source.title)}}}" if source.title else "",
        "journal": _escaped(source.journal),
        "year": str(source.year) if source.year else "",
        "doi": source.doi or "",
        "pmid": source.pmid or "",
        "note": _escaped(
            "; ".join(
                part for part in ("second-hand" if source.secondhand else "", source.note) if part
            )
        ),
    }
    lines = [f"  {name} = {{{value}}}" for name, value in fields.items() if value]
    return f"@{'article' if source.journal else 'misc'}{{{key},\n" + ",\n".join(lines) + "\n}"


def _authors(text: str) -> str:
    """`X et al` is BibTeX's `X and others`; anything else stands as one name in braces, as initials are not known."""
    match = re.fullmatch(r"(.+?),? et al\.?(?: \(.*\))?", text)
    if match:
        return f"{{{_escaped(match.group(1))}}} and others"
    return f"{{{_escaped(text)}}}" if text else ""


def _escaped(text: str) -> str:
    return "".join(_SPECIAL.get(character, character) for character in text)
