"""Nodes found by what people call them: names, labels, synonyms, lay names, questions, states, codes.

Words are compared without endings, accents and differences of spelling, and a typo is forgiven.
A word that few nodes have counts more (inverse document frequency, Sparck Jones 1972).
"""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from spinelink.errors import EvidenceError, SpinelinkError, UnknownNameError, shown
from spinelink.network.network import Network
from spinelink.network.node import OBSERVABLE, Node
from spinelink.options import text_list

LEAST = 0.3
"""Score from which a node counts as found; 1 is an exact name."""
SUGGESTED = 0.55
"""Score from which an error suggests a node."""
NEAR_BEST = 0.8
"""Share of the best score that further suggestions reach."""
MISSPELT = 0.85
"""Likeness from which a name is taken for a misspelt one, whatever its role."""
SUGGESTIONS = 3
FILLER = 0.3
"""Weight of an unknown word, as a share of that of a word which one node has."""
ALIKE = 0.8
"""Similarity from which two long words count as one with typos."""
LONG = 7
"""Letters of a long word: it may have more than one typo."""
ORDER = ("symptom", "sign", "context", "test", "other", "mechanism", "cause", "selection")
"""Of nodes that fit equally well, what a patient tells comes first."""

_LITTLE_WORDS = frozenset(
    [
        "a",
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "be",
        "been",
        "by",
        "can",
        "do",
        "does",
        "for",
        "from",
        "had",
        "has",
        "have",
        "how",
        "i",
        "if",
        "in",
        "is",
        "it",
        "its",
        "me",
        "my",
        "of",
        "on",
        "or",
        "so",
        "than",
        "that",
        "the",
        "there",
        "this",
        "to",
        "up",
        "was",
        "what",
        "when",
        "where",
        "which",
        "while",
        "with",
        "you",
        "your",
    ]
)

_SILENT = frozenset({"absent", "present", "none", "normal", "no", "yes", "other"})
"""States that say nothing about what a node is."""


@dataclass(frozen=True)
class _Phrase:
    """One thing that a node is called; weight: how much it says about the node."""

    node: str
    words: tuple[str, ...]
    weight: float
    whole: bool = True
    """False for a collection of words, of which a query needs only some."""


def search_nodes(
    nodes: Mapping[str, Node], words: str, *, limit: int | None = None
) -> list[tuple[str, float]]:
    """Nodes that some words may mean, the best match first.

    Args:
        nodes: the nodes by name.
        words: what a person calls it, as "drop foot".
        limit: how many; None for all.

    Returns:
        Name and score of each node; a score of 1 or more is an exact name.
    """
    coded = nodes_with_code(nodes, words)
    if coded:
        return [(name, 2.0) for name in coded][:limit]
    query = _content(words)
    if not query:
        return []
    phrases = [phrase for name, node in nodes.items() for phrase in _phrases(name, node)]
    likeness = _Likeness.between(query, phrases)
    found: dict[str, float] = {}
    for phrase in phrases:
        score = phrase.weight * likeness.score(phrase)
        found[phrase.node] = max(score, found.get(phrase.node, 0.0))
    rank = {name: (ORDER.index(node.role), k) for k, (name, node) in enumerate(nodes.items())}
    best = sorted((n for n, s in found.items() if s >= LEAST), key=lambda n: (-found[n], rank[n]))
    return [(name, found[name]) for name in best[:limit]]


def search_text(name: str, node: Node) -> str:
    """Everything that a node is called, in one text, for searches by parts of words."""
    states = [s.replace("_", " ") for s in node.states if s not in _SILENT]
    parts = (name, name.replace("_", " "), node.label, *node.synonyms, *node.lay, *states)
    return _plain(" ".join((*parts, node.question, *codes_of(node))))


def codes_of(node: Node) -> list[str]:
    """The public codes of a node: HPO, Mondo, ICD-10."""
    found = node.codes
    return [c for c in (found.hpo, found.mondo, found.icd10) if c] if found else []


def nodes_with_code(nodes: Mapping[str, Node], code: str) -> list[str]:
    """The nodes that carry a public code; case does not matter."""
    wanted = code.strip().upper()
    return [name for name, node in nodes.items() if wanted in codes_of(node)]


