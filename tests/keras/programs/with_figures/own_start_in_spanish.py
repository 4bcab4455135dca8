# Inicialización con una función propia y pérdida de Huber
import numpy as np
import keras
from keras import layers

def regression(seed, rows, columns):
    """A plane, bent a little along its first column, with noise."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, columns))
    return x, x @ rng.normal(size=columns) + .3 * np.sin(3 * x[:, 0]) + rng.normal(size=rows) * .1

x, y = regression(3, 200, 5)
def mi_inicial(shape, dtype=None):
    rng = np.random.default_rng(7)
    return (rng.normal(size=shape) * 0.1).astype('float32')
modelo = keras.Sequential([
    layers.Input((5,)),
    layers.Dense(10, activation=keras.activations.tanh, kernel_initializer=mi_inicial, bias_initializer=keras.initializers.Constant(0.05)),
    layers.Dense(1, kernel_initializer=mi_inicial),
])
modelo.compile(optimizer=keras.optimizers.RMSprop(learning_rate=0.01, rho=0.8, momentum=0.5), loss=keras.losses.Huber(delta=0.5), metrics=['mae', keras.metrics.RootMeanSquaredError()])
h = modelo.fit(x, y, validation_split=0.25, epochs=12, batch_size=16, verbose=0)
print('Época final', h.epoch[-1] + 1, sorted(h.history))
print(modelo.optimizer.name, float(modelo.optimizer.learning_rate))
pesos, sesgos = modelo.layers[0].get_weights()
print(pesos.shape, sesgos.shape)
uno = np.array([[.1, .2, .3, .4, .5]])
print(modelo.predict(uno, verbose=0).shape, modelo(uno).numpy().shape)
