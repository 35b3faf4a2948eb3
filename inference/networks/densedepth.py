"""DenseDepth: a DenseNet-169 encoder with a decoder of doubled sizes, Keras files of ialhashim/DenseDepth.

Two layouts are read: that of the published nyu.h5 and kitti.h5, and that of the code of today.

Source: I. Alhashim and P. Wonka, High Quality Monocular Depth Estimation via Transfer Learning, 2018; G. Huang et al.,
Densely Connected Convolutional Networks, 2017.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ..prediction import Camera, DepthMap, Estimate, Photo
from ..torch_runtime import run_within_memory
from .estimator import PublishedEstimator
from .keras_file import KerasFile, read_keras
from .weights import as_torch, build, fold_norms

UNITS = (6, 12, 32, 32)  # of the dense blocks
GROWTH, BOTTLENECK = 32, 128
NORM_EPS = 1.001e-5
SKIPPED = (256, 128, 64, 64)  # channels that the decoder takes over, the coarsest first
SLOPE = 0.2  # of leaky rectifiers
PUBLISHED_WIDTH = 1664
NEAREST, FARTHEST = 10.0, 1000.0  # of the training's depths, in the unit of 1 cm
FARTHEST_M = 10.0
DIVISOR = 32  # sides are multiples of it
WORK_SIZES_PX = (640, 480, 320)  # of the longer side, the next one where memory is short


@dataclass(frozen=True)
class Layout:
    """In what the generations of files differ.

    Attributes:
        width: channels at the decoder's start.
        activates_twice: whether a leaky rectifier follows both convolutions of a step, or only the second.
        aligns_corners: whether enlarging keeps the corners' centres (TensorFlow 1) or the picture's frame (2).
    """

    width: int = PUBLISHED_WIDTH
    activates_twice: bool = False
    aligns_corners: bool = True


class DenseUnit(nn.Module):
    """Two convolutions that add ``GROWTH`` channels to what they are given."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.add_module("0_bn", nn.BatchNorm2d(channels, NORM_EPS))
        self.add_module("1_conv", nn.Conv2d(channels, BOTTLENECK, 1, bias=False))
        self.add_module("1_bn", nn.BatchNorm2d(BOTTLENECK, NORM_EPS))
        self.add_module("2_conv", nn.Conv2d(BOTTLENECK, GROWTH, 3, padding=1, bias=False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return what was given with the new channels behind it."""
        norm, narrow, inner_norm, grow = self.children()
        new = functional.relu_(inner_norm(narrow(functional.relu_(norm(x)))))
        return torch.cat([x, grow(new)], dim=1)


class Step(nn.Module):
    """One step of the decoder: double the size, look at the encoder's features of that size."""

    def __init__(self, channels: int, skip: int, layout: Layout) -> None:
        super().__init__()
        width = channels // 2
        self.layout = layout
        self.convA = nn.Conv2d(channels + skip, width, 3, padding=1)
        self.convB = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        """Return features of half the width and the skipped ones' size."""
        return functional.leaky_relu_(self.before_activation(x, skip), SLOPE)

    def before_activation(self, x: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        """Return what ``forward`` does, before the last rectifier."""
        x = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=self.layout.aligns_corners)
        x = self.convA(torch.cat([x, skip], dim=1))
        if self.layout.activates_twice:
            x = functional.leaky_relu_(x, SLOPE)
        features: torch.Tensor = self.convB(x)
        return features


class DenseDepth(nn.Module):
    """The network; children are named so that ``key_of`` finds what the files call them."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.conv1 = nn.Sequential()
        self.conv1.add_module("conv", nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False))
        self.conv1.add_module("bn", nn.BatchNorm2d(64, NORM_EPS))
        channels = 64
        for number, units in enumerate(UNITS, start=2):
            for unit in range(units):
                self.add_module(f"conv{number}_block{unit + 1}", DenseUnit(channels))
                channels += GROWTH
            if number - 1 < len(UNITS):
                pool = nn.Sequential()
                pool.add_module("bn", nn.BatchNorm2d(channels, NORM_EPS))
                pool.add_module("relu", nn.ReLU(inplace=True))
                pool.add_module("conv", nn.Conv2d(channels, channels // 2, 1, bias=False))
                self.add_module(f"pool{number}", pool)
                channels //= 2
        self.bn = nn.BatchNorm2d(channels, NORM_EPS)
        self.conv2 = nn.Conv2d(channels, layout.width, 1)
        channels = layout.width
        for number, skip in enumerate(SKIPPED, start=1):
            self.add_module(f"up{number}", Step(channels, skip, layout))
            channels //= 2
        self.conv3 = nn.Conv2d(channels, 1, 3, padding=1)

    def encode(self, pictures: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Return the coarsest features and the skipped ones, the coarsest first."""
        x = functional.relu_(self.conv1(pictures))
        skipped = [x]
        x = functional.max_pool2d(x, 3, stride=2, padding=1)  # the frame of zeros never wins: nothing is below zero
        skipped.append(x)
        for number, units in enumerate(UNITS, start=2):
            for unit in range(units):
                x = self.get_submodule(f"conv{number}_block{unit + 1}")(x)
            if number - 1 < len(UNITS):
                x = functional.avg_pool2d(self.get_submodule(f"pool{number}")(x), 2)
                skipped.append(x)
        return functional.relu_(self.bn(x)), skipped[-2::-1]

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return (N, H / 2, W / 2) float32, the farthest depth over the depth.

        Args:
            pictures: (N, 3, H, W) float32, RGB in 0..1; sides are multiples of 32.
        """
        x, skipped = self.encode(pictures)
        x = self.conv2(x)
        for number, skip in enumerate(skipped, start=1):
            x = self.get_submodule(f"up{number}")(x, skip)
        raw: torch.Tensor = self.conv3(x)[:, 0]
        return raw


def depth_from_raw(raw: np.ndarray) -> np.ndarray:
    """Return float32 depth in parts of the farthest one, 0.01 to 1."""
    with np.errstate(divide="ignore"):
        return (np.clip(FARTHEST / raw, NEAREST, FARTHEST) / FARTHEST).astype(np.float32)


class DenseDepthEstimator(PublishedEstimator):
    """Depth of a photo up to 10 m; metres with weights that were trained on NYU's rooms."""

    name = "densedepth"
    licence = "GPL-3.0 (DenseDepth)"

    def predict(self, photo: Photo, camera: Camera | None) -> Estimate:
        """Return depth, the mean of that of the photo and of its mirror image; metric where the file is named nyu.

        Raises:
            EstimateUnusable: the output is not finite.
            MemoryExhausted: it does not fit at any size.
        """
        pair, note = run_within_memory(lambda px: depth_from_raw(self.raw(prepare(photo.rgb, px))), WORK_SIZES_PX)
        mean = (pair[0] + pair[1, :, ::-1]) / 2
        side = max(mean.shape) / max(photo.size)
        height, width = (max(1, round(length * side)) for length in photo.size)
        z = cv2.resize(FARTHEST_M * mean, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
        return Estimate(DepthMap(z, is_metric="nyu" in self._checkpoint.name.lower()), note=note)

    def raw(self, pictures: torch.Tensor) -> np.ndarray:
        """Return the network's output for pictures as ``prepare`` gives them."""
        return self.take(self.run(pictures), "depth")


def prepare(rgb: np.ndarray, long_px: int) -> torch.Tensor:
    """Return (2, 3, h, w) float32 in 0..1: the picture, its longer side near a size, and its mirror image."""
    scale = long_px / max(rgb.shape[:2])
    height, width = (max(1, round(side * scale / DIVISOR)) * DIVISOR for side in rgb.shape[:2])
    shrinks = rgb.shape[0] * rgb.shape[1] > height * width
    small = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    pair = np.stack([small, small[:, ::-1]]).astype(np.float32) / 255
    return torch.from_numpy(pair).permute(0, 3, 1, 2)


def load(checkpoint: Path, device: str = "auto") -> DenseDepthEstimator:
    """Return the estimator with the weights of a Keras file; the file tells its layout.

    Raises:
        BlockoutError: the file or the device cannot be used.
    """
    file = read_keras(checkpoint)
    layout = layout_of(file)
    name = DenseDepthEstimator.name
    network = fold_norms(build(lambda: DenseDepth(layout), as_torch(file.arrays), checkpoint, name, key_of=key_of))
    return DenseDepthEstimator(network, checkpoint, device)


def layout_of(file: KerasFile) -> Layout:
    """Return which generation a file is of.

    The width is that of its kernels. The activations are those of its layers, where it lists them. Enlarging changed
    when the code moved to TensorFlow 2, after the activations had: with Keras 2.3, or a version that ends in "-tf".
    """
    bias = file.arrays.get("conv2/bias")
    width = PUBLISHED_WIDTH if bias is None else len(bias)
    leaky = file.layer_types.count("LeakyReLU")
    activates_twice = leaky > len(SKIPPED) if file.layer_types else width != PUBLISHED_WIDTH
    found = re.match(r"(\d+)\.(\d+)", file.version)
    is_early = found is not None and (int(found[1]), int(found[2])) < (2, 3) and not file.version.endswith("-tf")
    return Layout(width, activates_twice, aligns_corners=is_early or not activates_twice)


def key_of(name: str) -> str:
    """Return what a Keras file calls a parameter of the network."""
    layer, _, leaf = name.rpartition(".")
    kinds = {"running_mean": "moving_mean", "running_var": "moving_variance"}
    kinds |= {"weight": "gamma", "bias": "beta"} if layer.endswith("bn") else {"weight": "kernel"}
    layer = layer.replace(".", "/") if layer.startswith("conv1.") else layer.replace(".", "_")
    return f"{layer}/{kinds.get(leaf, leaf)}"
