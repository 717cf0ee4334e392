"""The explorer in Chromium: what a person clicks, types and sees. The page is the widget's own script; its messages are answered by the widget's own Python."""

from __future__ import annotations

import json

import pytest

import spinelink as sl
from spinelink.cli import main
from spinelink.diagnosis import Case
from tests.notebook.browser import Stand, chromium, needs_chromium

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.slow]


@pytest.fixture(scope="module")
def browser():
    needs_chromium()
    with chromium() as found:
        yield found


@pytest.fixture
def stand(browser):
    made = []

    def open_(case, **options):
        context = browser.new_context(
            viewport={"width": options.pop("viewport", 1000), "height": 900}, accept_downloads=True
        )
        made.append(context)
        stand = Stand(context.new_page(), case, **options)
        stands.append(stand)
        return stand

    stands: list[Stand] = []
    yield open_
    for each in stands:
        assert each.problems == []
    for context in made:
        context.close()


@pytest.fixture(scope="module")
def minimal():
    return sl.load("minimal")


@pytest.fixture(scope="module")
def large():
    from spinelink.inference.kernel.engine import is_available

    return sl.load("back-leg-pain", engine="fast" if is_available() else "numpy")


@pytest.fixture(scope="module")
def unranked(minimal):
    return sl.from_pgmpy(minimal.to_pgmpy())


def percent(p):
    return f"{100 * p:.1f} %" if p < 0.1 else f"{100 * p:.0f} %"


def test_three_clicks_give_what_python_computes_and_undo_takes_the_last_back(stand, minimal):
    page = stand(minimal.observe())
    for node, state in (
        ("numbness", "present"),
        ("leg_pain", "below_knee"),
        ("back_pain", "absent"),
    ):
        page.click(node, state)
    expected = minimal.observe(numbness=True, leg_pain="below_knee", back_pain=False)
    assert page.explorer.case == expected
    assert page.causes() == [
        [c.cause, percent(c.posterior)] for c in expected.differential(limit=None).causes
    ]
    pointed = page.page.locator(".slx-pointed").inner_text()
    assert pointed == expected.differential().pointed_to_in_words
    assert page.row("numbness").get_attribute("data-known") == "true"
    page.page.get_by_role("button", name="Undo").click()
    page.page.wait_for_function("window.stand.state.view.findings.back_pain === undefined")
    assert page.explorer.case == minimal.observe(numbness=True, leg_pain="below_knee")
    assert page.row("back_pain").locator("[aria-checked='true']").count() == 0


def test_an_alert_appears_and_is_spoken(stand, minimal):
    page = stand(minimal.observe(leg_pain="below_knee"))
    assert page.page.locator(".slx-alert").count() == 0
    assert "does not exclude an emergency" in page.page.locator(".slx-panel").inner_text()
    page.click("bladder_dysfunction", "present")
    assert "EMERGENCY" in page.page.locator(".slx-alert").inner_text()
    assert "emergency" in page.page.locator(".slx-spoken").text_content()


def test_the_same_state_again_is_not_assessed(stand, minimal):
    page = stand(minimal.observe())
    page.click("numbness", "absent")
    assert dict(page.explorer.case.findings) == {"numbness": "absent"}
    page.click("numbness", "absent")
    assert dict(page.explorer.case.findings) == {}


def test_what_takes_longer_arrives(stand, minimal):
    page = stand(minimal.observe(leg_pain="below_knee", back_pain=True, numbness=True))
    assert "computing" in page.page.locator(".slx-waiting").first.inner_text()
    page.later()
    assert page.page.locator(".slx-waiting").count() == 0
    case = page.explorer.case
    text = page.page.locator(".slx-panel").inner_text()
    assert f"Linked with probability {percent(case.link().probability)}" in text
    low = case.intervals(["lumbar_disc_herniation"], method="delta")["lumbar_disc_herniation"].low
    assert f"{percent(low)} to" in text
    best = case.next_best(
        limit=1,
        among=[n for n, v in case.model.nodes.items() if v.role in ("context", "symptom", "sign")],
    )[0]
    asked = page.page.locator(f".slx-ask[data-node='{best.nodes[0]}'] button").last
    state = asked.get_attribute("data-answer")
    asked.click()
    page.page.wait_for_function("window.stand.state.view.version > 0")
    assert page.explorer.case == case.observe({best.nodes[0]: state})


