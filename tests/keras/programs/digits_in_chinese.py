# -*- coding: utf-8 -*-
import os, tempfile; os.chdir(tempfile.mkdtemp())
import numpy as np
from keras.models import Sequential, load_model
from keras.layers.core import Dense, Dropout, Activation
from keras.optimizers import SGD
from keras.utils import np_utils
from keras.utils.np_utils import to_categorical
r = np.random.default_rng(0)
x_train = r.integers(0, 256, size=(300, 784)).astype('float32') / 255; y_train = r.integers(10, size=300)
y_train = np_utils.to_categorical(y_train, 10)
model = Sequential()
model.add(Dense(input_dim=28 * 28, units=500, activation='relu', name='输入层'))   # 隐藏层
model.add(Dropout(0.3))
model.add(Dense(units=10, activation='softmax', name='输出层'))
model.compile(loss='categorical_crossentropy', optimizer=SGD(learning_rate=0.1), metrics=['accuracy'])
历史 = model.fit(x_train, y_train, batch_size=100, epochs=2)
score = model.evaluate(x_train, y_train)
print('总损失:', score[0], '准确率:', score[1])
model.save('模型.h5')
model = load_model('模型.h5')
预测 = np.argmax(model.predict(x_train), axis=1)
print(预测[:3])
json_string = model.to_json()
from keras.models import model_from_json
m2 = model_from_json(json_string)
m2.set_weights(model.get_weights())
assert np.allclose(m2.predict(x_train), model.predict(x_train))
model.save_weights('权重.h5'); m2.load_weights('权重.h5', by_name=True)
