"""A model of patients, and a case: one patient's findings. Both are frozen; every method is one call to a function of a lower layer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from os import PathLike as PathLikeType
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, get_args

from spinelink.errors import (
    EvidenceError,
    ImpossibleEvidenceError,
    SpinelinkError,
    UnknownNameError,
)
from spinelink.inference.arrays import CompiledNetwork, Resources
from spinelink.inference.kernel.engine import check_engine
from spinelink.inference.kernel.engine import is_available as fast_is_available
from spinelink.inference.limits import MEMORY_LIMIT
from spinelink.inference.plan.cache import PlanCache
from spinelink.network.constraint import Constraint
from spinelink.network.evidence import EMPTY, Evidence, Finding, Soft, describe, read_finding
from spinelink.network.network import Network
from spinelink.network.node import OBSERVABLE, Origin
from spinelink.network.parameter import Beta
from spinelink.network.question import Question, fingerprint
from spinelink.network.setting import check_setting, parameters_in, with_parameters
from spinelink.typing import CaseEngine, Findings, FindingValue, PathLike

if TYPE_CHECKING:
    import networkx as nx
    import numpy as np
    import pandas as pd
    from pgmpy.models import DiscreteBayesianNetwork

    from spinelink.adjust.fit import ClaimFit
    from spinelink.adjust.learn import Learning
    from spinelink.adjust.tune import Tuning
    from spinelink.evaluate.audit import Audit
    from spinelink.evaluate.diff import DiffCase, Difference
    from spinelink.evaluate.validation import Validation
    from spinelink.inference.answers import Marginals
    from spinelink.inference.findings import Observed
    from spinelink.network.claim import ClaimFile
    from spinelink.notebook.explorer import Explorer
    from spinelink.query.across_settings import AcrossSettings
    from spinelink.query.alerts import Alerts
    from spinelink.query.attribution import Attribution, Link
    from spinelink.query.conflict import Conflict
    from spinelink.query.graph import Graph
    from spinelink.query.intervals import Intervals
    from spinelink.query.most_probable import MostProbableExplanation
    from spinelink.query.next_best import NextBest
    from spinelink.query.parameters import ParameterTable
    from spinelink.query.ranking import Ranking
    from spinelink.query.reasons import Reasons
    from spinelink.query.sensitivity import Sensitivity, TwoWaySensitivity
    from spinelink.query.sources import Sources
    from spinelink.query.sweep import Sweep
    from spinelink.table.scorer import Scorer

HOMES = {
    "leg": ("hip", "leg", "foot"),
    "thigh": ("hip", "leg", "foot"),
    "foot": ("hip", "leg", "foot"),
    "hip": ("hip", "leg", "foot"),
}
"""Origins of causes that are at home where a finding is felt; a region by itself where it is not listed."""

MOST_EXACT = 16
"""Findings of which all subsets may be looked at: a million."""

ROLES = ("context", "cause", "mechanism", "symptom", "sign", "test", "other")


@dataclass(frozen=True, eq=False, repr=False)
class Model:
    """A network in one of its settings, ready to answer. Models never change: every change gives a new one."""

    network: Network
    setting: str | None = None
    origin: Path | None = None
    engine: CaseEngine = "auto"
    memory: float = MEMORY_LIMIT
    _plans: PlanCache = field(default_factory=PlanCache)

    def __post_init__(self) -> None:
        check_engine(self.engine, get_args(CaseEngine))
        if (
            isinstance(self.memory, bool)
            or not isinstance(self.memory, int | float)
            or not self.memory > 0
        ):
            raise SpinelinkError(f"memory is a number of bytes above 0, not {self.memory!r}.")
        object.__setattr__(self, "setting", check_setting(self.network, self.setting))

    @property
    def name(self) -> str:
        """The network's name."""
        return self.network.name

    @property
    def nodes(self) -> Mapping[str, Any]:
        """The nodes by name."""
        return MappingProxyType(self.network.nodes)

    @property
    def settings(self) -> tuple[str, ...]:
        """Populations with numbers of their own."""
        return tuple(self.network.settings)

    @cached_property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that change with anything the network says."""
        return fingerprint(self.network)

    @cached_property
    def compiled(self) -> CompiledNetwork:
        """The network as arrays, in the setting in force."""
        from spinelink.inference.compile import compile_network, point_values

        values = point_values(self.network, parameters_in(self.network, self.setting))
        resources = Resources(
            engine=self.engine, memory_limit=float(self.memory), plans=self._plans
        )
        return compile_network(self.network, values, resources=resources)

    def in_setting(self, setting: str) -> Model:
        """The same network in another population. Raises UnknownNameError for an unknown one."""
        if setting is None:
            raise UnknownNameError(
                "None",
                kind="setting",
                allowed=self.network.settings,
                where=f"network {self.name!r}",
            )
        return replace(self, setting=setting)

    def with_parameters(self, changes: Mapping[str, float | Beta | Mapping[str, float]]) -> Model:
        """A new model in which some numbers differ, in the setting in force.

        changes: parameter id -> number, `sl.Beta(a, b)`, or state -> probability. Raises UnknownNameError or ParameterError.
        """
        return replace(self, network=with_parameters(self.network, self.setting, changes))

    def parameters(self) -> ParameterTable:
        """Every number in force: id, estimate, interval, grade, source, note."""
        from spinelink.query.parameters import parameter_table

        return parameter_table(
            self.network, self._question(), parameters_in(self.network, self.setting)
        )

    def observe(self, findings: Findings | None = None, /, **more: FindingValue) -> Case:
        """A case with these findings; see `Case.observe`."""
        return Case(self).observe(findings, **more)

    def posteriors(
        self,
        frame: Any,
        *,
        of: str | Sequence[str] = "causes",
        keep: str | Sequence[str] = (),
        chunk: int = 50_000,
        threads: int | None = None,
        progress: bool | None = None,
        on_impossible: Literal["raise", "flag"] = "raise",
        engine: Literal["auto", "numpy", "fast"] = "auto",
    ) -> Any:
        """Posteriors of a whole table of patients, exact, row by row.

        frame: pandas, polars or pyarrow; one row a patient, one column a node, with what `Case.observe` takes in its cells; a missing cell was
        not assessed. Columns `node=state` hold likelihoods of states (virtual evidence).
        of: "causes", "all", "evidence" (only P(findings)), or names of nodes. keep: columns that are no findings and are handed through.
        chunk: rows worked on before the next are begun. threads: as many as cores, at most 8, where None. progress: a bar; None: in a terminal.
        on_impossible: "raise" names the row and its contradiction; "flag" gives nan, and -inf as `log_evidence`, in such rows.
        engine: "numpy", "fast" (the extra of that name, numba), or "auto": fast, where installed, for rows that few others are like. The answers are
        the same to 1e-12.

        Returns a frame of the caller's own kind, rows in their order (a pandas index is kept): the kept columns; for each node with two states
        P(its second state) under its name, else P(state) under `node=state`; and `log_evidence`, the natural logarithm of P(findings).
        Raises EvidenceError naming row and column, UnknownNameError, ImpossibleEvidenceError; on Ctrl-C Interrupted, which holds the finished
        chunks.
        """
        from spinelink.table.posteriors import table_posteriors

        return table_posteriors(
            self.network,
            self.compiled,
            frame,
            of=of,
            keep=keep,
            chunk=chunk,
            threads=threads,
            progress=progress,
            on_impossible=on_impossible,
            engine=engine,
        )

    def scorer(
        self,
        *,
        of: str | Sequence[str] = "causes",
        keep: str | Sequence[str] = (),
        on_impossible: Literal["raise", "flag"] = "flag",
        threads: int = 1,
    ) -> Scorer:
        """`posteriors` as a callable that can be pickled, for Dask `map_partitions`, Ray `map_batches` or Spark `mapInPandas`."""
        from spinelink.table.posteriors import chosen_nodes
        from spinelink.table.scorer import Scorer

        chosen_nodes(self.network, of)  # refuses unknown names here, not on a worker
        wanted = of if isinstance(of, str) else tuple(of)
        return Scorer(
            self.network,
            self.compiled,
            wanted,
            (keep,) if isinstance(keep, str) else tuple(keep),
            on_impossible,
            threads,
        )

    def sample(
        self,
        size: int,
        *,
        findings: Findings | None = None,
        seed: int | np.random.Generator = 0,
        columns: str | Sequence[str] | None = None,
        missing: float | Mapping[str, float] = 0.0,
    ) -> pd.DataFrame:
        """Simulated patients of the setting in force, one row each; see `Case.sample`. findings: all of them have these (drawn exactly, not by rejection)."""
        return self.observe(findings).sample(size, seed=seed, columns=columns, missing=missing)

    def audit(
        self,
        claims: PathLike | None = None,
        *,
        influence: bool = False,
        progress: bool | None = None,
    ) -> Audit:
        """Published figures against what the network implies, in every setting.

        claims: a file of claims; the one beside the network file where None. influence: also ranks the judged numbers by their influence on the
        causes' posteriors (a minute on a large network). Raises NetworkFileError for a bad file of claims, SpinelinkError where there is none.
        """
        from spinelink.evaluate.audit import audit
        from spinelink.evaluate.influence import cases, influences
        from spinelink.progress import bar

        found = self._claims(claims)
        judged: tuple[tuple[str, float], ...] = ()
        if influence:
            with bar(
                "influence of judged numbers", len(cases(self.network)), progress
            ) as on_progress:
                judged = influences(
                    self.network, self.setting, self.compiled, on_progress=on_progress
                )
        return audit(
            self.network,
            self.fingerprint,
            lambda s: self.in_setting(s).compiled if s else self.compiled,
            found.claims,
            judged=judged,
        )

    def to_bibtex(self) -> str:
        """All sources of the network file as BibTeX."""
        from spinelink.io.bibtex import bibtex

        return bibtex(self.network.sources)

    def fit_claims(
        self,
        claims: PathLike | None = None,
        *,
        vary: str | Sequence[str] | None = None,
        limit: int = 25,
        progress: bool | None = None,
    ) -> ClaimFit:
        """Moves the numbers to where they agree best with the published figures and with their own uncertainty.

        claims: a file of claims; the one beside the network file where None. vary: ids of numbers, or nodes, that may move; all where None. limit: the
        most steps. progress: a bar; None: in a terminal. On Ctrl-C the best so far. The fitted network is `.network`; `Model(fit.network)` asks it,
        and `fitted(fit)` keeps this model's file as the one that `save` patches.
        """
        from spinelink.adjust.fit import fit_claims
        from spinelink.progress import bar

        with bar("fit to claims", limit, progress) as on_progress:
            return fit_claims(
                self.network,
                self._claims(claims).claims,
                vary=vary,
                limit=limit,
                on_progress=lambda step, value: on_progress(step),
            )

    def tune(
        self,
        constraints: Constraint | Sequence[Constraint],
        *,
        vary: str | Sequence[str] | None = None,
        minimise: Literal["standard_deviations", "log_odds"] = "standard_deviations",
        most: int | None = None,
        reason: str | None = None,
        cases: PathLike | Mapping[str, Findings] | Iterable[Findings] | None = None,
        progress: bool | None = None,
    ) -> Tuning:
        """The smallest change of numbers, in the setting in force, that makes the network satisfy constraints (`sl.constraint`).

        vary: ids of numbers, or nodes, that may move; all where None. minimise: the length of the change in log odds, of each number in "standard_deviations"
        of its own uncertainty, or all alike ("log_odds"). most: how many numbers may change, any where None. reason: what the notes of the numbers will say; the constraints themselves where None.
        cases: whose rankings before and after are compared, as in `diff`. The answer holds the patch, every number that alone would do, and where the
        constraints cannot be met the nearest that can be reached. `model.fitted(tuning)` is the tuned model. Raises ParameterError, UnknownNameError,
        SpinelinkError where what is given cannot occur.
        """
        from spinelink.adjust.tune import MOST_STEPS, tune
        from spinelink.evaluate.diff import Side, compare_rankings
        from spinelink.progress import bar

        compared = self._cases(cases)
        with bar("tuning", MOST_STEPS, progress) as on_progress:
            chosen = [constraints] if isinstance(constraints, Constraint) else constraints
            found = tune(
                self.network, self.setting, chosen, vary=vary, minimise=minimise, most=most, reason=reason, resources=self.compiled.resources,
                on_progress=on_progress,
            )  # fmt: skip
        if not found.patch:
            return found
        sides = [
            Side(m.network, m.fingerprint, m.setting, m._compiled_in)
            for m in (self, replace(self, network=found.network))
        ]
        return replace(found, cases=compare_rankings(sides[0], sides[1], compared)[0])

    def learn(
        self,
        frame: Any,
        *,
        strength: float = 1.0,
        vary: str | Sequence[str] | None = None,
        keep: str | Sequence[str] = (),
        weights: str | None = None,
        restarts: int = 3,
        limit: int = 200,
        tolerance: float = 1e-6,
        seed: int = 0,
        on_impossible: Literal["raise", "skip"] = "raise",
        threads: int | None = None,
        progress: bool | None = None,
    ) -> Learning:
        """Numbers learned from a table of patients, in the setting in force; `model.fitted(learning)`, or `update`, is the model with them.

        frame: as in `posteriors`; missing cells were not assessed, causes and mechanisms may be columns or hidden. Complete families are counted in closed
        form; with missing cells expectation maximisation finds the most probable numbers, noisy-ORs as their links and leak, log-odds nodes as odds ratios.
        strength: what the file's own numbers count, 1 as much as they say of themselves, 0 nothing (maximum likelihood). vary: ids of numbers, or nodes, that
        may move; all where None. keep: columns that are no findings. weights: a column that says how many patients a row stands for. restarts: further
        starts, drawn from the numbers' uncertainties. limit: the most steps. tolerance: a gain of log likelihood for each patient below which it has
        converged. on_impossible: "raise" names the first row that cannot occur, "skip" leaves such rows out and lists them. On Ctrl-C the best so far,
        as not converged. The answer is the same for any number of threads.
        Raises EvidenceError naming row and column, UnknownNameError, ImpossibleEvidenceError, SpinelinkError.
        """
        from spinelink.adjust.learn import learn
        from spinelink.progress import bar
        from spinelink.table.cells import read_patients

        rows, numbers = read_patients(
            self.network, self.compiled, frame, keep=keep, weights=weights
        )
        with bar("learning", limit, progress) as on_progress:
            return learn(
                self.network, self.setting, rows, numbers, strength=strength, vary=vary, restarts=restarts, limit=limit, tolerance=tolerance, seed=seed,
                on_impossible=on_impossible, threads=threads, resources=self.compiled.resources, on_progress=lambda step, value: on_progress(step, f"log likelihood {value:.6g}"),
            )  # fmt: skip

    def update(self, frame: Any, *, strength: float = 1.0, **options: Any) -> Model:
        """This model with its numbers updated by a table of patients; see `learn`, which takes the same options and also tells how it went."""
        return self.fitted(self.learn(frame, strength=strength, **options))

    def evaluate(
        self,
        frame: Any,
        target: str | Sequence[str] | None = None,
        *,
        by: str | Sequence[str] = (),
        setting: str | None = None,
        keep: str | Sequence[str] = (),
        threshold: float = 0.5,
        specificity: float = 0.9,
        bins: int = 10,
        bootstrap: int = 1000,
        level: float = 0.95,
        seed: int = 0,
        threads: int | None = None,
        progress: bool | None = None,
    ) -> Validation:
        """How good the predictions are on patients whose diagnosis is known: Brier score and its parts, log score, AUC, calibration, decision curve,
        confusion, sensitivity at a fixed specificity, each with its interval.

        frame: as in `posteriors`, with the outcomes among its columns. target: a node, `node=state`, or several; every ranked cause that is a column where
        None. No target is taken as a finding. by: columns whose values are subgroups. setting: a column with each patient's setting, which is then used
        for the prediction and is a subgroup too; the one in force for all where None. keep: columns that are no findings. threshold: of the confusion.
        specificity: at which the sensitivity is given. bins: of the calibration curve and the Brier score's parts. bootstrap: samples behind the intervals.
        Raises as `posteriors`; patients whose findings cannot occur, and those without an outcome, are left out and counted.
        """
        from spinelink.evaluate.validation import ALL, check_share, validate
        from spinelink.progress import bar
        from spinelink.query.intervals import check_level
        from spinelink.table.outcomes import read_outcomes

        for name, value, least in (("bins", bins, 2), ("bootstrap", bootstrap, 0)):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise SpinelinkError(f"{name} is a whole number, {least} or more, not {value!r}.")
        found = read_outcomes(self.network, frame, target, by=by, setting=setting, keep=keep)
        if setting is None:
            predicted = found.predictions(self.compiled, threads=threads)
        else:
            predicted = found.predictions_by_setting(
                lambda s: self.in_setting(s).compiled, threads=threads
            )
        groups = {ALL: found.everybody, **found.groups}
        with bar("bootstrap", len(found.outcomes) * len(groups), progress) as on_progress:
            return validate(
                self._question(target=tuple(found.outcomes), by=by, setting_column=setting), predicted, found.outcomes, groups,
                threshold=check_share(threshold, "threshold"), specificity=check_share(specificity, "specificity"), bins=bins, bootstrap=bootstrap,
                level=check_level(level), seed=seed, on_progress=on_progress,
            )  # fmt: skip

    def fitted(self, fit: ClaimFit | Tuning | Learning) -> Model:
        """This model with the numbers of a fit or a tuning; `save` writes them into a copy of its file, with what they were before and the reason."""
        return replace(self, network=fit.network)

    def _claims(self, path: PathLike | None) -> ClaimFile:
        from spinelink.claims.file import read_claims
        from spinelink.io.companion_file import companion_file

        chosen = Path(path) if path is not None else companion_file(self.origin, "claims")
        if chosen is None:
            raise SpinelinkError(f"no file of claims beside network {self.name!r}; name one")
        return read_claims(chosen, self.network)

    def diff(
        self,
        other: Model,
        *,
        cases: PathLike | Mapping[str, Findings] | Iterable[Findings] | None = None,
        claims: PathLike | None = None,
        effects: bool = True,
    ) -> Difference:
        """What differs from this model to the other: structure, numbers, sources, and what that does to marginals, cases and the audit.

        cases: findings (by name, or in a row), or a file of cases; the one beside this network's file where None. claims: a file of claims; likewise.
        effects: False compares the files only. What the other network cannot express is listed in `left_out`, not dropped.
        Raises SpinelinkError where `other` is no Model, NetworkFileError for a bad file.
        """
        from spinelink.evaluate.diff import Side, difference
        from spinelink.io.companion_file import companion_file

        if not isinstance(other, Model):
            raise SpinelinkError(
                f"diff compares with another Model, not a {type(other).__name__}; load it first: sl.load(path)."
            )
        known = (
            self._claims(claims).claims
            if effects and (claims is not None or companion_file(self.origin, "claims"))
            else None
        )
        sides = [Side(m.network, m.fingerprint, m.setting, m._compiled_in) for m in (self, other)]
        return difference(
            *sides, cases=self._cases(cases) if effects else (), claims=known, effects=effects
        )

    def _compiled_in(self, setting: str | None) -> CompiledNetwork:
        return (
            self.compiled
            if setting in (None, self.setting)
            else self.in_setting(str(setting)).compiled
        )

    def _cases(
        self, cases: PathLike | Mapping[str, Findings] | Iterable[Findings] | None
    ) -> list[DiffCase]:
        """Cases to compare rankings on: of a file (the one beside the network file where None), or findings."""
        from spinelink.evaluate.cases import read_case, read_cases, read_vocabulary
        from spinelink.evaluate.diff import DiffCase
        from spinelink.io.companion_file import companion_file

        if cases is None or isinstance(cases, str | PathLikeType):
            path = companion_file(self.origin, "cases") if cases is None else Path(cases)
            if path is None:
                return []
            words = companion_file(self.origin, "vocabulary")
            meaning = read_vocabulary(words, self.network) if words else None
            readings = [read_case(case, self.network, meaning) for case in read_cases(path)]
            return [
                DiffCase(
                    r.case.id,
                    r.setting,
                    {n: f if isinstance(f, str) else dict(f) for n, f in r.findings.items()},
                )
                for r in readings
            ]
        if isinstance(cases, Mapping) and all(isinstance(each, Mapping) for each in cases.values()):
            return [
                DiffCase(str(name), None, self.observe(each).evidence)
                for name, each in cases.items()
            ]
        if isinstance(cases, Mapping):
            return [DiffCase("case 1", None, self.observe(cases).evidence)]
        if not isinstance(cases, Iterable):
            raise SpinelinkError(
                f"cases are findings, several of them, or a file of cases; not {cases!r}."
            )
        found = [
            each.evidence if isinstance(each, Case) else self.observe(each).evidence
            for each in cases
        ]
        return [DiffCase(f"case {k}", None, each) for k, each in enumerate(found, 1)]

    def to_networkx(self) -> nx.DiGraph[str]:
        """The graph: nodes with role, origin, label and states, an edge from each parent to each child."""
        from spinelink.exchange.networkx import to_networkx

        return to_networkx(self.network)

    def to_pgmpy(self) -> DiscreteBayesianNetwork:
        """A pgmpy network with the same distribution. Large noisy families become chains of intermediate nodes (exact)."""
        from spinelink.exchange.pgmpy import to_pgmpy

        return to_pgmpy(self.compiled)

    def save(self, path: PathLike) -> Path:
        """Writes the network file; where it came from a file, only what changed is changed, so comments and layout survive.

        The file appears whole or not at all. Returns its path.
        """
        from spinelink.io.save import save_network

        return save_network(self.origin, self.network, Path(path))

    def sweep(
        self,
        parameter: str,
        values: Sequence[float],
        *,
        findings: Findings | None = None,
        of: str | Iterable[str] = "causes",
    ) -> Sweep:
        """Posteriors where one number takes each of many values; without findings, the nodes' marginals. See `Case.sweep`."""
        return self.observe(findings).sweep(parameter, values, of=of)

    def _question(
        self, evidence: Evidence = EMPTY, log_evidence: float = 0.0, **options: object
    ) -> Question:
        return Question(
            self.name,
            self.network.version,
            self.fingerprint,
            self.setting,
            evidence,
            log_evidence,
            tuple(sorted(options.items())),
        )

    def __repr__(self) -> str:
        counts = ", ".join(
            f"{n} {role}"
            for role in ROLES
            if (n := sum(node.role == role for node in self.nodes.values()))
        )
        return f"Model({self.name} {self.network.version}, setting={self.setting}, {len(self.nodes)} nodes: {counts})"

    def graph(
        self,
        *,
        around: str | Iterable[str] | None = None,
        distance: int = 1,
        fold: bool | None = None,
        probabilities: bool | None = None,
    ) -> Graph:
        """A picture of the network in its layers; see `Case.graph`. A large network is folded where nothing else is asked for."""
        return self.observe().graph(
            around=around, distance=distance, fold=fold, probabilities=probabilities, relevant=False
        )

    def explore(self, *, of: str | Iterable[str] | None = None) -> Explorer:
        """The explorer, in a notebook: findings on the left, answers on the right; see `Case.explore`."""
        return self.observe().explore(of=of)

    def _repr_html_(self) -> str:
        setting = f", setting {self.setting}" if self.setting else ""
        counts = ", ".join(
            f"{n} {role}"
            for role in ROLES
            if (n := sum(node.role == role for node in self.nodes.values()))
        )
        head = f"<b>{escape(self.network.title)}</b> {escape(self.network.version)} ({escape(self.fingerprint)}){escape(setting)}"
        population = (
            f"<br>{escape(self.network.settings[self.setting].population)}" if self.setting else ""
        )
        use = (
            f"<p><small>{escape(self.network.intended_use)}</small></p>"
            if self.network.intended_use
            else ""
        )
        return f"<div class='spinelink'><p>{head}{population}<br>{len(self.nodes)} nodes: {escape(counts)}</p>{self.graph().picture()}{use}</div>"


