"""Read the weights in a Keras .h5 file, and what it says about the model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ...errors import WeightsUnusable
from ..files import BROKEN_FILE, reason_of
from .weights import require_weights

_NO_KERAS_FILE = "give a model that Keras saved as .h5"


@dataclass(frozen=True, eq=False)
class KerasFile:
    """What such a file holds.

    Attributes:
        arrays: by weight names without ":0", in the order of the file's layers.
        layer_types: class name of each layer, in order; empty where only weights were saved.
        version: of Keras, such as "2.2.4"; "" where the file does not say.
    """

    arrays: dict[str, np.ndarray]
    layer_types: tuple[str, ...]
    version: str


def read_keras(path: Path) -> KerasFile:
    """Read a file made by ``model.save`` or ``model.save_weights``.

    Raises:
        WeightsNotFound: nothing is there.
        WeightsUnusable: truncated, or no such file.
    """
    require_weights(path)
    try:
        with h5py.File(path, "r") as file:
            return _read(file, path)
    except (*BROKEN_FILE, TypeError) as error:  # h5py raises any of these on damaged files
        raise WeightsUnusable(
            f"{path}: this is no complete .h5 file ({reason_of(error)}); download it again"
        ) from error


def _read(file: h5py.File, path: Path) -> KerasFile:
    root = file.get("model_weights", file)
    if "layer_names" not in root.attrs:
        raise WeightsUnusable(f"{path}: the .h5 has no attribute layer_names; {_NO_KERAS_FILE}")
    arrays = {}
    for layer in map(_text, root.attrs["layer_names"]):
        for weight in map(_text, root[layer].attrs["weight_names"]):
            if weight not in root[layer]:
                raise WeightsUnusable(f"{path}: {layer}/{weight} is listed but not there; download the file again")
            arrays[weight.removesuffix(":0")] = root[layer][weight][()]
    return KerasFile(arrays, _layer_types(file.attrs), _text(file.attrs.get("keras_version", "")))


def _layer_types(attributes: Mapping[str, Any]) -> tuple[str, ...]:
    if "model_config" not in attributes:
        return ()
    return tuple(layer["class_name"] for layer in json.loads(_text(attributes["model_config"]))["config"]["layers"])


def _text(value: str | bytes) -> str:
    """Return text that h5py gives as bytes where it has a fixed length."""
    return value.decode() if isinstance(value, bytes) else value
