"""Plans: which factors enter a sum, and in which order they are combined and summed out.

Method                                                        | Module
------------------------------------------------------------- | ---------------------
Elimination orders: min-fill, weight, perturbed restarts      | `order`
Steps; deputies (Zhang and Poole 1996); the difference form   | `plan`
(Díez and Galán 2003)                                         |
Structural patterns of evidence; rows sorted by pattern       | `patterns`
Plans made once and cached                                    | `planned`, `cache`
"""
