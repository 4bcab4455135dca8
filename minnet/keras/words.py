"""The table of words: what Keras has and minnet has not, with a sentence for each, and who answers.

Importing such a name is free, since published programs import much that they never use. Calling
it, or deriving from it, stops with its sentence.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, NoReturn

from minnet.foundation.words import did_you_mean

ROOT = "minnet.keras"

FUNCTIONAL = (
    "A model is a stack of layers: from one Input to the output each is called on what one other "
    "gives. The output of an inner layer is model.features(x, upto=…)."
)
CALLED = (
    "minnet differentiates no code, so a call hands what one layer gives to the next, and does "
    "nothing else with it: write layers.Activation, Flatten, Reshape or Rescaling for the rest."
)
SEVERAL_OUTPUTS = (
    "A model with several outputs is there to look at them: write model.predict(x). What learns is "
    "a stack with one output."
)
BRANCHES = (
    "A model is a stack of layers with one input, so nothing is joined or split. Join the columns "
    "of x beforehand, with numpy.concatenate."
)
RESCALE = (
    "minnet differentiates no code. Call layers.Rescaling(scale, offset) on it, or change x "
    "beforehand."
)
CALL = (
    "minnet differentiates no code: a layer has its formulas, forward, backward and gradient, as "
    "minnet.layers.Layer explains, and check_gradients holds them."
)
BLOCK = "Several layers in one are a Sequential, or a class below Model with a call."
ALWAYS_DROPS = "For predictions with dropout write model(x, training=True)."
IMAGES = (
    "Of layers for images minnet has Conv2D, MaxPooling2D and AveragePooling2D, both also over the "
    "whole image, and ZeroPadding2D. Write the network with these."
)
SEQUENCES = "minnet has no recurrence. Use fixed windows as rows of x."
ATTENTION = "minnet has no attention. Use Dense, or Conv2D for images."
EMBEDDINGS = (
    "minnet has no embeddings. Write words or categories as one-hot or multi-hot rows of x: "
    "utils.to_categorical."
)
AUGMENT = "minnet changes no images while it trains. Change x beforehand, with NumPy."
PREPARE = "minnet prepares no text and no categories. Make x an array of numbers beforehand."
WRAPPERS = "A layer acts on whole samples, and wraps no other. Write the layers one after another."
NORMS = "minnet normalises columns and channels: BatchNormalization, or Normalization for x."
TAPE = (
    "minnet differentiates no code. The loss and its gradient of a batch are "
    "model.loss_and_gradient(x, y), the update model.apply_gradient()."
)
LOSSES = (
    "minnet does not have this loss. Write a Loss with its two formulas, per_sample and gradient, "
    "as minnet.losses.Loss explains; check_gradients holds them."
)
METRICS = (
    "minnet does not have this figure. Give metrics a function of (y_true, y_pred), or write a "
    "Metric, as minnet.metrics.Metric explains."
)
ACTIVATIONS = (
    "minnet does not have this curve. Write a Layer with its two formulas, as "
    "minnet.layers.Layer explains, and add it."
)
OPTIMIZERS = (
    "minnet does not have this optimizer. Use Adam or SGD, or write an Optimizer with its formula, "
    "as minnet.optimizers.Optimizer explains."
)
STREAMS = (
    "minnet's fit takes arrays. An x larger than memory can be a numpy.memmap; for a generator of "
    "batches write a loop with train_on_batch."
)
LOGS = (
    "minnet shows a training itself: history.plot(), minnet.plots, minnet.Doctor. CSVLogger writes "
    "a file."
)
TENSORS = "minnet computes with NumPy: write np. for it. A metric of y_true and y_pred gets arrays."
FILES = "Files hold models of known classes. For a class of yours write @minnet.register above it."
PICTURES = "Print model.summary(), or draw the network: minnet.plots.network(model)."
PRETRAINED = (
    "minnet ships a model of digits, minnet.load_pretrained('mnist-8x8'), and no networks for "
    "photographs."
)
DEVICES = "minnet computes with NumPy on this machine's processor. Leave it out."
NOT_NEEDED = "minnet has nothing to set there. Leave it out."
BACKUP = "Use minnet.callbacks.Checkpoint(path), and model.fit(…, resume=path)."
KERAS_1 = "It left Keras long ago. "


def _each(sentence: str, names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), sentence)


_NAMES_OF_LOSSES = (
    "BinaryFocalCrossentropy CTC CategoricalFocalCrossentropy CategoricalGeneralizedCrossEntropy "
    "Circle Dice Tversky"
)
_FUNCTIONS_OF_LOSSES = (
    "binary_focal_crossentropy categorical_focal_crossentropy "
    "categorical_generalized_cross_entropy circle ctc dice tversky"
)
_OF_IMAGES = [
    *("Conv", "Convolution", "Cropping", "ZeroPadding", "UpSampling", "SpatialDropout"),
    *("AveragePooling", "AvgPool", "MaxPooling", "MaxPool", "ConvLSTM", "LocallyConnected"),
    *("GlobalAveragePooling", "GlobalAvgPool", "GlobalMaxPooling", "GlobalMaxPool"),
    *("AdaptiveAveragePooling", "AdaptiveMaxPooling"),
]
_THERE = (
    *("Conv2D", "Convolution2D", "MaxPooling2D", "MaxPool2D", "AveragePooling2D", "AvgPool2D"),
    *("GlobalAveragePooling2D", "GlobalAvgPool2D", "GlobalMaxPooling2D", "GlobalMaxPool2D"),
    "ZeroPadding2D",
)
_SERIALIZE = _each(FILES, "serialize deserialize")

TABLE: dict[str, dict[str, str]] = {
    "": {
        **_each(FUNCTIONAL, "Function KerasTensor Operation SymbolicScope StatelessScope"),
        **_each(DEVICES, "device name_scope remat RematScope"),
        **_each(NOT_NEEDED, "DTypePolicy FloatDTypePolicy Quantizer InputSpec Variable"),
        "GradientTape": TAPE,
    },
    "models": _each(FILES, "model_from_yaml model_from_config"),
    "layers": {
        **_each(
            BRANCHES,
            "Add Average Concatenate Dot Maximum Minimum Multiply Subtract add average concatenate "
            "dot maximum minimum multiply subtract merge Merge",
        ),
        "Lambda": (
            "minnet differentiates no code. Write layers.Rescaling for a factor, "
            "layers.Activation for a curve, layers.Reshape for another shape, or a Layer with its "
            "formulas, as minnet.layers.Layer explains."
        ),
        **_each(CALL, "JaxLayer FlaxLayer TFSMLayer TorchModuleWrapper EinsumDense"),
        **_each(
            IMAGES,
            " ".join(
                name
                for kind in _OF_IMAGES
                for name in (f"{kind}1D", f"{kind}2D", f"{kind}3D")
                if name not in _THERE
            )
            + " Conv1DTranspose Conv2DTranspose Conv3DTranspose Convolution1DTranspose "
            "Convolution2DTranspose Convolution3DTranspose DepthwiseConv1D DepthwiseConv2D "
            "SeparableConv1D SeparableConv2D SeparableConvolution1D SeparableConvolution2D "
            "MelSpectrogram STFTSpectrogram MaxNumBoundingBoxes",
        ),
        **_each(
            SEQUENCES,
            "RNN LSTM GRU SimpleRNN LSTMCell GRUCell SimpleRNNCell StackedRNNCells Bidirectional "
            "Masking TimeDistributed RepeatVector Permute CuDNNLSTM CuDNNGRU",
        ),
        **_each(ATTENTION, "Attention AdditiveAttention MultiHeadAttention GroupQueryAttention"),
        **_each(EMBEDDINGS, "Embedding ReversibleEmbedding"),
        **_each(
            AUGMENT,
            "AugMix AutoContrast CenterCrop ContrastLimitedAdaptiveHistogramEqualization CutMix "
            "Equalization MixUp Pipeline RandAugment RandomBrightness RandomColorDegeneration "
            "RandomColorJitter RandomContrast RandomCrop RandomElasticTransform RandomErasing "
            "RandomFlip RandomGaussianBlur RandomGrayscale RandomHue RandomInvert "
            "RandomPerspective RandomPosterization RandomRotation RandomSaturation "
            "RandomSharpness RandomShear RandomTranslation RandomZoom Resizing Solarization",
        ),
        **_each(
            PREPARE,
            "CategoryEncoding Discretization HashedCrossing Hashing IntegerLookup StringLookup "
            "TextVectorization DenseFeatures",
        ),
        **_each(WRAPPERS, "Wrapper SpectralNormalization"),
        **_each(NORMS, "LayerNormalization GroupNormalization RMSNormalization UnitNormalization"),
        "ActivityRegularization": "No layer penalises its outputs. Penalise W: kernel_regularizer.",
        "ThresholdedReLU": KERAS_1 + "Use ReLU or LeakyReLU.",
        "InputSpec": NOT_NEEDED,
        **_SERIALIZE,
    },
    "losses": {
        **_each(LOSSES, f"{_NAMES_OF_LOSSES} {_FUNCTIONS_OF_LOSSES}"),
        **_SERIALIZE,
    },
    "metrics": {
        **_each(
            METRICS,
            "BinaryIoU IoU MeanIoU OneHotIoU OneHotMeanIoU F1Score FBetaScore "
            "ConcordanceCorrelation PearsonCorrelation PrecisionAtRecall RecallAtPrecision "
            "SensitivityAtSpecificity SpecificityAtSensitivity concordance_correlation "
            f"pearson_correlation {_FUNCTIONS_OF_LOSSES}",
        ),
        **_SERIALIZE,
    },
    "optimizers": {
        **_each(
            OPTIMIZERS,
            "Adafactor Ftrl Lamb Lion Muon ScheduleFreeAdamW MultiOptimizer OptimizerMap",
        ),
        "LossScaleOptimizer": NOT_NEEDED,
        **_each(
            "It is a module of Keras' inside. Write optimizers.Adam, optimizers.SGD, ….",
            "adam_v2 gradient_descent_v2 rmsprop_v2 adagrad_v2 adamax_v2 nadam_v2",
        ),
        **_SERIALIZE,
    },
    "optimizers.schedules": {
        "CosineDecayRestarts": "Use CosineDecay, or a function of the number of the update.",
        **_SERIALIZE,
    },
    "callbacks": {
        **_each(LOGS, "TensorBoard RemoteMonitor"),
        "ProgbarLogger": "A fit shows its progress itself: verbose=1.",
        "BackupAndRestore": BACKUP,
        "OrbaxCheckpoint": BACKUP,
        "SwapEMAWeights": OPTIMIZERS,
        "CallbackList": "Give fit a list: callbacks=[…].",
        "BaseLogger": "A fit gathers its figures itself. Leave it out.",
    },
    "initializers": {**_each(IMAGES, "STFT STFTInitializer stft"), **_SERIALIZE},
    "regularizers": {
        **_each(
            "minnet has L1, L2 and L1L2. Write a Regularizer with its gradient, as "
            "minnet.regularizers.Regularizer explains.",
            "OrthogonalRegularizer orthogonal_regularizer",
        ),
        **_SERIALIZE,
    },
    "constraints": {"RadialConstraint": IMAGES, "radial_constraint": IMAGES, **_SERIALIZE},
    "activations": {
        **_each(
            ACTIVATIONS,
            "celu glu hard_shrink hard_tanh log_sigmoid log_softmax soft_shrink sparse_plus "
            "sparse_sigmoid sparsemax squareplus tanh_shrink threshold",
        ),
        **_SERIALIZE,
    },
    "utils": {
        **_each(STREAMS, "Sequence PyDataset OrderedEnqueuer GeneratorEnqueuer"),
        **_each(
            "Read the files into one array beforehand.",
            "audio_dataset_from_directory image_dataset_from_directory "
            "text_dataset_from_directory timeseries_dataset_from_array split_dataset "
            "array_to_img img_to_array load_img save_img bounding_boxes",
        ),
        **_each(PICTURES, "plot_model model_to_dot"),
        **_each(
            FILES,
            "CustomObjectScope custom_object_scope deserialize_keras_object get_custom_objects "
            "get_registered_name get_registered_object serialize_keras_object",
        ),
        **_each(PREPARE, "FeatureSpace pad_sequences"),
        **_each(
            NOT_NEEDED,
            "Config disable_interactive_logging enable_interactive_logging "
            "is_interactive_logging_enabled standardize_dtype Progbar legacy multi_gpu_model",
        ),
        **_each(FUNCTIONAL, "get_source_inputs is_keras_tensor"),
        **_each(
            "minnet's fit takes x, y and sample_weight as they are.",
            "pack_x_y_sample_weight unpack_x_y_sample_weight",
        ),
        "get_file": "minnet downloads MNIST and Fashion-MNIST alone. Read your file with NumPy.",
    },
    "wrappers": _each(
        "Use KerasClassifier or KerasRegressor of minnet.keras.wrappers, in scikeras' form, or "
        "MLPClassifier of minnet.sklearn.",
        "SKLearnClassifier SKLearnRegressor SKLearnTransformer BaseWrapper",
    ),
    "saving": _each(
        FILES,
        "CustomObjectScope KerasFileEditor custom_object_scope deserialize_keras_object "
        "get_custom_objects get_registered_name get_registered_object load_weights save_weights "
        "serialize_keras_object",
    ),
}
"""Module below `minnet.keras` → name → what to write instead, or why it is not there."""

ABSENT: dict[str, str] = {
    **_each(
        PRETRAINED,
        "applications applications.vgg16 applications.vgg19 applications.resnet50 "
        "applications.mobilenet applications.mobilenet_v2 applications.inception_v3",
    ),
    **_each(AUGMENT, "preprocessing preprocessing.image"),
    **_each(PREPARE, "preprocessing.sequence preprocessing.text"),
    **_each(SEQUENCES, "layers.recurrent"),
    **_each(EMBEDDINGS, "layers.embeddings"),
    **_each(BRANCHES, "layers.merge"),
    **_each(TENSORS, "random tree"),
    **_each(DEVICES, "distribution"),
    "estimator": KERAS_1 + "Use KerasClassifier of keras.wrappers.",
    **_each(
        NOT_NEEDED,
        "dtype_policies export legacy mixed_precision quantizers visualization distillation "
        "experimental",
    ),
}
"""Modules that are not there at all."""

BACKEND = {"learning_phase": NOT_NEEDED, "gradients": TAPE}
"""Functions of the backend that are not what NumPy has."""

METHODS = {
    "predict_classes": (
        "Write model.predict(x).argmax(axis=-1), or (model.predict(x) > 0.5).astype(int) for one "
        "output."
    ),
    "predict_proba": "Write model.predict(x), whose outputs are the probabilities.",
    **_each(STREAMS, "fit_generator evaluate_generator predict_generator"),
    **_each(FILES, "to_yaml export"),
    **_each(FUNCTIONAL, "call train_step test_step predict_step get_layer_at"),
    "make_train_function": TAPE,
    "loss_functions": "It is model.loss.",
}
"""Methods of Keras' models that are not there."""

