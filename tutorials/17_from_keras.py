# %% [markdown]
# # From Keras to minnet, line by line
#
# *Before this one: 09 (real digits). Reading time: 6 minutes.*
#
# minnet began with an article in Chinese, an introduction to transfer learning with tf.keras. It
# builds a small network, trains it on random numbers and then sets its weights. Here is its
# program; only the two import lines differ.

# %% tags=["hide-input"]
from minnet.course import reading

reading.aloud(globals())

# %%
import numpy as np

from minnet.layers import Dense
from minnet.models import Sequential

model = Sequential()
model.add(Dense(32, activation="relu", input_dim=784))
model.add(Dense(10, activation="softmax"))
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])

x_train = np.random.default_rng(0).random((100, 784))
y_train = np.random.default_rng(1).integers(10, size=(100, 1))
model.fit(x_train, y_train, epochs=10, verbose=2)

# %% [markdown]
# (The article draws from `np.random.rand`; that works too. minnet itself never touches NumPy's
# global generator: give `Sequential(seed=0)` to have the same run again.)
#
# ## The line that cannot work
#
# Then the article calls `model.set_weights([np.random.rand(32), np.random.rand(10)])`. Two vectors
# cannot be the weights of this network, and Keras refuses them too. Read what minnet says:

# %%
try:
    model.set_weights([np.random.default_rng(2).random(32), np.random.default_rng(3).random(10)])
except ValueError as error:
    print(error)
else:
    raise AssertionError("two vectors are not the weights of two Dense layers")

# %% [markdown]
# A Dense layer of 32 units on 784 inputs has a *matrix* W of shape (784, 32), one column for each
# unit, and one bias b for each unit; the next layer has (32, 10) and (10,). So four arrays are
# wanted. The order and layout are Keras', so `keras_model.set_weights(model.get_weights())` and the
# way back work as they are.

# %%
before = model.predict(x_train[:5])
weights = [np.zeros_like(w) if w.ndim == 1 else w for w in model.get_weights()]
model.set_weights(weights)
print([w.shape for w in model.get_weights()])
assert not np.array_equal(before, model.predict(x_train[:5]))

# %% [markdown]
# ## What the article is about: keep the body, change the head
#
# In Keras:
#
# ```python
# for layer in model.layers[:-1]:
#     layer.trainable = False
# new = Sequential(model.layers[:-1] + [Dense(5, activation="softmax")])
# new.compile(...)                        # again, or freezing does nothing
# ```
#
# The same lines run here, with two differences that prevent two common accidents. The layers are
# *copied* with their weights, so the first model stays as it is. And freezing acts at once, before
# or after `compile`.

# %%
for layer in model.layers[:-1]:
    layer.trainable = False
new = Sequential(model.layers[:-1] + [Dense(5, activation="softmax", name="head")], seed=0)
new.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
new.summary()

y_new = y_train % 5
frozen = new.layers[0].W.copy()
new.fit(x_train, y_new, epochs=10, verbose=0)
assert np.array_equal(new.layers[0].W, frozen)
print("after ten epochs the frozen layer is the same to the last bit")

# %% [markdown]
# In minnet's own words it is two lines:

# %%
short = model.replace_head(Dense(5, activation="softmax"), seed=0)
short.freeze("all_but_head")
assert [layer.name for layer in short.layers] == [layer.name for layer in new.layers]

# %% [markdown]
# ## A program from a book, pasted
#
# The first network of F. Chollet, *Deep Learning with Python*, is two dense layers on images of
# digits. A pasted program uses more of Keras than the article's: `to_categorical`, a list from
# `evaluate`, optimizers by name. All of that is behind one door, `minnet.keras`, and again only the
# import lines differ. (In the place of MNIST here are the small digits that minnet ships.)

# %%
import minnet
from minnet.keras import layers, models
from minnet.keras.utils import to_categorical

train_images, train_labels, test_images, test_labels = minnet.datasets.digits(per_class=100, seed=0)

network = models.Sequential()
network.add(layers.Dense(512, activation="relu", input_shape=(8 * 8,)))
network.add(layers.Dense(10, activation="softmax"))
network.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])

train_labels = to_categorical(train_labels)
test_labels = to_categorical(test_labels)
network.fit(train_images, train_labels, epochs=5, batch_size=128)
test_loss, test_acc = network.evaluate(test_images, test_labels)
print("test_acc:", test_acc)
assert isinstance(network, minnet.Sequential)
assert test_acc > 0.8

# %% [markdown]
# ## Now look inside
#
# What was made is a network of minnet's, so everything that looks at one works on it. Here is how
# RMSprop moves a weight, with the numbers of the next step:

# %%
step = minnet.explain_step(network, train_images[:2], train_labels[:2])
text = str(step)
print(text[text.index("4. Update") : text.index("4.2  ")])

# %% [markdown]
# ## What means something else behind the door
#
# Keras has its reasons for some words that minnet uses otherwise, and a pasted program means
# Keras'. Adam is the one that changes figures: the paper has two places for ε, and Keras took the
# second. With the same ε the two part in the first updates and meet in the end.

# %%
from minnet import keras
from minnet.optimizers import Adam

losses = {}
for where, optimizer in {
    "beside √v̂": Adam(0.01, epsilon=1e-3),
    "beside √v": keras.optimizers.Adam(0.01, epsilon=1e-3),
}.items():
    small = minnet.Sequential([Dense(10, activation="softmax", input_dim=64)], seed=0)
    small.compile(optimizer, "cross_entropy")
    losses[where] = small.fit(train_images, train_labels, epochs=20, verbose=0, seed=0).history
    print(f"ε {where:10}", " ".join(f"{loss:.3f}" for loss in losses[where]["loss"][::4]))
first = abs(losses["beside √v̂"]["loss"][0] - losses["beside √v"]["loss"][0])
assert first > 1e-3

# %% [markdown]
# What minnet does not have (layers that join, recurrence, tf.data) can be imported all
# the same, since programs import much that they never use. When it is used, it says what to write
# instead:

# %%
try:
    layers.LSTM(32)
except NotImplementedError as error:
    print(error)
else:
    raise AssertionError("minnet has no recurrence")

# %% [markdown]
# ## Where minnet departs from Keras
#
# | | Keras, and `minnet.keras` | minnet |
# |---|---|---|
# | `evaluate` | a list of numbers | numbers with names |
# | layers put into a second model | shared (`minnet.keras` keeps them equal) | copied |
# | `EarlyStopping(restore_best_weights=)` | False | True |
# | Adam's ε | 1e-7, beside √v | 1e-8, beside √v̂, as in the paper |
# | a loss's arguments | (y_true, y_pred) | (prediction, target) |
# | `train_on_batch` | the loss, or a list with the metrics | the loss |
#
# | | Keras | `minnet.keras`, and minnet |
# |---|---|---|
# | a change of `trainable` | acts after the next `compile` | acts at once |
# | a frozen layer | dropout stays active | runs in inference mode |
# | a loss that is no number any more | training goes on | an error, and the last finite epoch |
#
# `help(minnet.keras)` has the whole tables.
#
# ## Exercises
#
# 1. Take out `input_dim=784`. When does the network get its weights now, and what does `summary`
#    say before that?
# 2. Paste a program that you know, change its import lines, and run it. If it stops, what does the
#    sentence tell you to write?
# 3. Freeze every layer and call `fit`. What would Keras do?
