"""To PyTorch and back: `nn.Sequential` of modules that minnet has a layer for.

PyTorch's `Linear` keeps its weight as (out, in), the transpose of minnet's W (in, out), so every
weight of a Linear is transposed, the square ones too.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from minnet.exchange import torch_modules
from minnet.exchange.record import (
    REPEATED,
    Carried,
    Given,
    Record,
    a_model,
    first_width,
    imported,
    kind_of,
    model_of,
    numbers,
    refuse,
    with_activations,
)
from minnet.exchange.state_dict import fill
from minnet.files.foreign import of_torch
from minnet.foundation import checks
from minnet.foundation.checks import Array, Shape
from minnet.foundation.strict import named
from minnet.foundation.tables import Table
from minnet.layers import (
    ELU,
    GELU,
    SELU,
    AlphaDropout,
    BatchNormalization,
    Dense,
    Dropout,
    Exponential,
    Flatten,
    HardSigmoid,
    Layer,
    LeakyReLU,
    Linear,
    Mish,
    Normalization,
    PReLU,
    ReLU,
    ReLU6,
    Rescaling,
    Reshape,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Softsign,
    Tanh,
)
from minnet.models import Sequential

ORIGIN = "PyTorch"

# --- in -------------------------------------------------------------------------------------------


@named
def from_torch(
    module: Any, *, into: Sequential | None = None, input_shape: Shape | int | None = None
) -> Sequential | Table:
    """Return the network of a PyTorch module as a minnet model, with its weights.

    It takes `nn.Sequential`, also inside of one another, of `Linear`, `BatchNorm1d`, the
    activations that minnet has, `Dropout`, `AlphaDropout`, `Flatten` and `Unflatten`. Slopes, ε,
    momentum, what is frozen and float64 come along. `report(model)` is the table of what was done.

    PyTorch's networks for classes often end in logits, without a softmax. Then compile with a loss
    `from_logits=True`, or add `Activation("softmax")`.

    Parameters
    ----------
    module
        A module, or a `state_dict()` with `into`: a state dict has weights, and no activations.
    into
        A built minnet model of the same architecture, which gets the weights of the state dict
        (or of the module, whatever its forward does): all of them or none.
    input_shape
        The shape of one sample, for a network that begins with a `Flatten` or has no weights; else
        its first weights tell it.

    Returns
    -------
    Sequential, or Table
        The model; with `into`, the table of what was done.

    Raises
    ------
    TypeError
        A module that minnet has no layer for, by its name.
    ValueError
        Settings that minnet's layer does not have, shapes that do not fit, NaN or infinity.

    Examples
    --------
    >>> from torch import nn  # doctest: +SKIP
    >>> module = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))  # doctest: +SKIP
    >>> from_torch(module).count_params()  # doctest: +SKIP
    23
    """
    if isinstance(module, (str, os.PathLike)):
        raise TypeError(
            f"from_torch takes a module, and no file. Got {checks.short(module)}: "
            f"{of_torch(os.fspath(module))}"
        )
    if into is not None:
        return fill(a_model(into, "from_torch's into"), _state_of(module), "from_torch", ORIGIN)
    if isinstance(module, Mapping):
        raise TypeError(
            "from_torch takes a module. Got a state dict, which has weights and no activations, so "
            "nobody can tell which network it is. Make a minnet model of the same layers: "
            "from_torch(state_dict, into=model)."
        )
    torch = imported("torch", "from_torch")
    if not isinstance(module, torch.nn.Module):
        raise TypeError(
            f"from_torch takes a PyTorch module. Got {checks.short(module)}. A file of weights is "
            "read with load_safetensors(path, into=model)."
        )
    record = Record("from_torch", "PyTorch", "minnet")
    seen: dict[int, str] = {}
    carried = []
    for path, one in _flat(torch.nn, module, ""):
        for parameter in one.parameters():
            if id(parameter) in seen:
                raise ValueError(
                    f"from_torch takes modules with weights of their own. Got {path}, which shares "
                    f"them with {seen[id(parameter)]}. Copy one: copy.deepcopy(module)."
                )
        seen |= {id(parameter): path for parameter in one.parameters()}
        carried.append(_carried(torch, one, path, record))
    carried = with_activations(carried)
    if input_shape is not None:
        shape: Shape | None = checks.shape(input_shape, "from_torch's input_shape")
    else:
        shape = first_width(carried)
        if shape is not None and carried and isinstance(carried[0].layer, Flatten):
            record.notes.append(
                f"Samples are taken to be flat, {shape}. For others give input_shape=(…)."
            )
    model = model_of(carried, record, input_shape=shape, origin=ORIGIN)
    record.done(model)
    return model


def _state_of(module: Any) -> Mapping[str, Any]:
    """The state dict of what was given with `into`."""
    if isinstance(module, Mapping):
        return module
    state_dict = getattr(module, "state_dict", None)
    if not callable(state_dict):
        raise TypeError(f"from_torch takes a module or its state dict. Got {checks.short(module)}.")
    state: Mapping[str, Any] = state_dict()
    return state


def _flat(nn: Any, module: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The modules of a Sequential and of those in it, in order, with their paths."""
    if _is_a(module, nn.Sequential):
        _check_hooks(module, path)
        # named_children would leave out a module that is there twice
        for name, child in module.named_modules(remove_duplicate=False):
            if name and "." not in name:
                yield from _flat(nn, child, f"{path}.{name}" if path else name)
    else:
        yield path, module


