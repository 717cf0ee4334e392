"""The networks travel: in the wheel, in the sdist, and live in an editable install."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WORTHY = (
    "src",
    "networks",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "NOTICE",
    "CHANGELOG.md",
    "CITATION.cff",
    "CONTRIBUTING.md",
    "Makefile",
)
ASK = "import spinelink.networks_folder as f; print(f.networks_path()); print(*f.bundled()); print(f.bundled()['minimal'].read_text()[-20:])"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("packaging"),
    pytest.mark.skipif(os.name == "nt", reason="paths of a POSIX environment"),
]


def run(*command: object, cwd: Path) -> str:
    """Runs in an environment that does not see this checkout."""
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=clean, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout, so that building and editing leave this one alone."""
    copy = tmp_path_factory.mktemp("checkout") / "spinelink"
    copy.mkdir()
    for name in WORTHY:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy / name)
    return copy


@pytest.fixture(scope="module")
def built(checkout: Path) -> dict[str, Path]:
    """Wheel and sdist; the wheel is built from the sdist, as installers do."""
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", "dist", cwd=checkout)
    (wheel,), (sdist,) = (checkout / "dist").glob("*.whl"), (checkout / "dist").glob("*.tar.gz")
    return {"wheel": wheel, "sdist": sdist}


def expected() -> set[str]:
    return {path.name for path in (ROOT / "networks").iterdir() if path.is_file()}


def test_wheel_and_sdist_hold_the_networks(built):
    with zipfile.ZipFile(built["wheel"]) as wheel:
        inside = set(wheel.namelist())
    assert {f"spinelink/notebook/static/explorer.{kind}" for kind in ("js", "css")} <= inside
    assert expected() == {
        n.removeprefix("spinelink/networks/") for n in inside if n.startswith("spinelink/networks/")
    }
    assert {"spinelink/py.typed", "spinelink/__init__.py", "spinelink/cli/__init__.py"} <= inside
    assert {n.split("/")[0] for n in inside} == {
        "spinelink",
        next(n for n in inside if ".dist-info/" in n).split("/")[0],
    }
    with tarfile.open(built["sdist"]) as sdist:
        names = {n.split("/", 1)[1] for n in sdist.getnames()}
    assert {f"networks/{n}" for n in expected()} | {
        "LICENSE",
        "NOTICE",
        "README.md",
        "Makefile",
        "src/spinelink/py.typed",
    } <= names


def test_wheel_says_its_licence_and_command(built):
    with zipfile.ZipFile(built["wheel"]) as wheel:
        texts = {
            n.rsplit("/", 1)[1]: wheel.read(n).decode()
            for n in wheel.namelist()
            if n.rsplit("/", 1)[1] in ("METADATA", "entry_points.txt")
        }
        assert any(n.endswith("licenses/NOTICE") for n in wheel.namelist())
    assert "License-Expression: Apache-2.0" in texts["METADATA"]
    assert "spinelink = spinelink.cli:main" in texts["entry_points.txt"]


def test_installed_wheel_reads_its_own_networks(built, tmp_path):
    target = tmp_path / "site"
    run(
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--target",
        target,
        built["wheel"],
        cwd=tmp_path,
    )
    code = f"import sys; sys.path.insert(0, {str(target)!r}); {ASK}"
    folder, names, _ = run(sys.executable, "-c", code, cwd=tmp_path).split("\n", 2)
    assert Path(folder) == (target / "spinelink" / "networks").resolve()
    assert {"back-leg-pain", "minimal"} <= set(names.split())
    code = f"import sys; sys.path.insert(0, {str(target)!r}); import spinelink; print(len(spinelink.load('minimal').nodes))"
    assert int(run(sys.executable, "-c", code, cwd=tmp_path)) > 5


def test_editable_install_reads_the_live_folder(checkout, tmp_path):
    """The trap: an editable install that copies networks/ goes on reading the copy."""
    site = tmp_path / "site"
    run(
        sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--target", site,
        "--editable", checkout, cwd=tmp_path,
    )  # fmt: skip
    assert not (site / "spinelink").exists(), (
        "an editable install must not copy anything of the package"
    )
    code = f"import site; site.addsitedir({str(site)!r}); import sys; sys.path.reverse(); {ASK}"
    live = checkout / "networks" / "minimal.yaml"
    folder, _, before = run(sys.executable, "-c", code, cwd=tmp_path).split("\n", 2)
    assert Path(folder) == (checkout / "networks").resolve()
    assert "# edited" not in before
    original = live.read_text(encoding="utf-8")
    try:
        live.write_text(original + "\n# edited live\n", encoding="utf-8")
        (checkout / "networks" / "new-one.yaml").write_text("spinelink: 1\n", encoding="utf-8")
        _, names, after = run(sys.executable, "-c", code, cwd=tmp_path).split("\n", 2)
    finally:
        live.write_text(original, encoding="utf-8")
        (checkout / "networks" / "new-one.yaml").unlink()
    assert "# edited live" in after
    assert "new-one" in names.split()


def test_a_stale_copy_beside_live_networks_is_left_aside(tmp_path):
    from spinelink.networks_folder import bundled, networks_path

    package = tmp_path / "src" / "spinelink"
    (package / "networks").mkdir(parents=True)
    assert networks_path(package) == package / "networks"
    (tmp_path / "networks").mkdir()
    (tmp_path / "pyproject.toml").touch()
    assert networks_path(package) == tmp_path / "networks"
    for name in ("b.yaml", "a.yaml", "a.cases.yaml", "a.vocabulary.yaml", "network.schema.json"):
        (tmp_path / "networks" / name).touch()
    assert list(bundled(tmp_path / "networks")) == ["a", "b"]


def test_nothing_that_is_ignored_is_tracked():
    """A tracked .venv or cache would reach every clone, where `make` would take it for its own."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not a git checkout")
    tracked = run(
        "git", "ls-files", "--cached", "--ignored", "--exclude-standard", cwd=ROOT
    ).splitlines()
    assert tracked == [], f"{len(tracked)} ignored files are tracked; git rm -r --cached them"
