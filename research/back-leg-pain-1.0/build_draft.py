"""Draft of network 1.0 from structure, readers' words and what network 0.2 says of nodes."""
import csv
import math
from pathlib import Path

import yaml

import spinelink as sl
from spinelink.network.scale import WORDS, SCALE_OF, WORD_WIDTH
from spinelink.io.dump import plain, flow
HERE=Path(__file__).parent
S=yaml.safe_load((HERE/"structure.yaml").read_text())
N={n:v for g in S.values() for n,v in g.items()}; ROLE={n:r for r,g in S.items() for n in g}
A,B=({r["id"]:r["word"] for r in csv.DictReader(open(HERE/f"reader{k}.csv"))} for k in(1,2))
OLD=sl.load("back-leg-pain").network
st=lambda n:N[n].get("states",["absent","present"])
def logit(p): return math.log(p/(1-p))
def ex(x): return 1/(1+math.exp(-x))
def num(x): return float(f"{x:.3g}")
def one(i,ratio=False):
    a,b=A[i],B[i]
    if a==b: return a
    f,g=(math.log,math.exp) if ratio else (logit,ex)
    m=(f(WORDS[a])+f(WORDS[b]))/2
    w=max(WORD_WIDTH[SCALE_OF[a]],WORD_WIDTH[SCALE_OF[b]])
    half=1.96*math.hypot(w,abs(f(WORDS[a])-f(WORDS[b]))/2)
    return {"estimate":num(g(m)),"interval":[num(g(m-half)),num(g(m+half))],"grade":"judged","note":f"{a}; {b}"}
def p_of(i):
    a,b=A[i],B[i]
    return ex((logit(WORDS[a])+logit(WORDS[b]))/2)
def dist(prefix,states):
    ps=[1.0]
    for s in states[1:]:
        ps.append(ps[-1]*p_of(f"{prefix}|{s}"))
    d=[ps[k]-(ps[k+1] if k+1<len(ps) else 0) for k in range(len(ps))]
    e={s:num(x) for s,x in zip(states,d)}
    big=max(e,key=e.get); e[big]=round(1-sum(v for k,v in e.items() if k!=big),6)
    words=", then ".join(A[f"{prefix}|{s}"] if A[f"{prefix}|{s}"]==B[f"{prefix}|{s}"] else f"{A[f'{prefix}|{s}']} or {B[f'{prefix}|{s}']}" for s in states[1:])
    big2=sorted(e.values())[-2]
    size=max(2.0,num((1/max(e.values())+1/max(big2,1e-4))/0.7**2))
    return {"estimate":e,"equivalent_sample_size":size,"grade":"judged","note":words}
def links(n,v):
    out={}
    for p in v["parents"]:
        t=st(p)
        def L(x):
            key=f"{n}.link.{p}"+("" if len(t)==2 else f".{x}")
            return dist(key,st(n)) if v["kind"]=="noisy_max" else one(key)
        out[p]=L(t[1]) if len(t)==2 else {x:L(x) for x in t[1:]}
    return out
