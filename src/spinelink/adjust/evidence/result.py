"""The answer of a fit to figures: fitted parameters, spreads between studies, and what moved what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spinelink.network.claim import Claim
from spinelink.network.coordinates import Key
from spinelink.network.fitted import OWN, FittedFile, FittedSpread, FittedValue, standing
from spinelink.network.joint import JointCovariance
from spinelink.network.network import Network
from spinelink.network.parameter import Parameter
from spinelink.network.question import fingerprint
from spinelink.result import Result
from spinelink.version import __version__
from spinelink.view.html import text_in_notebook
from spinelink.view.text import frame_text

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
ROWS_SHOWN = 20
LEAST_INFORMED = 0.001
"""Parameters of which figures removed less of the variance are kept as independent."""


@dataclass(frozen=True)
class FittedParameter:
    """One parameter before and after the fit.

    Attributes:
        setting: whose override it is; None for the node's own.
        id: of the parameter.
        state: of a distribution, else None.
        before: its prior estimate.
        after: its fitted estimate.
        low: of the 95 % interval.
        high: of the same.
        informed: the fraction of the prior variance that figures removed, from 0 to 1.
        studies: those that removed most of it.
    """

    setting: str | None
    id: str
    state: str | None
    before: float
    after: float
    low: float
    high: float
    informed: float
    studies: tuple[str, ...]

    @property
    def standing(self) -> str:
        """`informed` where figures removed more than half of the variance, `touched`, or `judged`."""
        return standing(self.informed)


@dataclass(frozen=True)
class StudySpread:
    """How far figures of one kind and grade differ between studies: a standard deviation."""

    quantity: str
    fit: str
    figures: int
    deviation: float


@dataclass(frozen=True, eq=False)
class FittedClaim:
    """One claim: what the network implied before and after, and the weight of its study."""

    name: str
    claim: Claim
    before: float
    after: float
    weight: float

    @property
    def inside(self) -> bool:
        """Whether the fitted network implies a figure in the published interval."""
        low, high = self.claim.bounds
        return low <= self.after <= high


@dataclass(frozen=True, eq=False, repr=False)
class EvidenceFit(Result):
    """Parameters fitted to published figures.

    Attributes:
        network: with the fitted parameters.
        fitted: the parameters that changed, by setting and id.
        rows: one a parameter, or state of a distribution.
        claims: one a figure.
        spreads: between studies, by kind of quantity and grade.
        shared: the fraction of that variance that figures of one study share.
        factors: what the priors' own spreads were multiplied by, by kind of prior.
        words: word -> its place after the fit, in log odds or log ratio from its place before.
        keys: the coordinates: setting, id and state.
        covariance: of these, (coordinates, coordinates).
        steps: of the search.
        complete: the search ended by itself.
        objective: what is minimised, before the first step and after each.
    """

    network: Network
    fitted: Mapping[Key, Parameter]
    rows: tuple[FittedParameter, ...]
    claims: tuple[FittedClaim, ...]
    spreads: tuple[StudySpread, ...]
    shared: float
    factors: Mapping[str, float]
    words: Mapping[str, float]
    keys: tuple[tuple[str | None, str, str | None], ...]
    covariance: Array
    steps: int
    complete: bool
    objective: tuple[float, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row a parameter, the most informed first.

        Columns: setting, parameter, state, before, after, low, high, informed, standing, studies.
        """
        import pandas as pd

        rows = [
            (
                *(r.setting, r.id, r.state, r.before, r.after, r.low, r.high, r.informed),
                *(r.standing, "; ".join(r.studies)),
            )
            for r in self.rows
        ]
        columns = "setting parameter state before after low high informed standing studies"
        frame = pd.DataFrame(rows, columns=columns.split())
        return frame.sort_values("informed", ascending=False, kind="stable", ignore_index=True)

    def to_dict(self) -> dict[str, object]:
        """The answer as plain values, without the covariance and what `rows` say already."""
        said = super().to_dict()
        return {k: v for k, v in said.items() if k not in ("fitted", "keys", "covariance")}

    def claims_frame(self) -> pd.DataFrame:
        """One row a figure: claim, setting, fit, published, low, high, before, after, weight."""
        import pandas as pd

        rows = [
            (
                *(c.name, c.claim.setting, c.claim.fit, c.claim.published, *c.claim.bounds),
                *(c.before, c.after, c.weight),
            )
            for c in self.claims
        ]
        columns = "claim setting fit published low high before after weight"
        return pd.DataFrame(rows, columns=columns.split())

    def spreads_frame(self) -> pd.DataFrame:
        """One row a kind of quantity and grade: quantity, fit, figures, deviation."""
        import pandas as pd

        rows = [(s.quantity, s.fit, s.figures, s.deviation) for s in self.spreads]
        return pd.DataFrame(rows, columns=["quantity", "fit", "figures", "deviation"])

    def title(self) -> str:
        """What stands above the table."""
        standing = [r.standing for r in self.rows]
        counts = ", ".join(f"{standing.count(s)} {s}" for s in ("informed", "touched", "judged"))
        ended = "" if self.complete else " (not finished: interrupted, or the limit was reached)"
        return f"{len(self.claims)} figures, {self.steps} steps{ended}; parameters: {counts}."

    def __str__(self) -> str:
        frame = self.to_frame().fillna({"state": "", "setting": ""}).head(ROWS_SHOWN)
        parts = [
            self.title(),
            "Standard deviation between studies, in log odds or log ratio:",
            frame_text(self.spreads_frame(), digits=3),
            "The best informed parameters:",
            frame_text(frame, digits=3, zeros=False),
        ]
        return "\n\n".join(parts)

    def _repr_html_(self) -> str:
        return text_in_notebook(str(self))


