"""One case in many variants, which are rows of one batch.

Method                                                        | Module
------------------------------------------------------------- | ---------------------
Further findings; only some of the findings                   | `one_case`
Many events, as weights on their parents (Heckerman 1989)     | `likelihood_events`
All subsets of findings, by inclusion and exclusion           | `subsets`
A smallest set of findings that is impossible                 | `contradiction`
"""
