"""Derivatives of P(findings) and of posteriors, all at once, from one upward and one downward pass.

Method                                            | Paper                      | Module
------------------------------------------------- | -------------------------- | ------------------
Derivatives by every entry of every table         | Darwiche 2003              | `by_entry`
Backward pass from a plan's inputs to entries     | -                          | `pullback`
Derivatives by every parameter of the file        | implicit function theorem  | `by_parameter`
Derivatives by coordinates without bounds         | chain rule                 | `by_coordinate`
Posteriors as quotients of two lines              | Castillo and others 1997;  | `linear_fractional`
                                                  | Coupé, van der Gaag 2002   |
Expected counts of a table of patients, for EM    | Lauritzen 1995             | `counts`
"""
