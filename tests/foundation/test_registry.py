"""What is written to files and read back: classes from a table, and nothing else."""

from __future__ import annotations

import inspect
import json

import numpy as np
import pytest

from minnet import (
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
    schedules,
)
from minnet.foundation.registry import (
    _KNOWN,
    Configurable,
    from_config,
    is_registered,
    register,
    snake_case,
    to_config,
)
from minnet.layers import Dense, Layer
from minnet.optimizers import SGD
from minnet.schedules import CosineDecay, LinearWarmup


class Square(Layer):
    """y = x², registered by no one."""

    def __init__(self, times: int = 1, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.times = times


def test_nested_objects_come_back_alike() -> None:
    optimizer = SGD(LinearWarmup(5, then=CosineDecay(0.1, 100)), momentum=0.9)
    text = json.dumps(to_config(optimizer))
    again = from_config(json.loads(text))
    assert repr(again) == repr(optimizer)
    assert again.rate(0) == optimizer.rate(0)


def test_an_unregistered_class_is_not_written() -> None:
    with pytest.raises(TypeError, match=r"Put @minnet\.register above the class"):
        to_config(Square())


def test_a_function_is_not_written() -> None:
    with pytest.raises(TypeError, match="Functions cannot be saved"):
        to_config(SGD(lambda step: 0.1))


def test_a_class_outside_the_table_is_never_looked_up() -> None:
    for name in ("os.system", "subprocess.Popen", "Configurable", "Dens", None, ["Dense"]):
        with pytest.raises(ValueError, match="classes that minnet knows"):
            from_config({"class": name, "config": {}})
    with pytest.raises(ValueError, match='Did you mean "Dense"'):
        from_config({"class": "Dens", "config": {}})


def test_unknown_arguments_are_errors() -> None:
    with pytest.raises(ValueError, match="Dense could not be made from its description"):
        from_config({"class": "Dense", "config": {"units": 3, "colour": "red"}})
    with pytest.raises(ValueError, match="Dense could not be made"):
        from_config({"class": "Dense", "config": {"units": -3}})


def test_a_registered_class_is_read_back_and_its_name_is_taken() -> None:
    try:
        assert register(Square) is Square
        assert is_registered(Square)
        assert from_config(to_config(Square(3))).times == 3
        register(Square)  # the same class once more, as when a notebook cell is run again

        other = type("Square", (Layer,), {"__doc__": "Another.", "__qualname__": "other.Square"})
        with pytest.raises(ValueError, match="a second 'Square'"):
            register(other)
    finally:
        _KNOWN.pop("Square")


@pytest.mark.parametrize("thing", [Square(), "Square", int, None])
def test_only_describable_classes_are_registered(thing: object) -> None:
    with pytest.raises(TypeError, match="register takes a class such as a Layer"):
        register(thing)  # type: ignore[type-var]


def test_a_constructor_that_loses_an_argument_is_told_so() -> None:
    class Loses(Configurable):
        def __init__(self, size: int) -> None:
            self.length = size

    with pytest.raises(TypeError, match=r"Got none named 'size'. Write self.size = size"):
        Loses(3).get_config()


def test_reprs_show_what_differs_from_the_defaults() -> None:
    assert repr(Dense(3)) == "Dense(3)"
    assert repr(Dense(3, activation="relu", use_bias=False)).startswith("Dense(3, activation=")
    assert "use_bias=False" in repr(Dense(3, use_bias=False))


def test_snake_case() -> None:
    class GlorotUniform:
        pass

    assert snake_case(GlorotUniform) == "glorot_uniform"


# --- every class that comes with minnet -----------------------------------------------------------

MODULES = (constraints, initializers, layers, losses, metrics, optimizers, regularizers, schedules)
NAMES = {name: thing for module in MODULES for name, thing in vars(module).items()}

LAYER = {"name": "mine", "input_shape": (3,)}
OPTIMIZER = {
    "learning_rate": 0.2,
    "weight_decay": 0.1,
    "global_clipnorm": 2.0,
    "excluded_from_weight_decay": ("b",),
}
ADAM = {**OPTIMIZER, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3}

UNUSUAL = {
    "Zeros": {},
    "Ones": {},
    "Constant": {"value": 0.1},
    "RandomNormal": {"mean": 0.25, "stddev": 1 / 3},
    "RandomUniform": {"minval": -2.0, "maxval": 0.7},
    "GlorotUniform": {},
    "GlorotNormal": {},
    "HeUniform": {},
    "HeNormal": {},
    "LecunUniform": {},
    "LecunNormal": {},
    "TruncatedNormal": {"mean": 0.25, "stddev": 1 / 3},
    "VarianceScaling": {"scale": 3.0, "mode": "fan_avg", "distribution": "uniform"},
    "Orthogonal": {"gain": 2.0},
    "Identity": {"gain": 2.0},
    "MaxNorm": {"max_value": 3.0, "axis": 1},
    "UnitNorm": {"axis": 1},
    "MinMaxNorm": {"min_value": 0.5, "max_value": 2.0, "rate": 0.5, "axis": 1},
    "NonNeg": {},
    "L1": {"l1": 1e-7},
    "L2": {"l2": 1e-7},
    "L1L2": {"l1": 0.25, "l2": 1e-7},
    "ReLU": {**LAYER, "max_value": 4.0},
    "LeakyReLU": {**LAYER, "negative_slope": 0.1},
    "ELU": {**LAYER, "alpha": 0.5},
    "Softplus": LAYER,
    "GELU": {**LAYER, "approximate": False},
    "Sigmoid": LAYER,
    "Tanh": LAYER,
    "Softmax": LAYER,
    "Linear": LAYER,
    "SELU": LAYER,
    "SiLU": LAYER,
    "Mish": LAYER,
    "ReLU6": LAYER,
    "HardSigmoid": LAYER,
    "HardSiLU": LAYER,
    "Softsign": LAYER,
    "Exponential": LAYER,
    "PReLU": {**LAYER, "alpha_initializer": initializers.Constant(0.25)},
    "Flatten": {**LAYER, "input_shape": (2, 3)},
    "AlphaDropout": {**LAYER, "rate": 0.1},
    "GaussianDropout": {**LAYER, "rate": 0.1},
    "GaussianNoise": {**LAYER, "stddev": 0.1},
    "Rescaling": {**LAYER, "scale": 0.5, "offset": -1.0},
    "Normalization": {**LAYER, "axis": None},
    "Reshape": {**LAYER, "target_shape": (-1, 1)},
    "Conv2D": {
        "input_shape": (9, 9, 2),
        "name": "a",
        "filters": 3,
        "kernel_size": (2, 3),
        "strides": (2, 1),
        "padding": "same",
        "activation": layers.ELU(0.5),
        "use_bias": False,
        "kernel_initializer": initializers.HeNormal(),
        "bias_initializer": initializers.Ones(),
        "kernel_regularizer": regularizers.L2(0.1),
        "kernel_constraint": constraints.MaxNorm(2.0),
        "bias_constraint": constraints.NonNeg(),
    },
    "MaxPooling2D": {**LAYER, "pool_size": (3, 2), "strides": (1, 2), "padding": "same"},
    "AveragePooling2D": {**LAYER, "pool_size": (3, 2), "strides": (1, 2), "padding": "same"},
    "GlobalAveragePooling2D": {**LAYER, "keepdims": True},
    "GlobalMaxPooling2D": {**LAYER, "keepdims": True},
    "ZeroPadding2D": {**LAYER, "padding": ((0, 1), (2, 3))},
    "Activation": {**LAYER, "activation": layers.ELU(0.5)},
    "Dense": {
        **LAYER,
        "units": 4,
        "activation": layers.LeakyReLU(0.1),
        "use_bias": False,
        "kernel_initializer": initializers.RandomNormal(stddev=0.5),
        "bias_initializer": initializers.Constant(0.5),
        "kernel_regularizer": regularizers.L2(0.5),
        "kernel_constraint": constraints.MaxNorm(3.0),
        "bias_constraint": constraints.NonNeg(),
    },
    "Dropout": {**LAYER, "rate": 0.1},
    "BatchNormalization": {
        **LAYER,
        "momentum": 0.9,
        "epsilon": 0.1,
        "center": False,
        "scale": False,
    },
    "Input": {"shape": (2, 3)},
    "MeanSquaredError": {},
    "MeanAbsoluteError": {},
    "Huber": {"delta": 2.0},
    "LogCosh": {},
    "MeanAbsolutePercentageError": {},
    "MeanSquaredLogarithmicError": {},
    "Poisson": {},
    "CosineSimilarity": {},
    "Hinge": {},
    "SquaredHinge": {},
    "CategoricalHinge": {},
    "KLDivergence": {},
    "CrossEntropy": {"from_logits": True, "label_smoothing": 0.1},
    "BinaryCrossEntropy": {"from_logits": True, "label_smoothing": 0.1},
    "Accuracy": {"threshold": 0.25, "name": "a"},
    "BinaryAccuracy": {"threshold": 0.25, "name": "b"},
    "TopKCategoricalAccuracy": {"k": 2, "name": "c"},
    "Average": {"name": "my_average"},
    "RMSE": {"name": "my_rmse"},
    "MeanLoss": {"loss": losses.Huber(2.0), "name": "my_huber"},
    "MAE": {"name": "d"},
    "MSE": {"name": "e"},
    "R2Score": {"name": "f"},
    **{
        name: {"threshold": 0.25, "class_id": 1, "name": "g"}
        for name in (
            "TruePositives",
            "FalsePositives",
            "TrueNegatives",
            "FalseNegatives",
            "Precision",
            "Recall",
        )
    },
    "AUC": {
        "num_thresholds": 50,
        "curve": "PR",
        "summation_method": "minoring",
        "thresholds": [0.25, 0.5],
        "from_logits": True,
        "name": "h",
    },
    "SGD": {**OPTIMIZER, "momentum": 0.9, "nesterov": True},
    "RMSprop": {**OPTIMIZER, "rho": 0.8, "momentum": 0.5, "epsilon": 1e-3, "centered": True},
    "Adagrad": {**OPTIMIZER, "initial_accumulator_value": 0.5, "epsilon": 1e-3},
    "Adam": {**ADAM, "epsilon_beside": "v", "learning_rate": CosineDecay(0.1, 5)},
    "AdamW": {**ADAM, "epsilon_beside": "v"},
    "Adadelta": {**OPTIMIZER, "rho": 0.8, "epsilon": 1e-3},
    "Adamax": ADAM,
    "Nadam": ADAM,
    "ExponentialDecay": {
        "initial_learning_rate": 0.1,
        "decay_steps": 7,
        "decay_rate": 0.9,
        "staircase": True,
    },
    "InverseTimeDecay": {
        "initial_learning_rate": 0.1,
        "decay_steps": 7,
        "decay_rate": 0.9,
        "staircase": True,
    },
    "InverseScaling": {"initial_learning_rate": 0.1, "power": 0.7},
    "PolynomialDecay": {
        "initial_learning_rate": 0.1,
        "decay_steps": 7,
        "end_learning_rate": 0.01,
        "power": 2.0,
        "cycle": True,
    },
    "Weighted": {"metric": metrics.MAE(), "name": "mine"},
    "PiecewiseConstantDecay": {"boundaries": [3, 5], "values": [0.3, 0.2, 0.1]},
    "OneCycle": {
        "max_learning_rate": 0.1,
        "total_steps": 20,
        "pct_start": 0.5,
        "div_factor": 10.0,
        "final_div_factor": 100.0,
    },
    "CosineDecay": {"initial_learning_rate": 0.1, "decay_steps": 7, "alpha": 0.5},
    "LinearWarmup": {"warmup_steps": 3, "then": CosineDecay(0.1, 2)},
}
"""For every class of the table, all its arguments, each away from its default; of the three ways of
clipping an optimizer takes one."""


CLASSES = [cls for cls in _KNOWN.values() if cls.__module__.startswith("minnet.")]
every_class = pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)


