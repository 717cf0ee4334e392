"""Claims: published figures that a network should reproduce.

What                                                        | Module
----------------------------------------------------------- | -------------
The file of claims, read and checked against the network    | `file`
What the network implies for claims, and its derivatives    | `implied`
Events as signed sums of conjunctions                       | `signed_sums`
"""