def test_search_finds_and_hides(stand, large):
    page = stand(large.observe())
    page.page.get_by_role("searchbox").fill("saddle numb")
    observed = page.page.evaluate(
        "[...document.querySelectorAll('.slx-list .slx-row')].filter((r) => r.offsetParent).map((r) => r.dataset.node)"
    )
    assert observed == ["saddle_numbness"]
    for word, node in (
        ("sciatica", "leg_pain"),
        ("SLR", "straight_leg_raise"),
        ("Lasègue", "straight_leg_raise"),
        ("heroin", "injecting_drug_use"),
        ("retention", "bladder_dysfunction"),
        ("drop foot", "foot_drop"),
    ):
        page.page.get_by_role("searchbox").fill(word)
        assert page.page.locator(f'[data-node="{node}"]').is_visible(), word
    page.page.get_by_role("searchbox").fill("qwerty")
    assert 'No finding matches "qwerty"' in page.page.locator(".slx-left").inner_text()
    page.page.get_by_role("searchbox").fill("")
    assert page.page.evaluate(
        "[...document.querySelectorAll('.slx-list details')].every((d) => d.style.display !== 'none')"
    )


def test_a_number_and_a_soft_finding(stand, large):
    page = stand(large.observe())
    age = page.row("age_group").locator(".slx-typed")
    page.row("age_group").evaluate("(e) => (e.closest('details').open = true)")
    age.fill("47")
    age.press("Enter")
    page.page.wait_for_function("window.stand.state.view.findings.age_group === '35-49'")
    row = page.row("leg_pain")
    row.evaluate("(e) => (e.closest('details').open = true)")
    row.get_by_role("button", name="unsure").click()
    slider = row.locator("input[type='range']").first
    slider.evaluate(
        "(e) => { e.value = 0.2; e.dispatchEvent(new Event('input')); e.dispatchEvent(new Event('change')); }"
    )
    page.page.wait_for_function("typeof window.stand.state.view.findings.leg_pain === 'object'")
    likelihoods = dict(page.explorer.case.findings["leg_pain"])
    assert likelihoods["none"] / likelihoods["below_knee"] == pytest.approx(0.2)
    age.fill("7")
    age.press("Enter")
    page.page.wait_for_function("window.stand.state.view.error !== ''")
    assert "outside" in page.page.locator(".slx-error").first.inner_text()
    assert age.input_value() == "47"  # what the finding came from, not what was refused
    for wrong in ("1e999", "4-7e", "forty"):
        sent = page.page.evaluate("window.stand.sent.length")
        age.fill(wrong)
        age.press("Enter")
        assert (
            f"{wrong} is not a number of years"
            in page.page.locator(".slx-error").first.inner_text()
        )
        assert (
            page.page.evaluate("window.stand.sent.length") == sent
            and page.explorer.case.findings["age_group"] == "35-49"
        )
        assert age.input_value() == "47"
    page.click("age_group", "18-34")
    page.settle()
    assert age.input_value() == ""
    page.page.get_by_role("button", name="Undo").click()
    page.settle()
    assert age.input_value() == "47"


def slide(page, row, position, value):
    row.locator("input[type='range']").nth(position).evaluate(
        "(e, v) => { e.value = v; e.dispatchEvent(new Event('input')); e.dispatchEvent(new Event('change')); }",
        value,
    )
    page.settle()
    return row.locator("input[type='range']").evaluate_all(
        "(all) => all.map((e) => Number(e.value))"
    )


