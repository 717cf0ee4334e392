"""Exact inference: numbers only, no names of diseases, no files.

Everything above asks `answer`. Inside, each floor stands on those before it:

Floor            | Module                              | Method
---------------- | ----------------------------------- | ------------------------------------------
values           | `arrays`, `findings`, `answers`     | networks, evidence and answers as arrays
                 | `limits`                            | every threshold, one frozen value
                 | `threads`                           | pieces of work in threads
compilation      | `compile`                           | every kind of CPD as arrays
                 | `intercept`                         | logistic regression with a given prevalence
plan             | `plan.order`                        | min-fill elimination orders, with restarts
                 | `plan.plan`                         | deputies (Zhang and Poole 1996); difference
                 |                                     | form (Díez and Galán 2003)
                 | `plan.patterns`, `plan.planned`     | one plan for each structural pattern
interpreted      | `interpreted.run`                   | marginals by derivatives (Darwiche 2003)
                 | `interpreted.conditioning`          | cutset conditioning (Pearl 1986)
                 | `interpreted.sampling`              | exact samples (Dawid 1992)
                 | `interpreted.most_probable`         | mini-buckets and branch and bound (Kask and
                 |                                     | Dechter 2001; Jaakkola and Jordan 1999)
kernel           | `kernel`                            | the same sums compiled by numba
choice           | `engine`                            | which engine answers; falling back
                 | `batches`, `draws`, `targets`       | many rows; many parameter draws; many targets
variants         | `variants.one_case`                 | further findings, or only some
                 | `variants.likelihood_events`        | many events as weights (Heckerman 1989)
                 | `variants.subsets`                  | all subsets by inclusion and exclusion
                 | `contradiction`                     | a smallest impossible set of findings
door             | `answer`                            | marginals, log_evidence, joint, batches, draws
parameters       | `sampled_parameters`                | Sobol draws (Owen 1998)
                 | `joint_parameters`                  | fitted ones, correlated and normal
                 | `arc_strength`                      | total variation (Koiter 2006)
derivatives      | `gradient`                          | see there
counterfactuals  | `counterfactual`                    | see there
"""
