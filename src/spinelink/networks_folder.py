"""Where the bundled networks are: beside the sources in a checkout, inside the package when installed."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def networks_path(package: Path = _PACKAGE) -> Path:
    """The folder of the bundled network files.

    In a checkout, and so in an editable install, it is the live `networks/` at the top, so that an edit holds at once; a copy inside
    the package is then left aside, since it could be stale.
    """
    top = package.parents[1]
    live = top / "networks"
    if package.parent.name == "src" and (top / "pyproject.toml").is_file() and live.is_dir():
        return live
    return package / "networks"


def bundled(folder: Path | None = None) -> dict[str, Path]:
    """Network files by name, sorted. `NAME.cases.yaml` and the schema lie in the same folder and are no networks."""
    files = (networks_path() if folder is None else folder).glob("*.yaml")
    return {file.stem: file for file in sorted(files) if "." not in file.stem}
