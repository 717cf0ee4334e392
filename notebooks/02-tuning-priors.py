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
# # Tuning priors: which numbers matter, and how to change them
#
# How sure is an answer, given how sure the network's numbers are? Which numbers does it hang on, and what would change the ranking? How are numbers
# changed so that the network agrees with what is known, and what does that do to everything else?
#
# For research, teaching and decision support for professionals. Not a medical device.

# %%
import numpy as np

import spinelink as sl

model = sl.load("back-leg-pain")
case = model.observe(
    age_group=47,
    back_pain=True,
    leg_pain="below_knee",
    leg_pain_side="one_side",
    numbness=True,
    straight_leg_raise=True,
)
herniation = "lumbar_disc_herniation"

# %% [markdown]
# ## How sure
#
# Every number of the network has an uncertainty of its own. Drawing all of them together gives credible intervals of the posteriors, and of the ranks:
# `first` is the share of draws in which a cause ranks first.

# %%
case.differential(limit=6, interval=0.95, draws=256).to_frame()

# %% [markdown]
# Where does the interval come from? The share of its variance that each number brings (to first order): where a better study would help most.

# %%
intervals = case.intervals(herniation, method="delta")
intervals.shares(herniation).head(6)

# %% [markdown]
# ## What it hangs on
#
# One upward and one downward pass give the derivative by every number at once. The tornado moves each number over its own interval.

# %%
sensitivity = case.sensitivity(herniation)
ax = sensitivity.plot(limit=10)
# %% [markdown]
# Along one number the posterior is a ratio of two lines, exactly. The dashed line marks where the ranking changes.

# %%
function = sensitivity.function("nerve_root_compression.leak", "none")
print(function)
ax = function.plot()
# %% [markdown]
# Which numbers would have to be how far off for another cause to take its place?

# %%
frame = sensitivity.shown()
changes = frame[frame["another leads"] != ""]
changes[["number", "estimate", "low", "high", "another leads"]].round(4).head(8)

# %% [markdown]
# Two numbers at once, and one number over a grid of values.

# %%
ax = case.two_way(
    herniation, f"{herniation}.prior", "straight_leg_raise.specificity"
).plot()
# %%
ax = case.sweep(f"{herniation}.prior", np.linspace(0.01, 0.3, 30)).plot(limit=4)
# %% [markdown]
# The same findings in every population:

# %%
print(case.across_settings())

# %% [markdown]
# ## Changing numbers
#
# By hand: a number, or a `Beta` made from what is known, which says what it implies.

# %%
for beta in (
    sl.Beta.from_counts(8, 100),
    sl.Beta.from_mean(0.08, 50),
    sl.Beta.from_interval(0.03, 0.15),
):
    print(beta)

# %% [markdown]
# By what the network should answer. Every number that alone would do is listed, with how far it must go; below, the shortest change of several numbers
# together, measured in standard deviations of each number's own uncertainty.

# %%
constraint = sl.constraint(
    f"P({herniation} | leg_pain=below_knee, numbness, straight_leg_raise) >= 0.75"
)
tuning = model.tune(
    constraint,
    vary=[f"{herniation}.prior", "straight_leg_raise.specificity"],
    most=2,
    cases=[case],
)
tuning

# %% [markdown]
# A constraint that cannot be met says how far one gets.

# %%
model.tune(
    sl.constraint(f"P({herniation} | numbness) >= 0.9"), vary="numbness.leak", cases=[]
)

# %% [markdown]
# ## What changed
#
# The tuned network, against the one it came from: numbers, marginals, the ranking of cases, and the published figures that it now meets or misses.

# %%
tuned = model.fitted(tuning)
difference = model.diff(tuned, cases=[case])
difference

# %% [markdown]
# `save` writes a network file in which only these numbers changed, with what they were and why; comments and layout survive. On the command line,
# `spinelink diff back-leg-pain tuned.yaml` says the same as above.

# %%
import tempfile
from pathlib import Path

with tempfile.TemporaryDirectory() as folder:
    path = tuned.save(Path(folder) / "tuned.yaml")
    numbers = sl.load(path).parameters().to_frame().set_index("id")
print(numbers.loc[f"{herniation}.prior", "note"][-170:])
