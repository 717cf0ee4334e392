"""More than one process: the scorer on a Dask cluster with two workers, one of them killed in the middle."""

from __future__ import annotations

import os
import signal
import time

import numpy as np
import pandas as pd
import pytest

import spinelink as sl

pytestmark = pytest.mark.slow


dd = pytest.importorskip("dask.dataframe")
distributed = pytest.importorskip("dask.distributed")

PARTS, PAUSE = 16, 0.15


class Slow:
    """The scorer, slow enough that a kill meets it at work."""

    def __init__(self, scorer):
        self.scorer = scorer

    def __call__(self, frame):
        time.sleep(PAUSE)
        return self.scorer(frame)


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_killed_worker_loses_nothing():
    model, rng = sl.load("minimal"), np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "patient": range(800),
            "back_pain": rng.choice(["present", "absent"], 800),
            "numbness": rng.choice(["present", None], 800),
        }
    )
    scorer = model.scorer(keep="patient")
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            silence_logs=50,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        work = dd.from_pandas(frame, npartitions=PARTS).map_partitions(
            Slow(scorer), meta=scorer(frame.iloc[:0])
        )
        future = client.compute(work)
        time.sleep(PAUSE * 3)
        assert not future.done()
        os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)
        found = future.result(timeout=60)
    pd.testing.assert_frame_equal(found, model.posteriors(frame, keep="patient"), atol=1e-12)