def arguments(cls: type) -> dict[str, object]:
    """Names and defaults of the constructor's arguments, without the shorthand `input_dim`."""
    found = inspect.signature(cls).parameters
    return {name: p.default for name, p in found.items() if name != "input_dim"}


def test_every_public_class_that_describes_itself_is_in_the_table() -> None:
    contracts = {"Configurable", "Initializer", "Layer", "Loss", "Metric", "Optimizer"}
    contracts |= {"Regularizer", "Schedule", "FromFunction", "MeanOfFunction", "Constraint"}
    public = {
        name
        for name, thing in NAMES.items()
        if inspect.isclass(thing) and issubclass(thing, Configurable) and name[0] != "_"
    }
    assert public - contracts == {cls.__name__ for cls in CLASSES} == set(UNUSUAL)


@every_class
def test_the_examples_set_every_argument_away_from_its_default(cls) -> None:
    example = UNUSUAL[cls.__name__]
    assert example.keys() | {"clipnorm", "clipvalue"} >= arguments(cls).keys() >= example.keys()
    for name, value in example.items():
        assert repr(value) != repr(arguments(cls)[name])


@every_class
def test_a_config_keeps_every_argument(cls) -> None:
    example = UNUSUAL[cls.__name__]
    config = cls(**example).get_config()
    assert {name: repr(value) for name, value in config.items() if name in example} == {
        name: repr(value) for name, value in example.items()
    }


