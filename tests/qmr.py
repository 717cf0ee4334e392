"""Two-layer noisy-OR networks of the kind of QMR-DT, and Heckerman's Quickscore as an oracle for them."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from spinelink.inference.arrays import CompiledNetwork, NoisyFactor, TableFactor


def two_layers(variables, *, most_parents=20, seed=0):
    """`variables` binary nodes, a third of them diseases, the others findings with 1 to `most_parents` parents each."""
    generator = np.random.default_rng(seed)
    diseases = variables // 3
    priors = np.exp(generator.uniform(np.log(1e-3), np.log(5e-2), diseases))
    factors: list[TableFactor | NoisyFactor] = [
        TableFactor((), np.array([[1 - p], [p]])) for p in priors
    ]
    for _ in range(variables - diseases):
        parents = tuple(
            int(p)
            for p in generator.choice(
                diseases, generator.integers(1, most_parents + 1), replace=False
            )
        )
        leak = generator.uniform(1e-3, 5e-2)
        links = generator.uniform(0.05, 0.9, len(parents))
        factors.append(
            NoisyFactor(
                parents,
                np.array([[1 - leak], [leak]]),
                tuple(np.array([[1.0, 0.0], [1 - q, q]])[..., np.newaxis] for q in links),
            )
        )
    names = tuple(f"d{i}" for i in range(diseases)) + tuple(
        f"f{j}" for j in range(variables - diseases)
    )
    return CompiledNetwork(names, (("absent", "present"),) * variables, tuple(factors))


def patient(network, positive, negative, *, seed=0):
    """Findings of a patient: `positive` of them present, drawn among those that share diseases, `negative` absent."""
    generator = np.random.default_rng(seed)
    findings = [i for i, f in enumerate(network.factors) if isinstance(f, NoisyFactor)]
    ill = set(generator.choice(len(network.names) - len(findings), 3, replace=False).tolist())
    related = sorted(
        findings, key=lambda i: (not ill & set(network.parents[i]), generator.random())
    )
    rest = [i for i in findings if i not in related[:positive]]
    return {
        **dict.fromkeys(related[:positive], 1),
        **{int(i): 0 for i in generator.choice(rest, min(negative, len(rest)), replace=False)},
    }


def quickscore(network, observed):
    """P(findings) and P(disease, findings) by inclusion and exclusion over the positive findings (Heckerman 1990), in extended precision."""
    diseases = [i for i, f in enumerate(network.factors) if isinstance(f, TableFactor)]
    positive = [i for i, s in observed.items() if s == 1]
    negative = [i for i, s in observed.items() if s == 0]
    prior = np.array([network.factors[i].table[1, 0] for i in diseases], dtype=np.longdouble)
    survive = {}
    for i in (*positive, *negative):
        factor = network.factors[i]
        q = np.ones(len(diseases), dtype=np.longdouble)
        for p, link in zip(factor.parents, factor.links, strict=True):
            q[p] = link[1, 0, 0]
        survive[i] = (np.longdouble(factor.leak[0, 0]), q)
    total, joint = np.longdouble(0), np.zeros(len(diseases), dtype=np.longdouble)
    for size in range(len(positive) + 1):
        for subset in combinations(positive, size):
            constant, q = np.longdouble(1), np.ones(len(diseases), dtype=np.longdouble)
            for i in (*subset, *negative):
                constant *= survive[i][0]
                q = q * survive[i][1]
            each = 1 - prior + prior * q
            term = (-1) ** size * constant * each.prod()
            total += term
            joint += term * (prior * q / each)
    return total, joint
