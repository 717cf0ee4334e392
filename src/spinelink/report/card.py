"""The model card of a network: what it is for, what it rests on, how it does, and where it fails. Generated, so that it is true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from spinelink.case import ROLES, Model
from spinelink.claims.file import claims_for
from spinelink.errors import SpinelinkError
from spinelink.evaluate.audit import Audit, audit, grades
from spinelink.evaluate.score import score
from spinelink.evaluate.stock import evidence_uses, read_stock, uses_table
from spinelink.io.companion_file import companion_file
from spinelink.network.setting import parameters_in

if TYPE_CHECKING:
    import pandas as pd

CROSSVALIDATION = ".crossvalidation.csv"
USES = ".evidence.csv"
MOST_JUDGED = 15


def files_of(model: Model, stock: Path | None) -> dict[Path, str]:
    """The files that are generated beside a network file: its card, and the table of uses of the evidence stock where a stock is given."""
    if model.origin is None:
        raise SpinelinkError(f"network {model.name!r} has no file, so no card can stand beside it")
    found = {model.origin.with_suffix(".md"): model_card(model)}
    if stock is not None:
        found[model.origin.with_suffix(USES)] = uses_table(
            evidence_uses(model.network, claims_for(model), stock=read_stock(stock))
        )
    return found


def model_card(model: Model) -> str:
    """The card as Markdown. Audits the network where claims stand beside it, and scores it where cases do."""
    network = model.network
    identity = f"`{network.name}` {network.version}, fingerprint `{model.fingerprint}`, {network.license or 'no licence stated'}."
    parts = [
        f"# {network.title}\n\n{identity} This card is written by `spinelink card {network.name}`; a test holds it to the network.",
        f"## What it is for\n\n{network.description}\n\n{network.intended_use}",
        _populations(model),
        _nodes(model),
        _numbers(model),
    ]
    if companion_file(model.origin, "claims"):
        audited = audit(model, influence=True, progress=False)
        parts += [_audit(audited), _crossvalidation(model), _gaps(audited)]
    if companion_file(model.origin, "cases"):
        parts.append(_cases(model))
    parts += [_alerts(model), _sources(model), _changes(model)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    def cell(value: object) -> str:
        return str(value).replace("|", "\\|").replace("\n", " ")

    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    lines += [f"| {' | '.join(map(cell, row))} |" for row in rows]
    return "\n".join(lines)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _populations(model: Model) -> str:
    if not model.settings:
        return ""
    rows = [
        (f"`{name}`", s.label, s.population, len(s.overrides))
        for name, s in model.network.settings.items()
    ]
    return f"## Populations\n\nThe default is `{model.network.default_setting}`.\n\n" + _table(
        ("setting", "label", "who", "numbers of its own"), rows
    )


def _nodes(model: Model) -> str:
    counts: Counter[str] = Counter(node.role for node in model.network.nodes.values())
    rows = []
    for role in ROLES:
        if counts[role]:
            labels = [node.label for node in model.network.nodes.values() if node.role == role]
            rows.append((role, counts[role], ", ".join(labels)))
    edges = sum(len(parents) for parents in model.network.parents.values())
    return f"## Nodes\n\n{len(model.network.nodes)} nodes, {edges} edges.\n\n" + _table(
        ("role", "nodes", "which"), rows
    )


def _numbers(model: Model) -> str:
    rows = []
    for setting in model.settings or (None,):
        counts = grades(parameters_in(model.network, setting))
        rows.append((setting or "all", sum(counts.values()), *counts.values()))
    text = (
        "Every number states an uncertainty and a grade. *Measured*: this figure, in this population. *Derived*: computed from figures, or from "
        "another population. *Judged*: no figure; its note says what it was judged from."
    )
    return f"## Numbers\n\n{text}\n\n" + _table(
        ("in setting", "numbers", "measured", "derived", "judged"), rows
    )


def _audit(audited: Audit) -> str:
    frame = audited.to_frame()
    shares = audited.summary("fit", "setting").reset_index().to_dict("records")
    totals = audited.summary("fit").assign(setting="all").reset_index().to_dict("records")
    rows = [
        (
            r["fit"],
            r["setting"],
            r["claims"],
            r["inside"],
            _percent(r["share"]),
            f"{r['median_errors']:.2f}",
        )
        for r in [*shares, *totals]
    ]
    of_intervals = [
        (r["interval"], r["claims"], r["inside"], _percent(r["share"]))
        for r in audited.summary("interval").reset_index().to_dict("records")
    ]
    failed = frame[~frame["inside"] & (frame["fit"] != "far")]
    text = (
        "Claims are published figures asked of the network. *Same population*: the people and definitions of the study can be said in the network, "
        "and the figure was read in its source with an interval or a number of people. *Near*: one of these differs somewhat. *Far*: the people "
        "were selected in a way that the network cannot say (operated, suspected, volunteers), or the definition is another; far claims are reported and "
        "not fitted to."
    )
    parts = [
        f"## Audit against the literature\n\n{text}",
        _table(
            (
                "fit",
                "setting",
                "claims",
                "inside their interval",
                "share",
                "median distance, standard errors",
            ),
            rows,
        ),
        "By what the interval is:\n\n"
        + _table(("interval", "claims", "inside", "share"), of_intervals),
        f"### Same population or near, and outside ({len(failed)})\n\n" + _failures(failed),
    ]
    return "\n\n".join(parts)


def _failures(failed: pd.DataFrame) -> str:
    rows = [
        (
            f"`{r['claim']}`",
            r["setting"],
            r["fit"],
            "" if r["published"] != r["published"] else f"{r['published']:.3g}",
            _interval((r["low"], r["high"])),
            f"{r['implied']:.3g}",
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
    assert model.origin is not None
    path = model.origin.with_suffix(CROSSVALIDATION)
    if not path.exists():
        return ""
    import pandas as pd

    frame = pd.read_csv(path)
    frame["inside_before"] = (frame["low"] <= frame["before"]) & (frame["before"] <= frame["high"])
    rows = [
        (fit, len(part), _percent(part["inside_before"].mean()), _percent(part["inside"].mean()), f"{part['error_before'].median():.2f}", f"{part['error'].median():.2f}")
        for fit, part in frame.groupby("fit", sort=False)
    ]  # fmt: skip
    text = (
        f"Claims of one source are left out together, in {frame['fold'].nunique()} folds, and predicted by a fit to the others; both fits begin from "
        "the numbers before any fit. Errors are in log odds or log ratio."
    )
    return f"### Predicted without themselves\n\n{text}\n\n" + _table(
        (
            "fit",
            "claims",
            "inside before any fit",
            "inside, predicted",
            "median error before",
            "median error, predicted",
        ),
        rows,
    )


def _gaps(audited: Audit) -> str:
    rows = [
        (f"`{c.first}`", _interval(c.intervals[0]), f"`{c.second}`", _interval(c.intervals[1]))
        for c in audited.contradictions
    ]
    parts = ["## Known gaps and contradictions"]
    if rows:
        parts.append("Figures that ask the same of the same people and cannot both hold:")
        parts.append(_table(("claim", "interval", "claim", "interval"), rows))
    parts.append(
        "Judged numbers on which the causes hang most: where a study would help most. Influence: the sum over the causes of how far their posteriors "
        "move when the number moves by one standard deviation of its own uncertainty, averaged over people with a single symptom or sign."
    )
    parts.append(
        _table(
            ("number", "influence"),
            [(f"`{name}`", f"{value:.3f}") for name, value in audited.judged[:MOST_JUDGED]],
        )
    )
    second = f"Numbers of the default setting that rest on second-hand figures only: {len(audited.secondhand)}."
    second += f" Claims that are second-hand: {sum(r.claim.secondhand for r in audited.rows)} of {len(audited.rows)}."
    without = f"Numbers without any source (judged): {len(audited.without_source)}."
    return "\n\n".join([*parts, f"{second} {without}"])


def _interval(bounds: tuple[float, float]) -> str:
    return f"{bounds[0]:.3g} to {bounds[1]:.3g}"


def _cases(model: Model) -> str:
    found = score(model)
    rows = [
        (words, f"{k} of {n}", _percent(k / max(n, 1)), f"{_percent(low)} to {_percent(high)}")
        for words, k, n, low, high in found.summary()
    ]
    missed = [
        (
            f"`{o.reading.case.id}`",
            o.reading.case.diagnosis,
            o.rank or "not ranked",
            ", ".join(n for n, _ in o.leading),
        )
        for o in found.outcomes
        if not 0 < o.rank <= 3
    ]
    text = f"## Published cases\n\n{_table(('measure', 'cases', 'share', '95 % interval'), rows)}"
    if missed:
        text += "\n\nThe right cause was not among the first three in:\n\n" + _table(
            ("case", "it was", "rank", "the network's first three"), missed
        )
    return text


def _alerts(model: Model) -> str:
    if not model.network.alerts:
        return ""
    rows = [
        (a.urgency, a.label, a.advice, a.certainty)
        for a in sorted(
            model.network.alerts.values(),
            key=lambda a: ("emergency", "urgent", "soon").index(a.urgency),
        )
    ]
    text = (
        f"{len(rows)} fixed rules over what was found. They fire whatever the probabilities say, in every setting and under every change of numbers. "
        "That none fires excludes nothing."
    )
    return f"## Safety rules\n\n{text}\n\n" + _table(
        ("urgency", "rule", "advice", "how sure"), rows
    )


def _sources(model: Model) -> str:
    sources = model.network.sources
    if not sources:
        return ""
    second = sum(s.secondhand for s in sources.values())
    named = [s for s in sources.values() if s.doi or s.pmid]
    return (
        f"## Sources\n\n{len(sources)} publications, {len(named)} with a doi or pmid, {second} second-hand. `spinelink cite -n {model.name}` writes them as "
        "BibTeX; with findings, those behind that answer."
    )


def _changes(model: Model) -> str:
    if not model.network.changes:
        return ""
    return "## Changes\n\n" + "\n".join(
        f"- {c.version} ({c.date}): {c.text}" for c in reversed(model.network.changes)
    )