def cpd(n,v):
    k=v.get("kind")
    if "rates" in v:
        r={}
        for p,xs in v["rates"].items():
            r[p]={x:one(f"{n}.rate.{p}.{x}",True) for x in xs}
            if len(st(p))==2 and xs==["present"]: r[p]=r[p]["present"]
        return {"kind":"additive_rates","rates":r}
    if k=="prior":
        if n in("age_group","body_weight","recent_trauma","sex"):
            o=OLD.settings["general_population"].overrides.get(f"{n}.prior") or OLD.nodes[n].cpd.prior
            d=plain(o); d.pop("before_fit",None); 
            if o.before_fit is not None: d["estimate"]=o.before_fit
            d["grade"]="derived" if d.get("source") else "judged"
            return {"kind":"prior","prior":d}
        return {"kind":"prior","prior":one(f"{n}.prior")}
    if k=="log_odds":
        o={}
        for p in v["parents"]:
            t=st(p)
            o[p]=one(f"{n}.odds_ratio.{p}",True) if len(t)==2 else {x:one(f"{n}.odds_ratio.{p}.{x}",True) for x in t[1:]}
        return {"kind":k,"prevalence":one(f"{n}.prior"),"odds_ratios":o}
    if k in("noisy_or","noisy_max"):
        return {"kind":k,"leak":dist(f"{n}.leak",st(n)) if k=="noisy_max" else one(f"{n}.leak"),"links":links(n,v)}
    if k=="deterministic":
        hi,mid=st(n)[2],st(n)[1]
        return {"kind":k,"parents":v["parents"],"cases":[{"given":{p:hi},"state":hi} for p in v["parents"]]+[{"given":{p:mid},"state":mid} for p in v["parents"]],"otherwise":st(n)[0]}
    if n=="herniated_level":
        w=[p_of(f"{n}.row.present|{s}") for s in st(n)[1:]]; t=sum(w)
        e={"none":0.0,**{s:num(x/t) for s,x in zip(st(n)[1:],w)}}
        big=max(e,key=e.get); e[big]=round(1-sum(x for k,x in e.items() if k!=big),6)
        certain={"none":1.0,**{s:0.0 for s in st(n)[1:]}}
        return {"kind":"table","parents":v["parents"],"rows":[{"given":{"lumbar_disc_herniation":"absent"},"probability":{"estimate":certain,"equivalent_sample_size":1000,"grade":"judged","note":"by definition"}},{"given":{"lumbar_disc_herniation":"present"},"probability":{"estimate":e,"equivalent_sample_size":12,"grade":"judged","note":"two readers"}}]}
    if n=="leg_pain_side":
        rows=[]
        for a in st("leg_pain"):
            for b in("absent","present"):
                if a=="none": e={"none":1.0,"one_side":0.0,"both_sides":0.0}; note="by definition"; size=1000
                else:
                    p=num(p_of(f"{n}.row.{a}.{b}|both_sides")); e={"none":0.0,"one_side":round(1-p,6),"both_sides":p}; note="two readers"; size=10
                rows.append({"given":{"leg_pain":a,"bilateral_leg_disease":b},"probability":{"estimate":e,"equivalent_sample_size":size,"grade":"judged","note":note}})
        return {"kind":"table","parents":v["parents"],"rows":rows}
    raise SystemExit(n)
OUT=["# yaml-language-server: $schema=network.schema.json","spinelink: 1","name: back-leg-pain","title: Back pain and leg pain in adults","version: 1.0.0","license: CC-BY-4.0","description: A draft. Unselected adults; clinics are selections.","intended_use: A draft; not for use.","default_setting: primary_care","settings:",
"  general_population: {label: General population, population: All adults., unselected: true}",
"  primary_care: {label: Primary care, population: Adults who consult a general practitioner with back or leg symptoms., selected_by: {consults_primary_care: present}}",
"  emergency: {label: Emergency department, population: Adults who attend an emergency department with back or leg symptoms., selected_by: {attends_emergency: present}}",
"  secondary_care: {label: Spine clinic, population: Adults referred to a spine clinic., selected_by: {referred_to_spine_clinic: present}}","nodes:"]
def emit(key,value,depth):
    ind="  "*depth
    line=f"{ind}{key}: {flow(value)}"
    if not isinstance(value,dict) or len(line)<=120 or not value: OUT.append(line); return
    OUT.append(f"{ind}{key}:")
    for k,x in value.items(): emit(k,x,depth+1)
for role,g in S.items():
    OUT.append(f"  # {role}")
    for n,v in g.items():
        d={"role":role}
        old=plain(OLD.nodes[n]) if n in OLD.nodes else {}
        for k in("origin","region"): 
            if v.get(k) or old.get(k): d[k]=v.get(k) or old.get(k)
        d["label"]=v["label"]
        for k in("description","question","synonyms","lay"):
            if old.get(k): d[k]=old[k]
        if "states" in v: d["states"]=v["states"]
        for k in("bins","cost","procedure","codes"):
            if old.get(k) is not None: d[k]=old[k]
        for k in("urgency","diagnosis"):
            if v.get(k): d[k]=v[k]
        if role in("symptom","sign","test") and "cost" not in d: d["cost"]={"minutes":{"symptom":0.5,"sign":1,"test":15}[role]}
        d["cpd"]=cpd(n,v)
        emit(n,d,2-1)
(HERE/"draft.yaml").write_text("\n".join(OUT)+"\n")