@every_class
def test_a_description_survives_json_and_makes_the_same_object(cls) -> None:
    described = to_config(cls(**UNUSUAL[cls.__name__]))
    again = from_config(json.loads(json.dumps(described)))
    assert type(again) is cls
    assert to_config(again) == described


@every_class
def test_a_repr_is_the_call_that_makes_the_object(cls) -> None:
    made = cls(**UNUSUAL[cls.__name__])
    assert to_config(eval(repr(made), NAMES)) == to_config(made)


@every_class
def test_a_repr_leaves_defaults_out(cls) -> None:
    needed = {
        name: UNUSUAL[cls.__name__][name]
        for name, default in arguments(cls).items()
        if default is inspect.Parameter.empty
    }
    assert repr(cls(**needed)) == f"{cls.__name__}({', '.join(map(repr, needed.values()))})"


def test_names_of_several_words_are_split() -> None:
    assert snake_case(layers.BatchNormalization) == "batch_normalization"


# --- plain values ---------------------------------------------------------------------------------


def test_tuples_become_lists_and_numpy_scalars_plain_numbers() -> None:
    described = to_config({"a": (1, np.float32(0.5)), "b": [np.int64(3), None, True, "x"]})
    assert described == {"a": [1, 0.5], "b": [3, None, True, "x"]}
    assert type(described["b"][0]) is int
    assert type(described["a"][1]) is float


