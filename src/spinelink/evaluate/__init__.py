"""Whatever measures a network: against the literature, published cases, patients, another network.

| question         | method                                                 | module            |
|------------------|--------------------------------------------------------|-------------------|
| `Model.audit`    | published figures against what the network implies     | `audit`           |
| `Model.evaluate` | discrimination, calibration, decisions, with bootstrap | `validation`      |
| `Model.diff`     | structure, parameters, effects of two networks         | `diff`            |
| `Model.tune`     | `adjust.tune`, with its effect on rankings of cases    | `tuned`           |
| `score`          | published cases ranked, with Wilson's intervals        | `score`           |
| `Model.simulate_clinic` | red flags raised and missed among simulated patients | `clinic` |
| `Model.cross_validate` | figures predicted by fits without their studies | `crossvalidation` |
| `influences`     | judged parameters that the answers depend on most      | `influence`       |
| `evidence_uses`  | what becomes of each record of the evidence stock      | `stock`           |

`metrics` has the formulas (Brier 1950, Murphy 1973, Cox 1958, Vickers and Elkin 2006, Wilson 1927),
and `measures` applies them to one group of patients. `compare` says what differs, `contradiction`
which claims exclude each other. `cases` reads published cases, `case_score` is the answer about
them, `named_cases` reads cases whose rankings are compared. `predicted` is the answer of
`cross_validate`.
"""
