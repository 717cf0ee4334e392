// The explorer's front: findings on the left, answers on the right. Shows what Python sends (shell, view, later) and sends what a person does.
// No library, no network. Every text is set as text, never as markup; only the graph arrives as SVG, escaped where it is made.

const TABS = [["answers", "Answers"], ["why", "Why"], ["graph", "Graph"], ["numbers", "Numbers"], ["keep", "Keep"]];

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== false && value != null) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child != null));
  return element;
}

const words = (name) => String(name).replaceAll("_", " ");

function percent(p) {
  if (p <= 0 || p >= 1) return `${Math.round(100 * p)} %`;
  if (p < 0.001) return "< 0.1 %";
  if (p > 0.999) return "> 99.9 %";
  return p < 0.1 ? `${(100 * p).toFixed(1)} %` : `${Math.round(100 * p)} %`;
}

function short(value) {
  return value === 0 || value === 1 ? String(value) : String(Number(value.toPrecision(3)));
}

function render({ model, el }) {
  let tab = "answers";
  let sequence = 0;
  let clicked = null; // when the last message went out, to time the redraw
  const rows = new Map(); // node -> how its row is brought up to date
  const send = (message) => {
    sequence += 1;
    clicked = { sequence, at: performance.now() };
    model.send({ ...message, sequence });
  };
  const observe = (node, value) => send({ type: "observe", node, value });

  // -- left: findings
  function choice(node, state, set) {
    return make("button", { type: "button", role: "radio", "aria-checked": "false", tabindex: "-1", "data-state": state, onclick: () => set(state) }, words(state));
  }

  function row(node) {
    const known = () => (model.get("view").findings || {})[node.name];
    const set = (state) => observe(node.name, known() === state ? null : state);
    const buttons = node.states.map((state) => choice(node, state, set));
    buttons[0].tabIndex = 0;
    const group = make("span", { class: "slx-choices", role: "radiogroup", "aria-label": `${node.label}${node.question ? `: ${node.question}` : ""}` }, buttons);
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
    let number = null;
    if (node.unit) {
      number = make("input", { type: "number", "aria-label": `${node.label} in ${node.unit}`, placeholder: node.unit });
      number.addEventListener("change", () => observe(node.name, number.value === "" ? null : Number(number.value)));
      group.prepend(number);
    }
    const soft = make("div", { class: "slx-soft", hidden: true });
    const unsure = make("button", { type: "button", title: "unsure: how well does what was seen fit each state?", "aria-expanded": "false", "aria-label": `${node.label}: unsure` }, "~");
    unsure.addEventListener("click", () => {
      soft.hidden = !soft.hidden;
      unsure.setAttribute("aria-expanded", String(!soft.hidden));
    });
    const sliders = node.states.map((state) => make("input", { type: "range", min: "0", max: "100", step: "1", value: "100", "aria-label": `${node.label}: how well what was seen fits ${words(state)}` }));
    const values = node.states.map(() => make("span", { class: "slx-quiet" }, "1"));
    sliders.forEach((slider, k) => {
      slider.addEventListener("input", () => (values[k].textContent = short(slider.value / 100)));
      slider.addEventListener("change", () => {
        const weights = sliders.map((each) => Number(each.value) / 100);
        if (weights.every((w) => w === weights[0])) observe(node.name, null); // says nothing
        else observe(node.name, Object.fromEntries(node.states.map((s, j) => [s, weights[j]])));
      });
      soft.append(make("span", {}, words(node.states[k])), slider, values[k]);
    });
    group.append(unsure);
    const about = [node.question, node.about].filter(Boolean).join("\n");
    const line = make("div", { class: "slx-row", "data-node": node.name, "data-known": "false" }, make("span", { class: "slx-name", title: about || null }, node.label), group, soft);
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
      sliders.forEach((slider, k) => {
        slider.value = weights ? Math.round(100 * weights[node.states[k]]) : 100;
        values[k].textContent = short(slider.value / 100);
      });
      if (number && finding === undefined) number.value = "";
    };
    rows.set(node.name, { line, refresh, text: `${node.label} ${node.name} ${words(node.name)} ${node.question}`.toLowerCase() });
    return line;
  }

  const search = make("input", { class: "slx-search", type: "search", placeholder: "search findings", "aria-label": "search findings" });
  const list = make("div", { class: "slx-list", role: "group", "aria-label": "findings" });
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
    const wanted = search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    for (const { group, details } of groups) {
      let any = false;
      for (const node of group.nodes) {
        const each = rows.get(node.name);
        const fits = wanted.every((word) => each.text.includes(word));
        each.line.hidden = !fits;
        each.line.style.display = fits ? "" : "none";
        any ||= fits;
      }
      details.style.display = any ? "" : "none";
      if (wanted.length && any) details.open = true;
    }
  }
  search.addEventListener("input", filter);

  // -- top
  const title = make("strong");
  const network = make("small");
  const setting = make("select", { "aria-label": "population", onchange: () => send({ type: "setting", name: setting.value }) });
  const undo = make("button", { type: "button", onclick: () => send({ type: "undo" }) }, "Undo");
  const reset = make("button", { type: "button", onclick: () => send({ type: "reset" }) }, "Clear findings");
  const problem = make("div", { class: "slx-error", role: "alert" });
  const spoken = make("div", { class: "slx-spoken", "aria-live": "polite" });
  const foot = make("div", { class: "slx-foot" });

  // -- right
  const panel = make("div", { class: "slx-panel", role: "tabpanel", tabindex: "0", "aria-label": "answers" });
  const tabs = make("div", { class: "slx-tabs", role: "tablist" });
  const buttons = TABS.map(([name, label]) => {
    const button = make("button", { type: "button", role: "tab", "aria-selected": String(name === tab), "data-tab": name, tabindex: name === tab ? "0" : "-1" }, label);
    button.addEventListener("click", () => open(name));
    return button;
  });
  tabs.append(...buttons);
  tabs.addEventListener("keydown", (event) => {
    const at = buttons.indexOf(event.target);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (at < 0 || !step) return;
    event.preventDefault();
    const next = buttons[(at + step + buttons.length) % buttons.length];
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
    panel.setAttribute("aria-label", TABS.find(([key]) => key === name)[1]);
    panel.scrollTop = 0;
    model.send({ type: "tab", name });
    answers();
  }

  function fresh() {
    // What takes longer, where it belongs to the case shown.
    const later = model.get("later") || {};
    return later.version === model.get("view").version ? later : {};
  }

  function waiting(part, show, text) {
    if (part === undefined) return [make("p", { class: "slx-quiet slx-waiting" }, text)];
    if (part.problem) return [make("p", {}, part.problem)];
    return show(part);
  }

  function alerts(view) {
    const parts = view.alerts.map((a) =>
      make("div", { class: "slx-alert", "data-urgency": a.urgency },
        make("strong", {}, `${a.urgency.toUpperCase()}: ${a.label}`), make("div", {}, a.advice), make("div", { class: "slx-quiet" }, `Fired by ${a.findings.map(words).join(", ")}. How sure: ${a.certainty}`)));
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

  function causes(view, later) {
    const body = view.causes.map((c) => {
      const interval = (later.intervals || {})[c.name];
      return make("tr", { "data-cause": c.name }, make("td", {}, c.label), make("td", { class: "slx-n" }, percent(c.posterior)), make("td", { style: "width:30%" }, bar(c, interval)),
        make("td", { class: "slx-n slx-quiet" }, interval ? `${percent(interval[0])} to ${percent(interval[1])}` : ""), make("td", {}, make("span", { class: "slx-urgency", "data-urgency": c.urgency }, c.urgency)));
    });
    return make("table", { "aria-label": "ranked causes" }, make("tbody", {}, body));
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
    const keys = states.length && states.length <= 4 ? states.map((state) => make("button", { type: "button", "data-answer": state, onclick: () => observe(name, state) }, words(state))) : [make("button", { type: "button", onclick: go }, "enter")];
    return make("div", { class: "slx-row slx-ask", "data-node": name }, make("span", { class: "slx-name" }, text, quiet ? make("span", { class: "slx-quiet" }, ` ${quiet}`) : null), make("span", { class: "slx-choices" }, keys));
  }

  function next(found) {
    const lines = found.rows.map((r) => {
      const node = statesOf(r.nodes[0]);
      const value = `${short(r.value)} ${found.unit}, ${short(r.minutes)} min${r.lead >= 0.005 ? `, puts another cause first in ${percent(r.lead)}` : ""}`;
      if (r.nodes.length === 1) return question(r.nodes[0], r.question || r.label, value);
      const first = make("button", { type: "button", onclick: () => { search.value = ""; filter(); const each = rows.get(r.nodes[0]); each.line.closest("details").open = true; each.line.scrollIntoView({ block: "center" }); each.line.querySelector("button").focus(); } }, "enter");
      return make("div", { class: "slx-row slx-ask", title: node ? r.nodes.map(words).join(", ") : null }, make("span", { class: "slx-name" }, r.label, make("span", { class: "slx-quiet" }, ` ${value}`)), make("span", { class: "slx-choices" }, first));
    });
    return [...lines, found.stop ? make("p", { class: "slx-quiet" }, `One may stop: ${found.stop}`) : null].filter(Boolean);
  }

  function link(found) {
    if (found.reason) return [make("p", { class: "slx-quiet" }, found.reason)];
    const lines = found.rows.filter((r) => r.share >= 0.005).sort((a, b) => b.share - a.share);
    const body = lines.map((r) => make("tr", {}, make("td", { class: "slx-n" }, percent(r.share)), make("td", {}, r.label, r.by.length ? make("span", { class: "slx-quiet" }, ` through ${r.by.join(", ")}`) : null)));
    return [make("p", { class: "slx-verdict" }, `Linked with probability ${percent(found.probability)}.`), make("table", { "aria-label": "link" }, make("tbody", {}, body)),
      found.asked ? make("p", { class: "slx-quiet" }, `Asked in: ${found.asked}. Being chosen by symptoms is no cause of them.`) : null].filter(Boolean);
  }

  function answersTab(view, later) {
    const shell = model.get("shell");
    const parts = [make("h3", {}, "Red flags"), ...alerts(view), make("h3", {}, "Causes"), causes(view, later),
      make("p", { class: "slx-quiet" }, `Bar: probability now; upright mark: before the findings; line: 95 % interval from the numbers' uncertainty. A person may have several. log P(findings) = ${view.log_evidence.toFixed(2)}`)];
    if (shell.links) parts.push(make("h3", {}, "Are back pain and leg pain linked?"), ...waiting(later.link, link, "asking ..."));
    parts.push(make("h3", {}, "What to ask or look for next"));
    if (view.pending.length) parts.push(make("p", { class: "slx-quiet" }, "First, what one answer would make an emergency:"), ...view.pending.slice(0, 3).map((p) => question(p.node, p.question)), make("p", { class: "slx-quiet" }, "Then, by what it tells in a minute:"));
    parts.push(...waiting(later.next, next, "weighing all questions ..."));
    parts.push(make("h3", {}, "Tests that would tell most"), ...waiting(later.tests, next, "weighing the tests ..."));
    return parts;
  }

  function whyTab(_, later) {
    return waiting(later.why, (why) => {
      const most = Math.max(...why.rows.map((r) => Math.abs(r.share)), 1e-9);
      const body = why.rows.map((r) =>
        make("tr", {}, make("td", {}, words(r.finding)), make("td", { class: "slx-n" }, `${r.share >= 0 ? "+" : ""}${r.share.toFixed(2)}`),
          make("td", { style: "width:30%" }, make("div", { class: "slx-bar", "aria-hidden": "true" }, make("i", { style: r.share >= 0 ? `left:50%;width:${(50 * r.share / most).toFixed(1)}%` : `left:${(50 + 50 * r.share / most).toFixed(1)}%;width:${(-50 * r.share / most).toFixed(1)}%;background:var(--urgent)` }))),
          make("td", { class: "slx-quiet" }, r.chain.map(words).join(" → "))));
      return [make("h3", {}, why.target ? `Why ${why.target}` : "Why"), make("table", { "aria-label": "contributions in log odds" }, make("tbody", {}, body)), ...why.lines.map((line) => make("p", {}, words(line)))];
    }, "working out what each finding contributed ...");
  }

  function graphTab(_, later) {
    return waiting(later.graph, (svg) => {
      const holder = make("div");
      holder.innerHTML = svg;
      return [holder];
    }, "drawing ...");
  }

  function numbersTab(view, later) {
    const nodes = model.get("shell").nodes;
    return waiting(later.numbers, (found) => {
      const chosen = make("select", { "aria-label": "node", onchange: () => model.send({ type: "numbers", node: chosen.value }) }, nodes.map((n) => make("option", { value: n.name, selected: n.name === found.node }, n.label)));
      const lines = found.rows.map((r) => {
        const low = Math.min(r.low, r.value), high = Math.max(r.high, r.value);
        const shown = make("strong", {}, short(r.value));
        const slider = make("input", { type: "range", min: low, max: high, step: (high - low) / 200 || 1e-6, value: r.value, "aria-label": r.words, "data-number": r.id, disabled: high <= low });
        slider.addEventListener("input", () => (shown.textContent = short(Number(slider.value))));
        slider.addEventListener("change", () => send({ type: "parameter", id: r.id, value: Number(slider.value) }));
        const source = r.source.length ? `${r.grade}, ${r.source.join(", ")}` : r.grade;
        return make("div", { class: "slx-number" }, make("div", {}, `${r.words}${r.ratio ? " (odds ratio)" : ""}: `, shown, view.changed[r.id] !== undefined ? " (changed)" : ""),
          make("div", {}, make("span", { class: "slx-quiet" }, `${short(low)} `), slider, make("span", { class: "slx-quiet" }, ` ${short(high)}`)), make("div", { class: "slx-quiet" }, `${source}. ${r.note}`));
      });
      const changed = Object.keys(view.changed).length;
      return [make("p", {}, "The numbers of ", chosen, ", each within its own interval."),
        make("p", {}, make("button", { type: "button", disabled: !changed, onclick: () => send({ type: "reset_parameters" }) }, "Reset all numbers"), " ", make("button", { type: "button", disabled: !changed, onclick: () => send({ type: "export", kind: "patch" }) }, "Save as patch"), make("span", { class: "slx-quiet" }, changed ? ` ${changed} changed` : " none changed")),
        ...(lines.length ? lines : [make("p", { class: "slx-quiet" }, "This node has distributions only, whose states hang together: change them in Python.")])];
    }, "looking them up ...");
  }

  function keepTab(view) {
    const copied = make("span", { class: "slx-quiet", role: "status" });
    const copy = () => navigator.clipboard?.writeText(view.code).then(() => (copied.textContent = " copied"), () => (copied.textContent = " select and copy it"));
    return [make("h3", {}, "This case as a line of Python"), make("div", { class: "slx-code", tabindex: "0" }, view.code), make("p", {}, make("button", { type: "button", onclick: copy }, "Copy"), copied),
      make("h3", {}, "On paper"), make("p", {}, make("button", { type: "button", onclick: () => send({ type: "export", kind: "report" }) }, "Save the report"), make("span", { class: "slx-quiet" }, " one page, some seconds")),
      make("p", { class: "slx-quiet" }, "In Python, explorer.case is the case as it stands.")];
  }

  const shown = { answers: answersTab, why: whyTab, graph: graphTab, numbers: numbersTab, keep: keepTab };

  function answers() {
    const focus = panel.contains(document.activeElement) ? document.activeElement : null;
    const keep = focus && (focus.dataset.number || focus.getAttribute("aria-label"));
    panel.replaceChildren(...shown[tab](model.get("view"), fresh()));
    if (keep) {
      const again = [...panel.querySelectorAll("input,select,button")].find((e) => (e.dataset.number || e.getAttribute("aria-label")) === keep);
      if (again) again.focus();
    }
  }

  function refresh() {
    const view = model.get("view");
    problem.textContent = view.error || "";
    undo.disabled = !view.can_undo;
    setting.value = view.setting;
    for (const [name, each] of rows) each.refresh(view.findings[name]);
    for (const { group, count } of groups) {
      const known = group.nodes.filter((n) => view.findings[n.name] !== undefined).length;
      count.textContent = known ? `(${known} of ${group.nodes.length} known)` : `(${group.nodes.length})`;
    }
    answers();
    const lead = view.causes[0];
    spoken.textContent = `${view.alerts.map((a) => `${a.urgency}: ${a.label}. `).join("")}${lead ? `Leading cause ${lead.label}, ${percent(lead.posterior)}.` : ""}`;
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

  const root = make("div", { class: "slx", role: "region", "aria-label": "spinelink explorer" },
    make("div", { class: "slx-top" }, title, network, setting, undo, reset), problem,
    make("div", { class: "slx-body" }, make("div", { class: "slx-left" }, search, list), make("div", { class: "slx-right" }, tabs, panel)), foot, spoken);
  const everything = () => { head(); fill(); refresh(); };
  everything();
  el.append(root);
  // The picture for readers without a kernel stands before the widget in the same cell: it is not needed while the widget lives.
  requestAnimationFrame(() => {
    for (const still of el.closest(".jp-OutputArea, .cell-output, .output_area")?.querySelectorAll(".spinelink-still") || []) (still.closest(".jp-OutputArea-child") || still).style.display = "none";
  });
  model.on("change:shell", everything);
  model.on("change:view", refresh);
  model.on("change:later", answers);
  model.on("msg:custom", received);
  return () => {
    model.off("change:shell", everything);
    model.off("change:view", refresh);
    model.off("change:later", answers);
    model.off("msg:custom", received);
  };
}

export default { render };
