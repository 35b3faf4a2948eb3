"""Read checkpoints without running code from them, and fill networks after checking every key."""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ...errors import WeightsNotFound, WeightsUnusable
from ..files import BROKEN_FILE, reason_of, require_file

Network = TypeVar("Network", bound=nn.Module)
_COUNTER = "num_batches_tracked"  # of training; files of before 2018 lack it


def read_torch(path: Path) -> dict[str, torch.Tensor]:
    """Read a .pth of named tensors; whatever is more than data in it is refused.

    Args:
        path: a state_dict, or a dictionary with one under ``state_dict`` or ``model``, as training scripts write it.

    Raises:
        WeightsNotFound: nothing is there.
        WeightsUnusable: truncated, no PyTorch file, without tensors, or one that wants to run code.
    """
    require_weights(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a pickle's age
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        found = re.search(r"GLOBAL ([\w.]+)", str(error))
        if found is None:
            raise _unreadable(path, "it is no PyTorch file") from error
        raise WeightsUnusable(
            f"{path}: loading it would run code ({found[1]}), which is never allowed; "
            "use the published file, or save network.state_dict() alone"
        ) from error
    except BROKEN_FILE as error:
        raise _unreadable(path, reason_of(error).split(";")[0]) from error
    for key in ("state_dict", "model"):
        if isinstance(loaded, dict) and isinstance(loaded.get(key), dict):
            loaded = loaded[key]
    if not isinstance(loaded, dict) or not all(isinstance(value, torch.Tensor) for value in loaded.values()):
        raise _unreadable(path, f"it holds a {type(loaded).__name__} and not tensors by name")
    return {str(key): value for key, value in loaded.items()}


def require_weights(path: Path) -> None:
    """Raise ``WeightsNotFound`` or ``WeightsUnusable`` unless a path leads to a readable file."""
    require_file(path, "checkpoint", WeightsNotFound, WeightsUnusable)


def _unreadable(path: Path, reason: str) -> WeightsUnusable:
    return WeightsUnusable(f"{path}: the checkpoint cannot be read ({reason}); download it again")


def build(
    make: Callable[[], Network],
    tensors: Mapping[str, torch.Tensor],
    path: Path,
    name: str,
    *,
    key_of: Callable[[str], str] = str,
) -> Network:
    """Return a network with a checkpoint's weights, ready to predict.

    Args:
        make: makes the network; it runs where tensors have no memory, so that nothing is initialised in vain.
        tensors: by the file's keys.
        path: of the checkpoint, for the errors.
        name: the network's, for the errors.
        key_of: turns a key of the network into the file's.

    Raises:
        WeightsUnusable: a key is missing or unknown, a shape is another, or a value is not finite.
    """
    with torch.device("meta"):
        network = make()
    wanted = {key_of(key): tensor for key, tensor in network.state_dict().items()}
    check_keys(
        {key: tuple(tensor.shape) for key, tensor in wanted.items() if not key.endswith(_COUNTER)},
        {key: tuple(tensor.shape) for key, tensor in tensors.items() if not key.endswith(_COUNTER)},
        path,
        name,
    )
    filled = {}
    for key in network.state_dict():
        filled[key] = _value(tensors, key_of(key), path).to(wanted[key_of(key)].dtype)
    network.load_state_dict(filled, assign=True)
    return network.eval().requires_grad_(False)


def _value(tensors: Mapping[str, torch.Tensor], key: str, path: Path) -> torch.Tensor:
    if key.endswith(_COUNTER):
        return torch.zeros(())
    if not torch.isfinite(tensors[key]).all():
        raise WeightsUnusable(f"{path}: {key} has values that are not finite; download the checkpoint again")
    return tensors[key]


def check_keys(
    wanted: Mapping[str, tuple[int, ...]],
    found: Mapping[str, tuple[int, ...]],
    path: Path,
    name: str,
) -> None:
    """Compare the shapes that a network needs with those of a checkpoint.

    Raises:
        WeightsUnusable: naming the first key that is missing, unknown, or of another shape.
    """
    missing = [key for key in wanted if key not in found]
    unknown = [key for key in found if key not in wanted]
    if missing:
        others = f"; {len(missing)} of {len(wanted)} keys are missing" if len(missing) > 1 else ""
        holds = f", it holds {unknown[0]}" if unknown else ""
        raise WeightsUnusable(
            f"{path}: {name} needs {missing[0]}, which is not in it{others}{holds}; give a checkpoint of {name}"
        )
    for key, shape in wanted.items():
        if found[key] != shape:
            raise WeightsUnusable(
                f"{path}: {key} has shape {_text(found[key])} where {name} needs {_text(shape)}; "
                f"give a checkpoint with the published number of classes and widths"
            )
    if unknown:
        raise WeightsUnusable(
            f"{path}: {unknown[0]} is no key of {name} ({len(unknown)} such keys); give a checkpoint of {name}"
        )


def _text(shape: Collection[int]) -> str:
    return " x ".join(map(str, shape)) or "()"


def fold_norms(network: Network) -> Network:
    """Return a network in which each batch normalisation right after a convolution has become part of it.

    What follows a convolution is taken from the order in which a module declares its children.
    """
    for module in list(network.modules()):
        previous: tuple[str, nn.Module] | None = None
        for child_name, child in list(module.named_children()):
            if isinstance(child, nn.BatchNorm2d) and previous is not None and isinstance(previous[1], nn.Conv2d):
                setattr(module, previous[0], fuse_conv_bn_eval(previous[1], child))
                setattr(module, child_name, nn.Identity())
            previous = child_name, child
    return network


def as_torch(arrays: Mapping[str, np.ndarray]) -> dict[str, torch.Tensor]:
    """Return kernels of TensorFlow, (height, width, in, out), as those of PyTorch, (out, in, height, width)."""
    return {
        key: torch.from_numpy(np.ascontiguousarray(np.transpose(array, (3, 2, 0, 1)) if array.ndim == 4 else array))
        for key, array in arrays.items()
    }