def test_soft_findings_lose_nothing_and_never_flip(stand, minimal):
    given = {"none": 0.001, "above_knee": 0.004, "below_knee": 1.0}
    page = stand(minimal.observe(leg_pain=given))
    row = page.row("leg_pain")
    assert slide(page, row, 2, 0.5) == [0.002, 0.008, 1.0]
    assert dict(page.explorer.case.findings["leg_pain"]) == {
        "none": 0.002,
        "above_knee": 0.008,
        "below_knee": 1.0,
    }
    numbness = page.row("numbness")
    numbness.evaluate("(e) => (e.closest('details').open = true)")
    numbness.get_by_role("button", name="unsure").click()
    assert slide(page, numbness, 0, 0) == [0, 1]
    assert (
        page.explorer.case.findings["numbness"] == "present"
        and "A certain finding: present" in numbness.inner_text()
    )
    assert slide(page, numbness, 1, 0) == [0, 1]
    assert page.explorer.case.findings["numbness"] == "present"
    assert "at least one state" in page.page.locator(".slx-error").first.inner_text()
    assert slide(page, numbness, 0, 0.3) == [0.3, 1]
    assert dict(page.explorer.case.findings["numbness"]) == {"absent": 0.3, "present": 1.0}


def test_what_contradicts_is_refused_in_words(stand, minimal):
    sure = minimal.with_parameters(
        {
            "numbness.leak": 0.0,
            "numbness.link.nerve_root_compression.one_side": 0.0,
            "numbness.link.nerve_root_compression.both_sides": 0.0,
        }
    )
    page = stand(sure.observe())
    page.click("numbness", "present")
    page.page.wait_for_function("window.stand.state.view.error !== ''")
    assert "cannot occur" in page.page.locator(".slx-error").first.inner_text()
    assert dict(page.explorer.case.findings) == {}


def test_tabs_why_graph_numbers_export(stand, minimal):
    page = stand(minimal.observe(numbness=True, leg_pain="below_knee"))
    page.page.get_by_role("tab", name="Why").click()
    page.later()
    assert "Why Lumbar disc herniation" in page.page.locator(".slx-panel").inner_text()
    page.page.get_by_role("tab", name="Graph").click()
    page.later()
    assert page.page.locator(".slx-panel svg g.node").count() == len(page.explorer.case.graph())
    page.page.get_by_role("tab", name="Numbers").click()
    page.later()
    slider = page.page.locator(
        "[data-number='lumbar_disc_herniation.baseline'], [data-number^='lumbar_disc_herniation']"
    ).first
    name = slider.get_attribute("data-number")
    slider.evaluate("(e) => { e.value = e.max; e.dispatchEvent(new Event('change')); }")
    page.page.wait_for_function("Object.keys(window.stand.state.view.changed).length === 1")
    changed = page.explorer.view["changed"]
    assert page.explorer.case == minimal.with_parameters(changed).observe(
        page.explorer.case.evidence
    )
    page.later()
    with page.page.expect_download() as download:
        page.page.get_by_role("button", name="Save as patch").click()
    saved = json.loads(download.value.path().read_text())
    assert saved["parameters"] == {name: pytest.approx(changed[name])}
    page.page.get_by_role("button", name="Reset all numbers").click()
    page.page.wait_for_function("Object.keys(window.stand.state.view.changed).length === 0")
    page.page.get_by_role("tab", name="Export").click()
    page.later()
    line = page.page.locator(".slx-code").first.inner_text()
    there: dict[str, Case] = {}
    exec(line, {"sl": sl}, there)
    assert there["case"] == page.explorer.case


def test_another_population(stand, large):
    page = stand(large.observe(leg_pain="below_knee"))
    page.page.get_by_role("combobox", name="population").select_option("emergency")
    page.page.wait_for_function("window.stand.state.view.setting === 'emergency'")
    expected = large.in_setting("emergency").observe(leg_pain="below_knee")
    assert page.explorer.case == expected
    assert page.causes()[0] == [
        expected.differential()[0].cause,
        percent(expected.differential()[0].posterior),
    ]


