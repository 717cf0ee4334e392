"""`Model` and `Case` as users have them: a list of the questions, each a function of its own room.

`help(Case.differential)` shows the function's own docstring. Each module is imported on use.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spinelink import case as core
from spinelink.deferred import DeferredModule
from spinelink.errors import SpinelinkError
from spinelink.network.call_signature import naming_findings
from spinelink.network.evidence import EMPTY, Evidence
from spinelink.typing import Findings, FindingValue

if TYPE_CHECKING:
    from spinelink.adjust import fitted, learn
    from spinelink.adjust.evidence import fit
    from spinelink.evaluate import audit, clinic, crossvalidation, diff, tuned, validation
    from spinelink.exchange import network_file, networkx, pgmpy
    from spinelink.notebook.explorer import Explorer
    from spinelink.query import (
        across_settings,
        alerts,
        attribution,
        conflict,
        description,
        findings,
        graph,
        intervals,
        interview,
        link,
        most_probable,
        next_best,
        overview,
        parameters,
        posterior,
        ranking,
        reasons,
        sample,
        sensitivity,
        sources,
        sweep,
        two_way,
    )
    from spinelink.report import case_report
    from spinelink.table import posteriors, scorer
else:
    for room, names in {
        "adjust": "fitted learn",
        "adjust.evidence": "fit",
        "evaluate": "audit clinic crossvalidation diff tuned validation",
        "exchange": "network_file networkx pgmpy",
        "query": "across_settings alerts attribution conflict description findings graph intervals"
        " interview link most_probable next_best overview parameters posterior ranking reasons"
        " sample sensitivity sources sweep two_way",
        "report": "case_report",
        "table": "posteriors scorer",
    }.items():
        for name in names.split():
            globals()[name] = DeferredModule(f"spinelink.{room}.{name}")


@dataclass(frozen=True, eq=False, repr=False)
class Model(core.Model):
    """A network in one of its settings, ready to answer. Models never change: every change gives a new one."""

    findings = findings.findings
    describe = description.describe
    cpt = description.cpt
    parameters = parameters.parameters
    posteriors = posteriors.posteriors
    scorer = scorer.scorer
    sample = sample.sample_patients
    audit = audit.audit
    fit_claims = fit.fit_claims
    cross_validate = crossvalidation.cross_validate
    simulate_clinic = clinic.simulate_clinic
    tune = tuned.tune
    learn = learn.learn
    update = fitted.update
    fitted = fitted.fitted
    evaluate = validation.evaluate
    diff = diff.diff
    graph = graph.network_graph
    sweep = sweep.sweep_marginals
    save = network_file.save
    to_bibtex = network_file.to_bibtex
    to_networkx = networkx.to_networkx
    to_pgmpy = pgmpy.to_pgmpy
    _repr_html_ = overview.model_html

    @naming_findings
    def observe(self, findings: Findings | None = None, /, **more: FindingValue) -> Case:
        """A case with these findings; see `Case.observe`.

        Args:
            findings: node -> value, for names that are no Python names.
            **more: the same by keyword.

        Returns:
            A case.

        Raises:
            UnknownNameError: the network has no such node.
            EvidenceError: a value does not fit its node.

        Example:
            >>> import spinelink as sl
            >>> sl.load("minimal").observe(numbness=True).evidence
            {'numbness': 'present'}
        """
        return Case(self).observe(findings, **more)

    def explore(self, *, of: str | Iterable[str] | None = None) -> Explorer:
        """The explorer, in a notebook: findings on the left, answers on the right.

        Args:
            of: nodes whose probabilities are shown; the ranked causes where None.

        Returns:
            The widget; see `Case.explore`.

        Raises:
            SpinelinkError: the extra `notebook` is not installed.

        Example:
            >>> import spinelink as sl
            >>> sl.load("minimal").explore().case.evidence
            {}
        """
        return self.observe().explore(of=of)


@dataclass(frozen=True, eq=False, repr=False)
class Case(core.Case):
    """A model with evidence: what was found in one patient. Cases never change: `observe` and `retract` give new ones."""

    model: Model
    findings: Evidence = EMPTY

    joint = posterior.joint
    posteriors = posterior.posteriors
    posterior = posterior.posterior
    differential = ranking.differential
    urgent_causes = ranking.urgent_causes
    most_probable_explanation = most_probable.most_probable_explanation
    intervals = intervals.intervals
    sources = sources.sources
    report = case_report.report
    sensitivity = sensitivity.sensitivity
    two_way = two_way.two_way
    sweep = sweep.sweep
    across_settings = across_settings.across_settings
    explain = reasons.explain
    conflict = conflict.conflict
    next_best = next_best.next_best
    interview = interview.interview
    attribute = attribution.attribute
    link = link.link
    alerts = alerts.alerts
    sample = sample.sample
    graph = graph.graph
    _repr_html_ = overview.case_html

    def explore(self, *, of: str | Iterable[str] | None = None) -> Explorer:
        """The explorer, a widget for JupyterLab 4 and Notebook 7.

        Args:
            of: nodes whose probabilities are shown; the ranked causes where None.

        Returns:
            The widget. `.case` is the case as it stands.

        Raises:
            UnknownNameError: a node is not known.
            SpinelinkError: the extra `notebook` is not installed.

        Example:
            >>> import spinelink as sl
            >>> sl.load("minimal").observe(numbness=True).explore().case.evidence
            {'numbness': 'present'}
        """
        try:
            from spinelink.notebook.explorer import explore
        except ImportError as error:
            raise SpinelinkError(
                f"the explorer needs {error.name}: pip install 'spinelink[notebook]'"
            ) from None
        return explore(self, of=of)
