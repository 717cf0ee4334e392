import csv
from pathlib import Path

import yaml

HERE=Path(__file__).parent
s=yaml.safe_load(open(HERE/"structure.yaml"))
names={n:v for g in s.values() for n,v in g.items()}
role={n:r for r,g in s.items() for n in g}
L=lambda n: names[n]["label"]
st=lambda n: names[n].get("states",["absent","present"])
rows=[]
def act(p):
    return st(p)[1:]
def has(p,x):
    return L(p) if st(p)==["absent","present"] else f"{L(p)} = {x}"
for n,v in names.items():
    k=v.get("kind")
    if k=="prior":
        if len(st(n))==2 and n!="sex": rows.append((f"{n}.prior","occurrence",f"How common among adults (in any month): {L(n)}?"))
    elif k=="log_odds":
        rows.append((f"{n}.prior","occurrence",f"How common among all adults (present now): {L(n)}?"))
        for p in v["parents"]:
            for x in act(p):
                key=f"{n}.odds_ratio.{p}"+("" if len(st(p))==2 else f".{x}")
                rows.append((key,"strength",f"Odds ratio of '{has(p,x)}' (against {st(p)[0]}) for: {L(n)}?"))
    elif k=="noisy_or":
        rows.append((f"{n}.leak","occurrence" if role[n] in("cause","mechanism") else "frequency",f"With none of the listed causes: how often do adults have: {L(n)}? (causes: {', '.join(v['parents'])})"))
        for p in v["parents"]:
            for x in act(p):
                key=f"{n}.link.{p}"+("" if len(st(p))==2 else f".{x}")
                rows.append((key,"frequency",f"Of people with '{has(p,x)}' alone: how often does it bring: {L(n)}?"))
    elif k=="noisy_max":
        t=st(n)
        def steps(prefix,who):
            rows.append((f"{prefix}|{t[1]}","frequency",f"{who}: how often '{L(n)}' at least {t[1]}?"))
            for a,b in zip(t[1:],t[2:]):
                rows.append((f"{prefix}|{b}","frequency",f"{who}: of those with at least {a}, how often {b}{'' if b==t[-1] else ' or worse'}?"))
        steps(f"{n}.leak",f"With none of the listed causes ({', '.join(v['parents'])}), among adults")
        for p in v["parents"]:
            for x in act(p):
                key=f"{n}.link.{p}"+("" if len(st(p))==2 else f".{x}")
                steps(key,f"People with '{has(p,x)}' alone")
    for p,xs in v.get("rates",{}).items():
        for x in xs:
            rows.append((f"{n}.rate.{p}.{x}","frequency",f"In a month, of people with '{has(p,x)}': how often does this bring them: {L(n)}?"))
for x in ["present"]:
    for lv in ["l2_l4","l5","s1","several"]:
        rows.append((f"herniated_level.row.present|{lv}","frequency",f"Of symptomatic disc herniations: how often at {lv}?"))
for a in ["above_knee","below_knee"]:
    for b in ["absent","present"]:
        rows.append((f"leg_pain_side.row.{a}.{b}|both_sides","frequency",f"Leg pain {a}, disease of both legs {b}: how often are both sides painful?"))
with open(HERE/"form.csv","w",newline="") as f:
    w=csv.writer(f); w.writerow(["id","scale","question"]); w.writerows(rows)
print(len(rows))
