"""Writes the table of speeds in docs/performance.md from the CSV files: python benchmarks/readme.py"""

from __future__ import annotations

import csv
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "performance.md"
BEGIN, END = "<!-- speed: written by benchmarks/readme.py -->", "<!-- /speed -->"
NETWORKS = ("local-70", "random-70", "local-140", "random-140")

# what, aim on local and random networks, file, which rows, which column
LINES = (
    (
        "one case, all causes, first time, NumPy",
        "1",
        "engine.csv",
        ("one case, causes, first time", "numpy"),
    ),
    ("the same, `fast`", "4", "engine.csv", ("one case, causes, first time", "fast")),
    ("one case, all causes, again, NumPy", "2", "engine.csv", ("one case, causes, again", "numpy")),
    ("the same, `fast`", "10", "engine.csv", ("one case, causes, again", "fast")),
    (
        "one case, all nodes, again, NumPy",
        "3",
        "engine.csv",
        ("one case, all nodes, again", "numpy"),
    ),
    ("the same, `fast`", "", "engine.csv", ("one case, all nodes, again", "fast")),
    (
        "table, every row its own findings, `fast`, 4 threads against 4 processes",
        "100 local, 30 random",
        "tables.csv",
        ("own",),
    ),
    ("table, one pattern, the same", "500 local, 200 random", "tables.csv", ("fixed",)),
    ("10,000 parameter draws, `fast`", "100", "engine.csv", ("10000 draws, 7 positive", "fast")),
    ("derivatives by all parameters", "250", "engine.csv", ("derivatives by", "numpy")),
)


def rows(file: str) -> list[dict[str, str]]:
    with (HERE / file).open(newline="") as handle:
        return list(csv.DictReader(handle))


def times(file: str, key: tuple[str, ...], network: str) -> str:
    for row in rows(file):
        if row["network"] != network:
            continue
        if file == "tables.csv":
            if row["pattern"] == key[0]:
                return (
                    f"{float(row['times_faster']):.0f}"
                    if row["times_faster"]
                    else "pyAgrum out of memory"
                )
        elif (
            row["peer"] == "pyAgrum"
            and row["measure"].startswith(key[0])
            and row["engine"] == key[1]
        ):
            return (
                f"{float(row['times_faster']):.3g}"
                if row["times_faster"]
                else "pyAgrum out of memory"
            )
    return ""


def table() -> str:
    lines = [
        "| times as fast as pyAgrum LazyPropagation | aim | " + " | ".join(NETWORKS) + " |",
        "|---|---|" + "---|" * len(NETWORKS),
    ]
    for what, aim, file, key in LINES:
        lines.append(
            f"| {what} | {aim} | " + " | ".join(times(file, key, n) for n in NETWORKS) + " |"
        )
    return "\n".join(lines)


def main() -> None:
    text = PAGE.read_text()
    head, rest = text.split(BEGIN)
    PAGE.write_text(f"{head}{BEGIN}\n{table()}\n{rest[rest.index(END) :]}")


if __name__ == "__main__":
    main()
