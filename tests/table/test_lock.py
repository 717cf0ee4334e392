"""One batch at a time writes an output; what a killed or refused one leaves is in nobody's way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pandas as pd
import pytest

from spinelink.cli import main
from spinelink.table.errors import BatchError
from spinelink.table.lock import locked

WAITING = """
import sys
import spinelink.table.parts as parts
real = parts.write_frame
def slow(path, frame):
    real(path, frame)
    if path.name == 'part-000000001.csv':
        print('working', flush=True)
        sys.stdin.readline()
parts.write_frame = slow
from spinelink.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def source(tmp_path):
    frame = pd.DataFrame({"id": range(40), "numbness": ["yes", "no"] * 20})
    frame.to_csv(tmp_path / "p.csv", index=False)
    return tmp_path / "p.csv"


def words(source, out="o.csv", *more):
    out = source.parent / out
    fixed = ["--out", str(out), "--keep", "id", "--chunk", "10"]
    return ["batch", str(source), "-n", "minimal", *fixed, *more]


def begin(arguments):
    """The same command in a process of its own, which stops after its second part."""
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout.readline() == "working\n"
    return process


def names(folder):
    return sorted(p.name for p in folder.iterdir())


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_f5_two_processes_on_one_output(tmp_path, source, capsys):
    first = begin(words(source))
    try:
        for more in ([], ["--overwrite"]):
            assert main(words(source, "o.csv", *more)) == 2
            err = capsys.readouterr().err
            assert f"o.csv is being written by another batch: process {first.pid} on " in err
            assert "since 2" in err
        assert main(words(source, "other.csv")) == 0  # another output is free
        first.stdin.write("\n")
        first.stdin.flush()
        assert first.wait(60) == 0
    finally:
        first.kill()
        first.communicate()
    assert len(pd.read_csv(tmp_path / "o.csv")) == 40
    assert names(tmp_path) == ["o.csv", "other.csv", "p.csv"]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_f5_the_lock_of_a_killed_process_is_stale(tmp_path, source, capsys):
    first = begin(words(source))
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert names(tmp_path) == ["o.csv.lock", "o.csv.parts", "p.csv"]
    left = tmp_path / ".o.csv.abc.tmp"  # as a kill leaves it while the parts are joined
    left.write_text("half")
    assert main(words(source)) == 0
    assert "2 of 4 chunks from an earlier run" in capsys.readouterr().out
    assert pd.read_csv(tmp_path / "o.csv")["id"].tolist() == list(range(40))
    assert names(tmp_path) == ["o.csv", "p.csv"]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_f14_overwrite_discards_the_parts_of_another_batch(tmp_path, source, capsys):
    first = begin(words(source))
    first.kill()
    first.communicate()
    other = words(source, "o.csv", "--of", "scoliosis")
    assert main(other) == 2
    err = capsys.readouterr().err
    assert "of was 'causes' and is ['scoliosis']" in err and "--overwrite" in err
    assert main([*other, "--overwrite"]) == 0
    assert list(pd.read_csv(tmp_path / "o.csv")) == ["id", "scoliosis", "log_evidence"]
    assert names(tmp_path) == ["o.csv", "p.csv"]


def test_f5_within_one_process(tmp_path):
    out = tmp_path / "o.csv"
    with locked(out):
        with pytest.raises(BatchError, match=f"process {os.getpid()} on .* since 2"), locked(out):
            pass
        assert (tmp_path / "o.csv.lock").exists()
    assert names(tmp_path) == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"process": 1}'])
def test_f5_a_lock_file_that_nobody_holds_is_stale(tmp_path, text):
    import socket

    lock = tmp_path / "o.csv.lock"
    lock.write_text(text.replace("1}", f'1, "host": "{socket.gethostname()}", "boot": "x"}}'))
    with locked(tmp_path / "o.csv"):
        assert json.loads(lock.read_text())["process"] == os.getpid()
    assert names(tmp_path) == []


def test_f5_the_lock_of_another_machine_is_said_to_be_one(tmp_path):
    holder = {"process": 7, "host": "elsewhere", "boot": "x", "since": "2026-01-01T00:00:00+00:00"}
    (tmp_path / "o.csv.lock").write_text(json.dumps(holder))
    with pytest.raises(BatchError) as caught, locked(tmp_path / "o.csv"):
        pass
    said = str(caught.value)
    assert "process 7 on elsewhere, since 2026-01-01" in said
    assert "cannot see whether that run goes on" in said and "o.csv.lock" in said
    assert json.loads((tmp_path / "o.csv.lock").read_text()) == holder


@pytest.mark.parametrize(
    "wrong",
    [
        ["--keep", "patient"],
        ["--of", "scolosis"],
        ["--setting", "moon"],
        ["--keep", "numbness", "--of", "numbness"],
        ["--shard", "3/2"],
    ],
)
def test_f14_the_right_command_after_a_wrong_one(tmp_path, source, wrong, capsys):
    assert main(words(source, "o.csv", *wrong)) == 2
    assert names(tmp_path) == ["p.csv"]
    assert main(words(source)) == 0
    assert names(tmp_path) == ["o.csv", "p.csv"]


def test_f14_after_a_forgotten_keep_and_with_an_output_in_place(tmp_path, source, capsys):
    (tmp_path / "o.csv").write_text("before\n")
    forgotten = [w for w in words(source, "o.csv", "--overwrite") if w not in ("--keep", "id")]
    assert main(forgotten) == 2
    assert "column 'id' is no node" in capsys.readouterr().err
    assert (tmp_path / "o.csv").read_text() == "before\n"
    assert main(words(source)) == 2
    assert "is there already" in capsys.readouterr().err
    assert main(words(source, "o.csv", "--overwrite")) == 0
    assert len(pd.read_csv(tmp_path / "o.csv")) == 40
    assert names(tmp_path) == ["o.csv", "p.csv"]


def test_f14_a_folder_without_parts_is_nobodys(tmp_path, source):
    (tmp_path / "o.csv.parts").mkdir()
    (tmp_path / "o.csv.parts" / "job.json").write_text('{"network": "other"}')
    assert main(words(source)) == 0
    assert names(tmp_path) == ["o.csv", "p.csv"]


def test_a_folder_that_is_not_there(tmp_path, source, capsys):
    assert main(words(source, "no/o.csv")) == 2
    assert "there is no folder" in capsys.readouterr().err
    assert names(tmp_path) == ["p.csv"]


def test_more_machines_than_chunks(tmp_path, source):
    for out in ("o.csv", "o.parquet"):
        assert main(words(source, out, "--shard", "7/8")) == 0
    assert len(pd.read_csv(tmp_path / "o.csv")) == len(pd.read_parquet(tmp_path / "o.parquet")) == 0
    assert "scoliosis" in pd.read_csv(tmp_path / "o.csv")
