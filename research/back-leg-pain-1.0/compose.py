"""Network 1.0 and its claims, composed from structure, readers' words, texts, and graded records.

Run it as `python compose.py DIRECTORY`: it writes back-leg-pain.yaml and back-leg-pain.claims.yaml there.
Nothing here knows a published figure but `claims/`, which becomes the claims file.
"""

from __future__ import annotations

import csv
import math
import re
import sys
import unicodedata
from pathlib import Path

import yaml

from spinelink.io.dump import flow
from spinelink.network.scale import SCALE_OF, WORD_WIDTH, WORDS

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
GRADES = ("same population", "near", "far")


def loaded(name):
    return yaml.safe_load((HERE / name).read_text())


STRUCTURE = loaded("structure.yaml")
NODES = {n: v for group in STRUCTURE.values() for n, v in group.items()}
ROLE = {n: r for r, group in STRUCTURE.items() for n in group}
def words_of(name):
    return {r["id"]: r["word"] for r in csv.DictReader((HERE / name).open())}


# What the readers were not asked, the editor answered, also without the figures.
READERS = [words_of(f"reader{k}.csv") | words_of("editor.csv") for k in (1, 2)]
TEXTS = loaded("texts.yaml")
OLD = yaml.safe_load((HERE / "before.yaml").read_text())


def states(node):
    return NODES[node].get("states", ["absent", "present"])


def log_odds(p):
    return math.log(p / (1 - p))


def short(x):
    return float(f"{x:.3g}")


# --- what two readers said -----------------------------------------------------------------------


def said(name, *, ratio=False):
    """One word where readers agree; else the middle, with an interval that holds both."""
    a, b = (reader[name] for reader in READERS)
    if a == b:
        return a
    there = math.log if ratio else log_odds
    back = math.exp if ratio else (lambda x: 1 / (1 + math.exp(-x)))
    middle = (there(WORDS[a]) + there(WORDS[b])) / 2
    width = max(WORD_WIDTH[SCALE_OF[a]], WORD_WIDTH[SCALE_OF[b]])
    half = 1.96 * math.hypot(width, abs(there(WORDS[a]) - there(WORDS[b])) / 2)
    interval = [short(back(middle - half)), short(back(middle + half))]
    return {"estimate": short(back(middle)), "interval": interval, "grade": "judged", "note": f"{a}; {b}"}


def probability(name):
    a, b = (log_odds(WORDS[reader[name]]) for reader in READERS)
    return 1 / (1 + math.exp(-(a + b) / 2))


def steps(prefix, of):
    """A distribution over ordered states, from what share of each step goes on to the next."""
    above = [1.0]
    for state in of[1:]:
        above.append(above[-1] * probability(f"{prefix}|{state}"))
    above.append(0.0)
    estimate = {s: short(above[k] - above[k + 1]) for k, s in enumerate(of)}
    words = []
    for state in of[1:]:
        a, b = (reader[f"{prefix}|{state}"] for reader in READERS)
        words.append(a if a == b else f"{a} or {b}")
    return judged(estimate, note=", then ".join(words))


def judged(estimate, *, note, size=None):
    """A distribution that sums to 1, as uncertain as a word of the scale."""
    largest = max(estimate, key=estimate.get)
    estimate[largest] = round(1 - sum(p for s, p in estimate.items() if s != largest), 6)
    if size is None:
        second = sorted(estimate.values())[-2]
        size = max(2.0, short((1 / max(estimate.values()) + 1 / max(second, 1e-4)) / 0.7**2))
    return {"estimate": estimate, "equivalent_sample_size": size, "grade": "judged", "note": note}


CERTAIN = 1000


def links(node, spec):
    found = {}
    for parent in spec["parents"]:
        of = states(parent)
        each = {}
        for state in of[1:]:
            key = f"{node}.link.{parent}" + ("" if len(of) == 2 else f".{state}")
            each[state] = steps(key, states(node)) if spec["kind"] == "noisy_max" else said(key)
        found[parent] = each[of[1]] if len(of) == 2 else each
    return found


