"""Probabilistic diagnostic models for back pain and leg pain. Research and decision support for professionals; no medical device."""
