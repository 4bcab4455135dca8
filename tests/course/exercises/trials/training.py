"""Answers for the optimizers, the training loop and freezing."""

from __future__ import annotations

import numpy as np

from tests.course.exercises.trials.answers import Answers

ANSWERS = Answers()
wrong, right = ANSWERS.wrong, ANSWERS.right


# --- gradient descent and momentum ----------------------------------------------------------------


@right("sgd")
def sgd_with_a_list(theta, grad, learning_rate):
    return np.array([t - learning_rate * g for t, g in zip(theta, grad, strict=True)])


@right("sgd")
def sgd_on_a_copy(theta, grad, learning_rate):
    theta = theta.copy()
    theta -= learning_rate * grad
    return theta


@wrong("sgd", "uphill")
def sgd_plus(theta, grad, learning_rate):
    return theta + learning_rate * grad


@wrong("sgd", "learning rate is missing")
def sgd_without_rate(theta, grad, learning_rate):
    return theta - grad


@wrong("sgd", "theta belongs to the caller")
def sgd_in_place(theta, grad, learning_rate):
    theta -= learning_rate * grad
    return theta


@wrong("sgd", "step alone")
def sgd_step_alone(theta, grad, learning_rate):
    return -learning_rate * grad


@wrong("sgd", "divided by the learning rate")
def sgd_divided(theta, grad, learning_rate):
    return theta - grad / learning_rate


@wrong("sgd", "mean of the gradient")
def sgd_mean(theta, grad, learning_rate):
    return theta - learning_rate * np.mean(grad)


@wrong("sgd", "End with return theta")
def sgd_nothing_returned(theta, grad, learning_rate):
    theta = theta - learning_rate * grad


@wrong("sgd", "leave out astype")
def sgd_whole_numbers(theta, grad, learning_rate):
    return (theta - learning_rate * grad).astype(int)


@right("momentum_step")
def momentum_by_increments(theta, v, grad, learning_rate, momentum):
    step = np.multiply(momentum, v) - np.multiply(learning_rate, grad)
    return np.add(theta, step), step


@right("momentum_step")
def momentum_by_entries(theta, v, grad, learning_rate, momentum):
    theta, v = theta.copy(), v.copy()
    for i in range(len(theta)):
        v[i] = momentum * v[i] - learning_rate * grad[i]
        theta[i] += v[i]
    return theta, v


@wrong("momentum_step", "velocity has the other sign")
def momentum_other_convention(theta, v, grad, learning_rate, momentum):
    v = momentum * v + learning_rate * grad
    return theta - v, v


@wrong("momentum_step", "rolls uphill")
def momentum_uphill(theta, v, grad, learning_rate, momentum):
    v = momentum * v + learning_rate * grad
    return theta + v, v


@wrong("momentum_step", "momentum has the wrong sign")
def momentum_brakes(theta, v, grad, learning_rate, momentum):
    v = -momentum * v - learning_rate * grad
    return theta + v, v


@wrong("momentum_step", "outside of the velocity")
def momentum_rate_outside(theta, v, grad, learning_rate, momentum):
    v = momentum * v + grad
    return theta - learning_rate * v, v


@wrong("momentum_step", "factor 1 − μ")
def momentum_running_mean(theta, v, grad, learning_rate, momentum):
    v = momentum * v - (1 - momentum) * learning_rate * grad
    return theta + v, v


@wrong("momentum_step", "old velocity")
def momentum_old_velocity(theta, v, grad, learning_rate, momentum):
    theta = theta + v
    v = momentum * v - learning_rate * grad
    return theta, v


@wrong("momentum_step", "another order")
def momentum_other_order(theta, v, grad, learning_rate, momentum):
    v = momentum * v - learning_rate * grad
    return v, theta + v


@wrong("momentum_step", "v belongs to the caller")
def momentum_in_place(theta, v, grad, learning_rate, momentum):
    v *= momentum
    v -= learning_rate * grad
    return theta + v, v


# --- Adam -----------------------------------------------------------------------------------------


@right("adam_step")
def adam_efficient_form(theta, m, v, grad, step, learning_rate, beta_1, beta_2, epsilon):
    t = step + 1
    m = m + (1 - beta_1) * (grad - m)
    v = v + (1 - beta_2) * (grad * grad - v)
    root = np.sqrt(1 - beta_2**t)
    rate = learning_rate * root / (1 - beta_1**t)
    return theta - rate * m / (np.sqrt(v) + epsilon * root), m, v


