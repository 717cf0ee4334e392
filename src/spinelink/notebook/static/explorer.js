// The explorer's front: findings on the left, answers on the right. Shows what Python sends (shell, view, numbers, later) and sends what a person does.
// No library, no network. Every text is set as text, never as markup; only the graph arrives as SVG, escaped where it is made.

const PATIENCE = 5; // seconds without an answer after which it is said that there is none
const REPORT_PATIENCE = 90; // a report takes a while
const TABS = [["answers", "Answers"], ["why", "Why"], ["graph", "Graph"], ["numbers", "Numbers"], ["export", "Export"]];

const FOCUSABLE = new Set(["button", "input", "select", "summary"]);

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== false && value != null) element.setAttribute(key, value === true ? "" : value);
  }
  // Jupyter's shortcuts (b, x, d d, arrows) match the focused element itself, so each that can have the focus must say that they are not for it.
  if (FOCUSABLE.has(tag) || attributes.tabindex != null) element.setAttribute("data-lm-suppress-shortcuts", "true");
  element.append(...children.flat(Infinity).filter((child) => child != null));
  return element;
}

const words = (name) => String(name).replaceAll("_", " ");

// Small letters without accents, as Python writes what a node is called.
const plain = (text) => text.normalize("NFKD").replace(/[^\x00-\x7f]/g, "").toLowerCase();

function percent(p) {
  if (p <= 0 || p >= 1) return `${Math.round(100 * p)} %`;
  if (p < 0.001) return "< 0.1 %";
  if (p > 0.999) return "> 99.9 %";
  return p < 0.1 || p > 0.99 ? `${(100 * p).toFixed(1)} %` : `${Math.round(100 * p)} %`;
}

function short(value) {
  return value === 0 || value === 1 ? String(value) : String(Number(value.toPrecision(3)));
}

// A button that stays reachable by keyboard where there is nothing to do, so that the focus is not lost.
function button(label, attributes, act) {
  const off = attributes["aria-disabled"] === "true";
  return make("button", { type: "button", ...attributes, onclick: off ? () => {} : act }, label);
}

let renders = 0; // ids must be unique in the page

