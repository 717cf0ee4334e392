"""Names of nodes and findings as people read them: labels, and no underscores."""

from __future__ import annotations

import re

from spinelink.network.evidence import Finding
from spinelink.network.network import Network


def labelled(text: str, network: Network, *, every: bool = False) -> str:
    """A text with the labels of nodes in place of their names.

    Args:
        text: names of nodes among other words; `node=state` becomes `Label: state`.
        network: the labels.
        every: replace also names that may be common words: those without _ and not before = or ~.

    Returns:
        The text for people.
    """

    def label(match: re.Match[str]) -> str:
        name, sign = match.groups()
        if name not in network.nodes or not (every or "_" in name or sign):
            return match.group(0)
        return network.nodes[name].label + {"=": ": ", "~": ": uncertain "}.get(sign, "")

    return re.sub(r"\b([A-Za-z]\w*)\b([=~]?)", label, text)


def finding_label(text: str, network: Network) -> str:
    """A finding, written as `node=state`, for people: `Leg pain: below knee`."""
    return labelled(text, network, every=True).replace("_", " ")


def text_label(text: str, network: Network) -> str:
    """A sentence for people: labels where names stand that are no common words."""
    return labelled(text, network).replace("_", " ")


def finding_words(finding: Finding) -> str:
    """What was found, for people: the state, or the likelihoods of an uncertain finding."""
    if isinstance(finding, str):
        return finding.replace("_", " ")
    shown = ", ".join(f"{state.replace('_', ' ')} {p:.3g}" for state, p in finding)
    return f"uncertain, likelihoods {shown}"
