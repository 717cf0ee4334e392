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
# # Tuning priors: which parameters matter, and how to change them
#
# How sure is an answer, given how sure the network's parameters are? Which parameters does it depend on, and what would change the ranking? How are parameters
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
# Every parameter of the network has an uncertainty of its own. Sampling all of them together gives credible intervals of the posteriors, and of the ranks.
# `first` is the fraction of samples in which a cause ranks first.

# %%
case.differential(limit=6, interval=0.95, draws=256).to_frame()

# %% [markdown]
# Where does the interval come from? The table gives the fraction of the variance that comes from each parameter, to first order. A better study would help most at the top.

# %%
intervals = case.intervals(herniation, method="delta")
intervals.shares(herniation).head(6)

# %% [markdown]
# ## What it depends on
#
# One upward and one downward pass give the derivatives by all parameters at once. The tornado moves each parameter over its own interval.

# %%
sensitivity = case.sensitivity(herniation)
ax = sensitivity.plot(limit=10)
# %% [markdown]
# Along one parameter the posterior is exactly a quotient of two linear functions. The dashed line marks where the ranking changes.

# %%
function = sensitivity.function("nerve_root_compression.leak", "none")
print(function)
ax = function.plot()
# %% [markdown]
# How far off would a parameter have to be for another cause to take the lead?

# %%
frame = sensitivity.shown()
changes = frame[frame["another leads"] != ""]
changes[["number", "estimate", "low", "high", "another leads"]].round(4).head(8)

# %% [markdown]
# Two parameters at once, and one parameter over a grid of values.

# %%
ax = case.two_way(
    herniation, f"{herniation}.prior", "straight_leg_raise.specificity"
).plot()
# %%
ax = case.sweep(f"{herniation}.prior", np.linspace(0.01, 0.3, 30)).plot(limit=4)
# %% [markdown]
# Here are the same findings in every population:

# %%
print(case.across_settings())

# %% [markdown]
# ## Changing parameters
#
# By hand: the new value is a number, or a `Beta` made from what is known. A `Beta` says what it implies.

# %%
for beta in (
    sl.Beta.from_counts(8, 100),
    sl.Beta.from_mean(0.08, 50),
    sl.Beta.from_interval(0.03, 0.15),
):
    print(beta)

# %% [markdown]
# By what the network should answer: the answer lists every parameter that alone would do, with how far it must move. Below stands the shortest change of several
# parameters together. Each is measured in standard deviations of its own uncertainty.

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
# If a constraint cannot be met, the answer gives the nearest value that was reached.

# %%
model.tune(
    sl.constraint(f"P({herniation} | numbness) >= 0.9"), vary="numbness.leak", cases=[]
)

# %% [markdown]
# ## What changed
#
# `diff` compares the tuned network with the one it came from. It lists parameters, marginals, the ranking of cases, and the claims that it now meets or misses.

# %%
tuned = model.fitted(tuning)
difference = model.diff(tuned, cases=[case])
difference

# %% [markdown]
# `save` writes a network file in which only these parameters changed, with what they were and why. Comments and layout survive. On the command line,
# `spinelink diff back-leg-pain tuned.yaml` gives the same comparison.

# %%
import tempfile
from pathlib import Path

with tempfile.TemporaryDirectory() as folder:
    path = tuned.save(Path(folder) / "tuned.yaml")
    numbers = sl.load(path).parameters().to_frame().set_index("id")
print(numbers.loc[f"{herniation}.prior", "note"][-170:])
