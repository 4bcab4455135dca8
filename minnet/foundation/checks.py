"""Validation of what users pass in, and the wording of its errors.

Every message reads `<who> takes <what>. Got <what came>. <one fix>.` and every check is made
before anything is changed, so that a call that fails leaves no trace.
"""

from __future__ import annotations

import inspect
import math
import numbers
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from minnet.foundation.text_numbers import reads_as_number, to_numbers
from minnet.foundation.words import did_you_mean

Array = NDArray[Any]
"""An ndarray of any dtype; the shape stands in the docstring."""

Shape = tuple[int, ...]
"""The shape of one sample, without the axis N: `(784,)`, `(28, 28)`."""

T = TypeVar("T")

DTYPES = ("float32", "float64")

LARGEST_COUNT = 2**63
"""Nobody counts as far, and no array is as long."""


class ModelFileError(ValueError):
    """A file that is not a model, is damaged, or does not fit the model it is loaded into.

    Examples
    --------
    >>> import minnet
    >>> try:
    ...     minnet.load("no_such_file.npz")
    ... except ModelFileError as error:
    ...     print(type(error).__name__)
    ModelFileError
    """

    __module__ = "minnet"  # as it is imported and shown in tracebacks


class DivergedError(ArithmeticError):
    """A training whose loss, gradient or weights left the finite numbers.

    Attributes
    ----------
    epoch, step : int or None
        Where it happened, both counted from 0 as in `History.epoch` and in callbacks (the message
        counts from 1). `train_on_batch` knows no epoch, and its step is the number of the update.
    layer : str or None
        The first layer at fault; None where it is the loss itself.
    learning_rate : float or None
        Of the last update, the largest over all layers.
    gradient_norm : float or None
        ‖g‖ over all that is trainable; it may be infinite or NaN.

    Examples
    --------
    >>> import minnet
    >>> layer = minnet.layers.Dense(1, input_dim=1)
    >>> model = minnet.Sequential([layer], seed=0)
    >>> model.compile(minnet.optimizers.SGD(1e3), "mse")
    >>> try:
    ...     model.fit([[100.0]], [1.0], epochs=20, verbose=0)
    ... except DivergedError as error:
    ...     error.learning_rate
    1000.0
    """

    __module__ = "minnet"

    def __init__(
        self,
        message: str,
        *,
        epoch: int | None = None,
        step: int | None = None,
        layer: str | None = None,
        learning_rate: float | None = None,
        gradient_norm: float | None = None,
    ) -> None:
        super().__init__(message)
        self.epoch, self.step, self.layer = epoch, step, layer
        self.learning_rate, self.gradient_norm = learning_rate, gradient_norm


def short(value: object, limit: int = 60) -> str:
    """The value as it would be typed, cut to `limit` characters.

    >>> short("relu"), short([0.5] * 100, 20)
    ("'relu'", '[0.5, 0.5, 0.5, 0...')
    """
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}, {value.dtype}"
    try:
        text = repr(value)
    except Exception:  # an object of a user's may raise anything, and a number may be too long
        text = f"<{type(value).__name__}>"
    return text if len(text) <= limit else text[: limit - 3] + "..."


def in_full(value: Any) -> str:
    """A number with all its digits, and without a point where it is whole.

    >>> import numpy as np
    >>> in_full(2.0**40), in_full(np.float32(0.1)), in_full(1e300)
    ('1099511627776', '0.1', '1e+300')
    """
    return str(int(value)) if abs(value) < 1e16 and value == int(value) else str(value)