def demographic(node):
    """Age, sex, weight and injuries of the population: what network 0.3 took from surveys."""
    own = OLD["settings"]["general_population"]["overrides"].get(f"{node}.prior")
    found = dict(own if own is not None else OLD["nodes"][node]["cpd"]["prior"])
    if node in ("age_group", "sex"):  # a census: data, and no slack for a fit
        found["equivalent_sample_size"] = 2000
    return found


def cpd(node, spec):
    kind = spec.get("kind")
    if "rates" in spec:
        rates = {}
        for parent, of in spec["rates"].items():
            each = {s: said(f"{node}.rate.{parent}.{s}", ratio=True) for s in of}
            single = len(states(parent)) == 2 and of == ["present"]
            rates[parent] = each["present"] if single else each
        return {"kind": "additive_rates", "rates": rates}
    if kind == "prior":
        fixed = node in ("age_group", "body_weight", "recent_trauma", "sex")
        return {"kind": kind, "prior": demographic(node) if fixed else said(f"{node}.prior")}
    if kind == "log_odds":
        ratios = {}
        for parent in spec["parents"]:
            of = states(parent)
            name = f"{node}.odds_ratio.{parent}"
            if len(of) == 2:
                ratios[parent] = said(name, ratio=True)
            else:
                ratios[parent] = {s: said(f"{name}.{s}", ratio=True) for s in of[1:]}
        return {"kind": kind, "prevalence": said(f"{node}.prior"), "odds_ratios": ratios}
    if kind in ("noisy_or", "noisy_max"):
        leak = steps(f"{node}.leak", states(node)) if kind == "noisy_max" else said(f"{node}.leak")
        return {"kind": kind, "leak": leak, "links": links(node, spec)}
    if kind == "deterministic":
        none, middle, high = states(node)
        cases = [{"given": {p: s}, "state": s} for s in (high, middle) for p in spec["parents"]]
        return {"kind": kind, "parents": spec["parents"], "cases": cases, "otherwise": none}
    return {"kind": "table", "parents": spec["parents"], "rows": TABLES[node](states(node))}


def herniated_level(of):
    weights = [probability(f"herniated_level.row.present|{s}") for s in of[1:]]
    shares = {"none": 0.0, **{s: short(w / sum(weights)) for s, w in zip(of[1:], weights)}}
    never = {"none": 1.0, **dict.fromkeys(of[1:], 0.0)}
    return [
        {"given": {"lumbar_disc_herniation": "absent"}, "probability": judged(never, note="by definition", size=CERTAIN)},
        {"given": {"lumbar_disc_herniation": "present"}, "probability": judged(shares, note="two readers", size=12)},
    ]


def leg_pain_side(of):
    rows = []
    for pain in states("leg_pain"):
        for both in ("absent", "present"):
            given = {"leg_pain": pain, "bilateral_leg_disease": both}
            if pain == "none":
                value = judged({"none": 1.0, "one_side": 0.0, "both_sides": 0.0}, note="by definition", size=CERTAIN)
            else:
                p = short(probability(f"leg_pain_side.row.{pain}.{both}|both_sides"))
                value = judged({"none": 0.0, "one_side": 1 - p, "both_sides": p}, note="two readers", size=10)
            rows.append({"given": given, "probability": value})
    return rows


TABLES = {"herniated_level": herniated_level, "leg_pain_side": leg_pain_side}

# --- the network ---------------------------------------------------------------------------------

TOLD = ("description", "question", "synonyms", "lay", "bins", "cost", "procedure", "codes", "care")
MINUTES = {"symptom": 0.5, "sign": 1, "test": 15}


