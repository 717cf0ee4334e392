"""The evidence model: parameters fitted to published figures, hierarchical over studies.

What                                                        | Paper                        | Module
----------------------------------------------------------- | ---------------------------- | ---------
Claims as figures: what a network implies, derivatives      | -                            | `figures`
What each parameter is believed to be before any figure     | O'Hagan et al. 2006          | `priors`
Spread between studies, its likelihood with parameters out  | DerSimonian and Laird 1986;  | `linear`
                                                            | Tierney and Kadane 1986      |
The most probable parameters, their covariance              | Lange, Little and Taylor 1989| `search`
What is not known of the spreads, carried on                | Kass and Steffey 1989        | `averaged`
Figures shared by several processes                         | -                            | `parallel`
The question `fit_claims`                                   | -                            | `fit`
Its answer: parameters, spreads, studies                    | -                            | `result`
A figure that was left out, predicted                       | Higgins et al. 2009          | `predict`
"""
