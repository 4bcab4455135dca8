"""Freezing: some layers of a network stay as they are, and those below still learn.

The network is a stack of linear layers: y₀ = x, y₁ = y₀ W₀, y₂ = y₁ W₁, and so on.
"""

import numpy as np


def forward(weights: list[np.ndarray], x: np.ndarray) -> list[np.ndarray]:
    """All outputs [y₀, y₁, …], of which the first is x and the last the network's.

    >>> forward([np.array([[2.0]]), np.array([[3.0]])], np.array([[1.0]]))
    [array([[1.]]), array([[2.]]), array([[6.]])]
    """
    outputs = [x]
    for W in weights:
        outputs.append(outputs[-1] @ W)
    return outputs


def freezing_step(
    weights: list[np.ndarray],
    velocities: list[np.ndarray],
    trainable: list[bool],
    outputs: list[np.ndarray],
    dy: np.ndarray,
    learning_rate: float,
    momentum: float,
    weight_decay: float,
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The weights and velocities after one step, in which only trainable layers change.

    Go through the layers from the last to the first. Layer i has the weights W = weights[i], the
    input outputs[i], and dy, the gradient of the loss with respect to its output. It is

        dW = outputs[i]ᵀ dy
        v ← μ v − η dW
        W ← W − η λ W + v              λ is the weight decay
        dy ← dy Wᵀ                     for the layer below, with the W before the step

    A layer with trainable[i] = False keeps its weights and its velocity to the last bit, whatever
    v and λ are; but the gradient goes through it to the layers below. New lists of arrays come
    back; those handed in stay as they are.

    For example x = 1, W₀ = 2, W₁ = 3 frozen, dy = 1, η = 0.5, no momentum, no decay. Through W₁
    dy becomes 1·3 = 3, so dW₀ = 1·3 and W₀ becomes 2 − 0.5·3 = 0.5:

    >>> weights = [np.array([[2.0]]), np.array([[3.0]])]
    >>> velocities = [np.array([[0.0]]), np.array([[0.0]])]
    >>> outputs, dy = forward(weights, np.array([[1.0]])), np.array([[1.0]])
    >>> freezing_step(weights, velocities, [True, False], outputs, dy, 0.5, 0.0, 0.0)[0]
    [array([[0.5]]), array([[3.]])]
    """
    # gap begins
    weights, velocities = list(weights), list(velocities)
    for i in reversed(range(len(weights))):
        W = weights[i]
        if trainable[i]:
            dW = outputs[i].T @ dy
            velocities[i] = momentum * velocities[i] - learning_rate * dW
            weights[i] = W - learning_rate * weight_decay * W + velocities[i]
        dy = dy @ W.T  # frozen or not, the layers below need it
    return weights, velocities
    # gap ends
