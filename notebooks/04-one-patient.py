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
# Fixed rules come first. None has fired, which is no reassurance. `pending` lists what would fire one, if it were asked and found.

# %%
print(case.alerts())
pending = case.alerts().pending_frame()
pending[pending["urgency"] == "emergency"].drop_duplicates("node")[
    ["label", "node", "question"]
].head(6)

# %% [markdown]
# Beside the rules, and never in their place, stand urgent causes whose probability reaches a threshold.

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
# Each finding is linked to the cause through mechanisms. `chain` is the most probable way, and `shapley` the finding's contribution in log odds:

# %%
reasons.to_frame()[["finding", "shapley", "chain"]]

# %% [markdown]
# ## Is it linked
#
# If the back were healthy and everything else unchanged, would the leg pain be gone? The probabilities of the patterns sum to 1. They explain the pain. The
# ranking above says which disease is likely. The question is evaluated in the general population, as consulting because of pain does not cause the pain
# (`docs/questions/is-it-linked.md`).

# %%
case.link()  # interval=0.95 adds credible intervals, in half a minute

# %% [markdown]
# ## What next
#
# Questions, signs and tests are ranked by expected information per minute. Each cause is weighted by its urgency.

# %%
case.next_best(limit=5)

# %% [markdown]
# Here is the best test of one disease, whatever it costs:

# %%
case.next_best("lumbar_disc_herniation", cost=None, limit=4)

# %% [markdown]
# One more answer changes the picture:

# %%
worse = case.observe(saddle_numbness=True)
print(worse.alerts())
worse.differential(limit=3)

# %% [markdown]
# ## Do the findings fit
#
# Above 0 bits the findings are rarer together than if they were independent. One may be wrong, or the cause rare.

# %%
print(case.conflict())
print(case.observe(better_seated=True, worse_on_sitting=True).conflict())

# %% [markdown]
# ## On paper
#
# A report is one page to print or to send: `case.report("case.html")`, or on the command line
# `spinelink report back_pain leg_pain=below_knee numbness age_group=47 --out case.html`.