ATTRIBUTES = {
    "output_shape": "Write layer.output.shape.",
    "get_output_at": FUNCTIONAL,
    "get_input_at": FUNCTIONAL,
    "call": CALL,
    "W_regularizer": KERAS_1 + "Write kernel_regularizer.",
    "losses": "Write model.losses.",
}
"""Attributes of Keras' layers that are not there."""

OF_OPTIMIZERS = {
    "lr": KERAS_1 + "Write optimizer.learning_rate.",
    "iterations": "A model counts them: compile it with the optimizer.",
    **_each(TAPE, "apply_gradients apply minimize get_gradients build variables get_updates"),
}
"""Attributes of Keras' optimizers that are not there."""

ALSO_CALLED = {
    "layers.core": "layers",
    "layers.advanced_activations": "layers",
    "layers.normalization": "layers",
    "layers.noise": "layers",
    "layers.convolutional": "layers",
    "layers.pooling": "layers",
    "layers.local": "layers",
    "layers.wrappers": "layers",
    "layers.experimental": "layers",
    "layers.experimental.preprocessing": "layers",
    "layers.preprocessing": "layers",
    "utils.np_utils": "utils",
    "utils.vis_utils": "utils",
    "utils.generic_utils": "utils",
    "utils.data_utils": "utils",
    "utils.layer_utils": "utils",
    "utils.all_utils": "utils",
    "objectives": "losses",
    "callbacks.experimental": "callbacks",
    "optimizers.legacy": "optimizers",
    "callbacks.callbacks": "callbacks",
    "engine": "layers",
    "engine.topology": "layers",
    "engine.base_layer": "layers",
    "engine.input_layer": "layers",
    "engine.training": "models",
    "engine.sequential": "models",
    **{
        f"{root}.{name}": name
        for root in ("api", "src")
        for name in (
            *("activations", "backend", "callbacks", "constraints", "initializers", "layers"),
            *("losses", "metrics", "models", "ops", "optimizers", "regularizers", "utils"),
        )
    },
    "api": "",
    "src": "",
}
"""Modules of older Keras → where their names are now."""


