# %% [markdown]
# # A table with gaps: pandas, a Pipeline, a grid search, and a network in it
#
# *Before this one: 09 (real digits) and 10 (overfitting). Reading time: 7 minutes.*
#
# Most data are not pictures but tables: numbers in all kinds of units, words, and gaps.
# scikit-learn has the tools for what comes before a network and for what comes after it, and
# `minnet.sklearn` puts minnet's networks in between.

# %%
import warnings
from pathlib import Path

import numpy as np

try:
    import pandas as pd
    import sklearn  # noqa: F401
except ModuleNotFoundError as missing:
    print(f"Skipped: {missing.name} is missing. python -m pip install pandas scikit-learn")
    raise SystemExit from None

from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from minnet import plots
from minnet.course import reading
from minnet.sklearn import MLPClassifier
from minnet.teaching import diagnose

pictures = Path("pictures")
pictures.mkdir(exist_ok=True)
reading.aloud(globals())

# %% [markdown]
# ## 1. The table
#
# A bicycle shop lends bicycles. Who brings one back late? The table is made up here, so that we
# know the truth: long rides are late in winter, and short ones in summer; members are on time; and
# those who do not say what they earn are late more often. The rest is chance.

# %%
rng = np.random.default_rng(0)
N = 1500
rides = pd.DataFrame(
    {
        "age": rng.integers(16, 80, N).astype(float),
        "income": np.exp(rng.normal(10.3, 0.5, N)).round(-2),
        "kilometres": rng.gamma(2.0, 6.0, N).round(1),
        "season": rng.choice(["winter", "summer"], N),
        "member": rng.choice(["yes", "no", "lapsed"], N, p=[0.3, 0.5, 0.2]),
    }
)
silent = rng.random(N) < 0.15
long_ride, winter = rides["kilometres"] > 10, rides["season"] == "winter"
score = np.where(long_ride == winter, 1.8, -1.8) + 1.5 * silent - 1.5 * (rides["member"] == "yes")
late = np.where(rng.random(N) < 1 / (1 + np.exp(-score)), "late", "in time")
rides.loc[silent, "income"] = np.nan
rides.loc[rng.random(N) < 0.1, "age"] = np.nan
rides.loc[rng.random(N) < 0.1, "member"] = np.nan

print(rides.head(6).to_string())
print(f"\n{(late == 'late').mean():.0%} of {N:,} rides are late. Holes:")
print(rides.isna().sum().to_string())

rides_train, rides_test, late_train, late_test = train_test_split(
    rides, late, test_size=0.3, random_state=0, stratify=late
)

# %% [markdown]
# ## 2. A network takes numbers
#
# It multiplies and adds, so words and holes are refused, and the message says which columns and
# what to do.

# %%
try:
    MLPClassifier(random_state=0).fit(rides_train, late_train)
except ValueError as error:
    print(f"ValueError: {error}")

# %% [markdown]
# So each kind of column gets what it needs. A hole in a number becomes the median, and a column of
# 0 and 1 says that there was one, since who is silent may matter. Words become one column for each,
# and a hole is a word of its own. Then all numbers get mean 0 and standard deviation 1.
#
# All this belongs *into* a Pipeline with the network. In a cross-validation the medians and the
# means are then those of the training rows alone: computed on all rows, they would carry something
# of the rows that should judge.

# %%
numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
words = make_pipeline(
    SimpleImputer(strategy="constant", fill_value="unknown"),
    OneHotEncoder(handle_unknown="ignore", sparse_output=False),
)
prepare = ColumnTransformer(
    [("n", numbers, ["age", "income", "kilometres"]), ("w", words, ["season", "member"])]
).set_output(transform="pandas")

warnings.simplefilter("ignore", ConvergenceWarning)  # we stop after 60 epochs on purpose
mlp = MLPClassifier((32,), learning_rate_init=0.01, max_iter=60, random_state=0)
network = make_pipeline(prepare, mlp).fit(rides_train, late_train)
print(f"{len(network[-1].feature_names_in_)} columns for the network:")
print(", ".join(network[-1].feature_names_in_))

# %% [markdown]
# ## 3. Better than what?
#
# An accuracy alone says nothing. The first opponent always gives the most frequent answer; the
# second draws one straight line through the same columns. That it hardly helps says something about
# the table: length and season matter only together.

