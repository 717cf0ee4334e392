"""The picture of a network: what is in it, where it stands, and that it is well-formed whatever the names are."""

from __future__ import annotations

from base64 import b64decode
from html.parser import HTMLParser
from itertools import pairwise, product
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import spinelink as sl
from spinelink.diagnosis import Model
from spinelink.errors import ImpossibleEvidenceError, SpinelinkError, UnknownNameError
from spinelink.inference.arc_strength import edge_strengths
from spinelink.network.network import Network
from spinelink.view.layout import HEIGHT, WIDTH, crossing_order, places
from spinelink.view.svg import fit, text_width
from tests import oracle
from tests.inference.test_exact import RELAXED
from tests.strategies import networks

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def minimal():
    return sl.load("minimal")


@pytest.fixture(scope="module")
def large():
    return sl.load("back-leg-pain")


@given(networks(max_nodes=5))
@RELAXED
def test_strengths_are_distances_between_rows(network):
    compiled = Model(network).compiled
    for (p, c), found in edge_strengths(compiled).items():
        parent, child = compiled.names[p], compiled.names[c]
        if network.nodes[child].cpd.kind in ("noisy_or", "noisy_max"):
            continue  # there it is the link alone, whatever the other parents are: the next test
        others = [o for o in network.parents[child] if o != parent]
        states = network.nodes[parent].states
        mean = np.zeros((len(states), len(states)))
        rests = [
            dict(zip(others, each, strict=True))
            for each in product(*(network.nodes[o].states for o in others))
        ]
        for (i, a), (j, b), rest in product(enumerate(states), enumerate(states), rests):
            one, two = (oracle.chance(network, child, {**rest, parent: s}) for s in (a, b))
            mean[i, j] += 0.5 * sum(abs(one[s] - two[s]) for s in one) / len(rests)
        assert found == pytest.approx(mean.max(), abs=1e-9)


def test_strength_of_a_link(minimal):
    compiled = minimal.compiled
    key = compiled.index["scoliosis"], compiled.index["back_pain"]
    estimate = (
        minimal.parameters().to_frame().set_index("id").loc["back_pain.link.scoliosis", "estimate"]
    )
    assert edge_strengths(compiled)[key] == pytest.approx(estimate)


def test_every_node_and_every_arrow_is_there(minimal):
    found = minimal.graph()
    assert {n.name for n in found.nodes} == set(minimal.nodes)
    assert {(a.parent, a.child) for a in found.arrows} == set(minimal.to_networkx().edges)
    assert found.left_out == 0
    column = {n.name: n.column for n in found.nodes}
    assert all(column[a.parent] <= column[a.child] for a in found.arrows)
    marginals = minimal.observe().posteriors()["posterior"]
    for n in found.nodes:
        assert n.probability == pytest.approx(
            1.0 - marginals[(n.name, minimal.nodes[n.name].states[0])]
        )


def test_evidence_and_change_are_marked(minimal):
    case = minimal.observe(
        numbness=True, leg_pain={"none": 0, "above_knee": 0.5, "below_knee": 1.0}
    )
    found = {n.name: n for n in case.graph().nodes}
    assert found["numbness"].finding == "present" and found["numbness"].probability is None
    assert found["leg_pain"].finding == "uncertain"
    herniation = found["lumbar_disc_herniation"]
    assert (
        herniation.before
        < herniation.probability
        == pytest.approx(case.posterior("lumbar_disc_herniation")["present"])
    )
    tip = found["numbness"].tooltip
    assert "Found: present" in tip and "Sources: " in tip


def test_what_is_around_a_node(minimal, large):
    found = {n.name for n in large.graph(around="leg_pain", distance=1).nodes}
    assert found == {
        "leg_pain",
        *large.network.parents["leg_pain"],
        *large.network.children["leg_pain"],
    }
    assert {n.name for n in minimal.graph(around=["scoliosis"], distance=0).nodes} == {"scoliosis"}


def test_a_large_network_folds_and_loses_nothing(large):
    found = large.graph()
    members = [m for n in found.nodes for m in n.members]
    assert sorted(members) == sorted(large.nodes) and len(found) <= 60
    of = {m: n.name for n in found.nodes for m in n.members}
    strengths = edge_strengths(large.compiled)
    names = large.compiled.names
    for a in found.arrows:
        inside = [
            s
            for (p, c), s in strengths.items()
            if (of[names[p]], of[names[c]]) == (a.parent, a.child)
        ]
        assert a.strength == pytest.approx(max(inside))