class Missing:
    """A name of Keras that stands for nothing here, and says so where it is used."""

    def __init__(self, name: str, sentence: str) -> None:
        self._name, self._sentence = name, sentence

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError(f"minnet.keras has no {self._name}. {self._sentence}")

    __call__ = _refuse

    def __mro_entries__(self, bases: Any) -> Any:
        self._refuse()

    def __getattr__(self, name: str) -> Missing:
        if name.startswith("__"):
            raise AttributeError(f"{self!r} has no {name}.")
        return Missing(f"{self._name}.{name}", self._sentence)

    def __instancecheck__(self, instance: object) -> bool:
        return False

    def __repr__(self) -> str:
        return f"<{self._name}, which minnet.keras has not: {self._sentence}>"


class AbsentModule(ModuleType):
    """A module of Keras of which nothing is here."""

    def __init__(self, name: str, sentence: str) -> None:
        super().__init__(f"{ROOT}.{name}", sentence)
        self.__path__ = []  # so that modules below it can be asked for
        self._missing = Missing(name, sentence)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no {name}.")
        return getattr(self._missing, name)


def answering(module: str) -> Callable[[str], Any]:
    """Return the `__getattr__` of a module behind this door."""
    short = module.removeprefix(ROOT).removeprefix(".")

    def answer(name: str) -> Any:
        if sentence := TABLE.get(short, {}).get(name):
            return Missing(f"{short}.{name}".lstrip("."), sentence)
        if name.startswith("_"):
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        known = [known for known in vars(sys.modules[module]) if known[0] != "_"]
        raise AttributeError(f"{module} has no {name!r}.{did_you_mean(name, known)}")

    return answer


