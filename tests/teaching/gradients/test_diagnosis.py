"""The detective: each kind is named, where it is and with the right numbers, on every target."""

from __future__ import annotations

import re

import numpy as np
import pytest

from minnet import Sequential
from minnet.layers import (
    BatchNormalization,
    Dense,
    Dropout,
    Layer,
    LeakyReLU,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
)
from minnet.losses import CrossEntropy, MeanAbsoluteError, MeanSquaredError, softmax
from minnet.regularizers import L2
from minnet.teaching import check_gradients
from minnet.teaching.gradients.report import KINDS
from tests.strategies import normal
from tests.teaching.gradients.planted import benchmark

X, Y = normal(0, (5, 4), (5, 3))
LABELS = np.array([0, 1, 2, 1, 0])
planted = benchmark()


def model(*layers, loss="mse", **settings):
    made = Sequential(layers, seed=1, **settings)
    made.build((4,))
    made.compile("sgd", loss)
    return made


def only(report):
    """The one finding of a report."""
    assert len(report.findings) == 1, report
    assert report.findings[0].kind in KINDS
    return report.findings[0]


# --- a sample of the benchmark --------------------------------------------------------------------


def test_the_benchmark_has_bugs_of_every_kind():
    assert set(planted.BUGS) == set(KINDS)


@pytest.mark.parametrize("kind", planted.BUGS)
def test_every_variant_is_named(kind):
    first = 1000
    found = list(planted.score(kind, len(planted.BUGS[kind]), first))
    missed = [(variant, str(report)) for variant, good, _, report in found if not good]
    assert not missed


def test_correct_code_raises_no_alarm():
    assert not list(planted.alarms(60, 5000))


# --- messages and places --------------------------------------------------------------------------


class Wrong(Dense):
    """A layer between others, with formulas that are replaced."""

    def __init__(self, units=4, dW=1.0, db=1.0, dx=1.0, name="mine"):
        super().__init__(units, name=name)
        self.dW_times, self.db_times, self.dx_times = dW, db, dx

    def backward(self, x, y, dy, memo=None):
        return super().backward(x, y, dy, memo) * self.dx_times

    def gradient(self, x, y, dy, memo=None):
        super().gradient(x, y, dy, memo)
        self.dW *= self.dW_times
        self.db *= self.db_times


def stack(culprit, loss="mse"):
    below = Dense(4, activation="tanh"), Dense(4, activation="sigmoid")
    return model(*below, culprit, Dense(5, activation="elu"), Dense(3), loss=loss)


@pytest.mark.parametrize(
    ("settings", "kind", "where", "message"),
    [
        ({"dx": -1.0}, "sign", "mine.backward", "the opposite sign.* -1 times"),
        ({"dx": 2.0}, "factor", "mine.backward", "is 2 times .* Divide by 2"),
        ({"dW": 0.5}, "factor", "mine.gradient (dW)", "is 1/2 times .* Multiply by 2"),
        ({"db": 0.0}, "detached", "mine.gradient (db)", "0 in every entry, and measured up to"),
        ({"dx": 0.0}, "detached", "mine.backward", "does depend on x"),
    ],
)
def test_the_culprit_is_named_and_not_its_victims(settings, kind, where, message):
    finding = only(check_gradients(stack(Wrong(**settings)), X, Y))
    assert (finding.kind, finding.where) == (kind, where)
    assert re.search(message, finding.message)


def test_several_mistakes_are_each_named():
    report = check_gradients(stack(Wrong(dW=-1.0, db=3.0, dx=0.0)), X, Y)
    found = {(finding.kind, finding.where) for finding in report.findings}
    assert found == {
        ("sign", "mine.gradient (dW)"),
        ("factor", "mine.gradient (db)"),
        ("detached", "mine.backward"),
    }


def test_a_victim_with_a_gradient_of_zero_is_not_accused():
    class Averaged(BatchNormalization):
        def gradient(self, x, y, dy, memo=None):
            super().gradient(x, y, dy, memo)
            self.dbeta /= len(x)

    finding = only(check_gradients(model(Dense(4), Averaged(name="mine"), Dense(3)), X, Y))
    assert (finding.kind, finding.where) == ("sum-vs-mean", "mine.gradient (dbeta)")
    assert "once too often" in finding.message


