"""`model.posteriors(frame)`: the same answers as one case after another, in the caller's own kind of table."""

from __future__ import annotations

import pickle
import signal
import threading
import warnings
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import spinelink as sl
import spinelink.table.posteriors as posteriors_module
from spinelink.diagnosis import Model
from spinelink.errors import (
    EvidenceError,
    ImpossibleEvidenceError,
    SpinelinkError,
    UnknownNameError,
)
from spinelink.network.search import codes_of
from spinelink.table.posteriors import Interrupted
from tests.strategies import evidence_for, limited_model, networks

RELAXED = settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture(scope="module")
def minimal():
    return sl.load("minimal")


def patients(rows=60, seed=0):
    """Patients of the minimal network with holes, as pandas."""
    rng = np.random.default_rng(seed)
    columns = {
        "heavy_lifting": rng.choice([True, False, None], rows),
        "back_pain": rng.choice(["present", "absent", None], rows),
        "leg_pain": rng.choice(["none", "above_knee", "below_knee", None], rows),
        "numbness": rng.choice(["yes", "no", None], rows),
    }
    return pd.DataFrame(columns, index=[f"p{i}" for i in range(rows)])


def one_by_one(model, rows):
    """Row by row through Case: the oracle, itself held against enumeration in tests/inference."""
    found = []
    for findings in rows:
        case = model.observe({n: v for n, v in findings.items() if v is not None})
        answer = {n: case.posterior(n).iloc[1] for n in model.network.ranked}
        found.append({**answer, "log_evidence": case.log_evidence})
    return pd.DataFrame(found)


@st.composite
def tables(draw):
    network = draw(networks())
    return network, draw(st.lists(evidence_for(network), min_size=1, max_size=6))


def as_frame(network, rows):
    """Evidence as columns; a node with virtual evidence in any row has likelihood columns in all."""
    columns = {}
    for name, node in network.nodes.items():
        found = [row.get(name) for row in rows]
        if any(isinstance(f, dict) for f in found):
            for s in node.states:
                columns[f"{name}={s}"] = [
                    np.nan if f is None else float(f == s) if isinstance(f, str) else f.get(s, 0.0)
                    for f in found
                ]
        elif any(found):
            columns[name] = found
    return pd.DataFrame(columns, index=range(len(rows)))


def rows_equal_cases(network, rows, engine, **limits):
    model = Model(network)
    found = limited_model(model, **limits).posteriors(
        as_frame(network, rows), of="all", on_impossible="flag", threads=1, engine=engine
    )
    for position, evidence in enumerate(rows):
        row, case = found.iloc[position], model.observe(evidence)
        try:
            expected = case.posteriors()["posterior"]
        except ImpossibleEvidenceError:
            assert row["log_evidence"] == -np.inf
            assert row.drop("log_evidence").isna().all()
            continue
        assert row["log_evidence"] == pytest.approx(case.log_evidence, abs=1e-9)
        for (name, state), p in expected.items():
            states = network.nodes[name].states
            if len(states) > 2:
                assert row[f"{name}={state}"] == pytest.approx(p, abs=1e-12)
            elif state == states[1]:
                assert row[name] == pytest.approx(p, abs=1e-12)
            if 0.0 < p < 1e-6 and (len(states) > 2 or state == states[1]):
                assert row[name if len(states) == 2 else f"{name}={state}"] == pytest.approx(
                    p, rel=1e-9
                )


@RELAXED
@given(tables(), st.booleans())
def test_rows_equal_cases(table, factored):
    limits = {"expanded_family": 1, "leaf_family": 1} if factored else {}
    rows_equal_cases(*table, "numpy", **limits)


@pytest.mark.xdist_group("numba")
@RELAXED
@given(tables(), st.booleans(), st.booleans())
def test_the_compiled_kernel_says_the_same(table, factored, signed):
    """factored: every noisy family as a chain, however small; signed: as differences of products."""
    pytest.importorskip("numba")
    limits = {"expanded_family": 1} if factored else {}
    rows_equal_cases(*table, "fast", **limits, **({"kernel_direct": 0} if signed else {}))


