"""The model card of a network, as Markdown (Mitchell et al. 2019).

It says what the network is for, what it rests on, how it does, and where it fails. It is generated,
and a test compares it with the network.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spinelink.case import Model
from spinelink.claims.file import claims_for
from spinelink.errors import SpinelinkError
from spinelink.evaluate.audit import Audit, audit, grades
from spinelink.evaluate.case_score import read_scores, summary_of
from spinelink.evaluate.predicted import scores
from spinelink.evaluate.score import SCORES, score
from spinelink.evaluate.stock import evidence_uses, read_stock, uses_table
from spinelink.io.companion_file import companion_file
from spinelink.network.fitted import standing
from spinelink.network.node import ROLES
from spinelink.network.setting import parameters_in
from spinelink.view.text import short_number

if TYPE_CHECKING:
    import pandas as pd

CROSSVALIDATION = ".crossvalidation.csv"
USES = ".evidence.csv"
MOST_JUDGED = 15
"""Judged parameters that are listed with their influence."""
URGENCIES = ("emergency", "urgent", "soon")

WRITTEN = "This card is written by `spinelink card {name}`; a test holds it to the network."
GRADES = (
    "Every parameter states an uncertainty and a grade. *Measured*: this figure, in this population. "
    "*Derived*: computed from figures, or from another population. *Judged*: no figure; its note "
    "says what it was judged from."
)
INFORMED = (
    "After the fit to figures: *informed* where figures removed more than half of a parameter's prior "
    "variance, *touched* where they removed at least a twentieth, else *judged*."
)
CLAIMS = (
    "Claims are published figures asked of the network. *Same population*: the network can say the "
    "people and the definitions of the study. The figure was read in its source, with an interval "
    "or a number of people. *Near*: one of these differs somewhat. *Far*: the network "
    "cannot say how the people were selected (operated, suspected, volunteers), or the definition "
    "is another. Far claims are reported and not fitted to."
)
PREDICTED = (
    "Whole studies are left out, in {folds} folds, and predicted by a fit to the others. Inside: the "
    "fraction of figures in their predictive intervals. Errors are in log odds or log ratio. The "
    "stock: the median of the other figures of that kind. Nearer: nearer than the stock's median."
)
JUDGED = (
    "Judged parameters on which the causes hang most: where a study would help most. Influence: how "
    "far the posteriors of all causes move, in sum, when the parameter moves by one standard "
    "deviation. It is averaged over people with a single symptom or sign."
)
RULES = (
    "{rules} fixed rules over what was found. They fire whatever the probabilities say, in every "
    "setting and under every change of numbers. That none fires excludes nothing."
)


def files_of(model: Model, stock: Path | None) -> dict[Path, str]:
    """The files that are generated beside a network file.

    Args:
        model: a network that has a file.
        stock: the evidence stock; None for the card alone.

    Returns:
        Path -> text: the card, and with a stock the table of the uses of its records.

    Raises:
        SpinelinkError: the network has no file.
    """
    if model.origin is None:
        raise SpinelinkError(f"network {model.name!r} has no file, so no card can stand beside it")
    files = {model.origin.with_suffix(".md"): model_card(model)}
    if stock is not None:
        uses = evidence_uses(model.network, claims_for(model), stock=read_stock(stock))
        files[model.origin.with_suffix(USES)] = uses_table(uses)
    return files


def model_card(model: Model) -> str:
    """The card as Markdown.

    Args:
        model: the network; it is audited where claims stand beside its file, and scored where cases
            do.

    Returns:
        The text.
    """
    network = model.network
    identity = (
        f"`{network.name}` {network.version}, fingerprint `{model.fingerprint}`, "
        f"{network.license or 'no licence stated'}."
    )
    parts = [
        f"# {network.title}\n\n{identity} {WRITTEN.format(name=network.name)}",
        _section("What it is for", network.description, network.intended_use),
        _populations(model),
        _nodes(model),
        _grades(model),
    ]
    if companion_file(model.origin, "claims"):
        audited = audit(model, influence=True, progress=False)
        parts += [_audit(audited), _crossvalidation(model), _gaps(audited)]
    if companion_file(model.origin, "cases"):
        parts.append(_cases(model))
    parts += [_alerts(model), _sources(model), _changes(model)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(title: str, *parts: str) -> str:
    """A heading of the second level, and paragraphs or tables below it."""
    return "\n\n".join([f"## {title}", *parts])


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown."""
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    lines += [f"| {' | '.join(map(_cell, row))} |" for row in rows]
    return "\n".join(lines)


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _interval(bounds: tuple[float, float]) -> str:
    return f"{short_number(bounds[0])} to {short_number(bounds[1])}"