def test_one_wrong_entry_among_thousands_is_found():
    class One(Dense):
        def gradient(self, x, y, dy, memo=None):
            super().gradient(x, y, dy, memo)
            self.dW[107, 31] += 1e-3

    made = Sequential([One(64, activation="tanh", input_dim=150, name="mine"), Dense(3)], seed=0)
    made.compile("sgd", "mse")
    report = check_gradients(made, *normal(0, (5, 150), (5, 3)))
    assert report.worst == "mine.W[107, 31]"
    assert only(report).where == "mine.gradient (dW)"
    assert "entry [107, 31]" in only(report).message


def test_the_layer_below_is_not_accused_of_what_is_done_to_its_output():
    class InPlace(Softmax):
        def forward(self, x, memo=None):
            np.exp(x, out=x)
            x /= x.sum(axis=1, keepdims=True)
            return x

    target = model(Dense(4, activation="sigmoid"), InPlace(name="mine"), Dense(3))
    finding = only(check_gradients(target, X, Y))
    assert (finding.kind, finding.where) == ("stale-input", "mine.forward")


def test_a_mask_taken_from_a_layer_that_it_knows_is_named():
    class Knowing(ReLU):
        def __init__(self, other=None, name=None):
            super().__init__(name=name)
            self.other = other

        def forward(self, x, memo=None):
            self.y = super().forward(x, memo)
            return self.y

        def backward(self, x, y, dy, memo=None):
            return dy * (y > 0 if self.other is None else self.other.y > 0)

    low = Knowing(name="low")
    for rows in (5, 20):
        x, t = normal(2, (rows, 4), (rows, 3))
        target = model(Dense(6), low.copy(), Dense(6), Knowing(low, name="high"), Dense(3))
        target._layers[3].other = target._layers[1]
        finding = only(check_gradients(target, x, t))
        assert (finding.kind, finding.where) == ("wrong-mask", "high.backward")


def test_a_bias_of_samples_with_more_axes_is_summed_over_all_of_them():
    def gradient(axis):
        def method(self, x, y, dy, memo=None):
            self.dkernel[...] = np.einsum("ntd,ntm->dm", x, dy)
            self.doffset[...] = dy.sum(axis=axis)

        return method

    x = normal(4, (3, 2, 4))[0]
    for axis, kind in (((0, 1), None), (0, "bias-not-summed"), ((), "bias-not-summed")):
        mine = planted.layer(planted.Mine, gradient=gradient(axis))
        mine.build = lambda self, shape, rng: planted.Mine.build(self, shape[-1:], rng)
        mine.compute_output_shape = lambda self, shape: (*shape[:-1], 3)
        report = check_gradients(mine(), x)
        assert [finding.kind for finding in report.findings] == ([] if kind is None else [kind])


def test_the_loss_is_named_where_it_spoils_every_layer():
    class Sum(MeanSquaredError):
        def gradient(self, p, t):
            return super().gradient(p, t) * len(p)

    finding = only(check_gradients(stack(Wrong(), loss=Sum()), X, Y))
    assert (finding.kind, finding.where) == ("sum-vs-mean", "Sum.gradient")
    assert "N = 5 rows" in finding.message
    assert "a 1/N that is missing" in finding.message


@pytest.mark.parametrize("shape", [(3, 3), (2, 2), (4, 4), (4, 2), (2, 4)])
def test_n_k_and_2_are_told_apart_by_experiment(shape):
    p, t = normal(3, shape, shape)
    wrong = {
        ("sum-vs-mean", "N"): lambda self, p, t: 2 * (p - t) / p.shape[1],
        ("factor", "K"): lambda self, p, t: 2 * (p - t) / len(p),
        ("factor", "2"): lambda self, p, t: 4 * (p - t) / p.size,
        ("factor", "1/2"): lambda self, p, t: (p - t) / p.size,
        ("factor", "1/K"): lambda self, p, t: 2 * (p - t) / p.size / p.shape[1],
        ("sum-vs-mean", "1/N"): lambda self, p, t: 2 * (p - t) / p.size / len(p),
    }
    for (kind, factor), gradient in wrong.items():
        loss = type("Mine", (MeanSquaredError,), {"gradient": gradient})()
        finding = only(check_gradients(loss, p, t))
        assert finding.kind == kind
        assert f"the gradient is {factor} times" in finding.message


