import numpy as np
from types import SimpleNamespace
import keras as _k; tf = SimpleNamespace(keras=_k)
celsius = np.array([-40, -10, 0, 8, 15, 22, 38], dtype=float)
fahrenheit = np.array([-40, 14, 32, 46, 59, 72, 100], dtype=float)
oculta1 = tf.keras.layers.Dense(units=3, input_shape=[1]); oculta2 = tf.keras.layers.Dense(units=3); salida = tf.keras.layers.Dense(units=1)
modelo = tf.keras.Sequential([oculta1, oculta2, salida])
modelo.compile(optimizer=tf.keras.optimizers.Adam(0.1), loss='mean_squared_error')
print("Comenzando entrenamiento...")
historial = modelo.fit(celsius, fahrenheit, epochs=300, verbose=False)
import matplotlib.pyplot as plt
plt.xlabel("# Epoca"); plt.ylabel("Magnitud de pérdida"); plt.plot(historial.history["loss"])
resultado = modelo.predict(np.array([100.0])); print("El resultado es " + str(resultado) + " fahrenheit!")
resultado = modelo.predict([100.0])
print(oculta1.get_weights(), salida.get_weights())
assert abs(float(resultado[0][0]) - 212) < 5
