"""Read a pickled dictionary {class: mask} without running code, and resolve its masks into ids."""

from __future__ import annotations

import collections
import pickle
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..errors import MapUnreadable
from .files import BROKEN_FILE, as_plane, reason_of
from .resample import nearest_pixels

_BROKEN_PICKLE = (*BROKEN_FILE, pickle.UnpicklingError, TypeError, AttributeError)


def holds_objects(file: IO[bytes]) -> bool:
    """Tell whether a .npy file, at its start, holds Python objects; leave the file at its start."""
    is_npy = file.read(6) == np.lib.format.MAGIC_PREFIX
    file.seek(0)
    holds = is_npy and _read_header(file).hasobject
    file.seek(0)
    return holds


def read_masks(path: Path) -> dict[str, np.ndarray]:
    """Return the masks of a dictionary that ``numpy.save`` pickled, by the class as a string, each (H, W) float32.

    Only arrays, numbers, strings and containers are unpickled: a file that names anything else is refused before that
    runs. Masks are bool or 0..1; integer masks are taken as parts of the largest value in any of them when that is
    above 1, such as 255.

    Raises:
        MapUnreadable: it is no such dictionary, or a damaged one.
    """
    try:
        with path.open("rb") as file:
            _read_header(file)
            held = _MaskUnpickler(file, encoding="latin1").load()
    except _BROKEN_PICKLE as error:
        raise MapUnreadable(
            f"{path}: the pickled masks cannot be read ({reason_of(error)}); save {{class: mask}} with numpy.save"
        ) from error
    if isinstance(held, np.ndarray) and held.size == 1:
        held = held.reshape(-1)[0]
    if not isinstance(held, dict) or not held:
        raise MapUnreadable(f"{path}: this holds a {type(held).__name__}, where {{class: mask}} is needed")
    masks = {_class_name(key, path): _as_mask(value, key, path) for key, value in held.items()}
    peak = max((mask.max() for mask in masks.values() if mask.dtype.kind in "iu"), default=1)
    return {
        key: mask.astype(np.float32) / (max(peak, 1) if mask.dtype.kind in "iu" else 1) for key, mask in masks.items()
    }


def ids_from_masks(masks: list[np.ndarray]) -> np.ndarray:
    """Give each pixel to the mask that is highest there: the arg-max.

    Where masks are equal, as bool masks are, the smaller one wins, since things stand before what surrounds them. A
    smaller picture is brought to the largest one's size by nearest neighbour.

    Args:
        masks: (H, W) float32 each, 0 where the class is not.

    Returns:
        (H, W) int32: 1 for the first mask and so on, 0 where all masks are 0.
    """
    height, width = max((mask.shape for mask in masks), key=lambda shape: shape[0] * shape[1])
    shares = [float(np.mean(mask, dtype=np.float64)) for mask in masks]
    best = np.zeros((height, width), np.float32)
    ids = np.zeros((height, width), np.int32)
    for index in sorted(range(len(masks)), key=lambda index: shares[index], reverse=True):
        mask = nearest_pixels(masks[index], (height, width))
        wins = (mask >= best) & (mask > 0)
        best[wins] = mask[wins]
        ids[wins] = index + 1
    return ids


def _read_header(file: IO[bytes]) -> np.dtype:
    """Return the type that a .npy file's header states; leave the file at its data."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return read(file)[2]


def _class_name(key: object, path: Path) -> str:
    if not isinstance(key, str | int | np.integer):
        raise MapUnreadable(f"{path}: {key!r} names no class; use strings or whole numbers as keys")
    return str(key).strip()


def _as_mask(value: object, key: object, path: Path) -> np.ndarray:
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "biuf":
        raise MapUnreadable(f"{path}: what {key} holds is no array of numbers; give a mask of shape (height, width)")
    mask = as_plane(value, path)
    if not (mask.min() >= 0 and np.isfinite(mask.max())):
        raise MapUnreadable(f"{path}: the mask of {key} goes from {mask.min()} to {mask.max()}; masks are 0 to 1")
    return mask


class _MaskUnpickler(pickle.Unpickler):
    """An unpickler that knows arrays, their types and scalars, and no other class or function."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if module.split(".")[0] == "numpy":
            sample = np.zeros(1)
            admitted = {
                "ndarray": np.ndarray,
                "dtype": np.dtype,
                "_reconstruct": sample.__reduce__()[0],  # found so, since its module's name changed with numpy 2
                "scalar": sample[0].__reduce__()[0],
                "_frombuffer": sample.__reduce_ex__(5)[0],
            }
            if name in admitted:
                return admitted[name]
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no mask needs")
