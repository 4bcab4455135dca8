"""Functions of arrays by Keras' names."""

import numpy as np
import pytest

from minnet import keras
from minnet.keras import backend, ops

A = np.array([[1.0, -2.0], [3.0, 4.0]], dtype="float32")


@pytest.mark.parametrize("name", sorted(set(ops._SAME_NAME.split()) | set(ops._OTHER_NAME)))
def test_every_function_is_numpys(name):
    function = getattr(ops, name)
    assert function.__name__ == name
    assert function.__doc__.startswith("NumPy's `")


def test_they_give_what_numpy_gives_with_keras_words():
    assert ops.mean(ops.abs(A), axis=-1, keepdims=True).numpy().tolist() == [[1.5], [3.5]]
    assert ops.where(ops.less(A, 0), 0.0, A).numpy().tolist() == [[1, 0], [3, 4]]
    assert ops.cast(A, "int32").dtype == "int32"
    assert ops.cast(ops.greater(A, 0), "float32").numpy().tolist() == [[1, 0], [1, 1]]
    assert ops.shape(A) == backend.int_shape(A) == (2, 2)
    assert type(ops.convert_to_numpy(ops.convert_to_tensor(A))) is np.ndarray
    assert ops.relu(A).numpy().tolist() == [[1, 0], [3, 4]]
    assert backend.cast_to_floatx([1]).dtype == "float32"
    assert type(backend.eval(ops.sum(A))) is np.float32


def test_a_metric_written_with_them_is_the_one_with_numpy():
    def by_hand(y_true, y_pred):
        return np.mean((y_true - y_pred) ** 2, axis=-1) ** 0.5

    def by_keras(y_true, y_pred):
        return backend.sqrt(ops.mean(ops.square(y_true - y_pred), axis=-1))

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse", metrics=[by_hand, by_keras])
    one, other = model.evaluate(A, A)[1:]
    assert one == pytest.approx(other, rel=1e-6)


def test_what_is_not_there_says_so():
    with pytest.raises(NotImplementedError, match=r"no ops\.scan\. .*write np\. for it"):
        ops.scan(1)
    with pytest.raises(AttributeError, match="_nothing"):
        ops._nothing  # noqa: B018
