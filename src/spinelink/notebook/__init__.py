"""Exploring a case in a notebook. Widgets are imported here and nowhere else."""