def test_the_part_of_a_case_that_matters(large):
    case = large.observe(leg_pain="below_knee", numbness=True, fever=False)
    found = {n.name for n in case.graph().nodes}
    assert {
        *case.findings,
        *(c.cause for c in case.differential(limit=8).causes),
        "nerve_root_compression",
    } <= found
    assert len(found) < 40 and case.graph().left_out == len(large.nodes) - len(found)


def boxes(svg):
    root = ET.fromstring(svg)
    width, height = map(float, root.get("viewBox").split()[2:])
    found = [
        [float(r.get(k)) for k in ("x", "y", "width", "height")]
        for g in root.iter(f"{SVG}g")
        if g.get("class") == "node"
        for r in g.findall(f"{SVG}rect")[:1]
    ]
    return width, height, found


@pytest.mark.parametrize("name", ["minimal", "back-leg-pain"])
def test_nothing_overlaps_or_is_cut_off(name):
    model = sl.load(name)
    for graph in (
        model.graph(),
        model.graph(fold=False, probabilities=False),
        model.observe(numbness=True).graph(),
    ):
        width, height, found = boxes(graph.svg)
        assert len(found) == len(graph)
        for x, y, w, h in found:
            assert x >= 0 and y >= 0 and x + w <= width and y + h <= height
        for x, _, _, _ in found:
            column = sorted(y for other, y, _, _ in found if other == x)
            assert all(b - a >= HEIGHT for a, b in pairwise(column))
        assert width <= 1020  # about a notebook cell: at that width the text keeps its size


def crossings(graph, at):
    column = {n.name: n.column for n in graph.nodes}
    short = [
        (column[a.parent], at[a.parent], at[a.child])
        for a in graph.arrows
        if column[a.child] == column[a.parent] + 1
    ]
    return sum(
        one[0] == two[0] and (one[1] - two[1]) * (one[2] - two[2]) < 0
        for k, one in enumerate(short)
        for two in short[:k]
    )


def test_the_order_has_fewer_crossings_than_that_of_the_file(large):
    graph = large.graph(fold=False, probabilities=False)
    given_order = {n.name: float(k) for k, n in enumerate(graph.nodes)}
    assert crossings(graph, crossing_order(graph.nodes, graph.arrows)) < 0.8 * crossings(
        graph, given_order
    )


def test_an_imported_network_stands_in_columns_by_depth(minimal):
    other = sl.from_pgmpy(minimal.to_pgmpy())
    found = other.graph()
    column = {n.name: n.column for n in found.nodes}
    assert {n.role for n in found.nodes} == {"other"} and len(set(column.values())) >= 3
    at = places(found.nodes, found.arrows)
    assert len(set(at.values())) == len(at)


def test_text_is_escaped_and_cut_to_fit(minimal):
    evil = "<script>alert('x')</script> & \"quoted\" " * 3
    node = minimal.network.nodes["scoliosis"].model_copy(
        update={"label": evil.strip(), "description": evil}
    )
    model = Model(
        minimal.network.model_copy(update={"nodes": {**minimal.network.nodes, "scoliosis": node}})
    )
    svg = model.observe(numbness=True).graph().svg
    ET.fromstring(svg)
    assert (
        "<script" not in svg
        and "<script" not in model._repr_html_()
        and "<script" not in model.observe(scoliosis=True)._repr_html_()
    )
    for text in (
        evil,
        "Leg pain: below_knee",
        "m" * 80,
        "Numbness around the genitals, anus or inner thighs: present",
    ):
        assert text_width(fit(text, WIDTH - 10)) <= WIDTH - 10
    assert fit("Numbness around the genitals: present", 120).endswith(": present")


def test_it_is_written_and_shown(minimal, tmp_path):
    graph = minimal.graph()
    path = graph.save(tmp_path / "net.svg")
    assert ET.parse(path).getroot().tag == f"{SVG}svg"
    assert "not a medical device" in graph._repr_html_().lower() and "12 boxes" in str(graph)
    assert len(graph.to_frame()) == 12
    assert (
        "background:#fff" in path.read_text()
        and "currentColor" in graph.svg
        and "background:#fff" not in graph.svg
    )
    assert (
        "<svg" in minimal._repr_html_() and "<svg" in minimal.observe(numbness=True)._repr_html_()
    )


