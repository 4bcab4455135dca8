"""An autoencoder of two Sequentials; the encoder's features feed a classifier."""
import numpy as np
import keras
from keras import layers

_rng = np.random.default_rng(1)
_sketches = _rng.integers(0, 200, size=(10, 28, 28))
def drawn(rows):
    """Sketches of ten things, some fainter than others, with noise."""
    labels = _rng.integers(10, size=rows)
    grey = _sketches[labels] * _rng.uniform(0.5, 1.0, size=(rows, 1, 1)) + _rng.integers(0, 50, size=(rows, 28, 28))
    return grey.clip(0, 255).astype("uint8"), labels.astype("uint8")

(x, y), (xt, yt) = drawn(300), drawn(100)
x, xt = x.astype("float32") / 255, xt.astype("float32") / 255
encoder = keras.models.Sequential([layers.Flatten(input_shape=[28, 28]), layers.Dense(40, activation="selu"), layers.Dense(12, activation="selu")])
decoder = keras.models.Sequential([layers.Dense(40, activation="selu", input_shape=[12]), layers.Dense(28 * 28, activation="sigmoid"), layers.Reshape([28, 28])])
both = keras.models.Sequential([encoder, decoder])
both.compile(loss="binary_crossentropy", optimizer=keras.optimizers.SGD(learning_rate=0.5), metrics=["mse"])
history = both.fit(x, x, epochs=3, validation_data=(xt, xt), verbose=0)
codes = encoder.predict(x, verbose=0)
print(codes.shape, decoder.predict(codes, verbose=0).shape)
assert np.allclose(decoder.predict(codes, verbose=0), both.predict(x, verbose=0), atol=1e-5)
classifier = keras.models.Sequential([encoder, layers.Dense(10, activation="softmax")])
encoder.trainable = False
classifier.compile(loss="sparse_categorical_crossentropy", optimizer="Adagrad", metrics=["accuracy"])
classifier.fit(x, y, epochs=2, verbose=0, validation_data=(xt, yt))
assert np.allclose(codes, encoder.predict(x, verbose=0), atol=1e-6)
print(len(classifier.layers), len(classifier.trainable_weights))