def node(name, spec):
    old, new = OLD["nodes"].get(name, {}), TEXTS.get(name, {})
    found = {"role": ROLE[name]}
    if origin := spec.get("origin") or old.get("origin"):
        found["origin"] = origin
    if ROLE[name] not in ("selection", "cause"):
        region = new.get("region") or old.get("region") or spec.get("region")
        if region:
            found["region"] = region
    found["label"] = spec["label"]
    for key in TOLD:
        if (value := new.get(key, old.get(key))) is not None:
            found[key] = value
    if "states" in spec:
        found["states"] = spec["states"]
    for key in ("urgency", "diagnosis"):
        if spec.get(key):
            found[key] = spec[key]
    if ROLE[name] in MINUTES and "cost" not in found:
        found["cost"] = {"minutes": MINUTES[ROLE[name]]}
    return found | {"cpd": cpd(name, spec)}


def unique_words(nodes):
    """Each synonym and lay name stays with the first node that has it; a node's own text wins."""
    taken = {"sciatica": "leg_pain"}  # people say it of the pain, whatever its cause
    for name in sorted(nodes, key=lambda n: n not in TEXTS):
        for key in ("synonyms", "lay"):
            if words := nodes[name].get(key):
                kept = [w for w in words if taken.setdefault(w.casefold(), name) == name]
                nodes[name][key] = list({w.casefold(): w for w in kept}.values())
    return nodes


def alerts():
    """The rules of network 0.3, in the states of 1.0, and those of `alerts.yaml`."""
    painful = ["mild", "disabling"]
    found = {}
    for name, rule in {**OLD["alerts"], **loaded("alerts.yaml")}.items():
        when = [
            {n: (painful if n == "back_pain" and s == "present" else s) for n, s in one.items()}
            for one in rule["when"]
        ]
        found[name] = rule | {"when": when}
    return found


HEADER = """\
# yaml-language-server: $schema=network.schema.json
# Composed from research/back-leg-pain-1.0, which keeps what two readers said of each parameter.
spinelink: 1
name: back-leg-pain
title: Back pain and leg pain in adults
version: 1.0.0
license: CC-BY-4.0
description: Causes in back, hip, leg, foot, nerves and vessels, what they do, and what a patient tells, an examiner finds and a machine shows. Are back pain and leg pain linked, and which way?
intended_use: Research, teaching and decision support for professionals. Not a medical device. It never rules out an emergency.
default_setting: primary_care
"""
SETTINGS = {
    "general_population": {"label": "General population", "population": "Adults aged 18 or over of a high-income country, with or without pain. A cause counts as present only where it gives symptoms now.", "unselected": True},
    "primary_care": {"label": "Primary care", "population": "Adults aged 18 or over who consult a general practitioner or another first-contact clinician with back or leg symptoms.", "selected_by": {"consults_primary_care": "present"}},
    "emergency": {"label": "Emergency department", "population": "Adults aged 18 or over who attend an emergency department with back or leg symptoms, after an injury or not.", "selected_by": {"attends_emergency": "present"}},
    "secondary_care": {"label": "Spine clinic", "population": "Adults aged 18 or over who are referred to a spine clinic or a spine surgeon.", "selected_by": {"referred_to_spine_clinic": "present"}},
}
CHANGES = [
    {"version": "1.0.0", "date": "2026-11-30", "text": "A new network: unselected adults, clinics as selections, syndromes, nerve roots by level, words of two readers as priors, all figures as claims."},
]


def block(key, value, depth, out):
    """YAML in flow style where it fits on a line."""
    indent = "  " * depth
    line = f"{indent}{key}: {flow(value)}"
    if not isinstance(value, dict) or len(line) <= 120 or not value:
        out.append(line)
        return
    out.append(f"{indent}{key}:")
    for name, item in value.items():
        block(name, item, depth + 1, out)


def listed(items, depth, out):
    for item in items:
        out.append(f"{'  ' * depth}- {flow(item)}")


def network():
    out = [HEADER.rstrip(), f"urgency_weights: {flow(OLD['urgency_weights'])}", "settings:"]
    for name, setting in SETTINGS.items():
        block(name, setting, 1, out)
    out.append("nodes:")
    nodes = unique_words({n: node(n, v) for n, v in NODES.items()})
    for role, group in STRUCTURE.items():
        out.append(f"  # {role}")
        for name in group:
            block(name, nodes[name], 1, out)
    out.append("alerts:")
    rules = alerts()
    for name, rule in rules.items():
        out.append(f"  {name}:")
        for key, value in rule.items():
            if key == "when":
                out.append("    when:")
                listed(value, 3, out)
            else:
                block(key, value, 2, out)
    out.append("sources:")
    for key, source in network_sources().items():
        block(key, complete(source), 1, out)
    out.append("changes:")
    listed(CHANGES + OLD["changes"], 1, out)
    return "\n".join(out) + "\n"


