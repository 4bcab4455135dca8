"""The gradient checker: right code passes, planted mistakes are named, nothing is changed."""

from __future__ import annotations

import copy
import re
import warnings

import numpy as np
import pytest
from hypothesis import given

from minnet import Sequential
from minnet.initializers import Constant
from minnet.layers import (
    ELU,
    GELU,
    SELU,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    HardSiLU,
    Layer,
    LeakyReLU,
    Mish,
    PReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Softsign,
    Tanh,
)
from minnet.losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    softmax,
)
from minnet.regularizers import L2, Regularizer
from minnet.teaching import GradientReport, check_gradients
from minnet.teaching.gradients import LIMIT
from tests.strategies import D, M, N, normal, seeds

X, Y = normal(0, (6, 4), (6, 2))
LABELS = np.array([0, 1, 2, 2, 1, 0])


def network(*layers, loss="mse", dtype="float64", **settings):
    """A compiled model for X; by default one hidden layer and two outputs."""
    layers = layers or (Dense(5, activation="tanh"), Dense(2))
    model = Sequential(layers, seed=0, dtype=dtype)
    model.build((4,))
    model.compile(optimizer="adam", loss=loss, **settings)
    return model


def is_exact(report):
    """Right, by complex step, to 1e-10."""
    return report.ok and report.method == "complex step" and report.max_relative_error <= 1e-10


class Student(Dense):
    """An affine map whose weights are not all 0."""

    def __init__(self, units=2, bias_initializer="normal", **settings):
        super().__init__(units, bias_initializer=bias_initializer, **settings)


# --- right code -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "layer",
    [
        Dense(3),
        Dense(3, use_bias=False),
        Dense(3, activation="softmax"),
        Dense(3, activation="relu", kernel_initializer="normal"),
        BatchNormalization(),
        BatchNormalization(center=False, scale=False),
        Dropout(0.5),
        Flatten(),
        *(kind() for kind in (Sigmoid, Tanh, ReLU, Softmax, LeakyReLU, ELU, Softplus, GELU)),
        *(kind() for kind in (SELU, SiLU, Mish, HardSiLU, Softsign)),
        PReLU("normal"),
    ],
    ids=repr,
)
def test_every_layer_is_right(layer):
    assert is_exact(check_gradients(layer, X))


@pytest.mark.parametrize(
    ("loss", "prediction", "target"),
    [
        (MeanSquaredError(), X[:, :2], Y),
        (MeanSquaredError(), X[:, 0], Y[:, 0]),
        (MeanAbsoluteError(), X[:, :2], Y),
        (CrossEntropy(), softmax(X[:, :3]), LABELS),
        (CrossEntropy(from_logits=True), X[:, :3], np.eye(3)[LABELS]),
        (BinaryCrossEntropy(), 1 / (1 + np.exp(-X)), X > 0),
        (BinaryCrossEntropy(from_logits=True), X, X > 0),
    ],
)
def test_every_loss_is_right(loss, prediction, target):
    report = check_gradients(loss, prediction, target)
    assert is_exact(report)
    assert report.worst.startswith("prediction[")


@given(n=N, d=D, m=M, seed=seeds)
def test_a_network_of_any_shape_is_right(n, d, m, seed):
    x, y = normal(seed, (n, d), (n, m))
    model = Sequential([Dense(3, activation="tanh"), Dense(m)], seed=seed)
    model.compile(loss="mse")
    report = check_gradients(model, x, y)
    assert is_exact(report)
    assert report.checked == report.total == 3 * d + 3 + 3 * m + m


def test_a_pair_of_functions_is_right():
    def f(x):
        return (np.sin(x) * x).sum()

    def gradient_of_f(x):
        return np.cos(x) * x + np.sin(x)

    assert is_exact(check_gradients((f, gradient_of_f), X))
    assert is_exact(check_gradients([f, gradient_of_f], 0.5))


