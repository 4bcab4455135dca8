"""Answers for dense, softmax, cross-entropy, dropout and batch normalisation."""

from __future__ import annotations

import numpy as np

from tests.course.exercises.trials.answers import Answers

ANSWERS = Answers()
wrong, right = ANSWERS.wrong, ANSWERS.right


# --- dense ----------------------------------------------------------------------------------------


@right("dense_forward")
def forward_with_loops(x, W, b):
    y = np.zeros((x.shape[0], W.shape[1]))
    for n in range(x.shape[0]):
        for j in range(W.shape[1]):
            for i in range(W.shape[0]):
                y[n, j] += x[n, i] * W[i, j]
            y[n, j] += b[j]
    return y


@right("dense_forward")
def forward_einsum(inputs, weights, bias):
    return np.einsum("nd,dm->nm", inputs, weights) + bias[np.newaxis, :]


@wrong("dense_forward", "b is missing")
def forward_no_bias(x, W, b):
    return np.dot(x, W)


@wrong("dense_forward", r"entry by entry.*@")
def forward_star(x, W, b):
    return x * W + b


@wrong("dense_forward", "transposed, and should not be")
def forward_as_pytorch(x, W, b):
    return np.matmul(x, W.T) + b


@wrong("dense_forward", "wrong way round")
def forward_w_first(x, W, b):
    return np.dot(W, x) + b


@wrong("dense_forward", "Rows are samples")
def forward_columns(x, W, b):
    return (W.T @ x.T) + b.reshape(-1, 1)


@wrong("dense_forward", "one axis too many")
def forward_tall_bias(x, W, b):
    return x @ W + b.reshape(-1, 1)


@wrong("dense_forward", "b belongs to the caller")
def forward_writes_into_b(x, W, b):
    b += (x @ W)[0]
    return x @ W + b


@right("dense_backward")
def backward_einsum(dy, W):
    return np.einsum("nm,dm->nd", dy, W)


@right("dense_backward")
def backward_the_other_way(dy, W):
    return (W @ dy.T).T


@wrong("dense_backward", r"not transposed.*dy @ W\.T")
def backward_straight(dy, W):
    return dy @ W


@wrong("dense_backward", "transposed: dx has the shape of x")
def backward_columns(dy, W):
    return W @ dy.T


@wrong("dense_backward", "wrong way round")
def backward_w_first(dy, W):
    return W.T @ dy


@wrong("dense_backward", "divides by N once too often")
def backward_mean(dy, W):
    return dy @ W.T / dy.shape[0]


@wrong("dense_backward", "entry by entry")
def backward_star(dy, W):
    return dy * W.T


@wrong("dense_backward", "each sample has a gradient of its own")
def backward_summed(dy, W):
    return np.sum(dy, axis=0) @ W.T


@wrong("dense_backward", "wrong sign")
def backward_minus(dy, W):
    return -dy @ W.T


@right("dense_gradient")
def gradient_with_a_loop(x, dy):
    dW, db = np.zeros((x.shape[1], dy.shape[1])), np.zeros(dy.shape[1])
    for row, d in zip(x, dy, strict=True):
        dW += np.outer(row, d)
        db += d
    return dW, db


@right("dense_gradient")
def gradient_einsum(x, dy):
    return [np.einsum("nd,nm->dm", x, dy), np.ones(len(x)) @ dy]


@wrong("dense_gradient", "wrong way round")
def gradient_swapped(x, dy):
    return dy.T @ x, np.sum(dy, axis=0)


@wrong("dense_gradient", "x is not transposed")
def gradient_straight(x, dy):
    return x @ dy, np.sum(dy, axis=0)


@wrong("dense_gradient", "db is a mean.*1/N of the loss is in dy already")
def gradient_mean_bias(x, dy):
    return x.T @ dy, np.mean(dy, axis=0)


@wrong("dense_gradient", "dW and db are divided by N once too often")
def gradient_mean_of_both(x, dy):
    N = x.shape[0]
    return (1 / N) * x.T @ dy, (1 / N) * dy.sum(axis=0)