def network_sources():
    """Those that alert rules, care and demographics name."""
    found = set()
    for rule in alerts().values():
        found |= set(as_list(rule.get("source")))
    for name in NODES:
        each = {**OLD["nodes"].get(name, {}), **TEXTS.get(name, {})}
        found |= {c["source"] for c in each.get("care", ())}
    for demographic_node in ("age_group", "body_weight", "recent_trauma", "sex"):
        found |= set(as_list(demographic(demographic_node).get("source")))
    return {key: OLD["sources"][key] for key in sorted(found)}


def as_list(value):
    return [] if value is None else [value] if isinstance(value, str) else list(value)


# --- sources and claims --------------------------------------------------------------------------

UNKNOWN = re.compile(r"not shown|not given|not seen|no title|unknown", re.IGNORECASE)
BIBLIOGRAPHIC = ("authors", "year", "title", "journal", "doi", "pmid")


def complete(source):
    """A source without phrases in place of what nobody saw."""
    kept = {}
    for key in (*BIBLIOGRAPHIC, "secondhand", "note", "design", "population", "selected", "reference", "risk_of_bias"):
        value = source.get(key)
        if value in (None, "") or (isinstance(value, str) and UNKNOWN.search(value) and key in BIBLIOGRAPHIC):
            continue
        kept[key] = str(value) if key == "pmid" else value
    title = str(source.get("title") or "")
    if "title" not in kept and title:  # what a reader saw of a study whose title was not shown
        described = re.sub(r"[\[(][^\])]*[\])]", " ", title).strip(" :")
        if len(described) > 12 and not UNKNOWN.search(described):
            kept["title"] = f"[Title not seen] {described}"
    if not (isinstance(kept.get("year"), int) and 1800 <= kept["year"] <= 2100):
        kept.pop("year", None)
    if "doi" in kept and not re.match(r"^10\.\S+$", str(kept["doi"])):
        kept.pop("doi")
    if "pmid" in kept and not re.match(r"^\d{1,9}$", kept["pmid"]):
        kept.pop("pmid")
    return kept


def plain_word(text):
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    found = re.findall(r"[a-z]+", ascii_text.lower())
    return found[0] if found else "study"


class Sources:
    """A key for each study: records with the same doi, pmid or title are of one study."""

    def __init__(self, standing):
        """standing: those of the network file, by key."""
        self.by_identity, self.sources = {}, {}
        for key, source in standing.items():
            self.sources[key] = complete(source)
            for identity in self.identities(self.sources[key]):
                self.by_identity.setdefault(identity, key)

    @staticmethod
    def identities(source):
        return [f"{k}:{str(source[k]).lower()}" for k in ("doi", "pmid", "title") if source.get(k)]

    def key(self, record):
        source = complete(record.get("source") or {})
        where = (record.get("source") or {}).get("url") or source.get("journal")
        apart = f"place:{source.get('authors')}:{source.get('year')}:{where}"
        identities = self.identities(source) or [apart if where else f"record:{record['id']}"]
        for identity in identities:
            if identity in self.by_identity:
                key = self.by_identity[identity]
                for other in identities:
                    self.by_identity.setdefault(other, key)
                self.sources[key] = {**source, **self.sources[key]}
                return key
        first = plain_word(source.get("authors") or source.get("title") or record["id"])
        base = key = f"{first}{source.get('year', '')}"
        suffix = ord("b")
        while key in self.sources:
            key = f"{base}{chr(suffix)}"
            suffix += 1
        for identity in identities:
            self.by_identity[identity] = key
        if not (source.get("doi") or source.get("pmid")):
            source["secondhand"] = True
        for name in ("design", "selected", "reference", "risk_of_bias"):
            if (value := record.get(name)) and isinstance(value, str):
                source.setdefault(name, value)
        self.sources[key] = source
        return key


