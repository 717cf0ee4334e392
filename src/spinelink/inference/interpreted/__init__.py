"""The interpreted engine: NumPy runs a plan step by step, within a memory limit.

Method                                                        | Module
------------------------------------------------------------- | ------------------------------
Arithmetic on plain numbers or on logarithms                  | `semiring`
Factors sliced at the evidence                                | `inputs`
Forward and reverse pass (Darwiche 2003)                      | `run`
P(evidence)                                                   | `evidence`
Posteriors, targets in groups                                 | `marginals`
Posteriors in difference form, with a cancellation check      | `difference_form`
(Díez and Galán 2003)                                         |
Large leaves without their tables                             | `leaves`
Too large for one run: by cases (Pearl 1986)                  | `conditioning`
Joint posteriors of a few nodes                               | `joint`
Exact samples (Dawid 1992)                                    | `sampling`
Most probable explanation (Kask and Dechter 2001)             | `most_probable`
Rows of evidence, the protocol of both engines                | `engine`
"""