@wrong("dense_gradient", "wrong axis")
def gradient_sum_of_columns(x, dy):
    return x.T @ dy, dy.sum(axis=1)


@wrong("dense_gradient", "one for each output")
def gradient_one_number(x, dy):
    return x.T @ dy, np.sum(dy)


@wrong("dense_gradient", "db is not summed")
def gradient_rows(x, dy):
    return x.T @ dy, dy


@wrong("dense_gradient", "keepdims")
def gradient_keepdims(x, dy):
    return x.T @ dy, np.sum(dy, axis=0, keepdims=True)


@wrong("dense_gradient", "another order: return dW, db")
def gradient_other_order(x, dy):
    return dy.sum(axis=0), x.T @ dy


@wrong("dense_gradient", "Return all of them: return dW, db")
def gradient_of_w_alone(x, dy):
    return x.T @ dy


# --- softmax --------------------------------------------------------------------------------------


@right("softmax")
def softmax_with_a_loop(x):
    p = np.empty(x.shape)
    for n, row in enumerate(x):
        exps = np.exp(row - max(row))
        p[n] = exps / sum(exps)
    return p


@right("softmax")
def softmax_by_logarithms(x):
    return np.exp(x - np.logaddexp.reduce(x, axis=1)[:, None])


@wrong("softmax", "Subtract the row's maximum before exp")
def softmax_naive(x):
    exps = np.exp(x)
    return exps / np.sum(exps, axis=1, keepdims=True)


@wrong("softmax", "maximum is that of the whole batch")
def softmax_max_of_batch(x):
    exps = np.exp(x - np.max(x))
    return exps / np.sum(exps, axis=1, keepdims=True)


@wrong("softmax", "sum goes over the whole batch")
def softmax_sum_of_batch(x):
    exps = np.exp(x - np.max(x))
    return exps / np.sum(exps)


@wrong("softmax", "each row has its own maximum")
def softmax_sum_of_batch_after_row_maxima(x):
    exps = np.exp(x - x.max(axis=1, keepdims=True))
    return exps / exps.sum()


@wrong("softmax", "axis=0. Rows are samples")
def softmax_columns(x):
    exps = np.exp(x - np.max(x, axis=0))
    return exps / np.sum(exps, axis=0)


@wrong("softmax", "Python's own max and sum")
def softmax_without_numpy(x):
    exps = np.exp(x - max(x))
    return exps / sum(exps)


@wrong("softmax", "sum over a row.*Keep the axis")
def softmax_lost_axis(x):
    return np.exp(x) / np.exp(x).sum(axis=1)


@wrong("softmax", "maximum of a row.*Keep the axis")
def softmax_lost_axis_of_max(x):
    exps = np.exp(x - x.max(axis=1))
    return exps / exps.sum(axis=1, keepdims=True)


@wrong("softmax", "exp is missing")
def softmax_shares(x):
    return x / x.sum(axis=1, keepdims=True)


@wrong("softmax", "not divided by their sum")
def softmax_exp_alone(x):
    return np.exp(x)


@wrong("softmax", "mean is subtracted")
def softmax_mean(x):
    exps = np.exp(x - x.mean(axis=1, keepdims=True))
    return exps / exps.sum(axis=1, keepdims=True)


@wrong("softmax", "x belongs to the caller")
def softmax_in_place(x):
    x -= x.max(axis=1, keepdims=True)
    exps = np.exp(x)
    return exps / exps.sum(axis=1, keepdims=True)


@wrong("softmax", "float32 most of the digits")
def softmax_single_precision(x):
    exps = np.exp(x - x.max(axis=1, keepdims=True)).astype("float32")
    return exps / exps.sum(axis=1, keepdims=True)


@right("softmax_backward")
def softmax_backward_by_jacobians(p, dy):
    rows = []
    for probabilities, d in zip(p, dy, strict=True):
        rows.append((np.diag(probabilities) - np.outer(probabilities, probabilities)) @ d)
    return np.array(rows)