@right("adam_step")
def adam_by_entries(theta, m, v, grad, step, learning_rate, beta_1, beta_2, epsilon):
    theta, m, v = theta.copy(), m.copy(), v.copy()
    for i, g in enumerate(grad):
        m[i] = beta_1 * m[i] + (1 - beta_1) * g
        v[i] = beta_2 * v[i] + (1 - beta_2) * g**2
        right_m, right_v = m[i] / (1 - beta_1 ** (step + 1)), v[i] / (1 - beta_2 ** (step + 1))
        theta[i] -= learning_rate * right_m / (right_v**0.5 + epsilon)
    return theta, m, v


@wrong("adam_step", "bias correction is missing")
def adam_uncorrected(theta, m, v, grad, step, learning_rate, beta_1, beta_2, epsilon):
    m = beta_1 * m + (1 - beta_1) * grad
    v = beta_2 * v + (1 - beta_2) * grad**2
    return theta - learning_rate * m / (np.sqrt(v) + epsilon), m, v


@wrong("adam_step", r"t = step \+ 1")
def adam_from_zero(theta, m, v, grad, step, learning_rate, beta_1, beta_2, epsilon):
    m = beta_1 * m + (1 - beta_1) * grad
    v = beta_2 * v + (1 - beta_2) * grad**2
    m_hat = m / (1 - beta_1**step)
    v_hat = v / (1 - beta_2**step)
    return theta - learning_rate * m_hat / (np.sqrt(v_hat) + epsilon), m, v


@wrong("adam_step", "ε stands inside the root")
def adam_epsilon_inside(theta, m, v, grad, step, learning_rate, beta_1, beta_2, epsilon):
    m = beta_1 * m + (1 - beta_1) * grad
    v = beta_2 * v + (1 - beta_2) * grad**2
    m_hat = m / (1 - beta_1 ** (step + 1))
    v_hat = v / (1 - beta_2 ** (step + 1))
    return theta - learning_rate * m_hat / np.sqrt(v_hat + epsilon), m, v


@wrong("adam_step", "m is squared")
def adam_square_of_m(theta, m, v, grad, step, learning_rate, beta_1, beta_2, epsilon):
    m = beta_1 * m + (1 - beta_1) * grad
    v = beta_2 * v + (1 - beta_2) * m**2
    m_hat = m / (1 - beta_1 ** (step + 1))
    v_hat = v / (1 - beta_2 ** (step + 1))
    return theta - learning_rate * m_hat / (np.sqrt(v_hat) + epsilon), m, v


@wrong("adam_step", "with their correction")
def adam_keeps_the_correction(theta, m, v, grad, step, learning_rate, beta_1, beta_2, epsilon):
    m = (beta_1 * m + (1 - beta_1) * grad) / (1 - beta_1 ** (step + 1))
    v = (beta_2 * v + (1 - beta_2) * grad**2) / (1 - beta_2 ** (step + 1))
    return theta - learning_rate * m / (np.sqrt(v) + epsilon), m, v


@wrong("adam_step", "root is missing")
def adam_no_root(theta, m, v, grad, step, learning_rate, beta_1, beta_2, epsilon):
    m = beta_1 * m + (1 - beta_1) * grad
    v = beta_2 * v + (1 - beta_2) * grad**2
    m_hat = m / (1 - beta_1 ** (step + 1))
    v_hat = v / (1 - beta_2 ** (step + 1))
    return theta - learning_rate * m_hat / (v_hat + epsilon), m, v


@wrong("adam_step", "belongs to the caller")
def adam_in_place(theta, m, v, grad, step, learning_rate, beta_1, beta_2, epsilon):
    m *= beta_1
    m += (1 - beta_1) * grad
    v = beta_2 * v + (1 - beta_2) * grad**2
    m_hat = m / (1 - beta_1 ** (step + 1))
    v_hat = v / (1 - beta_2 ** (step + 1))
    return theta - learning_rate * m_hat / (np.sqrt(v_hat) + epsilon), m, v


# --- the training loop ----------------------------------------------------------------------------