@pytest.mark.xdist_group("numba")
def test_what_outgrows_the_kernel_is_answered_all_the_same(back_leg_pain):
    """On the whole network: rows that fit, and, with a small workspace, rows that do not; NumPy answers these."""
    pytest.importorskip("numba")
    rng = np.random.default_rng(2)
    names = ("numbness", "fever", "night_pain", "limping", "heel_pain", "groin_pain")
    frame = pd.DataFrame(
        {
            "age_group": rng.integers(18, 90, 24),
            **{n: rng.choice([True, False, None], 24) for n in names},
        }
    )
    expected = back_leg_pain.posteriors(frame, engine="numpy")
    for capacity in (1 << 22, 1 << 11):
        model = limited_model(back_leg_pain, kernel_row=capacity)
        np.testing.assert_allclose(model.posteriors(frame, engine="fast"), expected, atol=1e-12)
    tiny = back_leg_pain.with_parameters({"fever.leak": 1e-300})
    with_fever = pd.DataFrame({"fever": [True] * 3, "spinal_infection": [None] * 3}).drop(
        columns="spinal_infection"
    )
    np.testing.assert_allclose(
        tiny.posteriors(with_fever, engine="fast"),
        tiny.posteriors(with_fever, engine="numpy"),
        atol=1e-12,
    )


def test_an_engine_that_is_none(minimal):
    with pytest.raises(UnknownNameError, match="auto, numpy, fast"):
        minimal.posteriors(patients(2), engine="numba")


@pytest.mark.parametrize("chunk", [1, 7, 1000])
@pytest.mark.parametrize("threads", [1, 3])
def test_chunks_and_threads_change_nothing(minimal, chunk, threads):
    frame = patients()
    expected = one_by_one(minimal, frame.to_dict("records"))
    found = minimal.posteriors(frame, chunk=chunk, threads=threads)
    assert list(found.columns) == [*minimal.network.ranked, "log_evidence"]
    assert list(found.index) == list(frame.index)
    np.testing.assert_allclose(found.to_numpy(), expected.to_numpy(), atol=1e-12)


def test_polars_and_pyarrow_come_back_as_they_went(minimal):
    frame = patients().replace({True: "present", False: "absent"}).assign(patient=range(60))
    expected = minimal.posteriors(frame, keep="patient")
    for other in (pl.from_pandas(frame), pa.Table.from_pandas(frame, preserve_index=False)):
        found = minimal.posteriors(other, keep=["patient"])
        assert type(found) is type(other)
        back = found.to_pandas()
        assert list(back.columns) == ["patient", *minimal.network.ranked, "log_evidence"]
        np.testing.assert_array_equal(back.to_numpy(), expected.to_numpy())


@pytest.mark.parametrize("kind", ["object", "string", "string[pyarrow]", "category", "str"])
def test_every_way_of_pandas_to_hold_text(minimal, kind):
    plain = patients().drop(columns="heavy_lifting")
    np.testing.assert_array_equal(
        minimal.posteriors(plain.astype(kind)).to_numpy(), minimal.posteriors(plain).to_numpy()
    )


def test_booleans_with_holes(minimal):
    values = [True, False, None]
    expected = minimal.posteriors(pd.DataFrame({"numbness": ["present", "absent", None]}))
    for column in (
        pd.array(values, dtype="boolean"),
        pd.array(values, dtype="object"),
        pl.Series(values),
        pa.array(values),
    ):
        frame = (
            pl.DataFrame({"numbness": column})
            if isinstance(column, pl.Series)
            else pa.table({"numbness": column})
            if isinstance(column, pa.Array)
            else pd.DataFrame({"numbness": column})
        )
        found = minimal.posteriors(frame)
        np.testing.assert_array_equal(
            found.to_pandas() if not isinstance(found, pd.DataFrame) else found, expected
        )


def test_what_may_be_asked(minimal):
    frame = patients(5)
    assert list(minimal.posteriors(frame, of="evidence").columns) == ["log_evidence"]
    assert list(minimal.posteriors(frame, of="leg_pain").columns) == [
        *(f"leg_pain={s}" for s in minimal.nodes["leg_pain"].states),
        "log_evidence",
    ]
    assert set(minimal.network.ranked) < set(minimal.posteriors(frame, of="all").columns)
    with pytest.raises(UnknownNameError, match="causes, all, evidence"):
        minimal.posteriors(frame, of="cause")


