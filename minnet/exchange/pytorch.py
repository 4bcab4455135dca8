"""To PyTorch and back: `nn.Sequential` of modules that minnet has a layer for.

PyTorch's `Linear` keeps its weight as (out, in), the transpose of minnet's W (in, out), so every
weight of a Linear is transposed, the square ones too.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from minnet.exchange import torch_images, torch_modules
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
    rank_after,
    refuse,
    with_activations,
)
from minnet.exchange.state_dict import epsilons_of, fill
from minnet.exchange.torch_images import Flow
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
    AveragePooling2D,
    BatchNormalization,
    Dense,
    Dropout,
    Exponential,
    Flatten,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    HardSigmoid,
    HardSiLU,
    Layer,
    LeakyReLU,
    Linear,
    MaxPooling2D,
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
    activations that minnet has, `Dropout`, `AlphaDropout`, `Flatten` and `Unflatten`, and for
    images `Conv2d`, `BatchNorm2d`, `MaxPool2d`, `AvgPool2d` and `AdaptiveAvgPool2d(1)`. Slopes, ε,
    momentum, what is frozen and float64 come along. `report(model)` is the table of what was done.

    PyTorch's images have the channels first, and minnet's last: the model takes
    x.transpose(0, 2, 3, 1). What follows a Flatten is brought into minnet's order.

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
        The shape of one sample, channels last, for a network of images, or one that begins with a
        `Flatten` or has no weights; else its first weights tell it.

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
        target, state = a_model(into, "from_torch's into"), _state_of(module)
        return fill(target, state, "from_torch", ORIGIN, epsilons=epsilons_of(module))
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
    given = None if input_shape is None else checks.shape(input_shape, "from_torch's input_shape")
    modules = list(_flat(torch.nn, module, ""))
    images = any(type(one).__name__ in torch_images.MODULES for _, one in modules)
    flow = Flow(given, images=images)
    for path, one in modules:
        for parameter in one.parameters():
            if id(parameter) in seen:
                raise ValueError(
                    f"from_torch takes modules with weights of their own. Got {path}, which shares "
                    f"them with {seen[id(parameter)]}. Copy one: copy.deepcopy(module)."
                )
        seen |= {id(parameter): path for parameter in one.parameters()}
        carried.append(_carried(torch, one, path, record, flow))
        flow.rank = rank_after(carried[-1].layer, flow.rank)
        if images:
            flow.advance(carried[-1].layer)
    if flow.order is not None:
        raise ValueError(
            "from_torch takes networks that end in a Linear after a Flatten of images. Got one "
            "whose outputs are a flattened image, in PyTorch's order. Leave the Flatten off."
        )
    if images:
        record.notes.append("Images go in with the channels last: x.transpose(0, 2, 3, 1).")
    carried = with_activations(carried)
    shape = given
    if shape is None:
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


def _carried(torch: Any, module: Any, path: str, record: Record, flow: Flow) -> Carried:
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
    carried = read(_Source(module, path, where, arrays, record, flow))
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
        self,
        module: Any,
        path: str,
        where: str,
        arrays: Mapping[str, Array],
        record: Record,
        flow: Flow,
    ) -> None:
        self.module, self.path, self.where, self.arrays = module, path, where, arrays
        self.record, self.flow = record, flow

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
    arrays = {"W": source.flow.here(source.given("weight", transpose=True))}
    source.flow.order = None
    if source.module.bias is not None:
        arrays["b"] = source.given("bias")
    units = source.module.out_features
    return Carried(Dense(units, use_bias=source.module.bias is not None), arrays)


def _batch_norm(source: _Source) -> Carried:
    module = source.module
    source.need("track_running_stats", True, fix=" It has no statistics to predict with.")
    if module.momentum is None:
        raise ValueError(
            f"from_torch takes a batch norm with a number as momentum. Got {source.where} with "
            "None, an average over all batches, which minnet has not. Set module.momentum = 0.1."
        )
    arrays = {}
    flags = {n: p.requires_grad for n, p in module.named_parameters(recurse=False)}
    for ours, name, neutral in (("gamma", "weight", 1.0), ("beta", "bias", 0.0)):
        fixed = not flags.get(name, True) and any(flags.values())
        if name in source.arrays and not (fixed and (source.arrays[name] == neutral).all()):
            arrays[ours] = source.flow.here(source.given(name))
    layer = BatchNormalization(
        momentum=1 - module.momentum,
        epsilon=module.eps,
        scale="gamma" in arrays,
        center="beta" in arrays,
    )
    arrays["moving_mean"] = source.flow.here(source.given("running_mean"))
    arrays["moving_variance"] = source.flow.here(source.given("running_var"))
    remark = f"momentum={layer.momentum:g}, epsilon={layer.epsilon:g}"
    return Carried(layer, arrays, remark=remark)


def _prelu(source: _Source) -> Carried:
    given = source.flow.here(source.given("weight"))
    if given.value.size == 1:
        source.record.leave(f"that all units of {source.path} share one slope")
        given = given._replace(verdict=REPEATED)
    elif source.flow.images:
        raise ValueError(
            f"from_torch takes PReLU of images with one slope. Got {source.where} with one a "
            "channel, where minnet has one a pixel."
        )
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


def _softmax(source: _Source) -> Carried:
    rows = (-1, 1) if source.flow.rank == 1 else (-1,)
    source.need("dim", *((1, -3) if source.flow.images else rows))
    return Carried(Softmax())


def _unflatten(source: _Source) -> Carried:
    source.need("dim", 1)
    shape = tuple(int(n) for n in source.module.unflattened_size)
    if not source.flow.network or len(shape) != 3:
        return Carried(Reshape(shape))
    if shape[0] != 1 or source.flow.images or source.flow.order is not None:
        raise ValueError(
            "from_torch takes an Unflatten that makes images of one channel of rows. Got "
            f"{source.where} to {shape}, whose numbers have another order here."
        )
    return Carried(Reshape((*shape[1:], 1)))


READERS: dict[str, Callable[[_Source], Carried]] = {
    "Linear": _linear,
    "BatchNorm1d": torch_images.of_rows(_batch_norm),
    "BatchNorm2d": _batch_norm,
    "Conv2d": torch_images.conv2d,
    "MaxPool2d": torch_images.pooling(MaxPooling2D),
    "AvgPool2d": torch_images.pooling(AveragePooling2D),
    "AdaptiveAvgPool2d": torch_images.global_pooling(GlobalAveragePooling2D),
    "AdaptiveMaxPool2d": torch_images.global_pooling(GlobalMaxPooling2D),
    "ZeroPad2d": torch_images.zero_padding,
    "PReLU": _prelu,
    "ReLU": _needing(lambda m: ReLU()),
    "ReLU6": _needing(lambda m: ReLU6()),
    "LeakyReLU": _needing(lambda m: LeakyReLU(m.negative_slope)),
    "ELU": _needing(lambda m: ELU(m.alpha)),
    "CELU": _needing(lambda m: ELU(), alpha=(1.0,)),
    "SELU": _needing(lambda m: SELU()),
    "GELU": _needing(lambda m: GELU(m.approximate == "tanh"), approximate=("none", "tanh")),
    "Sigmoid": _needing(lambda m: Sigmoid()),
    "Hardsigmoid": _needing(lambda m: HardSigmoid()),
    "Hardswish": _needing(lambda m: HardSiLU()),
    "Tanh": _needing(lambda m: Tanh()),
    "Softmax": _softmax,
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

_REFUSED = {
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

    Images go into it with the channels first, as PyTorch has them: x.transpose(0, 3, 1, 2). What
    follows a Flatten is brought into that order.

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
    flows = torch_images.flow_of([step for _, step in steps], model.input_shape)
    for i, (layer, step) in enumerate(steps):
        kind = kind_of(step, "to_torch")
        if kind not in WRITERS:
            raise refuse(kind, step, "to_torch", "Take it out of the model first.")
        module = WRITERS[kind](_Target(torch, step, len(made), flows[i], record))
        if module is None:
            record.row(step.label, "", "LEFT OUT")
            record.leave(f"{step.label}, a {kind}")
            continue
        if not layer.trainable:
            module.requires_grad_(False)
        if not step.arrays():
            record.row(step.label, f"{len(made)} ({type(module).__name__})", repr(module))
        made.append(module)
    torch_images.note(flows, [step for _, step in steps], record)
    if logits:
        record.row(last.label, "", "LEFT OUT: logits=True")
    whole = torch.nn.Sequential(*made).eval()
    record.done(whole)
    return whole


class _Target:
    """A step that becomes a module."""

    def __init__(self, torch: Any, step: Any, index: int, flow: Flow, record: Record) -> None:
        self.torch, self.nn, self.step, self.index = torch, torch.nn, step, index
        self.flow, self.shape, self.record = flow, flow.shape or (), record

    def tensor(self, name: str) -> Any:
        """A copy of one of the step's arrays."""
        return self.torch.from_numpy(np.array(self.step.arrays()[name]))

    def fill(self, module: Any, names: Mapping[str, str], transposed: str = "") -> Any:
        """Copy the step's arrays into a module, and return it."""
        module = module.to(self.torch.from_numpy(self.step.arrays()[next(iter(names))][:0]).dtype)
        with self.torch.no_grad():
            for ours, name in names.items():
                value, verdict = self.step.arrays()[ours], "COPIED"
                if ours != "b":  # a number, or a row, for each input
                    value, verdict = self.flow.there(value, verdict)
                if ours == transposed:
                    value = value.transpose(3, 2, 0, 1) if value.ndim == 4 else value.T
                    verdict = f"TRANSPOSED, {verdict}".removesuffix(", COPIED")
                target = getattr(module, name)
                target.copy_(self.torch.from_numpy(np.array(value)))
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
    if not target.flow.images and len(target.shape) != 1:
        raise refuse("BatchNormalization", step, "to_torch", "PyTorch has it for rows and images.")
    norm = target.nn.BatchNorm2d if target.flow.images else target.nn.BatchNorm1d
    module = norm(target.shape[-1], eps=step.epsilon, momentum=momentum, affine=affine)
    if affine:
        module.weight.requires_grad_(step.scale)
        module.bias.requires_grad_(step.center)
    names = {"moving_mean": "running_mean", "moving_variance": "running_var"}
    ours = {"gamma": "weight"} if step.scale else {}
    ours |= {"beta": "bias"} if step.center else {}
    return target.fill(module, {**ours, **names})