def _populations(model: Model) -> str:
    if not model.settings:
        return ""
    rows = [
        (f"`{name}`", s.label, s.population, len(s.overrides))
        for name, s in model.network.settings.items()
    ]
    table = _table(("setting", "label", "who", "numbers of its own"), rows)
    return _section("Populations", f"The default is `{model.network.default_setting}`.", table)


def _nodes(model: Model) -> str:
    network = model.network
    counts: Counter[str] = Counter(node.role for node in network.nodes.values())
    rows = []
    for role in ROLES:
        if counts[role]:
            labels = [node.label for node in network.nodes.values() if node.role == role]
            rows.append((role, counts[role], ", ".join(labels)))
    edges = sum(len(parents) for parents in network.parents.values())
    table = _table(("role", "nodes", "which"), rows)
    return _section("Nodes", f"{len(network.nodes)} nodes, {edges} edges.", table)


def _grades(model: Model) -> str:
    """How many parameters are measured, derived and judged, in each setting."""
    rows = []
    for setting in model.settings or (None,):
        counts = grades(parameters_in(model.network, setting))
        rows.append((setting or "all", sum(counts.values()), *counts.values()))
    table = _table(("in setting", "parameters", "measured", "derived", "judged"), rows)
    return _section("Parameters", GRADES, table, *_informed(model))


def _informed(model: Model) -> list[str]:
    """What figures made of the parameters, in each setting; nothing without fitted values."""
    rows = []
    for setting in model.settings or (None,):
        parameters = parameters_in(model.network, setting).values()
        known = Counter(
            standing(0.0 if p.fitted is None else p.fitted.informed) for p in parameters
        )
        rows.append((setting or "all", known["informed"], known["touched"], known["judged"]))
    columns = ("in setting", "informed", "touched", "judged")
    return [INFORMED, _table(columns, rows)] if model.stated is not None else []


def _audit(audited: Audit) -> str:
    """Claims by fit, setting and kind of interval, and those that are missed."""
    frame = audited.to_frame()
    by_setting = audited.summary("fit", "setting").reset_index().to_dict("records")
    in_all = audited.summary("fit").assign(setting="all").reset_index().to_dict("records")
    rows = [
        (r["fit"], r["setting"], *_inside(r), f"{r['median_errors']:.2f}")
        for r in [*by_setting, *in_all]
    ]
    by_interval = audited.summary("interval").reset_index().to_dict("records")
    failed = frame[~frame["inside"] & (frame["fit"] != "far")]
    inside, distance = "inside their interval", "median distance, standard errors"
    return _section(
        "Audit against the literature",
        CLAIMS,
        _table(("fit", "setting", "claims", inside, "share", distance), rows),
        "By what the interval is:",
        _table(
            ("interval", "claims", "inside", "share"),
            [(r["interval"], *_inside(r)) for r in by_interval],
        ),
        f"### Same population or near, and outside ({len(failed)})",
        _failures(failed),
    )


def _inside(row: dict[Hashable, Any]) -> tuple[object, object, str]:
    """Claims, how many lie inside their interval, and their share."""
    return row["claims"], row["inside"], _percent(row["share"])


def _failures(failed: pd.DataFrame) -> str:
    rows = [
        (
            f"`{r['claim']}`",
            r["setting"],
            r["fit"],
            short_number(r["published"]),
            _interval((r["low"], r["high"])),
            short_number(r["implied"]),
            f"{r['errors']:+.1f}",
            r["missed"] or r["note"],
        )
        for r in failed.to_dict("records")
    ]
    return _table(
        ("claim", "setting", "fit", "published", "interval", "network", "standard errors", "why"),
        rows,
    )


