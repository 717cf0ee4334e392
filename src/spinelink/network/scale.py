"""The scale of words in which priors may be stated, each with its place before any fit.

Words say how a parameter is judged without a figure. The places are starting points: the fit moves
each word by what published figures say of all parameters that bear it, and estimates how wide a word
is meant. Three scales: how often something happens to those who have its cause; how common it is
among people; how strong a risk factor is (odds ratio).
"""

from __future__ import annotations

from collections.abc import Mapping

FREQUENCY: Mapping[str, float] = {
    "never": 0.003,
    "rarely": 0.02,
    "seldom": 0.08,
    "sometimes": 0.25,
    "often": 0.55,
    "mostly": 0.8,
    "nearly_always": 0.95,
}
OCCURRENCE: Mapping[str, float] = {
    "exceedingly_rare": 0.00003,
    "very_rare": 0.0002,
    "rare": 0.001,
    "uncommon": 0.006,
    "fairly_common": 0.025,
    "common": 0.08,
    "very_common": 0.25,
}
STRENGTH: Mapping[str, float] = {
    "strongly_protective": 0.3,
    "protective": 0.65,
    "unrelated": 1.0,
    "weak": 1.4,
    "moderate": 2.2,
    "strong": 4.0,
    "very_strong": 10.0,
    "overwhelming": 40.0,
}
WORDS: Mapping[str, float] = {**FREQUENCY, **OCCURRENCE, **STRENGTH}
SCALE_OF: Mapping[str, str] = {
    **dict.fromkeys(FREQUENCY, "frequency"),
    **dict.fromkeys(OCCURRENCE, "occurrence"),
    **dict.fromkeys(STRENGTH, "strength"),
}
WORD_WIDTH: Mapping[str, float] = {"frequency": 0.7, "occurrence": 0.8, "strength": 0.35}
"""Standard deviation of a parameter about its word, in log odds or log ratio, before any fit."""
WORD_SPREAD = 0.5
"""Standard deviation of a word's own place, in log odds or log ratio."""
