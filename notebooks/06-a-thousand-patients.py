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
# # A thousand patients at once: a table in, a table out
#
# This notebook answers a whole table. It shows what a missing cell means, what is refused, and how often the leading cause is really there.
#
# For research, teaching and decision support for professionals. Not a medical device.

# %%
import matplotlib.pyplot as plt
import pandas as pd
import polars as pl

import spinelink as sl

model = sl.load("back-leg-pain", setting="secondary_care")

# %% [markdown]
# ## The patients
#
# The patients are simulated from the network itself. There are ten questions, and each answer is blanked with probability 0.6, at random. The causes are sampled
# too, and are then put aside: nobody who answers sees them. (`columns="observable"` would give all 126 findings and no causes.)

# %%
questions = [
    "age_group",
    "leg_pain",
    "numbness",
    "leg_worse_than_back",
    "worse_on_coughing",
    "straight_leg_raise",
    "better_bending_forward",
    "night_pain",
    "fever",
    "recent_trauma",
]
causes = [name for name, node in model.nodes.items() if node.role == "cause"]
drawn = model.sample(
    1000,
    seed=6,
    columns=[*questions, *causes],
    missing=dict.fromkeys(questions, 0.6),
)
patients = drawn[questions]
truth = drawn[causes] == "present"
patients.head().T

# %% [markdown]
# A patient has about four answers of ten, and may have several causes, or none:

# %%
pd.DataFrame(
    {
        "answers": patients.notna().sum(axis=1).describe(),
        "causes": truth.sum(axis=1).describe(),
    }
).loc[["mean", "min", "max"]].round(1)

# %% [markdown]
# ## Mistakes
#
# A misspelt state or column is refused, with row and column, before anything is computed. Rows are counted from 0.

# %%
misspelt_state = patients.astype(object)
misspelt_state.loc[17, "leg_pain"] = "below_nee"
misspelt_column = patients.rename(columns={"numbness": "numbnes"})

for table in (misspelt_state, misspelt_column):
    try:
        model.posteriors(table, of="causes")
    except sl.EvidenceError as error:
        print(error, end="\n\n")

# %% [markdown]
# Name a column that is not a finding, such as a patient's number, in `keep`. It is handed through.
#
# ## The answers
#
# Each row is answered exactly, by itself. A cause has two states, so its column is the probability that it is present. `log_evidence` is the natural logarithm of
# P(findings): the lower, the rarer the combination.

# %%
answers = model.posteriors(patients, of="causes")
print(answers.shape)
answers[["lumbar_disc_herniation", "lumbar_spinal_stenosis", "log_evidence"]].head()

# %% [markdown]
# This takes one or two seconds on four cores with the extra `fast` (its first use on a machine compiles for about ten seconds), and about half a minute
# without it. The cost grows with the number of findings, and with how many causes share them. Nearly all causes share back pain, so it is not
# among the ten. With it the same table takes several times as long. With all 126 findings, four in ten of them known, it takes minutes.
#
# ## Missing is not absent
#
# Take the same patients, with a "no" for every question that was not asked. Age is left as it is: it has no "no".

# %%
filled = patients.copy()
for column in questions[1:]:
    filled[column] = filled[column].fillna(filled[column].cat.categories[0])
answers_filled = model.posteriors(filled, of="causes")

watched = ["lumbar_disc_herniation", "lumbar_spinal_stenosis", "lumbar_muscle_strain"]
pd.DataFrame(
    {
        "truly there": truth[watched].mean(),
        "missing left missing": answers[watched].mean(),
        "missing read as absent": answers_filled[watched].mean(),
    }
).round(3)

# %%
apart = (answers - answers_filled)["lumbar_disc_herniation"].abs()
worst = apart.idxmax()
print("moved by more than 0.1:", int((apart > 0.1).sum()), "of", len(patients))
print("the most:", patients.loc[worst].dropna().to_dict())
pd.DataFrame(
    {
        "left missing": answers.loc[worst, watched],
        "read as absent": answers_filled.loc[worst, watched],
    }
).astype(float).round(3)

# %% [markdown]
# ## Soft findings
#
# Columns `node=state` hold likelihoods: how probable the observation is if the state is the true one. Only their ratio counts. Here is one patient
# four times: the test not done, doubtful (3 to 1), nearly sure (20 to 1), sure.

