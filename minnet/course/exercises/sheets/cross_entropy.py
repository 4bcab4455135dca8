"""Cross-entropy: the loss of a classifier, from its logits, and the gradient.

Rows are samples: N samples, K classes. A label is the number of the right class, from 0 to K − 1.
"""

import numpy as np


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    """The mean over the batch of −log of the probability that softmax gives to the right class.

    The logarithm of a softmax needs no softmax: with m[n] the largest logit of row n,

        L = 1/N Σ_n ( m[n] + log Σ_k exp(logits[n, k] − m[n]) − logits[n, labels[n]] )

    That is finite even where the softmax rounds to 0, whose logarithm is not. logits is (N, K),
    labels is (N,) whole numbers, and L is one number, in nats.

    For example two equal logits are probabilities of 1/2, and −log 1/2 = 0.693…; the second row
    is wrong by as much as it can be, and −log exp(−1000) = 1000:

    >>> round(float(cross_entropy(np.array([[0.0, 0.0]]), np.array([1]))), 3)
    0.693
    >>> float(cross_entropy(np.array([[1000.0, 0.0]]), np.array([1])))
    1000.0
    """
    # gap begins
    m = logits.max(axis=1)
    log_sum = m + np.log(np.exp(logits - m[:, None]).sum(axis=1))  # (N,)
    right = logits[np.arange(len(labels)), labels]  # (N,): one logit of each row
    return float((log_sum - right).mean())
    # gap ends


def cross_entropy_gradient(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The gradient of cross_entropy with respect to the logits.

        d_logits = (softmax(logits) − one_hot(labels)) / N

    where one_hot(labels) has a 1 in each row at the right class and 0 elsewhere. The division is
    there because the loss is a mean over N samples. logits and d_logits are (N, K), labels is
    (N,). A softmax of your own, such as that of the exercise before, belongs in here too.

    For example (1/2 − 0) / 2 = 0.25 and (1/2 − 1) / 2 = −0.25:

    >>> cross_entropy_gradient(np.array([[0.0, 0.0], [0.0, 0.0]]), np.array([1, 0]))
    array([[ 0.25, -0.25],
           [-0.25,  0.25]])
    """
    # gap begins
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    d_logits = e / e.sum(axis=1, keepdims=True)
    d_logits[np.arange(len(labels)), labels] -= 1.0  # − one_hot(labels)
    return d_logits / len(labels)
    # gap ends
