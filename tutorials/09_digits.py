# %% [markdown]
# # Real digits, from start to finish
#
# *Before this one: 06 (activations), 07 (losses) and 08 (optimizers). Reading time: 5 minutes.*
#
# Tutorial 00 trained on real digits in fifteen lines. Here they are again, with everything that you
# have learned since: 3,823 handwritten digits to learn from, and 1,797 by thirteen *other* people
# to be tested on. The steps are those of every project with a network: look at the data, keep some
# aside, choose a network, train, look at the curves, stop in time, test once, look at the mistakes.

# %%
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

import minnet
from minnet import plots
from minnet.callbacks import EarlyStopping
from minnet.course import reading
from minnet.layers import Dense

pictures = Path("pictures")
pictures.mkdir(exist_ok=True)
reading.aloud(globals())

# %% [markdown]
# ## 1. Look at the data
#
# `x` has a row for each image and a column for each of its 8 × 8 pixels. `y` has the digit that the
# writer meant. Three questions before anything else: in which range are the numbers (networks like
# 0 to 1), are all classes there, and does an image look like its label?

# %%
x, y, x_test, y_test = minnet.datasets.digits()
print(f"x {x.shape}, from {x.min():g} to {x.max():g}; y {y.shape}, labels {np.unique(y)}")
print(f"samples of each class: {np.bincount(y)}")
print("the first image, label", y[0])
print(np.array2string((16 * x[0]).astype(int).reshape(8, 8)))

# %% [markdown]
# ## 2. Choose a network
#
# 64 inputs, one hidden layer of 64 units with ReLU (tutorial 06), and ten outputs with softmax: ten
# probabilities that sum to one (tutorial 07). `compile` adds what training needs: Adam as the
# optimizer (tutorial 08), cross-entropy as the loss, and a *metric*. The loss is what the network
# is trained on; the accuracy, the share of digits that are right, is what we want to know. In the
# table N is the number of images, and most weights lie between the pixels and the hidden layer:
# 64 · 64 weights and 64 biases.

# %%
model = minnet.Sequential(
    [Dense(64, activation="relu", input_dim=64), Dense(10, activation="softmax")], seed=0
)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.summary()

# %% [markdown]
# Before any training a network that knows nothing should be as unsure as can be. One in ten for
# each class costs $-\ln \frac{1}{10} = \ln 10 = 2.303$. A loss far above that says that the first
# weights are too large.

# %%
before = model.evaluate(x, y)
print(f"before training: loss {before['loss']:.3f}, accuracy {before['accuracy']:.1%}")
assert 0.66 * np.log(10) < before["loss"] < 1.5 * np.log(10)

# %% [markdown]
# ## 3. Are the gradients right?
#
# Never trust a formula that was not checked (tutorial 05). Eight images are enough.

# %%
report = minnet.check_gradients(model, x[:8], y[:8])
print(report)
assert report.ok

# %% [markdown]
# ## 4. Train, and stop in time
#
# An *epoch* is one pass through all training images. `fit` shuffles them and takes 32 at a time, a
# *batch*; after each batch the weights make one step.
#
# A fifth of the training data is not trained on. It is kept for *validation*: after each epoch the
# loss on it tells how the network does on images that it has not seen. While both losses fall, it
# learns something general. When the training loss falls on and the validation loss no longer does,
# it has begun to learn its examples by heart (*overfitting*, tutorial 10). `EarlyStopping` waits
# for ten epochs without a better one, ends the training, and goes back to the best weights. (`fit`
# keeps the last rows, so the rows are shuffled first.)

# %%
order = np.random.default_rng(0).permutation(len(x))
stop = EarlyStopping(patience=10)
history = model.fit(
    x[order], y[order], epochs=200, validation_split=0.2, callbacks=[stop], verbose=0
)
print(f"stopped after {len(history.epoch)} epochs, best was epoch {stop.best_epoch + 1}")

# %% tags=["hide-input"]
figure, (upper, lower) = plt.subplots(2, 1, figsize=(7.2, 6.4), sharex=True, layout="constrained")
epochs = np.arange(1, len(history.epoch) + 1)
for ax, figure_of in ((upper, "loss"), (lower, "accuracy")):
    for i, (name, words) in enumerate(
        ((figure_of, "training"), (f"val_{figure_of}", "validation"))
    ):
        values = np.array(history.history[name]) * (100 if figure_of == "accuracy" else 1)
        ax.plot(epochs, values, color=plots.COLOURS[i], linestyle=plots.STYLES[i], linewidth=2.2)
        ax.text(epochs[-1] + 0.6, values[-1], words, color=plots.COLOURS[i], va="center")
    ax.axvline(stop.best_epoch + 1, color="0.4", linestyle=":")
    ax.grid(alpha=0.3)
upper.set(yscale="log", ylabel="loss")  # so that small losses can be told apart
upper.set_title(f"The validation loss is lowest at epoch {stop.best_epoch + 1} (dotted)")
lower.set(ylabel="accuracy (%), from 80", ylim=(80, 100.5), xlabel="epoch")
lower.set_xlim(0, 1.2 * len(epochs))
figure.savefig(pictures / "09_learning_curves.png", dpi=120)

# %% [markdown]
# ## 5. Test once
#
# Why not simply look at the test while training? We chose the epoch by the validation images, so
# for them the result is a little too good. The test images have chosen nothing. They stay honest as
# long as you look once, at the end.

# %%
test = model.evaluate(x_test, y_test)
print(f"on other people's digits: loss {test['loss']:.3f}, accuracy {test['accuracy']:.1%}")
assert test["accuracy"] > 0.94

# %% [markdown]
# ## 6. Look at the mistakes
#
# An accuracy does not say *which* digits are confused. A *confusion matrix* does: the row is what
# the digit is, the column what the network said. What is off the diagonal is wrong.

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
#
# One file holds layers, weights and optimizer. Names for the classes go with it.

# %%
model.class_names = [str(digit) for digit in range(10)]
model.save(pictures / "09_digits.npz")
again = minnet.load(pictures / "09_digits.npz")
assert np.array_equal(again.predict(x_test), model.predict(x_test))
print("saved and loaded: the same predictions to the last bit")

# %% [markdown]
# ## Exercises
#
# 1. Leave out the hidden layer. How much accuracy does it bring?
# 2. Give the network 512 hidden units and no early stopping. What do the two loss curves do?
# 3. Multiply `x` by 255 before training. Read the warning, and compare the curves.
