"""`spinelink batch`: files larger than memory, killed and gone on with, nothing lost or doubled."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import spinelink as sl
from spinelink.cli import main
from spinelink.table.errors import BatchError
from spinelink.table.files import Shard, score_file

ROWS = 230


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(5)
    return pd.DataFrame(
        {
            "patient": [f"p{i}" for i in range(ROWS)],
            "back_pain": rng.choice(["yes", "no", ""], ROWS),
            "leg_pain": rng.choice(["none", "above_knee", "below_knee", ""], ROWS),
            "numbness": rng.choice(["present", "absent", "NA"], ROWS),
        }
    )


@pytest.fixture(scope="module")
def expected(frame):
    clean = frame.replace({"": None, "NA": None})
    return sl.load("minimal").posteriors(clean, keep="patient")


def run(*words):
    return main(["batch", "--network", "minimal", "--keep", "patient", *map(str, words)])


def read(path):
    return pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)


@pytest.mark.parametrize("source", ["patients.csv", "patients.parquet"])
@pytest.mark.parametrize("out", ["answers.csv", "answers.parquet"])
@pytest.mark.parametrize("chunk", [50, 230, 1000])
def test_every_pair_of_formats(tmp_path, frame, expected, source, out, chunk, capsys):
    if source.endswith("csv"):
        frame.to_csv(tmp_path / source, index=False)
    else:
        frame.replace({"": None, "NA": None}).to_parquet(tmp_path / source, row_group_size=70)
    assert run(tmp_path / source, "--out", tmp_path / out, "--chunk", chunk) == 0
    found = read(tmp_path / out)
    assert list(found.columns) == list(expected.columns)
    assert list(found["patient"]) == list(expected["patient"])
    np.testing.assert_allclose(
        found.drop(columns="patient").to_numpy(float),
        expected.drop(columns="patient").to_numpy(float),
        atol=1e-15,
    )
    assert f"{ROWS} rows" in capsys.readouterr().out
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([source, out])


def test_killed_and_gone_on_with(tmp_path, frame, expected):
    """SIGKILL in the middle of a part; the parts before stay as they are, and the second run makes only the others."""
    frame.to_csv(tmp_path / "patients.csv", index=False)
    # The third chunk waits half-way through its part, so that the kill meets a file that is being written.
    code = f"""
import sys, time
import spinelink.table.parts as files
real, count = files.write_frame, []
def slow(path, frame):
    count.append(path)
    if len(count) == 3:
        with files.whole_file(path) as name:
            open(name, 'w').write('half a par')
            print('writing', flush=True)
            time.sleep(60)
    real(path, frame)
