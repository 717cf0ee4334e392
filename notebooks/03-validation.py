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
# Against published figures; on patients whose diagnosis is known; and numbers learned from a table with missing cells.
#
# For research, teaching and decision support for professionals. Not a medical device.

# %%
import pandas as pd

import spinelink as sl

model = sl.load("back-leg-pain")

# %% [markdown]
# ## Against the literature
#
# Every published figure that the network can be asked for, and whether what it implies lies inside the figure's interval. `far` figures are about other
# people than the setting's, and the network was not fitted to them.

# %%
audit = model.audit()
audit.summary("fit")

# %% [markdown]
# ## Simulated patients
#
# There is no open data set of such patients with their diagnoses, so this notebook makes its own, and says so: `sample` draws patients from the network,
# here people with back pain in secondary care, by exact conditioning. To have something to find, they come from a population in which some numbers differ.

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
# ## Predictions against what turned out
#
# The diagnosis is not taken as a finding. `in the large` is above 0 where the predictions are too low on the whole; a slope below 1 means that they are too extreme.

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
# Half of the patients teach, the other half test. What the file says of each number is the prior; missing cells are filled in by expectation maximisation,
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
# The rest of the network, and the published figures, stay as they were, or do they? `diff` says.

# %%
difference = clinic.diff(learned, cases=[])
difference.claims_frame().query("inside_before != inside_after").round(3)