def install() -> None:
    """Let the modules that are not there, or were once called otherwise, be imported."""
    for name, sentence in ABSENT.items():
        absent = AbsentModule(name, sentence)
        sys.modules[absent.__name__] = absent
        if "." not in name:
            setattr(sys.modules[ROOT], name, absent)
    for name, now in ALSO_CALLED.items():
        there = sys.modules[f"{ROOT}.{now}".rstrip(".")]
        sys.modules[f"{ROOT}.{name}"] = there
        above, _, last = f"{ROOT}.{name}".rpartition(".")
        if above in sys.modules and last not in vars(sys.modules[above]):
            setattr(sys.modules[above], last, there)
    for name, there in list(sys.modules.items()):
        if name.startswith(f"{ROOT}.") and not hasattr(there, "__path__"):
            there.__path__ = []  # so that modules below it can be asked for
    if NoSuchModule not in sys.meta_path:
        sys.meta_path.append(NoSuchModule)


class NoSuchModule:
    """Who is asked last for a module behind this door, and answers in words."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        """Raise for a module that neither Keras nor minnet has here."""
        short = name.removeprefix(f"{ROOT}.")
        if short != name and not short.rpartition(".")[2].startswith("_"):
            known = [one.removeprefix(f"{ROOT}.") for one in sys.modules if f"{ROOT}." in one]
            raise ModuleNotFoundError(
                f"minnet.keras has no module {short}.{did_you_mean(short, known)}", name=name
            )