def _is_a(module: Any, kind: Any) -> bool:
    """Whether a module is of a class, or of one below it that computes the same."""
    return isinstance(module, kind) and type(module).forward is kind.forward


def _check_hooks(module: Any, path: str) -> None:
    """Refuse a module whose hooks may change what it computes."""
    if any(getattr(module, name, None) for name in ("_forward_hooks", "_forward_pre_hooks")):
        raise ValueError(
            f"from_torch takes modules without hooks. Got {path or 'a module'}, a "
            f"{type(module).__name__} with one, which may change what it computes (weight_norm "
            "does). Remove it first."
        )


def _carried(torch: Any, module: Any, path: str, record: Record) -> Carried:
    """One module as a layer on its way in."""
    nn = torch.nn
    own = torch_modules.modules()
    kinds = [
        name
        for name in READERS
        if _is_a(module, own.get(name) or getattr(nn, name, None) or nn.Identity)
    ]
    kind = type(module).__name__
    read = READERS[kind] if kind in kinds else READERS[kinds[-1]] if kinds else None
    where = f"{path} ({kind})" if path else kind
    if read is None or kind in _REFUSED:
        reason = _REFUSED.get(kind) or (
            "minnet has none that computes this."
            if type(module).__module__.startswith("torch.nn.")
            else "Its forward is code, which no exchange can read. Make a minnet model of the same "
            "layers, and hand over the weights: from_torch(module, into=model)."
        )
        raise TypeError(
            f"from_torch takes modules that minnet has a layer for. Got {where}. {reason}"
        )
    names = dict(module.named_parameters(recurse=False))
    tensors = {**names, **dict(module.named_buffers(recurse=False))}
    arrays = {n: _array(torch, t, f"{path}.{n}" if path else n) for n, t in tensors.items()}
    if any(True for _ in module.children()):
        raise ValueError(
            f"from_torch takes modules with plain weights. Got {where}, whose weights are computed "
            "from others. Make them plain: "
            'torch.nn.utils.parametrize.remove_parametrizations(module, "weight").'
        )
    _check_hooks(module, path)
    flags = {parameter.requires_grad for parameter in names.values()}
    carried = read(_Source(module, path, where, arrays, record))
    if len(flags) > 1 and not isinstance(carried.layer, BatchNormalization):
        record.leave(f"that only a part of {path} is frozen")
    return carried._replace(source=where, trainable=flags != {False})


def _array(torch: Any, tensor: Any, who: str) -> Array:
    """A tensor as an array, of float32 where it is narrower."""
    if tensor.is_floating_point() and not tensor.is_meta and tensor.layout == torch.strided:
        if isinstance(tensor, torch.nn.parameter.UninitializedTensorMixin):
            raise ValueError(
                f"from_torch takes modules with weights. Got {who} of a lazy module that never "
                "ran. Call the module once."
            )
        narrow = tensor.dtype not in (torch.float32, torch.float64)
        tensor = tensor.detach().cpu()
        return numbers((tensor.float() if narrow else tensor).numpy(), "from_torch", who)
    if tensor.is_meta or tensor.is_complex() or tensor.layout != torch.strided:
        raise TypeError(f"from_torch takes dense real weights. Got {who}, {tensor.dtype}.")
    return np.asarray(tensor.detach().cpu().numpy())


