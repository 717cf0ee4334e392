"""Numbers learned from tables of patients."""