def test_by_keyboard_alone(stand, minimal):
    page = stand(minimal.observe())
    keys = page.page.keyboard
    page.row("numbness").evaluate("(e) => (e.closest('details').open = true)")
    page.row("numbness").locator("button[tabindex='0']").first.focus()
    keys.press("ArrowRight")
    assert page.page.evaluate("document.activeElement.dataset.state") == "present"
    keys.press("Enter")
    page.page.wait_for_function("window.stand.state.view.findings.numbness === 'present'")
    assert (
        page.page.evaluate("document.activeElement.dataset.state") == "present"
    )  # the focus stays
    keys.press("Delete")
    page.page.wait_for_function("window.stand.state.view.findings.numbness === undefined")
    page.page.get_by_role("tab", name="Answers").focus()
    keys.press("ArrowRight")
    assert page.page.get_by_role("tab", name="Why").get_attribute("aria-selected") == "true"
    unnamed = page.page.evaluate(
        "[...document.querySelectorAll('.slx button, .slx input, .slx select')].filter((e) => !(e.textContent.trim() || e.getAttribute('aria-label'))).length"
    )
    assert unnamed == 0
    groups = page.page.evaluate(
        "[...document.querySelectorAll('[role=radiogroup]')].every((g) => g.querySelectorAll('[role=radio][tabindex=\"0\"]').length === 1)"
    )
    assert groups


FOCUS = "(document.activeElement.dataset.number || document.activeElement.dataset.part || document.activeElement.getAttribute('aria-label') || document.activeElement.textContent)"


def test_the_focus_is_never_lost(stand, minimal):
    page = stand(minimal.observe(leg_pain="below_knee"))
    keys = page.page.keyboard
    page.page.get_by_role("tab", name="Numbers").click()
    page.settle()
    slider = page.page.locator("[data-number]:not(:disabled)").first
    name, before = slider.get_attribute("data-number"), float(slider.input_value())
    slider.focus()
    for _ in range(2):
        keys.press("ArrowRight")
        page.settle()
        assert page.page.evaluate(FOCUS) == name
    assert float(page.page.locator(f"[data-number='{name}']").input_value()) > before
    page.page.get_by_role("button", name="Reset all numbers").focus()
    keys.press("Enter")
    page.settle()
    assert page.page.evaluate(FOCUS) == "Reset all numbers"
    page.page.get_by_role("tab", name="Answers").click()
    page.later()
    answer = page.page.locator("section[data-part='next'] button[data-answer]").last
    question = (
        answer.locator("xpath=ancestor::*[@data-node]")
        .locator(".slx-name")
        .evaluate("(e) => e.firstChild.textContent")
    )
    assert answer.get_attribute("aria-label") == f"{question} {answer.inner_text()}"
    page.page.locator(".slx-panel").evaluate("(e) => (e.scrollTop = 20)")
    at = page.page.locator(".slx-panel").evaluate("(e) => e.scrollTop")
    answer.evaluate("(e) => e.focus({ preventScroll: true })")
    keys.press("Enter")
    page.settle()
    assert (
        page.page.evaluate(FOCUS) == "next"
    )  # the question has gone; its part of the panel has not
    assert page.page.locator(".slx-panel").evaluate("(e) => e.scrollTop") == at
    page.later()
    assert (
        page.page.evaluate(FOCUS) == "next"
        and page.page.locator(".slx-panel").evaluate("(e) => e.scrollTop") == at
    )
    undo = page.page.get_by_role("button", name="Undo")
    while page.explorer.view["can_undo"]:
        undo.focus()
        keys.press("Enter")
        page.settle()
    assert page.page.evaluate(FOCUS) == "Undo"


def test_roles_of_tabs_and_choices(stand, minimal):
    page = stand(minimal.observe())
    for name in ("Answers", "Why"):
        tab = page.page.get_by_role("tab", name=name)
        tab.click()
        panel = page.page.get_by_role("tabpanel", name=name)  # named by its tab
        assert tab.get_attribute("aria-controls") == panel.get_attribute("id")
    inside = page.page.evaluate(
        "[...document.querySelectorAll('[role=radiogroup]')].flatMap((g) => [...g.children].map((e) => e.getAttribute('role')))"
    )
    assert set(inside) == {"radio"}


