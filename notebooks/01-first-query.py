# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # First query: from findings to ranked causes
#
# What are the likely causes of this person's back pain and leg pain, how does each finding change the answer, and is anything a red flag?
#
# For research, teaching and decision support for professionals. Not a medical device; nothing here rules out an emergency.

# %%
import spinelink as sl

sl.networks()

# %% [markdown]
# A **model** is a network in one setting, that is, one population. `primary_care` is the default. The other settings have parameters of their own.

# %%
model = sl.load("back-leg-pain")
model

# %% [markdown]
# A **case** is a model with evidence. A finding is the name of a state, `True` or `False`, or a number where the node has numeric bins. It may also be a likelihood for each state. What is left out was *not assessed*, which is not the same as *absent*.

# %%
case = model.observe(
    age_group=47,
    back_pain=True,
    leg_pain="below_knee",
    leg_pain_side="one_side",
    numbness=True,
    straight_leg_raise=True,
    fever=False,
)
case

# %% [markdown]
# You can do the same by clicking. `explore()` opens the case in an explorer (JupyterLab 4, Notebook 7). Findings are on the left, answers on the right.
# `explorer.case` is the current case. Without a kernel a still picture remains.

# %%
explorer = case.explore()
explorer

# %%
case.differential(limit=6)

# %% [markdown]
# Causes are not exclusive: a person may have several, so the probabilities do not sum to 1. *Ratio* is the posterior divided by the prior. Red flags are fixed rules that no probability can override.

# %%
case.alerts()

# %%
case.observe(saddle_numbness=True, bladder_dysfunction="retention").alerts()

# %% [markdown]
# Cases never change. `observe` gives a new case, and `retract` gives one without a finding. An absent finding is evidence too.

# %%
import pandas as pd

herniation = "lumbar_disc_herniation"
series = {
    "as above": case,
    "raise not assessed": case.retract("straight_leg_raise"),
    "raise negative": case.observe(straight_leg_raise=False),
}
pd.Series(
    {name: c.posterior(herniation)["present"] for name, c in series.items()},
    name=herniation,
).round(3)

# %% [markdown]
# A soft finding: the patient is not sure whether the pain passes the knee. Only the ratio of the likelihoods matters.

# %%
case.observe({"leg_pain": {"none": 0, "above_knee": 0.2, "below_knee": 0.8}}).posterior(
    herniation
).round(3)

# %% [markdown]
# Here are the same findings in every population.

# %%
pd.DataFrame(
    {
        s: case.model.in_setting(s)
        .observe(case.evidence)
        .differential(limit=None)
        .to_frame()
        .set_index("label")["posterior"]
        for s in model.settings
    }
).sort_values("primary_care", ascending=False).head(8).round(3)

# %% [markdown]
# Change a prior and look again. The new value is a number, or a `Beta` that says how sure you are.

# %%
changed = model.with_parameters({"lumbar_disc_herniation.prior": sl.Beta(8, 92)})
changed.observe(case.evidence).posterior(herniation).round(3)

# %% [markdown]
# Where does a parameter come from? Each has an estimate, an uncertainty and a grade. It has a source, or a note that says what it was judged from.

# %%
numbers = model.parameters().to_frame()
numbers[numbers["id"].str.startswith("lumbar_disc_herniation.")][
    ["id", "estimate", "low", "high", "grade", "source"]
]

# %% [markdown]
# The graph shows what surrounds one node, with the probabilities of this case.

# %%
case.graph(around="nerve_root_compression")

# %% [markdown]
# Invalid input raises an error that lists the allowed values.

# %%
for wrong in ({"leg_pain": "radiates"}, {"numbnes": True}, {"age_group": 12}):
    try:
        model.observe(wrong)
    except sl.SpinelinkError as error:
        print(error)

# %% [markdown]
# Next: the command line gives the same answers, `spinelink query back_pain leg_pain=below_knee numbness age_group=47`.
