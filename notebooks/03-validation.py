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
# # Validation: is it any good on data, and what can it learn from them
#
# This notebook compares the network with published figures, and with patients whose diagnosis is known. It then learns parameters from a table with missing cells.
#
# For research, teaching and decision support for professionals. Not a medical device.

# %%
import pandas as pd

import spinelink as sl

model = sl.load("back-leg-pain")

# %% [markdown]
# ## Against the literature
#
# The audit asks the network every claim. It says whether the implied figure lies inside the published interval. `far` claims are about other
# people than the setting's, and the network was not fitted to them. It was fitted to the others, so their rows show agreement, not prediction.

# %%
audit = model.audit()
audit.summary("fit")

# %% [markdown]
# ## Fitted to figures, and asked for figures that it has not seen
#
# Every parameter has a prior, and a published figure is a claim. The fit moves parameters to where both are most probable. It estimates how far studies differ.
# `informed` says which fraction of a parameter's prior variance the figures removed. The teaching network has five figures, so most of it stays judged.

# %%
teaching = sl.load("minimal")
fit = teaching.fit_claims(progress=False)
fit.to_frame().head(6).round(3)

# %%
fit.spreads_frame().round(2)

# %% [markdown]
# A fit agrees with the figures it has seen. What counts is prediction: whole studies are left out, and everything is fitted again.
# `covered_90` is the fraction of figures in their 90 % predictive intervals. `gain` compares the log score with the better of two baselines.

# %%
predicted = teaching.cross_validate(folds=5, progress=False)
predicted.summary().round(2)

# %%
ax = predicted.plot()

# %% [markdown]
# ## Simulated patients
#
# There is no open data set of such patients with their diagnoses, so this notebook simulates them. `sample` draws patients exactly from the network,
# here people with back pain in secondary care. To have something to find, they come from a population in which some parameters differ.

# %%
clinic = model.in_setting("secondary_care")
elsewhere = clinic.with_parameters(
    {"lumbar_disc_herniation.prior": 0.45, "straight_leg_raise.specificity": 0.7}
)
findings = ["age_group", "leg_pain", "numbness", "straight_leg_raise"]
patients = elsewhere.sample(
    2000,
    findings={"back_pain": True},
    seed=7,
    columns=[*findings, "lumbar_disc_herniation"],
    missing=dict.fromkeys(findings, 0.15),
)
patients.head()

# %% [markdown]
# ## Predictions against outcomes
#
# The diagnosis is not taken as a finding. `in the large` is above 0 where the predictions are too low on the whole. A slope below 1 means that they are too extreme.

# %%
validation = clinic.evaluate(
    patients, "lumbar_disc_herniation", by="straight_leg_raise", bootstrap=200
)
validation

# %%
ax = validation.plot("lumbar_disc_herniation")
# %%
ax = validation.plot_decision_curve("lumbar_disc_herniation")
# %%
validation.confusion("lumbar_disc_herniation", threshold=0.5)

# %% [markdown]
# ## Learning
#
# Half of the patients teach, the other half test. Each parameter's uncertainty in the file is its prior. Expectation maximisation handles missing cells,
# and a noisy-OR stays a noisy-OR. The objective never falls.

# %%
teach, test = patients.iloc[:1000], patients.iloc[1000:]
learning = clinic.learn(
    teach,
    vary=["lumbar_disc_herniation", "straight_leg_raise"],
    restarts=0,
    tolerance=1e-5,
)
learning

# %%
ax = learning.plot()
# %%
learned = clinic.fitted(learning)
before, after = (
    m.evaluate(test, "lumbar_disc_herniation", bootstrap=200).to_frame().iloc[0]
    for m in (clinic, learned)
)
pd.DataFrame({"before": before, "after": after}).loc[
    ["brier", "log_score", "auc", "slope", "in_the_large"]
].astype(float).round(3)

# %% [markdown]
# Does the network still agree with the published figures? `diff` lists the claims that came inside their interval or fell out of it.

# %%
difference = clinic.diff(learned, cases=[])
difference.claims_frame().query("inside_before != inside_after").round(3)