def _to_prelu(target: _Target) -> Any:
    alpha, label = target.step.alpha, target.step.label
    if len(target.shape) != 1:
        if not (alpha == alpha.flat[0]).all():
            reason = "PyTorch has one slope a column at most."
            raise refuse("PReLU", target.step, "to_torch", reason)
        module = target.nn.PReLU(dtype=target.tensor("alpha").dtype)
        module.weight.data[...] = float(alpha.flat[0])
        target.record.array(f"{label}.alpha", alpha.shape, f"{target.index}.weight", (1,), "COPIED")
        return module
    return target.fill(target.nn.PReLU(target.shape[0]), {"alpha": "weight"})


def _to_unflatten(target: _Target) -> Any:
    shape, flow = target.step.compute_output_shape(target.shape), target.flow
    if flow.network and (flow.images or flow.order is not None or len(shape) == 3):
        if flow.images or flow.order is not None or shape[-1] != 1:
            raise refuse("Reshape", target.step, "to_torch", "Images have another order there.")
        shape = (1, *shape[:2])
    unflatten = target.nn.Unflatten(1, shape)
    if len(target.shape) == 1:
        return unflatten
    return target.nn.Sequential(target.nn.Flatten(), unflatten)


def _to_normalization(target: _Target) -> Any:
    if target.flow.images or target.flow.order is not None:
        raise refuse("Normalization", target.step, "to_torch", "Normalise x beforehand.")
    module = torch_modules.modules()["Normalization"](
        target.tensor("mean"), target.tensor("variance")
    )
    return target.fill(module, {"mean": "mean", "variance": "variance"})


