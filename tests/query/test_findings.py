"""Findings can be found: by everyday and clinical words, with typos, in errors, by code."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import yaml

import spinelink as sl
from spinelink.errors import EvidenceError, SpinelinkError, UnknownNameError
from spinelink.network.node import OBSERVABLE
from spinelink.network.nodes import SHOWN
from spinelink.network.search import codes_of, search_text

DATA = Path(__file__).parents[1] / "data" / "terms.yaml"
VOCABULARY = Path(__file__).parents[2] / "networks" / "back-leg-pain.vocabulary.yaml"
MODEL = sl.load("back-leg-pain")
TERMS = yaml.safe_load(DATA.read_text(encoding="utf-8"))
WANTED = {"terms": 0.95, "set_aside": 0.95, "fresh": 0.9, "blind": 0.95}
"""Share of each list that is found first or second."""


def missed(part):
    return [
        (entry["term"], MODEL.findings(entry["term"], limit=2).names)
        for entry in TERMS[part]
        if not set(MODEL.findings(entry["term"], limit=2).names) & set(entry["right"])
    ]


@pytest.mark.slow
@pytest.mark.parametrize("part", WANTED)
def test_what_people_say_is_found_first_or_second(part):
    wrong = missed(part)
    assert len(wrong) <= (1.0 - WANTED[part]) * len(TERMS[part]), wrong


def test_the_lists_are_as_long_as_they_say_and_name_nodes():
    assert len(TERMS["terms"]) == 120
    assert len(TERMS["set_aside"]) == 40
    entries = [entry for part in TERMS.values() for entry in part]
    assert len({entry["term"] for entry in entries}) == len(entries)
    assert all(name in MODEL.nodes for entry in entries for name in entry["right"])


def test_there_are_synonyms_enough():
    called = [s for node in MODEL.nodes.values() for s in (*node.synonyms, *node.lay)]
    assert len(called) >= 300
    assert all(
        len({s.casefold() for s in (*n.synonyms, *n.lay)}) == len((*n.synonyms, *n.lay))
        for n in MODEL.nodes.values()
    )


@pytest.mark.slow
def test_every_word_of_the_vocabulary_that_means_one_finding_finds_it():
    words = yaml.safe_load(VOCABULARY.read_text(encoding="utf-8"))["words"]
    single = {
        word: next(iter(found))
        for word, meaning in words.items()
        if len(found := meaning.get("present") or meaning.get("absent")) == 1
    }
    wrong = {w: n for w, n in single.items() if n not in MODEL.findings(w, limit=3).names}
    assert not wrong


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if k % 10 == 0 else pytest.mark.slow)
        for k, name in enumerate(MODEL.nodes)
    ],
)
def test_a_name_and_a_label_find_their_node(name):
    assert MODEL.findings(name.replace("_", " ").upper()).names[0] == name
    assert name in MODEL.findings(MODEL.nodes[name].label, limit=2).names


@pytest.mark.parametrize(
    ("typed", "right"),
    [
        ("numbnes", "numbness"),
        ("slipped dsc", "lumbar_disc_herniation"),
        ("drpo foot", "foot_drop"),
        ("dropfoot", "foot_drop"),
        ("incontinance", "bladder_dysfunction"),
        ("Lasègue", "straight_leg_raise"),
        ("paresthesia", "tingling"),
        ("hp:0001945", "fever"),
    ],
)
def test_typos_accents_spellings_and_codes(typed, right):
    assert MODEL.findings(typed).names[0] == right


def test_without_a_word_all_findings_are_listed_in_the_order_of_the_file():
    observable = [n for n, node in MODEL.nodes.items() if node.role in OBSERVABLE]
    assert list(MODEL.findings().names) == observable
    assert list(MODEL.findings("  ").names) == observable
    assert set(MODEL.findings(role="cause").to_frame()["role"]) == {"cause"}
    assert len(MODEL.findings(limit=3)) == 3
    assert MODEL.findings("pain", role="sign", limit=50).to_frame()["role"].eq("sign").all()


def test_the_table_has_what_was_promised():
    found = MODEL.findings("drop foot")
    columns = ["name", "label", "question", "states", "role", "region", "synonyms"]
    assert list(found.to_frame().columns) == columns
    assert pickle.loads(pickle.dumps(found)) == found
    nothing = MODEL.findings("xyzzy")
    assert not len(nothing) and "without a word" in str(nothing)


@pytest.mark.parametrize("wrong", [3, True, b"leg", ["leg"]])
def test_words_that_are_no_text_are_refused(wrong):
    with pytest.raises(SpinelinkError, match="words are a text"):
        MODEL.findings(wrong)
    with pytest.raises(SpinelinkError):
        MODEL.findings("leg", limit=0)
    with pytest.raises(UnknownNameError):
        MODEL.findings("leg", role="nonsense")


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("sciatica", "leg_pain (Leg pain)"),
        ("age", "age_group (Age)"),
        ("drop_foot", "foot_drop (Foot drop)"),
        ("SLR", "straight_leg_raise (Straight leg raise)"),
        ("incontinence", "bladder_dysfunction (New bladder dysfunction)"),
    ],
)
def test_an_unknown_name_is_answered_by_meaning(asked, meant):
    with pytest.raises(UnknownNameError) as caught:
        MODEL.observe({asked: True})
    text = str(caught.value)
    assert f"Did you mean {meant}" in text
    assert f"model.findings({asked!r})" in text and len(text) < 400
    assert str(pickle.loads(pickle.dumps(caught.value))) == text
    with pytest.raises(UnknownNameError, match="Did you mean"):
        MODEL.observe().posterior(asked)


def test_public_codes_work_as_names_of_findings():
    assert MODEL.observe({"HP:0001945": True}) == MODEL.observe(fever=True)
    assert MODEL.observe({"hp:0001945": False}).evidence == {"fever": "absent"}
    with pytest.raises(EvidenceError, match="is the code of 4 nodes: vertebral_fracture, "):
        MODEL.observe({"HP:0002953": True})
    with pytest.raises(EvidenceError, match="given twice"):
        MODEL.observe({"HP:0001945": True}, fever=True)
    with pytest.raises(UnknownNameError):
        MODEL.observe({"HP:9999999": True})


def test_what_is_printed_fits_on_a_screen():
    for text in (repr(MODEL.nodes), str(MODEL.parameters())):
        assert len(text.splitlines()) <= SHOWN + 4
        assert max(map(len, text.splitlines())) <= 130
    assert "169 nodes" in repr(MODEL.nodes) and "findings(" in repr(MODEL.nodes)
    assert MODEL.nodes._repr_html_().count("<tr>") == SHOWN + 1
    assert "to_frame" in str(MODEL.parameters())


def test_names_complete_in_ipython():
    completer = pytest.importorskip("IPython.core.completer")
    own = completer.IPCompleter(namespace={"model": MODEL}, use_jedi=False)
    own.use_jedi = False
    found = own.complete(line_buffer='model.nodes["foot_', cursor_pos=18)[1]
    assert {"foot_drop", "foot_pain", "foot_posture"} <= {f.strip('"]') for f in found}


def test_the_search_text_of_the_explorer_holds_all_that_a_node_is_called():
    hits = {
        "sciatica": "leg_pain",
        "slr": "straight_leg_raise",
        "lasegue": "straight_leg_raise",
        "claudication": "pain_on_walking",
        "incontinence": "bladder_dysfunction",
        "retention": "bladder_dysfunction",
        "paraesthesia": "tingling",
        "radiating": "leg_pain",
        "heroin": "injecting_drug_use",
    }
    for word, name in hits.items():
        assert word in search_text(name, MODEL.nodes[name])


def test_a_public_code_retracts():
    case = MODEL.observe(fever=True, back_pain=True)
    for code in ("HP:0001945", "hp:0001945 "):
        assert case.retract(code) == MODEL.observe(back_pain=True)
    assert case.retract("fever", "HP:0001945") == MODEL.observe(back_pain=True)


def test_a_code_without_a_finding_is_refused_as_a_name_is():
    case = MODEL.observe(back_pain=True)
    for name in ("HP:0001945", "HP:0000001", "fever", "nonsense"):
        with pytest.raises(UnknownNameError, match=f"no finding '{name}' in this case"):
            case.retract(name)


def test_a_code_of_several_nodes_retracts_the_only_one_that_was_found():
    shared = {}
    for name, node in MODEL.nodes.items():
        for code in codes_of(node):
            shared.setdefault(code, []).append(name)
    code, (one, two, *_) = next((c, n) for c, n in shared.items() if len(n) > 1)
    states = {n: MODEL.nodes[n].states[0] for n in (one, two)}
    assert MODEL.observe({one: states[one]}).retract(code) == MODEL.observe()
    with pytest.raises(EvidenceError, match=f"{code} is the code of 2 nodes"):
        MODEL.observe(states).retract(code)
