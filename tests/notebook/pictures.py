"""The README's pictures, made anew: `make pictures`. The explorer, the graph and the report of one case, as a browser shows them."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import spinelink as sl
from tests.notebook.browser import Stand, chromium

if TYPE_CHECKING:
    from playwright.sync_api import Page

FOLDER = Path(__file__).parents[2] / "docs" / "images"
FINDINGS = {
    "age_group": 47,
    "back_pain": True,
    "leg_pain": "below_knee",
    "numbness": True,
    "bladder_dysfunction": "retention",
}


# Rows and paragraphs that a scrolled box would cut in two are left out of its picture.
WHOLE = """() => {
  for (const box of [...document.querySelectorAll('.slx *')].filter((e) => e.scrollHeight > e.clientHeight + 1 && /auto|scroll/.test(getComputedStyle(e).overflowY))) {
    const end = box.getBoundingClientRect().bottom;
    for (const e of box.querySelectorAll('.slx-row, summary, tr, p, h2, h3, h4, li'))
      if (e.getBoundingClientRect().bottom > end - 2) e.style.visibility = 'hidden';
  }
}"""
BOTTOM = "(what) => document.querySelector(what).getBoundingClientRect().bottom"
LAST_SECTION = "(most) => Math.max(...[...document.querySelectorAll('h2')].map((e) => e.getBoundingClientRect().top - 24).filter((b) => b < most))"


def main(folder: Path = FOLDER) -> None:
    folder.mkdir(exist_ok=True)
    case = sl.load("back-leg-pain").observe(FINDINGS)
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 976, "height": 740})
        stand = Stand(page, case)
        stand.later()
        page.evaluate(WHOLE)
        shoot(page, folder / "explorer.png", page.evaluate(BOTTOM, ".slx"))
        page = browser.new_page(viewport={"width": 976, "height": 400})
        page.set_content(f"<body style='margin:8px;width:960px'>{case.graph().svg}</body>")
        shoot(page, folder / "graph.png", page.evaluate(BOTTOM, "svg"))
        with tempfile.TemporaryDirectory() as there:
            page = browser.new_page(viewport={"width": 900, "height": 1400})
            page.goto(case.report(Path(there) / "case.html").as_uri())
            shoot(page, folder / "report.png", page.evaluate(LAST_SECTION, 1400))


def shoot(page: Page, path: Path, bottom: float) -> None:
    """The page down to where something ends, and a little air."""
    page.screenshot(
        path=path, clip={"x": 0, "y": 0, "width": page.viewport_size["width"], "height": bottom + 8}
    )
    page.close()


if __name__ == "__main__":
    main()
