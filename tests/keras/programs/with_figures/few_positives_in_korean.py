# 불균형 데이터: weighted_metrics 와 class_weight
import numpy as np
import keras
from keras import layers, models, metrics

def table(seed, rows, columns, classes=2):
    """Clouds of points about one centre for each class."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=rows)
    return rng.normal(size=(classes, columns))[labels] * 1.5 + rng.normal(size=(rows, columns)) * 2, labels

x, y = table(11, 300, 6)
y = ((y == 1) & (np.arange(300) % 3 == 0)).astype('float32')
x = ((x - x.mean(axis=0)) / x.std(axis=0)).astype('float32')
model = models.Sequential()
model.add(layers.Input(shape=(6,)))
model.add(layers.Dense(12, activation='relu', kernel_initializer='he_uniform'))
model.add(layers.Dense(1, activation='sigmoid'))
model.compile(optimizer='RMSprop', loss=keras.losses.BinaryCrossentropy(), metrics=[metrics.Precision(name='정밀도'), metrics.Recall(name='재현율')],
              weighted_metrics=['accuracy'])
양성 = int(y.sum()); 음성 = len(y) - 양성
가중치 = {0: len(y) / (2. * 음성), 1: len(y) / (2. * 양성)}
h = model.fit(x, y, epochs=6, batch_size=50, class_weight=가중치, validation_split=0.2, verbose=0)
print(sorted(h.history))
print(model.metrics_names)
결과 = model.evaluate(x, y, sample_weight=np.where(y == 1, 2., 1.), verbose=0, return_dict=True)
print({k: round(float(v), 3) for k, v in 결과.items()})
