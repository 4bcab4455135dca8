# バッチごとの損失を記録する（LambdaCallback）
import numpy as np
from keras.models import Sequential
from keras.layers import Input, Dense, Dropout
from keras.callbacks import LambdaCallback, EarlyStopping
from keras.optimizers import SGD

_rng = np.random.default_rng(0)
_sketches = _rng.integers(0, 200, size=(10, 28, 28))
def drawn(rows):
    """Sketches of ten things, some fainter than others, with noise."""
    labels = _rng.integers(10, size=rows)
    grey = _sketches[labels] * _rng.uniform(0.5, 1.0, size=(rows, 1, 1)) + _rng.integers(0, 50, size=(rows, 28, 28))
    return grey.clip(0, 255).astype("uint8"), labels.astype("uint8")

(x_train, y_train), (x_test, y_test) = drawn(300), drawn(100)
x_train = x_train.reshape(-1, 784) / 255.
x_test = x_test.reshape(-1, 784) / 255.
モデル = Sequential([Input(shape=(784,)), Dense(64, activation='sigmoid'), Dense(10, activation='softmax')])
モデル.compile(loss='sparse_categorical_crossentropy', optimizer=SGD(learning_rate=0.1, momentum=0.9, nesterov=True), metrics=['accuracy'])
損失 = []
記録 = LambdaCallback(on_batch_end=lambda batch, logs: 損失.append(logs['loss']), on_epoch_begin=lambda epoch, logs: print('エポック', epoch + 1))
早期終了 = EarlyStopping(monitor='val_loss', patience=2)
履歴 = モデル.fit(x_train, y_train, batch_size=100, epochs=3, validation_data=(x_test, y_test), callbacks=[記録, 早期終了], verbose=0)
print(len(損失), 履歴.params['epochs'], 履歴.params['steps'])
assert len(損失) == 9
score = モデル.evaluate(x_test, y_test, verbose=0)
print('テスト損失:', score[0]); print('テスト精度:', score[1])
for w in モデル.weights:
    print(w.name, w.shape)
