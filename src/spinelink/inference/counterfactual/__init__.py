"""What would have been: probabilities of necessity in twin networks.

Method                                              | Paper                        | Module
--------------------------------------------------- | ---------------------------- | --------------
The factual world: findings, effects taken present  | -                            | `factual`
Several worlds that share all exogenous variables   | Balke and Pearl 1994         | `twin_network`
Its response tables, and the memory they take       | -                            | `response`
Extreme couplings of what a network does not fix    | Fréchet 1935; Balke and      | `coupling`
                                                    | Pearl 1997                   |
Probability of necessity, and its bounds            | Pearl 1999; Tian and Pearl   | `necessity`
                                                    | 2000                         |
"""