def number(
    value: object,
    who: str,
    *,
    minimum: float = -math.inf,
    maximum: float = math.inf,
    above: float = -math.inf,
    below: float = math.inf,
) -> float:
    """The value as a Python float, so that no float64 scalar ever meets a float32 array.

    Parameters
    ----------
    who
        The parameter's owner and name, such as `"Adam's learning_rate"`.
    minimum, maximum
        Bounds that are allowed themselves.
    above, below
        Bounds that are not.
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
        if not (isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind in "fiu"):
            raise TypeError(f"{who} takes a number. Got {short(value)}.")
        value = value.item()
    try:
        result = float(cast("float", value))
    except OverflowError:
        result = math.inf
    if not (math.isfinite(result) and minimum <= result <= maximum and above < result < below):
        wanted = _interval(minimum, maximum, above, below)
        raise ValueError(f"{who} takes a finite number{wanted}. Got {short(value)}.")
    return result + 0.0  # of −0.0 this makes 0.0


def _interval(minimum: float, maximum: float, above: float, below: float) -> str:
    bounds = []
    if minimum > -math.inf:
        bounds.append(f"{minimum:g} or more")
    if above > -math.inf:
        bounds.append(f"above {above:g}")
    if maximum < math.inf:
        bounds.append(f"{maximum:g} or less")
    if below < math.inf:
        bounds.append(f"below {below:g}")
    return " that is " + " and ".join(bounds) if bounds else ""


def integer(
    value: object, who: str, *, minimum: int | None = None, maximum: int | None = None
) -> int:
    """The value as a Python int; booleans and floats are refused."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{who} takes a whole number. Got {short(value)}.")
    result = int(value)
    if minimum is not None and result < minimum:
        raise ValueError(f"{who} takes a whole number, {minimum} or more. Got {short(value)}.")
    if maximum is not None and result > maximum:
        raise ValueError(f"{who} takes a whole number, {maximum:,} or less. Got {short(value)}.")
    if abs(result) >= LARGEST_COUNT:
        raise ValueError(f"{who} takes a whole number below 2⁶³. Got {short(value)}.")
    return result


def boolean(value: object, who: str) -> bool:
    """The value as a bool; only True and False pass, since `bool("no")` is True."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{who} takes True or False. Got {short(value)}.")
    return bool(value)


def text(value: object, who: str, *, kind: str = "text", empty: bool = True) -> str:
    """The value, a text, of the kind that a message names; empty only where that is allowed."""
    if not isinstance(value, str) or not (value or empty):
        raise TypeError(f"{who} takes {kind}. Got {short(value)}.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(
            f"{who} takes text that can be written to a file. Got {short(value)}, with half of a "
            "character in it."
        ) from None
    return value


def line(value: object, who: str, *, kind: str = "text", empty: bool = True) -> str:
    """The value, a text of one line: a name, which stands in a line of a log or of a table."""
    checked = text(value, who, kind=kind, empty=empty)
    if checked.splitlines() not in ([], [checked]) or "\0" in checked:
        raise ValueError(f"{who} takes text of one line. Got {short(value)}. Leave the end out.")
    return checked


def function(value: Any, who: str) -> Callable[..., Any]:
    """The value, something that can be called."""
    if not callable(value) or isinstance(value, type):
        raise TypeError(f"{who} takes a function. Got {short(value)}.")
    return cast("Callable[..., Any]", value)


def is_collection(value: object) -> bool:
    """Whether a value has items to go through; text has letters, and a number in an array none."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return False
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes, bytearray))


def patterns(value: Any, who: str) -> list[str]:
    """Names or patterns, one or a list of them, as a list."""
    listed = [*value] if is_collection(value) else [value]
    if not all(isinstance(one, str) for one in listed):
        raise TypeError(f'{who} takes a list of names such as ["head"]. Got {short(value)}.')
    return listed


def choice(value: object, names: Sequence[str], who: str) -> str:
    """The value, one of `names`."""
    if not isinstance(value, str):
        raise TypeError(f"{who} takes one of {', '.join(names)}. Got {short(value)}.")
    if value not in names:
        raise ValueError(
            f"{who} takes one of {', '.join(names)}. Got {value!r}.{did_you_mean(value, names)}"
        )
    return value