def test_keys_stay_in_the_widget(stand, minimal):
    page = stand(minimal.observe())
    page.page.evaluate(
        "(window.heard = [], document.addEventListener('keydown', (e) => window.heard.push(e.key)))"
    )
    open_to_jupyter = page.page.evaluate(
        "[...document.querySelectorAll('.slx, .slx button, .slx input, .slx select, .slx summary, .slx [tabindex]')].filter((e) => !e.hasAttribute('data-lm-suppress-shortcuts')).length"
    )
    assert open_to_jupyter == 0
    page.page.get_by_role("tab", name="Answers").focus()
    for key in ("b", "x", "ArrowDown", "d", "Enter", "z", "Tab"):
        page.page.keyboard.press(key)
    assert page.page.evaluate("window.heard") == ["Tab"]


def test_a_kernel_that_does_not_answer_is_said(stand, minimal):
    page = stand(minimal.observe())
    page.page.evaluate("window.stand.deaf = true")
    page.click_only("numbness", "present")
    page.page.wait_for_function(
        "document.querySelector('.slx-silence').textContent.includes('No answer from the kernel')",
        timeout=15_000,
    )
    page.page.evaluate("window.stand.deaf = false")
    page.click_only("numbness", "absent")
    page.page.wait_for_function("document.querySelector('.slx-silence').textContent === ''")
    page.page.evaluate("window.stand.fire('comm:close')")
    assert "No answer from the kernel" in page.page.locator(".slx-silence").inner_text()


def test_all_causes_can_be_looked_up(stand, large):
    page = stand(large.observe(leg_pain="below_knee"))
    assert len(page.causes()) == 12
    page.page.get_by_role("button", name="Show all").click()
    assert [n for n, _ in page.causes()] == [
        c.cause for c in large.observe(leg_pain="below_knee").differential(limit=None).causes
    ]
    assert page.page.evaluate("document.activeElement.textContent") == "Show the first 12"


def test_a_network_without_causes(stand, unranked):
    page = stand(unranked.observe(), of=["lumbar_disc_herniation", "leg_pain"])
    page.click("numbness", "present")
    page.later()
    case = unranked.observe(numbness=True)
    shown = dict(page.causes())
    assert shown["lumbar_disc_herniation"] == percent(
        case.posterior("lumbar_disc_herniation")["present"]
    )
    assert shown["leg_pain=below_knee"] == percent(case.posterior("leg_pain")["below_knee"])
    assert page.page.locator("section[data-part='next'] .slx-ask").count() > 0
    page = stand(unranked.observe())
    for tab in ("Why", "Graph", "Numbers", "Export", "Answers"):
        page.page.get_by_role("tab", name=tab).click()
        page.later()
    assert (
        len(page.causes()) == 12
        and "explore(of=[...])" in page.page.locator(".slx-panel").inner_text()
    )
    assert page.page.locator(".slx-waiting").count() == 0


def test_the_findings_as_a_file(stand, large, tmp_path, capsys):
    case = large.observe(
        age_group=47,
        numbness=True,
        leg_pain={"none": 1e-7, "above_knee": 0.3, "below_knee": 1},
        fever=False,
    )
    page = stand(case)
    page.page.get_by_role("tab", name="Export").click()
    page.later()
    with page.page.expect_download() as download:
        page.page.get_by_role("button", name="Save the findings").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert large.observe(json.loads(file.read_text())) == case
    shown = page.page.locator(".slx-code").last.inner_text()
    assert f"@{file.name}" in shown
    words = [w.replace("@", f"@{tmp_path}/") for w in shown.split()[1:]]
    assert main([*words, "--json"]) == 0
    first = json.loads(capsys.readouterr().out)["result"]["causes"][0]
    expected = case.differential()[0]
    assert (first["cause"], first["posterior"]) == (
        expected.cause,
        pytest.approx(expected.posterior, rel=1e-9),
    )