class _Source:
    """A module that is read: its settings, and its arrays by its own names."""

    def __init__(
        self, module: Any, path: str, where: str, arrays: Mapping[str, Array], record: Record
    ) -> None:
        self.module, self.path, self.where, self.arrays = module, path, where, arrays
        self.record = record

    def given(self, name: str, *, transpose: bool = False) -> Given:
        """An array of the module."""
        value, source = self.arrays[name], f"{self.path}.{name}" if self.path else name
        if transpose:
            return Given(np.ascontiguousarray(value.T), source, value.shape, "TRANSPOSED")
        return Given(value, source, value.shape)

    def need(self, name: str, *values: Any, fix: str = "") -> None:
        """Refuse a setting that has none of these values."""
        value = getattr(self.module, name)
        if value not in values:
            wanted = " or ".join(map(repr, values))
            raise ValueError(
                f"from_torch takes {type(self.module).__name__} with {name}={wanted}, as minnet's "
                f"layer computes it. Got {self.where} with {name}={value!r}.{fix}"
            )


def _linear(source: _Source) -> Carried:
    arrays = {"W": source.given("weight", transpose=True)}
    if source.module.bias is not None:
        arrays["b"] = source.given("bias")
    units = source.module.out_features
    return Carried(Dense(units, use_bias=source.module.bias is not None), arrays)


def _batch_norm(source: _Source) -> Carried:
    module = source.module
    source.need("track_running_stats", True, fix=" It has no statistics to predict with.")
    if module.momentum is None:
        raise ValueError(
            f"from_torch takes BatchNorm1d with a number as momentum. Got {source.where} with "
            "None, an average over all batches, which minnet has not. Set module.momentum = 0.1."
        )
    arrays = {}
    flags = {n: p.requires_grad for n, p in module.named_parameters(recurse=False)}
    for ours, name, neutral in (("gamma", "weight", 1.0), ("beta", "bias", 0.0)):
        fixed = not flags.get(name, True) and any(flags.values())
        if name in source.arrays and not (fixed and (source.arrays[name] == neutral).all()):
            arrays[ours] = source.given(name)
    layer = BatchNormalization(
        momentum=1 - module.momentum,
        epsilon=module.eps,
        scale="gamma" in arrays,
        center="beta" in arrays,
    )
    arrays["moving_mean"] = source.given("running_mean")
    arrays["moving_variance"] = source.given("running_var")
    remark = f"momentum={layer.momentum:g}, epsilon={layer.epsilon:g}"
    return Carried(layer, arrays, remark=remark)


def _prelu(source: _Source) -> Carried:
    given = source.given("weight")
    if given.value.size == 1:
        source.record.leave(f"that all units of {source.path} share one slope")
        given = given._replace(verdict=REPEATED)
    return Carried(PReLU(), {"alpha": given})


def _normalization(source: _Source) -> Carried:
    arrays = {name: source.given(name) for name in ("mean", "variance")}
    return Carried(Normalization(axis=None if arrays["mean"].value.size == 1 else -1), arrays)


def _needing(make: Callable[[Any], Layer], **needed: Any) -> Callable[[_Source], Carried]:
    """A reader of a module without weights, some of whose settings have to be these."""

    def read(source: _Source) -> Carried:
        for name, values in needed.items():
            source.need(name, *values)
        return Carried(make(source.module))

    return read


def _gelu(source: _Source) -> Carried:
    source.need(
        "approximate",
        "tanh",
        fix=" The two differ by 0.0005 at most; where that is little enough, set "
        'module.approximate = "tanh" first.',
    )
    return Carried(GELU())


def _unflatten(source: _Source) -> Carried:
    source.need("dim", 1)
    return Carried(Reshape(tuple(int(n) for n in source.module.unflattened_size)))


READERS: dict[str, Callable[[_Source], Carried]] = {
    "Linear": _linear,
    "BatchNorm1d": _batch_norm,
    "PReLU": _prelu,
    "ReLU": _needing(lambda m: ReLU()),
    "ReLU6": _needing(lambda m: ReLU6()),
    "LeakyReLU": _needing(lambda m: LeakyReLU(m.negative_slope)),
    "ELU": _needing(lambda m: ELU(m.alpha)),
    "CELU": _needing(lambda m: ELU(), alpha=(1.0,)),
    "SELU": _needing(lambda m: SELU()),
    "GELU": _gelu,
    "Sigmoid": _needing(lambda m: Sigmoid()),
    "Hardsigmoid": _needing(lambda m: HardSigmoid()),
    "Tanh": _needing(lambda m: Tanh()),
    "Softmax": _needing(lambda m: Softmax(), dim=(-1, 1)),
    "Softplus": _needing(lambda m: Softplus(), beta=(1.0,)),
    "Softsign": _needing(lambda m: Softsign()),
    "SiLU": _needing(lambda m: SiLU()),
    "Mish": _needing(lambda m: Mish()),
    "Identity": _needing(lambda m: Linear()),
    "Dropout": _needing(lambda m: Dropout(m.p)),
    "AlphaDropout": _needing(lambda m: AlphaDropout(m.p)),
    "Flatten": _needing(lambda m: Flatten(), start_dim=(1,), end_dim=(-1,)),
    "Unflatten": _unflatten,
    "Rescaling": _needing(lambda m: Rescaling(m.scale, m.offset)),
    "Exponential": _needing(lambda m: Exponential()),
    "Normalization": _normalization,
}
"""PyTorch's module, or minnet's own, → the layer that computes the same."""

