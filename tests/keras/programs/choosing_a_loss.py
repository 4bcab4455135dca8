import numpy as np
from keras.models import Sequential
from keras.layers import Dense
from keras.optimizers import SGD
r = np.random.default_rng(0)
X = r.normal(size=(1000, 20)); y = (X @ r.normal(size=20) + r.normal(size=1000) * .1).reshape(-1, 1); y = (y - y.mean()) / y.std()
for loss, metrics in (("mean_squared_error", []), ("mean_squared_logarithmic_error", ["mse"]), ("mean_absolute_error", ["mse"]), ("huber", ["mae"]), ("logcosh", ["mse"])):
    model = Sequential()
    model.add(Dense(25, input_dim=20, activation='relu', kernel_initializer='he_uniform'))
    model.add(Dense(1, activation='linear'))
    model.compile(loss=loss, optimizer=SGD(learning_rate=0.01, momentum=0.9), metrics=metrics)
    history = model.fit(X[:500], y[:500], validation_data=(X[500:], y[500:]), epochs=3, verbose=0)
    print(loss, model.evaluate(X[500:], y[500:], verbose=0), history.history.keys())
X = r.normal(size=(1000, 2)); y = (np.linalg.norm(X, axis=1) > 1.2).astype(int)
for loss, act, yy in (("binary_crossentropy", "sigmoid", y), ("hinge", "tanh", np.where(y == 0, -1, 1)), ("squared_hinge", "tanh", np.where(y == 0, -1, 1))):
    model = Sequential()
    model.add(Dense(50, input_dim=2, activation='relu', kernel_initializer='he_uniform'))
    model.add(Dense(1, activation=act))
    model.compile(loss=loss, optimizer=SGD(learning_rate=0.01, momentum=0.9), metrics=['accuracy'])
    history = model.fit(X[:500], yy[:500], validation_data=(X[500:], yy[500:]), epochs=3, verbose=0)
    _, acc = model.evaluate(X[500:], yy[500:], verbose=0); print(loss, acc)
y3 = np.eye(3)[r.integers(3, size=1000)]
model = Sequential([Dense(50, input_dim=2, activation='relu'), Dense(3, activation='softmax')])
model.compile(loss='kullback_leibler_divergence', optimizer='sgd', metrics=['accuracy'])
model.fit(X, y3, epochs=2, verbose=0)
