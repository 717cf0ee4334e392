"""The explorer: a widget whose state is a case. The script and style travel in the wheel; nothing is loaded from elsewhere."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from spinelink.errors import SpinelinkError
from spinelink.notebook import view

if TYPE_CHECKING:
    from spinelink.diagnosis import Case, Model

STATIC = Path(__file__).parent / "static"
MOST_UNDO = 200
PAUSE = 0.3  # seconds without a click before what takes longer is begun


class Explorer(anywidget.AnyWidget):
    """Findings on the left, answers on the right. `explorer.case` is the case as it stands; setting it shows another."""

    _esm = STATIC / "explorer.js"
    _css = STATIC / "explorer.css"
    shell = traitlets.Dict().tag(sync=True)
    view = traitlets.Dict().tag(sync=True)
    later = traitlets.Dict().tag(sync=True)

    def __init__(self, case: Case, *, background: bool = True) -> None:
        """background: whether what takes longer (intervals, what next, the link, why, the graph) is asked for in a thread."""
        self._original = case.model
        self._case, self._changed = case, dict[str, float]()
        self._past: list[tuple[Case, dict[str, float]]] = []
        self._version, self._tab, self._node = 0, "answers", ""
        self._background = background
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._asked = self._answered = 0
        first = {**view.view(case, {}), "version": 0, "can_undo": False, "error": ""}
        super().__init__(shell=view.shell(case.model), view=first, later={"version": 0})
        self.on_msg(self._receive)
        self._ask_later()

    @property
    def case(self) -> Case:
        """The case as it stands."""
        return self._case

    @case.setter
    def case(self, case: Case) -> None:
        if case.model.network is not self._original.network and case.model.fingerprint != self._original.fingerprint and not self._changed:
            self._original = case.model
            self.shell = view.shell(case.model)
        self._become(case, self._changed)

    def wait(self, timeout: float = 60.0) -> bool:
        """Waits until everything that takes longer is there; False where it is not in time. Without a thread it is computed here."""
        if not self._background:
            self._compute(self._version)
            return True
        with self._wake:
            return self._wake.wait_for(lambda: self._answered == self._asked, timeout)

    def close(self) -> None:
        """Ends the thread and the widget."""
        with self._wake:
            self._closed = True
            self._wake.notify_all()
        super().close()

    # -- what a person does

    def _receive(self, _: object, message: object, __: object = None) -> None:
        """A message of the script; what is not understood is said, and changes nothing."""
        if not isinstance(message, Mapping):
            return
        actions: Mapping[str, Callable[[Mapping[str, Any]], None]] = {
            "observe": self._observe,
            "undo": self._undo,
            "reset": self._reset,
            "setting": self._setting,
            "tab": self._choose_tab,
            "numbers": self._choose_node,
            "parameter": self._parameter,
            "reset_parameters": self._reset_parameters,
            "export": self._export,
        }
        action = actions.get(str(message.get("type")))
        if action is None:
            return
        try:
            action(message)
        except SpinelinkError as error:
            self.view = {**self.view, "error": str(error), "sequence": message.get("sequence", 0)}
        except (KeyError, TypeError, ValueError) as error:
            self.view = {**self.view, "error": f"the explorer did not understand that: {error}", "sequence": message.get("sequence", 0)}

    def _observe(self, message: Mapping[str, Any]) -> None:
        node, value = str(message["node"]), message.get("value")
        case = self._case.retract(node) if value is None and node in self._case.findings else self._case.observe({node: value})
        try:
            self._become(case, self._changed, message)
        except SpinelinkError as error:
            known = {a.rule for a in self._case.alerts()}
            new = [a for a in case.alerts() if a.rule not in known]  # a contradiction does not silence a red flag
            raised = "".join(f" {a.urgency.upper()}: {a.label}. {a.advice}" for a in new)
            raise SpinelinkError(f"{error} The answer was not taken.{raised}") from None

    def _undo(self, message: Mapping[str, Any]) -> None:
        if self._past:
            case, changed = self._past.pop()
            self._become(case, changed, message, remember=False)

    def _reset(self, message: Mapping[str, Any]) -> None:
        self._become(self._case.model.observe(), self._changed, message)

    def _setting(self, message: Mapping[str, Any]) -> None:
        self._rebuild(self._original.in_setting(str(message["name"])), self._changed, message)

    def _parameter(self, message: Mapping[str, Any]) -> None:
        self._rebuild(self._base, {**self._changed, str(message["id"]): float(message["value"])}, message)

    def _reset_parameters(self, message: Mapping[str, Any]) -> None:
        self._rebuild(self._base, {}, message)

    @property
    def _base(self) -> Model:
        """The model as it was given, in the setting in force."""
        setting = self._case.model.setting
        return self._original.in_setting(setting) if setting else self._original

    def _rebuild(self, model: Model, changed: dict[str, float], message: Mapping[str, Any]) -> None:
        model = model.with_parameters(changed) if changed else model
        findings = {n: f if isinstance(f, str) else dict(f) for n, f in self._case.findings.items()}
        self._become(model.observe(findings), changed, message)

    def _choose_tab(self, message: Mapping[str, Any]) -> None:
        self._tab = str(message["name"])
        self._ask_later()

    def _choose_node(self, message: Mapping[str, Any]) -> None:
        self._node = str(message["node"])
        self._case._check_nodes([self._node])
        self._ask_later()

    def _export(self, message: Mapping[str, Any]) -> None:
        """Sends a file to the browser, which saves it."""
        kind, stem = str(message["kind"]), self._case.model.name
        if kind == "patch":
            text, name = view.patch(self._case.model, self._changed), f"{stem}-patch.json"
        elif kind == "report":
            with tempfile.TemporaryDirectory() as folder:
                text = self._case.report(Path(folder) / "case.html").read_text(encoding="utf-8")
            name = f"{stem}-case.html"
        else:
            raise SpinelinkError(f"there is no export {kind!r}; there are report and patch.")
        self.send({"type": "file", "name": name, "text": text})

    # -- what follows

    def _become(self, case: Case, changed: Mapping[str, float], message: Mapping[str, Any] | None = None, *, remember: bool = True) -> None:
        """Shows another case; nothing has changed where it cannot be."""
        shown = view.view(case, changed)
        if remember and (case != self._case or dict(changed) != self._changed):
            self._past = [*self._past[-MOST_UNDO + 1 :], (self._case, self._changed)]
        self._case, self._changed = case, dict(changed)
        self._version += 1
        extra = {"version": self._version, "can_undo": bool(self._past), "error": "", "sequence": (message or {}).get("sequence", 0)}
        self.view = {**shown, **extra}
        self._ask_later()

    def _ask_later(self) -> None:
        if not self._background:
            return
        with self._wake:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="spinelink explorer", daemon=True)
                self._thread.start()
            self._asked += 1
            self._wake.notify_all()

    def _work(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._answered < self._asked or self._closed)
                if self._closed:
                    return
                while (
                    self._wake.wait(PAUSE) and not self._closed
                ):  # while a person goes on clicking, the clicks have the machine to themselves
                    pass
                asked, version = self._asked, self._version
            with suppress(Exception):  # the widget may be gone
                self._compute(version)
            with self._wake:
                self._answered = asked
                self._wake.notify_all()

    def _compute(self, version: int) -> None:
        """What takes longer, the quickest first; given up once there is a newer case."""
        case, tab, node = self._case, self._tab, self._node
        steps: dict[str, Callable[[], dict[str, Any]]] = {"intervals": lambda: view.intervals(case)}
        if tab == "why":
            steps["why"] = lambda: view.why(case)
        if tab == "graph":
            steps["graph"] = lambda: view.picture(case)
        if tab == "numbers":
            steps["numbers"] = lambda: view.numbers(case, node)
        steps["next"] = lambda: view.next_questions(case)
        if self.shell["links"]:
            steps["link"] = lambda: view.linked(case)
        steps["tests"] = lambda: view.next_tests(case)
        found: dict[str, Any] = {"version": version}
        if self.later.get("version") == version:
            found = {k: v for k, v in self.later.items() if k not in ("numbers", "problem")}
        for key, step in steps.items():
            if key in found:
                continue
            try:
                found = {**found, **step()}
            except SpinelinkError as error:
                found = {**found, key: {"problem": str(error)}}
            if version != self._version or self._closed:
                return
            self.later = found

    def _ipython_display_(self) -> None:
        """The widget, and before it, for readers without a kernel, a picture of the case as it was when it was shown; the script hides it."""
        from IPython.display import HTML, display

        display(HTML(self._still()))  # type: ignore[no-untyped-call]
        found = super()._repr_mimebundle_()
        data, metadata = found if isinstance(found, tuple) else (found or {}, {})
        display(data, metadata=metadata, raw=True)  # type: ignore[no-untyped-call]

    def _still(self) -> str:
        return f"<div class='spinelink-still'>{self._case._repr_html_()}{self._case.differential(limit=6)._repr_html_()}</div>"
