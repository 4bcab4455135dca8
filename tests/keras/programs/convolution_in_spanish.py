# Red convolucional
import keras
import numpy as np
from keras.models import Sequential
from keras.layers import Conv2D, MaxPooling2D, Dense, Flatten, Dropout, BatchNormalization, GlobalAveragePooling2D
entradas = np.random.rand(50, 16, 16, 3); etiquetas = keras.utils.to_categorical(np.random.randint(0, 4, (50, 1)), 4)
modelo = Sequential([
    Conv2D(8, (3, 3), strides=(2, 2), padding='same', activation='relu', kernel_initializer='he_uniform', kernel_regularizer=keras.regularizers.l2(0.001), input_shape=(16, 16, 3)),
    BatchNormalization(), MaxPooling2D((2, 2)), Dropout(0.2),
    Conv2D(16, 3, activation='elu', use_bias=False), GlobalAveragePooling2D(), Dense(4, activation='softmax')])
modelo.compile(optimizer=keras.optimizers.SGD(learning_rate=0.001, momentum=0.9, nesterov=True), loss='categorical_crossentropy', metrics=['accuracy', keras.metrics.TopKCategoricalAccuracy(k=2)])
h = modelo.fit(entradas, etiquetas, epochs=2, batch_size=10, validation_split=0.2, shuffle=True)
print(h.history.keys()); pesos, sesgos = modelo.layers[0].get_weights(); print(pesos.shape, sesgos.shape)
activaciones = keras.models.Model(inputs=modelo.inputs, outputs=modelo.layers[0].output).predict(entradas[:1]); print(activaciones.shape)
