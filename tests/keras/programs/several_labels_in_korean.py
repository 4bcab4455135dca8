import numpy as np, pandas as pd
from sklearn.model_selection import train_test_split
from sklearn.utils import class_weight
from sklearn.metrics import classification_report
from scipy import sparse
import keras
from keras import layers
from keras.models import Sequential
from keras.metrics import BinaryAccuracy, Precision, Recall, AUC
r = np.random.default_rng(0)
X = sparse.random(300, 50, density=.1, random_state=0, format='csr'); y = r.integers(2, size=(300, 4))
model = Sequential([layers.Input(shape=(50,)), layers.Dense(32, activation=keras.activations.relu), layers.Dense(4, activation='sigmoid')], name='다중레이블')
model.compile(optimizer=keras.optimizers.Adam(learning_rate=keras.optimizers.schedules.ExponentialDecay(1e-2, 1e3, 0.9)), loss=keras.losses.BinaryCrossentropy(),
              metrics=['acc', BinaryAccuracy(), Precision(name='p', thresholds=0.4), Recall(), AUC(multi_label=False)])
model.fit(X, y, epochs=2, verbose=0)
print(dict(zip(model.metrics_names, model.evaluate(X, y, verbose=0))))
df = pd.DataFrame(r.normal(size=(200, 4)), columns=list('abcd')); df['bool'] = r.integers(0, 2, 200).astype(bool); t = pd.Series(r.integers(3, size=200))
cw = class_weight.compute_class_weight('balanced', classes=np.unique(t), y=t); cw = dict(enumerate(cw))
m = Sequential([layers.Dense(8, activation='relu', input_dim=5), layers.Dense(3, activation='softmax')])
m.compile('Adam', 'SparseCategoricalCrossentropy', metrics=['sparse_categorical_accuracy', keras.metrics.SparseTopKCategoricalAccuracy(k=2)])
m.fit(df, t, class_weight=cw, epochs=2, verbose=0)
print(classification_report(t, m.predict(df).argmax(axis=-1), zero_division=0)[:50])
m.reset_metrics()
