"""The texts for people: sentences of at most 25 words in the READMEs and the documentation.

Code, tables, headings, formulas and lists of sources are left out. `python -m tests.test_words`
prints every sentence that is too long.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MOST_WORDS = 25
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "benchmarks" / "README.md",
    ROOT / "evidence" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
STILL_LONG: Mapping[str, int] = {}
"""Page -> its sentences that are still too long. A ratchet: a count may fall and never rise."""

FENCE = re.compile(r"^( *)```.*?^\1```", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
ITEM = re.compile(r"^ *(?:[-*]|\d+\.) +", re.MULTILINE)
SENTENCE_END = re.compile(r"(?<=[.!?])[)*_\"']*\s+(?=[*_\"'(]*[A-Z0-9`\[])")


def prose(text: str) -> Iterator[str]:
    """The paragraphs and list items of a Markdown page, without code, tables, headings and sources."""
    text = COMMENT.sub("", FENCE.sub("", text))
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", text)  # pictures
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)  # links: their words
    text = re.sub(r"`[^`]*`", "`code`", text)
    text = re.sub(r"^> ?", "", text, flags=re.MULTILINE)
    text = ITEM.sub("\n\n", text)
    for paragraph in re.split(r"\n\s*\n", text):
        if not paragraph.strip() or paragraph.startswith(("#", "    ")):
            continue
        lines = [line for line in paragraph.splitlines() if not line.lstrip().startswith("|")]
        joined = " ".join(" ".join(lines).split())
        if joined and not joined.startswith("Sources:"):
            yield joined


def long_sentences(text: str) -> list[tuple[int, str]]:
    """The sentences with more than 25 words, each with its count. Code counts as one word."""
    sentences = [s for paragraph in prose(text) for s in SENTENCE_END.split(paragraph)]
    counted = [(len(re.findall(r"\S*\w\S*", sentence)), sentence) for sentence in sentences]
    return [(n, sentence) for n, sentence in counted if n > MOST_WORDS]


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_sentences_are_short(page):
    found = long_sentences(page.read_text(encoding="utf-8"))
    told = "\n".join(f"{n} words: {sentence}" for n, sentence in found)
    assert len(found) <= STILL_LONG.get(name_of(page), 0), told


def test_the_newest_changes_are_told_in_short_sentences():
    newest = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").split("\n## ")[1]
    assert not long_sentences(newest)


def test_the_ratchet_holds_no_page_that_is_done():
    for name, count in STILL_LONG.items():
        assert len(long_sentences((ROOT / name).read_text(encoding="utf-8"))) == count, name


def test_what_is_counted():
    long = " ".join(["Word"] * 26) + "."
    code, table = f"```python\n{long}\n```", f"| {long} |\n|---|\n"
    assert not long_sentences(f"# {long}\n\n{code}\n\n{table}\n    {long}\n\nSources: {long}")
    assert [n for n, _ in long_sentences(f"A short one. {long} And\n\n- {long}\n- one\n")] == [
        26,
        26,
    ]
    assert not long_sentences("- " + " ".join(["word"] * 20) + "\n- " + " ".join(["word"] * 20))
    assert not long_sentences(f"See `{long}` and [this]({'x/' * 30}).")


if __name__ == "__main__":
    for page in PAGES:
        for count, sentence in long_sentences(page.read_text(encoding="utf-8")):
            print(f"{name_of(page)}: {count} words: {sentence}")
