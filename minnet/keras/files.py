"""Files under Keras' names: minnet's format all the same, and those that Keras itself wrote."""

from __future__ import annotations

from typing import Any

from minnet.files import saving
from minnet.foundation.checks import Array, ModelFileError, warn
from minnet.layers import Input, Layer
from minnet.models import Sequential

NAMES_OF_KERAS = (".keras", ".h5", ".hdf5")

_warned: set[str] = set()


def warn_of_name(path: Any) -> None:
    """Warn once where a file of minnet's bears a name that says Keras."""
    from pathlib import Path

    suffix = Path(path).suffix
    if suffix in NAMES_OF_KERAS and suffix not in _warned:
        _warned.add(suffix)
        warn(
            f"{path} holds minnet's own format under that name: load_model and load_weights of "
            "minnet.keras read it, and Keras itself does not."
        )


def form_of_keras(path: Any) -> str:
    """Return what Keras itself wrote: ".keras" or "HDF5"; "" for any other file."""
    import zipfile
    from pathlib import Path

    try:
        with Path(path).open("rb") as file:
            start = file.read(8)
        names = []
        if start.startswith(b"PK"):
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
    except (OSError, TypeError, zipfile.BadZipFile):
        return ""  # minnet says what is wrong with it
    if start == b"\x89HDF\r\n\x1a\n":
        return "HDF5"
    return ".keras" if "model.weights.h5" in names else ""


def model_of_keras(path: Any, who: str) -> tuple[Sequential, Any]:
    """Return the model that is in a file of Keras, and what it says of how it was trained.

    Raises
    ------
    ModelFileError
        A damaged file, or layers that minnet does not have.
    """
    from pathlib import Path

    from minnet.exchange import keras_files, keras_hdf5, keras_models

    reader = keras_hdf5 if form_of_keras(path) == "HDF5" else keras_files
    opened = reader.read(path, who)
    with saving.refusing(f"{path} describes no model that minnet can build"):
        model = keras_models.from_description(opened, Path(path).name, who)
    return model, opened.config.get("compile_config")


def weights_of_keras(path: Any, model: Sequential, who: str) -> list[Array]:
    """Return the arrays of a `.weights.h5` file of Keras, in the order of this model's.

    Those of older files, with or without a model in them, are read by h5py.

    Raises
    ------
    ModelFileError
        A damaged file, or that of another model.
    """
    from pathlib import Path

    from minnet.exchange import keras_files, keras_hdf5

    older = b"weight_names" in Path(path).read_bytes()
    layers = [] if older else keras_files.read_weights(path, _entries(model), who)
    arrays = (
        keras_hdf5.read_arrays(path, who)
        if older
        else [
            array.reshape(-1) if layer.kind == "Normalization" else array
            for layer in layers
            for array in layer.arrays[: 2 if layer.kind == "Normalization" else None]
        ]
    )
    own = [array.shape for layer in model.layers for array in layer.arrays().values()]
    if own != [array.shape for array in arrays]:
        raise ModelFileError(
            f"{who} takes the file of a model with the same layers. Got arrays of "
            f"{[array.shape for array in arrays]}, and this model has {own}."
        )
    return arrays


def _entries(model: Any) -> dict[str, Any]:
    """The layers of a model, and of models in it, in the words of a file of Keras."""
    entries = [one for one in model.layers[:] if not isinstance(one, Input)]
    return {
        "layers": [
            {"class_name": type(one).__name__, "config": _entries(one)}
            if hasattr(one, "layers")
            else {"class_name": type(one).__name__, "config": {"name": one.name}}
            for one in entries
        ]
    }


def load_what_fits(model: Sequential, source: Sequential, *, skip_mismatch: bool) -> None:
    """Copy the weights of layers with the same name; others stay as they are.

    Parameters
    ----------
    skip_mismatch
        Whether a layer whose arrays have other shapes stays as it is, with a warning.

    Raises
    ------
    ModelFileError
        Arrays of other shapes that are not to be skipped, or no name in common.
    """
    given = {layer.label: layer for layer in source.layers}
    both = [(layer, given[layer.label]) for layer in model.layers if layer.label in given]
    other = [layer.label for layer, there in both if _shapes(layer) != _shapes(there)]
    if not both or (other and not skip_mismatch):
        raise ModelFileError(
            "load_weights takes a file with layers of the same names and shapes. Got "
            f"{', '.join(map(_described, source.layers))} for "
            f"{', '.join(map(_described, model.layers))}. To leave out what does not fit write "
            "skip_mismatch=True."
        )
    for layer, there in both:
        if layer.label in other:
            warn(
                f"load_weights left {_described(layer)} as it is: the file has {_described(there)}."
            )
        else:
            layer.set_weights(there.get_weights())
            layer.origin = there.origin


def _shapes(layer: Layer) -> list[tuple[int, ...]]:
    return [array.shape for array in layer.arrays().values()]


def _described(layer: Layer) -> str:
    return f"{layer.label} {_shapes(layer) or ''}".strip()