@right("softmax_backward")
def softmax_backward_einsum(p, dy):
    return p * dy - p * np.einsum("nk,nk->n", p, dy)[:, None]


@wrong("softmax_backward", "diagonal alone")
def softmax_backward_diagonal(p, dy):
    return p * (1 - p) * dy


@wrong("softmax_backward", "sum goes over the whole batch")
def softmax_backward_whole_sum(p, dy):
    return p * (dy - np.sum(dy * p))


@wrong("softmax_backward", "p before the bracket")
def softmax_backward_without_p(p, dy):
    return dy - np.sum(dy * p, axis=1, keepdims=True)


@wrong("softmax_backward", "sum is of dy alone")
def softmax_backward_plain_sum(p, dy):
    return p * (dy - np.sum(dy, axis=1, keepdims=True))


@wrong("softmax_backward", "Keep the axis")
def softmax_backward_lost_axis(p, dy):
    return p * (dy - np.sum(dy * p, axis=1))


@wrong("softmax_backward", "dy is missing")
def softmax_backward_without_dy(p, dy):
    return p * (1 - p)


# --- cross-entropy --------------------------------------------------------------------------------


def a_softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@right("cross_entropy")
def cross_entropy_by_logaddexp(logits, labels):
    log_p = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return -np.take_along_axis(log_p, labels[:, None], axis=1).mean()


@right("cross_entropy")
def cross_entropy_with_a_loop(logits, labels):
    total = 0.0
    for row, label in zip(logits, labels, strict=True):
        shifted = row - row.max()
        total += np.log(np.exp(shifted).sum()) - shifted[label]
    return total / len(labels)


@wrong("cross_entropy", "logarithm −inf")
def cross_entropy_of_softmax(logits, labels):
    p = a_softmax(logits)
    return -np.log(p[np.arange(len(labels)), labels]).mean()


@wrong("cross_entropy", "is the sum divided by N")
def cross_entropy_sum(logits, labels):
    p = a_softmax(logits)
    return -np.sum(np.log(p[range(len(labels)), labels]))


@wrong("cross_entropy", "divided by N · K")
def cross_entropy_mean_of_all(logits, labels):
    one_hot = np.eye(logits.shape[1])[labels]
    return -np.mean(one_hot * np.log(a_softmax(logits)))


@wrong("cross_entropy", "one loss for each sample")
def cross_entropy_rows(logits, labels):
    p = a_softmax(logits)
    return -np.log(p[np.arange(len(labels)), labels])


@wrong("cross_entropy", "sign is wrong")
def cross_entropy_plus(logits, labels):
    p = a_softmax(logits)
    return np.log(p[np.arange(len(labels)), labels]).mean()


@wrong("cross_entropy", r"NumPy makes \(N, N\)")
def cross_entropy_broadcast(logits, labels):
    m = logits.max(axis=1, keepdims=True)
    log_sum = m + np.log(np.exp(logits - m).sum(axis=1, keepdims=True))
    return (log_sum - logits[np.arange(len(labels)), labels]).sum() / len(labels)


@wrong("cross_entropy", "takes N columns from every row")
def cross_entropy_columns(logits, labels):
    m = logits.max(axis=1, keepdims=True)
    log_p = logits - m - np.log(np.exp(logits - m).sum(axis=1, keepdims=True))
    return -log_p[:, labels].mean()


@wrong("cross_entropy", "logits are multiplied by the labels")
def cross_entropy_labels_as_one_hot(logits, labels):
    p = a_softmax(logits)
    return -(labels[:, None] * np.log(p)).sum() / len(labels)


@wrong("cross_entropy", "small number is added")
def cross_entropy_epsilon(logits, labels):
    p = a_softmax(logits)
    return -np.log(p[np.arange(len(labels)), labels] + 1e-9).mean()


@wrong("cross_entropy", "too large for a float")
def cross_entropy_overflow(logits, labels):
    log_sum = np.log(np.sum(np.exp(logits), axis=1))
    return np.mean(log_sum - logits[np.arange(len(labels)), labels])