def _crossvalidation(model: Model) -> str:
    """How well claims are predicted that were left out of the fit; empty without its file."""
    assert model.origin is not None
    path = model.origin.with_suffix(CROSSVALIDATION)
    if not path.exists():
        return ""
    import pandas as pd

    frame = pd.read_csv(path, keep_default_na=False)
    found = scores(frame, ["fit"])
    rows = [
        (
            fit,
            int(row["figures"]),
            _percent(row["covered_50"]),
            _percent(row["covered_90"]),
            f"{row['error']:.2f}",
            f"{row['stock_error']:.2f}",
            _percent(row["nearer"]),
        )
        for fit, row in zip(found.index, found.to_dict("records"), strict=True)
    ]
    inside = ("inside 50 %", "inside 90 %")
    errors = ("median error", "the stock's", "nearer")
    text = PREDICTED.format(folds=frame["fold"].nunique())
    table = _table(("fit", "figures", *inside, *errors), rows)
    return f"### Predicted without themselves\n\n{text}\n\n{table}"


def _gaps(audited: Audit) -> str:
    """Claims that contradict each other, and parameters without a good source."""
    parts = []
    rows = [
        (f"`{c.first}`", _interval(c.intervals[0]), f"`{c.second}`", _interval(c.intervals[1]))
        for c in audited.contradictions
    ]
    if rows:
        parts.append("Figures that ask the same of the same people and cannot both hold:")
        parts.append(_table(("claim", "interval", "claim", "interval"), rows))
    judged = [(f"`{name}`", f"{value:.3f}") for name, value in audited.judged[:MOST_JUDGED]]
    parts += [JUDGED, _table(("number", "influence"), judged)]
    claims = sum(row.claim.secondhand for row in audited.rows)
    parts.append(
        "Numbers of the default setting that rest on second-hand figures only: "
        f"{len(audited.secondhand)}. Claims that are second-hand: {claims} of "
        f"{len(audited.rows)}. Numbers without any source (judged): {len(audited.without_source)}."
    )
    return _section("Known gaps and contradictions", *parts)


def _cases(model: Model) -> str:
    """How often the right cause of published cases was found, and where it was not."""
    cases = _scored(model)
    rows = [
        (words, f"{k} of {n}", _percent(k / max(n, 1)), f"{_percent(low)} to {_percent(high)}")
        for words, k, n, low, high in summary_of(cases)
    ]
    missed = [
        (
            f"`{c['case']}`",
            c["diagnosis"],
            c["rank"] or "not ranked",
            c["raised_rank"],
            c["leading"],
        )
        for c in cases.to_dict("records")
        if not (0 < c["rank"] <= 3 or 0 < c["raised_rank"] <= 3)
    ]
    parts = [_table(("measure", "cases", "share", "95 % interval"), rows)]
    if missed:
        parts.append("The right cause was among the first three of neither list in:")
        head = ("case", "it was", "rank", "by what findings point to", "the network's first three")
        parts.append(_table(head, missed))
    return _section("Published cases", *parts)


def _scored(model: Model) -> pd.DataFrame:
    """The published cases and their ranks, from the file beside the network where there is one."""
    assert model.origin is not None
    path = model.origin.with_suffix(SCORES)
    if path.exists():
        return read_scores(path)
    return score(model).to_frame()


def _alerts(model: Model) -> str:
    rules = sorted(model.network.alerts.values(), key=lambda rule: URGENCIES.index(rule.urgency))
    if not rules:
        return ""
    rows = [(rule.urgency, rule.label, rule.advice, rule.certainty) for rule in rules]
    table = _table(("urgency", "rule", "advice", "how sure"), rows)
    return _section("Safety rules", RULES.format(rules=len(rows)), table)


def _sources(model: Model) -> str:
    sources = model.network.sources.values()
    if not sources:
        return ""
    secondhand = sum(source.secondhand for source in sources)
    named = sum(bool(source.doi or source.pmid) for source in sources)
    return _section(
        "Sources",
        f"{len(sources)} publications, {named} with a doi or pmid, {secondhand} second-hand. "
        f"`spinelink cite -n {model.name}` writes them as BibTeX; with findings, those behind that "
        "answer.",
    )


def _changes(model: Model) -> str:
    changes = reversed(model.network.changes)
    lines = "\n".join(f"- {change.version} ({change.date}): {change.text}" for change in changes)
    return _section("Changes", lines) if lines else ""
