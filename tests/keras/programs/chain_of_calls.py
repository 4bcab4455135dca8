"""転移学習: an autoencoder by calls, its encoder frozen under a new head, metrics by the backend."""

import keras
import numpy as np
from keras import backend as K
from keras.layers import BatchNormalization, Dense, Dropout, Input
from keras.models import Model, load_model
from keras.optimizers import Adam

rng = np.random.default_rng(0)
X = rng.random((120, 20)).astype("float32")
y = (X[:, 0] > X[:, 1]).astype(int)


def r_squared(y_true, y_pred):
    rest = K.sum(K.square(y_true - y_pred))
    return 1 - rest / (K.sum(K.square(y_true - K.mean(y_true))) + K.epsilon())


eingabe = Input(shape=(20,), name="eingabe")
h = Dense(16, activation="relu")(eingabe)
code = Dense(4, name="code")(BatchNormalization()(h))
ausgabe = Dense(20, activation="sigmoid")(Dense(16, activation="relu")(code))
autoencoder, encoder = Model(eingabe, ausgabe), Model(eingabe, code)
autoencoder.compile(optimizer="adam", loss="mse", metrics=[r_squared])
autoencoder.fit(X, X, epochs=2, batch_size=32, validation_split=0.2, verbose=0)
print("圧縮:", encoder.predict(X).shape, "復元:", autoencoder.predict(X).shape)
print([a.shape for a in Model(autoencoder.inputs, [l.output for l in encoder.layers]).predict(X)])

encoder.trainable = False
inputs = keras.Input(shape=(20,))
x = encoder(inputs, training=False)
x = Dropout(0.2)(x)
outputs = Dense(1, activation="sigmoid")(x)
model = keras.Model(inputs, outputs, name="neu")
model.compile(optimizer=Adam(1e-2), loss="binary_crossentropy", metrics=["accuracy"])
model.fit(X, y, epochs=2, verbose=0)
model.summary()
K.set_value(model.optimizer.learning_rate, 1e-4)
encoder.trainable = True
model.fit(X, y, epochs=1, verbose=0)
model.save("neu.keras")
neu = load_model("neu.keras")
assert np.allclose(neu.predict(X), model.predict(X))
finer = Model(neu.input, Dense(3, activation="softmax")(neu.layers[-3].output))
for layer in finer.layers[:-1]:
    layer.trainable = False
finer.compile("sgd", "sparse_categorical_crossentropy")
finer.fit(X, np.arange(120) % 3, verbose=0)
print("学習率:", K.get_value(model.optimizer.learning_rate), [l.trainable for l in finer.layers])