def test_a_factor_that_is_a_setting_is_called_by_its_name():
    class Unscaled(Dropout):
        def backward(self, x, y, dy, memo=None):
            return dy * memo["mask"]

    finding = only(check_gradients(Unscaled(0.3), X))
    assert finding.kind == "factor"
    assert "7/10 times" in finding.message
    assert "1 - rate of Unscaled" in finding.message


def test_the_data_of_a_pair_of_functions_is_cut_to_see_n():
    x, y = normal(1, (9, 3), (9,))
    finding = only(
        check_gradients(
            (lambda w: ((x @ w - y) ** 2).mean(), lambda w: 2 * x.T @ (x @ w - y)), [1.0, 2.0, 3.0]
        )
    )
    assert finding.kind == "sum-vs-mean"
    assert "N = 9 rows" in finding.message


def test_a_constant_that_is_the_number_of_rows_by_chance_is_a_factor():
    x, y = normal(1, (2, 3), (2,))
    finding = only(
        check_gradients(
            (lambda w: ((x @ w - y) ** 2).mean(), lambda w: 4 * x.T @ (x @ w - y) / len(y)),
            [1.0, 2.0, 3.0],
        )
    )
    assert finding.kind == "factor"


def test_a_column_of_its_own_is_named():
    class Column(Dense):
        def gradient(self, x, y, dy, memo=None):
            super().gradient(x, y, dy, memo)
            self.dW[:, 1] *= 3.0

    finding = only(check_gradients(Column(3), X))
    assert finding.kind == "factor"
    assert "3 times what was measured in column 1" in finding.message


@pytest.mark.parametrize("units", [3, 4, 5])
@pytest.mark.parametrize("way", ["[...]", "=", "out", "+="])
def test_a_bias_that_is_not_summed_is_named_whatever_numpy_says(units, way):
    class Rows(Dense):
        def gradient(self, x, y, dy, memo=None):
            np.matmul(x.T, dy, out=self.dW)
            if way == "[...]":
                self.db[...] = dy
            elif way == "=":
                self.db = dy
            elif way == "out":
                np.multiply(dy, 1.0, out=self.db)
            else:
                self.db += dy

    for target in (Rows(units, name="mine"), model(Rows(units, name="mine"), Dense(3))):
        finding = only(check_gradients(target, X, Y if isinstance(target, Sequential) else None))
        assert (finding.kind, finding.where) == ("bias-not-summed", "mine.gradient (db)")
        assert "one gradient for each of the 5 rows" in finding.message


@pytest.mark.parametrize("units", [3, 4])
@pytest.mark.parametrize("way", ["[...]", "=", "out", "dot"])
def test_a_transposed_gradient_is_named_square_or_not(units, way):
    class Turned(Dense):
        def gradient(self, x, y, dy, memo=None):
            np.add.reduce(dy, axis=0, out=self.db)
            if way == "[...]":
                self.dW[...] = dy.T @ x
            elif way == "=":
                self.dW = dy.T @ x
            elif way == "out":
                np.matmul(dy.T, x, out=self.dW)
            else:
                np.dot(dy.T, x, out=self.dW)

    finding = only(check_gradients(Turned(units, name="mine"), X))
    assert (finding.kind, finding.where) == ("transposed", "mine.gradient (dW)")
    assert "dW = x.T @ dy" in finding.message


@pytest.mark.parametrize("units", [3, 4])
def test_w_where_its_transpose_belongs_is_named_square_or_not(units):
    class Straight(Dense):
        def backward(self, x, y, dy, memo=None):
            return dy @ self.W

    finding = only(check_gradients(Straight(units, name="mine"), X))
    assert (finding.kind, finding.where) == ("transposed", "mine.backward")
    assert "dx = dy @ W.T" in finding.message


