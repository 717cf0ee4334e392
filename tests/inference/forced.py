"""Limits that force the engine onto each of its paths, so that every law runs on all of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from spinelink.errors import TooLargeError
from spinelink.inference.arrays import CompiledNetwork, Resources
from spinelink.inference.cache import PlanCache
from spinelink.inference.compile import compile_network, point_values
from spinelink.inference.engine import KERNEL, engine_for
from spinelink.inference.limits import BYTES_PER_ENTRY, MEMORY_LIMIT, Limits
from spinelink.network.network import Network
from spinelink.network.setting import parameters_in
from spinelink.typing import EngineChoice

FEW = settings(
    max_examples=10,
    deadline=None,
    # Some laws are about impossible findings only, and most of what is drawn is possible.
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
    ],
)
"""Examples of one law under one of the forced limits."""

ALWAYS_DIFFERENCES = {
    "difference_form_products": -1.0,
    "difference_form_gain": 0.0,
    "plain_gradient_entries": 0.0,
    "leaf_families_at_once": 1000,
    "kernel_direct": 0,
}

LIMITS: dict[str, Limits] = {
    "default": Limits(),
    "factored": Limits(expanded_family=0, leaf_family=0, paired_axes=0),
    "expanded": Limits(
        expanded_family=1 << 30,
        leaf_family=1 << 30,
        difference_form_products=float("inf"),
        plain_gradient_entries=float("inf"),
    ),
    "difference form": Limits(expanded_family=0, leaf_family=0, **ALWAYS_DIFFERENCES),
    "logarithms": Limits(underflow=float("inf"), kernel_smallest=float("inf")),
    "searched": Limits(
        expanded_family=0,
        searched_entries=0.0,
        one_rule_entries=0.0,
        entries_per_restart=1.0,
        order_restarts=3,
        kernel_heavy=0.0,
        kernel_entries_per_restart=1.0,
    ),
    "no room": Limits(
        expanded_family=0,
        leaf_family=0,
        group_entries=8.0,
        entries_at_once=0.0,
        leaves_in_run=1,
        group_splits=0,
        table_run_bytes=1.0,
        table_rows=3,
        least_rows_at_once=1,
        draws_at_once=4,
        least_draws_at_once=2,
        count_rows_at_once=5,
        terms_per_event=1,
        subset_rows_at_once=3,
        plan_cache_bytes=2e4,
        kernel_rows=2,
        kernel_direct=8,
        kernel_row=60,
        kernel_case=60,
        kernel_group=30,
        kernel_draws=60,
        kernel_worlds=60,
        kernel_lanes=2,
        kernel_count_lanes=2,
    ),
}
SWEPT = ("expanded", "logarithms", "searched")
"""Limits that only the slow sweep runs."""
SMALL_MEMORY = BYTES_PER_ENTRY * 60


@dataclass(frozen=True)
class Forced:
    """An engine and the limits that force its paths."""

    name: str
    engine: EngineChoice
    limits: Limits
    memory_limit: float

    def compile(self, network: Network) -> CompiledNetwork:
        """The network, answered within these limits."""
        values = point_values(network, parameters_in(network, None))
        return compile_network(network, values, resources=self.resources())

    def on(self, compiled: CompiledNetwork) -> CompiledNetwork:
        """Another compiled network, answered within these limits."""
        return replace(compiled, resources=self.resources())

    def resources(self) -> Resources:
        """Engine, limits and an empty cache."""
        plans = PlanCache(self.limits.plan_cache_bytes)
        return Resources(self.engine, self.memory_limit, self.limits, plans)

    @contextmanager
    def maybe_too_large(self) -> Iterator[None]:
        """Where memory is small a question may be refused; nowhere else."""
        try:
            yield
        except TooLargeError:
            if self.memory_limit == MEMORY_LIMIT:
                raise


def all_forced() -> list[object]:
    """Every combination of engine and limits, for `pytest.mark.parametrize`."""
    found: list[object] = []
    for name, limits in LIMITS.items():
        for engine in ("numpy", "fast"):
            memory = SMALL_MEMORY if name == "no room" else MEMORY_LIMIT
            marks = [pytest.mark.xdist_group("numba")] if engine == "fast" else []
            if name in SWEPT:
                marks.append(pytest.mark.slow)
            forced = Forced(name, engine, limits, memory)
            found.append(pytest.param(forced, id=f"{name}, {engine}", marks=marks))
    return found


def uses_kernel(compiled: CompiledNetwork) -> bool:
    """Whether the compiled kernel answers single cases."""
    return engine_for(compiled, 1) is KERNEL


def close(found: object, expected: object, **options: float) -> None:
    """Equal to ten digits, unless said otherwise."""
    np.testing.assert_allclose(found, expected, **{"rtol": 1e-9, "atol": 1e-10, **options})