# %%
unsure = pd.DataFrame(
    {
        "test": ["not done", "doubtful", "nearly sure", "sure"],
        "age_group": 47,
        "leg_pain": "below_knee",
        "straight_leg_raise=absent": [None, 1, 1, 0],
        "straight_leg_raise=present": [None, 3, 20, 1],
    }
)
model.posteriors(unsure, of="lumbar_disc_herniation", keep="test").round(3)

# %% [markdown]
# ## Contradictory rows
#
# "No leg pain" and "leg pain on one side" contradict each other. By default the error names the row, and nothing is answered. With `on_impossible="flag"` the row gets
# no posteriors and `-inf`, and the other rows are answered.

# %%
entered = patients.head(4)[["age_group"]].assign(
    leg_pain=["below_knee", "none", "none", None],
    leg_pain_side=["one_side", "one_side", None, "both_sides"],
)
try:
    model.posteriors(entered)
except sl.ImpossibleEvidenceError as error:
    print(error)

flagged = model.posteriors(entered, of="lumbar_disc_herniation", on_impossible="flag")
entered.join(flagged.round(3))

# %% [markdown]
# ## Which cause leads
#
# For each row, take the cause with the highest posterior. Does the patient have it?

# %%
posterior = answers[causes]
leading = posterior.idxmax(axis=1)
height = posterior.max(axis=1)
right = pd.Series([truth.at[row, cause] for row, cause in leading.items()])

labels = leading.map(lambda cause: model.nodes[cause].label)
right.groupby(labels).agg(leads="size", present="sum").assign(
    share=lambda t: t["present"] / t["leads"],
    expected=height.groupby(labels).mean(),
).sort_values("leads", ascending=False).round(2)

# %%
fig, ax = plt.subplots(figsize=(6.5, 3.2))
ax.hist(
    [height[right], height[~right]],
    bins=[k / 20 for k in range(21)],
    stacked=True,
    label=["the patient has it", "the patient does not"],
    color=["#2b6a99", "#d9a441"],
)
ax.set_xlim(0, 1)
ax.set_xlabel("posterior of the leading cause")
ax.set_ylabel("patients")
ax.legend(frameon=False)
ax.spines[["top", "right"]].set_visible(False)

# %%
print(f"the leading cause is there in {right.mean():.1%}")
print(f"mean posterior of the leading cause: {height.mean():.1%}")

# %% [markdown]
# The two agree because the patients come from the network that answers. With four answers of ten, and several causes at a time, the leading cause
# is often wrong, and its posterior says so. On real patients this agreement has yet to be shown: `03-validation`.
#
# ## One cause, evaluated
#
# Disc herniation is predicted twice: with the missing cells left missing, and with them read as absent. `in_the_large` is above 0 where the predictions are too low
# on the whole. With cells left missing its interval holds 0, as it should with patients from the same network.

# %%
herniation = "lumbar_disc_herniation"
rows = {
    way: model.evaluate(
        table.assign(**{herniation: drawn[herniation]}), herniation, bootstrap=200
    )
    for way, table in {"left missing": patients, "read as absent": filled}.items()
}
pd.DataFrame({way: v.to_frame().iloc[0] for way, v in rows.items()}).loc[
    [
        "share",
        "mean_prediction",
        "auc",
        "brier",
        "in_the_large",
        "in_the_large_low",
        "in_the_large_high",
    ]
].astype(float).round(3)

# %%
ax = rows["left missing"].plot(herniation)

# %% [markdown]
# ## Polars in, polars out
#
# The answer is a frame of the same kind as the input: pandas, polars or pyarrow. The values are the same.

# %%
table = pl.from_pandas(patients)
answers_polars = model.posteriors(table, of=watched)
same = answers_polars[herniation].to_numpy() - answers[herniation].to_numpy()
print(type(answers_polars).__module__.split(".")[0], abs(same).max() < 1e-9)
answers_polars.select(pl.all().round(3)).head(3)

# %% [markdown]
# ## Files, and more than one machine
#
# A command answers a file, CSV or Parquet, which may be larger than memory. An empty cell was not assessed. After a kill the same
# command continues where it was.
#
# ```sh
# spinelink batch patients.csv --out posteriors.csv --keep patient --setting secondary_care
# ```
#
# From Python, `patients.to_csv("patients.csv", index=False)` writes such a file and `pd.read_csv("posteriors.csv")` reads the answers.
#
# `model.scorer()` is `posteriors` as a callable that can be pickled. With Dask:
#
# ```text
# scorer = model.scorer(of="causes", keep="patient")
# answers = frame.map_partitions(scorer, meta=scorer(frame.head(0)))
# ```
#
# Ray and Spark: `docs/tables.md`.
