"""Chromium for the tests, and a stand-in for the notebook: the widget's own script and style, its messages answered by the widget's own Python."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

from spinelink.notebook.explorer import STATIC, Explorer

CHROMIUM = next(
    (p for name in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(name))),
    None,
)
WIDTH = 960  # about a notebook cell

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>explorer</title><style>{css}</style>
<style>body{{margin:0;padding:8px;width:{width}px;{page}}}</style></head><body data-jp-theme-light="{light}"><div id="here"></div></body></html>"""

STAND_IN = """
async ([source, state]) => {
  const listeners = {};
  const fire = (event, ...values) => (listeners[event] || []).slice().forEach((each) => each(...values));
  window.stand = {
    state, sent: [], files: [], deaf: false, fire,
    get: (key) => window.stand.state[key],
    on: (event, call) => (listeners[event] ||= []).push(call),
    off: (event, call) => (listeners[event] = (listeners[event] || []).filter((each) => each !== call)),
    send: async (message) => {
      window.stand.sent.push(message);
      if (window.stand.deaf) return;
      window.stand.take(JSON.parse(await window.python(JSON.stringify(message))));
    },
    take: (answer) => {
      const changed = ["shell", "view", "numbers", "later"].filter((key) => JSON.stringify(answer[key]) !== JSON.stringify(window.stand.state[key]));
      for (const key of changed) window.stand.state[key] = answer[key];
      for (const key of changed) fire(`change:${key}`);
      for (const file of answer.files || []) fire("msg:custom", file);
    },
  };
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const widget = (await import(url)).default;
  window.cleanup = widget.render({ model: window.stand, el: document.getElementById("here") });
}
"""


def needs_chromium():
    """Skips where there is no Chromium, never in CI."""
    if CHROMIUM is None:
        words = "no Chromium (apt-get install chromium): the explorer was not tried in a browser"
        if os.environ.get("CI"):
            pytest.fail(words)
        pytest.skip(words)


@contextmanager
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            yield browser
        finally:
            browser.close()


class Stand:
    """A page with the explorer, and the explorer behind it."""

    def __init__(self, page, case, *, dark: bool = False, width: int = WIDTH, of=()):
        self.page, self.explorer, self.problems, self.files = (
            page,
            Explorer(case, of=of, background=False),
            [],
            [],
        )
        self.explorer.send = lambda content, buffers=None: self.files.append(content)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on(
            "console",
            lambda message: self.problems.append(message.text) if message.type == "error" else None,
        )
        colours = (
            "background:#111;color:#ddd;--jp-layout-color0:#111;--jp-content-font-color1:#ddd;--jp-border-color2:#444;--jp-layout-color2:#2a2a2a"
            if dark
            else ""
        )
        page.set_content(
            PAGE.format(
                css=(STATIC / "explorer.css").read_text(),
                width=width,
                page=colours,
                light=str(not dark).lower(),
            )
        )
        page.expose_function("python", self.answer)
        page.evaluate(
            STAND_IN, [(STATIC / "explorer.js").read_text(), json.loads(json.dumps(self.state()))]
        )

    def state(self):
        return {key: getattr(self.explorer, key) for key in ("shell", "view", "numbers", "later")}

    def answer(self, text):
        self.explorer._receive(None, json.loads(text))
        files, self.files = self.files, []
        return json.dumps({**self.state(), "files": files})

    def later(self):
        """What takes longer: computed now, and shown."""
        self.settle()
        self.explorer.wait()
        self.show()

    def settle(self):
        """Waits until every message that was sent is answered."""
        self.page.wait_for_function(
            "window.stand.sent.every((m) => m.sequence <= window.stand.state.view.sequence)"
        )

    def show(self):
        """What Python says now."""
        self.page.evaluate(
            "(state) => window.stand.take(state)", json.loads(json.dumps(self.state()))
        )

    def row(self, node):
        return self.page.locator(f".slx-list .slx-row[data-node='{node}']")

    def click(self, node, state):
        """Opens the group of the finding, clicks a state, and waits for the answer."""
        self.click_only(node, state)
        self.settle()

    def click_only(self, node, state):
        row = self.row(node)
        row.evaluate("(e) => (e.closest('details').open = true)")
        row.locator(f"button[data-state='{state}']").click()

    def causes(self):
        """Name and percentage of the ranked causes, as they are read."""
        return self.page.evaluate(
            "[...document.querySelectorAll('tr[data-cause]')].map((r) => [r.dataset.cause, r.children[1].textContent])"
        )

    def shot(self, name):
        folder = os.environ.get("SPINELINK_SHOTS")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
