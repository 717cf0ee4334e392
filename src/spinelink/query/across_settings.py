"""One case in every setting, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spinelink.network.network import Network
from spinelink.network.question import Question
from spinelink.result import Result, show_number

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
        """One row a cause, by its highest posterior anywhere. Columns: cause, label, then for each setting (setting, prior | posterior | rank)."""
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
        import pandas as pd

        frame = self.to_frame()
        return pd.DataFrame(
            {"cause": frame["", "label"], **{s: frame[s, "posterior"] for s in self.settings}}
        )

    def __str__(self) -> str:
        frame = self.to_frame()
        shown = self.shown().assign(cause=frame["", "cause"]).head(15)
        return f"{self.title()}\n{shown.to_string(index=False, float_format=show_number)}"

    def title(self) -> str:
        evidence = ", ".join(f"{s} exp({v:.2f})" for s, v in self.log_evidence.items())
        return f"{self.question}\nP(findings): {evidence}"

    def plot(self, ax: Axes | None = None, *, limit: int = 10) -> Axes:
        """Posteriors in all settings side by side."""
        from spinelink.view.plot.ranking import plot_settings

        return plot_settings(self, ax=ax, limit=limit)


def across_settings(
    network: Network,
    question: Question,
    prior: Mapping[str, Mapping[str, float]],
    posterior: Mapping[str, Mapping[str, float]],
    log_evidence: Mapping[str, float],
) -> AcrossSettings:
    """prior, posterior: setting -> cause -> probability, the same causes in each."""
    settings = tuple(posterior)
    causes = tuple(posterior[settings[0]])
    labels = tuple(network.nodes[n].label for n in causes)
    return AcrossSettings(
        question,
        settings,
        causes,
        labels,
        {s: tuple(prior[s][n] for n in causes) for s in settings},
        {s: tuple(posterior[s][n] for n in causes) for s in settings},
        dict(log_evidence),
    )