# %%
opponents = {
    "the most frequent": DummyClassifier(),
    "a straight line": make_pipeline(prepare, LogisticRegression()),
}
for name, opponent in opponents.items():
    accuracy = opponent.fit(rides_train, late_train).score(rides_test, late_test)
    print(f"{name:20} {accuracy:.1%}")
first_accuracy = network.score(rides_test, late_test)
print(f"{'our first network':20} {first_accuracy:.1%}")

# %% [markdown]
# ## 4. A grid search
#
# How wide, how strong a penalty, and does dropout help? `GridSearchCV` tries all of them, each by
# cross-validation on the training rows: each fifth of them once judges a network that was trained
# on the other four. Settings are named through the pipeline, `mlpclassifier__dropout`, and those
# that scikit-learn's own MLP does not have are searched like any other. The test rows are not
# looked at.

# %%
grid = {
    "mlpclassifier__hidden_layer_sizes": [(8,), (32,)],
    "mlpclassifier__alpha": [1e-4, 1.0, 10.0],
    "mlpclassifier__dropout": [0.0, 0.3],
}
search = GridSearchCV(network, grid, cv=5).fit(rides_train, late_train)

columns = {f"param_{name}": name.removeprefix("mlpclassifier__") for name in grid}
scores = pd.DataFrame(search.cv_results_).rename(columns=columns).sort_values("rank_test_score")
scores["score"] = [
    f"{mean:.1%} ± {deviation:.1%}"
    for mean, deviation in zip(scores["mean_test_score"], scores["std_test_score"], strict=True)
]
print(scores[[*columns.values(), "score"]].to_string(index=False))

best = search.best_estimator_
best_accuracy = best.score(rides_test, late_test)
print(f"\nchosen: {search.best_params_}")
print(f"cross-validation {search.best_score_:.1%}, test rows {best_accuracy:.1%}")

# %% [markdown]
# A penalty of 10 is too strong, whatever stands beside it. The other rows are closer together than
# their spread from fold to fold, so which of them wins is chance, and dropout is not needed here.
#
# ## 5. What does the doctor say?
#
# Behind the estimator there is a minnet model, `model_`, and all of minnet works with it.
# `diagnose` wants what the network saw: the prepared columns, and 0 and 1 for the classes.

# %%
mlp = best[-1]
seen = best[:-1].transform(rides_train).to_numpy()
target = np.searchsorted(mlp.classes_, late_train)[:, None]
mlp.model_.summary()
print(diagnose(mlp.model_, seen, target, batch_size=200))

# %% [markdown]
# And without the scaler? Incomes of 30,000 beside zeros and ones: the network still gives numbers,
# and nothing stops. The doctor names it.

# %%
unscaled = best[:-1].transform(rides_train).to_numpy()
unscaled[:, 1] = rides_train["income"].fillna(30_000)
ill = diagnose(mlp.model_, unscaled, target, batch_size=200)
print(ill)
assert "feature-scale" in ill.kinds

# %% [markdown]
# ## 6. Which columns does it use?
#
# Shuffle one column of the test rows, and see how much accuracy is lost. Age was made to mean
# nothing.

# %%
importance = permutation_importance(best, rides_test, late_test, n_repeats=10, random_state=0)
for i in np.argsort(-importance.importances_mean):
    mean, deviation = importance.importances_mean[i], importance.importances_std[i]
    print(f"{rides.columns[i]:12} {100 * mean:5.1f} ± {100 * deviation:.1f} points")

figure = plots.learning_curves(mlp.model_.history.history).figure
figure.savefig(pictures / "18_loss.png", dpi=120)
print(f"Picture: {(pictures / '18_loss.png').resolve()}")

assert best_accuracy > opponents["a straight line"].score(rides_test, late_test) + 0.05

# %% [markdown]
# ## Exercises
#
# 1. Leave out `add_indicator=True`. How much is lost, and which column was it?
# 2. Add `"mlpclassifier__activation": [["relu", "tanh"], "gelu"]` with two hidden layers to the
#    grid: one activation for each layer, or one for all.
# 3. Suppose that you must not miss late bicycles, and false alarms matter less. Try
#    `class_weight={"late": 3}`, and look at `sklearn.metrics.classification_report` on the test
#    rows before and after.
