"""Figures predicted by fits without their studies, as one page that stands alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from spinelink.errors import SpinelinkError
from spinelink.evaluate.predicted import CrossValidation
from spinelink.report.frame_table import STYLE, frame_table, titled_table
from spinelink.view.html import Html, document, element, fragment, paragraph, section
from spinelink.view.plot.picture import svg_picture

if TYPE_CHECKING:
    import pandas as pd

LEAST_EXPECTED = 20
"""Figures listed, the least expected first."""
COLUMNS = {
    "figures": "figures",
    "covered_50": "inside 50 %",
    "covered_90": "inside 90 %",
    "log_score": "log score",
    "gain": "gain",
    "rank_score": "rank score",
    "error": "median error",
    "stock_error": "stock's error",
    "priors_error": "priors' error",
    "nearer": "nearer than the stock",
}
"""Columns of `CrossValidation.summary` -> their names on the page."""
HOW_TO_READ = (
    "Each figure was left out together with its whole study, and the network was fitted to the "
    "rest. What that fit expected of the figure is compared with what was published. Where "
    "predictions are as uncertain as they say, half of the figures lie inside their 50 % "
    "intervals, and nine in ten inside their 90 % intervals. Log score: the logarithm of the "
    "predictive density at the published figure, on average; higher is better. Gain: how far it "
    "lies above the better of two baselines, the median of the other figures of that kind and the "
    "priors alone. Rank score and errors are in log odds or log ratio; lower is better. Nearer: "
    "the fraction of figures that the network meets more closely than the median of the other "
    "figures does."
)


def predictive_page(found: CrossValidation) -> str:
    """The page of a cross-validation, as HTML that loads nothing.

    Args:
        found: as `model.cross_validate()` gives.

    Returns:
        How to read it; the scores of all figures, and by kind, setting and grade of fit; both plots;
        and the figures that were least expected.

    Example:
        >>> import spinelink as sl
        >>> predictive_page(sl.load("minimal").cross_validate(folds=2))[:15]
        '<!doctype html>'
    """
    question = found.question
    title = f"Predictions of {question.network} {question.version}"
    parts = [
        element("h1", title),
        paragraph(f"{found.title()[:-1]}. Network fingerprint {question.fingerprint}."),
        paragraph(HOW_TO_READ, style="max-width:60em"),
        section("All figures", frame_table(_named(found.total()))),
        section("Predicted against published", _predicted(found)),
        section("How often intervals hold", _coverage(found)),
        *(
            titled_table(words, _named(found.summary(column), column=label))
            for words, column, label in (
                ("By kind of figure", "kind", "kind"),
                ("By setting", "setting", "setting"),
                ("By how well the question fits the study", "fit", "fit"),
            )
        ),
        titled_table("The least expected figures", _least_expected(found)),
    ]
    return document(title, *parts, style=STYLE)


def _named(scores: pd.DataFrame, *, column: str | None = None) -> pd.DataFrame:
    """Scores with the names of the page. column: the name of the groups; None: they have none."""
    chosen = scores[list(COLUMNS)].rename(columns=COLUMNS).round(6)
    for name in ("inside 50 %", "inside 90 %", "nearer than the stock"):
        chosen[name] = [f"{100.0 * value:.0f} %" for value in chosen[name]]
    if column is None:
        return chosen
    groups = [str(name).replace("_", " ") or "the default" for name in scores.index]
    chosen.insert(0, column, groups)
    return chosen


def _predicted(found: CrossValidation) -> Html:
    words = (
        "Each mark is a figure, at the middle of its prediction; the thin line is the 90 % "
        "predictive interval. On the grey diagonal both are alike."
    )
    about = f"{len(found.rows)} figures, predicted over published, with a diagonal."
    return _picture(found.plot, "predicted", words=words, about=about, height=7.5, width=7.8)


def _coverage(found: CrossValidation) -> Html:
    words = (
        "Below the dotted line intervals are too narrow, above it too wide. The grey band is what "
        "chance gives to independent figures. Those of one study are not independent, so that chance "
        "may lead somewhat farther."
    )
    pairs = zip(*(found.coverage()[c] for c in ("nominal", "observed")), strict=True)
    about = ", ".join(f"{100 * o:.0f} % inside {100 * n:.0f} % intervals" for n, o in pairs)
    return _picture(
        found.plot_coverage, "coverage", words=words, about=about, height=4.8, width=5.0
    )


def _picture(
    draw: Callable[..., object],
    name: str,
    *,
    words: str,
    about: str,
    width: float,
    height: float,
) -> Html:
    """A plot below what it shows; without matplotlib the page says that it is left out."""
    try:
        shown = svg_picture(draw, name, about=about, width=width, height=height)
    except SpinelinkError as error:
        shown = paragraph(f"This picture is left out: {error}")
    return fragment(paragraph(words, style="max-width:60em"), shown)


def _least_expected(found: CrossValidation) -> pd.DataFrame:
    frame = found.to_frame().sort_values("log_score", kind="stable").head(LEAST_EXPECTED)
    chosen = frame[["claim", "kind", "setting", "fit", "study", "published", "predicted"]]
    chosen = chosen.fillna({"setting": ""})
    return chosen.assign(
        low=frame["low"],
        high=frame["high"],
        log_score=frame["log_score"],
        error=frame["error"].round(6),
    )
