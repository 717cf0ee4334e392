"""The README's pictures, made anew: `make pictures`. The explorer, the graph and the report of one case, as a browser shows them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import spinelink as sl
from tests.notebook.browser import Stand, chromium

FOLDER = Path(__file__).parents[2] / "docs" / "images"
FINDINGS = {"age_group": 47, "back_pain": True, "leg_pain": "below_knee", "numbness": True, "bladder_dysfunction": "retention"}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    case = sl.load("back-leg-pain").observe(FINDINGS)
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 976, "height": 740})
        stand = Stand(page, case)
        stand.later()
        page.locator(".slx").screenshot(path=FOLDER / "explorer.png")
        page.close()
        page = browser.new_page(viewport={"width": 976, "height": 400})
        page.set_content(f"<body style='margin:8px;width:960px'>{case.graph().svg}</body>")
        page.screenshot(
            path=FOLDER / "graph.png",
            clip={
                "x": 0,
                "y": 0,
                "width": 976,
                "height": page.evaluate("document.querySelector('svg').getBoundingClientRect().bottom + 8"),
            },
        )
        page.close()
        with tempfile.TemporaryDirectory() as folder:
            page = browser.new_page(viewport={"width": 900, "height": 1150})
            page.goto(case.report(Path(folder) / "case.html").as_uri())
            page.screenshot(path=FOLDER / "report.png")


if __name__ == "__main__":
    main()
