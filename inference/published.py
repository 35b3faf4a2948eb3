"""The loaders of the published networks: each wants the path of its checkpoint, and torch when it is used."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from .torch_runtime import require

if TYPE_CHECKING:
    from .registry import Estimator, Weights

_DEEPLAB = "deeplabv2_resnet101_msc-cocostuff164k-100000.pth from github.com/kazuto1011/deeplab-pytorch"
CHECKPOINTS = {  # what to give after the name
    "deeplab-cocostuff": _DEEPLAB,
    "deeplab-cocostuff-crf": _DEEPLAB,
    "densedepth": "nyu.h5 or kitti.h5 from github.com/ialhashim/DenseDepth",
    "mask-rcnn": "maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth from download.pytorch.org/models",
    "monodepth": "model_city2kitti (the name without .index) or another checkpoint from github.com/mrharicot/monodepth",
}


def load_deeplab(weights: Weights) -> Estimator:
    """Return DeepLab v2 for COCO-Stuff."""
    checkpoint = _checkpoint(weights)
    from .networks.deeplab import load

    return load(checkpoint, weights.device)


def load_sharp_deeplab(weights: Weights) -> Estimator:
    """Return DeepLab v2 for COCO-Stuff with the random field behind it."""
    checkpoint = _checkpoint(weights)
    require("pydensecrf", weights.name)
    from .networks.deeplab import load

    return load(checkpoint, weights.device, is_sharp=True)


def load_mask_rcnn(weights: Weights) -> Estimator:
    """Return Mask R-CNN for COCO."""
    checkpoint = _checkpoint(weights)
    from .networks.mask_rcnn import load

    return load(checkpoint, weights.device)


def load_monodepth(weights: Weights) -> Estimator:
    """Return monodepth with the encoder that the checkpoint has."""
    checkpoint = _checkpoint(weights)
    from .networks.monodepth import load

    return load(checkpoint, weights.device)


def load_densedepth(weights: Weights) -> Estimator:
    """Return DenseDepth in the layout that the checkpoint has."""
    checkpoint = _checkpoint(weights)
    require("h5py", weights.name)
    from .networks.densedepth import load

    return load(checkpoint, weights.device)


def _checkpoint(weights: Weights) -> Path:
    """Return the path that the user gave, once it is known that torch is there to read it.

    Raises:
        UsageError: no path was given.
        LibraryMissing: torch is not installed.
    """
    require("torch", weights.name)
    if not weights.given:
        raise UsageError(
            f"{weights.name} needs its weights: write {weights.name}:PATH with that of {CHECKPOINTS[weights.name]}"
        )
    return Path(weights.given)