def test_an_error_without_a_pattern_is_wrong_and_quotes_it():
    class Broken(Tanh):
        def backward(self, x, y, dy, memo=None):
            return dy @ np.ones((7, 2))

    for target in (Broken(name="mine"), model(Dense(4), Broken(name="mine"), Dense(3))):
        finding = only(check_gradients(target, X, Y if isinstance(target, Sequential) else None))
        assert (finding.kind, finding.where) == ("wrong", "mine.backward")
        assert "matmul" in finding.message


def test_what_was_written_in_place_is_named_though_the_gradient_is_right():
    class InPlace(Softmax):
        def forward(self, x, memo=None):
            x -= x.real.max(axis=1, keepdims=True)
            return super().forward(x, memo)

    report = check_gradients(InPlace(name="mine"), X)
    finding = only(report)
    assert not report.ok
    assert report.max_relative_error < 1e-10
    assert (finding.kind, finding.where) == ("stale-input", "mine.forward")
    assert "forward changes its x in place" in finding.message


def test_an_update_before_the_layer_below_has_used_the_weights_is_named():
    class Hasty(Dense):
        def gradient(self, x, y, dy, memo=None):
            super().gradient(x, y, dy, memo)
            self.W -= 0.1 * self.dW

    finding = only(check_gradients(Hasty(2, name="mine"), X))
    assert (finding.kind, finding.where) == ("stale-input", "mine.gradient")
    assert "gradient changes W in place" in finding.message
    assert "Leave its update to the optimizer" in finding.message


def test_a_loss_that_writes_into_the_prediction_is_named():
    class InPlace(CrossEntropy):
        def gradient(self, p, t):
            p[np.arange(len(t)), t] -= 1.0
            return p / len(t)

    target = model(Dense(4, activation="relu"), Dense(3, activation="softmax"), loss=InPlace())
    report = check_gradients(target, X, LABELS)
    assert (report.findings[0].kind, report.findings[0].where) == (
        "stale-input",
        "InPlace.gradient",
    )


def test_a_cache_of_an_earlier_training_is_named():
    class First(ReLU):
        kept = None

        def forward(self, x, memo=None):
            self.kept = x if self.kept is None else self.kept
            return super().forward(x, memo)

        def backward(self, x, y, dy, memo=None):
            return dy * (self.kept > 0)

    trained = model(Dense(4), First(name="mine"), Dense(3))
    trained.fit(X, Y, batch_size=5, verbose=0)
    finding = only(check_gradients(trained, X, Y))
    assert (finding.kind, finding.where) == ("stale-input", "mine.backward")


@pytest.mark.parametrize("rows", [5, 20])
def test_a_cache_is_named_whatever_the_size_of_the_batch(rows):
    class First(Dense):
        kept = None

        def forward(self, x, memo=None):
            self.kept = x if self.kept is None else self.kept
            return super().forward(x, memo)

        def gradient(self, x, y, dy, memo=None):
            super().gradient(self.kept, y, dy, memo)

    x, t = normal(2, (rows, 4), (rows, 3))
    for made in (First(3, name="mine"), model(Dense(4), First(4, name="mine"), Dense(3))):
        finding = only(check_gradients(made, x, t if isinstance(made, Sequential) else None))
        assert (finding.kind, finding.where) == ("stale-input", "mine.gradient (dW)")


def test_what_is_kept_of_a_batchs_size_is_no_error():
    class OneMask(Dropout):
        mask = None

        def forward(self, x, memo=None):
            if self.mask is None:
                self.mask = np.random.default_rng(0).random(x.shape) >= self.rate
            return x * self.mask

        def backward(self, x, y, dy, memo=None):
            return -dy * self.mask

    x, t = normal(2, (20, 4), (20, 3))
    report = check_gradients(model(Dense(4), OneMask(0.5, name="mine"), Dense(3)), x, t)
    assert (only(report).kind, only(report).where) == ("sign", "mine.backward")


