"""Numbers that know where they come from, and a network made of them."""

import math
import random


class Scalar:
    def __init__(self, value, sources=()):
        self.value = value
        self.grad = 0.0
        self.sources = sources
        self.push = lambda: None

    def __add__(self, other):
        other = other if isinstance(other, Scalar) else Scalar(other)
        result = Scalar(self.value + other.value, (self, other))

        def push():
            self.grad += result.grad
            other.grad += result.grad

        result.push = push
        return result

    def __mul__(self, other):
        other = other if isinstance(other, Scalar) else Scalar(other)
        result = Scalar(self.value * other.value, (self, other))

        def push():
            self.grad += other.value * result.grad
            other.grad += self.value * result.grad

        result.push = push
        return result

    def tanh(self):
        y = math.tanh(self.value)
        result = Scalar(y, (self,))

        def push():
            self.grad += (1 - y * y) * result.grad

        result.push = push
        return result

    def backward(self):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for source in node.sources:
                    visit(source)
                order.append(node)

        visit(self)
        self.grad = 1.0
        for node in reversed(order):
            node.push()


random.seed(3)
first = [[Scalar(random.uniform(-1, 1)) for _ in range(3)] for _ in range(3)]
last = [Scalar(random.uniform(-1, 1)) for _ in range(4)]
weights = [w for row in first for w in row] + last
points = [((0.5, -1.0), 0.4), ((1.5, 0.3), -0.6), ((-0.7, 0.9), 0.1)]
for epoch in range(15):
    loss = Scalar(0.0)
    for (p, q), target in points:
        hidden = [(row[0] * p + row[1] * q + row[2]).tanh() for row in first]
        output = last[3]
        for w, h in zip(last, hidden):
            output = output + w * h
        error = output + -target
        loss = loss + error * error
    for w in weights:
        w.grad = 0.0
    loss.backward()
    for w in weights:
        w.value -= 0.05 * w.grad
    print(epoch, loss.value)
