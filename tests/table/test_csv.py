"""CSV files as people have them: right, or an error with file and line; never shifted, never guessed."""

from __future__ import annotations

import csv
import tracemalloc

import pandas as pd
import pytest

import spinelink as sl
from spinelink.cli import main
from spinelink.table.csv_text import read_rows
from spinelink.table.errors import UnreadableError

HEADER, ROW = "id,numbness,back_pain\n", "1,present,absent\n"


def batch(tmp_path, text, *words):
    """Exit status, and the answers as text cells."""
    source, out = tmp_path / "p.csv", tmp_path / "o.csv"
    source.write_bytes(text if isinstance(text, bytes) else text.encode())
    status = main(
        ["batch", str(source), "-n", "minimal", "--keep", "id", "--out", str(out), *words]
    )
    if status:
        assert sorted(p.name for p in tmp_path.iterdir()) == ["p.csv"]  # F14: nothing left behind
        return status, None
    with out.open(encoding="utf-8", newline="") as file:
        return status, list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("id,numbness,back_pain\n1,present,absent,\n", ":2:", "4 fields, but the header names 3"),
        ("id,numbness,back_pain\n1,present\n", ":2:", "2 fields, but the header names 3"),
        (HEADER + ROW + "2,present,absent,,\n", ":3:", "5 fields"),
        (HEADER + ROW * 2 + "3\n", ":4:", "1 field,"),
        ("id,numbness,back_pain,\n1,present,absent,\n", ":1:", "column 4 of 4 has no name"),
        (",numbness\n0,present\n", ":1:", "column 1 of 2 has no name"),
        ("id,numbness,numbness\n1,present,absent\n", ":1:", "'numbness' stands there 2 times"),
        ("id;numbness,back_pain\n1;present,absent\n", ":1:", "commas and semicolons"),
        (HEADER + "\n" + ROW, ":2:", "the line is empty"),
        (HEADER + ROW + "\n\n" + ROW, ":3:", "the line is empty"),
        ("\n" + HEADER + ROW, ":1:", "names the columns"),
        ("", ":1:", "the file is empty"),
        (HEADER + '1,"present,absent\n2,present,absent\n', ":2:", "quote never closed"),
        (HEADER + '1,"pre"sent,absent\n', ":2:", "quote"),
        (HEADER + '"two\nlines",present,absent\n' + "2,present\n", ":4:", "2 fields"),
        (HEADER.encode() + b"M\xfcller,present,absent\n", ":2:", "not UTF-8"),
        ((HEADER + ROW).encode("utf-16"), ":1:", "not UTF-8"),
        ('"i\nd",numbness\n1,present\n', ":1:", "line break"),
    ],
)  # fmt: skip
def test_f1_a_row_that_does_not_fit_is_refused_with_its_line(tmp_path, capsys, text, place, said):
    status, _ = batch(tmp_path, text)
    err = capsys.readouterr().err
    assert status == 1, err
    assert f"p.csv{place}" in err and said in err
    assert err.count("p.csv") == 1 and "Traceback" not in err


@pytest.mark.parametrize(
    "text",
    [
        HEADER + ROW,
        "\ufeff" + HEADER + ROW,
        (HEADER + ROW).replace(",", ";"),
        (HEADER + ROW).replace(",", "\t"),
        (HEADER + ROW).replace("\n", "\r\n"),
        HEADER + ROW.rstrip("\n"),
        HEADER + ROW + "\n\n",
        '"id","numbness","back_pain"\n"1","present","absent"\n',
        '"id";"numbness";"back_pain"\n1;present;absent\n',
    ],
)
def test_f1_the_same_table_in_other_clothes(tmp_path, text):
    status, rows = batch(tmp_path, text)
    expected = sl.load("minimal").observe(numbness=True, back_pain=False)
    assert status == 0
    [row] = rows
    assert row["id"] == "1"
    assert float(row["scoliosis"]) == pytest.approx(expected.posterior("scoliosis")["present"])


def test_f1_one_column_with_empty_lines(tmp_path):
    source = tmp_path / "p.csv"
    source.write_text('numbness\npresent\n""\nNA\n')
    [(names, rows)] = read_rows(source, 10)
    assert (names, rows) == (["numbness"], [["present"], [""], ["NA"]])


def test_f1_a_file_is_read_in_parts(tmp_path):
    """Streaming stays: what is held does not grow with the file."""
    source = tmp_path / "p.csv"
    source.write_text(HEADER + ROW * 50_000)
    tracemalloc.start()
    try:
        parts = [len(rows) for _, rows in read_rows(source, 500)]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert parts == [500] * 100
    assert peak < 2_000_000 < 50_000 * 3 * 50


def test_f1_the_error_far_down_comes_with_its_line(tmp_path):
    source = tmp_path / "p.csv"
    source.write_text(HEADER + ROW * 1000 + "7,present\n")
    parts = read_rows(source, 400)
    assert [len(next(parts)[1]) for _ in range(2)] == [400, 400]
    with pytest.raises(UnreadableError, match=r"p\.csv:1002: the row has 2 fields"):
        next(parts)