def test_a_mask_shared_between_layers_is_named():
    class Shared(ReLU):
        def forward(self, x, memo=None):
            Shared.mask = x.real > 0
            return x * Shared.mask

        def backward(self, x, y, dy, memo=None):
            return dy * Shared.mask

    target = model(Dense(5), Shared(name="low"), Dense(5), Shared(name="high"), Dense(3))
    finding = only(check_gradients(target, X, Y))
    assert (finding.kind, finding.where) == ("wrong-mask", "low.backward")
    assert "that of another layer or batch" in finding.message


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        (lambda x, dy: dy > 0, "the mask is taken from dy"),
        (lambda x, dy: x < 0, "the wrong way round"),
        (lambda x, dy: x < np.inf, "the mask is missing"),
    ],
)
def test_whose_mask_it_is(mask, said):
    class Masked(ReLU):
        def backward(self, x, y, dy, memo=None):
            return dy * mask(x, dy)

    finding = only(check_gradients(Masked(), X))
    assert finding.kind == "wrong-mask"
    assert said in finding.message


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_a_mask_is_told_from_a_factor_where_all_numbers_have_one_sign(sign):
    class Flipped(LeakyReLU):
        def backward(self, x, y, dy, memo=None):
            return np.where(x > 0, 0.3 * dy, dy)

    assert only(check_gradients(Flipped(), sign * np.abs(X))).kind == "wrong-mask"


@pytest.mark.parametrize(
    ("factor", "said"),
    [
        (
            lambda x, y: x * (1 - x),
            r"dy is multiplied by x (1 − x); measured was dy/dx = y (1 − y)",
        ),
        (lambda x, y: 1.0, "dy is handed on as it is"),
    ],
)
def test_the_derivative_that_was_written_is_said(factor, said):
    class At(Sigmoid):
        def backward(self, x, y, dy, memo=None):
            return dy * factor(x, y)

    finding = only(check_gradients(At(), X))
    assert finding.kind == "wrong"
    assert said in finding.message


def test_a_gradient_without_dy_is_said_to_be():
    class Without(Sigmoid):
        def backward(self, x, y, dy, memo=None):
            return y * (1 - y)

    assert "the same for every dy" in only(check_gradients(Without(), X)).message


def test_a_penalty_inside_a_layers_gradient_is_said_to_be():
    class Decay(Dense):
        def gradient(self, x, y, dy, memo=None):
            super().gradient(x, y, dy, memo)
            self.dW += 0.25 * self.W

    finding = only(check_gradients(Decay(3), X))
    assert "0.25 times W itself" in finding.message


def test_a_derivative_missing_inside_a_layer_is_said_to_be():
    class Curved(Dense):
        def forward(self, x, memo=None):
            return np.tanh(super().forward(x, memo))

    report = check_gradients(Curved(3), X)
    assert {finding.kind for finding in report.findings} == {"wrong"}
    said = {f.where for f in report.findings if "derivative of an activation" in f.message}
    assert said == {"Curved.gradient (dW)", "Curved.backward"}


def test_a_row_alone_is_said_to_be():
    class Row(Dense):
        def gradient(self, x, y, dy, memo=None):
            self.dW[...] = np.outer(x[0], dy[0])
            self.db[...] = dy[0]

    found = {f.kind: f.message for f in check_gradients(Row(3), X).findings}
    assert "row 0 alone" in found["bias-not-summed"]
    assert "rows 1, 2, 3, 4 of the batch are left out" in found["wrong"]


def test_a_penalty_is_named_by_its_layer_and_class():
    class Half(L2):
        def gradient(self, weights):
            return self.l2 * weights

    target = model(Dense(3, kernel_regularizer=Half(0.1), name="mine"))
    finding = only(check_gradients(target, X, Y))
    assert (finding.kind, finding.where) == ("factor", "mine.W, Half.gradient")


def test_random_numbers_from_nowhere_are_named():
    class Restless(Tanh):
        draw = np.random.default_rng(0)

        def forward(self, x, memo=None):
            return np.tanh(x) * Restless.draw.random(x.shape)

    for target in (Restless(name="mine"), model(Dense(4), Restless(name="mine"), Dense(3))):
        finding = only(check_gradients(target, X, Y if isinstance(target, Sequential) else None))
        assert (finding.kind, finding.where) == ("wrong", "mine.forward")
        assert 'memo["rng"]' in finding.message


