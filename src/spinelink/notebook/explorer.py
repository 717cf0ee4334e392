"""The explorer: a widget whose state is a case. The script and style travel in the wheel; nothing is loaded from elsewhere."""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from spinelink.case import Case, Model
from spinelink.errors import SpinelinkError
from spinelink.notebook import code, view
from spinelink.notebook.numbers import Changes, moved, numbers, patch
from spinelink.query.alerts import alerts
from spinelink.query.overview import case_html
from spinelink.query.ranking import differential
from spinelink.report.case_report import report
from spinelink.view.html import notebook_frame

STATIC = Path(__file__).parent / "static"
MOST_UNDO = 200
PAUSE = 0.6  # seconds without a click before what takes longer is begun


@dataclass(frozen=True)
class State:
    """What undo goes back to. original: the model before any slider moved; changed: what the sliders changed."""

    original: Model
    case: Case
    changed: Changes

    @property
    def base(self) -> Model:
        """The model as it was given, in the setting in force."""
        setting = self.case.model.setting
        return (
            self.original.in_setting(setting)
            if setting and setting != self.original.setting
            else self.original
        )

    def rebuilt(self, model: Model, changed: Changes) -> State:
        """The same findings in another setting, or with other numbers."""
        return replace(
            self,
            case=(model.with_parameters(changed) if changed else model).observe(self.case.evidence),
            changed=changed,
        )


def explore(case: Case, *, of: str | Iterable[str] | None = None) -> Explorer:
    """The explorer, a widget for JupyterLab 4 and Notebook 7.

    Click findings and watch red flags, causes, the link, and what to ask next.

    Args:
        case: where it begins. `.case` of the explorer is the case as it stands.
        of: nodes whose probabilities are shown; the ranked causes where None, or every node of a
            network that names none.

    Returns:
        The widget; a notebook shows it.

    Raises:
        UnknownNameError: a node is not known.
        SpinelinkError: the extra `notebook` is not installed.

    Example:
        >>> import spinelink as sl
        >>> sl.load("minimal").observe(numbness=True).explore().case.evidence
        {'numbness': 'present'}
    """
    return Explorer(case, of=[] if of is None else case.model.names(of))