@wrong("cross_entropy", "0 · log 0")
def cross_entropy_zero_times_infinity(logits, labels):
    one_hot = np.eye(logits.shape[1])[labels]
    return -np.sum(one_hot * np.log(a_softmax(logits))) / logits.shape[0]


@wrong("cross_entropy", "softmax is missing")
def cross_entropy_without_softmax(logits, labels):
    return -np.mean(np.log(logits[np.arange(len(labels)), labels]))


@wrong("cross_entropy", "not added back")
def cross_entropy_lost_maximum(logits, labels):
    m = logits.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(logits - m).sum(axis=1))
    return (log_sum - logits[np.arange(len(labels)), labels]).mean()


@right("cross_entropy_gradient")
def cross_entropy_gradient_one_hot(logits, labels):
    one_hot = (np.arange(logits.shape[1]) == labels[:, None]).astype(float)
    return (a_softmax(logits) - one_hot) / logits.shape[0]


@right("cross_entropy_gradient")
def cross_entropy_gradient_with_a_loop(logits, labels):
    result = a_softmax(logits)
    for n, label in enumerate(labels):
        result[n, label] -= 1
    return result * (1 / len(labels))


@wrong("cross_entropy_gradient", "division by N is missing")
def cross_entropy_gradient_sum(logits, labels):
    p = a_softmax(logits)
    p[np.arange(len(labels)), labels] -= 1
    return p


@wrong("cross_entropy_gradient", "N · K")
def cross_entropy_gradient_mean_of_all(logits, labels):
    p = a_softmax(logits)
    p[np.arange(len(labels)), labels] -= 1
    return p / p.size


@wrong("cross_entropy_gradient", "Make one-hot rows")
def cross_entropy_gradient_labels(logits, labels):
    return (a_softmax(logits) - labels.reshape(-1, 1)) / len(labels)


@wrong("cross_entropy_gradient", "sign is wrong")
def cross_entropy_gradient_minus(logits, labels):
    return (np.eye(logits.shape[1])[labels] - a_softmax(logits)) / len(labels)


@wrong("cross_entropy_gradient", "subtracts in all rows")
def cross_entropy_gradient_all_rows(logits, labels):
    p = a_softmax(logits)
    p[:, labels] -= 1
    return p / len(labels)


@wrong("cross_entropy_gradient", "softmax is missing")
def cross_entropy_gradient_of_logits(logits, labels):
    return (logits - np.eye(logits.shape[1])[labels]) / len(labels)


@wrong("cross_entropy_gradient", "too large for a float")
def cross_entropy_gradient_overflow(logits, labels):
    p = np.exp(logits)
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(labels)), labels] -= 1
    return p / len(labels)


@wrong("cross_entropy_gradient", "logits belongs to the caller")
def cross_entropy_gradient_in_place(logits, labels):
    logits -= logits.max(axis=1, keepdims=True)
    return (a_softmax(logits) - np.eye(logits.shape[1])[labels]) / len(labels)


# --- dropout --------------------------------------------------------------------------------------


@right("dropout_forward")
def dropout_binomial(x, rate, rng, training):
    if training:
        mask = rng.binomial(1, 1 - rate, size=x.shape)
        return x * mask / (1 - rate), mask
    return x, np.ones_like(x)


@right("dropout_forward")
def dropout_where(x, rate, rng, training):
    mask = rng.uniform(size=x.shape) < 1 - rate if training else np.full(x.shape, True)
    return np.where(mask, x / (1 - rate if training else 1), 0.0), mask


@wrong("dropout_forward", "division by 1 − rate is missing")
def dropout_unscaled(x, rate, rng, training):
    mask = rng.random(x.shape) >= rate if training else np.ones(x.shape, bool)
    return x * mask, mask


@wrong("dropout_forward", "Outside of training too, numbers are dropped")
def dropout_always(x, rate, rng, training):
    mask = rng.random(x.shape) >= rate
    return x * mask / (1 - rate), mask


