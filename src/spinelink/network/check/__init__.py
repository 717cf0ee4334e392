"""What is wrong with a network: each problem is an `Issue` with the path that leads to it.

What                                                          | Module
------------------------------------------------------------- | -----------
Issues, and the places that they are about                    | `issue`
One parameter: its uncertainty, its estimate, its source      | `parameter`
One CPD: its node, its parents, its states                    | `cpd`
The network: nodes, cycles, settings, alerts, sources         | `network`
"""