def test_numbers_fall_into_bins(back_leg_pain):
    ages = [18, 34.9, 35, 64, 80, np.nan, 120]
    found = back_leg_pain.posteriors(pd.DataFrame({"age_group": ages}), of="age_group")
    assert [c.split("=")[1] if p else None for c, p in ((r.idxmax(), r.max() == 1.0) for _, r in found.drop(columns="log_evidence").iterrows())] == [
        "18-34", "18-34", "35-49", "50-64", "80+", None, "80+",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def back_leg_pain():
    return sl.load("back-leg-pain")


def test_an_empty_table_and_a_table_without_findings(minimal):
    empty = minimal.posteriors(patients(0))
    assert len(empty) == 0
    assert "log_evidence" in empty
    bare = minimal.posteriors(pd.DataFrame({"id": [1, 2]}), keep="id")
    prior = minimal.observe().posterior("scoliosis").iloc[1]
    np.testing.assert_allclose(bare["scoliosis"], prior, atol=1e-12)
    assert list(bare["id"]) == [1, 2]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"numbnes": ["yes"]}, r"column 'numbnes' is no node.*Did you mean numbness"),
        ({"numbness": ["yes", "perhaps"]}, r"row 1, column 'numbness': .*no state 'perhaps'"),
        ({"leg_pain=below_nee": [1.0]}, r"Did you mean 'below_knee'"),
        ({"leg_pain=below_knee": [1.0], "leg_pain": ["none"]}, "given twice"),
        (
            {"numbness=absent": [1.0, 1.0], "numbness=present": [1.0, None]},
            "row 1.*some likelihoods are missing",
        ),
        (
            {"numbness=absent": [1.0, 0.0], "numbness=present": [1.0, 0.0]},
            "row 1.*all likelihoods are 0",
        ),
        ({"numbness=present": [1.0, -1.0]}, "row 1.*negative"),
        ({"numbness=present": [1.0, 2.0]}, "row 1.*above 1; add the column 'numbness=absent'"),
        (
            {"numbness=present": ["much"]},
            "row 0, column 'numbness=present': likelihoods are numbers",
        ),
        ({"numbness=present": [True]}, "likelihoods are numbers"),
        ({"leg_pain=none": [1.0], "leg_pain=above_knee": [1.0]}, "add 'leg_pain=below_knee'"),
        ({"leg_pain": [True]}, r"row 0, column 'leg_pain'.*3 states"),
    ],
)
def test_refusals_name_row_and_column(minimal, columns, message):
    with pytest.raises(EvidenceError, match=message):
        minimal.posteriors(pd.DataFrame(columns))


def test_what_is_no_table_is_refused(minimal):
    for other in ([{"numbness": "yes"}], pl.LazyFrame({"numbness": ["yes"]})):
        with pytest.raises(SpinelinkError, match="pandas, polars or pyarrow"):
            minimal.posteriors(other)
    with pytest.raises(UnknownNameError, match="no column 'id'"):
        minimal.posteriors(patients(2), keep="id")


def test_impossible_rows(minimal):
    links = [
        i
        for i in minimal.parameters().to_frame()["id"]
        if i.startswith(("numbness.leak", "numbness.link"))
    ]
    model = minimal.with_parameters(dict.fromkeys(links, 0.0))
    if model.observe().posterior("numbness").iloc[1] > 0.0:
        pytest.fail("the numbers above no longer make numbness impossible")
    frame = pd.DataFrame({"numbness": ["no", "yes", None], "back_pain": ["yes", "yes", "yes"]})
    with pytest.raises(
        ImpossibleEvidenceError, match=r"row 1: numbness=present cannot occur"
    ) as caught:
        model.posteriors(frame)
    assert caught.value.findings == ("numbness=present",)
    flagged = model.posteriors(frame, on_impossible="flag")
    assert list(np.isneginf(flagged["log_evidence"])) == [False, True, False]
    assert flagged.iloc[1].drop("log_evidence").isna().all()
    assert flagged.iloc[[0, 2]].notna().all(axis=None)


