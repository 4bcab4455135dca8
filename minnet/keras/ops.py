"""Keras' functions of arrays, which are NumPy's under other names: for metrics and callbacks.

A metric of one's own is a function of (y_true, y_pred), and gets arrays. Nothing here is
differentiated: a loss of one's own is a `Loss` with its two formulas.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minnet.keras import activations, words
from minnet.keras.variables import Known, Symbolic, tensor

_SAME_NAME = """
    abs absolute add all amax amin any arange arccos arcsin arctan arctan2 argmax argmin argsort
    array_split average bincount broadcast_to ceil clip concatenate copy cos cosh count_nonzero
    cumprod cumsum diag diff digitize divide dot einsum equal exp expand_dims expm1 eye flip floor
    floor_divide full full_like greater greater_equal hstack identity isfinite isinf isnan less
    less_equal linspace log log10 log1p log2 logical_and logical_not logical_or matmul max maximum
    mean median meshgrid min minimum mod moveaxis multiply ndim negative not_equal ones ones_like
    outer pad power prod quantile ravel reciprocal repeat reshape roll round sign sin sinh size sort
    split sqrt square squeeze stack std subtract sum swapaxes take tan tile trace transpose
    tril triu true_divide var vstack where zeros zeros_like
    """
"""What Keras and NumPy call by one name, with the same first arguments."""

_OTHER_NAME = {
    "convert_to_tensor": "asarray",
    "flatten": "ravel",
    "pow": "power",
    "switch": "where",
    "constant": "asarray",
    "permute_dimensions": "transpose",
    "repeat_elements": "repeat",
}
"""What Keras calls otherwise → NumPy's name."""

_ACTIVATIONS = (
    "elu gelu hard_sigmoid hard_silu hard_swish leaky_relu relu selu sigmoid silu softmax softplus "
    "softsign tanh"
)

_MISSING = """
    adaptive_average_pool adaptive_max_pool allclose angle append arccosh arcsinh arctanh
    argpartition array associative_scan average_pool bartlett batch_normalization
    binary_crossentropy bitwise_and bitwise_invert bitwise_left_shift bitwise_not bitwise_or
    bitwise_right_shift bitwise_xor blackman categorical_crossentropy cbrt cdist celu cholesky
    cholesky_inverse cond conj conjugate conv conv_transpose corrcoef correlate cross ctc_decode
    ctc_loss custom_gradient deg2rad depth_to_space depthwise_conv det diagflat diagonal
    divide_no_nan dot_product_attention dsplit dstack dtype eig eigh empty empty_like erf erfc
    erfinv exp2 extract_sequences fabs fft fft2 fliplr flipud fmax fmin fmod fold fori_loop gcd
    geomspace get_item glu hamming hanning hard_shrink hard_tanh heaviside
    histogram hsplit hypot i0 ifft2 imag in_top_k inner inv irfft is_tensor isclose isin
    isneginf isposinf isreal istft jvp kaiser kron layer_normalization lcm ldexp left_shift
    log_sigmoid log_softmax logaddexp logaddexp2 logdet logical_xor logspace logsumexp lstsq
    lu_factor map matrix_rank max_pool moments multi_hot nan_to_num nanargmax nanargmin
    nancumprod nancumsum nanmax nanmean nanmedian nanmin nanpercentile nanprod nanquantile
    nanstd nansum nanvar nextafter nonzero norm normalize one_hot percentile pinv polar psnr ptp
    qr rad2deg real rearrange relu6 rfft right_shift rms_normalization rot90 rsqrt saturate_cast
    scan scatter scatter_update searchsorted segment_max segment_min segment_prod segment_sum
    select separable_conv signbit sinc slice slice_update slogdet soft_shrink solve
    solve_triangular space_to_depth sparse_categorical_crossentropy sparse_plus sparse_sigmoid
    sparsemax squareplus stft stop_gradient svd swish take_along_axis tanh_shrink tensordot
    threshold top_k trapezoid tri trunc unfold unique unravel_index unstack vander vdot
    vectorize vectorized_map view view_as_complex view_as_real vsplit while_loop
    """
"""What Keras has besides, in its functions of tensors."""


def _of_numpy(name: str) -> Callable[..., Any]:
    """Return a function of NumPy that gives arrays with Keras' words."""
    function = getattr(np, _OTHER_NAME.get(name, name))

    def op(*args: Any, **named: Any) -> Any:
        if name == "mean" and args and isinstance(args[0], Known):
            return args[0]  # a loss is a mean over the samples anyway
        _refuse_layers(name, args)
        return tensor(function(*args, **named))

    op.__name__ = op.__qualname__ = name
    op.__doc__ = f"NumPy's `{function.__name__}`."
    return op


def _refuse_layers(name: str, args: Any) -> None:
    for one in args:
        if isinstance(one, Symbolic):
            words.Missing(f"{name} of a layer's output", words.CALL)()


def cast(x: Any, dtype: Any) -> Any:
    """Return x in another dtype; "bool" is whether it is not 0."""
    _refuse_layers("cast", (x,))
    return tensor(np.asarray(x).astype(str(np.dtype(dtype))))


def shape(x: Any) -> tuple[int, ...]:
    """Return the shape."""
    return tuple(np.asarray(x).shape)


int_shape = shape


def convert_to_numpy(x: Any) -> Any:
    """Return x as a plain array."""
    return np.array(x, subok=False)


globals().update({name: _of_numpy(name) for name in (*_SAME_NAME.split(), *_OTHER_NAME)})
globals().update({name: getattr(activations, name) for name in _ACTIVATIONS.split()})


def __getattr__(name: str) -> Any:
    """Answer for what Keras computes with and is not here."""
    if name in _MISSING.split():
        return words.Missing(f"ops.{name}", words.TENSORS)
    raise AttributeError(f"minnet.keras.ops has no {name!r}.")
