"""How good are the answers: published cases, later cohorts."""
