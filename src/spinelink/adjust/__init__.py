"""Whatever changes the parameters of a network.

| question                | method                                           | module          |
|-------------------------|--------------------------------------------------|-----------------|
| `Model.tune`            | constraints met by the smallest change           | `tune/`         |
| `Model.fit_claims`      | hierarchical fit to published figures            | `evidence/`     |
| `Model.learn`           | expectation maximisation (Dempster et al. 1977)  | `learn`, `em`   |
| `Model.update`, `fitted`| a model with what was found                      | `fitted`        |

Shared: `vary` (which parameters may change), `coordinates` (parameters as a vector without bounds),
`change` (a parameter before and after), `rankings` (what a change does to the ranking of cases).

Parts: `maximise` is the maximisation step, `unselected` the people whom a clinic did not see, `learned` says how sure what was learned is, and `learning` is the answer.
"""