@wrong("dropout_forward", "here it is the share that is kept")
def dropout_keep_and_drop_swapped(x, rate, rng, training):
    if not training:
        return x, np.ones(x.shape, bool)
    mask = rng.random(x.shape) < rate
    return x * mask / (1 - rate), mask


@wrong("dropout_forward", "division is by the rate")
def dropout_by_rate(x, rate, rng, training):
    if not training:
        return x, np.ones(x.shape, bool)
    mask = rng.random(x.shape) >= rate
    return x * mask / rate, mask


@wrong("dropout_forward", "scale in training")
def dropout_scaled_afterwards(x, rate, rng, training):
    if not training:
        return x * (1 - rate), np.ones(x.shape, bool)
    mask = rng.random(x.shape) >= rate
    return x * mask / (1 - rate), mask


@wrong("dropout_forward", "mask says which numbers")
def dropout_scaled_mask(x, rate, rng, training):
    if not training:
        return x, np.ones(x.shape)
    mask = (rng.random(x.shape) >= rate) / (1 - rate)
    return x * mask, mask


@wrong("dropout_forward", "number for each entry of x|shape of x")
def dropout_whole_columns(x, rate, rng, training):
    if not training:
        return x, np.ones(x.shape, bool)
    mask = np.tile(rng.random(x.shape[1]) >= rate, (len(x), 1))
    return x * mask / (1 - rate), mask


@wrong("dropout_forward", "rng that is handed in is not used")
def dropout_own_generator(x, rate, rng, training):
    if not training:
        return x, np.ones(x.shape, bool)
    mask = np.random.default_rng(0).random(x.shape) >= rate
    return x * mask / (1 - rate), mask


@wrong("dropout_forward", "Draw evenly from 0 to 1")
def dropout_normal_numbers(x, rate, rng, training):
    if not training:
        return x, np.ones(x.shape, bool)
    mask = rng.standard_normal(x.shape) >= rate
    return x * mask / (1 - rate), mask


@wrong("dropout_forward", "mask is the wrong way round")
def dropout_mask_of_the_dropped(x, rate, rng, training):
    if not training:
        return x, np.ones(x.shape, bool)
    dropped = rng.random(x.shape) < rate
    return x * ~dropped / (1 - rate), dropped


@wrong("dropout_forward", "multiplies by 1 − rate; divide by it")
def dropout_multiplied(x, rate, rng, training):
    if not training:
        return x, np.ones(x.shape, bool)
    mask = rng.random(x.shape) >= rate
    return x * mask * (1 - rate), mask


@wrong("dropout_forward", "nothing is dropped")
def dropout_of_nothing(x, rate, rng, training):
    return x, rng.random(x.shape) >= rate if training else np.ones(x.shape, bool)


@wrong("dropout_forward", "Not in training all numbers are kept")
def dropout_mask_outside_of_training(x, rate, rng, training):
    mask = rng.random(x.shape) >= rate
    return (x * mask / (1 - rate) if training else x), mask


@right("dropout_backward")
def dropout_backward_where(dy, mask, rate):
    return np.where(mask, dy / (1 - rate), 0.0)


@right("dropout_backward")
def dropout_backward_with_a_copy(dy, mask, rate):
    dx = dy.copy()
    dx[mask == 0] = 0
    dx *= 1 / (1 - rate)
    return dx


@wrong("dropout_backward", "another is drawn")
def dropout_backward_redrawn(dy, mask, rate):
    mask = np.random.default_rng().random(dy.shape) >= rate
    return dy * mask / (1 - rate)


@wrong("dropout_backward", "another is drawn")
def dropout_backward_redrawn_from_a_seed(dy, mask, rate):
    mask = np.random.default_rng(0).random(dy.shape) >= rate
    return dy * mask / (1 - rate)


@wrong("dropout_backward", "forward pass divides by 1 − rate")
def dropout_backward_unscaled(dy, mask, rate):
    return dy * mask