_CHANNELS = (
    "PyTorch's images have the channels first, (N, C, H, W), and minnet's last, (N, H, W, C), so "
    "images, kernels and what follows a Flatten are in another order."
)

IMAGES = {
    "Conv2D": ("Conv2d",),
    "MaxPooling2D": ("MaxPool2d",),
    "AveragePooling2D": ("AvgPool2d",),
    "GlobalAveragePooling2D": ("AdaptiveAvgPool2d",),
}
"""minnet's layers that take images → PyTorch's, between which nothing is carried."""

_REFUSED = {
    **{kind: _CHANNELS for kinds in IMAGES.values() for kind in kinds},
    "LogSoftmax": "minnet's losses take probabilities or logits: leave it off, module[:-1], and "
    'add Activation("softmax").',
    "DataParallel": "Give what is inside: module.module.",
    "OptimizedModule": "Give the module that was compiled.",
}
"""Modules that minnet has no layer for → what to do."""

# --- out ------------------------------------------------------------------------------------------


@named
def to_torch(model: Sequential, *, logits: bool = False) -> Any:
    """Return a `torch.nn.Sequential` that predicts what the model predicts.

    It is in `eval()` mode, as minnet predicts; call `train()` to train it on. What is frozen has
    `requires_grad=False`. `report(module)` is the table of what was done.

    Parameters
    ----------
    logits
        Leave out the softmax or the sigmoid at the end, for PyTorch's `CrossEntropyLoss` and
        `BCEWithLogitsLoss`, which compute it themselves.
    model
        A built model of minnet's own layers.

    Raises
    ------
    TypeError
        A layer with a formula of its own.
    ValueError
        `logits=True` for a model that ends in neither.

    Examples
    --------
    >>> import minnet  # doctest: +SKIP
    >>> model = minnet.Sequential([minnet.layers.Dense(2, input_dim=4)], seed=0)  # doctest: +SKIP
    >>> to_torch(model)  # doctest: +SKIP
    Sequential(
      (0): Linear(in_features=4, out_features=2, bias=True)
    )
    """
    model = a_model(model, "to_torch")
    torch = imported("torch", "to_torch")
    logits = checks.boolean(logits, "to_torch's logits")
    record = Record("to_torch", "minnet", "PyTorch")
    steps = [(layer, step) for layer in model.layers for step in layer.steps()]
    if logits:
        last = steps[-1][1]
        if kind_of(last, "to_torch") not in ("Softmax", "Sigmoid"):
            raise ValueError(
                "to_torch's logits=True takes a model that ends in a softmax or a sigmoid. Got "
                f"{last.label}, a {type(last).__name__}. Leave it out."
            )
        steps.pop()
    made: list[Any] = []
    shapes = _shapes(model)
    for layer, step in steps:
        kind = kind_of(step, "to_torch")
        if kind not in WRITERS:
            raise refuse(kind, step, "to_torch", _CHANNELS)
        module = WRITERS[kind](_Target(torch, step, len(made), shapes[step.label], record))
        if module is None:
            record.row(step.label, "", "LEFT OUT")
            record.leave(f"{step.label}, a {kind}")
            continue
        if not layer.trainable:
            module.requires_grad_(False)
        if not step.arrays():
            record.row(step.label, f"{len(made)} ({type(module).__name__})", repr(module))
        made.append(module)
    if logits:
        record.row(last.label, "", "LEFT OUT: logits=True")
    whole = torch.nn.Sequential(*made).eval()
    record.done(whole)
    return whole


def _shapes(model: Sequential) -> dict[str, Shape]:
    """The shape of one sample that each step gets, by its label."""
    shapes, shape = {}, model.input_shape
    for step in model.steps:
        shapes[step.label] = shape
        shape = step.compute_output_shape(shape)
    return shapes


