import keras
import numpy as np
def net():
    return keras.models.Sequential([
        keras.layers.Conv2D(filters=6, kernel_size=5, activation='sigmoid', padding='same'),
        keras.layers.AvgPool2D(pool_size=2, strides=2),
        keras.layers.Conv2D(filters=16, kernel_size=5, activation='sigmoid'),
        keras.layers.AvgPool2D(pool_size=2, strides=2),
        keras.layers.Flatten(),
        keras.layers.Dense(120, activation='sigmoid'),
        keras.layers.Dense(84, activation='sigmoid'),
        keras.layers.Dense(10)])
X = np.random.uniform(size=(1, 28, 28, 1)).astype('float32')
for layer in net().layers:
    X = layer(X)
    print(layer.__class__.__name__, 'output shape: \t', X.shape)
model = net()
model.compile(optimizer=keras.optimizers.SGD(learning_rate=0.9), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=['accuracy'])
x = np.random.uniform(size=(64, 28, 28, 1)).astype('float32'); y = np.random.randint(0, 10, 64)
hist = model.fit(x, y, epochs=1, batch_size=32, verbose=0)
print(hist.history)
