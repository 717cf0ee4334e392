"""One file a question. Questions do not know each other."""
