"""Batch normalisation before the activation; momentum with a schedule."""
import numpy as np
import keras
from keras import layers, regularizers
from keras.optimizers import schedules

_rng = np.random.default_rng(1)
_sketches = _rng.integers(0, 200, size=(10, 28, 28))
def drawn(rows):
    """Sketches of ten things, some fainter than others, with noise."""
    labels = _rng.integers(10, size=rows)
    grey = _sketches[labels] * _rng.uniform(0.5, 1.0, size=(rows, 1, 1)) + _rng.integers(0, 50, size=(rows, 28, 28))
    return grey.clip(0, 255).astype("uint8"), labels.astype("uint8")

(x, y), (xt, yt) = drawn(300), drawn(100)
x, xt = x.reshape((len(x), -1)) / 255.0, xt.reshape((len(xt), -1)) / 255.0
model = keras.models.Sequential()
model.add(keras.Input(shape=(784,)))
for units in (60, 30):
    model.add(layers.Dense(units, use_bias=False, kernel_regularizer=regularizers.L2(1e-4)))
    model.add(layers.BatchNormalization(momentum=0.9))
    model.add(layers.Activation("relu"))
model.add(layers.Dense(10, activation="softmax"))
rate = schedules.CosineDecay(0.1, decay_steps=60)
model.compile(optimizer=keras.optimizers.SGD(rate, momentum=0.9), loss="sparse_categorical_crossentropy", metrics=["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(k=3, name="top3")])
h = model.fit(x, y, epochs=3, batch_size=30, validation_data=(xt, yt), verbose=0)
print(sorted(h.history), [v.name for v in model.non_trainable_variables])
print(model.count_params(), len(model.losses))
