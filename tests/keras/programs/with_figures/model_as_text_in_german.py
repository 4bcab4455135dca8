# Ein Modell als JSON speichern und wieder laden
import os, tempfile
import numpy as np
from keras.models import Sequential, model_from_json
from keras.layers import Dense

def pima():
    """Eight measures of each patient, and whether they fell ill."""
    rng = np.random.default_rng(5)
    measures = np.abs(rng.normal([4, 120, 70, 20, 80, 32, .5, 33], [3, 30, 15, 10, 80, 7, .3, 11], size=(300, 8)))
    return np.column_stack([measures, measures[:, 1] + measures[:, 5] + rng.normal(size=300) * 20 > 155])

os.chdir(tempfile.mkdtemp())
daten = pima()
X, Y = daten[:, :8], daten[:, 8]
X = (X - X.mean(0)) / X.std(0)
modell = Sequential()
modell.add(Dense(12, input_dim=8, activation='relu', kernel_initializer='uniform'))
modell.add(Dense(8, activation='relu', kernel_initializer='uniform'))
modell.add(Dense(1, activation='sigmoid', kernel_initializer='uniform'))
modell.compile(loss='binary_crossentropy', optimizer='SGD', metrics=['accuracy'])
modell.fit(X, Y, epochs=10, batch_size=10, verbose=0)
vorher = modell.evaluate(X, Y, verbose=0)
with open("modell.json", "w") as datei:
    datei.write(modell.to_json())
modell.save_weights("modell.weights.h5")
with open("modell.json") as datei:
    geladen = model_from_json(datei.read())
geladen.load_weights("modell.weights.h5")
geladen.compile(loss='binary_crossentropy', optimizer='rmsprop', metrics=['accuracy'])
nachher = geladen.evaluate(X, Y, verbose=0)
print("%s: %.2f%%" % (geladen.metrics_names[1], nachher[1] * 100))
assert np.allclose(vorher, nachher, atol=1e-5)
neu = Sequential.from_config(modell.get_config())
neu.set_weights(modell.get_weights())
assert np.allclose(neu.predict(X, verbose=0), modell.predict(X, verbose=0), atol=1e-6)
