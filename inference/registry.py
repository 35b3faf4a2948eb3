"""The estimators by name: plain tables from a name to what loads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, Protocol

from ..errors import UnknownEstimator
from .catalogue import MODEL_ID
from .prediction import Camera, Estimate, Photo
from .published import load_deeplab, load_densedepth, load_mask_rcnn, load_monodepth, load_sharp_deeplab

Task = Literal["depth", "segments"]
MAP_SUFFIXES: dict[Task, tuple[str, ...]] = {
    "depth": (".npy", ".npz", ".png", ".exr"),
    "segments": (".npy", ".png"),
}


class Estimator(Protocol):
    """What a loader returns.

    Attributes:
        name: as in the tables, for the summary.
        version: of its rules or weights.
        licence: of its weights, or of its code where it has none.
    """

    name: str
    version: str
    licence: str

    def predict(self, photo: Photo, camera: Camera | None) -> Estimate:
        """Return what the estimator sees in a photo; its depth agrees with ``camera`` when one is known."""
        ...


@dataclass(frozen=True)
class Weights:
    """Which network the user asked for, with NAME[:PATH or ID].

    Attributes:
        name: as in the tables.
        given: the path or model id after the name; "" where there is none.
        device: "auto", "cpu", "cuda" or "mps".
    """

    name: str
    given: str = ""
    device: str = "auto"


Loader = Callable[[], Estimator]
NetworkLoader = Callable[[Weights], Estimator]


def load_geometric() -> Estimator:
    """Return the estimator that needs no weights."""
    from .geometric import Geometric  # only here: listing the names must stay cheap

    return Geometric()


def load_embedded() -> Estimator:
    """Return the network whose weights ship with the package."""
    from .embedded import Embedded

    return Embedded()


def load_hub_depth(weights: Weights) -> Estimator:
    """Return a depth network of the transformers library."""
    from .hub_depth import HubDepth

    return HubDepth(weights)


def load_hub_segments(weights: Weights) -> Estimator:
    """Return a segmentation network of the transformers library."""
    from .hub_segments import HubSegments

    return HubSegments(weights)


def load_sam(weights: Weights) -> Estimator:
    """Return Segment Anything."""
    from .sam import Sam

    return Sam(weights)


def load_onnx_depth(weights: Weights) -> Estimator:
    """Return a depth network in an .onnx file."""
    from .onnx_model import OnnxModel

    return OnnxModel(weights, "depth")


def load_onnx_segments(weights: Weights) -> Estimator:
    """Return a segmentation network in an .onnx file."""
    from .onnx_model import OnnxModel

    return OnnxModel(weights, "segments")


DEPTH_ESTIMATORS: dict[str, Loader] = {"embedded": load_embedded, "geometric": load_geometric}
SEGMENT_ESTIMATORS: dict[str, Loader] = {"embedded": load_embedded, "geometric": load_geometric}
DEPTH_NETWORKS: dict[str, NetworkLoader] = {
    "densedepth": load_densedepth,
    "depth-anything-v2": load_hub_depth,
    "depth-pro": load_hub_depth,
    "dpt": load_hub_depth,
    "monodepth": load_monodepth,
    "onnx": load_onnx_depth,
    "zoedepth": load_hub_depth,
}
SEGMENT_NETWORKS: dict[str, NetworkLoader] = {
    "beit": load_hub_segments,
    "deeplab-cocostuff": load_deeplab,
    "deeplab-cocostuff-crf": load_sharp_deeplab,
    "mask-rcnn": load_mask_rcnn,
    "mask2former": load_hub_segments,
    "maskformer": load_hub_segments,
    "oneformer": load_hub_segments,
    "onnx": load_onnx_segments,
    "sam": load_sam,
    "segformer": load_hub_segments,
}
# Of model ids and folders without a name.
HUB_LOADERS: dict[Task, NetworkLoader] = {"depth": load_hub_depth, "segments": load_hub_segments}


def loaders_of(task: Task) -> Mapping[str, Loader]:
    """Return the table of a task's estimators that need nothing but the package."""
    return DEPTH_ESTIMATORS if task == "depth" else SEGMENT_ESTIMATORS


def networks_of(task: Task) -> Mapping[str, NetworkLoader]:
    """Return the table of a task's networks."""
    return DEPTH_NETWORKS if task == "depth" else SEGMENT_NETWORKS


def resolve(argument: str, task: Task, device: str = "auto") -> Loader | Path:
    """Return what NAME[:PATH or ID]|FILE means: an estimator's loader or the path of a map.

    A known name is the estimator, even beside a file that is called so (``./name`` is the file); else it is a file
    where there is one, or where the suffix is that of a map; else a model's folder or id.

    Args:
        argument: as the user typed it.
        task: what it is to estimate.
        device: what a network runs on.

    Raises:
        UnknownEstimator: it is none of these.
    """
    loaders, networks = loaders_of(task), networks_of(task)
    if argument in loaders:
        return loaders[argument]
    name, _, given = argument.partition(":")
    if name in networks:
        return partial(networks[name], Weights(name, given, device))
    path = Path(argument)
    if path.suffix.lower() == ".onnx":
        return partial(networks["onnx"], Weights("onnx", argument, device))
    if path.suffix.lower() in MAP_SUFFIXES[task] or path.is_file():
        return path
    if (path / "config.json").is_file() or MODEL_ID.fullmatch(argument):
        return partial(HUB_LOADERS[task], Weights("", argument, device))
    raise UnknownEstimator(
        f"--{task} {argument}: no estimator has this name and there is no such file; use "
        f"{', '.join(sorted({*loaders, *networks}))}, a model's folder or id, or a file "
        f"(.onnx, {', '.join(MAP_SUFFIXES[task])})"
    )