def fitted_file(fit: EvidenceFit, *, stated: Network, claims: str) -> FittedFile:
    """A fit as its companion file.

    stated: the network as its file says it. claims: the fingerprint of the figures.
    """
    parameters: dict[str, dict[str, FittedValue]] = {}
    for (setting, name), parameter in fit.fitted.items():
        about = parameter.fitted
        assert about is not None
        value = FittedValue(
            estimate=_rounded(parameter.value),
            deviation=None if about.deviation is None else _short(about.deviation),
            weight=None if about.weight is None else _short(about.weight),
            informed=round(about.informed, 4),
            studies=about.studies,
        )
        parameters.setdefault(OWN if setting is None else setting, {})[name] = value
    return FittedFile(
        network=stated.name,
        network_fingerprint=fingerprint(stated),
        claims_fingerprint=claims,
        library=__version__,
        figures=len(fit.claims),
        studies=len({c.claim.source for c in fit.claims}),
        complete=fit.complete,
        shared=_short(fit.shared),
        spreads=tuple(
            FittedSpread(
                quantity=s.quantity, fit=s.fit, figures=s.figures, deviation=_short(s.deviation)
            )
            for s in fit.spreads
        ),
        factors={k: _short(v) for k, v in fit.factors.items()},
        words={k: _short(v) for k, v in fit.words.items()},
        parameters=parameters,
    )


def joint_of(fit: EvidenceFit) -> JointCovariance | None:
    """How the parameters that figures moved vary together; None where they moved none."""

    def is_moved(setting: str | None, name: str) -> bool:
        about = fit.fitted[setting, name].fitted
        return about is not None and about.informed > LEAST_INFORMED

    rows = [k for k, (setting, name, _) in enumerate(fit.keys) if is_moved(setting, name)]
    if not rows:
        return None
    return JointCovariance(tuple(fit.keys[k] for k in rows), fit.covariance[np.ix_(rows, rows)])


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def _rounded(value: float | dict[str, float]) -> float | dict[str, float]:
    """Six digits; a distribution's largest takes what is left, so that it sums to 1."""
    if not isinstance(value, dict):
        return float(f"{value:.6g}")
    rounded = {s: float(f"{p:.6g}") for s, p in value.items()}
    largest = max(rounded, key=rounded.__getitem__)
    rest = sum(p for s, p in rounded.items() if s != largest)
    return {**rounded, largest: round(1.0 - rest, 12)}
