import numpy as np, random
from collections import deque
from keras.models import Sequential, clone_model
from keras.layers import Dense
from keras.optimizers import Adam
class DQNAgent:
    def __init__(self, state_size, action_size):
        self.state_size, self.action_size = state_size, action_size
        self.memory = deque(maxlen=2000); self.gamma = 0.95; self.learning_rate = 0.001
        self.model = self._build_model(); self.target = self._build_model(); self.update()
    def _build_model(self):
        model = Sequential()
        model.add(Dense(24, input_dim=self.state_size, activation='relu'))
        model.add(Dense(24, activation='relu'))
        model.add(Dense(self.action_size, activation='linear'))
        model.compile(loss='mse', optimizer=Adam(learning_rate=self.learning_rate))
        return model
    def update(self): self.target.set_weights(self.model.get_weights())
    def act(self, state):
        return np.argmax(self.model.predict(state, verbose=0)[0])
    def replay(self, n):
        for state, action, reward, next_state, done in random.sample(self.memory, n):
            target = reward if done else reward + self.gamma * np.amax(self.target.predict(next_state, verbose=0)[0])
            target_f = self.model.predict(state, verbose=0)
            target_f[0][action] = target
            self.model.fit(state, target_f, epochs=1, verbose=0)
    def load(self, name): self.model.load_weights(name)
    def save(self, name): self.model.save_weights(name)
agent = DQNAgent(4, 2)
for _ in range(20):
    s = np.reshape(np.random.random(4), [1, 4])
    agent.memory.append((s, agent.act(s), 1.0, np.reshape(np.random.random(4), [1, 4]), random.random() < .2))
agent.replay(8); agent.update()
import os, tempfile; os.chdir(tempfile.mkdtemp())
agent.save("cartpole-dqn.weights.h5"); agent.load("cartpole-dqn.weights.h5")
print(agent.model.train_on_batch(s, np.zeros((1, 2))))
