import numpy as np, pandas as pd
from keras.models import Sequential
from keras.layers import Dense, Dropout, Flatten, Conv2D, MaxPool2D, BatchNormalization
from keras.optimizers import RMSprop
from keras.callbacks import ReduceLROnPlateau
rng = np.random.default_rng(0)
train = pd.DataFrame(rng.integers(0, 255, (80, 784)), columns=[f"pixel{i}" for i in range(784)])
Y_train = pd.Series(rng.integers(0, 10, 80), name="label")
X_train = train / 255.0
X_train = X_train.values.reshape(-1, 28, 28, 1)
from keras.utils import to_categorical
Y_train = to_categorical(Y_train, num_classes=10)
model = Sequential()
model.add(Conv2D(filters=8, kernel_size=(5,5), padding='Same', activation='relu', input_shape=(28,28,1)))
model.add(BatchNormalization())
model.add(Conv2D(filters=8, kernel_size=(5,5), padding='Same', activation='relu'))
model.add(BatchNormalization(axis=-1))
model.add(MaxPool2D(pool_size=(2,2)))
model.add(Dropout(0.25))
model.add(Conv2D(filters=16, kernel_size=(3,3), padding='Same', activation='relu'))
model.add(MaxPool2D(pool_size=(2,2), strides=(2,2)))
model.add(Dropout(0.25))
model.add(Flatten())
model.add(Dense(32, activation="relu"))
model.add(Dropout(0.5))
model.add(Dense(10, activation="softmax"))
optimizer = RMSprop(learning_rate=0.001, rho=0.9, epsilon=1e-08)
model.compile(optimizer=optimizer, loss="categorical_crossentropy", metrics=["accuracy"])
learning_rate_reduction = ReduceLROnPlateau(monitor='val_accuracy', patience=3, verbose=1, factor=0.5, min_lr=0.00001)
history = model.fit(X_train, Y_train, batch_size=32, epochs=2, validation_data=(X_train, Y_train), verbose=2, callbacks=[learning_rate_reduction])
Y_pred = model.predict(X_train)
Y_pred_classes = np.argmax(Y_pred, axis=1)
results = pd.concat([pd.Series(range(1, 81), name="ImageId"), pd.Series(Y_pred_classes, name="Label")], axis=1)
results.to_csv("cnn_mnist.csv", index=False)