def test_a_number_as_x_has_no_index():
    report = check_gradients((lambda x: x**2, lambda x: 3 * x), 2.0)
    assert (report.ok, report.worst) == (False, "x")
    assert (report.analytic, report.numerical) == (6.0, pytest.approx(4.0))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("loss", "layers", "target"),
    [
        ("cross_entropy", (Dense(5, activation="relu"), Dense(3, activation="softmax")), LABELS),
        ("cross_entropy", (Dense(3), BatchNormalization(), Softmax()), np.eye(3)[LABELS]),
        ("binary_crossentropy", (Dropout(0.5), Dense(1, activation="sigmoid")), LABELS > 0),
        ("mae", (Dense(4, activation="gelu"), Dropout(0.3), Dense(2)), Y),
        ("mse", (Dense(3, kernel_regularizer=L2(0.1)), BatchNormalization(), Dense(2)), Y),
    ],
)
def test_models_are_right_in_every_dtype(loss, layers, target, dtype):
    assert is_exact(check_gradients(network(*layers, loss=loss, dtype=dtype), X, target))


def test_a_model_that_is_not_built_is_built_for_x_in_a_copy():
    model = Sequential([Dense(2)], seed=0)
    model.compile(loss="mse")
    assert is_exact(check_gradients(model, X, Y))
    assert not model.built


def test_a_layer_that_is_not_built_is_built_for_x_in_a_copy():
    layer = Dense(2)
    assert is_exact(check_gradients(layer, X))
    assert not layer.built


def test_a_layer_is_checked_with_its_own_weights():
    layer = Dense(2, activation="relu")
    layer.build((4,), np.random.default_rng(0))
    layer.b = [-1e6, -1e6]  # no row comes through
    report = check_gradients(layer, X)
    assert (report.ok, report.max_relative_error, report.numerical) == (True, 0.0, 0.0)


def test_whole_numbers_and_lists_are_taken():
    assert is_exact(check_gradients(Dense(2), [[1, 2], [3, 4]]))
    assert is_exact(check_gradients((lambda x: (x**2).sum(), lambda x: 2 * x), [1, 2]))


# --- planted mistakes -----------------------------------------------------------------------------


class WrongSign(Student):
    def backward(self, x, y, dy, memo=None):
        return -super().backward(x, y, dy, memo)


class FactorTwo(Student):
    def gradient(self, x, y, dy, memo=None):
        super().gradient(x, y, dy, memo)
        self.dW *= 2


class Averaged(Student):
    def gradient(self, x, y, dy, memo=None):
        super().gradient(x, y, dy, memo)
        self.dW /= len(x)


class Transposed(Student):
    def gradient(self, x, y, dy, memo=None):
        super().gradient(x, y, dy, memo)
        self.dW[...] = self.dW.T.copy()


class DetachedBias(Student):
    def gradient(self, x, y, dy, memo=None):
        self.dW[...] = x.T @ dy


class AddsUp(Student):
    def gradient(self, x, y, dy, memo=None):
        self.dW += x.T @ dy
        self.db[...] = dy.sum(axis=0)


class OneEntry(Student):
    def gradient(self, x, y, dy, memo=None):
        super().gradient(x, y, dy, memo)
        self.dW[2, 1] += 1e-4 * np.abs(self.dW).max()


MISTAKES = [
    (WrongSign, "x["),
    (FactorTwo, ".W["),
    (Averaged, ".W["),
    (Transposed, ".W["),
    (DetachedBias, ".b["),
    (AddsUp, ".W["),
    (OneEntry, ".W[2, 1]"),
]
mistakes = pytest.mark.parametrize(("kind", "place"), MISTAKES)


@mistakes
def test_a_mistake_in_a_layer_is_named(kind, place):
    report = check_gradients(kind(4, name="mine"), X)
    assert not report.ok
    assert report.worst.startswith(place if place == "x[" else f"mine{place}")
    assert report.method == "complex step"


@mistakes
def test_a_mistake_in_a_model_is_named(kind, place):
    model = network(Dense(4, activation="tanh"), kind(4, name="mine"), Dense(2))
    report = check_gradients(model, X, Y)
    assert not report.ok
    wanted = "dense_1." if place == "x[" else f"mine{place}"
    assert report.worst.startswith(wanted)