@right("train")
def train_with_split_batches(
    theta, x, y, x_val, y_val, loss_and_gradient, learning_rate, batch_size, epochs, rng
):
    history = [0.0] * epochs
    rows = np.arange(len(x))
    for epoch in range(epochs):
        rng.shuffle(rows)
        for batch in np.split(rows, range(batch_size, len(rows), batch_size)):
            theta = theta - learning_rate * loss_and_gradient(theta, x[batch], y[batch])[1]
        history[epoch] = loss_and_gradient(theta, x_val, y_val)[0]
    return theta, history


@right("train")
def train_with_while(
    theta, x, y, x_val, y_val, loss_and_gradient, learning_rate, batch_size, epochs, rng
):
    theta, losses = theta.copy(), []
    while len(losses) < epochs:
        order = np.argsort(rng.random(len(x)))
        x_new, y_new = x[order], y[order]
        while len(x_new):
            _, g = loss_and_gradient(theta, x_new[:batch_size], y_new[:batch_size])
            theta -= learning_rate * g
            x_new, y_new = x_new[batch_size:], y_new[batch_size:]
        losses.append(loss_and_gradient(theta, x_val, y_val)[0])
    return theta, losses


def training(
    *,
    order=lambda rng, N: rng.permutation(N),
    once=False,
    last=0,
    y_order=None,
    stale=False,
    sign=-1.0,
    on_training=False,
    first_look=False,
    forgets=False,
    batch_loss=False,
    divides=False,
    in_place=False,
    whole=False,
    restarts=False,
    rate=True,
    prepare=None,
):
    def function(
        theta, x, y, x_val, y_val, loss_and_gradient, learning_rate, batch_size, epochs, rng
    ):
        if prepare is not None:
            x, y = prepare(x, y, x_val, y_val)
        history, N, begun = [], len(x), theta
        batch_size = N if whole else batch_size
        fixed = order(rng, N)
        for _ in range(epochs):
            rows = fixed if once else order(rng, N)
            theta = begun if restarts else theta
            if first_look:
                history.append(loss_and_gradient(theta, x_val, y_val)[0])
            at, loss = theta, 0.0
            for start in range(0, N - last * (batch_size - 1), batch_size):
                batch = rows[start : start + batch_size]
                labels = y[y_order(batch, start, batch_size)] if y_order else y[batch]
                loss, grad = loss_and_gradient(at if stale else theta, x[batch], labels)
                step = (learning_rate if rate else 1) * grad / (len(batch) if divides else 1)
                if in_place:
                    theta -= step
                theta = theta if in_place else theta + sign * step
            if not first_look:
                look = (x, y) if on_training else (x_val, y_val)
                seen = loss_and_gradient(theta, *look)[0]
                history.append(loss if batch_loss else seen)
        return (begun if forgets else theta), history

    return function


def add_training(hint, name, **change):
    function = training(**change)
    function.__name__ = f"train_{name}"
    wrong("train", hint)(function)


add_training("Nothing is shuffled", "in_order", order=lambda rng, N: np.arange(N))
add_training("drawn once", "shuffled_once", once=True)
add_training("last batch is left out", "skips_the_short_batch", last=1)
add_training(
    "Each row of x has its own y", "y_in_order", y_order=lambda rows, i, n: slice(i, i + len(rows))
)
add_training("at old weights", "stale", stale=True)
add_training("uphill", "uphill", sign=1.0)
add_training("trained on", "evaluates_on_training_data", on_training=True)
add_training("before the steps of the epoch", "looks_first", first_look=True)
add_training("come back as they were", "forgets", forgets=True)
add_training("loss of the last batch", "history_of_batches", batch_loss=True)
add_training("divided by the number of rows", "divides_again", divides=True)
add_training("theta belongs to the caller", "in_place", in_place=True)
add_training(
    "more than once in an epoch", "with_replacement", order=lambda rng, N: rng.integers(0, N, N)
)
add_training(
    "rng that is handed in is not used",
    "own_generator",
    order=lambda rng, N: np.random.default_rng(N).permutation(N)[:: rng_flip()],
)


