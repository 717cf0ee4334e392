"""A model of patients and the case of one patient, with what every question needs and nothing else.

Both are frozen values. Questions are functions `verb(case, *, options)`; `diagnosis` lists them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from os import PathLike as PathBase
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from spinelink.errors import ImpossibleEvidenceError, UnknownNameError
from spinelink.inference.answer import log_evidence, marginals
from spinelink.inference.answers import Marginals
from spinelink.inference.arrays import CompiledNetwork, Resources
from spinelink.inference.cache import PlanCache
from spinelink.inference.compile import compile_setting, point_values
from spinelink.inference.contradiction import smallest_contradiction
from spinelink.inference.engine import check_engine
from spinelink.inference.findings import Observed, observed_from
from spinelink.inference.limits import DEFAULT, MEMORY_LIMIT, Limits
from spinelink.io.json_file import read_json
from spinelink.network.call_signature import naming_findings
from spinelink.network.evidence import EMPTY, Evidence, describe, impossible, merged_findings
from spinelink.network.fitted import carried_over
from spinelink.network.joint import JointCovariance, joint_of_unchanged
from spinelink.network.network import Network
from spinelink.network.nodes import Nodes
from spinelink.network.parameter import Parameter, ParameterValue
from spinelink.network.question import Question, fingerprint
from spinelink.network.search import among, names_of
from spinelink.network.setting import check_setting, parameters_in, with_parameters
from spinelink.options import real
from spinelink.typing import EngineChoice, Findings, FindingValue, PathLike

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False, repr=False)
class Model:
    """A network in one of its settings, ready to answer. Models never change: a change gives a new one.

    Args:
        network: what the network file says.
        setting: the population in force; the file's default where None.
        origin: the file that the network came from, where there is one.
        engine: "numpy"; "fast", the compiled kernel; or "auto", the kernel where it is and pays.
        memory: bytes that the tables of one run may hold.
        limits: thresholds at which the engine changes its method.
        stated: the network as its file says it, where fitted values stand in `network`.
        covariance: how fitted values vary together, where that is known.
    """

    network: Network
    setting: str | None = None
    origin: Path | None = None
    engine: EngineChoice = "auto"
    memory: float = MEMORY_LIMIT
    limits: Limits = DEFAULT
    stated: Network | None = None
    covariance: JointCovariance | None = None
    _plans: PlanCache = field(default_factory=PlanCache)

    def __post_init__(self) -> None:
        check_engine(self.engine)
        object.__setattr__(self, "memory", real(self.memory, "memory, in bytes,", above=0.0))
        object.__setattr__(self, "setting", check_setting(self.network, self.setting))

    @property
    def name(self) -> str:
        """The network's name.

        Example:
            >>> import spinelink as sl
            >>> sl.load("minimal").name
            'minimal'
        """
        return self.network.name

    @cached_property
    def nodes(self) -> Nodes:
        """The nodes by name. Printed, they fit on a screen; names complete in IPython.

        Example:
            >>> import spinelink as sl
            >>> sl.load("minimal").nodes["numbness"].states
            ('absent', 'present')
        """
        return Nodes(self.network.nodes)

    @property
    def settings(self) -> tuple[str, ...]:
        """The populations of the network file: everybody, or those whom a clinic sees.

        Example:
            >>> import spinelink as sl
            >>> sl.load("back-leg-pain").settings
            ('general_population', 'primary_care', 'emergency', 'secondary_care')
        """
        return tuple(self.network.settings)

    @cached_property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that change with anything that the network says.

        Example:
            >>> import spinelink as sl
            >>> len(sl.load("minimal").fingerprint)
            12
        """
        return fingerprint(self.network)

    @cached_property
    def in_force(self) -> Mapping[str, Parameter]:
        """Every parameter by its id, as it holds in the setting."""
        return MappingProxyType(parameters_in(self.network, self.setting))

    @cached_property
    def values(self) -> Mapping[str, NDArray[np.float64]]:
        """The estimate of every parameter by its id, as an array with a batch axis of length 1."""
        return point_values(self.network, self.in_force)

    @cached_property
    def compiled(self) -> CompiledNetwork:
        """The network as arrays, in the setting in force."""
        resources = Resources(self.engine, self.memory, self.limits, self._plans)
        return compile_setting(self.network, self.setting, resources=resources)

    @cached_property
    def log_selected(self) -> float:
        """Log P(selected as the setting says), up to a constant; 0 where nobody is selected."""
        if not self.compiled.selected:
            return 0.0
        return float(log_evidence(self.compiled, self.compiled.selected)[0])

    @cached_property
    def without_findings(self) -> Case:
        """The case of somebody of whom nothing is known. It is kept, and with it the priors."""
        return self.observe()

    def observe(self, findings: Findings | None = None, /, **more: FindingValue) -> Case:
        """A case with these findings; see `Case.observe`."""
        return Case(self).observe(findings, **more)

    def in_setting(self, setting: str) -> Self:
        """The same network in another population.

        Args:
            setting: one of `settings`.

        Returns:
            A new model.

        Raises:
            UnknownNameError: the network has no such setting.

        Example:
            >>> import spinelink as sl
            >>> sl.load("back-leg-pain").in_setting("emergency").setting
            'emergency'
        """
        if setting is None:  # which would mean the default
            raise UnknownNameError("None", kind="setting", allowed=self.settings, where=self.name)
        return replace(self, setting=setting)

    def compiled_in(self, setting: str | None) -> CompiledNetwork:
        """The network as arrays in a setting; in the one in force where None."""
        here = setting is None or setting == self.setting
        return self.compiled if here else self.in_setting(setting or "").compiled

    def with_parameters(self, changes: PathLike | Mapping[str, ParameterValue]) -> Self:
        """A new model in which some parameters differ, in the setting in force.

        Args:
            changes: parameter id -> a number, `sl.Beta(a, b)`, or a mapping state -> probability.
                Or the explorer's patch: the path of its JSON file, or what `json.load` gives.

        Returns:
            A new model; this one stays as it is.

        Raises:
            UnknownNameError: there is no such parameter.
            ParameterError: a value does not fit, or the patch is of another network or setting.

        Example:
            >>> import spinelink as sl
            >>> model = sl.load("minimal")
            >>> changed = model.with_parameters({"lumbar_disc_herniation.prior": 0.2})
            >>> round(float(changed.observe().posterior("lumbar_disc_herniation")["present"]), 3)
            0.2
        """
        given = read_json(changes) if isinstance(changes, str | PathBase) else changes
        before = self.network if self.stated is None else self.stated
        after = with_parameters(before, self.setting, given)
        stated = None if self.stated is None else after
        network = after if stated is None else carried_over(self.network, before, after)
        covariance = joint_of_unchanged(self.covariance, self.network, network)
        return replace(self, network=network, stated=stated, covariance=covariance)

    def question(
        self, evidence: Evidence = EMPTY, *, log_evidence: float = 0.0, **options: object
    ) -> Question:
        """What an answer remembers of how it was asked."""
        return Question(
            self.name,
            self.network.version,
            self.fingerprint,
            self.setting,
            evidence,
            log_evidence,
            tuple(sorted(options.items())),
        )

    def names(self, nodes: str | Iterable[str]) -> list[str]:
        """Names of nodes as a list. Raises UnknownNameError where the network has no such node."""
        return names_of(self.network, nodes)

    def __getstate__(self) -> dict[str, object]:
        return {f.name: getattr(self, f.name) for f in fields(self)}  # what is kept is made again

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Model):
            return NotImplemented
        return (self.network, self.setting) == (other.network, other.setting)

    def __hash__(self) -> int:
        return hash((self.fingerprint, self.setting))

    def __repr__(self) -> str:
        return (
            f"Model({self.name} {self.network.version}, setting={self.setting}, "
            f"{len(self.nodes)} nodes: {self.network.counts_by_role()})"
        )


