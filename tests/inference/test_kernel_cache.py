"""F13: without a writable cache, or with a corrupt one, the kernel compiles in memory and warns once."""

from __future__ import annotations

import warnings

import pytest

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
