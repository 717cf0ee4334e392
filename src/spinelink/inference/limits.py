"""Every threshold of the engine, as one frozen value.

A compiled network carries its limits, so that each run sees the same ones. Tests pass limits that
force a path ("everything factored", "everything expanded", "no room"); nothing is patched.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

MEMORY_LIMIT = 2.0e9
"""Bytes that the intermediate tables of one run may hold together, unless a caller says otherwise."""

BYTES_PER_ENTRY = 24.0
"""Bytes that a table entry costs over a run: itself, its adjoint, and what is in hand."""


@dataclass(frozen=True)
class Limits:
    """Thresholds at which the engine changes its method. They change cost, never an answer.

    A probability "keeps its digits" where it is not obtained as a small difference of large terms.
    """

    # Families (both engines).
    expanded_family: int = 256
    """Entries up to which a noisy-MAX family enters as one ordinary table."""

    # Numerical checks (both engines).
    agreement: float = 1e-12
    """Difference form: on the backward pass marginals must sum to P(evidence) to this."""
    cancellation: float = 1e5
    """Difference form: absolute terms may exceed their sum by this factor."""
    fewer_digits: float = 1e4
    """So many times more may be lost where the form without differences is a large run. Posteriors
    then hold to eight decimals, and that run would take up to some hundred times longer."""
    underflow: float = -550.0
    """log P(evidence) below which plain doubles are not trusted; log(smallest double) is -744."""
    rare_difference: float = 1e-5
    """A probability obtained as a difference keeps eleven digits above this."""
    rare_leaf: float = 1e-4
    """The same for leaf marginals from cumulative events; rarer states are recomputed directly."""
    rare_upstream: float = 1e-8
    """The same for states that differences in families above the node affect."""

    # Plans of the interpreted engine.
    plan_cache_bytes: float = 6.4e7
    """Bytes that the plans of one structure may take; the least recently used goes first."""
    searched_entries: float = 5e5
    """Table entries from which on a search for a better elimination order pays."""
    one_rule_entries: float = 2e3
    """Table entries up to which one elimination rule is enough."""
    entries_per_restart: float = 2e6
    """One restart of the order search for so many table entries."""
    order_restarts: int = 24
    paired_axes: int = 5
    """Deputy axes whose pairs of levels are listed."""
    listed_pairs: int = 1024
    entries_beside_pairs: int = 64
    """Entries beside the deputy axes up to which a list of pairs beats recursion over slices."""

    # Runs of the interpreted engine.
    difference_form_products: float = 1e6
    """Products beyond which the difference form is tried."""
    difference_form_gain: float = 2.0
    """It is taken where it needs so many times fewer products."""
    plain_again: float = 3e6
    """Products of the plain form beyond which a row may keep fewer digits."""
    plain_gradient_entries: float = 2e6
    """Entries up to which a gradient run uses the subtraction-free form at once."""
    group_entries: float = 2.0**21
    """Plan entries above which targets are answered in several smaller runs."""
    entries_at_once: float = 4e6
    """Entries of one plan for all targets, times its repetitions, that are not much."""
    leaf_family: int = 4
    """A noisy leaf family with more entries is answered without its table."""
    leaf_families_at_once: int = 4
    """Large leaf families that one run in difference form may hold."""
    conditioning_candidates: int = 12
    conditioning_entries: float = 1e9
    """Table entries over all cases, and all rows, that conditioning may take: about half a minute."""
    entries_per_step: float = 2e3
    """Table entries that take as long as a step of a run, however small it is."""
    share_of_memory: float = 0.75
    """Runs cut to fit take this share of the limit: many arrays come and go, and leave gaps."""

    # The door.
    leaves_in_run: int = 4
    """Leaf nodes, at least one, that join a run; more are answered by cumulative events."""
    quick_entries: float = 1e6
    """Table entries of a run that a red flag about an uncertain finding may wait for."""
    nodes_in_run: int = 64
    """Selected people: nodes from which on they are answered in groups at once."""
    group_splits: int = 6
    """Groups cut in two, after which leaves are answered by events."""
    kernel_rows: int = 16
    """Rows from which on loading the compiled kernel pays."""
    table_run_bytes: float = 3.0e7
    """Bytes of one interpreted run over table rows: it stays near the cache."""
    table_rows: int = 4096
    """Rows that one run, or one thread, takes at once."""
    draws_at_once: int = 512
    least_draws_at_once: int = 64
    count_rows_at_once: int = 2048
    least_rows_at_once: int = 8
    """Rows that one thread takes at least: they share a plan, which is made for each piece."""
    reasons_lost: float = 1e3
    """Selected people: absolute terms may exceed their sum by this factor; else reason by reason."""
    terms_per_event: int = 16
    """Rows that one event may take."""
    subset_rows: int = 1 << 18
    """Products of terms that subsets of findings may take."""
    subset_rows_at_once: int = 1024
    subset_cancellation: float = 1e6
    contradiction_trials: int = 2_000

    # The compiled kernel. Workspace is counted in doubles, and as many adjoints come on top.
    kernel_direct: int = 1 << 14
    """Workspace up to which a row uses the subtraction-free form at once."""
    kernel_direct_again: int = 1 << 20
    """The same for a row that lost digits, before it may keep fewer of them."""
    kernel_row: int = 1 << 22
    """Workspace of one table row."""
    kernel_case: int = 1 << 24
    """Workspace of the run of one case; beyond, the interpreted engine answers."""
    kernel_group: int = 1 << 18
    """Workspace of one run for several targets; beyond, they are asked for in halves."""
    kernel_draws: int = 1 << 23
    """Workspace of a run over sampled parameters."""
    kernel_worlds: int = 1 << 26
    """Workspace of a run over a twin network."""
    kernel_lanes: int = 64
    """Rows computed together."""
    kernel_count_lanes: int = 16
    kernel_room: int = 1 << 18
    """Entries computed together that stay near the core."""
    kernel_least_lanes: int = 8
    """Rows computed together even beyond that room: what a register of the processor takes."""
    kernel_pairs: int = 1 << 17
    """Pairs of levels over all operations of a tape."""
    kernel_heavy: float = 3.0e3
    """Cluster entries from which on a second elimination rule, and then restarts, are tried."""
    kernel_entries_per_restart: float = 1e5
    kernel_restarts: int = 12
    kernel_smallest: float = 1e-250
    """P(findings) below which the kernel leaves a row to the interpreted engine."""

    # The most probable explanation.
    bucket_entries: tuple[float, ...] = (2.0**16, 2.0**20, 2.0**22)
    """Entries above which a bucket is split: cheap bounds first, then tighter ones."""
    bounded_family: float = 2.0**16
    """Entries of a noisy family above which it is bounded, not expanded."""
    search_visits: int = 100_000
    """Partial assignments visited before tighter bounds are tried."""

    # Counterfactual worlds.
    response_entries: int = 1 << 22
    """Entries of one response table."""
    couplings_tried: int = 32
    rare_cause: float = 0.01
    """Bounds of rarer causes are 0 and their probability, without couplings tried."""
    likely_evidence: float = -14.0
    """log P(findings) above which a numerator that underflows is reported as 0."""

    @property
    def with_fewer_digits(self) -> Limits:
        """The same with looser checks of differences, and none of rare states."""
        lost = self.fewer_digits
        return replace(
            self,
            agreement=lost * self.agreement,
            cancellation=lost * self.cancellation,
            rare_difference=0.0,
        )


DEFAULT = Limits()
