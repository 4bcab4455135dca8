# 用 Keras 做一个简单的三分类（螺旋数据）
import numpy as np
import keras
from keras.models import Sequential
from keras.layers import Dense, Activation
from keras.initializers import TruncatedNormal
from keras.utils import to_categorical

rng = np.random.RandomState(0)
N, K = 60, 3
X = np.zeros((N * K, 2)); y = np.zeros(N * K, dtype='uint8')
for j in range(K):
    r = np.linspace(0.0, 1, N)
    t = np.linspace(j * 4, (j + 1) * 4, N) + rng.randn(N) * 0.2
    X[N * j:N * (j + 1)] = np.c_[r * np.sin(t), r * np.cos(t)]
    y[N * j:N * (j + 1)] = j
Y = to_categorical(y, num_classes=3)
model = Sequential(name="spiral")
model.add(Dense(32, input_shape=(2,), kernel_initializer=TruncatedNormal(mean=0., stddev=0.05, seed=1)))
model.add(Activation('tanh'))
model.add(Dense(3))
model.add(Activation('softmax'))
for 层 in model.layers:
    print(层.name, 层.output.shape, 层.count_params())
model.compile(optimizer='Adagrad', loss=['categorical_crossentropy'], metrics=['accuracy'])
历史 = model.fit(X, Y, epochs=8, batch_size=30, verbose=0)
print('优化器', model.optimizer.name)
损失, 准确率 = model.evaluate(X, Y, verbose=0)
print('损失 %.4f 准确率 %.4f' % (损失, 准确率))
预测 = np.argmax(model.predict(X[:5], verbose=0), axis=1)
print(预测.shape, 历史.epoch[-1])
assert 历史.model is model