# --- what is no finding ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "slope", [lambda x: x > 0, lambda x: x >= 0, lambda x: 0.5 + 0.5 * np.sign(x)]
)
def test_a_kink_is_no_alarm(slope):
    class Kinked(ReLU):
        def backward(self, x, y, dy, memo=None):
            return dy * slope(x)

    x = X.copy()
    x[1, 2] = x[3, 0] = 0.0
    report = check_gradients(Kinked(name="mine"), x)
    assert report.ok
    assert (only(report).kind, only(report).where) == ("kink", "mine")


def test_a_wrong_gradient_on_a_kink_is_wrong_all_the_same():
    class Kinked(ReLU):
        def backward(self, x, y, dy, memo=None):
            return 2 * dy * (x > 0)

    x = X.copy()
    x[1, 2] = 0.0
    for on_it in (x, np.zeros_like(x)):
        report = check_gradients(Kinked(), on_it)
        assert not report.ok
        assert [finding.kind for finding in report.findings] == ["factor", "kink"]


def test_a_kink_in_the_loss_is_said_to_be_there():
    t = X.copy()
    t[:, 1:] += 1.0
    report = check_gradients(MeanAbsoluteError(), X, t)
    assert report.ok
    assert (only(report).kind, only(report).where) == ("kink", "MeanAbsoluteError.gradient")


def test_a_layer_that_keeps_its_last_input_is_right():
    class Keeping(Dense):
        def forward(self, x, memo=None):
            self.kept = x
            return super().forward(x, memo)

        def gradient(self, x, y, dy, memo=None):
            super().gradient(self.kept, y, dy, memo)

    assert not check_gradients(Keeping(3), X).findings
    assert not check_gradients(model(Keeping(4), Tanh(), Keeping(3)), X, Y).findings


@pytest.mark.parametrize("there", [np.float32, np.float64])
def test_rounding_in_float32_is_no_finding(there):
    class Single(Tanh):
        def forward(self, x, memo=None):
            return np.tanh(x if x.dtype.kind == "c" else x.astype(there))

        def backward(self, x, y, dy, memo=None):
            return (dy * (1 - y * y)).astype(np.float32)

    class Cast(Single):
        def forward(self, x, memo=None):
            return np.tanh(x.astype(np.float32))

    for kind in (Single, Cast):
        assert check_gradients(kind(), X).ok
        assert check_gradients(model(Dense(4), kind(), Dense(3), dtype="float32"), X, Y).ok


def test_nothing_of_the_students_is_changed():
    layer = Wrong(3, dW=2.0)
    layer.build((4,), np.random.default_rng(0))
    before = {name: array.copy() for name, array in layer.arrays().items()}
    x, y = X.copy(), Y.copy()
    x.flags.writeable = y.flags.writeable = False
    check_gradients(layer, x)
    check_gradients(stack(Wrong(dx=-1.0)), x, y)
    for name, array in layer.arrays().items():
        np.testing.assert_array_equal(array, before[name])


def test_an_unwritten_formula_says_so():
    class Half(Layer):
        def forward(self, x, memo=None):
            return x

    with pytest.raises(NotImplementedError, match="has no backward"):
        check_gradients(Half(), X)
    with pytest.raises(NotImplementedError, match="has no backward"):
        check_gradients(model(Dense(4), Half(), Dense(3)), X, Y)


def test_softmax_in_one_row_is_known_by_its_diagonal():
    class Diagonal(Softmax):
        def backward(self, x, y, dy, memo=None):
            return dy * y * (1 - y)

    finding = only(check_gradients(Diagonal(), X[:1]))
    assert finding.kind == "diagonal-jacobian"
    assert "its diagonal is right" in finding.message
    f = lambda z: float(softmax(z[None])[0, 0])  # noqa: E731
    assert not check_gradients((f, lambda z: np.zeros_like(z)), X[0]).ok


def test_1_over_n_is_told_where_the_rows_are_those_of_a_function_that_is_called():
    x, t = normal(0, (6, 3), (6,))

    def error(w):
        return x @ w - t

    def slopes(w):
        return 2 * x.T @ error(w)

    def loss(w):
        return (error(w) ** 2).mean()

    report = check_gradients((lambda w: loss(w), lambda w: slopes(w) / len(x) ** 2), np.ones(3))
    assert only(report).kind == "sum-vs-mean"