def test_the_numbers_at_the_worst_entry():
    report = check_gradients(OneEntry(4, name="mine"), X)
    right = check_gradients(Student(4, name="mine"), X)
    assert report.worst == "mine.W[2, 1]"
    assert report.max_relative_error == pytest.approx(1e-4, rel=0.5)
    assert abs(report.analytic - report.numerical) > 1e5 * abs(right.analytic - right.numerical)


def test_a_loss_without_one_over_n_is_not_right():
    class Sum(MeanSquaredError):
        def gradient(self, prediction, target):
            return super().gradient(prediction, target) * len(prediction)

    report = check_gradients(Sum(), X, X + 1)
    assert not report.ok
    assert report.analytic == pytest.approx(6 * report.numerical)
    assert not check_gradients(network(loss=Sum()), X, Y).ok


def test_a_regularizer_of_half_the_gradient_is_not_right():
    class Half(L2):
        def gradient(self, weights):
            return self.l2 * weights

    report = check_gradients(network(Dense(2, kernel_regularizer=Half(1.0), name="mine")), X, Y)
    assert not report.ok
    assert report.worst.startswith("mine.W")


def test_a_gradient_that_is_not_written_is_not_right_where_zero_would_be():
    class Nothing(Layer):
        """y = x, with a weight that has no effect."""

        parameters = ("s",)

        def build(self, input_shape, rng):
            self.add_weight("s", input_shape, Constant(1.0), rng)

        def forward(self, x, memo=None):
            return x

        def backward(self, x, y, dy, memo=None):
            return dy

        def gradient(self, x, y, dy, memo=None):
            """Written never."""

    assert not check_gradients(Nothing(), X).ok
    assert not check_gradients(network(Nothing(), Dense(2)), X, Y).ok


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite_is_not_right(wrong):
    def gradient_of_f(x):
        gradient = 2 * x
        gradient[1] = wrong
        return gradient

    report = check_gradients((lambda x: (x**2).sum(), gradient_of_f), [1.0, 2.0, 3.0])
    assert (report.ok, report.worst) == (False, "x[1]")


def test_dropouts_mask_has_to_be_that_of_forward():
    class Forgetful(Dropout):
        def backward(self, x, y, dy, memo=None):
            return super().backward(x, y, dy, {"rng": np.random.default_rng(1)})

    assert not check_gradients(Forgetful(0.5), X).ok


def test_batch_normalization_with_fixed_statistics_going_back_is_not_right():
    class Fixed(BatchNormalization):
        def backward(self, x, y, dy, memo=None):
            return dy * self.gamma * self._recall(x, memo)[1]

    assert not check_gradients(Fixed(), X).ok


# --- code that takes no complex numbers -----------------------------------------------------------


class NoComplex(Layer):
    """y = |x| or the like, by a function that loses the imaginary part or refuses it."""

    def __init__(self, f, slope):
        self.f, self.slope = f, slope

    def forward(self, x, memo=None):
        return self.f(x)

    def backward(self, x, y, dy, memo=None):
        return dy * self.slope(x)


def filled(x):
    """x in a buffer of floats."""
    y = np.zeros(x.shape)
    y[...] = x
    return y


def dotted(x):
    """x by a matrix product into a buffer of floats."""
    return np.dot(x, np.eye(x.shape[1]), out=np.zeros(x.shape))


@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (np.abs, np.sign),
        (lambda x: x * np.sign(x), lambda x: np.sign(x.real)),
        (lambda x: x.astype(float), np.ones_like),
        (lambda x: x.real**2, lambda x: 2 * x),
        (filled, np.ones_like),
        (dotted, np.ones_like),
        (lambda x: x - np.floor(x), np.ones_like),
        (lambda x: x * np.heaviside(x, 0), lambda x: np.heaviside(x.real, 0)),
    ],
    ids=["abs", "sign", "cast", "real", "buffer", "out", "floor", "heaviside"],
)
def test_right_code_that_takes_no_complex_numbers_is_checked_by_central_differences(f, slope):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = check_gradients(NoComplex(f, slope), X)
        wrong = check_gradients(NoComplex(f, lambda x: 1.01 * slope(x)), X)
    assert report.ok
    assert report.method == "central differences"
    assert not wrong.ok