class Explorer(anywidget.AnyWidget):
    """Findings on the left, answers on the right. `explorer.case` is the case as it stands; setting it shows another."""

    _esm = STATIC / "explorer.js"
    _css = STATIC / "explorer.css"
    shell = traitlets.Dict().tag(sync=True)
    view = traitlets.Dict().tag(sync=True)
    numbers = traitlets.Dict().tag(sync=True)
    later = traitlets.Dict().tag(sync=True)

    def __init__(self, case: Case, *, of: Sequence[str] = (), background: bool = True) -> None:
        """of: nodes asked about in place of the causes. background: whether what takes longer (intervals, what next, the link, why, the graph) is asked
        for in a thread."""
        self._of = tuple(of)
        self._state, self._past = State(case.model, case, {}), list[State]()
        self._version, self._tab, self._node = 0, "answers", ""
        self._source: tuple[Model, code.Source | None] | None = None
        self._background = background
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._asked = self._answered = 0
        first = {**view.view(case, {}, self._of), "version": 0, "can_undo": False, "error": ""}
        super().__init__(
            shell=view.shell(case.model, self._of), view=first, numbers={}, later={"version": 0}
        )
        self.on_msg(self._receive)
        self._ask_later()

    @property
    def case(self) -> Case:
        """The case as it stands."""
        return self._state.case

    @case.setter
    def case(self, case: Case) -> None:
        if not isinstance(case, Case):
            raise SpinelinkError(
                f"explorer.case is a Case, as model.observe(numbness=True) gives, not a {type(case).__name__}."
            )
        now, model = self._state, case.model
        if model.engine != now.case.model.engine:
            case = replace(case, model=replace(model, engine=now.case.model.engine))
        if model.network is now.case.model.network and (
            model.setting == now.case.model.setting or not now.changed
        ):
            self._become(
                replace(now, case=case)
            )  # the same numbers: what the sliders changed still holds
        elif model.network is now.original.network:
            self._become(State(now.original, case, {}))
        else:
            self._become(State(case.model, case, {}))

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
            self._say(str(error), message)
        except (KeyError, TypeError, ValueError) as error:
            self._say(f"the explorer did not understand that: {error}", message)
        except Exception as error:
            self._say(
                f"this went wrong and changed nothing: {type(error).__name__}: {error}", message
            )
        else:
            if "sequence" in message and self.view.get("sequence") != message["sequence"]:
                self._say("", message)

    def _say(self, error: str, message: Mapping[str, Any]) -> None:
        """Answers a message that did not change the case."""
        self.view = {**self.view, "error": error, "sequence": message.get("sequence", 0)}

    def _observe(self, message: Mapping[str, Any]) -> None:
        node, value = str(message["node"]), message.get("value")
        case = (
            self.case.retract(node)
            if value is None and node in self.case.findings
            else self.case.observe({node: value})
        )
        try:
            self._become(replace(self._state, case=case), message)
        except SpinelinkError as error:
            known = {a.rule for a in alerts(self.case)}
            new = [
                a for a in alerts(case) if a.rule not in known
            ]  # a contradiction does not silence a red flag
            raised = "".join(f" {a.urgency.upper()}: {a.label}. {a.advice}" for a in new)
            raise SpinelinkError(f"{error} The answer was not taken.{raised}") from None

    def _undo(self, message: Mapping[str, Any]) -> None:
        if self._past:
            self._become(self._past.pop(), message, remember=False)

    def _reset(self, message: Mapping[str, Any]) -> None:
        self._become(replace(self._state, case=self.case.model.observe()), message)

    def _setting(self, message: Mapping[str, Any]) -> None:
        now = self._state
        self._become(
            now.rebuilt(now.original.in_setting(str(message["name"])), now.changed), message
        )

    def _parameter(self, message: Mapping[str, Any]) -> None:
        now = self._state
        changed = moved(
            now.base,
            now.changed,
            str(message["id"]),
            str(message.get("state", "")),
            float(message["value"]),
        )
        self._become(now.rebuilt(now.base, changed), message)

    def _reset_parameters(self, message: Mapping[str, Any]) -> None:
        self._become(self._state.rebuilt(self._state.base, {}), message)

    def _choose_tab(self, message: Mapping[str, Any]) -> None:
        self._tab = str(message["name"])
        self._show_numbers()
        self._ask_later()

    def _choose_node(self, message: Mapping[str, Any]) -> None:
        self.case.model.names(str(message["node"]))
        self._node = str(message["node"])
        self._show_numbers()

    def _show_numbers(self) -> None:
        """The numbers of the node that was chosen; at first of the likeliest cause."""
        if self._tab == "numbers":
            if self._node not in self.case.model.nodes:
                self._node = (
                    str(self.view["causes"][0]["name"]).partition("=")[0]
                    if self.view["causes"]
                    else next(iter(self.case.model.nodes))
                )
            self.numbers = numbers(self._state.base, self._node)

    def _export(self, message: Mapping[str, Any]) -> None:
        """Sends a file to the browser, which saves it."""
        kind, stem = str(message["kind"]), self.case.model.name
        if kind == "patch":
            text, name = patch(self.case.model, self._state.changed), f"{stem}-patch.json"
        elif kind == "findings":
            text, name = json.dumps(self.case.evidence, indent=2) + "\n", self._findings_file
        elif kind == "report":
            with tempfile.TemporaryDirectory() as folder:
                text = report(self.case, Path(folder) / "case.html").read_text(encoding="utf-8")
            name = f"{stem}-case.html"
        else:
            raise SpinelinkError(
                f"there is no export {kind!r}; there are findings, report and patch."
            )
        self.send({"type": "file", "name": name, "text": text})

    @property
    def _findings_file(self) -> str:
        return f"{self.case.model.name}-findings.json"

    # -- what follows

    def _become(
        self, state: State, message: Mapping[str, Any] | None = None, *, remember: bool = True
    ) -> None:
        """Shows another case; nothing has changed where it cannot be."""
        before, network = self._state, state.case.model.network
        of = tuple(n for n in self._of if n in network.nodes)
        shown = view.view(state.case, state.changed, of)
        other = state.original.network is not before.original.network
        if remember and (other or state.case != before.case or state.changed != before.changed):
            self._past = [*self._past[-MOST_UNDO + 1 :], before]
        self._state = state
        self._version += 1
        extra = {
            "version": self._version,
            "can_undo": bool(self._past),
            "error": "",
            "sequence": (message or {}).get("sequence", 0),
        }
        with self.hold_sync():  # all parts in one message
            if other:
                self.shell = view.shell(state.original, of)
            self.view = {**shown, **extra}
            self._show_numbers()
        self._ask_later()

    def _ask_later(self) -> None:
        if not self._background:
            return
        with self._wake:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._work, name="spinelink explorer", daemon=True
                )
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
                ):  # while clicks come, they have the machine to themselves
                    pass
                asked, version = self._asked, self._version
            with suppress(
                Exception
            ):  # the widget is gone: what else fails is shown where it belongs
                self._compute(version)
            with self._wake:
                self._answered = asked
                self._wake.notify_all()

    def _compute(self, version: int) -> None:
        """What takes longer, the quickest first; given up once there is a newer case."""
        state, tab = self._state, self._tab
        case, of = state.case, tuple(n for n in self._of if n in state.case.model.nodes)
        first: dict[str, Callable[[], dict[str, Any]]] = {
            "why": lambda: view.why(case, of),
            "graph": lambda: view.picture(case),
            "keep": lambda: self._keep(state),
        }
        steps = {tab: first[tab]} if tab in first else {}
        steps |= {
            "intervals": lambda: view.intervals(case, of),
            "next": lambda: view.next_questions(case, of),
        }
        if self.shell["tests"]:
            steps["tests"] = lambda: view.next_tests(case, of)
        if self.shell["links"]:
            steps["link"] = lambda: view.linked(case)
        found: dict[str, Any] = (
            dict(self.later) if self.later.get("version") == version else {"version": version}
        )
        for key, step in steps.items():
            if key in found:
                continue
            try:
                found = {**found, **step()}
            except SpinelinkError as error:
                found = {**found, key: {"problem": str(error)}}
            except Exception as error:
                found = {
                    **found,
                    key: {
                        "problem": f"This could not be computed: {type(error).__name__}: {error}"
                    },
                }
            if version != self._version or self._closed:
                return
            self.later = found

    def _keep(self, state: State) -> dict[str, Any]:
        """How the case is had again."""
        if self._source is None or self._source[0] is not state.original:
            self._source = (state.original, code.source(state.original))
        where = self._source[1]
        line = code.python(state.original, where, state.case, state.changed)
        return {
            "keep": {
                "code": line,
                "command": code.command(where, state.case, state.changed, self._findings_file),
                "file": self._findings_file,
            }
        }

    def _ipython_display_(self) -> None:
        """The widget, and before it, for readers without a kernel, a picture of the case as it was when it was shown; the script hides it."""
        from IPython.display import HTML, display

        display(HTML(self._still()))  # type: ignore[no-untyped-call]
        found = super()._repr_mimebundle_()
        data, metadata = found if isinstance(found, tuple) else (found or {}, {})
        display(data, metadata=metadata, raw=True)  # type: ignore[no-untyped-call]

    def _still(self) -> str:
        parts = [case_html(self.case)]
        if self.case.model.network.ranked:
            parts.append(differential(self.case, limit=6)._repr_html_())
        return notebook_frame(*parts, class_="spinelink-still")