def test_interrupt_keeps_finished_chunks(minimal, monkeypatch):
    calls = []
    real = posteriors_module.answer

    def slow(*args, **kwargs):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*args, **kwargs)

    monkeypatch.setattr(posteriors_module, "answer", slow)
    frame = patients(50)
    with pytest.raises(Interrupted, match="20 of 50") as caught:
        minimal.posteriors(frame, chunk=10)
    monkeypatch.undo()
    pd.testing.assert_frame_equal(caught.value.finished, minimal.posteriors(frame).iloc[:20])


@pytest.mark.slow
def test_a_real_interrupt_in_the_middle(back_leg_pain):
    """Ctrl-C while threads work: the call ends soon, with what was finished.

    No two rows are alike, so that the table takes long; what is compiled is compiled before.
    """
    rng = np.random.default_rng(3)
    nodes = back_leg_pain.network.nodes.items()
    names = [n for n, v in nodes if v.role == "symptom" and len(v.states) == 2][:30]
    frame = pd.DataFrame({n: rng.choice(["present", "absent", None], 8_000) for n in names})
    back_leg_pain.posteriors(frame.head(40), chunk=20, threads=2)
    timer = threading.Timer(4.0, signal.raise_signal, [signal.SIGINT])
    timer.start()
    try:
        with pytest.raises(Interrupted) as caught:
            back_leg_pain.posteriors(frame, chunk=20, threads=2)
    finally:
        timer.cancel()
    assert len(caught.value.finished) == caught.value.rows < 8_000


def test_eight_threads_share_one_model(minimal):
    frame = patients(40)
    expected = minimal.posteriors(frame, threads=1)
    fresh = sl.load("minimal")
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda _: fresh.posteriors(frame, threads=2), range(16)):
            pd.testing.assert_frame_equal(found, expected, atol=1e-12)


def test_scorer_travels(minimal):
    frame = patients(30)
    scorer = pickle.loads(pickle.dumps(minimal.scorer(of=["scoliosis"], keep=[])))
    parts = pd.concat([scorer(frame.iloc[:11]), scorer(frame.iloc[11:])])
    pd.testing.assert_frame_equal(parts, minimal.posteriors(frame, of=["scoliosis"]), atol=1e-12)
    with pytest.raises(UnknownNameError):
        minimal.scorer(of="scoliosiss")


def test_plans_do_not_pile_up(minimal):
    """F12: as many patterns as rows must not fill the memory with plans, which are counted in bytes."""
    from spinelink.inference.cache import PlanCache, size_of

    cache = PlanCache(capacity=10_000)
    for k in range(10):
        cache.put(k, list(range(1000 * k, 1000 * k + 60)))
    assert 2 <= len(cache) <= 5
    assert cache.taken <= 10_000
    assert cache.get(9) == list(range(9000, 9060))
    assert cache.get(0) is None
    cache.put(9, "small")
    assert cache.taken < 10_000 - 60 * 28
    cache.put("large", b"x" * 20_000)
    assert len(cache) == 0 and cache.taken == 0
    assert size_of((0.5, [0.25])) > size_of((0.5, []))
    assert len(pickle.loads(pickle.dumps(cache))) == 0


CODED = pd.DataFrame(
    {"HP:0001945": [True, None], "hp:0003418": [None, "present"], "sex": ["female", "male"]}
)
NAMED = CODED.set_axis(["fever", "back_pain", "sex"], axis=1)


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame, pa.Table.from_pandas])
def test_a_public_code_names_a_column(kind):
    model = sl.load("back-leg-pain")
    coded, named = (model.posteriors(kind(frame)) for frame in (CODED, NAMED))
    assert nw.from_native(coded).to_dict(as_series=False) == (
        nw.from_native(named).to_dict(as_series=False)
    )
    likelihoods = pd.DataFrame({"HP:0001945=present": [0.8]})
    pd.testing.assert_frame_equal(
        model.posteriors(likelihoods), model.posteriors(pd.DataFrame({"fever=present": [0.8]}))
    )
    kept = model.posteriors(CODED, of="evidence", keep="HP:0001945")
    assert list(kept.columns) == ["HP:0001945", "log_evidence"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["HP:0000001"], "column 'HP:0000001' is no node of network 'back-leg-pain'"),
        (["HP:0001945", "fever"], "fever is given twice: as columns 'HP:0001945' and 'fever'"),
        (
            ["HP:0001945", "fever=present"],
            r"twice: as column 'HP:0001945' and as likelihoods \['fe",
        ),
        (["HP:0001945=present", "fever=present"], "twice: as columns 'HP:0001945=present' and"),
        (["HP:0001945=much"], "column 'HP:0001945=much': fever has no state 'much'"),
    ],
)
def test_codes_of_columns_are_refused_as_names_are(columns, message):
    frame = pd.DataFrame({column: [1] for column in columns})
    with pytest.raises(EvidenceError, match=message):
        sl.load("back-leg-pain").posteriors(frame)


