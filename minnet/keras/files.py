"""Files under Keras' names: minnet's format all the same, and those of Keras itself refused."""

from __future__ import annotations

from typing import Any

from minnet.foundation.checks import ModelFileError, warn
from minnet.layers import Layer
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


def refuse_keras_file(path: Any, who: str) -> None:
    """Raise ModelFileError for a file that Keras itself wrote."""
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
        return  # minnet says what is wrong with it
    if start == b"\x89HDF\r\n\x1a\n" or "model.weights.h5" in names:
        raise ModelFileError(
            f"{who} takes a file that minnet wrote. Got {path}, which Keras wrote. Carry the "
            "weights over in Keras: model.get_weights() there, model.set_weights(…) here."
        )


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