files.write_frame = slow
from spinelink.cli import main
main(['batch', '--network', 'minimal', '--keep', 'patient', '--chunk', '50', {str(tmp_path / "patients.csv")!r}, '--out', {str(tmp_path / "out.csv")!r}])
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    process.kill()
    process.wait(30)
    parts = tmp_path / "out.csv.parts"
    before = {p.name: p.stat().st_mtime_ns for p in parts.glob("part-*")}
    assert len(before) == 2
    assert not (tmp_path / "out.csv").exists()
    observed = []
    report = score_file(
        lambda part, first: (
            observed.append(first),
            sl.load("minimal").posteriors(part, keep="patient"),
        )[1],
        tmp_path / "patients.csv",
        out=tmp_path / "out.csv",
        stamp={
            k: v
            for k, v in json.loads((parts / "job.json").read_text()).items()
            if k not in ("source", "bytes", "changed", "chunk", "shard")
        },
        chunk=50,
    )
    assert observed == [100, 150, 200]
    assert (report.rows, report.chunks, report.resumed) == (ROWS, 5, 2)
    assert not parts.exists()
    found = read(tmp_path / "out.csv")
    assert list(found["patient"]) == list(expected["patient"])
    np.testing.assert_allclose(found["scoliosis"], expected["scoliosis"], atol=1e-15)


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_interrupted_says_how_to_go_on(tmp_path, frame):
    frame.to_csv(tmp_path / "patients.csv", index=False)
    code = f"""
import spinelink.table.parts as files, time
real = files.write_frame
def slow(path, frame):
    real(path, frame)
    print('part', flush=True)
    time.sleep(60)
files.write_frame = slow
import sys
from spinelink.cli import main
sys.exit(main(['batch', '--network', 'minimal', '--keep', 'patient', '--chunk', '50', {str(tmp_path / "patients.csv")!r}, '--out', {str(tmp_path / "out.csv")!r}]))
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "part\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "the same command goes on" in err
    assert len(list((tmp_path / "out.csv.parts").glob("part-*"))) == 1


def test_shards_are_the_whole(tmp_path, frame, expected):
    frame.to_csv(tmp_path / "patients.csv", index=False)
    found = []
    for k in (1, 2, 3):
        assert (
            run(
                tmp_path / "patients.csv",
                "--out",
                tmp_path / f"out{k}.csv",
                "--chunk",
                40,
                "--shard",
                f"{k}/3",
            )
            == 0
        )
        found.append(read(tmp_path / f"out{k}.csv"))
    together = pd.concat(found)
    assert sorted(together["patient"]) == sorted(expected["patient"])
    assert together.set_index("patient")["scoliosis"].to_dict() == pytest.approx(
        expected.set_index("patient")["scoliosis"].to_dict(), abs=1e-15
    )


@pytest.mark.parametrize("shard", ["0/2", "3/2", "2", "a/b"])
def test_a_shard_that_is_none(tmp_path, frame, shard, capsys):
    frame.to_csv(tmp_path / "patients.csv", index=False)
    assert run(tmp_path / "patients.csv", "--out", tmp_path / "out.csv", "--shard", shard) == 2
    assert "shard" in capsys.readouterr().err
    assert not list(tmp_path.glob("out*"))


def test_parts_of_another_batch_are_not_mixed_in(tmp_path, frame, capsys):
    source, out = tmp_path / "patients.csv", tmp_path / "out.csv"
    frame.to_csv(source, index=False)

    def stop(part, first):
        if first:
            raise RuntimeError("stop")
        return part

    with pytest.raises(RuntimeError):
        score_file(stop, source, out=out, stamp={"network": "minimal"}, chunk=100)
    assert run(source, "--out", out, "--chunk", 50) == 2
    err = capsys.readouterr().err
    assert "another batch" in err
    assert "chunk was 100 and is 50" in err


def test_refusals(tmp_path, frame, capsys):
    source = tmp_path / "patients.csv"
    frame.to_csv(source, index=False)
    assert run(source, "--out", tmp_path / "out.xlsx") == 2
    assert ".csv or .parquet" in capsys.readouterr().err
    assert run(source, "--out", source, "--overwrite") == 2
    assert "its own input" in capsys.readouterr().err
    (tmp_path / "there.csv").write_text("x\n1\n")
    assert run(source, "--out", tmp_path / "there.csv") == 2
    assert "--overwrite" in capsys.readouterr().err
    assert (tmp_path / "there.csv").read_text() == "x\n1\n"
    (tmp_path / "empty.csv").write_text("")
    assert run(tmp_path / "empty.csv", "--out", tmp_path / "out.csv") == 1
    assert "empty" in capsys.readouterr().err
    (tmp_path / "bad.parquet").write_bytes(b"PAR0 nothing")
    assert run(tmp_path / "bad.parquet", "--out", tmp_path / "out2.csv") == 1
    assert "bad.parquet is not a whole Parquet file" in capsys.readouterr().err


def test_a_wrong_cell_far_down_is_named_by_its_row(tmp_path, frame, capsys):
    wrong = frame.copy()
    wrong.loc[171, "leg_pain"] = "below_nee"
    wrong.to_csv(tmp_path / "patients.csv", index=False)
    assert run(tmp_path / "patients.csv", "--out", tmp_path / "out.csv", "--chunk", 50) == 2
    err = capsys.readouterr().err
    assert "row 171, column 'leg_pain'" in err
    assert "Did you mean 'below_knee'" in err
    assert [p.name for p in tmp_path.iterdir()] == ["patients.csv"]
    # F14: mended in place, the same command works; nothing of the first run is in its way.
    frame.to_csv(tmp_path / "patients.csv", index=False)
    assert run(tmp_path / "patients.csv", "--out", tmp_path / "out.csv", "--chunk", 50) == 0


def test_a_table_without_rows(tmp_path):
    Path(tmp_path / "patients.csv").write_text("patient,numbness\n")
    assert run(tmp_path / "patients.csv", "--out", tmp_path / "out.parquet") == 0
    found = read(tmp_path / "out.parquet")
    assert len(found) == 0
    assert "scoliosis" in found


def test_shard_values():
    assert [k for k in range(7) if Shard(2, 3).has(k)] == [1, 4]
    with pytest.raises(BatchError):
        Shard(0, 3)
