"""What the explorer shows and undo goes back to: a case, and what the sliders changed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from spinelink.case import Case, Model
from spinelink.notebook.numbers import Changes


@dataclass(frozen=True)
class State:
    """What undo goes back to.

    original: the model before any slider moved; changes: what the sliders changed.
    """

    original: Model
    case: Case
    changes: Changes

    @property
    def base(self) -> Model:
        """The model before any slider moved, in the setting in force."""
        setting = self.case.model.setting
        if not setting or setting == self.original.setting:
            return self.original
        return self.original.in_setting(setting)

    def rebuilt(self, model: Model, changes: Changes) -> State:
        """The same findings in another setting, or with other parameters."""
        changed = model.with_parameters(changes) if changes else model
        return replace(self, case=changed.observe(self.case.evidence), changes=changes)

    def with_case(self, case: Case) -> State:
        """Another case; what the sliders changed stays where its parameters are the same."""
        now, model = self.case.model, case.model
        if model.engine != now.engine:
            case = replace(case, model=replace(model, engine=now.engine))
        same_setting = model.setting == now.setting or not self.changes
        if model.network is now.network and same_setting:
            return replace(self, case=case)
        original = self.original if model.network is self.original.network else case.model
        return State(original, case, {})
