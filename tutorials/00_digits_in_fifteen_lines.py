# %% [markdown]
# # Real digits in fifteen lines
#
# *Before this one: nothing. Reading time: 4 minutes.*
#
# Before you learn how a neural network works, watch one work. The fifteen lines below take real
# handwriting, build a network, train it, test it on people it has never seen, and look at a digit
# that it gets wrong. It takes a few seconds.
#
# You are not expected to understand every line yet. Run the cells one at a time (`# %%` begins a
# cell; VS Code and Spyder run one at a time), or run the whole file. The list at the end says which
# tutorial explains which line. Lines that begin with `assert` only make sure that what the text
# says is true. You need not read them, and you can delete one that stops you after you have changed
# something. The cell that ends in `reading.aloud` lets the text be printed between the results.

# %%
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

import minnet
from minnet.course import reading
from minnet.layers import Dense
from minnet.plots import COLOURS

# %% tags=["hide-input"]
pictures = Path("pictures")
pictures.mkdir(exist_ok=True)
reading.aloud(globals())

# %% [markdown]
# ## 1. The data
#
# Each image has 8 × 8 = 64 pixels, from 0 (paper) to 1 (ink), and a label from 0 to 9. There are
# two sets: one to learn from, and one written by *other* people, for the test.

# %%
x, y, x_test, y_test = minnet.datasets.digits()
print(f"{len(x):,} digits to learn from, {len(x_test):,} by other people to be tested on")
print(f"the first one, a {y[0]}:\n{(16 * x[0]).astype(int).reshape(8, 8)}")
assert x.shape == (3823, 64)
assert x_test.shape == (1797, 64)

# %% [markdown]
# ## 2. A network
#
# 64 pixels go in. A layer of 64 units looks for useful patterns, and a layer of 10 units turns them
# into ten probabilities, one for each digit. At first all weights are random, so the network can
# only guess. **Guess** yourself: how many digits in a hundred does a network get right that knows
# nothing?

# %%
layers = [Dense(64, activation="relu", input_dim=64), Dense(10, activation="softmax")]
model = minnet.Sequential(layers, seed=0)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
before = model.evaluate(x_test, y_test)["accuracy"]

# %% [markdown]
# ## 3. Train it, then test it
#
# `fit` goes through all the images twenty times. After every 32 of them it moves each weight a
# little, in the direction that makes the error smaller.

# %%
model.fit(x, y, epochs=20, verbose=0)
after = model.evaluate(x_test, y_test)["accuracy"]
print(f"right before training: {before:.1%}, after training: {after:.1%}")
assert before < 0.25
assert after > 0.93

# %% [markdown]
# About one in ten before, as chance would have it, and more than nine in ten after. Nobody told the
# program what a 3 looks like. It found that out from examples.
#
# ## 4. One digit that it gets wrong
#
# The most interesting digits are the wrong ones. Of all its mistakes, take the one that the network
# was surest of. Would you have read it correctly?

# %%
p = model.predict(x_test)
guess, sure = p.argmax(axis=1), p.max(axis=1)
worst = np.argmax(np.where(guess != y_test, sure, 0))
print(f"image {worst}: meant as {y_test[worst]}, read as {guess[worst]}, {sure[worst]:.0%} sure")
print("  ".join(f"{digit}: {share:.0%}" for digit, share in enumerate(p[worst])))
assert guess[worst] != y_test[worst]
assert sure[worst] > 0.9

# %% tags=["hide-input"]
figure, (left, right) = plt.subplots(1, 2, figsize=(7.6, 3.2), layout="constrained")
left.imshow(x_test[worst].reshape(8, 8), cmap="gray_r")
left.set(xticks=[], yticks=[], title=f"Somebody wrote this as a {y_test[worst]}")
bars = right.bar(range(10), 100 * p[worst], color="0.75", edgecolor="0.3")
bars[y_test[worst]].set(facecolor=COLOURS[0])
bars[guess[worst]].set(facecolor=COLOURS[1])
right.text(guess[worst], 100 * sure[worst] + 2, "answer", ha="center")
right.text(y_test[worst], 100 * p[worst, y_test[worst]] + 2, "right", ha="center")
right.set(xticks=range(10), xlabel="digit", ylabel="probability, %", ylim=(0, 112))
right.set_title(f"The network is {sure[worst]:.0%} sure, and wrong")
figure.savefig(pictures / "00_wrong_digit.png", dpi=120)
print(f"Picture: 00_wrong_digit.png in {pictures.resolve()}")

# %% [markdown]
# It is wrong, and quite sure of itself. Being sure is not the same as being right; that is worth
# remembering whenever a network tells you something.
#
# ## 5. What you will understand, and where
#
# | in the lines above | is explained in |
# |---|---|
# | units, weights, `activation` | 01, one neuron by hand |
# | moving the weights in the right direction | 02, gradient descent |
# | why there is a layer in between | 03, XOR |
# | how one error moves thousands of weights at once | 04, backpropagation |
# | how to be sure that the formulas are right | 05, check your gradients |
# | `"relu"` | 06, activations |
# | `"softmax"`, and the loss with the long name | 07, losses |
# | `"adam"` | 08, optimizers |
# | all of this again, now step by step | 09, real digits |
# | why other people's digits are the test | 10, overfitting |
# | random weights to start from | 11, initialisation and normalisation |
# | what to do when `fit` does not learn | 12, the doctor |
# | how to keep what was learned | 13, saving and resuming |
# | learning from five examples of each digit | 14 and 15, transfer learning |
# | writing a layer like `Dense` yourself | 16, your own layer |
# | why these words are the same as Keras' | 17, from Keras, and back |
# | data that come as a table | 18, a table with scikit-learn |
# | reading a digit that has moved | 19, convolution |
# | data of your own, with gaps and words in them | 20, your own table |
# | pictures of your own | 21, your own pictures |
# | filters that were learned on other images | 22, frozen filters |
# | a network that several computers train | 23, more than one machine |
# | formulas that are wrong and learn all the same | 24, wrong gradients |

# %% [markdown]
# ## Exercises
#
# 1. Train for 1 epoch instead of 20, then for 5. How many digits in a hundred are right? How much
#    do the last 15 epochs bring?
# 2. Take 2 units in place of 64 in the first layer, then 8. How many digits in a hundred are right?
# 3. Turn the colours of the test images round, `1 - x_test`: white ink on black paper. You can
#    still read them. Can the network?
