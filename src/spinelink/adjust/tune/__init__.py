"""Parameters changed as little as possible, so that the network answers as constraints demand.

| module        | method                                       | source                   |
|---------------|----------------------------------------------|--------------------------|
| `constraints` | constraints against a network, their gap     | Chan and Darwiche 2002   |
| `problem`     | what may move, its metric, exact derivatives | Darwiche 2003            |
| `single`      | every parameter that alone would do: roots   | Chan and Darwiche 2002   |
| `shortest`    | many together: least distance programming    | Lawson and Hanson 1974   |
| `solve`       | from the constraints to the answer           | -                        |
| `result`      | the answer: patch, outcomes                  | -                        |

`evaluate.tuned.tune` is the question. `tune_network` is the same without cases and progress bar.
"""

from __future__ import annotations

from spinelink.adjust.tune.problem import MINIMISE, Minimise
from spinelink.adjust.tune.result import ConstraintOutcome, SingleChange, Tuning
from spinelink.adjust.tune.shortest import MOST_STEPS
from spinelink.adjust.tune.solve import tune_network

__all__ = [
    "MINIMISE",
    "MOST_STEPS",
    "ConstraintOutcome",
    "Minimise",
    "SingleChange",
    "Tuning",
    "tune_network",
]