IDS = ["NA", "null", "nan", "None", "", "007", "1e5", "12345678901234567890", " x ", 'a "b", c',
       "1_000", "-", "TRUE", "1.0", "two\nlines", "a\rb", "a\r\nb", "Müller", "<NA>", "'", "0x1F", "a;b"]  # fmt: skip


def test_f4_kept_columns_pass_through(tmp_path):
    source = tmp_path / "ids.csv"
    with source.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["id", "numbness"], *([i, "present"] for i in IDS)])
    for chunk in ("1", "7", "100"):
        status, rows = batch(tmp_path, source.read_bytes(), "--chunk", chunk, "--overwrite")
        assert status == 0
        assert [row["id"] for row in rows] == IDS
        (tmp_path / "o.csv").unlink()
    out = tmp_path / "o.parquet"
    assert main(["batch", str(source), "-n", "minimal", "--keep", "id", "--out", str(out)]) == 0
    assert pd.read_parquet(out)["id"].tolist() == IDS


def test_f4_kept_columns_of_parquet_keep_their_type(tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as parquet

    columns = {
        "whole": pa.array([2**60 + 1, None, 3], pa.int64()),
        "small": pa.array([1, 2, None], pa.int8()),
        "text": pa.array(["NA", None, "007"], pa.string()),
        "date": pa.array([1, None, 3], pa.date32()),
        "truth": pa.array([True, None, False]),
    }
    source, out = tmp_path / "p.parquet", tmp_path / "o.parquet"
    parquet.write_table(pa.table({**columns, "numbness": ["yes", "no", None]}), source)
    words = [w for name in columns for w in ("--keep", name)]
    for chunk in ("2", "10"):
        answers = ["batch", str(source), "-n", "minimal", *words, "--chunk", chunk, "--overwrite"]
        assert main([*answers, "--out", str(out)]) == 0
        found = parquet.read_table(out)
        for name, column in columns.items():
            assert found.schema.field(name).type == column.type
            assert found[name].to_pylist() == column.to_pylist()
        assert main([*answers, "--out", str(tmp_path / "o.csv")]) == 0
        with (tmp_path / "o.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert [r["whole"] for r in rows] == [str(2**60 + 1), "", "3"]
        assert [r["small"] for r in rows] == ["1", "2", ""]


def test_f3_marks_of_missing_data_in_a_file(tmp_path):
    marks = ["-", "None", "nan", "NaN", "n/a", "NA", "?", ".", "null", "", "<NA>"]
    text = "id,numbness,leg_pain,back_pain=present\n" + "".join(
        f"{k},{m},{m},{m}\n" for k, m in enumerate(marks)
    )
    status, rows = batch(tmp_path, text)
    assert status == 0
    assert [row["log_evidence"] for row in rows] == ["0.0"] * len(marks)  # F8: exactly 0


def test_f2_a_column_for_one_of_two_states(tmp_path, capsys):
    status, rows = batch(tmp_path, "id,numbness=present\n1,0.8\n2,1\n3,0\n")
    model = sl.load("minimal")
    cases = [model.observe(numbness=v) for v in ({"absent": 0.2, "present": 0.8}, True, False)]
    expected = [case.posterior("scoliosis")["present"] for case in cases]
    assert [float(r["scoliosis"]) for r in rows] == pytest.approx(expected, abs=1e-12)
    (tmp_path / "o.csv").unlink()
    for text, said in (
        (
            "id,numbness=present\n1,3\n",
            "row 0, columns ['numbness=present']: a likelihood is above",
        ),
        ("id,numbness=present\n1,0_8\n", "row 0, column 'numbness=present': likelihoods are num"),
        ("id;numbness=present\n1;0,8\n", "not '0,8'"),
        ("id,leg_pain=none,leg_pain=above_knee\n1,1,1\n", "add 'leg_pain=below_knee'"),
    ):
        status, _ = batch(tmp_path, text)
        err = capsys.readouterr().err
        assert status == 2 and said in err, err


def test_f20_files_that_cannot_be_read_are_named_with_status_1(tmp_path, capsys):
    pytest.importorskip("pyarrow")
    good, bad, out = tmp_path / "good.parquet", tmp_path / "bad.parquet", tmp_path / "o.parquet"
    frame = pd.DataFrame({"numbness": ["yes", "no"] * 500})
    frame.to_parquet(good)
    whole = good.read_bytes()
    for damaged in (b"", b"PAR1", whole[:-20], whole[:200] + b"\xff" * 200 + whole[400:]):
        bad.write_bytes(damaged)
        assert main(["batch", str(bad), "-n", "minimal", "--out", str(out)]) == 1
        err = capsys.readouterr().err
        assert "bad.parquet" in err and "o.parquet" not in err and "output" not in err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad.parquet", "good.parquet"]