def test_variance_and_norm_are_checked_by_central_differences():
    pairs = [
        (np.var, lambda x: 2 * (x - x.mean()) / x.size),
        (np.linalg.norm, lambda x: x / np.linalg.norm(x)),
        (lambda x: float(x.sum()), np.ones_like),
    ]
    for f, gradient_of_f in pairs:
        report = check_gradients((f, gradient_of_f), X[0])
        assert report.ok
        assert report.method == "central differences"
        assert report.max_relative_error < 1e-8
        assert not check_gradients((f, lambda x, g=gradient_of_f: -g(x)), X[0]).ok


@pytest.mark.parametrize("size", [1.0, 1e-2, 1e-4])
def test_a_part_that_loses_the_imaginary_part_does_not_accuse_right_code(size):
    class L1(Regularizer):
        def __call__(self, weights):
            return (size * np.abs(weights)).sum()

        def gradient(self, weights):
            return size * np.sign(weights.real)

    report = check_gradients(network(Dense(2, kernel_regularizer=L1())), X, Y)
    assert report.ok
    assert report.method == "central differences"


def test_a_small_part_that_is_cast_does_not_accuse_right_code():
    def f(x):
        return (x**2).sum() + 1e-6 * x.astype(float).sum()

    report = check_gradients((f, lambda x: 2 * x + 1e-6), [1.0, 2.0])
    assert (report.ok, report.method) == (True, "central differences")


def test_a_gradient_that_is_zero_everywhere_is_right():
    def exact(z):
        return np.zeros_like(z)

    assert check_gradients((lambda z: softmax(z[None]).sum(), exact), X[0]).ok
    assert check_gradients((lambda z: float(softmax(z[None]).real.sum()), exact), X[0]).ok
    assert check_gradients((lambda z: float((z + 1e3).sum() - z.sum()), exact), X[0]).ok
    assert check_gradients((lambda z: 3.0, exact), X[0]).ok
    assert not check_gradients((lambda z: 3.0, lambda z: exact(z) + 1e-9), X[0]).ok


def test_central_differences_start_from_the_true_weights_each_time():
    def f(x):
        return float((x[0] * x[1] * x[2]).real)

    assert check_gradients((f, lambda x: x.prod() / x), [1e3, 2.0, 1e-3]).ok


def test_central_differences_of_large_numbers_take_larger_steps():
    for factor, ok in ((1.0, True), (1.001, False)):
        pair = (lambda x: float((x**2).sum()), lambda x, factor=factor: 2 * factor * x)
        assert check_gradients(pair, [1e9]).ok is ok


# --- what a model is in ---------------------------------------------------------------------------


@pytest.mark.parametrize("layer", [Dropout(0.5), BatchNormalization()], ids=repr)
def test_a_model_is_checked_in_training_mode(layer):
    met = []

    class Watch(type(layer)):
        def forward(self, x, memo=None):
            met.append(memo is not None)
            return super().forward(x, memo)

    arguments = [0.5] if isinstance(layer, Dropout) else []
    assert is_exact(check_gradients(network(Dense(5), Watch(*arguments), Dense(2)), X, Y))
    assert is_exact(check_gradients(Watch(*arguments), X))
    assert all(met)


def test_frozen_layers_are_not_checked_and_run_in_inference_mode():
    model = network(DetachedBias(4, name="mine"), BatchNormalization(), Dropout(0.5), Dense(2))
    model.freeze(["mine", "batch_normalization_1"])
    report = check_gradients(model, X, Y)
    assert is_exact(report)
    assert report.total == 4 * 2 + 2
    assert report.worst.startswith("dense_1.")
    model.unfreeze()
    assert not check_gradients(model, X, Y).ok