def records():
    found = {}
    for name in ("evidence", "evidence-2", "evidence-3"):
        for record in yaml.safe_load((ROOT / "evidence" / f"{name}.yaml").read_text())["records"]:
            found[record["id"]] = record
    return found


def second_grades():
    found = {}
    for path in sorted(HERE.glob("grades-*.csv")):
        found |= {r["id"]: r for r in csv.DictReader(path.open())}
    return found


def combined(first, second):
    """The farther of two readers' grades."""
    return max((first, second), key=GRADES.index)


def asks_how_many_are_selected(claim):
    parts = [claim.get(k) for k in ("condition", "finding", "comparator", "population")]
    named = {n for part in parts for one in as_list_of(part) for n in one}
    return any(ROLE[n] == "selection" for n in named)


def as_list_of(event):
    return [] if event is None else [event] if isinstance(event, dict) else event


def claims():
    """Claims with both readers' grades, and what is declined."""
    stock, second, mended = records(), second_grades(), loaded("mended.yaml")
    found, declined, sources = {}, {}, Sources(network_sources())
    for path in sorted((HERE / "claims").glob("part-*.yaml")):
        part = yaml.safe_load(path.read_text())
        declined |= part["declined"]
        for name, claim in part["claims"].items():
            if name in mended.get("declined", {}):
                declined[name] = mended["declined"][name]
                continue
            claim = {**claim, **mended.get("claims", {}).get(name, {})}
            grade = second.get(name, {}).get("grade", claim["fit"])
            if grade == "wrong":
                if name not in mended.get("claims", {}):
                    declined[name] = "second reader: " + second[name]["why"]
                    continue
                grade = claim["fit"]
            if asks_how_many_are_selected(claim):
                declined[name] = "how often people are selected: the network has rates up to a factor"
                continue
            if claim["kind"] == "prevalence":
                claim.pop("table", None)
            elif "table" in claim:
                claim.pop("counts", None)
            if claim.get("given"):
                # The narrower selection says who the people were; the clinic adds nothing to it.
                claim["setting"] = "general_population"
            why = claim.pop("why", None)
            claim["fit"] = combined(claim["fit"], grade)
            if claim["fit"] == "far" and claim["kind"] in ("prevalence", "post_test_probability"):
                declined[name] = "how common something is among people whom no selection describes (fit: far)"
                continue
            claim |= {"source": sources.key(stock[name]), "evidence": name, "graded_by": "two readers, from the record alone"}
            if stock[name].get("secondhand"):
                claim["secondhand"] = True
            if why:
                claim["note"] = why
            found[name] = {k: v for k, v in claim.items() if v not in (None, [], {})}
    return found, {k: v for k, v in declined.items() if k not in found}, sources.sources


ORDER = ("kind", "condition", "finding", "comparator", "population", "setting", "given", "value", "interval", "interval_kind", "counts", "table", "n", "source", "evidence", "secondhand", "fit", "graded_by", "note")


def claims_file():
    found, declined, sources = claims()
    out = [
        "# yaml-language-server: $schema=claims.schema.json",
        "# Published figures as claims on network 1.0, and the records of evidence/ that are not used, with the reason.",
        "network: back-leg-pain",
        "claims:",
    ]
    for name, claim in found.items():
        claim = {k: claim[k] for k in ORDER if k in claim}
        out.append(f"  {name}: {flow(claim)}")
    out.append("unused:")
    out += [f"  {name}: {flow(str(why))}" for name, why in declined.items()]
    out.append("sources:")
    for key in sorted(set(sources) - set(network_sources())):
        out.append(f"  {key}: {flow(sources[key])}")
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    target = Path(sys.argv[1])
    (target / "back-leg-pain.yaml").write_text(network())
    (target / "back-leg-pain.claims.yaml").write_text(claims_file())
