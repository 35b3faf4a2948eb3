"""DeepLab v2 with ResNet-101 at three scales: 182 classes of COCO-Stuff, weights of kazuto1011/deeplab-pytorch.

Source: L.-C. Chen et al., DeepLab, 2016; children are named as in the published files.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ..mask_stacks import stack_of_classes
from ..prediction import Camera, Estimate, Photo
from ..torch_runtime import run_within_memory
from .coco_stuff import read_names
from .crf import follow_colours
from .estimator import PublishedEstimator
from .weights import build, fold_norms, read_torch

CLASSES = 182
LAYERS = ((3, 1, 1), (4, 2, 1), (23, 1, 2), (3, 1, 4))  # blocks, stride, dilation
RATES = (6, 12, 18, 24)  # of the four convolutions that look around
SCALES = (0.5, 0.75)  # beside the picture itself
OUTPUT_STRIDE = 8  # px of the picture that one logit stands for
MEAN_BGR = (104.008, 116.669, 122.675)
WORK_SIZES_PX = (513, 385, 257)  # of the longer side, the next one where memory is short


class ConvNorm(nn.Sequential):
    """A convolution, its normalisation, and an activation unless a sum follows."""

    def __init__(
        self, channels: int, width: int, side: int, stride: int = 1, dilation: int = 1, *, activate: bool = True
    ) -> None:
        padding = dilation * (side // 2)
        steps: list[tuple[str, nn.Module]] = [
            ("conv", nn.Conv2d(channels, width, side, stride, padding, dilation, bias=False)),
            ("bn", nn.BatchNorm2d(width)),
        ]
        if activate:
            steps.append(("relu", nn.ReLU(inplace=True)))
        super().__init__(OrderedDict(steps))


class Bottleneck(nn.Module):
    """Three convolutions around a shortcut; the stride is in the first."""

    def __init__(self, channels: int, width: int, stride: int, dilation: int, *, is_first: bool) -> None:
        super().__init__()
        self.reduce = ConvNorm(channels, width // 4, 1, stride)
        self.conv3x3 = ConvNorm(width // 4, width // 4, 3, dilation=dilation)
        self.increase = ConvNorm(width // 4, width, 1, activate=False)
        self.shortcut = ConvNorm(channels, width, 1, stride, activate=False) if is_first else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return features of the full width."""
        return functional.relu_(self.increase(self.conv3x3(self.reduce(x))) + self.shortcut(x))


class Surroundings(nn.Module):
    """The sum of what four dilated convolutions see (ASPP)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        for index, rate in enumerate(RATES):
            self.add_module(f"c{index}", nn.Conv2d(channels, CLASSES, 3, padding=rate, dilation=rate))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits."""
        first, *others = (branch(x) for branch in self.children())
        for logits in others:
            first += logits
        return first


def make_base() -> nn.Sequential:
    """Return the network for one scale: (1, 3, H, W) in, logits of an eighth of the size out."""
    stem = OrderedDict(conv1=ConvNorm(3, 64, 7, stride=2), pool=nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True))
    parts: OrderedDict[str, nn.Module] = OrderedDict(layer1=nn.Sequential(stem))
    channels = 64
    for number, (blocks, stride, dilation) in enumerate(LAYERS, start=2):
        layer = nn.Sequential()
        width = 64 << number
        for index in range(blocks):
            block = Bottleneck(channels, width, 1 if index else stride, dilation, is_first=index == 0)
            layer.add_module(f"block{index + 1}", block)
            channels = width
        parts[f"layer{number}"] = layer
    parts["aspp"] = Surroundings(channels)
    return nn.Sequential(parts)


class DeepLab(nn.Module):
    """The network at three scales: each class's best logit counts."""

    def __init__(self) -> None:
        super().__init__()
        self.base = make_base()

    def forward(self, picture: torch.Tensor, *, whole_sizes: bool = False) -> torch.Tensor:
        """Return (1, 182, h, w) float32 logits, an eighth of the picture's size.

        Args:
            picture: (1, 3, H, W) float32, from ``prepare``.
            whole_sizes: smaller copies sample at the ratio of the sizes, which are whole numbers, as torch did before
                1.6; otherwise at the scale itself, as it does today.
        """
        logits = self.base(picture).float()
        for scale in SCALES:
            other = self.base(_shrink(picture, scale, whole_sizes=whole_sizes)).float()
            logits = torch.maximum(logits, functional.interpolate(other, size=logits.shape[2:], mode="bilinear"))
        return logits


def _shrink(picture: torch.Tensor, scale: float, *, whole_sizes: bool) -> torch.Tensor:
    if whole_sizes:
        size = [math.floor(side * scale) for side in picture.shape[2:]]
        return functional.interpolate(picture, size=size, mode="bilinear")
    return functional.interpolate(picture, scale_factor=scale, mode="bilinear", recompute_scale_factor=False)


def resize(rgb: np.ndarray, long_px: int) -> np.ndarray:
    """Return (h, w, 3) uint8: the picture with its longer side at a size, as the original brings it there."""
    scale = long_px / max(rgb.shape[:2])
    return cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)


def prepare(rgb: np.ndarray) -> torch.Tensor:
    """Return (1, 3, H, W) float32, BGR without its mean, of (H, W, 3) uint8, sRGB."""
    bgr = rgb[..., ::-1].astype(np.float32) - np.array(MEAN_BGR, np.float32)
    return torch.from_numpy(bgr).permute(2, 0, 1)[None]


class DeepLabEstimator(PublishedEstimator):
    """What covers each pixel of a photo, one mask for each class."""

    name = "deeplab-cocostuff"
    licence = "MIT (deeplab-pytorch; trained on COCO-Stuff)"

    def predict(self, photo: Photo, camera: Camera | None) -> Estimate:
        """Return the classes at the size that the original works at: 513 px along the longer side.

        Raises:
            EstimateUnusable: the output is not finite.
            MemoryExhausted: it does not fit at any size.
        """
        likely, note = run_within_memory(lambda px: self.classify(resize(photo.rgb, px)), WORK_SIZES_PX)
        return Estimate(segments=stack_of_classes(likely, read_names(), cell_px=OUTPUT_STRIDE), note=note)

    def classify(self, rgb: np.ndarray) -> np.ndarray:
        """Return (182, H, W) float32, how likely each class is at each pixel of (H, W, 3) uint8, sRGB."""
        logits = torch.from_numpy(self.take(self.run(prepare(rgb)), "logits"))
        likely = functional.interpolate(logits, size=rgb.shape[:2], mode="bilinear").softmax(dim=1)[0]
        return likely.numpy()


class SharpDeepLabEstimator(DeepLabEstimator):
    """The same with the random field that its authors put behind it."""

    name = "deeplab-cocostuff-crf"

    def classify(self, rgb: np.ndarray) -> np.ndarray:
        """Return (182, H, W) float32, how likely each class is at each pixel of (H, W, 3) uint8, sRGB."""
        return follow_colours(super().classify(rgb), rgb[..., ::-1])


def load(checkpoint: Path, device: str = "auto", *, is_sharp: bool = False) -> DeepLabEstimator:
    """Return the estimator with the weights of a published .pth.

    Args:
        checkpoint: the file.
        device: "auto", "cpu", "cuda" or "mps".
        is_sharp: whether the random field follows.

    Raises:
        BlockoutError: the file or the device cannot be used.
    """
    kind = SharpDeepLabEstimator if is_sharp else DeepLabEstimator
    return kind(fold_norms(build(DeepLab, read_torch(checkpoint), checkpoint, kind.name)), checkpoint, device)