def node_named(network: Network, name: str) -> str:
    """The node of a name, or the only one with a public code, as HP:0001945.

    Raises:
        UnknownNameError: there is no such node; the error suggests what may be meant.
        EvidenceError: several nodes have the code.
        SpinelinkError: the name is no text.
    """
    if not isinstance(name, str) and shown(name) in network.nodes:
        return shown(name)  # a network whose nodes are numbered
    if not isinstance(name, str):
        raise SpinelinkError(f"the name of a node is a text, not {shown(name)}.")
    found = among(network.nodes, name)
    if found is None:
        raise unknown_node(network, name)
    return found


def among(nodes: Mapping[str, Node], name: str) -> str | None:
    """Which of some nodes a name or a public code means; None where it means none of them.

    Raises EvidenceError where several of them have the code.
    """
    if name in nodes:
        return name
    coded = nodes_with_code(nodes, name)
    if len(coded) > 1:
        listed = ", ".join(coded)
        raise EvidenceError(f"{name} is the code of {len(coded)} nodes: {listed}. Name one.")
    return coded[0] if coded else None


def meant(network: Network, name: str) -> list[str]:
    """The nodes that a name may mean, for errors: `foot_drop (Foot drop)`, best first."""
    found = search_nodes(network.nodes, name)
    best = found[0][1] if found else 0.0
    near = [n for n, score in found if score >= max(SUGGESTED, NEAR_BEST * best)]
    observed = [n for n in near if network.nodes[n].role in OBSERVABLE] or near
    misspelt = difflib.get_close_matches(name, network.nodes, n=1, cutoff=MISSPELT)
    names = list(dict.fromkeys([*misspelt, *observed]))
    return [f"{n} ({network.nodes[n].label})" for n in names[:SUGGESTIONS]]


def unknown_node(network: Network, name: str, *, where: str = "") -> UnknownNameError:
    """The error that there is no such node, with the nodes that may be meant.

    where: what else would have been allowed, in words.
    """
    return UnknownNameError(
        name,
        kind="node",
        allowed=network.nodes,
        where=f"network {network.name!r}{where}",
        suggestions=meant(network, name),
        search=f"Search them: model.findings({name!r}), or spinelink findings WORD.",
    )


def _phrases(name: str, node: Node) -> list[_Phrase]:
    """All that a node is called. A question names much besides, so it weighs less."""
    inside = re.findall(r"\(([^)]*)\)", node.label)
    outside = re.sub(r"\([^)]*\)", "", node.label)
    states = [s for s in node.states if s not in _SILENT]
    weighed = [
        *((text, 1.0) for text in (name, node.label, outside)),
        *((text, 0.98) for text in node.synonyms),
        *((text, 0.97) for text in node.lay),
        *((text, 0.95) for text in inside),
        *((f"{node.label} {s}", 0.95) for s in states),
        *((s, 0.99) for s in states),
        (node.question, 0.8),
    ]
    phrases = [_Phrase(name, words, w) for text, w in weighed if (words := _content(text))]
    every = tuple(dict.fromkeys(w for p in phrases for w in p.words))
    described = tuple(dict.fromkeys((*every, *_content(node.description))))
    return [
        *phrases,
        _Phrase(name, every, 0.7, whole=False),
        _Phrase(name, described, 0.6, whole=False),
    ]