def instance(value: object, kind: type[T], table: Mapping[str, Callable[[], T]], who: str) -> T:
    """An object of the class `kind`: the value itself, or the one that its name stands for.

    Parameters
    ----------
    table
        Name → what to call for it, such as `{"adam": Adam}`.
    """
    if isinstance(value, kind):
        return value
    if isinstance(value, str):
        if value not in table:
            raise ValueError(
                f"{who} takes one of {', '.join(table)}, or {_a(kind)}. "
                f"Got {value!r}.{did_you_mean(value, table)}"
            )
        return table[value]()
    if isinstance(value, type) and issubclass(value, kind):
        raise TypeError(
            f"{who} takes {_a(kind)} object or its name. Got the class itself. "
            f"Call it: {value.__name__}()."
        )
    raise TypeError(f"{who} takes {_a(kind)} or its name. Got {short(value)}.")


def _a(kind: type) -> str:
    return f"{'an' if kind.__name__[0] in 'AEIOU' else 'a'} {kind.__name__}"


def generator(seed: object, who: str = "seed") -> np.random.Generator:
    """A generator from an int, a Generator (which is used itself) or None (fresh entropy).

    NumPy's global generator is never read and never written.
    """
    if isinstance(seed, np.random.Generator):
        return seed
    if seed is None:
        return np.random.default_rng()
    if isinstance(seed, (bool, np.bool_)) or not isinstance(seed, numbers.Integral):
        raise TypeError(
            f"{who} takes a whole number, a numpy.random.Generator or None. Got {short(seed)}. "
            "Use seed=0, or numpy.random.default_rng(0)."
        )
    if int(seed) < 0:
        raise ValueError(f"{who} takes a whole number, 0 or more. Got {short(seed)}.")
    return np.random.default_rng(int(seed))


def a_generator(value: object, who: str) -> np.random.Generator:
    """The value, a generator: a seed would not do."""
    if not isinstance(value, np.random.Generator):
        raise TypeError(
            f"{who} takes a numpy.random.Generator, such as numpy.random.default_rng(0). Got "
            f"{short(value)}."
        )
    return value


def shape(value: object, who: str) -> Shape:
    """The shape of one sample as a tuple of positive ints; 784 means (784,)."""
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        value = (int(value),)
    if not isinstance(value, (tuple, list)):
        raise TypeError(
            f"{who} takes a shape such as (784,), without the batch. Got {short(value)}."
        )
    if len(value) > 1 and value[0] is None:
        raise ValueError(
            f"{who} takes the shape of one sample, without the batch. Got {short(value)}. "
            f"Use {tuple(value[1:])}."
        )
    if not value:
        raise ValueError(
            f"{who} takes a shape of at least one axis. Got (). For one number use (1,)."
        )
    return tuple(integer(size, f"Each axis of {who}", minimum=1) for size in value)


def dtype(value: object, who: str, names: Sequence[str] = DTYPES) -> np.dtype[Any]:
    """One of these dtypes; float32 or float64, in which a model trains."""
    try:
        name = "" if value is None else np.dtype(cast("Any", value)).name  # None is float64
    except Exception:  # of text such as "f4,(" NumPy makes a SyntaxError
        name = ""
    if name not in names:
        raise ValueError(f"{who} takes {' or '.join(names)}. Got {short(value)}.")
    result: np.dtype[Any] = np.dtype(name)
    return result


def one_argument(function: Callable[..., Any], who: str) -> None:
    """Raise where a function cannot be called with one number, as a schedule is."""
    try:
        inspect.signature(function).bind(0)
    except TypeError:
        raise TypeError(
            f"{who} takes a number, or a function of one: the number of the update. Got "
            f"{short(function)}, which takes other arguments. Write lambda step: …"
        ) from None
    except ValueError:  # a function of C, which has no signature
        pass


def rate_or_schedule(value: Any, who: str) -> float | Callable[[int], float]:
    """A learning rate: a number as a Python float, a function of the update's number as it is."""
    if isinstance(value, type):
        raise TypeError(
            f"{who} takes a number or a schedule. Got the class {value.__name__} itself. "
            f"Call it: {value.__name__}(…)."
        )
    if callable(value):
        one_argument(value, who)
        return cast("Callable[[int], float]", value)
    try:
        return number(value, who, minimum=0.0)
    except TypeError:
        raise TypeError(
            f"{who} takes a number or a schedule. Got {short(value)}. Use 0.01."
        ) from None


