# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # One patient: why, what next, is it linked, is it dangerous
#
# A man of 47 with back pain, pain below the knee on one side, and a numb foot. The questions a clinician asks of the answer.
#
# For research, teaching and decision support for professionals. Not a medical device; nothing here rules out an emergency.

# %%
import spinelink as sl

model = sl.load("back-leg-pain", setting="primary_care")
case = model.observe(
    age_group=47,
    sex="male",
    back_pain=True,
    leg_pain="below_knee",
    leg_pain_side="one_side",
    numbness=True,
    fever=False,
)

# %% [markdown]
# ## Is it dangerous
#
# Fixed rules first. None has fired, which is no reassurance: `pending` lists what would fire one, if it were asked and found.

# %%
print(case.alerts())
pending = case.alerts().pending_frame()
pending[pending["urgency"] == "emergency"].drop_duplicates("node")[
    ["label", "node", "question"]
].head(6)

# %% [markdown]
# Beside the rules, and never in their place: causes of some urgency whose probability reaches a threshold.

# %%
case.urgent_causes(0.01)

# %% [markdown]
# ## Which causes, and why

# %%
case.differential(limit=5)

# %%
reasons = case.explain("lumbar_disc_herniation")
print(reasons.text())
ax = reasons.plot()

# %% [markdown]
# Each finding reaches the cause through something; the chain that is likeliest to be there:

# %%
reasons.to_frame()[["finding", "share", "chain"]]

# %% [markdown]
# ## Is it linked
#
# Would the leg pain be absent, had everything in the back been absent and all else been as it was? The shares sum to 1. They explain the pain; which disease
# is likely is what the ranking above says. It is asked in the general population, as being chosen by pain is no cause of pain (`docs/questions/is-it-linked.md`).

# %%
case.link()  # interval=0.95 adds credible intervals, in half a minute

# %% [markdown]
# ## What next
#
# What each question, sign and test is expected to tell, counted by how urgent the causes are that it tells about, a minute.

# %%
case.next_best(limit=5)

# %% [markdown]
# The best test of one disease, whatever it costs:

# %%
case.next_best("lumbar_disc_herniation", cost=None, limit=4)

# %% [markdown]
# One answer more, and the picture is another:

# %%
worse = case.observe(saddle_numbness=True)
print(worse.alerts())
worse.differential(limit=3)

# %% [markdown]
# ## Do the findings fit
#
# Above 0 bits the findings hinder each other: one may be wrong, or the cause rare.

# %%
print(case.conflict())
print(case.observe(better_seated=True, worse_on_sitting=True).conflict())

# %% [markdown]
# ## On paper
#
# One page, to print or to send: `case.report("case.html")`, or on the command line
# `spinelink report back_pain leg_pain=below_knee numbness age_group=47 --out case.html`.
