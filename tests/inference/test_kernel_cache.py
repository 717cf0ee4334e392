"""F13: without a writable cache, or with a corrupt one, the kernel compiles in memory and warns once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import spinelink as sl
from spinelink.networks_folder import networks_path

numba = pytest.importorskip("numba")


def squared(x):
    return x * x


@pytest.fixture
def compiling(monkeypatch, tmp_path):
    from spinelink.inference.kernel import jit

    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    jit._warn.cache_clear()
    yield jit
    jit._warn.cache_clear()


def test_f13_no_folder_to_write_to(compiling, monkeypatch):
    from numba.core import caching

    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])
    with pytest.warns(RuntimeWarning, match="compiled in memory") as found:
        functions = [compiling.kernel(squared), compiling.kernel(squared)]
    assert len(found) == 1
    assert [f(3) for f in functions] == [9, 9]


@pytest.mark.parametrize("ending", ["nbi", "nbc"])
@pytest.mark.parametrize("content", [b"", b"\x00garbage", b"\x80\x04\x95"])
def test_f13_a_corrupt_cache(compiling, tmp_path, ending, content):
    assert compiling.kernel(squared)(3) == 9
    files = list(tmp_path.rglob(f"*.{ending}"))
    assert files
    for file in files:
        file.write_bytes(content)
    with pytest.warns(RuntimeWarning, match="compiled in memory") as found:
        assert compiling.kernel(squared)(3) == 9
        assert compiling.kernel(squared)(3.0) == 9.0
    assert len(found) == 1


def test_f13_a_corrupt_cache_is_mended(compiling, tmp_path):
    assert compiling.kernel(squared)(3) == 9
    for file in tmp_path.rglob("*.nbi"):
        file.write_bytes(b"")
    with pytest.warns(RuntimeWarning):
        assert compiling.kernel(squared)(3) == 9
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = compiling.kernel(squared)
        assert again(3) == 9
    assert sum(again.stats.cache_hits.values()) == 1


WITHOUT_A_FOLDER = """
import json, sys, warnings
from numba.core import event
import spinelink as sl

compiled = []

class Listener(event.Listener):
    def on_start(self, started):
        function = started.data["dispatcher"].py_func
        compiled.append(f"{function.__module__}.{function.__qualname__} {started.data['args']}")

    def on_end(self, ended):
        pass

event.register("numba:compile", Listener())
with warnings.catch_warnings(record=True) as found:
    warnings.simplefilter("always")
    causes = sl.load("minimal", engine="fast").observe(leg_pain="below_knee").differential().causes
print(json.dumps({
    "file": sl.__file__,
    "posteriors": {cause.cause: cause.posterior for cause in causes},
    "compiled": [name for name in compiled if name.startswith("spinelink.")],
    "warnings": [str(w.message) for w in found],
}))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="the folders have other names")
def test_f13_a_first_answer_without_a_folder_compiles_each_function_once(tmp_path):
    """The sources, the home and the cache all refuse to be written to, even for root."""
    package = tmp_path / "spinelink"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(sl.__file__).parent, package, ignore=ignored)
    shutil.copytree(networks_path(), package / "networks", dirs_exist_ok=True)
    (package / "inference" / "kernel" / "__pycache__").touch()  # a file where numba wants a folder
    nowhere = tmp_path / "no folder"
    nowhere.touch()
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}
    environment |= {"HOME": str(nowhere), "XDG_CACHE_HOME": str(nowhere)}
    environment |= {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", WITHOUT_A_FOLDER]
    answer = json.loads(
        subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    )
    assert Path(answer["file"]).parent == package
    (warning,) = answer["warnings"]
    assert "compiled in memory" in warning
    assert len(answer["compiled"]) > 10
    assert len(set(answer["compiled"])) == len(answer["compiled"])
    case = sl.load("minimal", engine="numpy").observe(leg_pain="below_knee")
    expected = {cause.cause: cause.posterior for cause in case.differential().causes}
    assert answer["posteriors"] == pytest.approx(expected, abs=1e-12)