add_training("All rows are one batch", "whole_batches", whole=True)
add_training("weights start over in each epoch", "restarts", restarts=True)
add_training("learning rate is missing", "without_rate", rate=False)
add_training(
    "last batch is filled up",
    "filled_up",
    order=lambda rng, N: np.resize(rng.permutation(N), 2 * N),
)
add_training(
    "rows of x_val, which are not trained on",
    "on_everything",
    prepare=lambda x, y, x_val, y_val: (np.concatenate([x, x_val]), np.concatenate([y, y_val])),
)
add_training(
    "rows that are not in x", "scaled", prepare=lambda x, y, x_val, y_val: (x - 10 * len(x), y)
)


def rng_flip(state=[1]):  # noqa: B006 - an order that changes with each call, and not with rng
    state[0] = -state[0]
    return state[0]


# --- freezing -------------------------------------------------------------------------------------


@right("freezing_step")
def freezing_gradients_first(
    weights, velocities, trainable, outputs, dy, learning_rate, momentum, weight_decay
):
    gradients = []
    for W, x in zip(weights[::-1], outputs[-2::-1], strict=True):
        gradients.insert(0, x.T @ dy)
        dy = dy @ W.T
    new, rolling = [], []
    for W, v, learns, dW in zip(weights, velocities, trainable, gradients, strict=True):
        v_new = momentum * v - learning_rate * dW if learns else v
        rolling.append(v_new)
        new.append((1 - learning_rate * weight_decay) * W + v_new if learns else W)
    return new, rolling


@right("freezing_step")
def freezing_with_copies(
    weights, velocities, trainable, outputs, dy, learning_rate, momentum, weight_decay
):
    new, rolling = [W.copy() for W in weights], [v.copy() for v in velocities]
    for i in range(len(weights) - 1, -1, -1):
        if trainable[i]:
            rolling[i] *= momentum
            rolling[i] -= learning_rate * np.einsum("nd,nm->dm", outputs[i], dy)
            new[i] -= learning_rate * weight_decay * weights[i]
            new[i] += rolling[i]
        dy = np.einsum("nm,dm->nd", dy, weights[i])
    return new, rolling


def freezing(when_frozen="leave", *, after=False, passes=True, in_place=False, transposed=True):
    def function(
        weights, velocities, trainable, outputs, dy, learning_rate, momentum, weight_decay
    ):
        if not in_place:
            weights, velocities = list(weights), list(velocities)
        for i in reversed(range(len(weights))):
            W, dW, below = weights[i], outputs[i].T @ dy, dy
            if passes:
                below = dy @ W.T if transposed else dy @ W
            if not trainable[i]:
                if when_frozen == "stop":
                    break
                if when_frozen == "zero dy":
                    below = 0 * below
                if when_frozen == "skip":
                    continue
                if when_frozen in ("zero gradient", "zero gradient, no decay"):
                    dW = 0 * dW
            if trainable[i] or when_frozen in ("learn", "zero gradient", "zero gradient, no decay"):
                velocities[i] = momentum * velocities[i] - learning_rate * dW
                decay = 0.0 if "no decay" in when_frozen and not trainable[i] else weight_decay
                weights[i] = W - learning_rate * decay * W + velocities[i]
            elif when_frozen == "decay":
                weights[i] = W - learning_rate * weight_decay * W
            elif when_frozen == "velocity":
                velocities[i] = momentum * velocities[i] - learning_rate * dW
            dy = dy @ weights[i].T if after else below
        return weights, velocities

    return function


def add_freezing(hint, name, *how, **change):
    function = freezing(*how, **change)
    function.__name__ = f"freezing_{name}"
    wrong("freezing_step", hint)(function)


add_freezing("layers below a frozen one get no gradient", "stops", "stop")
add_freezing("layers below a frozen one get no gradient", "zeroes_dy", "zero dy")
add_freezing("skips frozen layers", "skips", "skip")
add_freezing("velocity and the weight decay go on", "zero_gradient", "zero gradient")
add_freezing("rolls on with its velocity", "rolls_on", "zero gradient, no decay")
add_freezing("decay still shrinks", "decays", "decay")
add_freezing("would jump when it is unfrozen", "velocity", "velocity")
add_freezing("frozen layers learn too", "learns", "learn")
add_freezing("through the new W", "after", after=True)
add_freezing("dy is the same for all layers", "no_way_down", passes=False)
add_freezing("multiplied by W; on the way down", "straight", transposed=False)
add_freezing("weights belongs to the caller", "in_place", in_place=True)