@pytest.mark.parametrize(
    ("dark", "width", "viewport"),
    [
        (False, 960, 1000),
        (True, 960, 1000),
        (False, 700, 740),
        (False, 600, 1400),
        (True, 780, 1400),
    ],
)
def test_nothing_is_cut_off_and_text_has_contrast(stand, large, dark, width, viewport):
    case = large.observe(
        age_group=47, leg_pain="below_knee", numbness=True, bladder_dysfunction="retention"
    )
    page = stand(case, dark=dark, width=width, viewport=viewport)
    for tab in (
        ("Why", "Graph", "Numbers", "Answers") if viewport <= 1000 else ("Export", "Answers")
    ):  # a narrow cell in a wide window
        page.page.get_by_role("tab", name=tab).click()
        page.later()
        wide = page.page.evaluate(
            """[...document.querySelectorAll('.slx *')].filter((e) => e.offsetParent && !e.closest('svg') && !e.closest('.slx-spoken') && e.scrollWidth > e.clientWidth + 1
                && getComputedStyle(e).overflowX !== 'visible').map((e) => e.className + ' ' + e.scrollWidth + '>' + e.clientWidth)"""
        )
        assert wide == [], tab
        outside = page.page.evaluate(
            "[...document.querySelectorAll('.slx button')].filter((e) => e.offsetParent).filter((e) => { const b = e.getBoundingClientRect(), r = e.closest('.slx').getBoundingClientRect(); return b.right > r.right + 1 || b.left < r.left - 1; }).length"
        )
        assert outside == 0
        page.shot(f"explorer-{tab.lower()}-{'dark' if dark else 'light'}-{width}")
    poor = page.page.evaluate(CONTRAST)
    assert poor == []
    assert page.page.evaluate(BAR_CONTRAST) >= 3.0  # WCAG 2.2, 1.4.11


BAR_CONTRAST = """() => {
  const channel = (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const bar = document.querySelector('tr[data-cause] .slx-bar'), page = parse(getComputedStyle(document.querySelector('.slx')).backgroundColor);
  const top = parse(getComputedStyle(bar).backgroundColor), under = top.slice(0, 3).map((v, k) => v * (top[3] ?? 1) + (page[k] ?? 255) * (1 - (top[3] ?? 1)));
  const [a, b] = [light(parse(getComputedStyle(bar.querySelector('i')).backgroundColor)), light(under)].sort((x, y) => y - x);
  return (a + 0.05) / (b + 0.05);
}"""

CONTRAST = """() => {
  const channel = (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const over = (top, under) => top.slice(0, 3).map((v, k) => v * (top[3] ?? 1) + under[k] * (1 - (top[3] ?? 1)));
  const back = (e) => {
    const stack = [];
    for (let each = e; each; each = each.parentElement) stack.push(parse(getComputedStyle(each).backgroundColor));
    return stack.reverse().reduce((under, c) => (c.length ? over(c.length === 3 ? [...c, 1] : c, under) : under), [255, 255, 255]);
  };
  const found = [];
  for (const e of document.querySelectorAll('.slx button, .slx span, .slx p, .slx td, .slx strong, .slx div')) {
    if (!e.offsetParent || e.disabled || ![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())) continue;
    let faint = 1;
    for (let each = e; each; each = each.parentElement) faint *= Number(getComputedStyle(each).opacity);
    const under = back(e), ink = over([...parse(getComputedStyle(e).color).slice(0, 3), faint], under);
    const [a, b] = [light(ink), light(under)].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) found.push(`${e.className}: ${e.textContent.slice(0, 30)} ${((a + 0.05) / (b + 0.05)).toFixed(2)}`);
  }
  return found;
}"""


EASY = (
    ("leg_pain", "below_knee"),
    ("numbness", "present"),
    ("fever", "absent"),
    ("night_pain", "absent"),
    ("weight_loss", "absent"),
)
HARD = (
    "tingling",
    "leg_weakness",
    "shooting_leg_pain",
    "calf_pain",
    "foot_pain",
    "worse_on_sitting",
    "morning_stiffness",
)