def test_what_a_frozen_layer_hands_down_is_checked():
    model = network(Dense(3), WrongSign(4, name="mine"), Dense(2))
    model.freeze("mine")
    report = check_gradients(model, X, Y)
    assert not report.ok
    assert report.worst.startswith("dense_1.")


def everything(model):
    """All that a check could change, as a copy."""
    return copy.deepcopy(
        {
            "arrays": [model.theta, model.grad, model.state],
            "rng": model.rng.bit_generator.state,
            "slots": model.updates.slots,
            "outputs": model.outputs,
            "dtype": model.dtype,
            "trainable": [layer.trainable for layer in model.layers],
            "dtypes": [a.dtype for layer in model.layers for a in layer.arrays().values()],
        }
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_model_is_as_before(dtype):
    model = network(Dense(5), BatchNormalization(), Dropout(0.5), Dense(2), dtype=dtype)
    model.freeze("dense_1")
    model.train_on_batch(X, Y)
    before, theta = everything(model), model.theta
    x, y = X.copy(), Y.copy()
    x.flags.writeable = y.flags.writeable = False
    check_gradients(model, x, y)
    np.testing.assert_equal(everything(model), before)
    assert model.theta is theta
    assert np.shares_memory(model.get_layer("dense_2").W, model.theta)


def test_a_layer_is_as_before():
    layer = BatchNormalization()
    layer.build((4,), np.random.default_rng(0))
    layer.dgamma = [1.0, 2.0, 3.0, 4.0]
    before = copy.deepcopy(layer.__dict__)
    x = X.copy()
    x.flags.writeable = False
    check_gradients(layer, x)
    np.testing.assert_equal(layer.__dict__, before)


def test_functions_may_write_into_their_x():
    def f(x):
        x *= x
        return x.sum()

    def gradient_of_f(x):
        x *= 2
        return x

    x = np.array([1.0, 2.0])
    assert check_gradients((f, gradient_of_f), x).ok
    np.testing.assert_array_equal(x, [1.0, 2.0])


# --- many entries, seeds --------------------------------------------------------------------------


def test_of_many_entries_some_of_each_array_are_drawn():
    model = Sequential([DetachedBias(3, input_dim=1500, name="mine"), Dense(2)], seed=0)
    model.compile(loss="mse")
    x, y = normal(0, (2, 1500), (2, 2))
    for seed in range(3):
        report = check_gradients(model, x, y, seed=seed)
        assert not report.ok
        assert report.worst.startswith("mine.b")
        assert report.total == 1500 * 3 + 3 + 3 * 2 + 2
        assert report.checked == LIMIT // 4 + 3 + 6 + 2


def test_up_to_the_limit_all_entries_are_checked():
    f = (lambda x: (x**2).sum(), lambda x: 2 * x)
    for size, checked in ((LIMIT, LIMIT), (LIMIT + 1, LIMIT)):
        report = check_gradients(f, np.ones(size))
        assert (report.checked, report.total) == (checked, size)


def test_the_same_seed_gives_the_same_report():
    model = network(Dense(5), Dropout(0.5), Dense(2))
    reports = [check_gradients(model, X, Y, seed=s) for s in (1, 1, np.random.default_rng(1), 2)]
    assert reports[0] == reports[1] == reports[2]
    assert reports[0] != reports[3]


def test_a_report_in_words():
    report = check_gradients((lambda x: (x**3).sum(), lambda x: 2 * x**2), [1.0, 2.0])
    assert isinstance(report, GradientReport)
    assert str(report) == (
        "The gradients are WRONG: largest error 3.3e-01 of the largest gradient, at x[1] "
        "(by the code 8, measured 12). 2 of 2 entries checked by complex step.\n"
        "- factor in gradient_of_f: the gradient is 2/3 times what was measured, in every entry "
        "and whatever the batch (ratio 0.666667). Multiply by 3/2."
    )
    assert repr(report) == str(report)
    assert str(check_gradients(Tanh(), X)).startswith("The gradients are right: largest error")


# --- what is refused ------------------------------------------------------------------------------


class Shapes(Layer):
    """A layer whose backward gives another shape."""

    def forward(self, x, memo=None):
        return x

    def backward(self, x, y, dy, memo=None):
        return dy.sum(axis=0)


class Losses(Loss):
    """A loss that gives one number where there should be N."""

    def per_sample(self, prediction, target):
        return ((prediction - target) ** 2).mean()

    def gradient(self, prediction, target):
        return 2 * (prediction - target) / prediction.size


class Gradients(MeanSquaredError):
    """A loss whose gradient has one number for each sample."""

    def gradient(self, prediction, target):
        return super().gradient(prediction, target).sum(axis=1)


def frozen():
    model = network()
    model.freeze(["dense_1", "dense_2"])
    return model


def square(x):
    return (x**2).sum()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((Shapes(), X), r"has shape \(4,\), not \(6, 4\)"),
        ((Gradients(), X, X), r"has shape \(6,\), not \(6, 4\)"),
        (((square, np.sum), X), r"has shape \(\), not \(6, 4\)"),
        (((square, lambda x: None), X), r"gradient_of_f gives an array .* Got None. Return it"),
    ],
)
def test_a_gradient_of_another_shape_is_wrong(arguments, message):
    report = check_gradients(*arguments)
    assert not report.ok
    assert np.isinf(report.max_relative_error)
    (finding,) = report.findings
    assert finding.kind == "wrong"
    assert re.search(message, finding.message)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("dense", X), TypeError, r"a compiled model, a layer, a loss, or a pair .* Got 'dense'"),
        (((square,), X), TypeError, r"a pair of functions \(f, gradient_of_f\). Got"),
        ((Dense, X), TypeError, r"a pair of functions"),
        ((Sequential([Dense(2)]), X, Y), RuntimeError, r"The model is not compiled. Call compile"),
        ((network(), X[:, :3], Y), ValueError, r"x takes shape \(N, 4\). Got \(6, 3\)"),
        ((network(), X, Y[:4]), ValueError, r"Got 6 rows in x and 4 in y"),
        ((network(), X), TypeError, r"y takes an array of numbers. Got None"),
        (
            (frozen(), X, Y),
            ValueError,
            r"a weight that is trained. .*Unfreeze a layer",
        ),
        ((Dense(2), [1.0, 2.0]), ValueError, r"Dense takes x of shape \(N, D\). Got \(N,\)"),
        ((Dense(2), np.empty((0, 2))), ValueError, r"an x with numbers in it. Got shape \(0, 2\)"),
        ((Dense(2), [[np.nan, 1.0]]), ValueError, r"x takes finite numbers. Got nan in row 0"),
        ((Dense(2), [["a"]]), TypeError, r"x takes numbers"),
        ((MeanSquaredError(), X, Y), ValueError, r"takes y of shape \(N, 4\)"),
        ((MeanSquaredError(), X[:2, :2], Y), ValueError, r"Got 2 rows in x and 6 in y"),
        ((Losses(), X, X), ValueError, r"Losses.per_sample gives .* shape \(6,\). Got \(\)"),
        (((lambda x: x, np.copy), X), ValueError, r"f gives one number. Got an array of shape"),
        (((lambda x: None, np.copy), X), ValueError, r"f gives one number. Got None. Sum"),
    ],
)
def test_what_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        check_gradients(*arguments)


def test_a_built_layer_takes_only_what_it_was_built_for():
    layer = Dense(2, name="mine")
    layer.build((3,), np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"mine takes x of shape \(N, 3\). Got \(N, 4\)"):
        check_gradients(layer, X)


def test_a_seed_is_checked():
    with pytest.raises(TypeError, match=r"seed takes a whole number.* Got 'x'"):
        check_gradients(Tanh(), X, seed="x")


def test_an_error_in_a_students_code_comes_through():
    def f(x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        check_gradients((f, np.copy), X)


def test_a_large_number_beside_it_forgives_no_wrong_gradient():
    report = check_gradients((lambda x: 1e8 + (x**3).sum(), lambda x: 2 * x**2), np.full(3, 1e-2))
    assert not report.ok
