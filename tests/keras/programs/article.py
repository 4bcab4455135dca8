import numpy as np
from keras.models import Sequential
from keras.layers import Dense

model = Sequential()
model.add(Dense(32, activation="relu", input_dim=784))
model.add(Dense(10, activation="softmax"))
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])

x_train = np.random.rand(100, 784)
y_train = np.random.randint(10, size=(100, 1))
model.fit(x_train, y_train, epochs=10)
try:
    model.set_weights([np.random.rand(32), np.random.rand(10)])
except ValueError as error:
    print(error)
    assert "dense_1.W (784, 32), dense_1.b (32,), dense_2.W (32, 10), dense_2.b (10,)" in str(error)
else:
    raise AssertionError("two vectors are not the weights of two Dense layers")
