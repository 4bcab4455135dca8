import numpy as np
import keras
from keras import layers
from keras.utils import plot_model
from keras.layers import LSTM, Embedding, Conv2D
r = np.random.default_rng(0)
class MonModele(keras.Sequential):
    def __init__(self, unites=16):
        super().__init__([layers.Dense(unites, activation="tanh", input_shape=(4,)), layers.Dense(3, activation="softmax")], name="mon_modele")
        self.unites = unites
x, y = r.normal(size=(150, 4)), r.integers(3, size=150)
modele = MonModele()
modele.compile(optimizer="Nadam", loss=["sparse_categorical_crossentropy"], weighted_metrics=["accuracy"])
h = modele.fit(x, y, epochs=3, verbose=0, sample_weight=np.ones(150))
print(h.history.keys(), modele.optimizer.name)
def eigene_init(shape, dtype=None):
    return r.normal(size=shape) * 0.1
netz = keras.Sequential()
netz.add(keras.Input(shape=(4,), name="eingabe"))
netz.add(layers.Dense(8, kernel_initializer=eigene_init, bias_initializer=keras.initializers.TruncatedNormal(stddev=0.1, seed=1)))
netz.add(layers.ReLU(max_value=6))
netz.add(layers.Dense(3)); netz.add(layers.Softmax())
netz.compile(loss=keras.losses.SparseCategoricalCrossentropy(), optimizer=keras.optimizers.Adam(learning_rate=0.01, clipnorm=1.0), metrics=[keras.metrics.SparseCategoricalAccuracy(name="genauigkeit")])
def mittlerer_fehler(y_true, y_pred):
    return np.abs(np.argmax(y_pred, axis=-1) - np.reshape(y_true, -1))
netz.fit(x, y, epochs=2, verbose=2, validation_split=0.1, callbacks=keras.callbacks.EarlyStopping(patience=2))
netz.compile(loss="sparse_categorical_crossentropy", optimizer="sgd", metrics=[mittlerer_fehler])
print(netz.fit(x, y, epochs=1, verbose=0).history)
for w in netz.weights: print(w.name, w.shape, w.numpy().mean())
lr = netz.optimizer.learning_rate; print(lr.numpy())
keras.backend.clear_session()
