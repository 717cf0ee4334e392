"""Whole tables of patients: one row a patient, one column a node, missing cells where nothing was assessed."""
