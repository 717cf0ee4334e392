"""What a network is: frozen values, without arrays of cases, files or inference.

What                                                     | Module
-------------------------------------------------------- | ----------------
The network as a whole, its settings                     | `network`
A node; its CPD; a parameter; its source                 | `node`, `cpd`, `parameter`, `provenance`
How uncertain a parameter is                             | `uncertainty`
Parameters by id, and the way back into the network      | `parameter_ids`
Which parameters hold in a setting                       | `setting`
Where a parameter stands on a scale without bounds       | `coordinates`
Fitted values, and how they vary together                | `fitted`, `joint`
Findings of a patient; the question behind an answer     | `evidence`, `question`
Alert rules, claims, constraints on answers              | `alert`, `claim`, `constraint`
What is wrong with a network                             | `check`
"""
