# %% [markdown]
# # Answers to tutorial 10, overfitting

# %%
from functools import cache

import numpy as np

import minnet
from minnet.callbacks import EarlyStopping
from minnet.course import reading
from minnet.layers import Dense, Dropout
from minnet.optimizers import Adam

reading.aloud(globals())

x_all, y_all, x_test, y_test = minnet.datasets.digits()


def split(seed, per_class=20, wrong=0.0):
    """x, y, x_valid, y_valid of one draw."""
    rng = np.random.default_rng(seed)
    shuffled = [rng.permutation(np.flatnonzero(y_all == digit)) for digit in range(10)]
    valid = np.concatenate([rows[:10] for rows in shuffled])
    train = np.concatenate([rows[10 : 10 + per_class] for rows in shuffled])
    y = y_all[train]
    spoilt = rng.choice(len(y), round(wrong * len(y)), replace=False)
    y[spoilt] = (y[spoilt] + rng.integers(1, 10, len(spoilt))) % 10
    return x_all[train], y, x_all[valid], y_all[valid]


@cache
def measure(wrong, *, seeds=range(5), per_class=20, stop=False, decay=0.0, pixels=0.0, units=0.0):
    """Accuracy in percent on validation and on test, (2, draws); dropout of pixels and units."""
    results = []
    for seed in seeds:
        x, y, *valid = split(seed, per_class, wrong)
        hidden = [Dropout(pixels), Dense(64, activation="relu"), Dropout(units)]
        model = minnet.Sequential([*hidden, Dense(10, activation="softmax")], seed=seed)
        model.build(64)
        model.compile(Adam(0.01, weight_decay=decay), "cross_entropy", ["accuracy"])
        model.fit(
            x,
            y,
            batch_size=50,
            epochs=48,
            validation_data=tuple(valid) if stop else None,
            callbacks=[EarlyStopping(patience=10)] if stop else [],
            verbose=0,
        )
        results.append([model.evaluate(*data)["accuracy"] for data in (valid, (x_test, y_test))])
    return 100 * np.array(results).T


# %% [markdown]
# ## 1. The price of a validation set
#
# With right labels the 100 images are worth more than early stopping: training on 30 a class is
# better in each of the five draws, by about one point. With wrong labels it is the other way round,
# and by much more: those 100 images would bring 20 more wrong labels to learn by heart, while early
# stopping keeps most of the wrong ones out.

# %%
for wrong in (0.0, 0.2):
    more, stopped = measure(wrong, per_class=30)[1], measure(wrong, stop=True)[1]
    print(
        f"{wrong:.0%} wrong: 30 a class {more.mean():.1f} %, 20 and stopping {stopped.mean():.1f} %"
    )
    assert more.mean() > stopped.mean() if wrong == 0 else more.mean() < stopped.mean() - 3

# %% [markdown]
# ## 2. A mixture
#
# Less of each will do: dropout of 0.1 and 0.3 in place of 0.2 and 0.5, and early stopping. Among
# the mixtures tried it has the best mean of both validation figures, so it is chosen before anybody
# looks at the test set. There it is within a point of dropout alone with wrong labels, and no worse
# than nothing with right ones.

# %%
DROPOUT = {"pixels": 0.2, "units": 0.5}
WEAK = {"pixels": 0.1, "units": 0.3}
MIXTURES = {
    "weak dropout": WEAK,
    "weak dropout, stopping": {**WEAK, "stop": True},
    "weak dropout, decay 0.3": {**WEAK, "decay": 0.3},
    "all three, weak": {**WEAK, "decay": 0.3, "stop": True},
}
OTHER_DRAWS = (100, 101, 102)
validation = {}
for name, how in MIXTURES.items():
    both = [measure(wrong, seeds=OTHER_DRAWS, **how)[0].mean() for wrong in (0.0, 0.2)]
    validation[name] = np.mean(both)
    print(f"{name:24} validation {both[0]:.1f} % and {both[1]:.1f} % with wrong labels")
chosen = max(validation, key=validation.get)
mixture, dropout, nothing = (
    [measure(wrong, **how)[1].mean() for wrong in (0.0, 0.2)]
    for how in (MIXTURES[chosen], DROPOUT, {})
)
print(f"chosen: {chosen}; on the test set {mixture[0]:.1f} % and {mixture[1]:.1f} %")
print(f"dropout with wrong labels {dropout[1]:.1f} %, nothing with right {nothing[0]:.1f} %")
assert chosen == "weak dropout, stopping"
assert mixture[1] > dropout[1] - 1
assert mixture[0] > nothing[0] - 0.5

# %% [markdown]
# ## 3. From which share on does dropout pay?
#
# From the first one: with one label in ten wrong, dropout is better in every draw, by several
# points. Without wrong labels the two differ by no more than luck. The more labels are wrong, the
# more it gives back.

# %%
print("wrong labels   nothing   dropout")
gains = {}
for wrong in (0.0, 0.1, 0.2, 0.4):
    without, with_dropout = measure(wrong)[1], measure(wrong, **DROPOUT)[1]
    gains[wrong] = with_dropout - without
    print(f"{wrong:12.0%} {without.mean():9.1f} {with_dropout.mean():9.1f}")
assert abs(gains[0.0].mean()) < 1.5
assert np.all(gains[0.1] > 2)
assert gains[0.1].mean() < gains[0.2].mean() < gains[0.4].mean()