@dataclass(frozen=True, eq=False, repr=False)
class Case:
    """A model with evidence: what was found in one patient. Cases never change: `observe` and `retract` give new ones."""

    model: Model
    findings: Evidence = EMPTY

    def observe(self, findings: Findings | None = None, /, **more: FindingValue) -> Case:
        """A case with more findings; a finding named again replaces the earlier one.

        Values: a state's name; True or False for a node with two states; a number for a node with numeric bins; a mapping state ->
        likelihood (virtual evidence, any scale); None or nan: not assessed. Raises UnknownNameError or EvidenceError, with nothing kept.
        """
        if findings is not None and not isinstance(findings, Mapping):
            raise EvidenceError(
                f"findings are a mapping node -> value, not a {type(findings).__name__}."
            )
        both = set(findings or {}) & set(more)
        if both:
            raise EvidenceError(f"{sorted(both)[0]} is given twice, in the mapping and by keyword.")
        now: dict[str, Finding] = dict(self.findings)
        for name, value in {**(findings or {}), **more}.items():
            finding = read_finding(self.model.network, str(name), value)
            now.pop(str(name), None)
            if finding is not None:
                now[str(name)] = finding
        return Case(self.model, Evidence(now))

    def retract(self, *names: str) -> Case:
        """A case without these findings. Raises UnknownNameError where one is not among them."""
        for name in names:
            if not isinstance(name, str) or name not in self.findings:
                raise UnknownNameError(
                    str(name), kind="finding", allowed=self.findings, where="this case"
                )
        return Case(
            self.model, Evidence({n: f for n, f in self.findings.items() if n not in names})
        )

    @property
    def evidence(self) -> dict[str, str | dict[str, float]]:
        """What was found: node -> state, or node -> likelihoods (scaled to a largest of 1)."""
        return {n: f if isinstance(f, str) else dict(f) for n, f in self.findings.items()}

    @cached_property
    def log_evidence(self) -> float:
        """Natural logarithm of P(evidence); virtual evidence counts with its likelihoods scaled to a largest of 1.

        Raises ImpossibleEvidenceError where the findings cannot occur together.
        """
        from spinelink.inference.answer import log_evidence

        known = next(iter(self._answers.values()), None)  # every answer brings it: no second run
        return self._possible(
            float(
                (
                    log_evidence(self.model.compiled, self._observed)
                    if known is None
                    else known.log_evidence
                )[0]
            )
        )

    def posterior(self, node: str) -> pd.Series[float]:
        """P(node | evidence) over the node's states."""
        import pandas as pd

        node = str(node)
        self._check_nodes([node])
        values = self._marginals([node]).posterior[self.model.compiled.index[node]][:, 0]
        found = pd.Series(
            values, index=pd.Index(self.model.nodes[node].states, name="state"), name=node
        )
        found.attrs["question"] = self._question()
        return found

    def posteriors(
        self, nodes: Iterable[str] | None = None, *, role: str | None = None
    ) -> pd.DataFrame:
        """Posteriors of many nodes, all by default: one row a state, indexed by (node, state), columns role, label, prior, posterior."""
        import pandas as pd

        chosen = self._chosen(nodes, role)
        after, before = self._marginals(chosen), self.model.observe()._marginals(chosen)
        rows, keys = [], []
        for name in chosen:
            i, node = self.model.compiled.index[name], self.model.nodes[name]
            for k, state in enumerate(node.states):
                keys.append((name, state))
                rows.append(
                    (
                        node.role,
                        node.label,
                        float(before.posterior[i][k, 0]),
                        float(after.posterior[i][k, 0]),
                    )
                )
        index = pd.MultiIndex.from_tuples(keys, names=["node", "state"])
        frame = pd.DataFrame(rows, columns=["role", "label", "prior", "posterior"], index=index)
        frame.attrs["question"] = self._question()
        return frame

    def joint(self, nodes: Iterable[str]) -> pd.Series[float]:
        """Joint posterior of a few nodes: a Series over all combinations of their states."""
        import pandas as pd

        from spinelink.inference.answer import joint

        names = self._names(nodes)
        if len(set(names)) != len(names) or not names:
            raise SpinelinkError("joint() takes one or more different nodes.")
        self._check_nodes(names)
        answer = joint(
            self.model.compiled, self._observed, [self.model.compiled.index[n] for n in names]
        )
        self._possible(float(answer.log_evidence[0]))
        index = pd.MultiIndex.from_product([self.model.nodes[n].states for n in names], names=names)
        found = pd.Series(answer.table[..., 0].reshape(-1), index=index, name="posterior")
        found.attrs["question"] = self._question()
        return found

    def differential(
        self,
        *,
        limit: int | None = 10,
        interval: float | None = None,
        draws: int = 4096,
        seed: int = 0,
        progress: bool | None = None,
    ) -> Ranking:
        """Causes ranked by posterior, with prior, ratio and urgency. limit: how many, None for all.

        interval: the level of credible intervals, as 0.95, from draws of the network's numbers (see `intervals`); none where None.
        """
        from spinelink.query.ranking import rank

        if limit is not None and (
            not isinstance(limit, int) or isinstance(limit, bool) or limit < 1
        ):
            raise SpinelinkError(
                f"limit is how many causes to list, 1 or more, or None for all; not {limit!r}."
            )
        names = list(self.model.network.ranked)
        if not names:
            raise SpinelinkError(
                f"network {self.model.name!r} has no node with role 'cause', so there is nothing to rank; "
                "give roles with sl.from_pgmpy(network, roles={'node': 'cause'}), or ask posteriors()."
            )
        intervals = None
        if interval is not None:
            rows = self.intervals(level=interval, draws=draws, seed=seed, progress=progress).rows
            intervals = {row.node: (row.low, row.high, row.first) for row in rows}
        index = self.model.compiled.index
        after, before = self._marginals(names), self.model.observe()._marginals(names)
        return rank(
            self.model.network,
            self._question(limit=limit)
            if interval is None
            else self._question(limit=limit, interval=interval, draws=draws, seed=seed),
            {n: float(before.present(index[n])[0]) for n in names},
            {n: float(after.present(index[n])[0]) for n in names},
            limit=limit,
            intervals=intervals,
        )

    def most_probable_explanation(
        self, *, over: str | Iterable[str] | None = None, best: int = 1
    ) -> MostProbableExplanation:
        """The single most probable joint state of all nodes that are not observed; findings not asked about are summed out.

        over: only of these nodes, all others summed out (marginal maximum a posteriori, exact; a handful of nodes). best: how many, the next best as `.others`. Raises UnknownNameError, EvidenceError where a node of `over` is observed, TooLargeError.
        """
        from spinelink.inference.interpreted.most_probable import (
            log_posterior,
            most_probable_explanations,
        )
        from spinelink.query.most_probable import MostProbableExplanation, best_of_joint

        compiled = self.model.compiled
        if isinstance(best, bool) or not isinstance(best, int) or best < 1:
            raise SpinelinkError(f"best is how many explanations, 1 or more, not {best!r}.")
        self._possible(self.log_evidence)
        if over is not None:
            names = list(dict.fromkeys(self._names(over)))
            self._check_nodes(names)
            for name in names:
                if isinstance(self.findings.get(name), str):
                    raise EvidenceError(f"{name} is observed: it needs no explanation.")
            if not names:
                raise SpinelinkError("name one or more nodes to explain")
            return best_of_joint(
                self._question(over=tuple(names), best=best),
                self.joint(names),
                names,
                self.model.network,
                best,
            )
        silent = [
            compiled.index[n]
            for n, node in self.model.nodes.items()
            if node.role in OBSERVABLE - {"context", "other"}
        ]
        found = [
            (
                tuple(
                    (compiled.names[i], compiled.states[i][s])
                    for i, s in sorted(each.states.items())
                ),
                log_posterior(compiled, self._observed, each),
            )
            for each in most_probable_explanations(
                compiled, self._observed, best=best, ignore=silent
            )
        ]
        return MostProbableExplanation(
            self._question(best=best), *found[0], self.model.network, tuple(found[1:])
        )

    def intervals(
        self,
        nodes: str | Iterable[str] | None = None,
        *,
        level: float = 0.95,
        method: Literal["draws", "delta"] = "draws",
        draws: int = 4096,
        seed: int = 0,
        progress: bool | None = None,
    ) -> Intervals:
        """Credible intervals of P(node is not in its first state), and of ranks, from the uncertainties of the network's numbers.

        nodes: all ranked causes where None. method: "draws" runs the case under many draws of all numbers (quasi-Monte Carlo, by the seed), "delta" is
        the closed form from the exact derivatives, for a quick answer. `.shares(node)` says which numbers the interval comes from.
        Raises UnknownNameError, EvidenceError where a node is observed, SpinelinkError for a bad level or number of draws.
        """
        from spinelink.query.intervals import by_delta, by_draws, check_level

        level = check_level(level)
        if method not in ("draws", "delta"):
            raise UnknownNameError(str(method), kind="method", allowed=("draws", "delta"))
        if isinstance(draws, bool) or not isinstance(draws, int) or draws < 2:
            raise SpinelinkError(f"draws is a whole number, 2 or more, not {draws!r}.")
        names = list(self.model.network.ranked) if nodes is None else self._names(nodes)
        self._check_nodes(names)
        if nodes is None:
            names = [n for n in names if n not in self.findings]
        for name in names:
            if name in self.findings and isinstance(self.findings[name], str):
                raise EvidenceError(f"{name} is observed: its probability has no interval.")
        if not names:
            raise SpinelinkError("no node to give intervals for; name one")
        index = self.model.compiled.index
        answer = self._marginals(names)
        posterior = {n: float(answer.present(index[n])[0]) for n in names}
        deviation, shares = self._deviations(names, posterior)
        question = self._question(level=level, method=method, draws=draws, seed=seed)
        if method == "delta":
            return by_delta(self.model.network, question, posterior, deviation, shares, level=level)
        from spinelink.inference.sampled_parameters import posterior_draws
        from spinelink.progress import bar

        model = self.model
        parameters = parameters_in(model.network, model.setting)
        with bar("draws", draws, progress) as on_progress:
            found = posterior_draws(
                model.network,
                parameters,
                model.compiled,
                self._observed,
                [index[n] for n in names],
                draws=draws,
                seed=seed,
                on_progress=on_progress,
            )
        drawn = {n: found.present(index[n]) for n in names}
        return by_draws(model.network, question, posterior, drawn, shares, level=level)

    def _deviations(
        self, names: list[str], posterior: Mapping[str, float]
    ) -> tuple[dict[str, float], dict[str, list[tuple[str, float]]]]:
        """Standard deviation of each node's log odds, to first order, and the shares of its variance by number, largest first."""
        import numpy as np

        from spinelink.inference.compile import point_values
        from spinelink.inference.gradient.by_entry import derivatives
        from spinelink.inference.gradient.by_parameter import moved_by_deviation, parameter_slopes

        network, compiled = self.model.network, self.model.compiled
        parameters = parameters_in(network, self.model.setting)
        values = point_values(network, parameters)
        targets = [
            (compiled.index[n], 0) for n in names
        ]  # P(first state): the same but for the sign
        found = derivatives(compiled, self._observed, targets=targets)
        slopes = parameter_slopes(network, compiled, values=values, entries=found.factors)
        moved = {
            key: moved_by_deviation(parameters[key], value=values[key], slope=slope[..., 1:]) ** 2
            for key, slope in slopes.items()
        }
        total = np.sum(list(moved.values()), axis=0)
        deviation, shares = {}, {}
        for k, n in enumerate(names):
            p = posterior[n]
            deviation[n] = float(np.sqrt(total[k])) / (p * (1.0 - p)) if 0.0 < p < 1.0 else 0.0
            by = sorted(
                ((key, float(m[k] / total[k])) for key, m in moved.items() if m[k] > 0.0),
                key=lambda each: -each[1],
            )
            shares[n] = by
        return deviation, shares

    def sources(self, cause: str | None = None) -> Sources:
        """The publications behind one answer, the most influential first: those of the numbers on which P(cause | evidence) hangs.

        cause: a node, its last state; the leading cause that is not observed for certain where None. `.to_bibtex()` gives the references.
        Raises UnknownNameError, EvidenceError where the node, or every cause, is observed.
        """
        from spinelink.inference.compile import point_values
        from spinelink.inference.gradient.by_entry import derivatives
        from spinelink.inference.gradient.by_parameter import moved_by_deviation, parameter_slopes
        from spinelink.query.sources import sources_of

        target = self._leading() if cause is None else str(cause)
        self._check_nodes([target])
        if isinstance(self.findings.get(target), str):
            raise EvidenceError(f"{target} is observed: no number stands behind its probability.")
        self._possible(self.log_evidence)
        network, compiled = self.model.network, self.model.compiled
        parameters = parameters_in(network, self.model.setting)
        values = point_values(network, parameters)
        node = compiled.index[target]
        targets = [(node, compiled.cards[node] - 1)]
        found = derivatives(compiled, self._observed, targets=targets)
        slopes = parameter_slopes(network, compiled, values=values, entries=found.factors)
        influence = {
            n: float(moved_by_deviation(parameters[n], value=values[n], slope=s[..., 1:])[0])
            for n, s in slopes.items()
        }
        return sources_of(network, self._question(cause=target), target, parameters, influence)

    def report(self, path: PathLike, *, limit: int = 10, link: bool = True) -> Path:
        """Writes one page: alerts, findings, ranked causes with intervals, urgent causes, the link, why, what next, what was not asked, care as sourced
        information, sources, and what was asked of which network. It stands alone and prints in black and white. The file appears whole or not at all. Returns
        its path.

        limit: how many causes. link: whether to ask for the link (some seconds on a large network; left out where both findings are absent or not in the network).
        Findings that contradict each other are written too, with their alerts and what contradicts, and nothing that is probable; so is what can be said of a
        network without causes. Raises PageError, a SpinelinkError and OSError, where the page cannot be written there.
        """
        from spinelink.report.page import Page, place, write_page
        from spinelink.result import NOTICE

        target = place(path)
        shown = Page(
            self.model.network,
            self.model._question(self.findings, float("nan")),
            [
                (self.model.nodes[n].label, f if isinstance(f, str) else _likelihoods(f))
                for n, f in self.findings.items()
            ],
            self.alerts(),
            [
                v.label
                for n, v in self.model.nodes.items()
                if v.role in OBSERVABLE and n not in self.findings
            ],
            NOTICE,
        )
        try:
            shown = replace(shown, question=self._question())
        except ImpossibleEvidenceError as error:
            return write_page(target, replace(shown, contradiction=str(error)))
        return write_page(
            target, replace(shown, **self._link_of_report(link), **self._causes_of_report(limit))
        )

    def _causes_of_report(self, limit: int) -> dict[str, Any]:
        """What a page says of the causes; of a network without, or where all are observed, what is left."""
        ranked = self.model.network.ranked
        if not ranked:
            return {
                "left_out": "This network names no causes, so none are ranked, explained or asked about."
            }
        ranking = self.differential(limit=limit)
        found: dict[str, Any] = {"ranking": ranking, "urgent": self.urgent_causes()}
        if all(isinstance(self.findings.get(n), str) for n in ranked):
            return {
                **found,
                "left_out": "Every cause was observed, so there are no intervals, and none is explained or asked about.",
            }
        leading = self._leading()
        hidden = [
            c.cause for c in ranking.causes if not isinstance(self.findings.get(c.cause), str)
        ]
        return {
            **found,
            "intervals": self.intervals(hidden, method="delta") if hidden else None,
            "reasons": self.explain(leading),
            "next_best": self.next_best(),
            "sources": self.sources(leading).sources[:15],
        }

    def _link_of_report(self, link: bool) -> dict[str, Any]:
        """The link of leg pain and back pain, or why there is none; nothing where it is not asked for, or both are absent."""
        names = ("leg_pain", "back_pain")
        if not link or any(n not in self.model.nodes for n in names):
            return {}
        if all(self.findings.get(n) == self.model.nodes[n].states[0] for n in names):
            return {}
        try:
            return {"link": self.link(*names)}
        except SpinelinkError as error:
            return {"no_link": str(error)}

    def urgent_causes(self, threshold: float = 0.05) -> Ranking:
        """Causes that need a clinician soon, urgently or as an emergency, whose posterior reaches a threshold. They stand beside the alerts, never in
        their place: that none is listed is no reassurance. Empty where the network has no causes. Raises SpinelinkError for a threshold that does not lie
        between 0 and 1, ImpossibleEvidenceError."""
        from spinelink.query.ranking import Ranking

        if (
            isinstance(threshold, bool)
            or not isinstance(threshold, int | float)
            or not 0.0 <= threshold <= 1.0
        ):
            raise SpinelinkError(f"threshold lies between 0 and 1, not {threshold!r}.")
        if not self.model.network.ranked:
            return Ranking(self._question(), ())
        found = self.differential(limit=None)
        return replace(
            found,
            causes=tuple(
                c for c in found.causes if c.urgency != "routine" and c.posterior >= threshold
            ),
        )

    def sensitivity(
        self, target: str | None = None, *, state: str | None = None, level: float = 0.95
    ) -> Sensitivity:
        """How P(target | evidence) depends on every number: derivative, exact function, tornado, and where the ranking changes.

        target: a node; the leading cause where None. state: the probability of this state; where None, that the node is not in its first state. level: of
        the intervals of numbers that state none. Raises UnknownNameError, EvidenceError where the node is observed.
        """
        from spinelink.query.intervals import check_level
        from spinelink.query.sensitivity import sensitivity

        target = self._target(target, state)
        model = self.model
        parameters = parameters_in(model.network, model.setting)
        question = self._question(target=target, state=state, level=level)
        return sensitivity(
            model.network,
            question,
            parameters,
            model.compiled,
            self._observed,
            target,
            state,
            level=check_level(level),
        )

    def two_way(
        self,
        target: str | None,
        first: str,
        second: str,
        *,
        state: str | None = None,
        points: int = 21,
    ) -> TwoWaySensitivity:
        """P(target | evidence) as a function of two numbers, over a grid around their intervals, with the coefficients where it is bilinear.

        first, second: ids of numbers, `id[state]` for one state of a distribution. points: along each side. Raises as `sensitivity`.
        """
        from spinelink.query.sensitivity import two_way

        target = self._target(target, state)
        if isinstance(points, bool) or not isinstance(points, int) or points < 2:
            raise SpinelinkError(
                f"points is how many values along each side, 2 or more, not {points!r}."
            )
        model = self.model
        parameters = parameters_in(model.network, model.setting)
        question = self._question(target=target, state=state, first=first, second=second)
        return two_way(
            model.network,
            question,
            parameters,
            model.compiled,
            self._observed,
            target,
            state,
            (first, second),
            points=points,
        )

    def sweep(
        self, parameter: str, values: Sequence[float], *, of: str | Iterable[str] = "causes"
    ) -> Sweep:
        """Posteriors where one number takes each of many values, side by side in one run.

        parameter: its id, `id[state]` for one state of a distribution. values: as many as wanted. of: nodes, "causes" or "all". Every other number stays,
        a stated prevalence too. Raises UnknownNameError, ParameterError.
        """
        from spinelink.query.sweep import sweep

        model = self.model
        groups: dict[str, Iterable[str]] = {"causes": model.network.ranked, "all": model.nodes}
        names = list(groups[of]) if isinstance(of, str) and of in groups else self._names(of)
        self._check_nodes(names)
        question = self._question(parameter=parameter)
        return sweep(
            model.network,
            question,
            parameters_in(model.network, model.setting),
            model.compiled,
            self._observed,
            parameter,
            values,
            names,
        )

    def across_settings(self, settings: Iterable[str] | None = None) -> AcrossSettings:
        """The same findings in several populations, all where None: priors, posteriors and ranks of the causes side by side.

        Raises UnknownNameError for an unknown setting, SpinelinkError where the network has none, ImpossibleEvidenceError.
        """
        from spinelink.query.across_settings import across_settings

        chosen = list(self.model.settings) if settings is None else self._names(settings)
        if not chosen:
            raise SpinelinkError(f"network {self.model.name!r} has no settings to compare")
        names = list(self.model.network.ranked)
        prior: dict[str, dict[str, float]] = {}
        posterior: dict[str, dict[str, float]] = {}
        logs: dict[str, float] = {}
        for setting in chosen:
            case = Case(self.model.in_setting(setting), self.findings)
            index = case.model.compiled.index
            for into, answer in (
                (prior, case.model.observe()._marginals(names)),
                (posterior, case._marginals(names)),
            ):
                into[setting] = {n: float(answer.present(index[n])[0]) for n in names}
            logs[setting] = case.log_evidence
        return across_settings(self.model.network, self._question(), prior, posterior, logs)

    def _leading(self) -> str:
        """The leading cause that is not observed for certain. Raises EvidenceError where every cause is."""
        for c in self.differential(limit=None).causes:
            if not isinstance(self.findings.get(c.cause), str):
                return c.cause
        raise EvidenceError(
            "every cause is observed; name the node that is asked about, or retract one of them."
        )

    def _target(self, target: str | None, state: str | None) -> str:
        """A node whose posterior is asked for: hidden, with that state; the leading cause that is not observed for certain where None."""
        name = self._leading() if target is None else str(target)
        self._check_nodes([name])
        if isinstance(self.findings.get(name), str):
            raise EvidenceError(f"{name} is observed: its probability hangs on no number.")
        if state is not None and state not in self.model.nodes[name].states:
            raise UnknownNameError(
                str(state),
                kind="state",
                allowed=self.model.nodes[name].states,
                where=f"node {name}",
            )
        self._possible(self.log_evidence)
        return name

    def explain(
        self,
        target: str | None = None,
        *,
        against: str | None = None,
        exact: int = 12,
        seed: int = 0,
        progress: bool | None = None,
    ) -> Reasons:
        """Why a cause is as likely as it is: what each finding contributed in log odds, what was expected and is absent, what is present and unexplained,
        which single finding would turn the ranking, and the sources that matter most.

        target: a cause or mechanism; the leading cause that is not observed for certain where None. against: another one to compare it with. exact: findings up to which the
        Shapley shares are exact, from all subsets (on a large network 12 take seconds, 15 up to a minute); beyond, from 64 permutations by the seed. Raises UnknownNameError, EvidenceError where a node is observed.
        """
        from spinelink.progress import bar
        from spinelink.query.reasons import PERMUTATIONS, reasons

        if isinstance(exact, bool) or not isinstance(exact, int) or not 0 <= exact <= MOST_EXACT:
            raise SpinelinkError(
                f"exact is a number of findings from 0 to {MOST_EXACT}, not {exact!r}: twice as many subsets for each."
            )
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise SpinelinkError(f"seed is a whole number, 0 or more, not {seed!r}.")
        name = self._target(target, None)
        other = None if against is None else self._target(str(against), None)
        if other == name:
            raise SpinelinkError(f"{name} against itself says nothing; name two different nodes.")
        keys = [s.key for s in self.sources(name).sources[:5]]
        n = len(self.findings)
        with bar(
            "subsets of findings", 2**n if n <= exact else PERMUTATIONS * n, progress
        ) as on_progress:
            return reasons(
                self.model.network, self._question(target=name, against=other), self.model.compiled, self.findings, self._observed, name, other, seed=seed,
                exact=exact, sources=keys, on_progress=on_progress,
            )  # fmt: skip

    def conflict(self) -> Conflict:
        """Do the findings fit together: the conflict of the whole in bits (above 0 they hinder each other), the pairs and findings that carry it, and the
        causes that would resolve it. Raises ImpossibleEvidenceError where they cannot occur together at all."""
        from spinelink.query.conflict import conflict

        names = [n for n in self.model.network.ranked if n not in self.findings]
        index = self.model.compiled.index
        question = self._question()
        before, after = self.model.observe()._marginals(names), self._marginals(names)
        prior, posterior = (
            {n: float(a.present(index[n])[0]) for n in names} for a in (before, after)
        )
        return conflict(
            self.model.network,
            question,
            self.model.compiled,
            self.findings,
            self._observed,
            prior,
            posterior,
        )

    def next_best(
        self,
        target: str | None = None,
        *,
        limit: int | None = 5,
        cost: Literal["minutes"] | None = "minutes",
        horizon: Literal[1, 2] = 1,
        by_urgency: bool = True,
        measure: Literal["information", "loss"] = "information",
        utilities: Mapping[str, Mapping[str, float]] | None = None,
        among: Iterable[str] | None = None,
        under_way: str | Iterable[str] = (),
        threshold: float = 0.01,
    ) -> NextBest:
        """What to ask or test next: what each unasked question, sign, test, and each procedure as a whole, is expected to tell.

        target: information about this node; about all ranked causes where None, each counted by its urgency (by_urgency), so that what could find an
        emergency comes first. measure: "loss" is the loss that knowing is expected to spare, where for each cause one acts or does not: to act without need
        costs 1, to miss it 20, 5, 2 or 1 by its urgency. utilities: action -> state of the target -> utility; then it is the expected gain of knowing the answer before acting.
        cost: "minutes" ranks by value per minute, None by value alone; money and invasiveness stand beside it. horizon: 2 adds the best that can follow
        the best candidates. among: nodes that may be asked, all observable ones where None. under_way: procedures that are begun, whose readings cost next to
        nothing more (those with a reading among the findings are anyway). threshold: value below which asking on is not worth it.
        The answer says when to stop, and why; that is no reassurance. Raises UnknownNameError, EvidenceError, SpinelinkError.
        """
        from spinelink.query.next_best import next_best, weights_of

        if limit is not None and (
            isinstance(limit, bool) or not isinstance(limit, int) or limit < 1
        ):
            raise SpinelinkError(
                f"limit is how many to list, 1 or more, or None for all; not {limit!r}."
            )
        if cost not in ("minutes", None):
            raise UnknownNameError(str(cost), kind="cost", allowed=("minutes", "None"))
        if horizon not in (1, 2) or isinstance(horizon, bool):
            raise UnknownNameError(str(horizon), kind="horizon", allowed=("1", "2"))
        if measure not in ("information", "loss"):
            raise UnknownNameError(str(measure), kind="measure", allowed=("information", "loss"))
        if measure == "loss" and utilities is not None:
            raise SpinelinkError("utilities say what is lost: leave measure out.")
        network = self.model.network
        known = {v.procedure for v in self.model.nodes.values() if v.procedure is not None}
        begun = self._names(under_way)
        for procedure in begun:
            if procedure not in known:
                raise UnknownNameError(procedure, kind="procedure", allowed=sorted(known))
        if target is not None:
            names = [self._target(str(target), None)]
        else:
            names = [n for n in network.ranked if not isinstance(self.findings.get(n), str)]
        if not names:
            raise SpinelinkError("there is no cause left to learn about; name a target")
        if utilities is not None:
            if target is None:
                raise SpinelinkError("utilities are of one target's states; name it")
            states = set(self.model.nodes[names[0]].states)
            rows = list(utilities.values()) if isinstance(utilities, Mapping) else []
            if not rows or any(
                not isinstance(u, Mapping)
                or set(u) != states
                or not all(map(_is_number, u.values()))
                for u in rows
            ):
                raise SpinelinkError(
                    f"utilities are a mapping action -> state -> number, with the states {', '.join(sorted(states))}."
                )
        if not _is_number(threshold):
            raise SpinelinkError(f"threshold is a number, not {threshold!r}.")
        chosen = (
            [n for n, v in self.model.nodes.items() if v.role in OBSERVABLE]
            if among is None
            else self._names(among)
        )
        self._check_nodes(chosen)
        chosen = [n for n in chosen if n not in names]
        about = (
            f"information about {target or 'the causes'}"
            if measure == "information"
            else f"loss spared at {target or 'the causes'}"
        )
        words = "value of knowing before acting" if utilities is not None else about
        if target is None and by_urgency:
            words += ", counted by urgency"
        weights = weights_of(network, names, by_urgency and (target is None or measure == "loss"))
        return next_best(
            network, self._question(target=target, cost=cost, horizon=horizon), self.model.compiled, self._observed, self._marginals(names), names,
            weights=weights, utilities=utilities, among=chosen, cost=cost, limit=limit, horizon=horizon, threshold=float(threshold), measure=words,
            loss=measure == "loss", under_way=begun,
        )  # fmt: skip

    def interview(
        self,
        target: str | None = None,
        *,
        ask: Callable[[str], str] | None = None,
        show: Callable[[str], object] | None = None,
    ) -> Case:
        """A dialogue, in a terminal or a notebook: the next best question, the answer, what it did to the causes. Questions of which one answer would make an
        emergency come first. Says when one may stop, and why; an answer can be undone, left out, or end it (Ctrl-C too). Alerts are shown before anything else;
        an answer that contradicts the others raises its alerts too, and only the probabilities leave it out. Returns the case with every answer.

        target: what to learn about; all causes where None. ask, show: instead of `input` and `print`. Raises, after the alerts of the case are shown,
        UnknownNameError, and ImpossibleEvidenceError where the findings contradict each other from the beginning.
        """
        from spinelink.query.interview import begin, interview

        for name, value in (("ask", ask), ("show", show)):
            if value is not None and not callable(value):
                raise SpinelinkError(
                    f"{name} is a function that takes a text, as {'input' if name == 'ask' else 'print'}, not {value!r}."
                )
        show = show or print
        begin(self, show)
        asked = None if target is None else str(target)
        self._check_nodes([] if asked is None else [asked])
        self._possible(self.log_evidence)
        return interview(self, ask or input, show, target=asked)

    def attribute(
        self,
        effect: str,
        cause: str | Iterable[str] | None = None,
        *,
        setting: str | None = None,
        interval: float | None = None,
        draws: int = 128,
        seed: int = 0,
        progress: bool | None = None,
    ) -> Attribution:
        """Because of what a finding is there: the probability that it would be absent had a cause been absent, everything else as it was.

        effect: a node; where it was not assessed it is taken as present. cause: a node, several (taken away together), an origin ("back", "hip", ...), or
        None: every origin and every ranked cause that can reach the effect. setting: the population in which it is asked; the one that the network marks as
        unselected where None (the case's own where there is none): being chosen by symptoms is no cause of them. interval: level of credible intervals from
        that many draws of the numbers. Raises EvidenceError where the effect was found absent or cannot be present, ImpossibleEvidenceError, UnknownNameError.
        This explains a finding; which disease is likely is what the posterior says.
        """
        from spinelink.progress import bar
        from spinelink.query.attribution import attribution

        name = self._effect(effect)
        asked = self._counterfactual(setting)
        groups = self._causes_of(name, cause)
        asked._can_be_present([name])
        level, drawn = asked._drawn(interval, draws, seed, [name])
        question = self._question(effect=name, population=asked.model.setting, interval=interval)
        with bar("attribution", len(groups), progress) as on_progress:
            return attribution(
                asked.model.network,
                question,
                asked.model.compiled,
                asked._observed,
                name,
                groups,
                level=level,
                drawn=drawn,
                on_progress=on_progress,
            )

    def link(
        self,
        first: str = "leg_pain",
        second: str = "back_pain",
        *,
        homes: tuple[str | Sequence[str], str | Sequence[str]] | None = None,
        setting: str | None = None,
        interval: float | None = None,
        draws: int = 128,
        seed: int = 0,
        progress: bool | None = None,
    ) -> Link:
        """Are two findings linked, and which way: the first because of what lies where the second is at home, the other way round, both because of
        something elsewhere, or side by side. The shares sum to 1; each tells which causes and mechanisms carry it.

        homes: the origins of causes that are at home with the first and with the second; by the findings' regions where None (a finding in the leg is at
        home at hip, leg and foot). A finding that was not assessed is taken as present. setting, interval, draws: as in `attribute`.
        Raises EvidenceError where both were found absent or one cannot be present, ImpossibleEvidenceError, UnknownNameError.
        """
        from spinelink.progress import bar
        from spinelink.query.attribution import link

        names = [str(first), str(second)]
        self._check_nodes(names)
        if names[0] == names[1]:
            raise SpinelinkError("a link is between two different findings.")
        if all(self.findings.get(n) == self.model.nodes[n].states[0] for n in names):
            raise EvidenceError(
                f"{names[0]} and {names[1]} were found absent: there is no link to ask about."
            )
        chosen = self._homes(names, homes)
        asked = self._counterfactual(setting)
        asked._can_be_present(names)
        level, drawn = asked._drawn(interval, draws, seed, names)
        question = self._question(
            first=names[0],
            second=names[1],
            homes=chosen,
            population=asked.model.setting,
            interval=interval,
        )
        with bar("link", 14 if drawn is not None else 7, progress) as on_progress:
            return link(
                asked.model.network, question, asked.model.compiled, asked._observed, names[0], names[1], chosen, level=level, drawn=drawn, on_progress=on_progress
            )  # fmt: skip

    def _counterfactual(self, setting: str | None) -> Case:
        """This case in the population in which what would have been is asked."""
        chosen = self.model.network.unselected if setting is None else setting
        return (
            self
            if chosen in (None, self.model.setting)
            else Case(self.model.in_setting(str(chosen)), self.findings)
        )

    def _drawn(
        self, interval: float | None, draws: int, seed: int, names: Sequence[str]
    ) -> tuple[float | None, CompiledNetwork | None]:
        """The level, and the network under draws of its numbers; nothing where no interval is asked for."""
        if interval is None:
            return None, None
        from spinelink.inference.sampled_parameters import drawn_network
        from spinelink.query.intervals import check_level

        level = check_level(interval)
        if isinstance(draws, bool) or not isinstance(draws, int) or draws < 2:
            raise SpinelinkError(f"draws is a whole number, 2 or more, not {draws!r}.")
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise SpinelinkError(f"seed is a whole number, 0 or more, not {seed!r}.")
        model = self.model
        nodes = [*self._observed, *(model.compiled.index[n] for n in names)]
        parameters = parameters_in(model.network, model.setting)
        return level, drawn_network(
            model.network, parameters, model.compiled, nodes, draws=draws, seed=seed
        )

    def _effect(self, effect: str) -> str:
        name = str(effect)
        self._check_nodes([name])
        if self.findings.get(name) == self.model.nodes[name].states[0]:
            raise EvidenceError(
                f"{name} was found {self.findings[name]}: there is nothing to explain."
            )
        self._possible(self.log_evidence)
        return name

    def _can_be_present(self, names: Sequence[str]) -> None:
        """That the findings can occur, and with them those of the names that were not found absent, as they are taken to be present."""
        from spinelink.inference.counterfactual.factual import assume_present
        from spinelink.inference.answer import log_evidence
        from spinelink.inference.variants.contradiction import smallest_contradiction

        compiled = self.model.compiled
        observed = assume_present(compiled, self._observed, [compiled.index[n] for n in names])
        if log_evidence(compiled, observed)[0] > float("-inf"):
            return
        self._possible(self.log_evidence)
        contradicting = [compiled.names[i] for i in smallest_contradiction(compiled, observed)]
        taken = [
            n for n in contradicting if n in names and not isinstance(self.findings.get(n), str)
        ]
        others = [describe(n, self.findings[n]) for n in contradicting if n not in taken]
        besides = f" with these findings: {', '.join(others)}" if others else ""
        raise EvidenceError(
            f"{' and '.join(taken)} cannot be present in this network (setting {self.model.setting}){besides}; the probability is 0, so there is nothing to"
            " explain. Retract or correct a finding, or ask about another."
        )

    def _causes_of(self, effect: str, cause: str | Iterable[str] | None) -> dict[str, list[str]]:
        """Groups of causes to take away, by name."""
        network, compiled = self.model.network, self.model.compiled
        origins: dict[str, list[str]] = {}
        for n, node in network.nodes.items():
            if node.role in ("cause", "mechanism") and node.origin is not None and n != effect:
                origins.setdefault(node.origin, []).append(n)
        if isinstance(cause, str) and cause in origins and cause not in network.nodes:
            return {cause: origins[cause]}
        if cause is not None:
            names = self._names(cause)
            self._check_nodes(names)
            if effect in names or not names:
                raise SpinelinkError(f"name one or more causes of {effect}, other than itself.")
            return {", ".join(names): names}
        above = {compiled.names[i] for i in compiled.ancestors([compiled.index[effect]])} - {effect}
        groups = {
            o: own for o, names in origins.items() if (own := [n for n in names if n in above])
        }
        return {**groups, **{n: [n] for n in network.ranked if n in above}}

    def _homes(
        self, names: list[str], homes: tuple[str | Sequence[str], str | Sequence[str]] | None
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        known = {node.origin for node in self.model.nodes.values() if node.origin is not None}
        if homes is None:
            regions = [self.model.nodes[n].region for n in names]
            found: list[tuple[str, ...]] = [HOMES.get(r, (r,)) for r in regions]
            for name, region, own in zip(names, regions, found, strict=True):
                if not set(own) & known:
                    raise SpinelinkError(
                        f"{name} has region {region!r}, at which no cause is at home; say homes=(origins, origins)."
                    )
        else:
            if isinstance(homes, str) or not isinstance(homes, Sequence) or len(homes) != 2:
                raise SpinelinkError(
                    "homes is a pair: the origins at home with the first finding, and with the second."
                )
            if not all(isinstance(h, str) or (isinstance(h, Sequence) and h) for h in homes):
                raise SpinelinkError(
                    f"each of the homes is an origin or a list of one or more, not {homes!r}; origins: {', '.join(get_args(Origin))}."
                )
            found = [(h,) if isinstance(h, str) else tuple(h) for h in homes]
        for own in found:
            for origin in own:
                if homes is not None and origin not in get_args(Origin):
                    raise UnknownNameError(str(origin), kind="origin", allowed=get_args(Origin))
        if not known:
            raise SpinelinkError(
                f"no node of network {self.model.name!r} says where it lies (origin), so nothing can be at home anywhere."
            )
        if set(found[0]) & set(found[1]):
            raise SpinelinkError(
                f"{names[0]} and {names[1]} are at home in the same place; say homes=(origins, origins)."
            )
        return found[0], found[1]

    def sample(
        self,
        size: int,
        *,
        seed: int | np.random.Generator = 0,
        columns: str | Sequence[str] | None = None,
        missing: float | Mapping[str, float] = 0.0,
    ) -> pd.DataFrame:
        """Patients drawn exactly from P(all nodes | evidence), however rare the evidence: nothing is rejected, nothing weighted.

        size: how many. columns: nodes to give, all where None; "observable" leaves causes and mechanisms out. missing: the share of cells that are blanked at
        random (not assessed), one for all columns or by node; the evidence stays. Returns one row a patient, a categorical column a node. The same seed
        gives the same patients. Raises ImpossibleEvidenceError, UnknownNameError, SpinelinkError.
        """
        from spinelink.evaluate.cohort import cohort

        if isinstance(size, bool) or not isinstance(size, int) or size < 0:
            raise SpinelinkError(f"size is how many patients, 0 or more, not {size!r}.")
        groups = {
            "all": list(self.model.nodes),
            "observable": [n for n, v in self.model.nodes.items() if v.role in OBSERVABLE],
        }
        names = (
            groups["all"]
            if columns is None
            else groups.get(columns, [columns])
            if isinstance(columns, str)
            else self._names(columns)
        )
        self._check_nodes(names)
        self._possible(self.log_evidence)
        return cohort(
            self.model.compiled,
            self._observed,
            names,
            size,
            seed=seed,
            missing=missing,
            kept=list(self.findings),
        )

    def alerts(self) -> Alerts:
        """Red flags: fixed rules over the findings, whatever the probabilities say, most urgent first.

        `.pending`: rules that one finding which was not assessed would fire: worth asking about before anything else.
        """
        from spinelink.query.alerts import find_alerts

        return find_alerts(
            self.model.network, self.model._question(self.findings, float("nan")), self.findings
        )

    @cached_property
    def _observed(self) -> Observed:
        from spinelink.inference.findings import observed_from

        return observed_from(self.model.compiled, self.findings)

    @cached_property
    def _answers(self) -> dict[tuple[str, ...], Marginals]:
        return {}

    def _marginals(self, names: list[str]) -> Marginals:
        from spinelink.inference.answer import marginals

        key = tuple(names)
        if key not in self._answers:
            compiled = self.model.compiled
            answer = marginals(compiled, self._observed, [compiled.index[n] for n in names])
            self._possible(float(answer.log_evidence[0]))
            self._answers[key] = answer
        return self._answers[key]

    def _possible(self, log_evidence: float) -> float:
        if log_evidence > float("-inf"):
            return log_evidence
        from spinelink.inference.variants.contradiction import smallest_contradiction

        names = [
            self.model.compiled.names[i]
            for i in smallest_contradiction(self.model.compiled, self._observed)
        ]
        findings = [describe(n, self.findings[n]) for n in names]
        if len(findings) == 1:
            where = f" (setting {self.model.setting})" if self.model.setting else ""
            text = f"{findings[0]} cannot occur in this network{where}: its probability is 0. Retract or correct it."
        else:
            text = f"these findings cannot occur together: {', '.join(findings)}. Retract or correct one of them."
        raise ImpossibleEvidenceError(text, findings=findings)

    def _question(self, **options: object) -> Question:
        return self.model._question(self.findings, self.log_evidence, **options)

    def _names(self, nodes: Iterable[str]) -> list[str]:
        if not isinstance(nodes, Iterable):
            raise SpinelinkError(f"names of nodes are strings, not a {type(nodes).__name__}.")
        return [nodes] if isinstance(nodes, str) else [str(n) for n in nodes]

    def _check_nodes(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self.model.network.nodes:
                raise UnknownNameError(
                    name,
                    kind="node",
                    allowed=self.model.network.nodes,
                    where=f"network {self.model.name!r}",
                )

    def _chosen(self, nodes: Iterable[str] | None, role: str | None) -> list[str]:
        if role is not None and role not in ROLES:
            raise UnknownNameError(role, kind="role", allowed=ROLES)
        names = list(self.model.nodes) if nodes is None else self._names(nodes)
        self._check_nodes(names)
        return [n for n in dict.fromkeys(names) if role is None or self.model.nodes[n].role == role]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Case):
            return NotImplemented
        same = (self.model.fingerprint, self.model.setting) == (
            other.model.fingerprint,
            other.model.setting,
        )
        return same and self.findings == other.findings

    def __hash__(self) -> int:
        return hash((self.model.fingerprint, self.model.setting, self.findings))

    def __repr__(self) -> str:
        findings = ", ".join(describe(n, f) for n, f in self.findings.items()) or "no findings"
        return f"Case({self.model.name}, setting={self.model.setting}: {findings})"

    def graph(
        self,
        *,
        around: str | Iterable[str] | None = None,
        distance: int = 1,
        relevant: bool | None = None,
        fold: bool | None = None,
        probabilities: bool | None = None,
    ) -> Graph:
        """A picture: contexts, causes, mechanisms and findings in columns, with probabilities and findings in the boxes.

        around: only what is at most `distance` arrows from these nodes. relevant: only the findings, the leading causes, and what lies on strong ways between
        them; where None, of networks with more than 60 nodes. fold: groups in place of nodes, where None when more than 60 would be drawn.
        probabilities: whether they are computed; where None, unless nodes are folded. Raises UnknownNameError, ImpossibleEvidenceError.
        """
        from spinelink.inference.arc_strength import edge_strengths
        from spinelink.query.graph import LARGEST, RELEVANT, folded, graph, neighbourhood
        from spinelink.query.graph import relevant as relevant_nodes

        network, compiled = self.model.network, self.model.compiled
        if isinstance(distance, bool) or not isinstance(distance, int) or distance < 0:
            raise SpinelinkError(f"distance is a number of arrows, 0 or more, not {distance!r}.")
        strengths = {
            (compiled.names[p], compiled.names[c]): s
            for (p, c), s in edge_strengths(compiled).items()
        }
        chosen = list(self.model.nodes)
        if around is not None:
            names = self._names(around)
            self._check_nodes(names)
            kept = neighbourhood(network, names, distance)
            chosen = [n for n in chosen if n in kept]
        elif (relevant is None and len(chosen) > LARGEST and len(self.findings)) or relevant:
            leading = (
                [c.cause for c in self.differential(limit=RELEVANT).causes]
                if network.ranked
                else self._neighbours()
            )
            kept = relevant_nodes(network, self.findings, leading, strengths)
            chosen = [n for n in chosen if n in kept]
        folds = len(chosen) > LARGEST if fold is None else fold
        groups: dict[str, tuple[str, tuple[str, ...]]] = {
            n: (network.nodes[n].label, (n,)) for n in chosen
        }
        if folds:
            groups = {
                name: (label, own)
                for name, (label, members) in folded(network).items()
                if (own := tuple(m for m in members if m in chosen))
            }
        single = [members[0] for _, members in groups.values() if len(members) == 1]
        shown = [n for n in single if not isinstance(self.findings.get(n), str)]
        posterior: dict[str, float] = {}
        prior: dict[str, float] = {}
        if shown and (probabilities or (probabilities is None and not folds)):
            posterior = self._present(shown)
            if len(self.findings):
                prior = self.model.observe()._present(shown)
        question = (
            self._question() if posterior else self.model._question(self.findings, float("nan"))
        )
        return graph(
            network,
            question,
            strengths,
            groups,
            evidence=self.findings,
            posterior=posterior,
            prior=prior,
        )

    def explore(self, *, of: str | Iterable[str] | None = None) -> Explorer:
        """The explorer, a widget for JupyterLab 4 and Notebook 7: click findings and watch red flags, causes, the link, and what to ask next.

        `.case` is the case as it stands. of: nodes whose probabilities are shown; where None the ranked causes, or every node of a network that names none.
        Raises UnknownNameError, SpinelinkError where the extra `notebook` is not installed.
        """
        try:
            from spinelink.notebook.explorer import Explorer
        except ImportError as error:
            raise SpinelinkError(
                f"the explorer needs {error.name}: pip install 'spinelink[notebook]'"
            ) from None
        names = [] if of is None else self._names(of)
        self._check_nodes(names)
        quick = Case(
            replace(self.model, engine="fast") if fast_is_available() else self.model, self.findings
        )
        return Explorer(quick, of=names)

    def _neighbours(self) -> list[str]:
        """What hangs on the findings directly, in a network that ranks no causes."""
        from spinelink.query.graph import neighbourhood

        near = neighbourhood(self.model.network, self.findings, 1)
        return [n for n in self.model.nodes if n in near]

    def _present(self, names: list[str]) -> dict[str, float]:
        """P(not in its first state | evidence) of each node."""
        index = self.model.compiled.index
        answer = self._marginals(names)
        return {n: float(answer.present(index[n])[0]) for n in names}

    def _repr_html_(self) -> str:
        items = "".join(
            f"<li>{escape(self.model.nodes[n].label)}: {escape(f if isinstance(f, str) else _likelihoods(f))}</li>"
            for n, f in self.findings.items()
        )
        head = f"{escape(self.model.network.title)}{escape(f', setting {self.model.setting}' if self.model.setting else '')}"
        try:
            picture = self.graph().picture()
        except SpinelinkError as error:
            picture = f"<p><b>{escape(str(error))}</b></p>"
        return f"<div class='spinelink'><p>{head}</p><ul>{items or '<li>no findings</li>'}</ul>{self.alerts()._repr_html_()}{picture}</div>"


def _likelihoods(finding: Soft) -> str:
    """An uncertain finding, for people."""
    return "uncertain, likelihoods " + ", ".join(
        f"{state} {likelihood:.3g}" for state, likelihood in finding
    )


def _is_number(value: object) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and value == value
        and abs(value) != float("inf")
    )