def test_time_from_click_to_redraw(stand, large, record_property):
    page = stand(large.observe(age_group=47, back_pain=True))
    taken = []
    for node, state in (*EASY, *((node, "present") for node in HARD)):
        page.page.evaluate("delete document.querySelector('.slx').dataset.redraw")
        page.click(node, state)
        taken.append(
            float(
                page.page.wait_for_function(
                    "document.querySelector('.slx').dataset.redraw"
                ).json_value()
            )
        )
    easy, hard = taken[: len(EASY)], taken[len(EASY) :]
    words = f"longest of {len(EASY)} easy clicks {max(easy):.0f}, of {len(HARD)} hard ones (present findings that share causes) {max(hard):.0f}"
    record_property("measured click to redraw on back-leg-pain, ms", f"{max(taken):.0f} ({words})")
    assert len(taken) == 12  # printed, not asserted: tests do not time


@pytest.mark.parametrize("font", ["", "sans-serif", "serif", "monospace", "DejaVu Sans"])
def test_graph_text_stays_inside_its_box(browser, large, font):
    page = browser.new_page(viewport={"width": 1000, "height": 900})
    style = f"<style>svg text{{font-family:{font}!important}}</style>" if font else ""
    case = large.observe(
        age_group=47,
        leg_pain="below_knee",
        numbness=True,
        bladder_dysfunction="retention",
        fever=False,
    )
    for graph in (
        large.graph(),
        case.graph(),
        large.graph(around="leg_pain"),
        large.graph(fold=False, probabilities=False),
    ):
        page.set_content(f"<body style='margin:0;width:960px'>{style}{graph._repr_html_()}</body>")
        out = page.evaluate(
            """[...document.querySelectorAll('g.node')].flatMap((g) => { const box = g.querySelector('rect').getBBox();
              const texts = [...g.querySelectorAll('text')].map((t) => [t.textContent, t.getBBox()]);
              const bad = texts.filter(([_, b]) => b.x < box.x || b.x + b.width > box.x + box.width + 0.5 || b.y + b.height > box.y + box.height + 3).map(([t]) => t);
              if (texts.length === 2 && texts[0][1].x + texts[0][1].width > texts[1][1].x) bad.push('overlap ' + texts[0][0]);
              return bad; })"""
        )
        assert out == []
        legend = page.evaluate(
            """[...document.querySelectorAll('svg > g:not(.node) > text')].map((t) => t.getBoundingClientRect()).map((r) => [r.left, r.right, r.top, r.bottom])"""
        )
        for k, (left, _, top, bottom) in enumerate(legend):
            assert not [
                r for _, r, t, b in legend[:k] if r > left and t < bottom - 1 and b > top + 1
            ], "the legend runs into itself"
        assert max((right for _, right, _, _ in legend), default=0) <= 962
        assert page.evaluate("document.documentElement.scrollWidth") <= 1000
        observed = page.evaluate(
            "[...document.querySelectorAll('.spinelink-image, .spinelink-svg')].map((e) => !!e.offsetHeight)"
        )
        assert observed == [
            False,
            True,
        ]  # here the style is let through: the SVG itself, with its tooltips
    page.close()


def test_wide_tables_scroll_in_their_own_box(browser, large):
    page = browser.new_page(viewport={"width": 900, "height": 900})
    case = large.observe(age_group=47, leg_pain="below_knee", numbness=True)
    for found in (
        large.parameters(),
        case.differential(interval=0.9, draws=32),
        case.next_best(),
        case.across_settings(),
        case.sources(),
    ):
        page.set_content(
            f"<style>body,table{{font-size:13px}}</style><body style='margin:0;width:860px'>{found._repr_html_()}</body>"
        )
        assert page.evaluate("document.documentElement.scrollWidth") <= 900, found.title()
        assert page.evaluate("document.documentElement.scrollHeight") < 2000, found.title()
    page.close()
