# %% [markdown]
# # Real digits, from start to finish
#
# 3,823 handwritten digits to learn from, and 1,797 by thirteen *other* people to be tested on. The
# way is always the same: look at the data, keep some aside, choose a network, train, look at the
# curves, stop in time, test once, look at the mistakes.

# %%
from pathlib import Path

import numpy as np

import minnet
from minnet import plots
from minnet.callbacks import EarlyStopping
from minnet.layers import Dense

pictures = Path("pictures")
pictures.mkdir(exist_ok=True)

# %% [markdown]
# ## 1. Look at the data

# %%
x, y, x_test, y_test = minnet.datasets.digits()
print(f"x {x.shape}, from {x.min():g} to {x.max():g}; y {y.shape}, labels {np.unique(y)}")
print(f"samples of each class: {np.bincount(y)}")
print("the first image, label", y[0])
print(np.array2string((16 * x[0]).astype(int).reshape(8, 8)))

# %% [markdown]
# ## 2. Choose a network
#
# 64 inputs, one hidden layer of 64, ten outputs that sum to one.

# %%
model = minnet.Sequential(
    [Dense(64, activation="relu", input_dim=64), Dense(10, activation="softmax")], seed=0
)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.summary()

# %% [markdown]
# Before any training a network that knows nothing should be as unsure as can be: ten classes at
# one in ten each cost ln 10 = 2.303.

# %%
before = model.evaluate(x, y)
print(f"before training: loss {before['loss']:.3f}, accuracy {before['accuracy']:.1%}")
assert 0.66 * np.log(10) < before["loss"] < 1.5 * np.log(10)

# %% [markdown]
# ## 3. Are the gradients right?
#
# Never trust a formula that was not checked. A small batch is enough.

# %%
report = minnet.check_gradients(model, x[:8], y[:8])
print(report)
assert report.ok

# %% [markdown]
# ## 4. Train, and stop in time
#
# A fifth of the training data is kept for validation. When its loss no longer falls, the network
# has begun to learn its examples by heart; `EarlyStopping` ends the training and goes back to the
# best weights. (The last rows are kept, so the rows are shuffled first.)

# %%
order = np.random.default_rng(0).permutation(len(x))
stop = EarlyStopping(patience=10)
history = model.fit(
    x[order], y[order], epochs=200, validation_split=0.2, callbacks=[stop], verbose=0
)
print(f"stopped after {len(history.epoch)} epochs, best was epoch {stop.best_epoch + 1}")
ax = history.plot()
ax.set_yscale("log")  # so that small losses can be told apart
ax.axvline(stop.best_epoch + 1, color="0.4", linestyle=":")
ax.figure.axes[-1].get_legend().set_bbox_to_anchor((0.75, 0.66))  # off the curves
ax.set_title(f"The validation loss is lowest at epoch {stop.best_epoch + 1} (dotted)")
ax.figure.savefig(pictures / "09_learning_curves.png", dpi=120)

# %% [markdown]
# ## 5. Test once

# %%
test = model.evaluate(x_test, y_test)
print(f"on other people's digits: loss {test['loss']:.3f}, accuracy {test['accuracy']:.1%}")
assert test["accuracy"] > 0.94

# %% [markdown]
# ## 6. Look at the mistakes

# %%
predicted = model.predict(x_test).argmax(axis=1)
counts = minnet.confusion_matrix(y_test, predicted)
ax = plots.confusion(counts)
ax.figure.savefig(pictures / "09_confusion.png", dpi=120)

off_diagonal = counts - np.diag(np.diag(counts))
true, taken = np.unravel_index(off_diagonal.argmax(), counts.shape)
print(f"the commonest mistake: {true} taken for {taken}, {counts[true, taken]} times")
print(f"Pictures: 09_*.png in {pictures.resolve()}")

wrong = np.flatnonzero(predicted != y_test)[:24]
ax = plots.predictions(x_test[wrong], y_test[wrong], predicted[wrong])
ax.figure.savefig(pictures / "09_mistakes.png", dpi=120)

# %% [markdown]
# ## 7. Keep it

# %%
model.class_names = [str(digit) for digit in range(10)]
model.save("my_digits.npz")
again = minnet.load("my_digits.npz")
assert np.array_equal(again.predict(x_test), model.predict(x_test))
print("saved and loaded: the same predictions to the last bit")

# %% [markdown]
# ## Exercises
#
# 1. Leave out the hidden layer. How much accuracy does it bring?
# 2. Give the network 512 hidden units and no early stopping. What do the two loss curves do?
# 3. Multiply `x` by 255 before training. Read the warning, and compare the curves.