def as_array(value: object, who: str) -> Array:
    """The value as a numeric ndarray, or an error that says what it was instead.

    DataFrames and lists pass; sparse matrices, generators, masked, object, text, complex and
    float16 arrays do not.
    """
    array = value if type(value) is np.ndarray else _converted(value, who)
    if array.dtype.kind not in "fiub" or array.dtype == np.float16:
        raise TypeError(f"{who} takes {_other_dtype(value, array, who)}")
    return array


def is_masked(value: object) -> bool:
    """Whether a value is a masked array, which has numbers that are not meant to count."""
    # Naming np.ma imports it, for 9 ms; where nobody else did, there is no masked array.
    return "numpy.ma" in sys.modules and isinstance(value, np.ma.MaskedArray)


def _converted(value: object, who: str) -> Array:
    """What is no plain array as one."""
    if is_masked(value):
        raise TypeError(
            f"{who} takes an array without a mask. Got a masked array. Use "
            f"{_variable(who)}.filled(0), "
            "or drop the masked rows."
        )
    if isinstance(value, np.memmap):
        return value
    if isinstance(value, np.ndarray):
        return np.asarray(value)  # a numpy.matrix multiplies in another way
    kind = type(value)
    if hasattr(kind, "toarray"):
        raise TypeError(
            f"{who} takes a dense array. Got a sparse {type(value).__name__}. "
            f"Use {_variable(who)}.toarray()."
        )
    if value is None or isinstance(value, (str, bytes, dict, set)) or callable(value):
        raise TypeError(f"{who} takes an array of numbers. Got {short(value)}.")
    if hasattr(kind, "__next__"):
        article = "an" if kind.__name__[0] in "aeiou" else "a"
        raise TypeError(
            f"{who} takes an array, not {article} {kind.__name__}. Collect it first: "
            f"numpy.array(list({_variable(who)}))."
        )
    try:
        array = np.asarray(value)
    except Exception as error:  # an object of a user's may raise anything
        if isinstance(error, (ValueError, TypeError)) and not hasattr(kind, "__array__"):
            raise ValueError(
                f"{who} takes rows of equal length. Got a {kind.__name__} whose rows differ."
            ) from None
        hint = ""
        if hasattr(kind, "detach"):  # PyTorch's
            hint = f" Use {_variable(who)}.detach().cpu().float().numpy()."
        raise TypeError(
            f"{who} takes an array of numbers. Got a {kind.__name__}, of which none can be made: "
            f"{short(error)}.{hint}"
        ) from None
    if array.ndim == 0 and array.dtype == object:  # no array at all
        raise TypeError(f"{who} takes an array of numbers. Got {short(value)}.")
    return array


def _other_dtype(value: object, array: Array, who: str) -> str:
    if array.dtype.kind == "c":
        return f"real numbers. Got {array.dtype}. Use {_variable(who)}.real."
    if array.dtype == np.float16:
        return f'float32 or float64. Got float16. Use {_variable(who)}.astype("float32").'
    return f"numbers. Got {_not_a_number(value, array, _variable(who))}"


def _variable(who: str) -> str:
    """The name as it is written in code: x for "Normalization.adapt's x"."""
    return who.rpartition("'s ")[2]


def _not_a_number(value: object, array: Array, who: str) -> str:
    """Where the first entry stands that cannot be made a number, and what to do about it."""
    columns = value.columns if hasattr(type(value), "columns") else None  # type: ignore[attr-defined]
    only_text = ""
    if array.ndim == 2:
        for j in range(array.shape[1]):
            bad = [v for v in array[:, j] if not isinstance(v, numbers.Real)]
            if bad:
                name = f"column {j}" if columns is None else f"column {j} ({columns[j]!r})"
                entry, fix = to_numbers(bad, who)
                told = f"dtype {array.dtype} with {_plain(entry)} in {name}. "
                if not all(map(reads_as_number, bad)):
                    return told + (fix or "Encode it as numbers, or leave it out.")
                only_text = only_text or told + fix
    if only_text:
        return only_text
    bad = [v for v in array.flat if not isinstance(v, numbers.Real)]
    if not bad:
        return f'dtype {array.dtype}. Use {who}.astype("float32").'
    entry, fix = to_numbers(bad, who)
    if not fix and array.ndim == 1 and isinstance(entry, str):
        fix = f"For names of classes: names, {who} = np.unique({who}, return_inverse=True)."
    fix = fix or "Encode it as numbers, or leave it out."
    return f"dtype {array.dtype} with {_plain(entry)} in it. {fix}"