@dataclass(frozen=True, eq=False, repr=False)
class Case:
    """A model with evidence: what was found in one patient.

    Cases never change: `observe` and `retract` give new ones.
    """

    model: Model
    findings: Evidence = EMPTY

    @naming_findings
    def observe(self, findings: Findings | None = None, /, **more: FindingValue) -> Self:
        """A case with more findings; a finding that is named again replaces the earlier one.

        Args:
            findings: node -> value, for names that are no Python names.
            **more: the same by keyword. A value is the name of a state; True or False for a node
                with two states; a number for a node with numeric bins; a mapping state ->
                likelihood (virtual evidence); None, NaN, `NA` or the like for *not assessed*.

        Returns:
            A new case.

        Raises:
            UnknownNameError: the network has no such node.
            EvidenceError: a value does not fit its node. Nothing is kept then.

        Example:
            >>> import spinelink as sl
            >>> case = sl.load("minimal").observe(leg_pain="below_knee", numbness=True)
            >>> case.observe(numbness=None).evidence
            {'leg_pain': 'below_knee'}
        """
        now = merged_findings(self.model.network, self.findings, findings, more)
        return replace(self, findings=Evidence(now))

    def retract(self, *names: str) -> Self:
        """A case without these findings.

        Args:
            *names: nodes with a finding, or their public codes.

        Returns:
            A new case.

        Raises:
            UnknownNameError: the case has no finding of that name or code.
            EvidenceError: several findings have the code.

        Example:
            >>> import spinelink as sl
            >>> case = sl.load("minimal").observe(leg_pain="below_knee", numbness=True)
            >>> case.retract("numbness").evidence
            {'leg_pain': 'below_knee'}
        """
        found = {n: self.model.network.nodes[n] for n in self.findings}
        gone = [among(found, name) if isinstance(name, str) else None for name in names]
        if None in gone:
            name, where = names[gone.index(None)], "this case"
            raise UnknownNameError(name, kind="finding", allowed=self.findings, where=where)
        left = {n: f for n, f in self.findings.items() if n not in gone}
        return replace(self, findings=Evidence(left))

    @property
    def evidence(self) -> dict[str, str | dict[str, float]]:
        """What was found: node -> state, or node -> likelihoods, scaled to a largest of 1.

        Example:
            >>> import spinelink as sl
            >>> sl.load("minimal").observe(numbness=False).evidence
            {'numbness': 'absent'}
        """
        return {n: f if isinstance(f, str) else dict(f) for n, f in self.findings.items()}

    @cached_property
    def log_evidence(self) -> float:
        """Natural logarithm of P(evidence). Virtual evidence counts with a largest likelihood of 1.

        Raises:
            ImpossibleEvidenceError: the findings cannot occur together.

        Example:
            >>> import math, spinelink as sl
            >>> case = sl.load("minimal").observe(numbness=True)
            >>> 0 < math.exp(case.log_evidence) < 1
            True
        """
        if not self.findings:
            return 0.0  # exactly; and no probability exceeds 1, whatever a sum of doubles says
        logs = [a.log_evidence for a in self._answers.values()]  # every answer brings it
        log = (logs or [log_evidence(self.model.compiled, self.observed)])[0]
        return self._require_possible(min(float(log[0]) - self.model.log_selected, 0.0))

    @cached_property
    def observed(self) -> Observed:
        """The findings as the engine takes them."""
        return observed_from(self.model.compiled, self.findings)

    def marginals(self, nodes: str | Iterable[str]) -> Marginals:
        """The engine's answer for these nodes, kept for the next question.

        Raises UnknownNameError, and ImpossibleEvidenceError where the findings cannot occur.
        """
        names = tuple(self.model.names(nodes))
        if names not in self._answers:
            compiled = self.model.compiled
            index = [compiled.index[n] for n in names]
            answer = marginals(compiled, self.observed, index)
            self._require_possible(float(answer.log_evidence[0]))
            self._answers[names] = answer
        return self._answers[names]

    @cached_property
    def _answers(self) -> dict[tuple[str, ...], Marginals]:
        return {}

    def present(self, nodes: str | Iterable[str]) -> dict[str, float]:
        """P(present | evidence) of each node: that it is not in its first state."""
        names = self.model.names(nodes)
        index = self.model.compiled.index
        answer = self.marginals(names)
        return {n: float(answer.present(index[n])[0]) for n in names}

    def prior_present(self, nodes: str | Iterable[str]) -> dict[str, float]:
        """P(present) of each node before any finding."""
        return self.model.without_findings.present(nodes)

    def is_observed(self, node: str) -> bool:
        """True where one state of the node was found for certain."""
        (name,) = self.model.names([node])
        return isinstance(self.findings.get(name), str)

    def question(self, **options: object) -> Question:
        """What an answer remembers of how it was asked. Raises ImpossibleEvidenceError."""
        return self.model.question(self.findings, log_evidence=self.log_evidence, **options)

    def _require_possible(self, log_evidence: float) -> float:
        """The value itself. Raises ImpossibleEvidenceError where it is minus infinity."""
        if log_evidence > float("-inf"):
            return log_evidence
        compiled = self.model.compiled
        names = [compiled.names[i] for i in smallest_contradiction(compiled, self.observed)]
        findings = [describe(n, self.findings[n]) for n in names]
        raise ImpossibleEvidenceError(impossible(findings, self.model.setting), findings=findings)

    def __getstate__(self) -> dict[str, object]:
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Case):
            return NotImplemented
        return self.model == other.model and self.findings == other.findings

    def __hash__(self) -> int:
        return hash((self.model, self.findings))

    def __repr__(self) -> str:
        findings = ", ".join(describe(n, f) for n, f in self.findings.items()) or "no findings"
        return f"Case({self.model.name}, setting={self.model.setting}: {findings})"