@wrong("dropout_backward", "mask is missing")
def dropout_backward_without_mask(dy, mask, rate):
    return dy / (1 - rate)


@wrong("dropout_backward", "passed on unchanged")
def dropout_backward_identity(dy, mask, rate):
    return dy


@wrong("dropout_backward", "mask is the wrong way round")
def dropout_backward_inverted(dy, mask, rate):
    return dy * (1 - mask) / (1 - rate)


# --- batch normalisation --------------------------------------------------------------------------


@right("batch_norm_forward")
def batch_norm_step_by_step(
    x, gamma, beta, moving_mean, moving_variance, momentum, epsilon, training
):
    if not training:
        scale = gamma / np.sqrt(moving_variance + epsilon)
        return x * scale + (beta - moving_mean * scale), moving_mean, moving_variance
    mean = np.sum(x, axis=0) / len(x)
    variance = np.sum((x - mean) ** 2, axis=0) / len(x)
    y = gamma * (x - mean) * (variance + epsilon) ** -0.5 + beta
    return (
        y,
        moving_mean + (1 - momentum) * (mean - moving_mean),
        moving_variance + (1 - momentum) * (variance - moving_variance),
    )


@right("batch_norm_forward")
def batch_norm_with_a_loop(
    x, gamma, beta, moving_mean, moving_variance, momentum, epsilon, training
):
    y, mm, mv = x.copy(), moving_mean.copy(), moving_variance.copy()
    for d in range(x.shape[1]):
        m, v = (np.mean(x[:, d]), np.var(x[:, d])) if training else (mm[d], mv[d])
        y[:, d] = gamma[d] * (x[:, d] - m) / np.sqrt(v + epsilon) + beta[d]
        if training:
            mm[d] = momentum * mm[d] + (1 - momentum) * m
            mv[d] = momentum * mv[d] + (1 - momentum) * v
    return y, mm, mv


def a_batch_norm(
    x,
    gamma,
    beta,
    moving_mean,
    moving_variance,
    momentum,
    epsilon,
    training,
    *,
    axis=0,
    ddof=0,
    keepdims=False,
    outside=False,
    flipped=False,
    always=False,
    frozen=False,
):
    if training or always:
        mean = x.mean(axis=axis, keepdims=keepdims)
        variance = x.var(axis=axis, ddof=ddof, keepdims=keepdims)
        old, new = (1 - momentum, momentum) if flipped else (momentum, 1 - momentum)
        if not frozen:
            moving_mean = old * moving_mean + new * mean
            moving_variance = old * moving_variance + new * variance
    else:
        mean, variance = moving_mean, moving_variance
    root = np.sqrt(variance) + epsilon if outside else np.sqrt(variance + epsilon)
    return gamma * (x - mean) / root + beta, moving_mean, moving_variance


def batch_norm_with(**change):
    def function(x, gamma, beta, moving_mean, moving_variance, momentum, epsilon, training):
        given = (x, gamma, beta, moving_mean, moving_variance, momentum, epsilon, training)
        return a_batch_norm(*given, **change)

    function.__name__ = "batch_norm_" + "_".join(change)
    return function


wrong("batch_norm_forward", "divided by N − 1")(batch_norm_with(ddof=1))
wrong("batch_norm_forward", "along the rows, axis=1")(batch_norm_with(axis=1))
wrong("batch_norm_forward", "along the rows, axis=1")(batch_norm_with(axis=1, keepdims=True))
wrong("batch_norm_forward", "of the whole batch, one number")(batch_norm_with(axis=None))
wrong("batch_norm_forward", "beside the root")(batch_norm_with(outside=True))
wrong("batch_norm_forward", "wrong way round")(batch_norm_with(flipped=True))
wrong("batch_norm_forward", "used outside of training too")(batch_norm_with(always=True))
wrong("batch_norm_forward", "returned unchanged")(batch_norm_with(frozen=True))