function render({ model, el }) {
  const id = `slx-${Date.now().toString(36)}-${(renders += 1)}`;
  let tab = "answers";
  let all = false; // whether all causes are listed
  let sequence = Math.floor(Math.random() * 1e9) * 1000; // messages of another view of the same explorer have other numbers
  let clicked = null; // when the last message went out, to time the redraw
  let pending = []; // messages without an answer
  let alarm = null;
  const rows = new Map(); // node -> how its row is brought up to date
  const send = (message) => {
    sequence += 1;
    clicked = { sequence, at: performance.now() };
    pending.push(sequence);
    watch(message.kind === "report" ? REPORT_PATIENCE : PATIENCE);
    try {
      Promise.resolve(model.send({ ...message, sequence })).catch(gone);
    } catch {
      gone();
    }
    return sequence;
  };
  const observe = (node, value) => send({ type: "observe", node, value });

  function watch(seconds) {
    if (alarm === null) alarm = setTimeout(() => (silence.textContent = `No answer from the kernel for ${seconds} seconds: these answers do not include your last change. The kernel is busy with another cell, or it has stopped. If it has stopped, run the cell again.`), 1000 * seconds);
  }

  function gone() {
    silence.textContent = "No answer from the kernel: it has stopped, or this widget was closed in Python. Run the cell again; until then, nothing that you do here has an effect.";
  }

  function heard() {
    const at = pending.indexOf(model.get("view").sequence);
    if (at >= 0) pending = pending.slice(at + 1);
    clearTimeout(alarm);
    alarm = null;
    silence.textContent = "";
    if (pending.length && !model.get("view").computing) watch(PATIENCE);
  }

  // -- left: findings
  function choice(node, state, set) {
    return make("button", { type: "button", role: "radio", "aria-checked": "false", tabindex: "-1", "data-state": state, onclick: () => set(state) }, words(state));
  }

  function row(node) {
    const known = () => (model.get("view").findings || {})[node.name];
    const set = (state) => observe(node.name, known() === state ? null : state);
    const buttons = node.states.map((state) => choice(node, state, set));
    buttons[0].tabIndex = 0;
    const name = `${node.label}${node.question ? `: ${node.question}` : ""}`;
    const group = make("span", { class: "slx-radios", role: "radiogroup", "aria-label": name }, buttons);
    group.addEventListener("keydown", (event) => {
      const at = buttons.indexOf(event.target);
      if (at < 0) return;
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (step) {
        event.preventDefault();
        const next = buttons[(at + step + buttons.length) % buttons.length];
        buttons.forEach((button) => (button.tabIndex = button === next ? 0 : -1));
        next.focus();
      } else if (event.key === "Delete" || event.key === "Backspace") {
        event.preventDefault();
        if (known() !== undefined) observe(node.name, null);
      }
    });
    const number = node.unit ? numberField(node) : null;
    const soft = make("div", { class: "slx-soft", hidden: true }, make("span", { class: "slx-quiet" }, "How well does what was seen fit each state? Only the proportions count; what is at 0 is ruled out."));
    const unsure = make("button", { type: "button", title: "unsure: how well does what was seen fit each state?", "aria-expanded": "false", "aria-label": `${node.label}: unsure` }, "~");
    unsure.addEventListener("click", () => {
      soft.hidden = !soft.hidden;
      unsure.setAttribute("aria-expanded", String(!soft.hidden));
    });
    // A finding as weights: a certain one is a 1 among zeros, none is 1 for each. They are kept whole; only what a slider says is read from it.
    const weightsOf = (finding) => node.states.map((state) => (finding === undefined ? 1 : typeof finding === "object" ? finding[state] : Number(finding === state)));
    const sliders = node.states.map((state) => make("input", { type: "range", min: "0", max: "1", step: "any", value: "1", "aria-label": `${node.label}: how well what was seen fits ${words(state)}` }));
    const values = node.states.map(() => make("span", { class: "slx-quiet" }, "1"));
    const certain = make("span", { class: "slx-quiet", role: "status" });
    sliders.forEach((slider, k) => {
      slider.addEventListener("input", () => (values[k].textContent = short(Number(slider.value))));
      slider.addEventListener("change", () => {
        const weights = weightsOf(known());
        weights[k] = Number(slider.value);
        if (weights.every((w) => w === 0)) {
          complain(`${node.label}: what was seen must fit at least one state. Nothing was changed.`);
          refresh(known());
        } else if (weights.every((w) => w === weights[0])) observe(node.name, null); // says nothing
        else observe(node.name, Object.fromEntries(node.states.map((s, j) => [s, weights[j]])));
      });
      soft.append(make("span", {}, words(node.states[k])), slider, values[k]);
    });
    soft.append(certain);
    const choices = make("span", { class: "slx-choices", role: "group", "aria-label": node.label }, number?.field, group, unsure);
    const about = [node.question, node.about].filter(Boolean).join("\n");
    const line = make("div", { class: "slx-row", "data-node": node.name, "data-known": "false" }, make("span", { class: "slx-name", title: about || null }, node.label), choices, soft);
    const refresh = (finding) => {
      line.dataset.known = String(finding !== undefined);
      buttons.forEach((button, k) => {
        const on = finding === node.states[k];
        button.setAttribute("aria-checked", String(on));
        if (on) buttons.forEach((other) => (other.tabIndex = other === button ? 0 : -1));
      });
      const weights = finding && typeof finding === "object" ? finding : null;
      if (weights) {
        soft.hidden = false;
        unsure.setAttribute("aria-expanded", "true");
      }
      unsure.setAttribute("aria-pressed", String(Boolean(weights)));
      weightsOf(finding).forEach((weight, k) => {
        sliders[k].value = weight;
        values[k].textContent = weight > 0 && weight < 0.001 ? weight.toExponential(1) : short(weight);
      });
      certain.textContent = typeof finding === "string" ? `A certain finding: ${words(finding)}.` : finding === undefined ? "Not assessed." : "";
      number?.refresh(finding);
    };
    rows.set(node.name, { line, refresh, text: node.search });
    return line;
  }

  // What is typed is sent as a number, or said to be none; what stands in the field is always what the finding came from.
  function numberField(node) {
    const field = make("input", { type: "text", inputmode: "decimal", class: "slx-typed", "aria-label": `${node.label} in ${node.unit}`, placeholder: node.unit });
    let typed = null; // the text, and the state that it gave
    let sent = null;
    let writing = false;
    const restore = () => {
      const finding = (model.get("view").findings || {})[node.name];
      field.value = typed && typed.state === finding ? typed.text : "";
    };
    field.addEventListener("input", () => (writing = true));
    field.addEventListener("change", () => {
      writing = false;
      const text = field.value.trim();
      const value = /^[-+]?(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : NaN;
      if (text === "") observe(node.name, null);
      else if (Number.isFinite(value)) sent = { text, sequence: observe(node.name, value) };
      else {
        complain(`${node.label}: ${text} is not a number of ${node.unit}; write it in digits, such as 47. Nothing was changed.`);
        restore();
      }
    });
    const refresh = (finding) => {
      const view = model.get("view");
      if (sent && view.sequence === sent.sequence) {
        if (!view.error) typed = { text: sent.text, state: finding };
        sent = null;
      }
      if (!writing && !sent) restore();
    };
    return { field, refresh };
  }

  const search = make("input", { class: "slx-search", type: "search", placeholder: "search findings", "aria-label": "search findings" });
  const list = make("div", { class: "slx-list", role: "group", "aria-label": "findings" });
  const nothing = make("p", { class: "slx-nothing slx-quiet", role: "status" });
  let groups = [];

  function fill() {
    const shell = model.get("shell");
    const known = model.get("view").findings;
    rows.clear();
    groups = (shell.groups || []).map((group) => {
      const count = make("span", { class: "slx-count" });
      const lines = group.nodes.map(row);
      const details = make("details", { open: group.nodes.some((n) => n.name === "leg_pain" || n.name === "back_pain" || known[n.name] !== undefined) }, make("summary", {}, `${group.title} `, count), lines);
      return { group, details, count, lines };
    });
    if (groups.length && !groups.some((g) => g.details.open)) groups[0].details.open = true;
    list.replaceChildren(...groups.map((g) => g.details));
    filter();
  }

  function filter() {
    let hits = 0;
    const wanted = plain(search.value).split(/\s+/).filter(Boolean);
    for (const { group, details } of groups) {
      let any = false;
      for (const node of group.nodes) {
        const each = rows.get(node.name);
        const fits = wanted.every((word) => each.text.includes(word));
        each.line.hidden = !fits;
        each.line.style.display = fits ? "" : "none";
        any ||= fits;
        hits += fits;
      }
      details.style.display = any ? "" : "none";
      if (wanted.length && any) details.open = true;
    }
    nothing.textContent = hits || !wanted.length ? "" : `No finding matches "${search.value.trim()}".`;
  }
  search.addEventListener("input", filter);

  // -- top
  const title = make("strong");
  const network = make("small");
  const setting = make("select", { "aria-label": "population", onchange: () => send({ type: "setting", name: setting.value }) });
  const undo = make("button", { type: "button", onclick: () => undo.getAttribute("aria-disabled") !== "true" && send({ type: "undo" }) }, "Undo");
  const reset = make("button", { type: "button", onclick: () => send({ type: "reset" }) }, "Clear findings");
  const problem = make("div", { class: "slx-error", role: "alert" });
  const silence = make("div", { class: "slx-error slx-silence", role: "alert" });
  const complain = (text) => (problem.textContent = text);
  const spoken = make("div", { class: "slx-spoken", "aria-live": "polite" });
  const foot = make("div", { class: "slx-foot" });

  // -- right
  const panel = make("div", { class: "slx-panel", role: "tabpanel", tabindex: "0", id: `${id}-panel`, "aria-labelledby": `${id}-answers` });
  const tabs = make("div", { class: "slx-tabs", role: "tablist" });
  const buttons = TABS.map(([name, label]) => {
    const button = make("button", { type: "button", role: "tab", id: `${id}-${name}`, "aria-controls": `${id}-panel`, "aria-selected": String(name === tab), "data-tab": name, tabindex: name === tab ? "0" : "-1" }, label);
    button.addEventListener("click", () => open(name));
    return button;
  });
  tabs.append(...buttons);
  tabs.addEventListener("keydown", (event) => {
    const at = buttons.indexOf(event.target);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    const next = buttons[(to + buttons.length) % buttons.length];
    open(next.dataset.tab);
    next.focus();
  });

  function open(name) {
    tab = name;
    root.dataset.tab = name; // the graph takes the whole width
    buttons.forEach((button) => {
      button.setAttribute("aria-selected", String(button.dataset.tab === name));
      button.tabIndex = button.dataset.tab === name ? 0 : -1;
    });
    panel.setAttribute("aria-labelledby", `${id}-${name}`);
    panel.scrollTop = 0;
    send({ type: "tab", name });
    answers();
  }

  function fresh() {
    // What takes longer, where it belongs to the case shown.
    const later = model.get("later") || {};
    return later.version === model.get("view").version ? later : {};
  }

  function waiting(part, show, text) {
    if (part === undefined) return [make("p", { class: "slx-quiet slx-waiting" }, text)];
    if (part.problem) return [make("p", { class: "slx-problem" }, part.problem)];
    return show(part);
  }

  function alerts(view) {
    const parts = view.alerts.map((a) =>
      make("div", { class: "slx-alert", "data-urgency": a.urgency },
        make("strong", {}, `${a.urgency.toUpperCase()}: ${a.label}`), make("div", {}, a.advice), make("div", { class: "slx-quiet" }, `Fired by ${a.findings.join(", ")}. How sure: ${a.certainty} ${a.source}.`)));
    return parts.length ? parts : [make("p", {}, view.none)];
  }

  function bar(cause, interval) {
    const width = (p) => `${Math.max(0, Math.min(100, 100 * p)).toFixed(1)}%`;
    const inside = [make("i", { style: `width:${width(cause.posterior)}` })];
    if (interval) inside.push(make("b", { style: `left:${width(interval[0])};width:${width(interval[1] - interval[0])}` }));
    inside.push(make("u", { style: `left:${width(cause.prior)}` }));
    const said = interval ? `, 95 % interval ${percent(interval[0])} to ${percent(interval[1])}` : "";
    return make("div", { class: "slx-bar", role: "img", "aria-label": `${percent(cause.posterior)}${said}, before the findings ${percent(cause.prior)}` }, inside);
  }

  // Probabilities come after the red flags: until then the earlier ones stay, and fade where it takes long.
  function causes(view, later) {
    if (view.problem) return waiting(view, null, "");
    if (view.computing && !view.causes.length) return waiting(undefined, null, "computing ...");
    const intervals = later.intervals || {};
    const most = model.get("shell").shown;
    const body = view.causes.slice(0, all ? undefined : most).map((c) => {
      const interval = intervals[c.name];
      return make("tr", { "data-cause": c.name }, make("td", { class: "slx-label" }, c.label), make("td", { class: "slx-n" }, percent(c.posterior)), make("td", { class: "slx-width" }, bar(c, interval)),
        make("td", { class: "slx-range slx-quiet" }, interval ? [make("span", { class: "slx-whole" }, percent(interval[0])), " to ", make("span", { class: "slx-whole" }, percent(interval[1]))] : null), make("td", {}, make("span", { class: "slx-urgency", "data-urgency": c.urgency }, c.urgency)));
    });
    const more = view.causes.length > most ? make("p", {}, make("button", { type: "button", "data-key": "all", "aria-expanded": String(all), onclick: () => { all = !all; answers(); } }, all ? `Show the first ${most}` : `Show all ${view.causes.length}`)) : null;
    const failed = intervals.problem ? make("p", { class: "slx-quiet" }, `No intervals: ${intervals.problem}`) : null;
    const late = view.computing ? make("p", { class: "slx-late slx-quiet", role: "status" }, "computing for the new findings ...") : null;
    return [late, make("table", { "aria-label": "ranked causes", class: view.computing ? "slx-stale" : null, "aria-busy": view.computing ? "true" : null }, make("tbody", {}, body)), more, view.pointed_to ? make("p", { class: "slx-pointed" }, view.pointed_to) : null, failed].filter(Boolean);
  }

  function statesOf(name) {
    for (const { group } of groups) for (const node of group.nodes) if (node.name === name) return node;
    return null;
  }

  function question(name, text, quiet) {
    const node = statesOf(name);
    const states = node && !node.unit ? node.states : [];
    const go = () => {
      const each = rows.get(name);
      if (!each) return;
      search.value = "";
      filter();
      each.line.closest("details").open = true;
      each.line.scrollIntoView({ block: "center" });
      each.line.querySelector("input,button").focus();
    };
    const keys = states.length && states.length <= 4 ? states.map((state) => make("button", { type: "button", "data-answer": state, "aria-label": `${text} ${words(state)}`, onclick: () => observe(name, state) }, words(state))) : [make("button", { type: "button", "aria-label": `${text} enter`, onclick: go }, "enter")];
    return make("div", { class: "slx-row slx-ask", "data-node": name }, make("span", { class: "slx-name" }, text, quiet ? make("span", { class: "slx-quiet" }, ` ${quiet}`) : null), make("span", { class: "slx-choices" }, keys));
  }

  function next(found) {
    const lines = found.rows.map((r) => {
      const node = statesOf(r.nodes[0]);
      const value = `${short(r.value)} ${found.unit}, ${short(r.minutes)} min${r.lead >= 0.005 ? `, changes the leading cause with probability ${percent(r.lead)}` : ""}`;
      if (r.nodes.length === 1) return question(r.nodes[0], r.question || r.label, value);
      const first = make("button", { type: "button", "aria-label": `${r.label}: enter`, onclick: () => { search.value = ""; filter(); const each = rows.get(r.nodes[0]); each.line.closest("details").open = true; each.line.scrollIntoView({ block: "center" }); each.line.querySelector("button").focus(); } }, "enter");
      return make("div", { class: "slx-row slx-ask", title: node ? r.nodes.map(words).join(", ") : null }, make("span", { class: "slx-name" }, r.label, make("span", { class: "slx-quiet" }, ` ${value}`)), make("span", { class: "slx-choices" }, first));
    });
    return [...lines, found.stop ? make("p", { class: "slx-quiet" }, `No further question is worth its cost: ${found.stop}`) : null].filter(Boolean);
  }

  function link(found) {
    if (found.reason) return [make("p", { class: "slx-quiet" }, found.reason)];
    const lines = found.rows.filter((r) => r.share >= 0.005).sort((a, b) => b.share - a.share);
    const body = lines.map((r) => make("tr", {}, make("td", { class: "slx-n" }, percent(r.share)), make("td", {}, r.label, r.by.length ? make("span", { class: "slx-quiet" }, ` through ${r.by.join(", ")}`) : null)));
    return [make("p", { class: "slx-verdict" }, `Linked with probability ${percent(found.probability)}.`), make("table", { "aria-label": "link" }, make("tbody", {}, body)),
      found.asked ? make("p", { class: "slx-quiet" }, `Evaluated in: ${found.asked}. Consulting because of pain does not cause the pain.`) : null].filter(Boolean);
  }

  // A part of the panel: it can hold the focus when what was in it has gone, and keeps its height while it waits.
  const part = (name, title, ...inside) => make("section", { "data-part": name, tabindex: "-1", "aria-label": title }, title ? make("h3", {}, title) : null, inside);

  function answersTab(view, later) {
    const shell = model.get("shell");
    const parts = [part("alerts", "Red flags", alerts(view)), part("causes", shell.ranked ? "Causes" : "Probabilities", causes(view, later),
      make("p", { class: "slx-quiet" }, `Bar: probability now; upright mark: before the findings; line: 95 % interval from the numbers' uncertainty.${shell.ranked ? " A person may have several." : ""} ${view.log_evidence == null ? "" : `log P(findings) = ${view.log_evidence.toFixed(2)}`}`))];
    if (shell.links) parts.push(part("link", "Are back pain and leg pain linked?", waiting(later.link, link, "computing ...")));
    const first = view.pending.length ? [make("p", { class: "slx-quiet" }, "First, questions of which one answer would mean an emergency:"), ...view.pending.slice(0, 3).map((p) => question(p.node, p.question)), make("p", { class: "slx-quiet" }, "Then, by information per minute:")] : [];
    parts.push(part("next", "What to ask or look for next", first, waiting(later.next, next, "comparing all questions ...")));
    if (shell.tests) parts.push(part("tests", "Tests that would tell most", waiting(later.tests, next, "comparing the tests ...")));
    return parts;
  }

  function whyTab(_, later) {
    return waiting(later.why, (why) => {
      const most = Math.max(...why.rows.map((r) => Math.abs(r.share)), 1e-9);
      const body = why.rows.map((r) =>
        make("tr", {}, make("td", { class: "slx-label" }, r.finding), make("td", { class: "slx-n" }, `${r.share >= 0 ? "+" : ""}${r.share.toFixed(2)}`),
          make("td", { class: "slx-width" }, make("div", { class: "slx-bar", "aria-hidden": "true" }, make("i", { style: r.share >= 0 ? `left:50%;width:${(50 * r.share / most).toFixed(1)}%` : `left:${(50 + 50 * r.share / most).toFixed(1)}%;width:${(-50 * r.share / most).toFixed(1)}%;background:var(--urgent)` }))),
          make("td", { class: "slx-quiet" }, r.chain.join(" → "))));
      return [make("h3", {}, why.target ? `Why ${why.target}` : "Why"), make("table", { "aria-label": "contributions in log odds" }, make("tbody", {}, body)), ...why.lines.map((line) => make("p", {}, line))];
    }, "working out what each finding contributed ...");
  }

  function graphTab(_, later) {
    return waiting(later.graph, (svg) => {
      const holder = make("div");
      holder.innerHTML = svg;
      return [holder];
    }, "drawing ...");
  }

  function numbersTab(view) {
    const found = model.get("numbers");
    if (!found || !found.rows) return waiting(undefined, null, "looking them up ...");
    const chosen = make("select", { "aria-label": "node", "data-key": "node", onchange: () => send({ type: "numbers", node: chosen.value }) }, model.get("shell").nodes.map((n) => make("option", { value: n.name, selected: n.name === found.node }, n.label)));
    const lines = found.rows.map((r) => {
      const changed = view.changed[r.id];
      const value = changed === undefined ? r.value : r.state ? changed[r.state] : changed;
      const low = Math.min(r.low, value), high = Math.max(r.high, value);
      const text = `${words(r.words)}${r.state ? `: ${words(r.state)}` : ""}`;
      const shown = make("strong", {}, short(value));
      const slider = make("input", { type: "range", min: low, max: high, step: (high - low) / 200 || 1e-6, value, "aria-label": text, "data-number": r.state ? `${r.id}[${r.state}]` : r.id, disabled: high <= low });
      slider.addEventListener("input", () => (shown.textContent = short(Number(slider.value))));
      slider.addEventListener("change", () => send({ type: "parameter", id: r.id, state: r.state, value: Number(slider.value) }));
      const source = r.source.length ? `${r.grade}, ${r.source.join(", ")}` : r.grade;
      return make("div", { class: "slx-number" }, make("div", {}, `${text}: `, shown, changed !== undefined ? " (changed)" : ""),
        make("div", {}, make("span", { class: "slx-quiet" }, `${short(low)} `), slider, make("span", { class: "slx-quiet" }, ` ${short(high)}`)), make("div", { class: "slx-quiet" }, `${source}. ${r.note}`));
    });
    const changed = Object.keys(view.changed).length;
    const off = String(!changed);
    return [make("p", {}, "The numbers of ", chosen), make("p", { class: "slx-quiet" }, "Each moves within its own interval."),
      make("p", {}, button("Reset all numbers", { "aria-disabled": off, "data-key": "reset" }, () => send({ type: "reset_parameters" })), " ", button("Save as patch", { "aria-disabled": off, "data-key": "patch" }, () => send({ type: "export", kind: "patch" })), make("span", { class: "slx-quiet" }, changed ? ` ${changed} changed` : " none changed")),
      found.rows.some((r) => r.state) ? make("p", { class: "slx-quiet" }, "When one state of a distribution moves, its other states change in proportion.") : null,
      ...(lines.length ? lines : [make("p", { class: "slx-quiet" }, "This node follows from its parents by a fixed rule: it has no numbers of its own.")])].filter(Boolean);
  }

  function exportTab(_, later) {
    return waiting(later.export, (found) => {
      const copied = make("span", { class: "slx-quiet", role: "status" });
      const copy = () => navigator.clipboard?.writeText(found.code).then(() => (copied.textContent = " copied"), () => (copied.textContent = " select and copy it"));
      const save = (kind, label, about) => make("p", {}, make("button", { type: "button", "data-key": kind, onclick: () => send({ type: "export", kind }) }, label), make("span", { class: "slx-quiet" }, ` ${about}`));
      return [make("h3", {}, "This case as a line of Python"), make("div", { class: "slx-code", tabindex: "0", "data-key": "code" }, found.code), make("p", {}, make("button", { type: "button", "data-key": "copy", onclick: copy }, "Copy"), copied),
        make("h3", {}, "The findings as a file"), save("findings", "Save the findings", `${found.file}, to be read by model.observe(json.load(open("${found.file}")))${found.command ? " and on the command line by" : ""}`),
        found.command ? make("div", { class: "slx-code", tabindex: "0", "data-key": "command" }, found.command) : null,
        make("h3", {}, "A page to print"), save("report", "Save the report", "one page, some seconds"),
        make("p", { class: "slx-quiet" }, "In Python, explorer.case is the case as it stands.")].filter(Boolean);
    }, "preparing the export ...");
  }

  const shown = { answers: answersTab, why: whyTab, graph: graphTab, numbers: numbersTab, export: exportTab };

  // Draws the panel anew. The focus stays on what is still there, else on its part, else on the panel; parts that wait keep their height, so nothing jumps.
  const key = (e) => e.dataset.key || e.dataset.number || e.getAttribute("aria-label");

  function answers() {
    const focus = panel.contains(document.activeElement) && document.activeElement !== panel ? document.activeElement : null;
    const wanted = focus && key(focus);
    const home = focus?.closest("[data-part]")?.dataset.part;
    const heights = new Map([...panel.querySelectorAll("[data-part]")].map((e) => [e.dataset.part, e.getBoundingClientRect().height]));
    const top = panel.scrollTop;
    panel.replaceChildren(...shown[tab](model.get("view"), fresh()));
    const parts = [...panel.querySelectorAll("[data-part]")];
    for (const each of parts) if (heights.has(each.dataset.part) && (each.querySelector(".slx-waiting") || (each.dataset.part === "causes" && !fresh().intervals))) each.style.minHeight = `${heights.get(each.dataset.part)}px`;
    panel.scrollTop = top;
    if (!focus) return;
    const again = wanted && [...panel.querySelectorAll("input,select,button,[data-key]")].find((e) => key(e) === wanted && !e.disabled);
    (again || parts.find((e) => e.dataset.part === home) || panel).focus({ preventScroll: true });
  }

  function refresh() {
    const view = model.get("view");
    problem.textContent = view.error || "";
    heard();
    undo.setAttribute("aria-disabled", String(!view.can_undo));
    setting.value = view.setting;
    for (const [name, each] of rows) each.refresh(view.findings[name]);
    for (const { group, count } of groups) {
      const known = group.nodes.filter((n) => view.findings[n.name] !== undefined).length;
      count.textContent = known ? `(${known} of ${group.nodes.length} known)` : `(${group.nodes.length})`;
    }
    answers();
    const lead = view.causes[0];
    spoken.textContent = `${view.alerts.map((a) => `${a.urgency}: ${a.label}. `).join("")}${lead && !view.computing ? `Leading cause ${lead.label}, ${percent(lead.posterior)}.` : ""}`;
    if (clicked && view.sequence === clicked.sequence) {
      const started = clicked.at;
      clicked = null;
      requestAnimationFrame(() => setTimeout(() => (root.dataset.redraw = (performance.now() - started).toFixed(1)), 0));
    }
  }

  function head() {
    const shell = model.get("shell");
    title.textContent = shell.title;
    network.textContent = shell.network;
    setting.replaceChildren(...shell.settings.map((s) => make("option", { value: s.name, title: s.population }, s.label)));
    setting.style.display = shell.settings.length ? "" : "none";
    foot.textContent = shell.notice;
  }

  function received(message) {
    if (message.type !== "file") return;
    const address = URL.createObjectURL(new Blob([message.text], { type: "text/plain" }));
    make("a", { href: address, download: message.name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  }

  const root = make("div", { class: "slx", role: "region", "aria-label": "spinelink explorer", "data-lm-suppress-shortcuts": "true" },
    make("div", { class: "slx-top" }, title, network, setting, undo, reset), problem, silence,
    make("div", { class: "slx-body" }, make("div", { class: "slx-left" }, search, nothing, list), make("div", { class: "slx-right" }, tabs, panel)), foot, spoken);
  const everything = () => { head(); fill(); refresh(); };
  root.addEventListener("keydown", (event) => {
    if (!event.ctrlKey && !event.metaKey && !event.altKey && event.key !== "Tab") event.stopPropagation();
  });
  everything();
  el.append(root);
  // The picture for readers without a kernel stands before the widget in the same cell: it is not needed while the widget lives.
  function hide() {
    for (const still of el.closest(".jp-OutputArea, .cell-output, .output_area")?.querySelectorAll(".spinelink-still") || []) (still.closest(".jp-OutputArea-child") || still).style.display = "none";
  }
  requestAnimationFrame(hide);
  model.on("change:shell", everything);
  model.on("change:view", refresh);
  model.on("change:numbers", answers);
  model.on("change:later", answers);
  model.on("change:later", hide); // the picture may have been drawn anew
  model.on("change:view", hide);
  model.on("msg:custom", received);
  model.on("comm:close", gone);
  return () => {
    model.off("change:shell", everything);
    model.off("change:view", refresh);
    clearTimeout(alarm);
    model.off("change:numbers", answers);
    model.off("change:later", answers);
    model.off("change:later", hide);
    model.off("change:view", hide);
    model.off("msg:custom", received);
    model.off("comm:close", gone);
  };
}

export default { render };