class _Target:
    """A step that becomes a module."""

    def __init__(self, torch: Any, step: Any, index: int, shape: Shape, record: Record) -> None:
        self.torch, self.nn, self.step, self.index = torch, torch.nn, step, index
        self.shape, self.record = shape, record

    def tensor(self, name: str) -> Any:
        """A copy of one of the step's arrays."""
        return self.torch.from_numpy(np.array(self.step.arrays()[name]))

    def fill(self, module: Any, names: Mapping[str, str], transposed: str = "") -> Any:
        """Copy the step's arrays into a module, and return it."""
        module = module.to(self.torch.from_numpy(self.step.arrays()[next(iter(names))][:0]).dtype)
        with self.torch.no_grad():
            for ours, name in names.items():
                value = self.tensor(ours)
                target = getattr(module, name)
                verdict = "COPIED"
                if ours == transposed:
                    value, verdict = value.T, "TRANSPOSED"
                target.copy_(value)
                self.record.array(
                    f"{self.step.label}.{ours}",
                    self.step.arrays()[ours].shape,
                    f"{self.index}.{name}",
                    tuple(target.shape),
                    verdict,
                )
        return module


def _to_linear(target: _Target) -> Any:
    D, M = target.step.W.shape
    module = target.nn.utils.skip_init(target.nn.Linear, D, M, bias=target.step.use_bias)
    names = {"W": "weight", "b": "bias"} if target.step.use_bias else {"W": "weight"}
    step = target.step
    if step.regularizers or step.constraints:
        target.record.leave(f"the penalties and bounds of {step.label}")
    return target.fill(module, names, transposed="W")


def _to_batch_norm(target: _Target) -> Any:
    step = target.step
    affine = step.scale or step.center
    momentum = round(1 - step.momentum, 12)  # 0.01 of 0.99, where that comes back as 0.99
    if 1 - momentum != step.momentum:
        momentum = 1 - step.momentum
    module = target.nn.BatchNorm1d(
        target.shape[0], eps=step.epsilon, momentum=momentum, affine=affine
    )
    if affine:
        module.weight.requires_grad_(step.scale)
        module.bias.requires_grad_(step.center)
    names = {"moving_mean": "running_mean", "moving_variance": "running_var"}
    ours = {"gamma": "weight"} if step.scale else {}
    ours |= {"beta": "bias"} if step.center else {}
    return target.fill(module, {**ours, **names})


def _to_prelu(target: _Target) -> Any:
    if len(target.shape) != 1:
        raise refuse("PReLU", target.step, "to_torch", "PyTorch has one slope a column at most.")
    return target.fill(target.nn.PReLU(target.shape[0]), {"alpha": "weight"})


def _to_unflatten(target: _Target) -> Any:
    shape = target.step.compute_output_shape(target.shape)
    unflatten = target.nn.Unflatten(1, shape)
    if len(target.shape) == 1:
        return unflatten
    return target.nn.Sequential(target.nn.Flatten(), unflatten)


def _to_normalization(target: _Target) -> Any:
    module = torch_modules.modules()["Normalization"](
        target.tensor("mean"), target.tensor("variance")
    )
    return target.fill(module, {"mean": "mean", "variance": "variance"})


def _to_rescaling(target: _Target) -> Any:
    return torch_modules.modules()["Rescaling"](target.step.scale, target.step.offset)


WRITERS: dict[str, Callable[[_Target], Any]] = {
    "Dense": _to_linear,
    "BatchNormalization": _to_batch_norm,
    "PReLU": _to_prelu,
    "ReLU": lambda t: t.nn.ReLU(),
    "ReLU6": lambda t: t.nn.ReLU6(),
    "LeakyReLU": lambda t: t.nn.LeakyReLU(t.step.negative_slope),
    "ELU": lambda t: t.nn.ELU(t.step.alpha),
    "SELU": lambda t: t.nn.SELU(),
    "GELU": lambda t: t.nn.GELU(approximate="tanh"),
    "Sigmoid": lambda t: t.nn.Sigmoid(),
    "HardSigmoid": lambda t: t.nn.Hardsigmoid(),
    "Tanh": lambda t: t.nn.Tanh(),
    "Softmax": lambda t: t.nn.Softmax(dim=-1),
    "Softplus": lambda t: t.nn.Softplus(),
    "Softsign": lambda t: t.nn.Softsign(),
    "SiLU": lambda t: t.nn.SiLU(),
    "Mish": lambda t: t.nn.Mish(),
    "Exponential": lambda t: torch_modules.modules()["Exponential"](),
    "Linear": lambda t: t.nn.Identity(),
    "Dropout": lambda t: t.nn.Dropout(t.step.rate),
    "AlphaDropout": lambda t: t.nn.AlphaDropout(t.step.rate),
    "GaussianNoise": lambda t: None,
    "GaussianDropout": lambda t: None,
    "Flatten": lambda t: t.nn.Flatten(),
    "Reshape": _to_unflatten,
    "Rescaling": _to_rescaling,
    "Normalization": _to_normalization,
}
"""minnet's layer → the module that computes the same; None where it acts in training alone."""
