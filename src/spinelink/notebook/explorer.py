"""The explorer: a widget whose state is a case.

The script and the style travel in the wheel; nothing is loaded from elsewhere.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from spinelink.case import Case, Model
from spinelink.errors import ImpossibleEvidenceError, SpinelinkError, reason
from spinelink.notebook import code, still, view
from spinelink.notebook.background import Background
from spinelink.notebook.numbers import node_parameters, patch, with_value
from spinelink.notebook.state import State
from spinelink.query.alerts import alerts
from spinelink.report.case_report import report

STATIC = Path(__file__).parent / "static"
MOST_UNDO = 200
"""Steps that can be undone."""

Message = Mapping[str, Any]
"""What the script sends: its type, and what belongs to it."""


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
    """Findings on the left, answers on the right.

    `explorer.case` is the case as it stands; setting it shows another.
    """

    _esm = STATIC / "explorer.js"
    _css = STATIC / "explorer.css"
    shell = traitlets.Dict().tag(sync=True)
    view = traitlets.Dict().tag(sync=True)
    numbers = traitlets.Dict().tag(sync=True)
    later = traitlets.Dict().tag(sync=True)

    def __init__(self, case: Case, *, of: Sequence[str] = (), background: bool = True) -> None:
        """Shows a case.

        Args:
            case: where it begins.
            of: nodes that are asked about in place of the causes.
            background: whether what takes longer is computed in a thread.
        """
        self._of = tuple(of)
        self._state, self._past = State(case.model, case, {}), list[State]()
        self._version, self._tab, self._node = 0, "answers", ""
        self._source: tuple[Model, code.Source | None] | None = None
        self._background = Background(self._compute) if background else None
        self._closed = False
        about = {"version": 0, "can_undo": False, "error": "", "computing": True}
        # The first message holds the red flags, and needs no probability.
        first = {**about, **view.NO_PROBABILITIES, **view.flags(case, {})}
        shell = view.fixed_part(case.model, self._of)
        super().__init__(shell=shell, view=first, numbers={}, later={"version": 0})
        self.on_msg(self._receive)
        if background:
            self._ask_later()
        else:
            self._show_probabilities()

    @property
    def case(self) -> Case:
        """The case as it stands."""
        return self._state.case

    @case.setter
    def case(self, case: Case) -> None:
        if not isinstance(case, Case):
            kind = type(case).__name__
            raise SpinelinkError(
                f"explorer.case is a Case, as model.observe(numbness=True) gives, not a {kind}."
            )
        self._become(self._state.with_case(case))

    def wait(self, timeout: float = 60.0) -> bool:
        """Waits until everything that takes longer is there.

        Args:
            timeout: seconds. Without a thread it is computed here, whatever the timeout.

        Returns:
            False if it is not there in time.
        """
        if self._background is None:
            self._compute()
            return True
        return self._background.wait(timeout)

    def close(self) -> None:
        """Ends the thread and the widget."""
        self._closed = True
        if self._background is not None:
            self._background.close()
        super().close()

    # -- what a person does

    def _receive(self, _: object, message: object, __: object = None) -> None:
        """Obeys a message of the script. What is not understood is shown, and changes nothing."""
        if not isinstance(message, Mapping):
            return
        actions: Mapping[str, Callable[[Message], None]] = {
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
            self._answer(message, str(error))
        except (KeyError, TypeError, ValueError) as error:
            self._answer(message, f"the explorer did not understand that: {error}")
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            self._answer(message, f"this went wrong and changed nothing: {what}")
        else:
            if "sequence" in message and self.view.get("sequence") != message["sequence"]:
                self._answer(message, "")

    def _answer(self, message: Message, error: str) -> None:
        """Answers a message that did not change the case."""
        self.view = {**self.view, "error": error, "sequence": message.get("sequence", 0)}

    def _observe(self, message: Message) -> None:
        node, value = str(message["node"]), message.get("value")
        if value is None and node in self.case.findings:
            case = self.case.retract(node)
        else:
            case = self.case.observe({node: value})
        try:
            self._become(replace(self._state, case=case), message)
        except SpinelinkError as error:
            # A contradiction does not silence a red flag.
            known = {alert.rule for alert in alerts(self.case)}
            raised = "".join(
                f" {alert.urgency.upper()}: {alert.label}. {alert.advice}"
                for alert in alerts(case)
                if alert.rule not in known
            )
            raise SpinelinkError(f"{error} The answer was not taken.{raised}") from None

    def _undo(self, message: Message) -> None:
        if self._past:
            self._become(self._past.pop(), message, remember=False)

    def _reset(self, message: Message) -> None:
        self._become(replace(self._state, case=self.case.model.observe()), message)

    def _setting(self, message: Message) -> None:
        now = self._state
        model = now.original.in_setting(str(message["name"]))
        self._become(now.rebuilt(model, now.changes), message)

    def _parameter(self, message: Message) -> None:
        now = self._state
        changes = with_value(
            now.base,
            now.changes,
            parameter=str(message["id"]),
            state=str(message.get("state", "")),
            value=float(message["value"]),
        )
        self._become(now.rebuilt(now.base, changes), message)

    def _reset_parameters(self, message: Message) -> None:
        self._become(self._state.rebuilt(self._state.base, {}), message)

    def _choose_tab(self, message: Message) -> None:
        self._tab = str(message["name"])
        self._show_numbers()
        self._ask_later()

    def _choose_node(self, message: Message) -> None:
        self._node = self.case.model.names(str(message["node"]))[0]
        self._show_numbers()

    def _show_numbers(self) -> None:
        """The parameters of the chosen node; at first of the likeliest cause."""
        if self._tab != "numbers":
            return
        nodes = self.case.model.nodes
        if self._node not in nodes:
            causes = self.view["causes"]
            first = str(causes[0]["name"]).partition("=")[0] if causes else next(iter(nodes))
            self._node = first
        self.numbers = node_parameters(self._state.base, self._node)

    def _export(self, message: Message) -> None:
        """Sends a file to the browser, which saves it."""
        kind, stem = str(message["kind"]), self.case.model.name
        if kind == "patch":
            text, name = patch(self.case.model, self._state.changes), f"{stem}-patch.json"
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
        self, state: State, message: Message | None = None, *, remember: bool = True
    ) -> None:
        """Shows another case: its red flags at once, then its probabilities, or why it has none.

        Findings that begin to contradict each other are not taken: then nothing has changed.
        """
        before, shown = self._state, self.view
        other_network = state.original.network is not before.original.network
        self._show_flags(state)
        try:
            self._show_probabilities(refused=() if shown["problem"] else ImpossibleEvidenceError)
        except ImpossibleEvidenceError:
            self._restore(before, shown)
            raise
        different = state.case != before.case or state.changes != before.changes
        if remember and (other_network or different):
            self._past = [*self._past[-MOST_UNDO + 1 :], before]
        extra = {"can_undo": bool(self._past), "sequence": (message or {}).get("sequence", 0)}
        with self.hold_sync():  # all parts in one message
            self.view = {**self.view, **extra}
            self._show_numbers()
        self._ask_later()

    def _show_flags(self, state: State) -> None:
        """Shows the findings and red flags of another case, before anything is computed."""
        other_network = state.original.network is not self._state.original.network
        self._state = state
        self._version += 1
        now = {"version": self._version, "computing": True, "error": "", "problem": ""}
        with self.hold_sync():
            if other_network:
                self.shell = view.fixed_part(state.original, self._asked_about(state))
                now |= view.NO_PROBABILITIES
            self.view = {**self.view, **view.flags(state.case, state.changes), **now}

    def _show_probabilities(
        self, refused: type[BaseException] | tuple[type[BaseException], ...] = ()
    ) -> None:
        """Computes the probabilities of the case as it stands, and shows them, or why it has none.

        refused: errors that are raised in place of being shown.
        """
        state, version = self._state, self._version
        try:
            shown = view.probabilities(state.case, self._asked_about(state))
        except BaseException as error:
            if isinstance(error, refused):
                raise
            shown = {**view.NO_PROBABILITIES, "problem": reason(error)}
            if not isinstance(error, Exception):  # Ctrl-C
                self.view = {**self.view, **shown, "computing": False}
                raise
        if version == self._version:
            self.view = {**self.view, **shown, "computing": False}

    def _restore(self, state: State, shown: Mapping[str, Any]) -> None:
        """Shows what was shown before."""
        other_network = state.original.network is not self._state.original.network
        self._state = state
        self._version += 1
        with self.hold_sync():
            if other_network:
                self.shell = view.fixed_part(state.original, self._asked_about(state))
            if self.later.get("version") == shown["version"]:
                self.later = {**self.later, "version": self._version}
            self.view = {**shown, "version": self._version}
        self._ask_later()

    def _asked_about(self, state: State) -> tuple[str, ...]:
        """The nodes that are asked about in place of the causes, as far as the network has them."""
        return tuple(n for n in self._of if n in state.case.model.nodes)

    def _ask_later(self) -> None:
        if self._background is not None:
            self._background.ask()

    def _compute(self) -> None:
        """Computes what takes longer, and gives up once there is a newer case."""
        if self.view["computing"] and not self._version:  # the first case, wherever it is shown
            self._show_probabilities()
        version = self._version
        later = dict(self.later)
        if later.get("version") != version:
            later = {"version": version}
        for part, step in self._steps(self._state, self._tab).items():
            if part in later:
                continue
            later = {**later, **_attempt(part, step)}
            if version != self._version or self._closed:
                return
            self.later = later

    def _steps(self, state: State, tab: str) -> dict[str, Callable[[], dict[str, Any]]]:
        """What takes longer, by part: what the open tab shows first, then the quickest first."""
        case, of = state.case, self._asked_about(state)
        by_tab: dict[str, Callable[[], dict[str, Any]]] = {
            "why": lambda: view.why_part(case, of),
            "graph": lambda: view.graph_part(case),
            "export": lambda: self._export_part(state),
        }
        steps = {tab: by_tab[tab]} if tab in by_tab else {}
        steps["intervals"] = lambda: view.intervals_part(case, of)
        steps["next"] = lambda: view.questions_part(case, of)
        if self.shell["tests"]:
            steps["tests"] = lambda: view.tests_part(case, of)
        if self.shell["links"]:
            steps["link"] = lambda: view.link_part(case)
        return steps

    def _export_part(self, state: State) -> dict[str, Any]:
        """The case as code, as a command, and the name of its file."""
        if self._source is None or self._source[0] is not state.original:
            self._source = (state.original, code.source(state.original))
        where, file = self._source[1], self._findings_file
        changes = state.changes
        line = code.python(state.case, where, original=state.original, changes=changes)
        command = code.command(state.case, where, changes=changes, file=file)
        return {"export": {"code": line, "command": command, "file": file}}

    def _ipython_display_(self) -> None:
        """The widget, and before it a still picture, for readers without a kernel.

        The picture shows the case as it was; the script hides it.
        """
        from IPython.display import HTML, display

        shown: Any = display(HTML(still.red_flags(self.case)), display_id=True)  # type: ignore[no-untyped-call]
        bundle = super()._repr_mimebundle_()
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle or {}, {})
        display(data, metadata=metadata, raw=True)  # type: ignore[no-untyped-call]
        if self.view["computing"]:
            self._show_probabilities()
        if shown is not None:  # None where there is no notebook
            shown.update(HTML(still.picture(self.case)))  # type: ignore[no-untyped-call]


def _attempt(part: str, step: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """A part of what takes longer, or why it is missing."""
    try:
        return step()
    except Exception as error:
        return {part: {"problem": reason(error)}}