def _plain(entry: Any) -> str:
    """An entry of an array as it would be typed, without NumPy's name for its type."""
    return short(entry.item() if isinstance(entry, np.generic) else entry)


def finite(array: Array, who: str, dtype: Any = None) -> None:
    """Raise where an array has a NaN or an infinity, naming the first one's place.

    Parameters
    ----------
    dtype
        What the numbers will be cast to: those too large for it are refused as well.
    """
    if array.dtype.kind != "f" or array.size == 0:
        return
    narrows = dtype is not None and array.dtype.itemsize > np.dtype(dtype).itemsize
    if array.size <= 2**16 and not narrows and np.isfinite(array).all():
        return
    _check_pieces(array, who, dtype)


def _check_pieces(array: Array, who: str, dtype: Any) -> None:
    """Raise where some of many numbers is not finite, or not in a narrower dtype."""
    rows = max(1, 2**22 // max(1, array[0].size)) if array.ndim else 1
    pieces = (
        [array] if array.ndim == 0 else [array[i : i + rows] for i in range(0, len(array), rows)]
    )
    first, count, in_rows = "", 0, 0
    for start, piece in enumerate(pieces):
        with np.errstate(over="ignore", invalid="ignore"):
            cast_to = piece if dtype is None else piece.astype(dtype, copy=False)
            total = cast_to.sum()  # finite unless something in it is not, or the sum overflows
        if np.isfinite(total):
            continue
        bad = ~np.isfinite(cast_to)
        if not bad.any():
            continue
        count += int(bad.sum())
        in_rows += int(bad.reshape(len(bad), -1).any(axis=1).sum()) if bad.ndim else 1
        if first:
            continue
        index = tuple(int(i) for i in np.unravel_index(bad.argmax(), bad.shape))
        value = piece[index]
        if array.ndim:
            index = (index[0] + start * rows, *index[1:])
        wanted = "finite numbers" if not np.isfinite(value) else f"numbers that {dtype} can hold"
        first = f"{who} takes {wanted}. Got {value} in {_where(index)}"
    if first:
        raise ValueError(f"{first}{_one_of(count, in_rows)}. Drop or fill such rows first.")


def _where(index: Shape) -> str:
    """An entry of an array, in words."""
    if len(index) == 0:
        return "it"
    if len(index) == 1:
        return f"row {index[0]}"
    if len(index) == 2:
        return f"row {index[0]}, column {index[1]}"
    return f"row {index[0]}, at {index[1:]}"


def _one_of(count: int, rows: int) -> str:
    """How many such numbers there are, if there are several, and in how many rows."""
    if count == 1:
        return ""
    return f" (one of {count:,}, in {rows:,} row{'s' if rows > 1 else ''})"


def samples(value: object, sample_shape: Shape, who: str) -> Array:
    """x with one sample a row, as `shaped` wants it; NaN and infinity are refused."""
    x = shaped(as_array(value, who), sample_shape, who)
    finite(x, who)
    return x


def shaped(
    x: Array,
    sample_shape: Shape,
    who: str,
    *,
    empty: bool = False,
    drawn: Callable[[Array], str] | None = None,
) -> Array:
    """x with one sample a row, of the shape that the model takes.

    Parameters
    ----------
    sample_shape
        The shape of one sample.
    empty
        Whether no rows at all are fine.
    drawn
        What draws x meeting the network, for the error where its shape does not fit.
    """
    if x.ndim and sample_shape and x.shape[1:] == sample_shape and (len(x) or empty):
        return x
    raise ValueError(f"{who} takes {_misshaped(x, sample_shape, who, drawn)}")


def _misshaped(
    x: Array, sample_shape: Shape, who: str, drawn: Callable[[Array], str] | None
) -> str:
    if sample_shape == ():
        return (
            f"one row for each sample, shape (N, D). Got {x.shape}. For one feature "
            f"use {who}.reshape(-1, 1), for one sample {who}.reshape(1, -1)."
        )
    if x.shape[1:] != sample_shape or x.ndim == 0:
        picture = "" if drawn is None else f" {drawn(x)}"
        fix = _shape_fix(x, sample_shape, who)
        return f"shape {batch_shape(sample_shape)}. Got {x.shape}.{fix}{picture}"
    wanted = f"shape {batch_shape(sample_shape)} with at least one row"
    return f"{wanted}. Got {x.shape}, no rows at all."


def _shape_fix(x: Array, sample_shape: Shape, who: str) -> str:
    size = math.prod(sample_shape)
    if x.shape == sample_shape:
        return f" For one sample use {who}.reshape({', '.join(map(str, (1, *sample_shape)))})."
    if x.ndim == 1 and sample_shape == (1,):
        return f" For a column use {who}.reshape(-1, 1)."
    if x.ndim > 2 and len(sample_shape) == 1 and math.prod(x.shape[1:]) == size:
        return f" Put a Flatten() first, or use {who}.reshape(len({who}), -1)."
    if x.ndim == 2 and len(sample_shape) == 1 and x.shape[0] == sample_shape[0]:
        return f" Rows are samples: use {who}.T."
    return _image_fix(x, sample_shape, who) if len(sample_shape) == 3 else ""


def _image_fix(x: Array, sample_shape: Shape, who: str) -> str:
    """What to do where images (H, W, C) are wanted; the whole shape, or nothing, decides."""
    H, W, C = sample_shape
    shape = ", ".join(map(str, sample_shape))
    if C == 1 and x.shape[1:] == (H, W):
        return f" One channel wants an axis of its own: use {who}[..., None]."
    if x.shape[1:] == (C, H, W):
        return f" The channels come last: use np.moveaxis({who}, 1, -1)."
    if x.shape == (C, H, W):
        return f" The channels come last: for one image use np.moveaxis({who}, 0, -1)[None]."
    if C == 1 and x.shape == (H, W):
        return f" For one image use {who}.reshape(1, {shape})."
    if x.ndim == 2 and x.shape[1] == H * W * C:
        return f" For rows of {H * W * C} numbers use {who}.reshape(-1, {shape})."
    turned = H != W and x.shape[1:3] == (W, H)  # whether they lie on their side, nobody knows
    if x.ndim == 4 and x.shape[3] in (1, 3, 4) and C in (1, 3, 4) and not turned:
        kinds = {1: "grayscale", 3: "rgb", 4: "rgba"}
        size = "" if x.shape[1:3] == (H, W) else f"image_size=({H}, {W})"
        mode = "" if x.shape[3] == C else f'color_mode="{kinds[C]}"'
        return f" Read the pictures with {' and '.join(filter(None, (size, mode)))}."
    return ""


def batch_shape(sample_shape: Shape, batch: int | None = None) -> str:
    """`(N, 784)` for (784,), or `(32, 784)` with a batch of 32."""
    first = "N" if batch is None else str(batch)
    return f"({', '.join([first, *map(str, sample_shape)])}{',' if not sample_shape else ''})"


def same_length(first: Array, second: Array, names: tuple[str, str]) -> None:
    """Raise where two arrays do not have one entry for each sample."""
    if len(first) != len(second):
        raise ValueError(
            f"{names[0]} and {names[1]} take one row for each sample. "
            f"Got {len(first)} rows in {names[0]} and {len(second)} in {names[1]}."
        )


def warn(message: str) -> None:
    """Warn the user, pointing at the first line outside minnet."""
    import traceback

    calls = traceback.StackSummary.extract(traceback.walk_stack(None), lookup_lines=False)
    level = 1
    while level < len(calls) and calls[level - 1].filename.startswith(_PACKAGE):
        level += 1
    warnings.warn(message, UserWarning, stacklevel=level)


_PACKAGE = __file__.rpartition("foundation")[0]
