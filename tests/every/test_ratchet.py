"""Complexity and long argument lists may only become fewer: `tests/ratchet.json` counts them.

`python -m tests.every.test_ratchet` writes the counts after code became simpler.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
RATCHET = ROOT / "tests" / "ratchet.json"
RULES = "C901,PLR0913"


def counts() -> dict[str, dict[str, int]]:
    """Rule -> file -> how often ruff finds it."""
    command = [sys.executable, "-m", "ruff", "check", "src", "--select", RULES, "--exit-zero"]
    command += ["--output-format", "json", "--no-cache"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, Counter[str]] = {rule: Counter() for rule in RULES.split(",")}
    for problem in json.loads(answer.stdout):
        path = Path(problem["filename"]).relative_to(ROOT).as_posix()
        found[problem["code"]][path] += 1
    return {rule: dict(sorted(files.items())) for rule, files in found.items()}


def test_it_only_becomes_simpler():
    allowed = json.loads(RATCHET.read_text(encoding="utf-8"))
    for rule, files in counts().items():
        more = {f: n for f, n in files.items() if n > allowed[rule].get(f, 0)}
        assert not more, f"{rule}: more than {RATCHET.name} allows; make the functions simpler"
        assert files == allowed[rule], "fewer: run python -m tests.every.test_ratchet"


if __name__ == "__main__":
    RATCHET.write_text(json.dumps(counts(), indent=1) + "\n", encoding="utf-8")