@dataclass(frozen=True)
class _Likeness:
    """How well phrases fit a query.

    like: for each word of the query, the words of the network that are like it and how much.
    weights: of each word, by how few nodes have it.
    """

    query: tuple[str, ...]
    like: Mapping[str, Mapping[str, float]]
    weights: Mapping[str, float]

    @classmethod
    def between(cls, query: tuple[str, ...], phrases: Sequence[_Phrase]) -> _Likeness:
        owners: dict[str, set[str]] = {}
        for phrase in phrases:
            for word in phrase.words:
                owners.setdefault(word, set()).add(phrase.node)
        nodes = len({phrase.node for phrase in phrases})
        weights = {w: math.log(1.0 + nodes / len(found)) for w, found in owners.items()}
        like = {q: {w: s for w in owners if (s := _similarity(q, w)) > 0.0} for q in query}
        for q in query:
            near = [weights[w] for w, s in like[q].items() if s == max(like[q].values())]
            # A word that the network does not have may well be a filler.
            weights.setdefault(q, max(near, default=FILLER * math.log(1.0 + nodes)))
        return cls(query, like, weights)

    def score(self, phrase: _Phrase) -> float:
        """Between 0 and 1: how much of the query the phrase covers, and of it the query."""
        words = phrase.words
        fits = {q: max((self.like[q].get(w, 0.0) for w in words), default=0.0) for q in self.query}
        covered = self._share(self.query, fits)
        if not phrase.whole:
            return covered
        back = {w: max(self.like[q].get(w, 0.0) for q in self.query) for w in words}
        return max(covered * (0.6 + 0.4 * self._share(words, back)), self._joined(words))

    def _share(self, words: Sequence[str], fits: Mapping[str, float]) -> float:
        whole = sum(self.weights[w] for w in words)
        return sum(self.weights[w] * fits[w] for w in words) / whole

    def _joined(self, words: tuple[str, ...]) -> float:
        """Words that are written as one, as dropfoot; 0 where they differ."""
        a, b = "".join(self.query), "".join(words)
        if min(len(a), len(b)) < 5:
            return 0.0
        if a == b:
            return 0.97
        compared = difflib.SequenceMatcher(None, a, b)
        alike = compared.real_quick_ratio() > 0.85 and compared.quick_ratio() > 0.85
        ratio = compared.ratio() if alike else 0.0
        return 0.9 * ratio if ratio > 0.85 else 0.0


def _similarity(a: str, b: str) -> float:
    """Of two words: 1 for the same, less for a beginning, or one with a typo, else 0."""
    if a == b:
        return 1.0
    shorter = min(len(a), len(b))
    if shorter >= 3 and (b.startswith(a) or (shorter >= 4 and a.startswith(b))):
        return 0.6 + 0.35 * shorter / max(len(a), len(b))
    if _one_typo(a, b):
        return 0.8 if shorter > 4 else 0.7
    if shorter < LONG:
        return 0.0
    compared = difflib.SequenceMatcher(None, a, b)
    if compared.real_quick_ratio() < ALIKE or compared.quick_ratio() < ALIKE:
        return 0.0
    ratio = compared.ratio()
    return 0.9 * ratio if ratio >= ALIKE else 0.0


def _one_typo(a: str, b: str) -> bool:
    """Whether one letter is missing, too many, wrong, or swapped with the next."""
    if max(len(a), len(b)) < 4 or abs(len(a) - len(b)) > 1 or min(len(a), len(b)) < 3:
        return False
    k = next((k for k, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    rest_a, rest_b = a[k:], b[k:]
    if len(a) != len(b):
        return rest_a[1:] == rest_b or rest_a == rest_b[1:]
    return rest_a[1:] == rest_b[1:] or (rest_a[:2] == rest_b[:2][::-1] and rest_a[2:] == rest_b[2:])


def _content(text: str) -> tuple[str, ...]:
    """The words of a text that say something, without endings; all of them if none is left."""
    words = re.findall(r"[a-z0-9]+", re.sub(r"'s\b", "", _plain(text)).replace("'", ""))
    chosen = [w for w in words if w not in _LITTLE_WORDS] or words
    return tuple(dict.fromkeys(_stem(w) for w in chosen))


def _plain(text: str) -> str:
    """Small letters without accents."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().casefold()


def _stem(word: str) -> str:
    """A word without its ending, in one of its spellings: anaesthesia and anesthesia are one."""
    word = word.replace("ae", "e").replace("oe", "e").replace("disk", "disc").replace("kc", "c")
    word = re.sub(r"our$", "or", word).replace("leuko", "leuco").replace("yse", "yze")
    if len(word) > 4:
        word = re.sub(r"ies$", "y", word)
        word = re.sub(r"(?<![siu])s$", "", word)
    if len(word) > 5:
        word = re.sub(r"(?:ing|ed)$", "", word)
    return word[:-1] if len(word) > 3 and word.endswith("e") else word


def names_of(network: Network, nodes: str | Iterable[str]) -> list[str]:
    """Names of nodes as a list.

    Raises:
        UnknownNameError: the network has no such node.
        SpinelinkError: it is no name, or names a selection.
    """
    what = "one or several names of nodes"
    names = text_list(nodes, "what is asked for", what=what, known=network.nodes)
    for name in names:
        if name not in network.nodes:
            raise unknown_node(network, name)
        if network.nodes[name].role == "selection":
            raise SpinelinkError(f"{name} says who is selected; it is true of nobody or of all.")
    return names