@wrong("batch_norm_forward", "moving_mean belongs to the caller")
def batch_norm_in_place(x, gamma, beta, moving_mean, moving_variance, momentum, epsilon, training):
    if training:
        moving_mean *= momentum
        moving_mean += (1 - momentum) * x.mean(axis=0)
    given = (x, gamma, beta, moving_mean, moving_variance, momentum, epsilon, training)
    return a_batch_norm(*given)


@right("batch_norm_backward")
def batch_norm_backward_long_form(x, dy, gamma, epsilon):
    N = len(x)
    centered = x - x.mean(axis=0)
    variance = (centered**2).mean(axis=0)
    inverse = 1 / np.sqrt(variance + epsilon)
    d_hat = dy * gamma
    d_variance = (d_hat * centered).sum(axis=0) * -0.5 * inverse**3
    d_mean = -(d_hat * inverse).sum(axis=0) + d_variance * (-2 * centered).mean(axis=0)
    dx = d_hat * inverse + d_variance * 2 * centered / N + d_mean / N
    return dx, (dy * centered * inverse).sum(axis=0), dy.sum(axis=0)


@right("batch_norm_backward")
def batch_norm_backward_short_form(x, dy, gamma, epsilon):
    N, s = x.shape[0], 1 / np.sqrt(np.var(x, axis=0) + epsilon)
    x_hat = (x - np.mean(x, axis=0)) * s
    dbeta, dgamma = np.sum(dy, axis=0), np.sum(dy * x_hat, axis=0)
    return gamma * s / N * (N * dy - dbeta - x_hat * dgamma), dgamma, dbeta


def normalised(x, epsilon):
    return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + epsilon)


@wrong("batch_norm_backward", "treated as constants")
def batch_norm_backward_constant(x, dy, gamma, epsilon):
    dx = dy * gamma / np.sqrt(x.var(axis=0) + epsilon)
    return dx, (dy * normalised(x, epsilon)).sum(axis=0), dy.sum(axis=0)


@wrong("batch_norm_backward", "variance is treated as a constant")
def batch_norm_backward_constant_variance(x, dy, gamma, epsilon):
    dx = (dy - dy.mean(axis=0)) * gamma / np.sqrt(x.var(axis=0) + epsilon)
    return dx, (dy * normalised(x, epsilon)).sum(axis=0), dy.sum(axis=0)


@wrong("batch_norm_backward", "These are sums, and should be means")
def batch_norm_backward_sums(x, dy, gamma, epsilon):
    x_hat = normalised(x, epsilon)
    inner = dy - dy.sum(axis=0) - x_hat * (dy * x_hat).sum(axis=0)
    dx = inner * gamma / np.sqrt(x.var(axis=0) + epsilon)
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


@wrong("batch_norm_backward", "γ is missing in dx")
def batch_norm_backward_no_gamma(x, dy, gamma, epsilon):
    x_hat = normalised(x, epsilon)
    inner = dy - dy.mean(axis=0) - x_hat * (dy * x_hat).mean(axis=0)
    return inner / np.sqrt(x.var(axis=0) + epsilon), (dy * x_hat).sum(axis=0), dy.sum(axis=0)


@wrong("batch_norm_backward", "x in place of x̂")
def batch_norm_backward_plain_x(x, dy, gamma, epsilon):
    dx, _, dbeta = batch_norm_backward_short_form(x, dy, gamma, epsilon)
    return dx, (dy * x).sum(axis=0), dbeta


@wrong("batch_norm_backward", "means over the rows, and should be sums")
def batch_norm_backward_means(x, dy, gamma, epsilon):
    dx, dgamma, dbeta = batch_norm_backward_short_form(x, dy, gamma, epsilon)
    return dx, dgamma / len(x), dbeta / len(x)


@wrong("batch_norm_backward", "divided by N − 1")
def batch_norm_backward_unbiased(x, dy, gamma, epsilon):
    s = 1 / np.sqrt(x.var(axis=0, ddof=1) + epsilon)
    x_hat = (x - x.mean(axis=0)) * s
    dx = gamma * s * (dy - dy.mean(axis=0) - x_hat * (dy * x_hat).mean(axis=0))
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)