def test_a_cell_below_a_code_is_named_by_its_column():
    with pytest.raises(EvidenceError, match="row 1, column 'HP:0001945': fever has no state 'x'"):
        sl.load("back-leg-pain").posteriors(pd.DataFrame({"HP:0001945": ["present", "x"]}))


def test_a_code_of_several_nodes_names_no_column():
    model = sl.load("back-leg-pain")
    several = {code: names for code, names in nodes_by_code(model).items() if len(names) > 1}
    code, names = next(iter(several.items()))
    with pytest.raises(EvidenceError, match=f"column '{code}': .* nodes: {', '.join(names)}"):
        model.posteriors(pd.DataFrame({code: [True]}))


def nodes_by_code(model):
    found = {}
    for name, node in model.nodes.items():
        for code in codes_of(node):
            found.setdefault(code, []).append(name)
    return found


def test_a_cause_named_by_its_code_is_an_outcome_and_no_finding():
    model = sl.load("back-leg-pain")
    coded = [(c, n[0]) for c, n in nodes_by_code(model).items() if len(n) == 1]
    code, cause = next((c, n) for c, n in coded if n in model.network.ranked)
    frame = pd.DataFrame({cause: [1, 0] * 10, "fever": [1, 1, 0, 0] * 5})
    by_code = frame.set_axis([code, "HP:0001945"], axis=1)
    wanted = model.evaluate(frame, by="fever", bootstrap=0).to_frame()
    found = model.evaluate(by_code, by="HP:0001945", bootstrap=0).to_frame()
    pd.testing.assert_frame_equal(found, wanted)
    asked = model.evaluate(by_code, code, bootstrap=0).of()
    assert (asked.patients, asked.cases) == (20, 10)


def test_a_lazy_frame_is_refused_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(SpinelinkError, match=r"not a polars\.\S*LazyFrame"):
            sl.load("minimal").posteriors(pl.LazyFrame({"numbness": [1]}))


KINDS_OF_NUMBER = [Decimal, np.int64, np.uint8, np.float32]


@pytest.mark.parametrize("kind", KINDS_OF_NUMBER)
def test_f19_numbers_of_all_kinds_are_findings_cells_and_likelihoods(kind):
    model = sl.load("back-leg-pain")
    wanted = model.observe(age_group=47, fever=1, numbness={"present": 1, "absent": 2})
    likelihoods = {"present": kind(1), "absent": kind(2)}
    case = model.observe(age_group=kind(47), fever=kind(1), numbness=likelihoods)
    assert case == wanted
    row = {"age_group": 47, "fever": 1, "numbness=present": 1, "numbness=absent": 2}
    for frame in (pd.DataFrame, pl.DataFrame, pa.table):
        cells = {name: [kind(value)] for name, value in row.items()}
        answer = nw.from_native(model.posteriors(frame(cells), of="evidence"), eager_only=True)
        assert answer["log_evidence"].to_list() == pytest.approx([wanted.log_evidence])


@pytest.mark.parametrize("kind", KINDS_OF_NUMBER)
def test_f19_numbers_of_all_kinds_are_parameters(kind):
    model = sl.load("back-leg-pain")
    by_state = next(name for name, p in model.in_force.items() if isinstance(p.estimate, Mapping))
    states = list(model.in_force[by_state].estimate)
    certain = {state: int(state == states[0]) for state in states}
    for changes, plain in (
        ({"scoliosis.prior": kind(1)}, {"scoliosis.prior": 1}),
        ({by_state: {s: kind(v) for s, v in certain.items()}}, {by_state: certain}),
    ):
        assert model.with_parameters(changes) == model.with_parameters(plain)