def test_plain_values_come_back_as_they_are() -> None:
    value = {"a": [1, {"class": "Dense"}, {"config": {}}], "b": {"c": None}}
    assert from_config(value) == value


def test_objects_inside_lists_and_dicts_come_back() -> None:
    value = to_config({"all": [losses.MeanSquaredError(), {"one": layers.ReLU()}]})
    assert repr(from_config(value)) == "{'all': [MeanSquaredError(), {'one': ReLU()}]}"


@pytest.mark.parametrize("value", [lambda x: x, np.zeros(2), {1, 2}, b"x", object(), np.sin, int])
def test_what_a_file_cannot_hold_is_refused(value) -> None:
    with pytest.raises(TypeError, match=r"A file takes numbers, text, lists .* cannot be saved"):
        to_config({"a": [value]})


def test_a_key_that_is_no_text_is_refused_and_not_turned_into_text() -> None:
    with pytest.raises(TypeError, match=r"takes text as keys. Got 1\. Use str"):
        to_config({1: "a"})


def test_a_dict_that_would_be_read_as_an_object_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'class' and 'config' .* Rename one"):
        to_config({"class": "Dense", "config": {"units": 3}})


def test_a_cell_that_is_run_again_replaces_its_class() -> None:
    def cell():
        class Rerun(Layer):
            """Defined anew each time."""

        return register(Rerun)

    first, second = cell(), cell()
    assert first is not second
    assert type(from_config({"class": "Rerun", "config": {}})) is second
    assert not is_registered(first)


def test_a_class_named_like_one_of_minnets_does_not_take_its_place() -> None:
    taker = type("Dense", (Layer,), {"__doc__": "Another."})
    with pytest.raises(ValueError, match=r"a second 'Dense', beside minnet\.layers\.dense\.Dense"):
        register(taker)
    assert type(from_config(to_config(Dense(2)))) is Dense


def test_a_config_that_is_no_dict_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Dense is described by a dict of arguments. Got \[3\]"):
        from_config({"class": "Dense", "config": [3]})


def test_an_object_that_lost_an_argument_still_has_a_repr() -> None:
    class Forgets(Configurable):
        def __init__(self, size: int = 1) -> None:
            self.length = size

    assert repr(Forgets(3)) == "Forgets()"
