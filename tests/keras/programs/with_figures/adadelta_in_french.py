# Régression simple avec Adadelta, et arrondi de l'image
import numpy as np
from keras import Sequential
from keras.layers import Rescaling, Flatten, Dense
from keras.optimizers import Adadelta

_rng = np.random.default_rng(1)
_sketches = _rng.integers(0, 200, size=(10, 28, 28))
def drawn(rows):
    """Sketches of ten things, some fainter than others, with noise."""
    labels = _rng.integers(10, size=rows)
    grey = _sketches[labels] * _rng.uniform(0.5, 1.0, size=(rows, 1, 1)) + _rng.integers(0, 50, size=(rows, 28, 28))
    return grey.clip(0, 255).astype("uint8"), labels.astype("uint8")

(images, etiquettes), (images_test, etiquettes_test) = drawn(300), drawn(100)
modele = Sequential([
    Rescaling(1. / 255, input_shape=(28, 28)),
    Flatten(),
    Dense(50, activation='elu'),
    Dense(10, activation='softmax', name='sortie'),
])
modele.compile(optimizer=Adadelta(learning_rate=1.0, rho=0.95), loss='sparse_categorical_crossentropy', metrics=['sparse_categorical_accuracy'])
historique = modele.fit(images, etiquettes, epochs=4, batch_size=60, validation_data=(images_test, etiquettes_test), verbose=0)
print(historique.history.keys())
print("Précision finale : {:.2%}".format(historique.history['val_sparse_categorical_accuracy'][-1]))
print(modele.get_layer('sortie').activation.__name__)
print(modele.layers[2].activation.__name__, modele.layers[2].units, modele.layers[2].use_bias)
print(modele.optimizer.get_config()['rho'])