def _to_rescaling(target: _Target) -> Any:
    return torch_modules.modules()["Rescaling"](target.step.scale, target.step.offset)


WRITERS: dict[str, Callable[[_Target], Any]] = {
    "Dense": _to_linear,
    "BatchNormalization": _to_batch_norm,
    "Conv2D": torch_images.to_conv2d,
    "MaxPooling2D": torch_images.to_max_pooling,
    "AveragePooling2D": torch_images.to_average_pooling,
    "GlobalAveragePooling2D": torch_images.to_global_pooling,
    "GlobalMaxPooling2D": torch_images.to_global_pooling,
    "ZeroPadding2D": torch_images.to_zero_padding,
    "PReLU": _to_prelu,
    "ReLU": lambda t: t.nn.ReLU(),
    "ReLU6": lambda t: t.nn.ReLU6(),
    "LeakyReLU": lambda t: t.nn.LeakyReLU(t.step.negative_slope),
    "ELU": lambda t: t.nn.ELU(t.step.alpha),
    "SELU": lambda t: t.nn.SELU(),
    "GELU": lambda t: t.nn.GELU(approximate="tanh" if t.step.approximate else "none"),
    "Sigmoid": lambda t: t.nn.Sigmoid(),
    "HardSigmoid": lambda t: t.nn.Hardsigmoid(),
    "HardSiLU": lambda t: t.nn.Hardswish(),
    "Tanh": lambda t: t.nn.Tanh(),
    "Softmax": lambda t: t.nn.Softmax(dim=1 if t.flow.images else -1),
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