def test_a_contradiction_is_shown_in_words(minimal):
    sure = minimal.with_parameters(
        {"numbness.leak": 0.0, "numbness.link.nerve_root_compression.one_side": 1.0}
    )
    case = sure.observe(nerve_root_compression="one_side", numbness=False)
    with pytest.raises(ImpossibleEvidenceError):
        case.graph()
    assert "cannot occur together" in case._repr_html_()


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"around": "leg_pane"}, UnknownNameError),
        ({"distance": -1}, SpinelinkError),
        ({"distance": 1.5}, SpinelinkError),
    ],
)
def test_bad_questions_are_refused(minimal, options, error):
    with pytest.raises(error):
        minimal.graph(**options)


@given(st.text(max_size=60), st.floats(20, 200))
@RELAXED
def test_a_cut_text_is_never_wider(text, room):
    assert text_width(fit(text, room)) <= max(room, text_width(text[:6] + "..."))


class Sanitized(HTMLParser):
    """What Jupyter's sanitizer leaves of an output that is not trusted: no <style> nor <script> with what is in it; no SVG, but its words."""

    def __init__(self):
        super().__init__()
        self.hidden, self.dropped, self.words, self.images = 0, 0, [], []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.dropped += tag in ("style", "script")
        if tag == "div":
            self.hidden += bool(self.hidden) or "display:none" in (attrs.get("style") or "")
        if tag == "img":
            self.images.append(attrs)

    def handle_endtag(self, tag):
        self.dropped -= tag in ("style", "script")
        if tag == "div" and self.hidden:
            self.hidden -= 1

    def handle_data(self, data):
        if not self.hidden and not self.dropped:
            self.words.append(data)


def test_a_notebook_that_is_not_trusted_shows_an_image_and_no_wall_of_words(minimal):
    graph = minimal.observe(numbness=True).graph()
    left = Sanitized()
    left.feed(graph._repr_html_())
    (image,) = left.images
    picture = b64decode(image["src"].removeprefix("data:image/svg+xml;base64,")).decode()
    assert boxes(picture) == boxes(graph.svg)
    assert "strength" not in " ".join(left.words) and len(" ".join(left.words)) < 150
    for n in graph.nodes:
        assert n.label in image["alt"]
    assert "Numbness in the leg present" in image["alt"]


def without_roles(count):
    """A network of so many nodes with no roles, as imported ones are: each hangs on some of the twelve before it."""
    random = np.random.default_rng(1)
    names = [f"variable_{k:03d}" for k in range(count)]
    nodes = {}
    for k, name in enumerate(names):
        parents = (
            [names[p] for p in sorted(set(random.integers(max(0, k - 12), k, size=2).tolist()))]
            if k
            else []
        )
        rows = [
            {"given": dict(zip(parents, each, strict=True)), "probability": {"estimate": 0.1 + 0.6 * (each.count("present") / max(len(each), 1)), "equivalent_sample_size": 10, "grade": "judged", "note": "made up"}}
            for each in product(("absent", "present"), repeat=len(parents))
        ]  # fmt: skip
        cpd = (
            {"kind": "table", "parents": parents, "rows": rows}
            if parents
            else {"kind": "prior", "prior": rows[0]["probability"]}
        )
        nodes[name] = {"role": "other", "label": name, "cpd": cpd}
    return Model(
        Network.model_validate(
            {"spinelink": 1, "name": "plain", "title": "Plain", "version": "1", "nodes": nodes}
        )
    )


@pytest.mark.parametrize("count", [5, 120])
def test_a_network_without_roles_stands_in_balanced_columns(count):
    graph = without_roles(count).graph()
    column = {n.name: n.column for n in graph.nodes}
    filled = [list(column.values()).count(k) for k in range(max(column.values()) + 1)]
    assert len(graph) == count and len(filled) <= 6 and min(filled) > 0
    assert max(filled) <= max(1.5 * count / len(filled), 3)
    assert all(column[a.parent] <= column[a.child] for a in graph.arrows)  # no arrow runs back
    at = places(graph.nodes, graph.arrows)
    assert len(set(at.values())) == count


def test_a_case_of_a_network_without_causes_has_a_picture():
    case = without_roles(80).observe(variable_040="present")
    assert {"variable_040", *case.model.network.parents["variable_040"]} <= {
        n.name for n in case.graph().nodes
    }
    assert "<svg" in case._repr_html_()
