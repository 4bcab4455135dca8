import numpy as np
import keras
from sklearn.utils import class_weight
x = np.random.randn(120, 4); y = (np.random.rand(120) < 0.2).astype(int)
w = class_weight.compute_class_weight('balanced', classes=np.unique(y), y=y)
cw = dict(enumerate(w))
bias = keras.initializers.Constant(np.log([y.sum() / (len(y) - y.sum())]))
METRICS = [keras.metrics.TruePositives(name='tp'), keras.metrics.FalsePositives(name='fp'), keras.metrics.BinaryAccuracy(name='accuracy'), keras.metrics.Precision(name='precision'), keras.metrics.Recall(name='recall'), keras.metrics.AUC(name='auc'), keras.metrics.AUC(name='prc', curve='PR')]
m = keras.Sequential([keras.layers.Dense(16, activation='relu', input_shape=(x.shape[-1],)), keras.layers.Dropout(0.5), keras.layers.Dense(1, activation='sigmoid', bias_initializer=bias)])
m.compile(optimizer=keras.optimizers.Adam(learning_rate=1e-3), loss=keras.losses.BinaryCrossentropy(), metrics=METRICS)
es = keras.callbacks.EarlyStopping(monitor='val_prc', verbose=1, patience=10, mode='max', restore_best_weights=True)
h = m.fit(x, y, batch_size=64, epochs=2, callbacks=[es], validation_data=(x, y), class_weight=cw)
r = m.evaluate(x, y, batch_size=64, verbose=0)
for name, value in zip(m.metrics_names, r): print(name, ': ', value)
