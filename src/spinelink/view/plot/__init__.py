"""Pictures of results: each function takes a result and Axes (or makes some), and returns the Axes. matplotlib is imported when one is drawn."""
