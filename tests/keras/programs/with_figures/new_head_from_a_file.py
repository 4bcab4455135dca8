"""New head: load the body's weights and leave out what does not fit."""
import os, tempfile
import numpy as np
import keras
from keras import layers

_rng = np.random.default_rng(0)
_sketches = _rng.integers(0, 200, size=(10, 28, 28))
def drawn(rows):
    """Sketches of ten things, some fainter than others, with noise."""
    labels = _rng.integers(10, size=rows)
    grey = _sketches[labels] * _rng.uniform(0.5, 1.0, size=(rows, 1, 1)) + _rng.integers(0, 50, size=(rows, 28, 28))
    return grey.clip(0, 255).astype("uint8"), labels.astype("uint8")

os.chdir(tempfile.mkdtemp())
(x, y), (xt, yt) = drawn(300), drawn(100)
x, xt = x.reshape(-1, 784).astype("float32") / 255, xt.reshape(-1, 784).astype("float32") / 255
def build(classes):
    return keras.Sequential([layers.Input((784,)), layers.Dense(40, activation="relu", name="body_1"), layers.Dense(20, activation="relu", name="body_2"),
                             layers.Dense(classes, activation="softmax", name="head")])
first = build(5)
rows = y < 5
first.compile(loss="sparse_categorical_crossentropy", optimizer="rmsprop", metrics=["accuracy"])
first.fit(x[rows], y[rows], epochs=2, batch_size=32, verbose=0)
first.save_weights("first.weights.h5")
second = build(10)
second.load_weights("first.weights.h5", skip_mismatch=True)
for name in ("body_1", "body_2"):
    assert np.array_equal(first.get_layer(name).get_weights()[0], second.get_layer(name).get_weights()[0])
    second.get_layer(name).trainable = False
second.compile(loss="sparse_categorical_crossentropy", optimizer=keras.optimizers.Adagrad(0.05), metrics=["accuracy"])
print(len(second.trainable_weights), len(second.non_trainable_weights))
second.fit(x, y, epochs=3, verbose=0)
assert np.array_equal(first.get_layer("body_1").get_weights()[0], second.get_layer("body_1").get_weights()[0])
print(second.evaluate(xt, yt, verbose=0))
