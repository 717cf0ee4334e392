"""One case in every setting, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from spinelink.case import Case
from spinelink.errors import SpinelinkError
from spinelink.options import text_list
from spinelink.result import Result
from spinelink.view.plot.ranking import plot_settings
from spinelink.view.text import frame_text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@dataclass(frozen=True, repr=False)
class AcrossSettings(Result):
    """P(cause is there | findings) in each setting; log_evidence: log P(findings) there."""

    settings: tuple[str, ...]
    causes: tuple[str, ...]
    labels: tuple[str, ...]
    prior: Mapping[str, tuple[float, ...]]
    posterior: Mapping[str, tuple[float, ...]]
    log_evidence: Mapping[str, float]

    def __len__(self) -> int:
        return len(self.causes)

    def ranks(self) -> dict[str, list[int]]:
        """Setting -> rank of each cause there, 1 being the likeliest."""
        found = {}
        for setting, values in self.posterior.items():
            order = sorted(range(len(values)), key=lambda k: (-values[k], self.causes[k]))
            found[setting] = [order.index(k) + 1 for k in range(len(values))]
        return found

    def to_frame(self) -> pd.DataFrame:
        """One row a cause, ordered by its highest posterior in any setting.

        Columns: cause, label, then for each setting (setting, prior | posterior | rank).
        """
        import pandas as pd

        ranks = self.ranks()
        data: dict[tuple[str, str], object] = {
            ("", "cause"): self.causes,
            ("", "label"): self.labels,
        }
        for s in self.settings:
            data |= {
                (s, "prior"): self.prior[s],
                (s, "posterior"): self.posterior[s],
                (s, "rank"): ranks[s],
            }
        frame = pd.DataFrame(data)
        best = [max(self.posterior[s][k] for s in self.settings) for k in range(len(self.causes))]
        return frame.iloc[
            sorted(range(len(best)), key=lambda k: (-best[k], self.causes[k]))
        ].reset_index(drop=True)

    def shown(self) -> pd.DataFrame:
        """The columns that fit beside each other."""
        import pandas as pd

        frame = self.to_frame()
        return pd.DataFrame(
            {"cause": frame["", "label"], **{s: frame[s, "posterior"] for s in self.settings}}
        )

    def __str__(self) -> str:
        frame = self.to_frame()
        shown = self.shown().assign(cause=frame["", "cause"]).head(15)
        return f"{self.title()}\n{frame_text(shown)}"

    def title(self) -> str:
        """What stands above the table."""
        evidence = ", ".join(f"{s} exp({v:.2f})" for s, v in self.log_evidence.items())
        return f"{self.question}\nP(findings): {evidence}"

    def plot(self, ax: Axes | None = None, *, limit: int = 10) -> Axes:
        """Posteriors in all settings side by side."""
        posterior = {s: self.posterior[s] for s in self.settings}
        return plot_settings(self.causes, posterior, labels=self.labels, ax=ax, limit=limit)


def across_settings(case: Case, settings: Iterable[str] | None = None) -> AcrossSettings:
    """What the same findings mean in several populations.

    Args:
        case: the findings.
        settings: names of settings; all of the network where None.

    Returns:
        Priors, posteriors and ranks of the causes, a column for each setting.

    Raises:
        UnknownNameError: the network has no such setting.
        SpinelinkError: the network has no settings.
        ImpossibleEvidenceError: the findings cannot occur together in one of them.

    Example:
        >>> import spinelink as sl
        >>> case = sl.load("back-leg-pain").observe(leg_pain="below_knee")
        >>> case.across_settings(["primary_care", "emergency"]).settings
        ('primary_care', 'emergency')
    """
    model = case.model
    chosen = tuple(model.settings if settings is None else text_list(settings, "settings"))
    if not chosen:
        raise SpinelinkError(f"network {model.name!r} has no settings to compare")
    causes = model.network.ranked
    cases = {s: replace(case, model=model.in_setting(s)) for s in chosen}
    return AcrossSettings(
        case.question(),
        chosen,
        tuple(causes),
        tuple(model.nodes[n].label for n in causes),
        {s: tuple(c.prior_present(causes).values()) for s, c in cases.items()},
        {s: tuple(c.present(causes).values()) for s, c in cases.items()},
        {s: c.log_evidence for s, c in cases.items()},
    )
